/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many names looked for in a text at once, in any case. */
#ifndef DOCS_PATCH_NEEDLES_H
#define DOCS_PATCH_NEEDLES_H

#include "base/arena.h"
#include "base/str.h"

struct docs_needles {
	struct docs_needle *v; /* in the order in which they were added */
	size_t n, cap, shortest;
	uint16_t *shift; /* by the last two bytes; NULL until the first search */
	uint32_t *first; /* by the same: the first needle that ends so, plus one */
};

/* @text lives as long as the needles; empty ones are left out. @kind and @dir are the caller's. */
int docs_needles_add(struct docs_needles *s, struct fl_str text, int kind, struct fl_str dir);

/* Makes the tables, after which several threads may search. */
int docs_needles_ready(struct docs_needles *s);

typedef bool docs_needle_hit(void *ctx, struct fl_str text, size_t at, const struct docs_needle *needle);

/*
 * Calls @hit for each place where a needle stands in @text; one that returns true ends the search, and
 * then so does this.
 */
bool docs_needles_find(const struct docs_needles *s, struct fl_str text,
		       docs_needle_hit *hit, void *ctx);

void docs_needles_fini(struct docs_needles *s);

struct docs_needle {
	struct fl_str text, dir;
	int kind;
	uint32_t next; /* that ends with the same two bytes, plus one */
};

#endif
