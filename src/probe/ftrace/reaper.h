/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that outlives us. What we make in tracefs stays there when we are killed, so before the
 * first of it is made a child is started that does nothing but wait for our end, and then removes
 * what carries our name. In a session of its own, so that what kills our group does not reach it.
 */
#ifndef PROBE_FTRACE_REAPER_H
#define PROBE_FTRACE_REAPER_H

#include <sys/types.h>

#include "base/str.h"

struct fl_reaper {
	int fd; /* of the pipe that tells it; -1: there is none */
	pid_t pid;
};

/* @owner is of probe/target/owner.h. 0 or -errno. */
int fl_reaper_start(struct fl_reaper *k, const char *tracefs, struct fl_str owner);

/* All is removed: the child ends without doing anything. */
void fl_reaper_stop(struct fl_reaper *k);

#endif
