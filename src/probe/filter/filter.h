/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's event-filter language (Documentation/trace/events.rst, "Event filtering"): the text
 * behind "if" in an event probe, and behind our own definitions.
 *
 * A parsed filter is a list of predicates in the order in which they are looked at. Each names the
 * predicate that follows when it holds and when it does not, always further down the list: so a
 * filter runs, and compiles to BPF, as a straight line with forward jumps.
 *
 * Pure: fields are asked for through a callback. A parsed filter is not changed any more and may be
 * used by several threads.
 */
#ifndef PROBE_FILTER_FILTER_H
#define PROBE_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "foreland/diag.h"

/* How a field's value lies in a record. */
enum fl_filter_kind {
	FL_FILTER_NUMBER,
	FL_FILTER_STRING,     /* char[size] in the record, ends at its size or at NUL */
	FL_FILTER_DYN_STRING, /* __data_loc: u32 of offset | length << 16, from the record's start */
	FL_FILTER_RDYN_STRING, /* __rel_loc: the same, from behind the field */
	FL_FILTER_PTR_STRING, /* a kernel (or ".ustring": user) address of a string */
	FL_FILTER_COMM,	      /* the current task's name, in no record */
	FL_FILTER_CPU,	      /* the current CPU's number (a signed int), in no record */
	FL_FILTER_CPUMASK,    /* a set of CPUs, of which the data location is compared as a number */
	_FL_FILTER_KIND_MAX,
};

/* A field as the filter needs it; what find() fills. */
struct fl_filter_field {
	enum fl_filter_kind kind;
	uint32_t offset; /* in the record; for others than the engine's own use to find the value */
	uint32_t size;
	bool is_signed;
};

/* The fields of one event. find() returns false for a name that it does not have. */
struct fl_filter_scope {
	bool (*find)(void *ctx, struct fl_str name, struct fl_filter_field *ret);
	/* Address range of a kernel function, for FIELD.function; NULL: none is known. */
	bool (*function)(void *ctx, struct fl_str name, uint64_t *ret_start, uint64_t *ret_end);
	void *ctx;
	bool no_functions, no_cpu_lists; /* older kernels have no FIELD.function and no CPUS{LIST} */
};

enum fl_filter_op {
	FL_FILTER_EQ,
	FL_FILTER_NE,
	FL_FILTER_LT,
	FL_FILTER_LE,
	FL_FILTER_GT,
	FL_FILTER_GE,
	FL_FILTER_BAND,	    /* any bit in common */
	FL_FILTER_MATCH,    /* ~, == and != on strings: see @match */
	FL_FILTER_FUNCTION, /* value lies in [@value, @end) */
	FL_FILTER_CPUS,	    /* value is a CPU of the set @value; @only: and there is no other in it */
	_FL_FILTER_OP_MAX,
};

/* What a string is held against; all but MATCH_GLOB are plain comparisons. */
enum fl_filter_match {
	FL_FILTER_MATCH_FULL,
	FL_FILTER_MATCH_FRONT,
	FL_FILTER_MATCH_MIDDLE,
	FL_FILTER_MATCH_END,
	FL_FILTER_MATCH_GLOB,
	_FL_FILTER_MATCH_MAX,
};

/* Where a predicate leads that is not another predicate. */
#define FL_FILTER_ACCEPT 0xfffe
#define FL_FILTER_REJECT 0xffff

/**
 * struct fl_filter_pred - one predicate
 * @name: the field's name, in the filter's text
 * @negate: the comparison's result is turned over ("!=" on strings, a pattern's "!")
 * @only: of FL_FILTER_CPUS
 * @user: a pointer string lies in user memory (".ustring")
 * @value: the number compared with, already of the field's width's meaning
 * @pattern: the string compared with, its stars taken off as @match says
 * @on_true, @on_false: index of the next predicate, FL_FILTER_ACCEPT or FL_FILTER_REJECT
 */
struct fl_filter_pred {
	struct fl_str name;
	struct fl_filter_field field;
	enum fl_filter_op op;
	enum fl_filter_match match;
	bool negate;
	bool only;
	bool user;
	uint64_t value, end;
	struct fl_str pattern;
	uint16_t on_true, on_false;
};

struct fl_filter {
	struct fl_arena arena;
	struct fl_filter_pred *preds;
	size_t n;
};

void fl_filter_fini(struct fl_filter *f);
#define _cleanup_filter_ __attribute__((cleanup(fl_filter_fini)))

/*
 * -EINVAL with the kernel's message and caret in @diag, whose column counts in @text; -ENOMEM.
 * @text is copied. At most FL_FILTER_TEXT_MAX bytes are taken (-E2BIG), as by a tracefs write.
 */
#define FL_FILTER_TEXT_MAX 4095
int fl_filter_parse(struct fl_str text, const struct fl_filter_scope *scope, struct fl_filter *ret,
		    struct fl_diag *diag);

/* What a record cannot tell. */
struct fl_filter_env {
	struct fl_str comm;
	uint32_t cpu;
	/* A string behind an address; false: it cannot be read, and no comparison holds. */
	bool (*string)(void *ctx, uint64_t address, bool user, struct fl_str *ret);
	void *ctx;
};

/* The reference semantics: whether the record passes. Fields outside of the record hold nothing. */
bool fl_filter_match(const struct fl_filter *f, const void *record, size_t size,
		     const struct fl_filter_env *env);

#endif
