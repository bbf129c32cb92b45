/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files can have other findings after a change than before, beside those that it touches.
 */
#ifndef DOCS_PATCH_AFFECTED_H
#define DOCS_PATCH_AFFECTED_H

#include "docs/patch/needles.h"
#include "docs/run/session.h"

struct docs_affected {
	struct docs_tree *before, *after;
	struct docs_opts opts;
	struct docs_session find; /* reads the files that may name something; its facts are the places */
	struct docs_needles everywhere; /* paths that are gone */
	struct docs_needles pages;	/* in pages */
	struct docs_needles sources;	/* labels and C names: in pages, and in comments that pages include */
	struct docs_needles abi;
	struct fl_map paths; /* the answer */
	struct fl_arena arena;
	bool whole; /* everything can have changed */
	int error;
};

/*
 * @was and @is are sessions over the @n files @touched, one in each tree, which read nothing else
 * ("local"). Afterwards @paths has the other files that can be affected, or @whole is true.
 */
int docs_affected_find(struct docs_affected *a, const struct docs_session *was, const struct docs_session *is,
		       char *const *touched, size_t n);
void docs_affected_fini(struct docs_affected *a);

#endif
