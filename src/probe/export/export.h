/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records written in the form that some other tool reads. A form is a row of forms.def and a file of
 * its own here; what it writes is appended to a buffer, which its owner empties when he likes.
 */
#ifndef PROBE_EXPORT_EXPORT_H
#define PROBE_EXPORT_EXPORT_H

#include "base/cleanup.h"
#include "probe/tracedat/recorded.h"

struct fl_export;

struct fl_export_opts {
	bool raw, bytes;     /* of text: see struct fl_recorded_lines */
	size_t source_width;
};

/* -EINVAL: there is no form of that name; -ENOMEM. */
int fl_export_new(const char *form, struct fl_export_opts opts, struct fl_export **ret);
void fl_export_free(struct fl_export *e);
FL_DEFINE_CLEANUP(struct fl_export *, fl_export_free);
#define _cleanup_export_ _cleanup_(fl_export_freep)

/* Records come in the order of their times. 0 or -ENOMEM. */
int fl_export_record(struct fl_export *e, const struct fl_recorded *rec, struct fl_buf *out);
int fl_export_finish(struct fl_export *e, struct fl_buf *out);

/* Text of a latency tracer: false where the form has no place for it. */
bool fl_export_text(struct fl_export *e, struct fl_str source, struct fl_str text, struct fl_buf *out);

/* Records that the form could not take: what it shows are stacks, and they are none. */
uint64_t fl_export_left_out(const struct fl_export *e);

#endif
