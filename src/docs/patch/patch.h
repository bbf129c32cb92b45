/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patches: unified diffs, alone, in mails, and as series one after the other. They are read into
 * mails and changes, and applied to a tree's overlay in order.
 */
#ifndef DOCS_PATCH_H
#define DOCS_PATCH_H

#include "base/arena.h"
#include "base/str.h"
#include "docs/finding/sink.h"
#include "docs/patch/change.h"
#include "docs/tree/tree.h"

struct docs_mail {
	struct fl_str subject, recipients, body; /* body: the changelog, before the diff */
	uint32_t subject_line, recipients_line;
	struct docs_change *changes;
	struct docs_mail *next;
};

/* Reads @text; mails without a diff are left out. What is returned points into @text and @a. */
int docs_patch_read(struct fl_arena *a, struct fl_str text, struct docs_mail **ret);

/*
 * Applies @mails to @t. What does not apply is reported in @sink, which has the patch for its file,
 * and left as it was. -ENOMEM, or 0.
 */
int docs_patch_apply(const struct docs_mail *mails, struct docs_tree *t, struct docs_sink *sink);

/* Takes quoted-printable and base64 out of mails that are sent so; others are returned as they are. */
struct fl_str docs_mail_decode(struct fl_arena *a, struct fl_str text);

/* What reviewers ask of a mail: its subject, its recipients, its quotations. mail.c */
void docs_mail_check(const struct docs_mail *m, const struct docs_tree *t, struct docs_sink *sink,
		     bool fixes_warning);

#endif
