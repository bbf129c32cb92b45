/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/bpf/layout.h"

#include <errno.h>
#include <string.h>

static struct fl_record_slot slot_of(const struct fl_probe_arg *a)
{
	struct fl_record_slot s = { .size = a->type->size, .count = a->count ? (uint16_t)a->count : 1 };

	if (a->type->flags & FL_TYPE_SYMSTR) {
		s.kind = FL_SLOT_SYMBOL;
		s.size = 8;
	} else if (a->type->flags & FL_TYPE_STRING) {
		s.kind = FL_SLOT_STRING;
		s.size = sizeof(struct fl_strloc);
	}
	return s;
}

static uint32_t align(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

int fl_record_layout(const struct fl_probe_event *e, struct fl_layout_options o,
		     struct fl_record_layout *ret)
{
	struct fl_record_layout l = { .nr_slots = e->nr_args };
	uint32_t at = sizeof(struct fl_record);

	if (e->nr_args > FL_MAX_PROBE_ARGS)
		return -E2BIG;
	if (o.ip)
		l.ip_offset = (uint16_t)at, at += 8;
	if (o.caller)
		l.caller_offset = (uint16_t)at, at += 8;
	if (o.faults) {
		l.faults_offset = (uint16_t)at;
		l.nr_faults = (uint16_t)e->nr_args;
		at += align((uint32_t)e->nr_args, 64) / 8;
	}
	for (size_t i = 0; i < e->nr_args; i++) {
		struct fl_record_slot *s = &l.slots[i];

		*s = slot_of(&e->args[i]);
		at = align(at, s->kind == FL_SLOT_STRING ? 2 : s->size);
		s->offset = (uint16_t)at;
		at += (uint32_t)s->size * s->count;
		if (s->kind == FL_SLOT_STRING)
			l.nr_strings += s->count;
		if (at > FL_RECORD_MAX)
			return -E2BIG;
	}
	l.fixed_size = (uint16_t)align(at, 8);
	l.max_size = l.fixed_size;
	if (l.nr_strings) {
		uint32_t room = (uint32_t)(FL_RECORD_MAX - l.fixed_size) / l.nr_strings;

		l.string_max = room < FL_STRING_MAX ? (uint16_t)room : FL_STRING_MAX;
		if (l.string_max < 16)
			return -E2BIG;
		l.max_size += (uint32_t)l.string_max * l.nr_strings;
	}
	*ret = l;
	return 0;
}

bool fl_record_fault(const struct fl_record_layout *l, const struct fl_record *r, size_t arg)
{
	const uint8_t *bits = fl_record_at(r, l->faults_offset);

	return l->faults_offset && arg < l->nr_faults && bits[arg / 8] >> arg % 8 & 1;
}

uint64_t fl_record_value(const struct fl_record_slot *s, const struct fl_record *r, size_t element,
			 bool is_signed)
{
	unsigned int unused = 64 - 8u * s->size;
	uint64_t v = 0;

	memcpy(&v, fl_record_at(r, s->offset + element * s->size), s->size);
	if (is_signed && unused)
		v = (uint64_t)((int64_t)(v << unused) >> unused);
	return v;
}

bool fl_record_string(const struct fl_record_slot *s, const struct fl_record *r, size_t size,
		      size_t element, struct fl_str *ret)
{
	struct fl_strloc loc;

	memcpy(&loc, fl_record_at(r, s->offset + element * s->size), sizeof(loc));
	if (loc.len == 0 || (size_t)loc.off + loc.len > size)
		return false;
	*ret = fl_str_n(fl_record_at(r, loc.off), loc.len - 1u);
	return true;
}
