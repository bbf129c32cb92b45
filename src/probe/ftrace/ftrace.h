/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probe events through the kernel's own tracer, for kernels and processes that may not use BPF: each
 * event is lowered to text that this kernel takes, defined in tracefs, and traced in an instance of
 * its own, which nobody else's tracing can disturb. What is made there carries the name of its owner
 * (probe/target/owner.h); it is removed at the end, and by a helper process when we are killed.
 *
 * Order of calls: new, add for each event, start, read as often as wanted, stop, read once more, free.
 * One thread.
 */
#ifndef PROBE_FTRACE_FTRACE_H
#define PROBE_FTRACE_FTRACE_H

#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/lang/event.h"
#include "probe/output/recorded.h"
#include "probe/target/target.h"

struct fl_ftrace;

struct fl_ftrace_opts {
	uint32_t pid;	  /* process (its threads of now) or thread; 0: all */
	const char *comm; /* command name; NULL: all */
	bool boot_clock;  /* else monotonic */
};

int fl_ftrace_new(struct fl_target *target, const struct fl_ftrace_opts *opts, struct fl_ftrace **ret);
void fl_ftrace_free(struct fl_ftrace *t); /* removes everything */
FL_DEFINE_CLEANUP(struct fl_ftrace *, fl_ftrace_free);
#define _cleanup_ftrace_ _cleanup_(fl_ftrace_freep)

/* @e and @filter (empty: none) are borrowed. -ENOMEM. */
int fl_ftrace_add(struct fl_ftrace *t, const struct fl_probe_event *e, struct fl_str filter);

/*
 * Lowers, defines and enables everything. On failure @diag says which part of which text is refused
 * and in whose words: ours, or the kernel's from its error_log.
 */
int fl_ftrace_start(struct fl_ftrace *t, struct fl_diag *diag);

/* The text that the kernel was given for event @i; empty before the start. */
struct fl_str fl_ftrace_text(const struct fl_ftrace *t, size_t i);

typedef int (*fl_recorded_fn)(void *ctx, const struct fl_recorded *rec);

/*
 * Hands out, in the order of time, what was recorded up to now: the number, or what @fn returned
 * when that was negative, or a read's errno.
 */
int64_t fl_ftrace_read(struct fl_ftrace *t, fl_recorded_fn fn, void *ctx);

/* Switches the events off; what was recorded can still be read. */
void fl_ftrace_stop(struct fl_ftrace *t);

/* Records of event @i that were handed out. */
uint64_t fl_ftrace_records(const struct fl_ftrace *t, size_t i);
/* Times that event @i's probe did not run because it was running (kprobe_profile); 0 if not told. */
uint64_t fl_ftrace_missed(struct fl_ftrace *t, size_t i);
/* Records that were overwritten or dropped, over all events: the kernel counts by CPU. */
uint64_t fl_ftrace_lost(struct fl_ftrace *t);

#endif
