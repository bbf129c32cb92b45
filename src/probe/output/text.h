/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own line:
 *
 *	            bash-1234    [001] .....   123.456789: event: (vfs_read+0x0/0x470) count=3
 *
 * A flag that is not known is a dot. A string that reached its limit has "..." behind it.
 */
#ifndef PROBE_OUTPUT_TEXT_H
#define PROBE_OUTPUT_TEXT_H

#include "base/buf.h"
#include "probe/record/schema.h"
#include "probe/output/symbols.h"

struct fl_text;

/* For records of @events; both are borrowed. */
int fl_text_new(struct fl_record_schemas events, struct fl_symbols *symbols, struct fl_text **ret);
void fl_text_free(struct fl_text *t);
FL_DEFINE_CLEANUP(struct fl_text *, fl_text_free);
#define _cleanup_text_ _cleanup_(fl_text_freep)

/* Shows what others wrote as it is, not escaped (base/escape.h). */
void fl_text_bytes(struct fl_text *t);

/* Appends one line, and those of the stacks that were asked for. */
void fl_text_record(struct fl_text *t, uint32_t cpu, const struct fl_record *rec, size_t size,
		    struct fl_buf *out);

/* Where a record was made, without parentheses: "vfs_read+0x0/0x470". Also for other outputs. */
void fl_place_text(const struct fl_record_schema *p, const struct fl_record *rec,
		   struct fl_symbols *symbols, struct fl_buf *out);

#endif
