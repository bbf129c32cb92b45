/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An expression of a print fmt: a tree that is made once and evaluated over each record. */
#ifndef PROBE_PRINTFMT_PRIVATE_H
#define PROBE_PRINTFMT_PRIVATE_H

#include "probe/printfmt/printfmt.h"

enum fl_expr_kind {
	FL_EXPR_NUMBER,
	FL_EXPR_STRING,
	FL_EXPR_FIELD,	 /* REC->name */
	FL_EXPR_UNARY,	 /* @op over @a; '&' and '*' are address and what is there */
	FL_EXPR_BINARY,	 /* @op over @a and @b */
	FL_EXPR_COND,	 /* @a ? @b : @c */
	FL_EXPR_CAST,	 /* @a as @type */
	FL_EXPR_INDEX,	 /* @a[@b] */
	FL_EXPR_CALL,	 /* @call of @args, or of @field */
	FL_EXPR_UNKNOWN, /* a name that only the kernel's own source explains */
};

/* Operators of more than one character. */
enum fl_expr_op {
	FL_OP_SHL = 256,
	FL_OP_SHR,
	FL_OP_LE,
	FL_OP_GE,
	FL_OP_EQ,
	FL_OP_NE,
	FL_OP_AND,
	FL_OP_OR,
};

enum fl_expr_call {
#define F(name, call, min, max) FL_CALL_##call,
#include "probe/printfmt/calls.def"
#undef F
	_FL_CALL_MAX,
};

/* A type as far as it matters for a number; of a pointer that of what it points to. */
struct fl_expr_type {
	uint8_t size; /* 0: not known, and nothing is done to the number */
	bool is_signed;
	bool is_pointer;
};

/* { VALUE, "NAME" } */
struct fl_expr_name {
	uint64_t value;
	struct fl_str name;
};

#define FL_EXPR_MAX_ARGS 8

struct fl_expr {
	enum fl_expr_kind kind;
	int op;
	enum fl_expr_call call;
	struct fl_expr_type type; /* of a number and a cast */
	uint64_t number;
	struct fl_str text;
	const struct fl_field *field;
	bool is_masked; /* "REC->field & NUMBER": @number of @type */
	struct fl_expr *a, *b, *c;
	struct fl_expr *args[FL_EXPR_MAX_ARGS];
	size_t nr_args;
	struct fl_expr_name *names;
	size_t nr_names;
};

enum fl_value_kind {
	FL_VALUE_NUMBER,
	FL_VALUE_BYTES, /* a place in the record, or a text */
	FL_VALUE_NONE,	/* it lies outside of the record */
	FL_VALUE_UNKNOWN,
};

struct fl_value {
	enum fl_value_kind kind;
	uint64_t number; /* extended to 64 bits as its type says */
	struct fl_expr_type type; /* of the number, or of one element of the bytes */
	struct fl_str bytes;
};

/* What can be known before there is a record. */
void fl_expr_prepare(struct fl_expr *e);

struct fl_value fl_expr_value(const struct fl_expr *e, const struct fl_print_record *rec);

/* What stands for a value that is none. */
const char *fl_value_absent(const struct fl_value *v);

/* Appends what "%s" of it prints. */
void fl_expr_text(const struct fl_expr *e, const struct fl_print_record *rec, struct fl_buf *out);

/* The bytes that a field holds; p NULL where they lie outside of the record. */
struct fl_str fl_expr_field_bytes(const struct fl_field *f, const struct fl_print_record *rec);

/* ---- parsing ---- */

struct fl_expr_parser {
	struct fl_str rest;
	const struct fl_format *format;
	struct fl_abi abi;
	struct fl_arena *arena;
	unsigned int depth;
	unsigned int nr_unknown; /* names that nothing here explains */
	int error; /* 0, -EINVAL or -ENOMEM; nothing more is parsed after it */
};

/* One expression, up to a comma or bracket that is not its own. NULL and @p->error where it is none. */
struct fl_expr *fl_expr_parse(struct fl_expr_parser *p);

/* String literals that stand side by side, as one; p NULL where none begins here. */
struct fl_str fl_expr_parse_string(struct fl_expr_parser *p);

/* The next thing is the character @c, which is taken. */
bool fl_expr_take(struct fl_expr_parser *p, char c);

#endif
