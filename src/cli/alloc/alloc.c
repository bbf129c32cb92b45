/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc: the group. */
#include "cli/cmds.h"

extern const struct fl_cmd fl_cmd_alloc_diff, fl_cmd_alloc_run, fl_cmd_alloc_show, fl_cmd_alloc_top,
	fl_cmd_alloc_watch;

static const struct fl_cmd *const subs[] = {
	&fl_cmd_alloc_show,
	&fl_cmd_alloc_top,
	&fl_cmd_alloc_diff,
	&fl_cmd_alloc_watch,
	&fl_cmd_alloc_run,
	NULL,
};

const struct fl_cmd fl_cmd_alloc = {
	.name = "alloc",
	.summary = "Who holds the memory: allocation tags of the kernel and of programs",
	.about = "Reads /proc/allocinfo (by ioctl where the kernel has it), saved dumps of it, live\n"
		 "programs, and stock kernels that have neither. The filters are those of the\n"
		 "kernel's interface, wherever the tags come from.",
	.subs = subs,
};
