/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings read back: files of trace-cmd's format, ours or trace-cmd's own, one or several.
 * Records of all CPUs, buffers and files come in the order of their times.
 *
 * Everything in a file is hostile: each length is held against the file's end, a stream that
 * contradicts itself ends there and is said. What is left out is a finding.
 */
#ifndef PROBE_TRACEDAT_RECORDING_H
#define PROBE_TRACEDAT_RECORDING_H

#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/tracedat/recorded.h"

struct fl_recording;

struct fl_recording *fl_recording_new(void); /* NULL: no memory */
void fl_recording_free(struct fl_recording *r);
FL_DEFINE_CLEANUP(struct fl_recording *, fl_recording_free);
#define _cleanup_recording_ _cleanup_(fl_recording_freep)

/*
 * One more file, before the first record is asked for; @path is borrowed. -EINVAL or
 * -EPROTONOSUPPORT with a finding; or what reading the file gave.
 */
int fl_recording_add(struct fl_recording *r, const char *path);

/* All files are there; the first call of fl_recording_next() does the same. 0 or -ENOMEM. */
int fl_recording_start(struct fl_recording *r);

/* 1: @ret is the next record, good until the next call; 0: there is none; -ENOMEM. */
int fl_recording_next(struct fl_recording *r, const struct fl_recorded **ret);

/*
 * Behind the last record of a recording of one file, which is a journal (journal.h) that somebody writes: 1,
 * more records have come; 0, none have yet; -ENODATA, it is gone, and all of it was handed out; -errno. What
 * was there before is not read again.
 */
int fl_recording_follow(struct fl_recording *r);

/* What was found wrong, or left out, since the last call: one after the other, NULL behind the last. */
const struct fl_diag *fl_recording_finding(struct fl_recording *r);

/* Once it is started: the longest name of a source (see struct fl_recorded); 0 where all comes from one
 * buffer. */
size_t fl_recording_source_width(const struct fl_recording *r);

/* What was counted while it was made, in lines; empty where the files do not say. */
struct fl_str fl_recording_summary(const struct fl_recording *r);

/* What each file is, a line each: version, machine, clock, buffers, and what trace-cmd says of the run. */
void fl_recording_facts(const struct fl_recording *r, struct fl_buf *out);

/* Text of latency tracers, which holds no records: of buffer after buffer, false behind the last. */
bool fl_recording_text(const struct fl_recording *r, size_t *at, struct fl_str *ret_source, struct fl_str *ret);

#endif
