/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a recording, or left out of it, collected while it is read: reading goes on, and
 * the reader of records looks here between two records.
 */
#ifndef PROBE_TRACEDAT_FINDINGS_H
#define PROBE_TRACEDAT_FINDINGS_H

#include <stddef.h>

#include "base/util.h"
#include "probe/tracedat/errors.h"

struct fl_findings {
	struct fl_diag *list;
	size_t n, cap;
};

void fl_findings_fini(struct fl_findings *f);

/* @fmt: what the message is about, appended to the row's. Returns the row's -errno. */
int fl_findings_add(struct fl_findings *f, enum fl_dat_error code, const char *place, const char *fmt, ...)
	FL_PRINTF(4, 5);

/* @d once more, of the file @place. */
void fl_findings_copy(struct fl_findings *f, const struct fl_diag *d, const char *place);

/* Forgets those behind the first @n. */
void fl_findings_cut(struct fl_findings *f, size_t n);

#endif
