/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording read back: trace-cmd's file format, version 6 (trace-cmd.dat.v6(5)), ours or
 * trace-cmd's own. Records of all CPUs come in the order of their times.
 *
 * Everything in the file is hostile: each length is held against the file's end, a stream that
 * contradicts itself ends there and is said.
 */
#ifndef PROBE_TRACEDAT_RECORDING_H
#define PROBE_TRACEDAT_RECORDING_H

#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/tracedat/recorded.h"

struct fl_recording;

/* -EINVAL, -EPROTONOSUPPORT (another version) with @diag; or what reading the file gave. */
int fl_recording_open(const char *path, struct fl_recording **ret, struct fl_diag *diag);
void fl_recording_close(struct fl_recording *r);
FL_DEFINE_CLEANUP(struct fl_recording *, fl_recording_close);
#define _cleanup_recording_ _cleanup_(fl_recording_closep)

/* 1: @ret is the next record; 0: there is none; -EINVAL with @diag: a page is damaged. Reading may
 * go on after that, without the rest of that CPU's records. */
int fl_recording_next(struct fl_recording *r, struct fl_recorded *ret, struct fl_diag *diag);

/* What was counted while it was made, in lines; empty where the file does not say. */
struct fl_str fl_recording_summary(const struct fl_recording *r);

/* The symbols that the file brings along; NULL where it has none. */
const struct fl_ksyms *fl_recording_ksyms(const struct fl_recording *r);

#endif
