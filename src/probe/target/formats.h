/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracepoint formats: the "format" files of tracefs, EVENTS/SYSTEM/EVENT/format, which say where
 * each field of an event's record lies.
 */
#ifndef PROBE_TARGET_FORMATS_H
#define PROBE_TARGET_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct fl_diag;

/* Where a field's bytes are. */
enum fl_field_loc {
	FL_FIELD_INLINE,
	FL_FIELD_DATA_LOC, /* __data_loc: a u32, offset from the record's start | length << 16 */
	FL_FIELD_REL_LOC,  /* __rel_loc: the same, from the end of the u32 */
};

struct fl_field {
	struct fl_str type; /* C text without the name, "char" for "char comm[16]" */
	struct fl_str name;
	uint32_t offset; /* bytes from the start of the record */
	uint32_t size;
	uint32_t array_len; /* elements; 0: not an array, or its length is in the data */
	bool is_array;	    /* brackets stand behind the name, or behind a __data_loc type */
	bool is_signed;
	bool is_common; /* common_type, common_flags, common_preempt_count, common_pid */
	enum fl_field_loc loc;
};

struct fl_format {
	struct fl_str system; /* "sched": from the path, the file does not say it */
	struct fl_str name;
	uint32_t id; /* what perf_event_open takes as config */
	struct fl_field *fields; /* common ones first */
	size_t nr_fields;
	uint32_t size;	      /* up to the end of the last field */
	struct fl_str print_fmt; /* the text behind "print fmt:", empty where there is none */
};

/*
 * Parses one file's text; the result and its strings live in @arena (@text may go).
 * -EINVAL with @diag at the line that is none.
 */
int fl_format_parse(struct fl_str system, struct fl_str text, struct fl_arena *arena,
		    struct fl_diag *diag, struct fl_format *ret);

/* NULL where there is no such field. */
const struct fl_field *fl_format_field(const struct fl_format *f, struct fl_str name);

#endif
