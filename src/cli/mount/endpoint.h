/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The endpoint of "foreland mount": configfs on one side, and on the other either a host that is part of the
 * same tree, or, at a socket, one that is another program.
 */
#ifndef CLI_MOUNT_ENDPOINT_H
#define CLI_MOUNT_ENDPOINT_H

#include "vfs/node.h"

struct mount_endpoint;

/* @socket NULL: the host is in the tree. Complains by itself. 0 or -errno. */
int mount_endpoint_new(const char *socket, struct mount_endpoint **ret);
void mount_endpoint_free(struct mount_endpoint *e); /* NULL is allowed */
struct fl_node *mount_endpoint_root(struct mount_endpoint *e); /* borrowed */

/* From time to time: what was bound and started meanwhile is served. NULL is allowed, as below. */
void mount_endpoint_tick(struct mount_endpoint *e);
/* Around each use of the tree. */
void mount_endpoint_lock(struct mount_endpoint *e);
void mount_endpoint_unlock(struct mount_endpoint *e);

#endif
