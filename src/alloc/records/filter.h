/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which records are wanted: the kernel interface's own filter, with its rules, and above it what
 * only we can do. The first part is what a source may push down to where the tags are.
 */
#ifndef ALLOC_RECORDS_FILTER_H
#define ALLOC_RECORDS_FILTER_H

#include "alloc/records/record.h"
#include "foreland/allocinfo.h"

/* What the interface does not know: patterns instead of names, and two more ranges. */
#define FL_ALLOC_MODULE_GLOB   (1u << 0)
#define FL_ALLOC_FUNCTION_GLOB (1u << 1)
#define FL_ALLOC_FILE_GLOB     (1u << 2)
#define FL_ALLOC_FILE_DIR      (1u << 3) /* file is a directory: "mm/" or "mm/kasan/" */
#define FL_ALLOC_MIN_CALLS     (1u << 4)
#define FL_ALLOC_MAX_CALLS     (1u << 5)
#define FL_ALLOC_MIN_AVERAGE   (1u << 6)
#define FL_ALLOC_MAX_AVERAGE   (1u << 7)

struct fl_alloc_filter {
	uint32_t mask; /* FL_ALLOCINFO_...: exact names, line, accuracy, size */
	uint32_t more; /* FL_ALLOC_... */
	struct fl_str module, function, file; /* a name, or the pattern where more says so */
	uint64_t line;
	bool inaccurate;
	uint64_t min_size, max_size;
	uint64_t min_calls, max_calls;
	uint64_t min_average, max_average;
};

/*
 * Sets one of the names: a pattern where @s has one of * ? [, a directory where a file ends in "/",
 * otherwise the exact name.
 */
void fl_alloc_filter_module(struct fl_alloc_filter *f, struct fl_str s);
void fl_alloc_filter_function(struct fl_alloc_filter *f, struct fl_str s);
void fl_alloc_filter_file(struct fl_alloc_filter *f, struct fl_str s);

/* -EINVAL where a range is empty: what GET_AT says to it. */
int fl_alloc_filter_check(const struct fl_alloc_filter *f);

/* The part of it that is about sizes. */
static inline bool fl_alloc_filter_size(const struct fl_alloc_filter *f, int64_t bytes)
{
	if (f->mask & FL_ALLOCINFO_MIN_SIZE && (uint64_t)bytes < f->min_size)
		return false;
	return !(f->mask & FL_ALLOCINFO_MAX_SIZE) || (uint64_t)bytes <= f->max_size;
}

bool fl_alloc_filter_match(const struct fl_alloc_filter *f, const struct fl_alloc_record *r);

/* The part that the interface knows; the rest of the filter must be applied to its answers. */
void fl_alloc_filter_push(const struct fl_alloc_filter *f, struct fl_allocinfo_filter *ret);

#endif
