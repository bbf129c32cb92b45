/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the control groups of the second version lie, and which of them is a container's. */
#ifndef PROBE_LIVE_CGROUP_H
#define PROBE_LIVE_CGROUP_H

#include "base/buf.h"

/**
 * fl_cgroup_open() - a group by its folder, or as /proc/PID/cgroup has it
 * @path: "/sys/fs/cgroup/system.slice/x.service", "/system.slice/x.service" or "system.slice/x.service"
 *
 * Return: a descriptor, -ENOENT where there is none, -EOPNOTSUPP where no such groups are mounted.
 */
int fl_cgroup_open(const char *path);

/**
 * fl_cgroup_of_container() - the group that a container's processes are in
 * @id: the beginning of its id, as its engine lists it, or its machine's name
 * @ret: its folder; on -ENOTUNIQ those that fit, a line each
 *
 * Engines name it after the container: "ID", "docker-ID.scope", "cri-containerd-ID.scope".
 */
int fl_cgroup_of_container(const char *id, struct fl_buf *ret);

#endif
