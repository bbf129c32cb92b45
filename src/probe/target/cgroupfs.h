/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where control groups of version 2 are. */
#ifndef PROBE_TARGET_CGROUPFS_H
#define PROBE_TARGET_CGROUPFS_H

#include "base/buf.h"

/* Appends the folder of the first cgroup2 that this process sees mounted. -EOPNOTSUPP: there is none. */
int fl_cgroup_mount(struct fl_buf *ret);

#endif
