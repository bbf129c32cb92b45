/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/cgroupfs.h"

#include <errno.h>
#include <stdbool.h>

#include "base/file.h"

/* The mount point of the first line of mountinfo whose type is cgroup2. */
int fl_cgroup_mount(struct fl_buf *ret)
{
	_cleanup_file_ struct fl_file f = {};
	struct fl_str rest, line, word;
	int r = fl_file_open("/proc/self/mountinfo", 16u << 20, &f);

	if (r < 0)
		return r;
	rest = fl_file_str(&f);
	while (fl_str_line(&rest, &line)) {
		struct fl_str point = {};
		bool behind = false;

		for (int i = 0; fl_str_word(&line, &word); i++) {
			if (i == 4)
				point = word;
			if (behind && fl_str_is(word, "cgroup2")) {
				fl_buf_add_str(ret, point);
				return ret->error;
			}
			behind = fl_str_is(word, "-");
		}
	}
	return -EOPNOTSUPP;
}
