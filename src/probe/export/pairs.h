/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that begin and end something: interrupts, system calls, work, functions. Which two belong
 * together is said by a key: the thread, or a field that both have, and the CPU.
 */
#ifndef PROBE_EXPORT_PAIRS_H
#define PROBE_EXPORT_PAIRS_H

#include "probe/tracedat/recorded.h"

enum fl_pair_side {
	FL_PAIR_NONE,
	FL_PAIR_BEGIN,
	FL_PAIR_END,
};

/* What an event is to a pair; made once an event. */
struct fl_pair_event {
	const struct fl_format *format;
	enum fl_pair_side side;
	struct fl_str name;	      /* of the pair: "sys_openat", "irq_handler" */
	const struct fl_field *key;   /* NULL: the thread is it */
	const struct fl_field *label; /* whose text or number tells one from another; NULL: none */
	bool on_cpu;		      /* it belongs to the CPU, not to the thread */
};

struct fl_pairs {
	struct fl_pair_event **events;
	size_t n;
	const struct fl_pair_event *last; /* events come in rows */
};

void fl_pairs_fini(struct fl_pairs *p);

/* 0 with @ret, which is the event's for good; -ENOMEM. */
int fl_pairs_find(struct fl_pairs *p, const struct fl_recorded *rec, const struct fl_pair_event **ret);

/* What a begin and its end have in common. */
uint64_t fl_pair_key(const struct fl_pair_event *e, const struct fl_recorded *rec);

#endif
