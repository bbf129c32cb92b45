/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of /proc/PID/maps, and the file behind it. The name in that line is text that the process
 * chose: what lies there now may be a FIFO, a link to somebody's secrets, or another version.
 */
#ifndef BASE_MAPPING_H
#define BASE_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

struct fl_mapping {
	uint64_t start, end, offset;
	char perms[4]; /* "r-xp" */
	uint32_t major, minor;
	uint64_t inode;
	struct fl_str path; /* as it stands there, with " (deleted)" where it does; empty: none */
};

bool fl_mapping_parse(struct fl_str line, struct fl_mapping *ret);

/*
 * The file that @pid has mapped there and no other: -ESTALE where the name leads to another one,
 * -EINVAL where it is no regular file.
 */
int fl_mapping_open_fd(int pid, const struct fl_mapping *m);
int fl_mapping_open(int pid, const struct fl_mapping *m, size_t max, struct fl_file *ret);

#endif
