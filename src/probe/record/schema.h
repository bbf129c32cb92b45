/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be known of an event to show its records, and how they are counted. Outputs take this and
 * nothing of who traces: a record may come from a ring or from anywhere else.
 */
#ifndef PROBE_RECORD_SCHEMA_H
#define PROBE_RECORD_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "probe/event/event.h"
#include "probe/record/layout.h"

struct fl_format;
struct fl_field;

/* Says what an event's own format calls a field's value; false, and nothing appended: it has no name for it. */
struct fl_field_namer {
	bool (*name)(struct fl_field_namer *n, const struct fl_format *format, const struct fl_field *field,
		     uint64_t value, struct fl_buf *out);
};

struct fl_record_schema {
	const struct fl_probe_event *event;
	struct fl_record_layout layout;
	const char *hook;   /* the name of what carries the event, for people */
	uint8_t own_frames; /* of a kernel stack: the program's, and those of what calls it */
	bool pretty;	    /* values are shown by their type, ... */
	struct fl_field_namer *namer;	/* ... and fields by this, borrowed; NULL: none */
	const struct fl_format *format; /* of the event that it is attached to; NULL: to none */
};

/* Those of a session, by the number that its records carry. */
struct fl_record_schemas {
	const struct fl_record_schema *const *v;
	size_t n;
};

/*
 * Sums of one event over all CPUs. hits = records + filtered + lost + unpaired + over_budget, once the
 * session was stopped and read to its end.
 */
struct fl_totals {
	uint64_t hits, filtered, lost;
	uint64_t unpaired; /* returns whose entry was before the probe, or was missed */
	uint64_t over_budget; /* of their task, in that second */
	uint64_t records;  /* handed out */
	uint64_t missed;   /* not run by the kernel: the probe hit while it was running itself */
	/* The same on a link that many share, told with the first of them: whose they were nobody knows. */
	uint64_t missed_together;
	uint64_t faults;   /* arguments whose read failed and told */
	uint64_t overwritten; /* handed out, and then the flight recorder had no room any more */
	uint64_t no_stack; /* wanted stacks that the kernel did not give */
};

#endif
