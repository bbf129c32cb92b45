/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live trace: checked events in, records out. It owns maps, rings, programs and hooks, all by
 * descriptors of this process; freeing it, or dying, leaves nothing in the kernel.
 *
 * Order of calls: new, add for each event, start, read as often as wanted, stop, read once more,
 * free. One thread.
 */
#ifndef PROBE_LIVE_SESSION_H
#define PROBE_LIVE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/gen/gen.h"
#include "probe/hist/table.h"
#include "bpf/hook-types.h"
#include "probe/record/schema.h"
#include "probe/live/rings.h"
#include "probe/event/event.h"
#include "probe/target/target.h"

struct fl_session;

struct fl_session_opts {
	uint32_t pid;	    /* process or thread; 0: all */
	const char *comm;   /* command name; NULL: all */
	bool follow;	    /* the children of @pid, too: those that it has, and each from its first moment */
	bool children;	    /* (beside @pid) what this process forks from now on, and what that forks */
	uint32_t except;    /* a process whose events are not wanted; 0: none */
	bool has_cgroup;    /* only tasks in the control group @cgroup_fd, and beneath it */
	int cgroup_fd;	    /* borrowed; see cgroup.h */
	uint32_t task_budget; /* events a second of each task, over all probes; 0: any number */
	bool boot_clock;    /* else monotonic */
	bool exact_faults;  /* every read of memory tells whether it failed */
	size_t ring_bytes;  /* a CPU; 0: the default */
	unsigned int stacks; /* 1u << FL_STACK_*: taken with each record */
	bool force; /* user probes within an instruction, too */
	bool waits; /* for tracepoints that a module may bring */
	bool pretty; /* records have what lets values be shown by their type */
	struct fl_field_namer *namer; /* for these, borrowed; NULL: none */
	bool raw; /* event probes have the whole record of their event */
	/*
	 * Rings that several sessions share, borrowed; NULL: its own. Whoever reads them hands each record to the
	 * session that has its number, by fl_session_take().
	 */
	struct fl_rings *rings;
	uint16_t first_event; /* what records of the first event are numbered */
};

/* One event as it runs. */
struct fl_session_probe {
	struct fl_record_schema schema;
	enum fl_hook hook;
	enum fl_read_form read;
	bool is_counted; /* by histograms, not sent */
	size_t nr_hists; /* once started */
	struct fl_buf tried; /* a line for each hook that was not taken, and why */
	bool is_shared; /* with other definitions, on one link */
	/* There is no tracepoint of that name yet: a module may bring it, and is looked for while records are read. */
	bool is_waiting;
	int wait_error; /* it came, and could not be hooked */
	struct fl_buf left_out; /* a line for each place of several that takes no probe */
};

/* @target must be live and outlive the trace. */
int fl_session_new(struct fl_target *target, const struct fl_session_opts *opts, struct fl_session **ret);
void fl_session_free(struct fl_session *t);
FL_DEFINE_CLEANUP(struct fl_session *, fl_session_free);
#define _cleanup_session_ _cleanup_(fl_session_freep)

/*
 * @e is borrowed; addresses of symbols that the kernel resolves late are filled into its programs.
 * @def is the whole definition, with the filter that fl_definition_split() took off (which may be
 * empty; event probes bring their own); both are borrowed.
 */
int fl_session_add(struct fl_session *t, struct fl_probe_event *e, struct fl_str def,
		 struct fl_str filter);

/**
 * fl_session_hist() - event @i is counted instead of sent
 * @spec: "[hist:]keys=...", in the kernel's language (hist.h) and with its messages; borrowed
 *
 * An event may have several. Events whose variables it asks for have theirs before. "pause", "cont" and
 * "clear" are for one that it has.
 *
 * Return: 0, or -errno with @diag, whose text is the spec.
 */
int fl_session_hist(struct fl_session *t, size_t i, struct fl_str spec, struct fl_diag *diag);

/**
 * fl_session_hists() - histograms as a command line has them
 * @specs: one, which is for all events that a hook makes; several of the only one; or one each, in order: of
 *	these, or of all. They may stand before those whose variables they ask for.
 *
 * Return: 0, or -errno with @diag.
 */
int fl_session_hists(struct fl_session *t, const char *const *specs, size_t n, struct fl_diag *diag);

/* What was counted by the @k-th of them, sorted as the spec says. -ENOENT: it has no table, or another one's. */
int fl_session_hist_read(struct fl_session *t, size_t i, size_t k, struct fl_hist_table *ret);

/* How often snapshot() was asked for. */
uint64_t fl_session_snapshots(const struct fl_session *t);

/*
 * "if FILTER" at the end of a definition of ours, which the kernel knows for event probes only:
 * returns the part in front of it, and the filter, empty where there is none. Event probes' stay.
 */
struct fl_str fl_definition_split(struct fl_str def, struct fl_str *ret_filter);

/*
 * Loads everything, then attaches everything. On failure @diag says which definition, where in it,
 * what is missing and what helps; its text is the event's.
 */
int fl_session_start(struct fl_session *t, struct fl_diag *diag);
/* Which event starting failed at. */
size_t fl_session_failed(const struct fl_session *t);

/*
 * What is counted begins now, not with the first hook: for who had to do something else first, while
 * the rings ran full. Histograms begin when their hooks do.
 */
void fl_session_begin(struct fl_session *t);

/* The time of the record that was handed out last; 0: none was. */
uint64_t fl_session_newest(const struct fl_session *t);

/*
 * The end of what is counted is @end (session's clock, at most now): taking hooks away takes time, in which
 * they still fire. What comes out of the rings and is younger is no record any more. Histograms end when
 * their hooks do.
 */
void fl_session_freeze(struct fl_session *t, uint64_t end);

/* Takes the hooks away. Records that were made until then can still be read. */
void fl_session_stop(struct fl_session *t);

/* See fl_rings_read(); counts what was handed out. */
int64_t fl_session_read(struct fl_session *t, uint64_t before, fl_record_fn fn, void *ctx);

/* Of rings that are shared: @rec is one of this session's. */
int fl_session_take(struct fl_session *t, uint32_t cpu, const struct fl_record *rec, size_t size,
		    fl_record_fn fn, void *ctx);

/* After stopping: programs that were running meanwhile have ended and all is accounted for. */
bool fl_session_settled(struct fl_session *t);

/* What outputs need of the events, in their order; made by starting. */
struct fl_record_schemas fl_session_schemas(const struct fl_session *t);

size_t fl_session_nr_probes(const struct fl_session *t);
const struct fl_session_probe *fl_session_probe(const struct fl_session *t, size_t i);
void fl_session_totals(struct fl_session *t, size_t i, struct fl_totals *ret);
/* Records that found no room, since the start: the one number of these that asks the kernel for nothing. */
uint64_t fl_session_lost(const struct fl_session *t, size_t i);

/* Processes that had no room among those that are followed: their events are missing. */
uint64_t fl_session_not_followed(const struct fl_session *t);
/* Forks, at most, that no program saw: whose they were is not known. */
uint64_t fl_session_forks_missed(const struct fl_session *t);
/* Whether one of those that are followed is still there. */
bool fl_session_follows_any(const struct fl_session *t);

/* Time now, by the clock of the records. */
uint64_t fl_session_now(const struct fl_session *t);

#endif
