/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A probe event's record as the kernel lays it out in its ring buffer, and the "format" file that
 * describes it to readers of that buffer: events/GROUP/EVENT/format of tracefs.
 */
#ifndef PROBE_EVENT_FORMAT_H
#define PROBE_EVENT_FORMAT_H

#include "base/buf.h"
#include "probe/event/event.h"

/* Bytes of the fields that every record begins with (common_type .. common_pid). */
#define FL_FORMAT_COMMON_SIZE 8

/*
 * Where the arguments begin in the record: behind the common fields and the places that the kind
 * of probe records. An argument lies at this offset plus its own.
 */
uint32_t fl_format_args_offset(const struct fl_probe_event *e);

/* The lines of the common fields, with the blank one behind them. */
void fl_format_print_common(struct fl_buf *out);

/* The whole file, with @id as the event's number. */
void fl_format_print(const struct fl_probe_event *e, unsigned int id, struct fl_buf *out);

#endif
