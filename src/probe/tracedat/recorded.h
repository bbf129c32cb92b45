/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record of the kernel's ring buffer, with what is needed to show it: read from a file
 * (recording.h) or live from tracefs (probe/ftrace).
 */
#ifndef PROBE_TRACEDAT_RECORDED_H
#define PROBE_TRACEDAT_RECORDED_H

#include "base/buf.h"
#include "probe/output/linehead.h"
#include "probe/output/printer.h"
#include "probe/printfmt/printfmt.h"
#include "probe/record/abi.h"
#include "btf/ksyms.h"

struct fl_user_frames;

/* Whether lines of an event go a short way: made once. */
struct fl_recorded_quick {
	size_t room; /* for title and text; 0: they do not */
	bool is_plain; /* of the title nothing is to be escaped */
	bool only_numbers; /* nor of the values, shown by their fields */
};

/* Everything is borrowed. */
struct fl_recorded {
	struct fl_abi abi;
	const struct fl_format *format; /* NULL: its type is not described */
	const struct fl_event_printer *printer;
	const struct fl_printfmt *text; /* NULL: it is shown by its fields */
	struct fl_recorded_quick quick;
	uint64_t time; /* ns */
	uint32_t cpu;
	uint32_t pid;
	uint16_t type; /* the event's number */
	uint8_t flags; /* the kernel's trace flags */
	uint8_t preempt_count;
	struct fl_str comm;
	struct fl_str place; /* where the record does not tell; empty: it does, or nobody knows */
	struct fl_str buffer; /* its name; empty: the main one */
	struct fl_str source; /* the buffer or file that it comes from; empty: there is only one */
	bool raw_time;	      /* the clock counts no nanoseconds */
	uint64_t missed;      /* records of this CPU that were lost before it; UINT64_MAX: some */
	const struct fl_ksyms *ksyms; /* NULL: addresses stay numbers */
	const struct fl_printk *printk; /* NULL: so do those of texts */
	const struct fl_user_frames *users; /* NULL: frames of processes stay numbers */
	const uint8_t *data; /* common fields included */
	size_t size;
};

/* Takes the common fields off @data, which has 8 bytes at least; format and comm are the caller's. */
void fl_recorded_start(struct fl_recorded *rec, struct fl_abi abi, uint64_t time, uint32_t cpu, struct fl_str data);
/* Another record of the same CPU: what describes it stays what it was. */
static inline void fl_recorded_move(struct fl_recorded *rec, uint64_t time, struct fl_str data)
{
	rec->time = time;
	rec->type = fl_abi_u16(rec->abi, data.p);
	rec->flags = (uint8_t)data.p[2];
	rec->preempt_count = (uint8_t)data.p[3];
	rec->pid = fl_abi_u32(rec->abi, data.p + 4);
	rec->data = (const uint8_t *)data.p;
	rec->size = data.n;
}
/* @text may be NULL. */
struct fl_recorded_quick fl_recorded_quick(const struct fl_format *format, const struct fl_event_printer *printer,
					   const struct fl_printfmt *text);

/* Element @element of the @count (0: 1) that the field holds. False where the record is too short. */
bool fl_recorded_number(const struct fl_recorded *rec, const struct fl_field *f, uint32_t element,
			uint32_t count, uint64_t *ret);

/* One element of a value that the printer lists: a text, or a number. */
struct fl_recorded_value {
	bool is_text, is_signed;
	uint64_t number;
	struct fl_str text;
};

/* Elements of @v: 1 for what is no array. */
uint32_t fl_recorded_count(const struct fl_recorded *rec, const struct fl_printed *v);
/* False where it could not be read when it was recorded, or lies outside of the record. */
bool fl_recorded_value(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t element,
		       struct fl_recorded_value *ret);
bool fl_recorded_is_list(const struct fl_printed *v);

/* The event's own text, without the line's head; false where it has none. */
bool fl_recorded_said(const struct fl_recorded *rec, struct fl_buf *out);

/* A stack, which is an event of ftrace's own; @at is where its frames begin. */
bool fl_recorded_stack(const struct fl_recorded *rec, enum fl_stack_kind *ret_kind, uint64_t *ret_at);
/* Cuts the next frame off, the innermost first; false behind the last. */
bool fl_recorded_frame(const struct fl_recorded *rec, uint64_t *at, uint64_t *ret);
/* "vfs_read+0x4/0x470 [module]", the name alone, or the number where the file does not say. */
void fl_recorded_symbol(const struct fl_recorded *rec, uint64_t addr, bool name_only, struct fl_buf *out);

/* "/usr/bin/cat[+0x1234] main+0x12" of a frame of a process; false where the file does not say. */
bool fl_recorded_user(const struct fl_recorded *rec, uint64_t addr, bool is_call, struct fl_buf *out);
/* The function's name alone, or the place, or the number. */
void fl_recorded_user_name(const struct fl_recorded *rec, uint64_t addr, bool is_call, struct fl_buf *out);

/* Strings that could not be read, which are shown as (fault). */
uint64_t fl_recorded_faults(const struct fl_recorded *rec);

/* Who was where, as lines begin. */
struct fl_recorded_who {
	uint32_t pid, cpu;
	uint8_t flags, preempt_count;
	uint8_t comm_len;
	char comm[FL_COMM_LEN];
	struct fl_line_who line; /* no length: not in use */
};

/* What is kept from line to line. Zero but for @bytes to start. */
struct fl_recorded_lines {
	bool bytes; /* what others wrote is shown as it is */
	size_t source_width; /* of the column of sources; 0: there is none */
	bool raw;	     /* fields, and not what an event makes of them */
	struct fl_line_second second;
	struct fl_recorded_who who[FL_LINE_HEAD_WHO];
	uint64_t ip, ret_ip; /* what @place is of */
	bool place_is_plain;
	const struct fl_event_printer *printer;
	struct fl_buf place;
};

void fl_recorded_lines_fini(struct fl_recorded_lines *l);
#define _cleanup_recorded_lines_ _cleanup_(fl_recorded_lines_fini)

/* One line each, as fl_text_record() and fl_record_json() write them, and one before it where
 * records were lost. */
void fl_recorded_text(struct fl_recorded_lines *l, const struct fl_recorded *rec, struct fl_buf *out);
void fl_recorded_json(const struct fl_recorded *rec, struct fl_buf *out);

#endif
