/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording read back: trace-cmd's file format, version 6 (trace-cmd.dat.v6(5)), ours or
 * trace-cmd's own. Records of all CPUs come in the order of their times.
 *
 * Everything in the file is hostile: each length is held against the file's end, a stream that
 * contradicts itself ends there and is said.
 */
#ifndef PROBE_OUTPUT_RECORDING_H
#define PROBE_OUTPUT_RECORDING_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/target/formats.h"

struct fl_recording;
struct fl_event_printer;

/* One record; everything is borrowed from the recording. */
struct fl_recorded {
	const struct fl_format *format; /* NULL: the file does not describe its type */
	const struct fl_event_printer *printer;
	uint64_t time; /* ns */
	uint32_t cpu;
	uint32_t pid;
	uint16_t type; /* the event's number in the file */
	uint8_t flags; /* the kernel's trace flags */
	uint8_t preempt_count;
	struct fl_str comm;
	const uint8_t *data; /* common fields included */
	size_t size;
};

/* -EINVAL, -EPROTONOSUPPORT (another version) with @diag; or what reading the file gave. */
int fl_recording_open(const char *path, struct fl_recording **ret, struct fl_diag *diag);
void fl_recording_close(struct fl_recording *r);
FL_DEFINE_CLEANUP(struct fl_recording *, fl_recording_close);
#define _cleanup_recording_ _cleanup_(fl_recording_closep)

/* 1: @ret is the next record; 0: there is none; -EINVAL with @diag: a page is damaged. Reading may
 * go on after that, without the rest of that CPU's records. */
int fl_recording_next(struct fl_recording *r, struct fl_recorded *ret, struct fl_diag *diag);

/* One line each, as fl_text_record() and fl_trace_json_record() write them. */
void fl_recorded_text(struct fl_recording *r, const struct fl_recorded *rec, struct fl_buf *out);
void fl_recorded_json(struct fl_recording *r, const struct fl_recorded *rec, struct fl_buf *out);

#endif
