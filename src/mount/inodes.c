/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hash tables of chains over the same entries, by number and by node. They grow together, so that
 * a listing of 100,000 files costs each of them a step.
 */
#include "mount/inodes.h"

#include <errno.h>
#include <stdlib.h>

#define ROOT 1

struct inode {
	struct fl_node *node; /* counted */
	uint64_t ino, holds, size, opens;
	bool large;
	struct inode *next_by_ino, *next_by_node;
};

struct fl_inodes {
	struct inode **by_ino, **by_node;
	size_t buckets, n; /* a power of two */
	uint64_t last;
};

static size_t ino_bucket(const struct fl_inodes *t, uint64_t ino)
{
	return ino & (t->buckets - 1);
}

static size_t node_bucket(const struct fl_inodes *t, const struct fl_node *node)
{
	return ((uintptr_t)node * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->buckets - 1);
}

static void insert(struct fl_inodes *t, struct inode *i)
{
	struct inode **a = &t->by_ino[ino_bucket(t, i->ino)];
	struct inode **b = &t->by_node[node_bucket(t, i->node)];

	i->next_by_ino = *a;
	*a = i;
	i->next_by_node = *b;
	*b = i;
}

static int resize(struct fl_inodes *t, size_t buckets)
{
	struct fl_inodes bigger = { .buckets = buckets, .n = t->n, .last = t->last };

	bigger.by_ino = calloc(buckets, sizeof(struct inode *));
	bigger.by_node = calloc(buckets, sizeof(struct inode *));
	if (!bigger.by_ino || !bigger.by_node) {
		free(bigger.by_ino);
		free(bigger.by_node);
		return -ENOMEM;
	}
	for (size_t k = 0; k < t->buckets; k++)
		for (struct inode *i = t->by_ino[k], *next; i; i = next) {
			next = i->next_by_ino;
			insert(&bigger, i);
		}
	free(t->by_ino);
	free(t->by_node);
	*t = bigger;
	return 0;
}

static struct inode *find(const struct fl_inodes *t, uint64_t ino)
{
	struct inode *i = t->by_ino[ino_bucket(t, ino)];

	while (i && i->ino != ino)
		i = i->next_by_ino;
	return i;
}

uint64_t fl_inodes_hold(struct fl_inodes *t, struct fl_node *node)
{
	struct inode *i = t->by_node[node_bucket(t, node)];

	while (i && i->node != node)
		i = i->next_by_node;
	if (i) {
		i->holds++;
		return i->ino;
	}
	if (t->n >= t->buckets && resize(t, t->buckets * 2) < 0)
		return 0;
	i = calloc(1, sizeof(*i));
	if (!i)
		return 0;
	i->node = fl_node_ref(node);
	i->ino = ++t->last;
	i->holds = 1;
	insert(t, i);
	t->n++;
	return i->ino;
}

static void unlink_ino(struct fl_inodes *t, struct inode *i)
{
	struct inode **at = &t->by_ino[ino_bucket(t, i->ino)];

	while (*at != i)
		at = &(*at)->next_by_ino;
	*at = i->next_by_ino;
}

static void unlink_node(struct fl_inodes *t, struct inode *i)
{
	struct inode **at = &t->by_node[node_bucket(t, i->node)];

	while (*at != i)
		at = &(*at)->next_by_node;
	*at = i->next_by_node;
}

void fl_inodes_forget(struct fl_inodes *t, uint64_t ino, uint64_t n)
{
	struct inode *i = find(t, ino);

	if (!i)
		return;
	i->holds -= n < i->holds ? n : i->holds;
	if (i->holds || ino == ROOT)
		return;
	unlink_ino(t, i);
	unlink_node(t, i);
	fl_node_unref(i->node);
	free(i);
	t->n--;
}

struct fl_node *fl_inodes_node(const struct fl_inodes *t, uint64_t ino)
{
	struct inode *i = find(t, ino);

	return i ? i->node : NULL;
}

void fl_inodes_opened(struct fl_inodes *t, uint64_t ino, uint64_t size)
{
	struct inode *i = find(t, ino);

	if (!i)
		return;
	i->opens++;
	i->size = size;
}

void fl_inodes_closed(struct fl_inodes *t, uint64_t ino)
{
	struct inode *i = find(t, ino);

	if (i && i->opens)
		i->opens--;
}

uint64_t fl_inodes_size(const struct fl_inodes *t, uint64_t ino)
{
	const struct inode *i = find(t, ino);

	return i && i->opens ? i->size : 0;
}

void fl_inodes_set_large(struct fl_inodes *t, uint64_t ino)
{
	struct inode *i = find(t, ino);

	if (i)
		i->large = true;
}

bool fl_inodes_is_large(const struct fl_inodes *t, uint64_t ino)
{
	const struct inode *i = find(t, ino);

	return i && i->large;
}

int fl_inodes_new(struct fl_node *root, struct fl_inodes **ret)
{
	struct fl_inodes *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (resize(t, 64) < 0 || fl_inodes_hold(t, root) != ROOT) {
		fl_inodes_free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void fl_inodes_free(struct fl_inodes *t)
{
	if (!t)
		return;
	for (size_t k = 0; k < t->buckets; k++)
		for (struct inode *i = t->by_ino[k], *next; i; i = next) {
			next = i->next_by_ino;
			fl_node_unref(i->node);
			free(i);
		}
	free(t->by_ino);
	free(t->by_node);
	free(t);
}
