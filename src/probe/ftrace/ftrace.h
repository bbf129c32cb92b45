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
#include "probe/event/event.h"
#include "probe/tracedat/recorded.h"
#include "probe/target/target.h"

struct fl_ftrace;

struct fl_ftrace_opts {
	uint32_t pid;	  /* process (its threads of now) or thread; 0: all */
	const char *comm; /* command name; NULL: all */
	bool boot_clock;  /* else monotonic */
	bool force;	  /* user probes within an instruction, too */
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

/* The text of event @i's format file, whose ID the records carry. */
struct fl_str fl_ftrace_format(const struct fl_ftrace *t, size_t i);

/*
 * What the kernel and we have counted of one event. The kernel counts hits and misses for kprobes and
 * user probes alone, and what it lost by CPU and not by event.
 */
struct fl_ftrace_totals {
	uint64_t hits, missed; /* where knows_hits */
	uint64_t records;      /* handed out */
	uint64_t filtered;     /* where knows_filtered; our own calls are left out by filter, too */
	uint64_t lost;	       /* where knows_lost: nothing was, or there is one event only */
	uint64_t faults;       /* strings that could not be read */
	bool knows_hits, knows_filtered, knows_lost;
};

/*
 * The names that the kernel keeps of threads that are no more, "PID NAME" a line: a record is read a moment
 * after it was made, and a name may have changed once more before its thread's end. 0 or -errno.
 */
int fl_ftrace_ended_comms(const struct fl_ftrace *t, struct fl_buf *out);

/* To be asked when everything was read. */
void fl_ftrace_totals(const struct fl_ftrace *t, size_t i, struct fl_ftrace_totals *ret);
/* Records that were overwritten or dropped, over all events. */
uint64_t fl_ftrace_lost(const struct fl_ftrace *t);

#endif
