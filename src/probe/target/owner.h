/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a dynamic event is. What we create in the kernel's own tracefs outlives us when we are
 * killed; so every group of events and every instance that foreland creates there is called
 *
 *	foreland_PID_START[_NAMESPACE]
 *
 * after the process that owns it and when that was started, which together are never used again; and
 * after the process namespace that the number is of, where that is not the first one (a container's).
 * Whoever finds such a name can tell whether its owner still runs, and remove what nobody owns.
 */
#ifndef PROBE_TARGET_OWNER_H
#define PROBE_TARGET_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

/* Appends the name for events of @pid (0: of this process). -ESRCH where there is no such one. */
int fl_owner_name(pid_t pid, struct fl_buf *out);

/* The name is of that form. */
bool fl_owner_is(struct fl_str name);

enum fl_owner_state {
	FL_OWNER_GONE,
	FL_OWNER_ALIVE,
	FL_OWNER_ELSEWHERE, /* of another process namespace: it cannot be told from here */
};

enum fl_owner_state fl_owner_state(struct fl_str name);

/*
 * Removes from the tracefs at @tracefs all instances and dynamic events whose owner is gone.
 * @fn is called for each, with 0, the -errno of removing it, or -EXDEV of what is left alone because its
 * owner is of another process namespace; a non-zero result ends the walk and
 * is returned. -ENOENT where tracefs knows no dynamic events.
 */
int fl_owner_clean(const char *tracefs, int (*fn)(void *ctx, struct fl_str what, int err), void *ctx);

/* The same for what is called @name, whether its owner runs or not. */
int fl_owner_remove(const char *tracefs, struct fl_str name,
		    int (*fn)(void *ctx, struct fl_str what, int err), void *ctx);

#endif
