/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event's fields as a filter on it sees them. */
#ifndef PROBE_EVENT_SCOPE_H
#define PROBE_EVENT_SCOPE_H

#include "probe/filter/filter.h"
#include "probe/target/target.h"

/* What the names in a filter on an event are looked up in; must outlive the scope that uses it. */
struct fl_event_scope {
	struct fl_target *target;
	const struct fl_format *format;
};

/* The event's own fields first, then "cpu" and "comm", then the common ones, as in the kernel. */
struct fl_filter_scope fl_event_filter_scope(struct fl_event_scope *scope);

#endif
