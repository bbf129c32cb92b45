/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/event/scope.h"

#include <string.h>

#include "base/num.h"

static bool says_char(struct fl_str type)
{
	return type.n && memmem(type.p, type.n, "char", 4);
}

static enum fl_filter_kind field_kind(const struct fl_field *f)
{
	if (f->loc == FL_FIELD_DATA_LOC && says_char(f->type))
		return FL_FILTER_DYN_STRING;
	if (f->loc == FL_FIELD_REL_LOC && says_char(f->type))
		return FL_FILTER_RDYN_STRING;
	if (f->loc != FL_FIELD_INLINE && fl_str_starts(f->type, "cpumask_t"))
		return FL_FILTER_CPUMASK;
	if (f->loc == FL_FIELD_INLINE && f->is_array && says_char(f->type))
		return FL_FILTER_STRING;
	if (fl_str_is(f->type, "char *") || fl_str_is(f->type, "const char *"))
		return FL_FILTER_PTR_STRING;
	return FL_FILTER_NUMBER;
}

static bool find_in(const struct fl_format *format, struct fl_str name, bool common,
		    struct fl_filter_field *ret)
{
	for (size_t i = 0; i < format->nr_fields; i++) {
		const struct fl_field *f = &format->fields[i];

		if (f->is_common != common || !fl_str_eq(f->name, name))
			continue;
		*ret = (struct fl_filter_field){ .kind = field_kind(f), .offset = f->offset,
						 .size = f->size, .is_signed = f->is_signed };
		return true;
	}
	return false;
}

static bool find_field(void *ctx, struct fl_str name, struct fl_filter_field *ret)
{
	const struct fl_event_scope *s = ctx;

	if (find_in(s->format, name, false, ret))
		return true;
	if (fl_str_is(name, "cpu") || fl_str_is(name, "CPU") || fl_str_is(name, "common_cpu")) {
		*ret = (struct fl_filter_field){ .kind = FL_FILTER_CPU, .size = 4, .is_signed = true };
		return true;
	}
	if (fl_str_is(name, "comm") || fl_str_is(name, "COMM")) {
		*ret = (struct fl_filter_field){ .kind = FL_FILTER_COMM, .size = 16 };
		return true;
	}
	return find_in(s->format, name, true, ret);
}

static bool function(void *ctx, struct fl_str name, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct fl_event_scope *s = ctx;
	struct fl_ksyms *syms;
	struct fl_ksym sym;
	uint64_t address;

	if (fl_target_ksyms(s->target, &syms) < 0)
		return false;
	if (fl_parse_u64(name, 0, &address) == 0) {
		if (fl_ksyms_kernel_at(syms, address, &sym) < 0)
			return false;
	} else if (fl_ksyms_find(syms, name, &sym, 1) == 0) {
		return false;
	}
	*ret_start = sym.addr;
	*ret_end = sym.addr + sym.size;
	return true;
}

struct fl_filter_scope fl_event_filter_scope(struct fl_event_scope *scope)
{
	return (struct fl_filter_scope){ .find = find_field, .function = function, .ctx = scope };
}
