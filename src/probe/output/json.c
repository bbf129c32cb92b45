/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/json.h"

#include "base/json.h"
#include "base/utf8.h"
#include "probe/output/pretty.h"
#include "probe/output/stack.h"
#include "probe/output/text.h"

void fl_record_json_arg(const struct fl_probe_arg *a, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_str(out, "name", a->name);
	fl_json_strz(out, "type", a->type->name);
	if (a->count)
		fl_json_u64(out, "count", a->count);
	fl_json_str(out, "body", a->body);
	fl_json_close(out, '}');
}

void fl_record_json_schema(struct fl_record_schemas events, const char *clock, struct fl_buf *out)
{
	fl_json_schema_open(out, "trace");
	fl_json_strz(out, "clock", clock);
	fl_json_open(out, "events", '[');
	for (size_t i = 0; i < events.n; i++) {
		const struct fl_record_schema *p = events.v[i];

		fl_json_open(out, NULL, '{');
		fl_json_str(out, "group", p->event->group);
		fl_json_str(out, "event", p->event->event);
		fl_json_strz(out, "kind", fl_probe_kind_name(p->event->kind));
		fl_json_strz(out, "hook", p->hook);
		fl_json_open(out, "args", '[');
		for (size_t k = 0; k < p->event->nr_args; k++)
			fl_record_json_arg(&p->event->args[k], out);
		fl_json_close(out, ']');
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* A key that is not NUL-terminated: names are short, and so is the copy. */
struct key {
	char z[64];
};

static struct key key_of(struct fl_str name)
{
	struct key k = {};

	memcpy(k.z, name.p, FL_MIN(name.n, sizeof(k.z) - 1));
	return k;
}

static void add_element(const struct fl_probe_arg *a, const struct fl_record_slot *s,
			const struct fl_record *rec, size_t size, size_t element, const char *key,
			struct fl_symbols *symbols, struct fl_buf *out)
{
	uint64_t v = fl_record_value(s, rec, element, a->type->is_signed);
	struct fl_str text;

	if (s->kind == FL_SLOT_STRING) {
		if (fl_record_string(s, rec, size, element, &text))
			fl_json_str(out, key, text);
		else
			fl_json_null(out, key);
	} else if (s->kind == FL_SLOT_SYMBOL || a->type->print == FL_PRINT_SYMBOL) {
		fl_json_str(out, key, fl_symbols_shown(symbols, a->type, v));
	} else if (a->type->is_signed) {
		fl_json_s64(out, key, (int64_t)v);
	} else {
		fl_json_u64(out, key, v);
	}
}

static void add_stack(const struct fl_record_slot *s, const struct fl_record *rec, const char *key,
		      struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_stack stack = fl_stack_field(s, rec, symbols);

	fl_json_open(out, key, '[');
	for (size_t i = 0; i < stack.n; i++)
		fl_json_str(out, NULL, fl_symbols_at(symbols, fl_stack_frame(&stack, i)));
	fl_json_close(out, ']');
}

/* The bytes of those strings of an array that are no UTF-8, under "NAME_hex"; null for the others. */
static void add_hex(const struct fl_probe_arg *a, const struct fl_record_slot *s, const struct fl_record *rec,
		    size_t size, const char *key, struct fl_buf *out)
{
	struct fl_json_hexes hexes = {};

	for (size_t k = 0; k < a->count; k++) {
		struct fl_str text = {};
		bool there = fl_record_string(s, rec, size, k, &text);

		fl_json_hexes_add(&hexes, there, text);
	}
	fl_json_hexes_end(&hexes, key, out);
}

static void add_value(const struct fl_record_schema *p, size_t i, const struct fl_record *rec,
		      size_t size, struct fl_symbols *symbols, struct fl_buf *out)
{
	const struct fl_record_slot *s = &p->layout.slots[i];
	const struct fl_probe_arg *a = &p->event->args[i];
	struct key key = key_of(a->name);

	if (fl_record_fault(&p->layout, rec, i)) {
		fl_json_null(out, key.z);
		return;
	}
	if (s->kind == FL_SLOT_STACK) {
		add_stack(s, rec, key.z, symbols, out);
		return;
	}
	if (p->pretty && fl_pretty_json(p, i, rec, key.z, symbols, out))
		return;
	if (!a->count) {
		add_element(a, s, rec, size, 0, key.z, symbols, out);
		if (p->pretty)
			fl_pretty_beside(p, i, rec, key.z, symbols, out);
		return;
	}
	fl_json_open(out, key.z, '[');
	for (size_t k = 0; k < a->count; k++)
		add_element(a, s, rec, size, k, NULL, symbols, out);
	fl_json_close(out, ']');
	if (s->kind == FL_SLOT_STRING)
		add_hex(a, s, rec, size, key.z, out);
}

static bool was_cut(const struct fl_record_schema *p, size_t i, const struct fl_record *rec, size_t size)
{
	const struct fl_record_slot *s = &p->layout.slots[i];
	struct fl_str text;

	if (p->event->args[i].type->flags & FL_TYPE_PATH)
		return fl_record_string(s, rec, size, 0, &text) && fl_str_starts(text, "...");
	if (s->kind != FL_SLOT_STRING)
		return p->pretty && fl_pretty_cut(p, i);
	for (size_t k = 0; k < s->count; k++)
		if (fl_record_value(s, rec, k, false) >> 16 == p->layout.string_max)
			return true;
	return false;
}

static void add_cut_name(bool *any, struct fl_str name, struct fl_buf *out)
{
	if (!*any)
		fl_json_open(out, "cut", '[');
	*any = true;
	fl_json_str(out, NULL, name);
}

static void add_cut(const struct fl_record_schema *p, const struct fl_record *rec, size_t size,
		    struct fl_buf *out)
{
	struct fl_stack stack;
	bool any = false;

	for (size_t i = 0; i < p->event->nr_args; i++)
		if (was_cut(p, i, rec, size))
			add_cut_name(&any, p->event->args[i].name, out);
	for (unsigned int kind = 0; p->layout.stacks && kind < _FL_STACK_MAX; kind++)
		if (fl_record_stack(&p->layout, rec, size, (enum fl_stack_kind)kind, &stack) == 0 &&
		    stack.is_full)
			add_cut_name(&any, fl_str(fl_stack_keys[kind]), out);
	if (any)
		fl_json_close(out, ']');
}

void fl_record_json(const struct fl_record_schema *p, uint32_t cpu, const struct fl_record *rec,
			  size_t size, struct fl_symbols *symbols, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf place = {};

	fl_json_open(out, NULL, '{');
	fl_json_u64(out, "time_ns", rec->time);
	fl_json_u64(out, "cpu", cpu);
	fl_json_u64(out, "pid", rec->pid);
	fl_json_str(out, "comm", fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm))));
	fl_json_str(out, "group", p->event->group);
	fl_json_str(out, "event", p->event->event);
	fl_place_text(p, rec, symbols, &place);
	fl_json_buf(out, "place", &place);
	fl_json_open(out, "args", '{');
	for (size_t i = 0; i < p->event->nr_args; i++)
		add_value(p, i, rec, size, symbols, out);
	fl_json_close(out, '}');
	if (p->pretty)
		fl_pretty_pointees(p, rec, symbols, out);
	add_cut(p, rec, size, out);
	if (p->layout.stacks)
		fl_stack_json(p, rec, size, symbols, out);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

void fl_record_json_summary(struct fl_record_schemas events, const struct fl_totals *totals,
			    struct fl_buf *out)
{
	uint64_t together = 0;

	for (size_t i = 0; i < events.n; i++)
		together += totals[i].missed_together;
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	if (together)
		fl_json_u64(out, "missed", together);
	fl_json_open(out, "events", '[');
	for (size_t i = 0; i < events.n; i++) {
		const struct fl_record_schema *p = events.v[i];
		const struct fl_totals *s = &totals[i];

		fl_json_open(out, NULL, '{');
		fl_json_str(out, "group", p->event->group);
		fl_json_str(out, "event", p->event->event);
		fl_json_u64(out, "hits", s->hits);
		fl_json_u64(out, "records", s->records);
		fl_json_u64(out, "filtered", s->filtered);
		fl_json_u64(out, "lost", s->lost);
		fl_json_u64(out, "unpaired", s->unpaired);
		fl_json_u64(out, "over_budget", s->over_budget);
		fl_json_u64(out, "missed", s->missed);
		fl_json_u64(out, "faults", s->faults);
		fl_json_u64(out, "overwritten", s->overwritten);
		fl_json_u64(out, "no_stack", s->no_stack);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_end_line(out);
}
