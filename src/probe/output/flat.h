/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record of ours as the kernel would have filed it: common fields, a place, values as the event's format
 * file says (event/format.h). For recordings, and for readers of fields by that format.
 */
#ifndef PROBE_OUTPUT_FLAT_H
#define PROBE_OUTPUT_FLAT_H

#include "base/buf.h"
#include "probe/record/schema.h"
#include "probe/output/symbols.h"

struct fl_flat {
	const struct fl_record_schema *schema;
	uint16_t id;
	uint64_t ip; /* where the event fires, unless records say it */
	struct fl_symbols *symbols;
	int (*address)(void *ctx, uint64_t addr); /* told of kernel addresses that it holds; NULL: nobody is */
	void *ctx;
};

/* @out is emptied first. 0, -ENOMEM, or what address() says. */
int fl_flat_record(const struct fl_flat *f, const struct fl_record *rec, size_t size, struct fl_buf *out);

/* Where @e fires, by the target's symbols; 0: they do not say. */
uint64_t fl_flat_place(struct fl_target *target, const struct fl_probe_event *e);

/* The head alone, for records that are put together otherwise. */
void fl_flat_common(uint16_t id, const struct fl_record *rec, struct fl_buf *out);

#endif
