/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records under headings with sums: by directory, module, function, or by chains of callers. */
#ifndef ALLOC_VIEWS_GROUP_H
#define ALLOC_VIEWS_GROUP_H

#include "alloc/records/order.h"

enum fl_alloc_tree {
	FL_ALLOC_TREE_DIR,	/* path components, the file, then its tags */
	FL_ALLOC_TREE_MODULE,	/* the module, then its tags */
	FL_ALLOC_TREE_FUNCTION, /* the function, then its tags */
	FL_ALLOC_TREE_CALLERS,	/* the function that asked, then its callers, theirs, ... */
	FL_ALLOC_TREE_CALLEES,	/* the outermost function, then what it called, ... */
	_FL_ALLOC_TREE_MAX,
};

#define FL_ALLOC_TREES "dir|module|function|callers|callees"

int fl_alloc_tree_parse(const char *text, enum fl_alloc_tree *ret);

struct fl_alloc_group {
	struct fl_str name; /* one path component, a module, a function; "" at the root */
	int64_t bytes;	    /* sums over all tags beneath */
	uint64_t calls;
	size_t tags;
	const struct fl_alloc_record *record; /* a tag; NULL for a heading */
	struct fl_alloc_group *children;      /* a list, in the order asked for */
	struct fl_alloc_group *next;
};

/* Directories nest this deep; what lies deeper stays in one component. So do chains of callers. */
#define FL_ALLOC_TREE_DEPTH  32
#define FL_ALLOC_CHAIN_DEPTH 128

/* -ENOMEM. The tree lives in @arena and refers to @set. */
int fl_alloc_group(const struct fl_alloc_set *set, enum fl_alloc_tree kind,
		   const struct fl_alloc_order *o, struct fl_arena *arena,
		   struct fl_alloc_group **ret);

#endif
