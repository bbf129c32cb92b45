/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bring-up report: the engine's log, watched for what a driver does wrong. Rows of findings.def; one entry
 * for each place where it happened, with the first value and time and how often it did.
 *
 * A report is a log (engine/log.h) that may pass on to another. It is written under the engine's lock, and
 * read once the engine has stopped.
 */
#ifndef EPDMA_REPORT_REPORT_H
#define EPDMA_REPORT_REPORT_H

#include "base/buf.h"
#include "epdma/engine/log.h"

struct fl_report;

/* @next gets every event as well; may be NULL. -ENOMEM. */
int fl_report_new(const struct fl_engine_shape *shape, struct fl_engine_log *next, struct fl_report **ret);
void fl_report_free(struct fl_report *r); /* NULL ok */
struct fl_engine_log *fl_report_log(struct fl_report *r);

/* What only shows at the end: polls that were given up, interrupts that nobody took. Once. */
void fl_report_end(struct fl_report *r);
size_t fl_report_count(const struct fl_report *r);

/* One line a finding; or a JUnit test suite in which each row of findings.def is a test. */
void fl_report_text(const struct fl_report *r, struct fl_buf *out);
void fl_report_junit(const struct fl_report *r, struct fl_buf *out);

#endif
