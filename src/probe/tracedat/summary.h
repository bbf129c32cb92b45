/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recording says of the run that made it. Ours has a line an event, "GROUP/EVENT: 5 hits, 5 records,
 * ...", as foreland trace says it; another program's has its own words.
 */
#ifndef PROBE_TRACEDAT_SUMMARY_H
#define PROBE_TRACEDAT_SUMMARY_H

#include "base/buf.h"
#include "base/str.h"

/** fl_summary_json() - a line of type "summary": objects of our lines, under "lines" what is not ours */
void fl_summary_json(struct fl_str text, struct fl_buf *out);

#endif
