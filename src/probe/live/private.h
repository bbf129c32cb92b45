/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a session share: its probes, and one call from each file below. */
#ifndef PROBE_LIVE_PRIVATE_H
#define PROBE_LIVE_PRIVATE_H

#include "bpf/attach.h"
#include "probe/filter/filter.h"
#include "probe/live/point.h"
#include "probe/live/session.h"

struct live_hist {
	struct fl_gen_hist gen; /* its descriptors are owned here */
	struct fl_hist hist;
	struct fl_filter filter;
	const struct fl_trigger *trigger;
	bool is_borrower; /* maps are those of another one of its name */
};

struct live_probe {
	struct fl_session_probe pub;
	struct fl_probe_event *event;
	struct fl_points points; /* where, once found out */
	struct fl_str def;	 /* whole, with the filter */
	struct fl_str filter_text;
	struct fl_filter filter;
	bool reader_filters; /* not compiled into the program */
	uint64_t filtered;   /* by the reader */
	struct live_hist **hists;
	const struct fl_gen_hist **counted_by; /* those of them that are not paused */
	size_t nr_counted_by;
	int prog, entry_prog, entry_map, scratch;
	struct fl_attachment *attached;
	size_t nr_attached;
	uint64_t records, faults, no_stack;
	uint64_t outside;	/* records of before the beginning and after the end */
	struct fl_totals before; /* of the kernel's side, at the beginning */
	struct fl_totals frozen; /* and at the end */
	uint64_t missed, missed_together; /* by hooks that are gone */
};

/* One hook on the places of many definitions. */
struct live_link {
	size_t first; /* the probe that what it missed is told with */
	int prog, programs;
	struct fl_attachment attached;
};

/* A small program that keeps the set of followed processes. */
struct live_follower {
	int prog;
	struct fl_attachment attached;
};

#define LIVE_FORK_COPIES 3

struct live_task_filter {
	struct fl_gen_task_filter gen; /* its descriptors are owned here */
	struct fl_gen_pidns ns;
	struct live_follower followers[LIVE_FORK_COPIES + 1];
	size_t nr_followers;
	int failed; /* of each copy for forks, a counter: processes that had no room in the set */
};

struct fl_session {
	struct fl_target *target;
	struct fl_session_opts opts;
	struct fl_gen_env env;
	struct fl_gen_paths paths;
	struct live_task_filter tasks;
	struct live_probe *probes;
	struct fl_triggers triggers; /* of histograms: what their specs say */
	size_t nr_slots; /* of counts: one an event, and one a histogram where an event has several */
	struct fl_trigger_log log; /* of what was refused */
	const struct fl_record_schema **schemas; /* of the probes, once started */
	size_t n;
	struct live_link *links;
	size_t nr_links;
	struct fl_rings *rings;
	int control;
	uint8_t *counts; /* the control map's value */
	size_t counts_size;
	size_t failed;
	size_t nr_waiting;
	uint64_t looked; /* for those, when */
	uint64_t begin, end; /* of what is counted; 0: with the first hook, not yet */
	uint64_t newest;     /* time of the record that was handed out last; 0: none was */
};

enum live_error {
#define D(code, ...) LIVE_##code,
#include "probe/live/errors.def"
};

/* refusal.c: why a probe does not run here. Each returns the finding's errno, negative. */
int live_diagnose(struct fl_diag *d, const struct live_probe *p, enum live_error error,
		  struct fl_span span);
/* After the last hook was refused with @err; @error: what the generator said, where it was asked.
 */
int live_refused(struct fl_session *t, struct live_probe *p, int err,
		 const struct fl_gen_error *error, struct fl_diag *diag);

/* After making maps gave @err, which is returned; says nothing of 0. */
int live_no_maps(struct fl_session *t, const struct live_probe *p, int err, struct fl_diag *diag);

/* The same after asking whose events are wanted. */
int live_nobody(struct fl_session *t, const struct live_probe *p, int err, struct fl_diag *diag);

/* task-filter.c: everything that whose events are wanted asks for. 0 or -errno. */
void live_task_filter_init(struct live_task_filter *w);
int live_task_filter_start(struct fl_session *t);
void live_task_filter_fini(struct live_task_filter *w);

/* A breakpoint within an instruction changes what the probed program computes: -EILSEQ. */
int live_check_boundary(struct fl_session *t, const struct live_probe *p, struct fl_diag *diag);

/* maps.c */
void live_lift_memlock(void);
int live_make_maps(struct fl_session *t);
int live_make_scratch(struct live_probe *p);
int live_make_entry_map(struct live_probe *p);
void live_close(int *fd);

/* hist.c: first which event has which histograms, then their maps and who asks whom. 0 or -errno. */
int live_find_hists(struct fl_session *t, struct fl_diag *diag);
int live_make_hists(struct fl_session *t, struct fl_diag *diag);
void live_free_hists(struct live_probe *p);
/* Their filters, once the record is laid out. */
int live_read_hist_filters(struct fl_session *t, struct live_probe *p, struct fl_diag *diag);
/* A key is the function. */
bool live_asks_for_ip(const struct live_probe *p);
/* Variables that nobody has used. */
uint64_t live_left_over(const struct live_hist *h);

/* hook-choice.c */
int live_load_probe(struct fl_session *t, size_t index, struct fl_diag *diag);
/* The definition's filter, once the record is laid out. */
int live_read_filter(struct fl_session *t, struct live_probe *p, struct fl_diag *diag);
/* Its program for @hook, but not the hook: -errno where the kernel does not take it. */
int live_load_for(struct fl_session *t, size_t index, enum fl_hook hook);
/* Puts hooks on what has come since it was looked for last. */
void live_arm_waiting(struct fl_session *t);
/* Takes the hooks away, and keeps what they counted. */
void live_detach(struct live_probe *p);
/* Everything of a hook that was not taken. */
void live_unload(struct live_probe *p);

/* many.c: one link for many definitions; who has been taken is_shared. -ENOMEM. */
int live_load_many(struct fl_session *t);
void live_detach_many(struct fl_session *t);
/* Firings that the kernel dropped, of the links whose first this probe is. */
uint64_t live_missed_many(const struct fl_session *t, size_t probe);

/* Firings that the kernel dropped because a program was running on that CPU already; -1: of none. */
uint64_t live_prog_missed(int prog);

/* totals.c: what found no room in a histogram; what a record tells of reads that failed. */
uint64_t live_dropped(const struct fl_session *t, const struct live_hist *h);
uint64_t live_count_faults(const struct fl_record_layout *l, const struct fl_record *rec);
uint64_t live_count_no_stack(const struct fl_record_layout *l, const struct fl_record *rec,
			     size_t size);

#endif
