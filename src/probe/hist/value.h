/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A value of a histogram: a key, a sum, a variable, or a part of an expression; and an event's fields,
 * out of which they are made.
 */
#ifndef PROBE_HIST_VALUE_H
#define PROBE_HIST_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "probe/event/event.h"
#include "probe/target/formats.h"

/* The kernel's limit of strings in filters, names and keys. */
#define FL_HV_STRING 256
#define FL_HV_FRAMES 31

enum fl_hist_field_kind {
	FL_HF_NUMBER,
	FL_HF_STATIC_STRING, /* in the record itself */
	FL_HF_DYN_STRING,    /* __data_loc */
	FL_HF_RDYN_STRING,   /* __rel_loc */
	FL_HF_PTR_STRING,    /* a pointer; never followed */
	FL_HF_COMM,	     /* in no record, as what follows */
	FL_HF_CPU,
	FL_HF_STACK,	     /* frames; size 0: those of this moment */
};

/* A field of an event as histograms see it. */
struct fl_hist_event_field {
	const char *name, *type;
	uint32_t offset, size;
	bool is_signed;
	bool is_common;
	enum fl_hist_field_kind kind;
};

struct fl_hist_event_fields {
	struct fl_hist_event_field *v;
	size_t n;
};

/* All of @format, or of the synthetic event @synth where that is given. -ENOMEM. */
int fl_hist_event_fields(const struct fl_format *format, const struct fl_probe_event *synth,
			 struct fl_arena *arena, struct fl_hist_event_fields *ret);
/* The event's own, those of all events that are in no record, the common ones. NULL: none. */
const struct fl_hist_event_field *fl_hist_event_field(const struct fl_hist_event_fields *f, const char *name);

enum {
	FL_HV_HITCOUNT = 1u << 0,
	FL_HV_KEY = 1u << 1,
	FL_HV_STRING_ = 1u << 2,
	FL_HV_HEX = 1u << 3,
	FL_HV_SYM = 1u << 4,
	FL_HV_SYM_OFFSET = 1u << 5,
	FL_HV_EXECNAME = 1u << 6,
	FL_HV_SYSCALL = 1u << 7,
	FL_HV_STACK = 1u << 8,
	FL_HV_LOG2 = 1u << 9,
	FL_HV_TIME = 1u << 10,
	FL_HV_USECS = 1u << 11,
	FL_HV_VAR = 1u << 12,
	FL_HV_EXPR = 1u << 13,
	FL_HV_REF = 1u << 14,
	FL_HV_CPU = 1u << 15,
	FL_HV_ALIAS = 1u << 16,
	FL_HV_BUCKET = 1u << 17,
	FL_HV_CONST = 1u << 18,
	FL_HV_PERCENT = 1u << 19,
	FL_HV_GRAPH = 1u << 20,
	FL_HV_COMM = 1u << 21,
	FL_HV_VALUE = 1u << 31, /* in modifiers.def: a sum */
};

struct fl_trigger;

/**
 * struct fl_hist_value - one value
 * @flags: FL_HV_: what it is, and how it is shown
 * @field: the event's field; NULL: none
 * @op: '+', '-', '*', '/', 'n' (minus in front); 0: none
 * @operand: of an expression; [0] of LOG2 and BUCKET the field itself, of an alias what it refers to
 * @bucket, @constant: of BUCKET and CONST
 * @multiplier: of a division by a number: what the kernel multiplies by instead; 0: it divides
 * @name: of an expression, or of the variable referred to
 * @variable: the variable that it defines; NULL: none
 * @system, @event: how a reference was qualified; NULL: not
 * @type, @size, @is_signed: the kernel's idea of its type
 * @offset: in the key
 * @owner: the histogram that it belongs to; of a reference: that of the variable
 * @target: of a reference: the variable
 * @slot: of a variable: its number in its histogram; of a reference: its number among these
 * @read_once: of a reference: reading uses the variable up
 */
struct fl_hist_value {
	unsigned int flags;
	const struct fl_hist_event_field *field;
	char op;
	struct fl_hist_value *operand[2];
	uint64_t bucket, constant, multiplier;
	const char *name, *variable, *system, *event, *type;
	uint32_t size, offset;
	bool is_signed;
	struct fl_trigger *owner;
	struct fl_hist_value *target;
	unsigned int slot;
	bool read_once;
};

#define FL_HIST_DIV_SHIFT 20 /* values below 1 << it are divided by @multiplier */

/* What the expression @v makes of its operands; "n" has one. */
uint64_t fl_hist_operate(const struct fl_hist_value *v, uint64_t a, uint64_t b);

/* NULL: no such value can be (a field of an odd size), or no memory. */
struct fl_hist_value *fl_hist_value_new(struct fl_arena *arena, const struct fl_hist_event_field *field,
					unsigned int flags);

/* What it is called in listings and in "sort="; never NULL. */
const char *fl_hist_value_name(const struct fl_hist_value *v, struct fl_arena *arena);
/* The first modifier that it has, or NULL. */
const char *fl_hist_value_modifier(const struct fl_hist_value *v);
/* As a part of an expression or of the keys of another histogram: "common_timestamp.usecs". */
void fl_hist_value_operand(const struct fl_hist_value *v, struct fl_arena *arena, struct fl_buf *out);
/* As a trigger shows it: "lat=common_timestamp.usecs-$ts0". @twice: a CPU's name is shown twice, as by 7.3. */
void fl_hist_value_print(const struct fl_hist_value *v, bool twice, struct fl_arena *arena, struct fl_buf *out);

#endif
