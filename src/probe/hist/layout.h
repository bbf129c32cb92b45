/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram of an event of ours as it is counted: where its keys, its sums and its variables lie in maps.
 *
 * Sums are counted by each CPU for itself. What the histogram keeps beside them (variables; what onmax() and
 * onchange() have seen last, and saved) is one for all CPUs, under the same key.
 */
#ifndef PROBE_HIST_LAYOUT_H
#define PROBE_HIST_LAYOUT_H

#include <assert.h>

#include "base/str.h"
#include "probe/hist/hist.h"
#include "probe/record/layout.h"

#define FL_HIST_MAX_KEYS   8
#define FL_HIST_MAX_VALS   8
#define FL_HIST_STRING	   256 /* bytes of a string that is kept, NUL included: the kernel's MAX_FILTER_STR_VAL */
#define FL_HIST_COMM_SIZE  16
#define FL_HIST_LEAST_STRING 16
#define FL_HIST_FRAMES	   FL_FIELD_FRAMES
#define FL_HIST_FRAMES_RAW FL_FIELD_FRAMES_RAW
static_assert(FL_HIST_FRAMES == FL_HV_FRAMES, "a key and a field have the same depth");
#define FL_HIST_MAX_KEY	   512 /* bytes: the kernel's limit of a map's key */

enum fl_hist_source {
	FL_HIST_ARG,
	FL_HIST_PID,
	FL_HIST_CPU,
	FL_HIST_STACK,
	FL_HIST_COMM,
	FL_HIST_IP,   /* where the probe is */
	FL_HIST_EXPR, /* worked out: @value */
};

enum fl_hist_modifier {
	FL_HIST_PLAIN,
	FL_HIST_HEX,
	FL_HIST_SYM,
	FL_HIST_SYM_OFFSET,
	FL_HIST_EXECNAME,
	FL_HIST_SYSCALL,
	FL_HIST_LOG2,
	FL_HIST_BUCKETS,
	FL_HIST_PERCENT, /* of sums, as the next one */
	FL_HIST_GRAPH,
};

struct fl_hist_field {
	struct fl_str name;
	enum fl_hist_source source;
	enum fl_hist_modifier modifier;
	size_t arg;	  /* FL_HIST_ARG: its index */
	uint64_t bucket;  /* FL_HIST_BUCKETS: width */
	const struct fl_hist_value *value;
	bool is_string;
	bool is_signed;
	uint16_t offset;  /* in the map's key or value */
	uint16_t size;	  /* in the map's key */
};

struct fl_hist_sort {
	int field; /* -1: hitcount; from 0: value; from FL_HIST_MAX_VALS: key */
	bool descending;
};

/* A value that is kept for all CPUs, under the key. */
struct fl_hist_place {
	const struct fl_hist_value *value; /* the variable; of onmax() and onchange() what was seen last */
	const struct fl_hist_value *from;  /* what is saved in it; NULL: itself */
	uint16_t offset, size;
};

/* The first word tells which are set. */
struct fl_hist_kept {
	struct fl_hist_place v[FL_HIST_PLACES];
	size_t n;
	uint16_t size; /* 0: there are none */
};

/**
 * struct fl_hist - one histogram of one event, as it is counted
 * @trigger: what it was made of, which also owns all names
 * @execname: an entry's value ends with the task's name
 * @key_size, @value_size: of a table's entry: hitcount, sums, name
 * @counts_nothing: its variables and actions are all, and there is no table
 * @by_match: its own keys are worked out of variables, and others' are looked up by @match instead: fields of
 *	the event with the names of their keys
 * @vars: variables that others ask for, and its own
 * @seen: of onmax() and onchange(): what was seen last for each of these actions, then what save() keeps
 */
struct fl_hist {
	struct fl_hist_field keys[FL_HIST_MAX_KEYS];
	size_t nr_keys;
	struct fl_hist_field vals[FL_HIST_MAX_VALS];
	size_t nr_vals;
	struct fl_hist_sort sort[2];
	size_t nr_sort;
	uint32_t size;
	bool execname, counts_nothing, by_match;
	uint16_t key_size, value_size;
	struct fl_hist_field match[FL_HIST_MAX_KEYS];
	size_t nr_match;
	uint16_t match_size;
	struct fl_hist_kept vars, seen;
	const struct fl_trigger *trigger;
};

/*
 * -EOPNOTSUPP where something in it cannot be counted by us, -E2BIG where there is too much of it; *@why says
 * what.
 */
int fl_hist_layout(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *ret, const char **why);

/* Finds in @e what the keys of @other are called. -ENOENT: it has no such field. */
int fl_hist_match(struct fl_hist *h, const struct fl_probe_event *e, const struct fl_hist *other);

/* SIZE_MAX: it is not kept there. */
size_t fl_hist_place_of(const struct fl_hist_kept *kept, const struct fl_hist_value *v);

/* Bytes of a value that is kept: FL_HIST_STRING of a string, a stack's frames with zeros behind them, else 8. */
uint16_t fl_hist_value_room(const struct fl_hist_value *v);

/* The argument of that name; SIZE_MAX: none. */
size_t fl_hist_arg(const struct fl_probe_event *e, const char *name);

/* Where its action has seen the last value; SIZE_MAX: the action keeps none. */
size_t fl_hist_seen_by(const struct fl_hist *h, const struct fl_hist_action *a);

#endif
