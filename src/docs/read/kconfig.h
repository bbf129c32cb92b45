/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that the tree's Kconfig files define, read by a thread of their own. */
#ifndef DOCS_READ_KCONFIG_H
#define DOCS_READ_KCONFIG_H

#include "docs/tree/tree.h"

/* @tree is given; the rest begins as zeroes. */
struct docs_symbols {
	const struct docs_tree *tree;
	struct fl_map names; /* without CONFIG_; the keys live in @arena */
	struct fl_arena arena;
	pthread_t thread;
	bool started, read;
	int error;
};

/* Begins to read in a thread, where one can be had. */
void docs_symbols_start(struct docs_symbols *s);

/* Afterwards @names is complete, whether reading was begun or not. */
int docs_symbols_wait(struct docs_symbols *s);

void docs_symbols_fini(struct docs_symbols *s);

#endif
