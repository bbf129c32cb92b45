/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the handles of <foreland/probe.h> hold. "foreland trace" is the library's first user and shows more
 * than others can ask for (recordings, histograms, why a hook was taken): for these it takes the session, and
 * a record's bytes, out of the handle. Not exported.
 */
#ifndef PROBE_LIB_ENGINE_H
#define PROBE_LIB_ENGINE_H

#include <foreland/probe.h>

#include "base/buf.h"
#include "probe/event/event.h"
#include "probe/live/session.h"
#include "probe/output/symbols.h"
#include "probe/target/target.h"

/**
 * struct fl_tracing_events - what is traced, in the order of its numbers
 * @v: the events; those of fl_tracing_add() are borrowed
 * @filters: the "if ..." of each, which the kernel has for event probes alone; empty: none
 */
struct fl_tracing_events {
	struct fl_probe_event **v;
	struct fl_str *filters;
	size_t n;
};

struct fl_target *fl_system_target(const struct fl_system *sys);
struct fl_session *fl_tracing_session(const struct fl_tracing *t);
struct fl_symbols *fl_tracing_symbols(const struct fl_tracing *t);
struct fl_tracing_events fl_tracing_events(const struct fl_tracing *t);

/* The record as it lies in the ring. */
const struct fl_record *fl_tracing_raw(const struct fl_tracing_record *rec, size_t *ret_size);

/* Appends the line, or the JSON object, of a record that was kept. */
void fl_tracing_show(struct fl_tracing *t, bool json, uint32_t cpu, const struct fl_record *rec, size_t size,
		     struct fl_buf *out);

#endif
