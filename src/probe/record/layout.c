/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/record/layout.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

static struct fl_record_slot slot_of(const struct fl_probe_arg *a)
{
	struct fl_record_slot s = { .size = a->type->size, .count = a->count ? (uint16_t)a->count : 1 };

	if (a->type->flags & FL_TYPE_SYMSTR) {
		s.kind = FL_SLOT_SYMBOL;
		s.size = 8;
	} else if (a->type->flags & FL_TYPE_STACK) {
		s.kind = FL_SLOT_STACK;
		s.count = FL_FIELD_FRAMES_RAW;
	} else if (a->type->flags & FL_TYPE_STRING) {
		s.kind = FL_SLOT_STRING;
		s.size = sizeof(struct fl_strloc);
	}
	return s;
}

/*
 * What a value is without a type of its own: a struct or an array that lies in memory, or a pointer
 * to a struct. Whoever wrote a type wants the value so.
 */
static enum fl_extra_kind extra_of(const struct fl_probe_arg *a, uint64_t *size)
{
	struct fl_type t = a->btf, pointee;
	unsigned int kind = fl_type_kind(t);

	if (a->type_text.p || a->count || !fl_type_ok(t) || a->type->flags & FL_TYPE_STRING)
		return FL_EXTRA_NONE;
	if (fl_kind_is_struct(kind) || kind == BTF_KIND_ARRAY)
		return fl_type_size(t, size) == 0 && *size ? FL_EXTRA_WHOLE : FL_EXTRA_NONE;
	pointee = fl_type_strip(fl_type_target(t));
	if (kind == BTF_KIND_PTR && fl_kind_is_struct(fl_type_kind(pointee)))
		return fl_type_size(pointee, size) == 0 && *size ? FL_EXTRA_POINTEE : FL_EXTRA_NONE;
	return FL_EXTRA_NONE;
}

static uint32_t align(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

/* Behind the slots; where they are many, each has less. */
static uint32_t place_extras(const struct fl_probe_event *e, struct fl_record_layout *l, uint32_t at)
{
	uint32_t n = 0, room;
	uint64_t size;

	for (size_t i = 0; i < e->nr_args; i++)
		n += extra_of(&e->args[i], &size) != FL_EXTRA_NONE;
	room = n ? (FL_RECORD_MAX - at) / 2 / n / 8 * 8 : 0;
	for (size_t i = 0; i < e->nr_args && room; i++) {
		struct fl_record_slot *s = &l->slots[i];

		s->extra = extra_of(&e->args[i], &size);
		if (s->extra == FL_EXTRA_NONE)
			continue;
		s->extra_size = (uint16_t)FL_MIN(FL_MIN(size, (uint64_t)room), (uint64_t)FL_EXTRA_MAX);
		at = align(at, 8);
		s->extra_offset = (uint16_t)at;
		at += s->extra_size;
	}
	return at;
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
		l.nr_faults = (uint16_t)(e->nr_args * (o.pretty ? 2 : 1));
		at += align(l.nr_faults, 64) / 8;
	}
	if (o.stacks) {
		l.stacks_offset = (uint16_t)at;
		l.stacks = o.stacks;
		l.in_kernel = e->kind == FL_PROBE_KPROBE || e->kind == FL_PROBE_FPROBE || e->kind == FL_PROBE_TPROBE ||
			      e->kind == FL_PROBE_EPROBE;
		at += _FL_STACK_MAX * sizeof(struct fl_stackloc);
	}
	for (size_t i = 0; i < e->nr_args; i++) {
		struct fl_record_slot *s = &l.slots[i];

		*s = slot_of(&e->args[i]);
		at = align(at, s->kind == FL_SLOT_STRING ? 2 : s->size);
		s->offset = (uint16_t)at;
		at += (uint32_t)s->size * s->count;
		if (s->kind == FL_SLOT_STRING)
			l.nr_strings += s->count;
		l.has_paths |= (e->args[i].type->flags & FL_TYPE_PATH) != 0;
		if (at > FL_RECORD_MAX)
			return -E2BIG;
	}
	if (o.pretty)
		at = place_extras(e, &l, at);
	l.fixed_size = (uint16_t)align(at, 8);
	l.max_size = l.fixed_size;
	if (o.raw) {
		l.raw_offset = l.fixed_size;
		l.max_size += FL_RAW_MAX;
	}
	for (unsigned int i = 0; i < _FL_STACK_MAX; i++)
		l.max_size += l.stacks >> i & 1 ? FL_STACK_FRAMES * 8 : 0;
	if (l.max_size > FL_RECORD_MAX)
		return -E2BIG;
	if (l.nr_strings) {
		/* a path is made beside the record */
		uint32_t room = (FL_RECORD_MAX - l.max_size) / (l.nr_strings + l.has_paths);

		l.string_max = room < FL_STRING_MAX ? (uint16_t)room : FL_STRING_MAX;
		if (l.string_max < 16)
			return -E2BIG;
		l.max_size += (uint32_t)l.string_max * l.nr_strings;
	}
	*ret = l;
	return 0;
}

struct fl_context fl_record_context(const struct fl_record *r)
{
	return (struct fl_context){ .flags = r->flags & FL_RECORD_IRQS_OFF ? FL_FLAG_IRQS_OFF : 0 };
}

bool fl_record_fault(const struct fl_record_layout *l, const struct fl_record *r, size_t arg)
{
	const uint8_t *bits = fl_record_at(r, l->faults_offset);

	return l->faults_offset && arg < l->nr_faults && bits[arg / 8] >> arg % 8 & 1;
}

enum fl_extra_state fl_record_extra(const struct fl_record_layout *l, const struct fl_record *r, size_t arg)
{
	const struct fl_record_slot *s = &l->slots[arg];
	int64_t value = (int64_t)fl_record_value(s, r, 0, false);

	if (s->extra == FL_EXTRA_POINTEE && (value >= 0 || value >= -4095))
		return FL_EXTRA_NOWHERE;
	return fl_record_fault(l, r, l->nr_slots + arg) ? FL_EXTRA_FAULT : FL_EXTRA_READ;
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

uint64_t fl_stack_frame(const struct fl_stack *s, size_t i)
{
	uint64_t v;

	memcpy(&v, s->frames + 8 * i, sizeof(v));
	return v;
}

struct fl_stack fl_record_frames(const struct fl_record_slot *s, const struct fl_record *r)
{
	struct fl_stack stack = { .frames = fl_record_at(r, s->offset) };

	while (stack.n < s->count && fl_stack_frame(&stack, stack.n))
		stack.n++;
	return stack;
}

int fl_record_stack(const struct fl_record_layout *l, const struct fl_record *r, size_t size,
		    enum fl_stack_kind kind, struct fl_stack *ret)
{
	struct fl_stackloc loc;

	if (!(l->stacks >> kind & 1))
		return -ENOENT;
	memcpy(&loc, fl_record_at(r, l->stacks_offset + kind * sizeof(loc)), sizeof(loc));
	if (loc.len < 0)
		return loc.len;
	if ((size_t)loc.off + (size_t)loc.len > size)
		return -EFAULT;
	*ret = (struct fl_stack){ .frames = fl_record_at(r, loc.off), .n = (size_t)loc.len / 8,
				  .is_full = loc.len == FL_STACK_FRAMES * 8 };
	while (ret->n && !fl_stack_frame(ret, ret->n - 1)) /* a process begins with a frame of zeros */
		ret->n--;
	return kind == FL_STACK_KERNEL && l->in_kernel && !ret->n ? -ENODATA : 0;
}
