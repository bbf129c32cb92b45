/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trees of "foreland mount", and where each stands in a system. */
#ifndef CLI_MOUNT_TREES_H
#define CLI_MOUNT_TREES_H

#include "mount/server.h"
#include "vfs/node.h"

enum mount_tree {
	MOUNT_TRACING = 1u << 0,
	MOUNT_CONFIG = 1u << 1,
	MOUNT_PCI = 1u << 2,
	MOUNT_ALLOCINFO = 1u << 3,
	MOUNT_ALL = (1u << 4) - 1,
};

struct mount_trees;

struct mount_trees_opts {
	unsigned int which; /* enum mount_tree */
	bool dump;
	const char *socket; /* of the endpoint; NULL: none, its host is in the tree */
};

/* Complains by itself. 0 or -errno. */
int mount_trees_new(const struct mount_trees_opts *o, struct mount_trees **ret);
void mount_trees_free(struct mount_trees *t);

struct fl_node *mount_trees_root(struct mount_trees *t); /* borrowed */

/* The kernel's own tracefs is mounted by now, where it can be: what it alone can tell is added. */
int mount_trees_reached(struct mount_trees *t);

/* What the trees do between requests; and around each request, where others use what lies behind them. */
void mount_trees_tick(struct mount_trees *t);
void mount_trees_lock(struct mount_trees *t);
void mount_trees_unlock(struct mount_trees *t);

/* What a command sees at which path, of @which; at most MOUNT_BINDS_MAX. */
#define MOUNT_BINDS_MAX 8
size_t mount_trees_binds(unsigned int which, struct fl_mount_bind binds[static MOUNT_BINDS_MAX]);

/* "tracing|config|pci|allocinfo": -EINVAL for another word. */
int mount_tree_parse(const char *name, unsigned int *ret);

#endif
