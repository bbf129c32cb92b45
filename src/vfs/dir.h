/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ready-made nodes: a directory that keeps its children in memory, an attribute file of the
 * show/store kind, a symbolic link. An engine builds its tree of these and writes its own struct
 * fl_node_ops only for what is special; such a table names fl_dir_lookup(), fl_dir_readdir() and
 * fl_dir_free() for the rest.
 *
 * Each _new() returns a node with one reference that belongs to the caller, or NULL when out of
 * memory. fl_dir_add() takes that reference over, also when it fails.
 */
#ifndef VFS_DIR_H
#define VFS_DIR_H

#include "base/buf.h"
#include "vfs/node.h"

/* @ops NULL: a directory that only the program itself changes. */
struct fl_node *fl_dir_new(const struct fl_node_ops *ops, void *data);

/*
 * -EEXIST where the name is taken, -ENOMEM also for @child NULL. Sets child->parent, but where the child
 * stands in a directory already: then it is shown in both, and ".." leads into the first.
 */
int fl_dir_add(struct fl_node *dir, struct fl_str name, struct fl_node *child);
/* -ENOENT where there is none. The node lives on while somebody holds it. */
int fl_dir_remove(struct fl_node *dir, struct fl_str name);
void fl_dir_clear(struct fl_node *dir);
/* Borrowed; NULL where there is none. */
struct fl_node *fl_dir_find(struct fl_node *dir, struct fl_str name);
size_t fl_dir_count(const struct fl_node *dir);
/* The directories of @path below @root, made where they are missing; borrowed, NULL on failure. */
struct fl_node *fl_dir_make_path(struct fl_node *root, struct fl_str path);

int fl_dir_lookup(struct fl_node *dir, struct fl_str name, struct fl_node **ret);
int fl_dir_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx);
void fl_dir_free(struct fl_node *dir);

/*
 * An attribute: show() fills the whole text at open (so a reader sees one moment, as with seq_file),
 * store() gets each write whole, its final newline included. Without one of them the mode's bit is
 * taken away. truncate(), where there is one, is told of an opening for writing with O_TRUNC, which
 * fails with what it returns.
 */
struct fl_attr_ops {
	int (*show)(struct fl_node *attr, struct fl_buf *out);
	int (*store)(struct fl_node *attr, struct fl_str text);
	int (*truncate)(struct fl_node *attr);
	/*
	 * Grows with what there is to be read; who polls waits for it: POLLIN while it is not what was read, POLLPRI
	 * once it is not what it was at open. NULL: a poll never waits.
	 */
	uint64_t (*version)(struct fl_node *attr);
};

struct fl_node *fl_attr_new(const struct fl_attr_ops *ops, mode_t mode, void *data);

struct fl_node *fl_link_new(struct fl_str target);

#endif
