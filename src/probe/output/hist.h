/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms as the kernel's "hist" file shows them, with bars for a terminal, and as JSON. */
#ifndef PROBE_OUTPUT_HIST_H
#define PROBE_OUTPUT_HIST_H

#include "base/buf.h"
#include "probe/hist/table.h"
#include "probe/record/schema.h"
#include "probe/output/symbols.h"

/* First: takes the frames of tracing itself off keys that are stacks, and merges what then is equal. */
void fl_hist_trim(struct fl_hist_table *t, struct fl_symbols *symbols);

/* @columns: of the terminal, which rows and a bar behind each have to fit; 0: none, and the kernel's own widths. */
void fl_hist_text(const struct fl_record_schema *p, const struct fl_hist_table *t, unsigned int columns,
		  struct fl_symbols *symbols, bool bytes, struct fl_buf *out);

/* A row an entry: {"event","keys":{...},"hitcount","vals":{...}}. */
void fl_hist_json(const struct fl_record_schema *p, const struct fl_hist_table *t,
		  struct fl_symbols *symbols, struct fl_buf *out);

#endif
