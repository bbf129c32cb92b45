/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/allocinfo as a node of a tree, over any tag space: read as the kernel's seq_file gives it,
 * and the requests in all shapes.
 */
#ifndef ALLOC_PROCFS_ALLOCINFO_H
#define ALLOC_PROCFS_ALLOCINFO_H

#include "alloc/procfs/space.h"
#include "vfs/node.h"

/*
 * A file of mode 0400. The space is borrowed and must outlive the node. Requests take memory of
 * this process; what cannot be read or written there is -EFAULT.
 */
struct fl_node *fl_allocinfo_node(struct fl_tag_space *space);

#endif
