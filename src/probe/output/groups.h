/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers by the ids of control groups (of version 2), as records have them. */
#ifndef PROBE_OUTPUT_GROUPS_H
#define PROBE_OUTPUT_GROUPS_H

#include "base/cleanup.h"
#include "base/str.h"

struct fl_groups;

/* Each group is asked for once. */
int fl_groups_new(struct fl_groups **ret);
void fl_groups_free(struct fl_groups *g);

/*
 * The container that the group belongs to: its id, or its name where engines give no ids; empty where it belongs
 * to none; "?" where that cannot be told: the group has gone, or its file system is not mounted here, or asking by id
 * is not permitted. Good as long as @g is.
 */
struct fl_str fl_groups_container(struct fl_groups *g, uint64_t id);

/* The same of a group's path: what engines call their groups is said there. */
struct fl_str fl_container_of_path(struct fl_str path);

#endif
