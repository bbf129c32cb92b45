/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes by the numbers that the kernel knows them by. A number is given when a node is first looked
 * up, stays the same as long as the kernel holds it, and is never used again: a directory that makes
 * its children anew cannot answer for the ones before. One thread.
 */
#ifndef MOUNT_INODES_H
#define MOUNT_INODES_H

#include <stdint.h>

#include "vfs/node.h"

struct fl_inodes;

/* @root gets number 1 and is held until the end. */
int fl_inodes_new(struct fl_node *root, struct fl_inodes **ret);
void fl_inodes_free(struct fl_inodes *t);

/* The node of @ino, borrowed; NULL for a number that was never given or was forgotten. */
struct fl_node *fl_inodes_node(const struct fl_inodes *t, uint64_t ino);

/* The number of @node, held once more; takes a reference of its own. 0 when out of memory. */
uint64_t fl_inodes_hold(struct fl_inodes *t, struct fl_node *node);
/* The kernel gives @n holds of @ino back. */
void fl_inodes_forget(struct fl_inodes *t, uint64_t ino, uint64_t n);

/*
 * The size that the file has for those who ask while it is open: of what the last opening read. 0 as
 * long as nobody has it open, as the kernel's own files of this kind have it.
 */
void fl_inodes_opened(struct fl_inodes *t, uint64_t ino, uint64_t size);
void fl_inodes_closed(struct fl_inodes *t, uint64_t ino);
uint64_t fl_inodes_size(const struct fl_inodes *t, uint64_t ino);

/* A folder that was found to have very many names: looked into often. */
void fl_inodes_set_large(struct fl_inodes *t, uint64_t ino);
bool fl_inodes_is_large(const struct fl_inodes *t, uint64_t ino);

#endif
