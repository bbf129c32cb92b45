/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Six functions that a static libelf or libdw asks for where its own are not to be had: elfutils
 * keeps them in a helper library, libeu, and Debian 13 packages libelf.a and libdw.a without it. They
 * are tsearch(3) and its family on a tree whose first member is the root; whatever else the caller's
 * struct holds, the lock among it, is not touched, one lock here serves all trees. The build takes
 * this file along only where a test program does not link without it (meson.build, "static").
 */
#include <pthread.h>
#include <search.h>
#include <stddef.h>

struct tree {
	void *root;
};

typedef int compare_fn(const void *, const void *);

void eu_search_tree_init(struct tree *tree);
void eu_search_tree_fini(struct tree *tree, void (*free_node)(void *));
void *eu_tsearch(const void *key, struct tree *tree, compare_fn *compare);
void *eu_tfind(const void *key, struct tree *tree, compare_fn *compare);
void *eu_tdelete(const void *key, struct tree *tree, compare_fn *compare);
void eu_tdestroy(struct tree *tree, void (*free_node)(void *));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void eu_search_tree_init(struct tree *tree)
{
	tree->root = NULL;
}

void *eu_tsearch(const void *key, struct tree *tree, compare_fn *compare)
{
	void *node;

	pthread_mutex_lock(&lock);
	node = tsearch(key, &tree->root, compare);
	pthread_mutex_unlock(&lock);
	return node;
}

void *eu_tfind(const void *key, struct tree *tree, compare_fn *compare)
{
	void *node;

	pthread_mutex_lock(&lock);
	node = tfind(key, &tree->root, compare);
	pthread_mutex_unlock(&lock);
	return node;
}

void *eu_tdelete(const void *key, struct tree *tree, compare_fn *compare)
{
	void *parent;

	pthread_mutex_lock(&lock);
	parent = tdelete(key, &tree->root, compare);
	pthread_mutex_unlock(&lock);
	return parent;
}

void eu_tdestroy(struct tree *tree, void (*free_node)(void *))
{
	tdestroy(tree->root, free_node);
	tree->root = NULL;
}

void eu_search_tree_fini(struct tree *tree, void (*free_node)(void *))
{
	eu_tdestroy(tree, free_node);
}
