/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/flat.h"

#include <endian.h>
#include <string.h>

#include "base/bytes.h"
#include "probe/event/format.h"
#include "probe/output/stack.h"
#include "probe/target/target.h"

struct flattening {
	const struct fl_flat *f;
	const struct fl_record *rec;
	size_t size;
	struct fl_buf *out;
};

static int told(const struct flattening *x, uint64_t addr)
{
	return x->f->address ? x->f->address(x->f->ctx, addr) : 0;
}

static void put_number(struct fl_buf *b, uint64_t v, size_t size)
{
	uint64_t le = htole64(v);

	fl_buf_add(b, &le, size);
}

static uint64_t word_at(const struct fl_record *rec, uint16_t offset)
{
	uint64_t v;

	memcpy(&v, fl_record_at(rec, offset), sizeof(v));
	return v;
}

/* What stands between the common fields and the arguments: see event/format.c. */
static int put_places(const struct flattening *x)
{
	const struct fl_record_schema *p = x->f->schema;
	uint64_t ip = p->layout.ip_offset ? word_at(x->rec, p->layout.ip_offset) : x->f->ip;
	bool kernel = p->event->kind != FL_PROBE_UPROBE;
	uint64_t caller;
	int r = 0;

	if (p->event->kind == FL_PROBE_EPROBE || p->event->kind == FL_PROBE_SYNTH)
		return 0;
	put_number(x->out, ip, 8);
	if (kernel && ip)
		r = told(x, ip);
	if (r < 0 || !p->event->is_return)
		return r;
	caller = p->layout.caller_offset ? word_at(x->rec, p->layout.caller_offset) : 0;
	put_number(x->out, caller, 8);
	return kernel && caller ? told(x, caller) : 0;
}

/* One string of the record: its data location is filled in at @slot, its bytes go to the end. */
static void put_string(struct fl_buf *out, size_t slot, struct fl_str text)
{
	uint32_t loc = out->len | (uint32_t)(text.n + 1) << 16;

	fl_buf_add_str(out, text);
	fl_buf_addc(out, '\0');
	if (!out->error)
		fl_put_le32(out->data + slot, loc);
}

/* One that lies in the record itself, which is zeros there. */
static void put_inline(struct fl_buf *out, size_t at, struct fl_str text)
{
	if (!out->error && text.n)
		memcpy(out->data + at, text.p, text.n);
}

static int put_frames(const struct flattening *x, const struct fl_record_slot *s, size_t slot)
{
	struct fl_stack stack = fl_stack_field(s, x->rec, x->f->symbols);
	uint32_t loc = x->out->len | (uint32_t)(8 * stack.n) << 16;
	int r = 0;

	for (size_t i = 0; i < stack.n && r == 0; i++) {
		put_number(x->out, fl_stack_frame(&stack, i), 8);
		r = told(x, fl_stack_frame(&stack, i));
	}
	if (!x->out->error)
		fl_put_le32(x->out->data + slot, loc);
	return r;
}

static int put_value(const struct flattening *x, size_t arg, size_t element, size_t at)
{
	const struct fl_probe_arg *a = &x->f->schema->event->args[arg];
	const struct fl_record_slot *s = &x->f->schema->layout.slots[arg];
	uint64_t number;
	struct fl_str text;

	if (s->kind == FL_SLOT_STRING) {
		if (!fl_record_string(s, x->rec, x->size, element, &text))
			return 0;
		if (a->type->flags & FL_TYPE_FIXED)
			put_inline(x->out, at, fl_str_sub(text, 0, a->size - 1));
		else
			put_string(x->out, at, text);
		return 0;
	}
	if (s->kind == FL_SLOT_STACK)
		return put_frames(x, s, at);
	number = fl_record_value(s, x->rec, element, a->type->is_signed);
	if (s->kind == FL_SLOT_SYMBOL) {
		put_string(x->out, at, fl_symbols_shown(x->f->symbols, a->type, number));
		return 0;
	}
	number = htole64(number);
	if (!x->out->error)
		memcpy(x->out->data + at, &number, a->type->size);
	return a->type->print == FL_PRINT_SYMBOL ? told(x, le64toh(number)) : 0;
}

static int put_values(const struct flattening *x)
{
	const struct fl_probe_event *e = x->f->schema->event;
	size_t base = fl_format_args_offset(e);
	int r = 0;

	fl_buf_fill(x->out, 0, e->record_size);
	for (size_t i = 0; i < e->nr_args && r == 0; i++) {
		size_t at = base + e->args[i].offset;

		for (size_t k = 0; k < FL_MAX(e->args[i].count, 1u) && r == 0; k++)
			r = put_value(x, i, k, at + k * e->args[i].type->size);
	}
	return r;
}

void fl_flat_common(uint16_t id, const struct fl_record *rec, struct fl_buf *out)
{
	struct fl_context context = fl_record_context(rec);

	fl_buf_reset(out);
	put_number(out, id, 2);
	put_number(out, context.flags, 1);
	put_number(out, context.depth, 1);
	put_number(out, rec->pid, 4);
}

uint64_t fl_flat_place(struct fl_target *target, const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_ksyms *ksyms;
	struct fl_ksym sym;

	if (e->place.has_address)
		return e->place.address;
	if (e->kind == FL_PROBE_TPROBE)
		fl_buf_addz(&name, "__probestub_");
	else if (e->place.module.n)
		fl_buf_addf(&name, "%.*s:", FL_STR_ARG(e->place.module));
	fl_buf_add_str(&name, e->place.symbol);
	if (fl_target_ksyms(target, &ksyms) < 0 || !fl_ksyms_find_func(ksyms, fl_buf_str(&name), &sym, 1))
		return 0;
	return sym.addr + e->place.offset;
}

int fl_flat_record(const struct fl_flat *f, const struct fl_record *rec, size_t size, struct fl_buf *out)
{
	struct flattening x = { f, rec, size, out };
	int r;

	fl_flat_common(f->id, rec, out);
	r = put_places(&x);
	if (r == 0)
		r = put_values(&x);
	return r < 0 ? r : out->error;
}
