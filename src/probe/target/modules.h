/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether modules came or went: symbols that were read before are no longer those that there are. */
#ifndef PROBE_TARGET_MODULES_H
#define PROBE_TARGET_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Zero-initialise to start. */
struct fl_modules_watch {
	uint64_t sum;	 /* of the list, 0: never read */
	uint64_t looked; /* when, ns of the monotonic clock */
};

/*
 * Looks into /proc/modules, at most once in ten milliseconds. True where the list is another one than at the
 * last look; the first look is none.
 */
bool fl_modules_changed(struct fl_modules_watch *w);

enum fl_module_kept {
	FL_MODULE_UNKNOWN, /* there is no list */
	FL_MODULE_ON_DISK,
	FL_MODULE_BUILT_IN,
	FL_MODULE_ABSENT,
};

/* Where the running kernel's own folder has a module: by depmod's lists, in which "-" and "_" are one. */
enum fl_module_kept fl_module_kept(struct fl_str name);

#endif
