/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One call site and what it holds: the record type of all sources, and a growing set of them.
 */
#ifndef ALLOC_RECORDS_RECORD_H
#define ALLOC_RECORDS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

enum fl_accurate {
	FL_ACCURATE_UNKNOWN, /* the source does not say (version 1.0) */
	FL_ACCURATE_NO,
	FL_ACCURATE_YES,
};

/* One function of a chain of callers. */
struct fl_alloc_frame {
	struct fl_str function; /* n 0: not known */
	struct fl_str file;	/* n 0: not known, as is the line then */
	uint64_t line;
	struct fl_str module;	/* path; n 0: not known */
	struct fl_str build_id; /* its bytes; n 0: none */
	uint64_t offset;	/* of the call, as the module's file has it */
	uint64_t from_start;	/* of the function, where has_from_start */
	bool has_from_start;
	bool inlined; /* into the frame that follows */
};

/* What only some sources know. */
struct fl_alloc_more {
	int64_t peak_bytes;
	uint64_t total_bytes, total_calls; /* of all that was ever allocated */
	int64_t at_bytes, at_calls;	   /* when all sites together held the most */
	bool has_peak, has_total;
	int32_t pid; /* 0: not said */
	const struct fl_alloc_frame *stack; /* innermost first */
	uint32_t nr_stack;
};

/* Strings are borrowed from the set (or the text) that the record came from. */
struct fl_alloc_record {
	int64_t bytes;	      /* live; negative for a moment where per-CPU counters are summed */
	uint64_t calls;	      /* live allocations */
	struct fl_str file;   /* p NULL: not known */
	uint64_t line;	      /* means nothing where file is not known */
	struct fl_str module; /* n 0: built in, the main program */
	struct fl_str function;
	struct fl_str extra; /* unknown words behind the tag, as they were */
	const struct fl_alloc_more *more; /* NULL: nothing; borrowed as strings are */
	enum fl_accurate accurate;
};

/* The extra word of memory that a program mapped itself, which malloc() does not know. */
#define FL_ALLOC_MAPPED "mmap"

struct fl_alloc_set {
	struct fl_alloc_record *v;
	size_t n, cap;
	struct fl_arena strings;
	struct fl_file text;	  /* what the strings may point into */
	uint64_t content_id;	  /* where has_content_id */
	bool has_content_id;
	bool torn;		  /* tags came or went while it was read */
	int64_t peak_bytes;	  /* of all sites together; 0: not known */
};

void fl_alloc_set_fini(struct fl_alloc_set *set);
#define _cleanup_alloc_set_ __attribute__((cleanup(fl_alloc_set_fini)))

/* 0 or -ENOMEM. The strings are referred to: they must live as long as the set. */
int fl_alloc_set_add(struct fl_alloc_set *set, const struct fl_alloc_record *r);
/* The same with copies of the strings. */
int fl_alloc_set_add_copy(struct fl_alloc_set *set, const struct fl_alloc_record *r);

/* Appends what tells one place from another: module, file, line and function. */
void fl_alloc_add_place(struct fl_buf *b, const struct fl_alloc_record *r);

/* Average size of a live allocation, 0 where there is none. */
int64_t fl_alloc_average(int64_t bytes, uint64_t calls);

#endif
