/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which records of a recording are wanted: by CPU, thread, time, buffer, and by filters on events in
 * the kernel's language ("sched_switch: prev_prio < 100"). Where nothing is limited every record is wanted.
 */
#ifndef PROBE_TRACEDAT_SELECTION_H
#define PROBE_TRACEDAT_SELECTION_H

#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/tracedat/recorded.h"

struct fl_selection;

struct fl_selection *fl_selection_new(void); /* NULL: no memory */
void fl_selection_free(struct fl_selection *s);
FL_DEFINE_CLEANUP(struct fl_selection *, fl_selection_free);
#define _cleanup_selection_ _cleanup_(fl_selection_freep)

/*
 * One more of each: what matches any of its kind is wanted. -EINVAL where the text is none.
 * @text is borrowed: "0,2-3"; "1234"; "EVENT", "SYSTEM/EVENT" or "SYSTEM:EVENT" (globs), with
 * ": FILTER" behind it perhaps; a buffer's name, "main" for the one without.
 */
int fl_selection_add_cpus(struct fl_selection *s, const char *text);
int fl_selection_add_pid(struct fl_selection *s, const char *text);
int fl_selection_add_events(struct fl_selection *s, const char *text);
int fl_selection_add_buffer(struct fl_selection *s, const char *text);

/* Both ends included: "123.456789" as it stands in a line, or "+1.5" from the first record on. */
int fl_selection_since(struct fl_selection *s, const char *text);
int fl_selection_until(struct fl_selection *s, const char *text);

/*
 * 1: it is wanted; 0: it is not; -EINVAL with @diag: a filter does not fit the event, -ENOMEM.
 * Records come in the order of their times.
 */
int fl_selection_match(struct fl_selection *s, const struct fl_recorded *rec, struct fl_diag *diag);

/* No record can follow that is wanted. */
bool fl_selection_is_over(const struct fl_selection *s, const struct fl_recorded *rec);

/* The first of the buffers of which there was no record, NULL where there is none. */
const char *fl_selection_empty_buffer(const struct fl_selection *s);
/* The first filter of events that no event ever matched, NULL where there is none. */
const char *fl_selection_unmatched(const struct fl_selection *s);

#endif
