/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks as the kernel's own tracer prints them: a line of their own behind the event's.
 *
 *	            bash-1234    [001] .....   123.456789: <stack trace>
 *	 => vfs_read
 *	 => ksys_read
 *
 * A stack that was as long as stacks may be ends with "...", one that the kernel did not give is
 * "(none: ERRNO)".
 */
#ifndef PROBE_OUTPUT_STACK_H
#define PROBE_OUTPUT_STACK_H

#include "base/buf.h"
#include "probe/record/schema.h"
#include "probe/output/symbols.h"

/*
 * Takes off the frames that tracing itself put on a stack: @own_frames (of its schema), and functions
 * that lead to programs.
 */
void fl_stack_trim(enum fl_stack_kind kind, unsigned int own_frames, struct fl_symbols *symbols,
		   struct fl_stack *s);

/* One frame: the kernel's %ps ("vfs_read", "dummy_init [dummy]"), or a place in @rec's process. */
void fl_stack_frame_text(enum fl_stack_kind kind, uint64_t addr, bool is_call, const struct fl_record *rec,
			 struct fl_symbols *symbols, struct fl_buf *out);

/* Lines of all stacks of a record, none where none are wanted. @bytes: names as they are. */
void fl_stack_text(const struct fl_record_schema *p, uint32_t cpu, const struct fl_record *rec, size_t size,
		   struct fl_symbols *symbols, bool bytes, struct fl_buf *out);

/* "stack":[...] and "user_stack":[...]; null where the kernel gave none. */
void fl_stack_json(const struct fl_record_schema *p, const struct fl_record *rec, size_t size,
		   struct fl_symbols *symbols, struct fl_buf *out);

/* The frames of an FL_SLOT_STACK, without those of tracing. */
struct fl_stack fl_stack_field(const struct fl_record_slot *s, const struct fl_record *rec, struct fl_symbols *symbols);

/* The kernel's "STACK:", and its frames in lines of their own, as a field of a synthetic event. */
void fl_stack_field_text(const struct fl_record_slot *s, const struct fl_record *rec, struct fl_symbols *symbols,
			 bool bytes, struct fl_buf *out);

/* Their names in a line of JSON, and the headings of their lines in text. */
extern const char *const fl_stack_keys[_FL_STACK_MAX];
extern const char *const fl_stack_titles[_FL_STACK_MAX];

#endif
