/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is new: findings against an earlier run, against a saved one, and the allow list of the tree.
 * Two findings are the same when file, check and message are; numbers in messages do not count.
 */
#ifndef DOCS_COMPARE_H
#define DOCS_COMPARE_H

#include "docs/patch/patch.h"
#include "docs/run/session.h"

/* Marks what @before had too as known. Returns the number of findings that are gone by count. */
size_t docs_mark_known(struct docs_session *now, const struct docs_session *before);

/* The same against saved output, text or JSON lines. -EINVAL: neither. */
int docs_mark_baseline(struct docs_session *now, struct fl_str saved);

/*
 * Takes out what the tree's own list allows, ".foreland-docs-allow" at its top: lines of
 * "PATH CHECK REASON", PATH with wildcards. @ret_bad is the first line that is none, or 0.
 */
int docs_allow(struct docs_session *run, uint32_t *ret_bad);

/*
 * Files that the patch takes away and that others still name, reported in the sink of @run's worker 0.
 * @found has searched the tree for them (docs_affected_find()).
 */
void docs_still_named(struct docs_session *run, const struct docs_session *found, const struct docs_mail *mails,
		      const char *patch, struct fl_str text);

#endif
