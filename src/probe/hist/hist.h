/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms in the kernel's own words (Documentation/trace/histogram.rst):
 *
 *	keys=KEY[.MODIFIER],...[:vals=VAL,...][:sort=FIELD[.descending],...][:size=N]
 *	[:NAME=common_timestamp[.usecs]] [:NAME=common_timestamp[.usecs]-$OTHER]
 *
 * A key is an argument, common_pid, cpu, common_stacktrace (or stacktrace) or such a NAME.
 * Modifiers: hex, sym, sym-offset, execname
 * (of common_pid), log2, buckets=N, usecs. A value is an argument or a NAME; hitcount is always
 * there. As in the kernel, a NAME without "-" is kept for the event's keys, and "$OTHER" is what
 * another event kept as OTHER under the same keys: it is found by arguments of the names of that
 * event's keys.
 */
#ifndef PROBE_HIST_HIST_H
#define PROBE_HIST_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/record/layout.h"
#include "probe/event/event.h"

#define FL_HIST_MAX_KEYS   8
#define FL_HIST_MAX_VALS   8
#define FL_HIST_SIZE	   2048 /* the kernel's default */
#define FL_HIST_STRING	   64	/* bytes of a string in a key, NUL included */
#define FL_HIST_FRAMES	   16	/* of a stack that is a key: the kernel's own depth */
/* Taken for it: those of tracing itself stand in front, and are taken off by the reader. */
#define FL_HIST_FRAMES_RAW 24
#define FL_HIST_MAX_KEY	   512	/* bytes: the kernel's limit of a map's key */

enum fl_hist_source {
	FL_HIST_ARG,
	FL_HIST_PID,
	FL_HIST_CPU,
	FL_HIST_STACK,
	FL_HIST_LATENCY, /* the event's own NAME=...-$OTHER */
	FL_HIST_COMM,
	FL_HIST_EXPR, /* worked out: @value */
};

enum fl_hist_modifier {
	FL_HIST_PLAIN,
	FL_HIST_HEX,
	FL_HIST_SYM,
	FL_HIST_SYM_OFFSET,
	FL_HIST_EXECNAME,
	FL_HIST_LOG2,
	FL_HIST_BUCKETS,
};

struct fl_hist_field {
	struct fl_str name;
	enum fl_hist_source source;
	enum fl_hist_modifier modifier;
	size_t arg;	  /* FL_HIST_ARG: its index */
	uint64_t bucket;  /* FL_HIST_BUCKETS: width */
	const struct fl_hist_value *value; /* of a trigger */
	bool is_string;
	bool is_signed;
	uint16_t offset;  /* in the map's key or value */
	uint16_t size;	  /* in the map's key */
};

struct fl_hist_sort {
	int field; /* -1: hitcount; from 0: value; from FL_HIST_MAX_VALS: key */
	bool descending;
};

struct fl_hist_value;
struct fl_trigger;

/* A hist of one event; names are places in the spec, which must outlive it. */
struct fl_hist {
	struct fl_str text;
	struct fl_hist_field keys[FL_HIST_MAX_KEYS];
	size_t nr_keys;
	struct fl_hist_field vals[FL_HIST_MAX_VALS];
	size_t nr_vals;
	struct fl_hist_sort sort[2];
	size_t nr_sort;
	uint32_t size;
	struct fl_str keep;	/* NAME that this event keeps; empty: none */
	struct fl_str latency;	/* NAME that is the time since ... */
	struct fl_str since;	/* ... what another event keeps under this name; empty: none */
	bool usecs;		/* latency in microseconds, else nanoseconds */
	bool execname;		/* the value ends with the task's name */
	uint16_t key_size;
	uint16_t value_size;	/* hitcount, sums, name */
	size_t match[FL_HIST_MAX_KEYS]; /* argument for each key of the event that keeps @since */
	size_t nr_match;
	const struct fl_trigger *trigger; /* it is the table of; NULL: of none */
};

/* Names in @spec are looked up in @e. -EINVAL with @diag, which counts in @spec. */
int fl_hist_parse(struct fl_str spec, const struct fl_probe_event *e, struct fl_hist *ret,
		  struct fl_diag *diag);

/* The arguments of @e by which what @keeper keeps is found. -EINVAL with @diag. */
int fl_hist_match(struct fl_hist *h, const struct fl_probe_event *e, const struct fl_hist *keeper,
		  struct fl_diag *diag);

/* One entry, summed over the CPUs. */
struct fl_hist_entry {
	const uint8_t *key;
	uint64_t hits;
	uint64_t sums[FL_HIST_MAX_VALS];
	char comm[FL_COMM_LEN];
};

static inline uint16_t fl_hist_key_size(const struct fl_hist_field *f)
{
	return f->is_string ? FL_HIST_STRING : f->source == FL_HIST_STACK ? FL_HIST_FRAMES_RAW * 8 : 8;
}

uint64_t fl_hist_key(const struct fl_hist_field *f, const struct fl_hist_entry *e);

#endif
