/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One JSON object a line: {"type":"schema",...} first, a row a record, {"type":"summary",...} last.
 *
 * A row: {"time_ns","cpu","pid","comm","group","event","place","args":{...}}. Numbers are numbers, a
 * value whose read failed is null, an array is an array; a string that reached its limit is named in
 * "cut":[...].
 */
#ifndef PROBE_OUTPUT_JSON_H
#define PROBE_OUTPUT_JSON_H

#include "base/buf.h"
#include "probe/record/schema.h"
#include "probe/output/symbols.h"

void fl_record_json_schema(struct fl_record_schemas events, const char *clock, struct fl_buf *out);
void fl_record_json(const struct fl_record_schema *p, uint32_t cpu, const struct fl_record *rec,
			  size_t size, struct fl_symbols *symbols, struct fl_buf *out);
/* @totals: one an event. */
void fl_record_json_summary(struct fl_record_schemas events, const struct fl_totals *totals,
			    struct fl_buf *out);

/* {"name","type","count","body"}: an argument in the schema's line. */
void fl_record_json_arg(const struct fl_probe_arg *a, struct fl_buf *out);

#endif
