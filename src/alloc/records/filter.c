/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name filter is compared as the interface compares: both sides cut to their last 63 characters,
 * then byte for byte. That the same filter finds the same tags in a saved dump as in the kernel is
 * worth more than telling two names apart whose last 63 characters are the same.
 */
#include "alloc/records/filter.h"

#include <errno.h>
#include <string.h>

#define KEEP (FL_ALLOCINFO_STR_SIZE - 1)

static struct fl_str cut(struct fl_str s)
{
	return s.n > KEEP ? fl_str_from(s, s.n - KEEP) : s;
}

static bool same(struct fl_str s, struct fl_str wanted)
{
	return fl_str_eq(cut(s), cut(wanted));
}

static bool is_glob(struct fl_str s)
{
	return memchr(s.p, '*', s.n) || memchr(s.p, '?', s.n) || memchr(s.p, '[', s.n);
}

static void set(struct fl_alloc_filter *f, struct fl_str s, uint32_t exact, uint32_t glob)
{
	f->mask &= ~exact;
	f->more &= ~glob;
	if (is_glob(s))
		f->more |= glob;
	else
		f->mask |= exact;
}

void fl_alloc_filter_module(struct fl_alloc_filter *f, struct fl_str s)
{
	f->module = s;
	set(f, s, FL_ALLOCINFO_MODNAME, FL_ALLOC_MODULE_GLOB);
}

void fl_alloc_filter_function(struct fl_alloc_filter *f, struct fl_str s)
{
	f->function = s;
	set(f, s, FL_ALLOCINFO_FUNCTION, FL_ALLOC_FUNCTION_GLOB);
}

void fl_alloc_filter_file(struct fl_alloc_filter *f, struct fl_str s)
{
	f->file = s;
	f->more &= ~FL_ALLOC_FILE_DIR;
	set(f, s, FL_ALLOCINFO_FILENAME, FL_ALLOC_FILE_GLOB);
	if (f->mask & FL_ALLOCINFO_FILENAME && fl_str_ends(s, "/")) {
		f->mask &= ~FL_ALLOCINFO_FILENAME;
		f->more |= FL_ALLOC_FILE_DIR;
	}
}

static bool empty(uint32_t mask, uint32_t both, uint64_t min, uint64_t max)
{
	return (mask & both) == both && min > max;
}

int fl_alloc_filter_check(const struct fl_alloc_filter *f)
{
	if (empty(f->mask, FL_ALLOCINFO_MIN_SIZE | FL_ALLOCINFO_MAX_SIZE, f->min_size,
		  f->max_size) ||
	    empty(f->more, FL_ALLOC_MIN_CALLS | FL_ALLOC_MAX_CALLS, f->min_calls, f->max_calls) ||
	    empty(f->more, FL_ALLOC_MIN_AVERAGE | FL_ALLOC_MAX_AVERAGE, f->min_average,
		  f->max_average))
		return -EINVAL;
	return 0;
}

static bool names_match(const struct fl_alloc_filter *f, const struct fl_alloc_record *r)
{
	if (f->mask & FL_ALLOCINFO_MODNAME && !same(r->module, f->module))
		return false;
	if (f->mask & FL_ALLOCINFO_FUNCTION && r->function.p && !same(r->function, f->function))
		return false;
	if (f->mask & FL_ALLOCINFO_FILENAME && r->file.p && !same(r->file, f->file))
		return false;
	return !(f->mask & FL_ALLOCINFO_LINENO) || r->line == f->line;
}

static bool patterns_match(const struct fl_alloc_filter *f, const struct fl_alloc_record *r)
{
	if (f->more & FL_ALLOC_MODULE_GLOB && !fl_str_glob(f->module, r->module))
		return false;
	if (f->more & FL_ALLOC_FUNCTION_GLOB && !fl_str_glob(f->function, r->function))
		return false;
	if (f->more & FL_ALLOC_FILE_GLOB && !fl_str_glob(f->file, r->file))
		return false;
	return !(f->more & FL_ALLOC_FILE_DIR) ||
	       (r->file.n > f->file.n && memcmp(r->file.p, f->file.p, f->file.n) == 0);
}

static bool ranges_match(const struct fl_alloc_filter *f, const struct fl_alloc_record *r)
{
	int64_t average = fl_alloc_average(r->bytes, r->calls);
	uint64_t avg = average < 0 ? 0 : (uint64_t)average;

	if (f->more & FL_ALLOC_MIN_CALLS && r->calls < f->min_calls)
		return false;
	if (f->more & FL_ALLOC_MAX_CALLS && r->calls > f->max_calls)
		return false;
	if (f->more & FL_ALLOC_MIN_AVERAGE && avg < f->min_average)
		return false;
	return !(f->more & FL_ALLOC_MAX_AVERAGE) || avg <= f->max_average;
}

bool fl_alloc_filter_match(const struct fl_alloc_filter *f, const struct fl_alloc_record *r)
{
	if (!fl_alloc_filter_size(f, r->bytes) || !names_match(f, r))
		return false;
	if (f->mask & FL_ALLOCINFO_INACCURATE && (r->accurate == FL_ACCURATE_NO) != f->inaccurate)
		return false;
	return !f->more || (patterns_match(f, r) && ranges_match(f, r));
}

static void put_str(char field[FL_ALLOCINFO_STR_SIZE], struct fl_str s)
{
	s = cut(s);
	memcpy(field, s.p, s.n);
}

void fl_alloc_filter_push(const struct fl_alloc_filter *f, struct fl_allocinfo_filter *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->mask = f->mask;
	if (f->mask & FL_ALLOCINFO_MODNAME)
		put_str(ret->fields.modname, f->module);
	if (f->mask & FL_ALLOCINFO_FUNCTION)
		put_str(ret->fields.function, f->function);
	if (f->mask & FL_ALLOCINFO_FILENAME)
		put_str(ret->fields.filename, f->file);
	ret->fields.lineno = f->line;
	ret->inaccurate = f->inaccurate;
	ret->min_size = f->min_size;
	ret->max_size = f->max_size;
}
