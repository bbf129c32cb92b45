/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values by their BTF type instead of by the width that they were fetched in: enums and flags by
 * name, true and false, pointers that are errors, negative results of functions as errno names,
 * char arrays as strings, whole structs, and behind a pointer to a struct that struct. An argument
 * with a type of its own (":x32") is shown by that.
 */
#ifndef PROBE_OUTPUT_PRETTY_H
#define PROBE_OUTPUT_PRETTY_H

#include "base/buf.h"
#include "probe/record/schema.h"
#include "probe/output/symbols.h"

/* False, and nothing appended, where the value is shown as without --pretty. */
bool fl_pretty_text(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
		    struct fl_symbols *symbols, struct fl_buf *out);
/* Arrays of x8: lines for behind the event's own. */
void fl_pretty_buffers(const struct fl_record_schema *p, const struct fl_record *rec, struct fl_buf *out);
bool fl_pretty_json(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
		    const char *key, struct fl_symbols *symbols, struct fl_buf *out);

/* What a number is called or means, under KEY_text; nothing where it is a number and no more. */
void fl_pretty_beside(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec, const char *key,
		      struct fl_symbols *symbols, struct fl_buf *out);

/* Whether the struct that is shown of it is longer than what was read. */
bool fl_pretty_cut(const struct fl_record_schema *p, size_t arg);

/* "pointees":{ARGUMENT:{...}} where any argument points to a struct; null where reading failed. */
void fl_pretty_pointees(const struct fl_record_schema *p, const struct fl_record *rec,
			struct fl_symbols *symbols, struct fl_buf *out);

#endif
