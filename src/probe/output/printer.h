/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The "print fmt" of a probe event's format file as a list of values: which field, shown how. Only
 * the shape that the kernel gives to probe events is read; any other event prints all its fields.
 */
#ifndef PROBE_OUTPUT_PRINTFMT_H
#define PROBE_OUTPUT_PRINTFMT_H

#include "base/arena.h"
#include "probe/event/event.h"
#include "probe/target/formats.h"

/* One "name=value" of a line. */
struct fl_printed {
	struct fl_str name;
	struct fl_str label; /* " name=", with room for fl_put_padded() behind it */
	const struct fl_field *field;
	enum fl_print print;
	uint32_t count; /* elements in braces; 0: no array */
	uint8_t dynamic_size; /* of one element, of which the record says how many; 0: @count is it */
};

struct fl_event_printer {
	const struct fl_field *ip, *ret_ip; /* places; NULL where the event has none */
	struct fl_str title; /* "event:", likewise */
	struct fl_printed *values;
	size_t n;
	size_t room; /* for title, labels and a number each */
};

/* A probe's event: its line is the kernel's own, with a place and values as "name=value". */
bool fl_event_is_probe(const struct fl_format *format);

/* Everything lives in @arena. 0 or -ENOMEM. */
int fl_event_printer_make(const struct fl_format *format, struct fl_arena *arena,
			  struct fl_event_printer *ret);

#endif
