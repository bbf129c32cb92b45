/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events through the kernel's own tracer, for where BPF may not be used: their lowered text is put
 * into dynamic_events, and they are read from an instance of their own, so that nobody else's
 * buffers and settings are touched.
 *
 * tracefs outlives who writes to it. What is created carries its owner's name (target/owner.h), and
 * a helper process waits for the owner's death, however it comes, to remove it.
 *
 * Order of calls: new, add each event, start, read as often as wanted, stop, read once more, free.
 * One thread.
 */
#ifndef PROBE_VIA_VIA_H
#define PROBE_VIA_VIA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/lang/event.h"
#include "probe/target/target.h"

struct fl_via;

struct fl_via_opts {
	uint32_t pid;	  /* a process and what it starts; 0: all */
	const char *comm; /* command name; NULL: all */
	bool boot_clock;  /* else monotonic */
};

/* -ENOENT where tracefs is not mounted. @target is borrowed. */
int fl_via_new(struct fl_target *target, const struct fl_via_opts *opts, struct fl_via **ret);
/* Removes everything that was made. */
void fl_via_free(struct fl_via *v);
FL_DEFINE_CLEANUP(struct fl_via *, fl_via_free);
#define _cleanup_via_ _cleanup_(fl_via_freep)

/* @e and @filter (the kernel's event-filter language, may be empty) are borrowed. */
int fl_via_add(struct fl_via *v, struct fl_probe_event *e, struct fl_str filter);

/*
 * Writes the definitions, reads them back, and switches them on. On failure @diag says which and
 * why, with the kernel's own words where its error_log has any; nothing then stays behind.
 */
int fl_via_start(struct fl_via *v, struct fl_diag *diag);

/* Switches the events off. What was recorded until then can still be read. */
void fl_via_stop(struct fl_via *v);

/* Calls @fn for each line that there is by now, without its newline. Its errno ends the reading. */
typedef int (*fl_via_line_fn)(void *ctx, struct fl_str line);
int fl_via_read(struct fl_via *v, fl_via_line_fn fn, void *ctx);

/* Events that did not fit the kernel's buffers. */
uint64_t fl_via_lost(struct fl_via *v);

#endif
