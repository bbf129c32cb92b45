/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording in trace-cmd's file format while it is made: what trace-cmd report, KernelShark and
 * everything on libtracecmd read once it is converted (convert.h). Records are written as the kernel's
 * ring buffer would hold them, into a journal (journal.h).
 *
 * One thread.
 */
#ifndef PROBE_TRACEDAT_TRACEDAT_H
#define PROBE_TRACEDAT_TRACEDAT_H

#include "base/cleanup.h"
#include "probe/record/schema.h"
#include "probe/tracedat/recorded.h"
#include "probe/output/symbols.h"

struct fl_tracedat;

/* By which clock stamps count; @date: what makes the time since 1970 of them, 0: nothing does. */
struct fl_dat_clock {
	struct fl_str name; /* as the kernel's tracer has it; borrowed */
	int64_t date;	    /* ns */
};

/*
 * Writes to @fd, which is empty, for reading and writing, and stays the caller's, for the probes of a
 * trace that was started. @symbols and what @schemas point to are borrowed.
 */
int fl_tracedat_new(int fd, struct fl_record_schemas schemas, struct fl_target *target,
		    struct fl_dat_clock clock, struct fl_symbols *symbols, struct fl_tracedat **ret);
void fl_tracedat_free(struct fl_tracedat *t);
FL_DEFINE_CLEANUP(struct fl_tracedat *, fl_tracedat_free);
#define _cleanup_tracedat_ _cleanup_(fl_tracedat_freep)

/* Records of one CPU come in the order of their times. 0 or -errno (-ENOSPC, -ENOMEM). */
int fl_tracedat_record(struct fl_tracedat *t, uint32_t cpu, const struct fl_record *rec, size_t size);

/*
 * The same for records that the kernel made: each event is described once, by its group (borrowed) and
 * the text of its format file, whose ID the records carry. Symbols are those that their printers name.
 */
int fl_tracedat_open(int fd, struct fl_target *target, struct fl_dat_clock clock, struct fl_tracedat **ret);
int fl_tracedat_describe(struct fl_tracedat *t, struct fl_str group, struct fl_str format);
int fl_tracedat_recorded(struct fl_tracedat *t, const struct fl_recorded *rec);

/* The last names of threads, "PID NAME" a line; of those that have no record nothing is kept. */
int fl_tracedat_comms(struct fl_tracedat *t, struct fl_str lines);

/* Bytes that were written up to now. */
uint64_t fl_tracedat_size(const struct fl_tracedat *t);

/* What was recorded up to now can be read from then on, also after a kill. Done by itself once a second
 * while records come. */
int fl_tracedat_flush(struct fl_tracedat *t);

/*
 * The journal is whole, with @summary as what became of all that was hit: where trace-cmd keeps the
 * kernel's statistics (trace-cmd report --stat shows it). 0 or -errno.
 */
int fl_tracedat_finish(struct fl_tracedat *t, struct fl_str summary);

#endif
