/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/pretty.h"

#include <stdlib.h>

#include "base/json.h"
#include "probe/output/hexdump.h"
#include "probe/output/meaning.h"
#include "probe/output/show.h"
#include "probe/output/words.h"
#include "probe/target/formats.h"

/* $retval, and nothing done to it. */
static bool is_result(const struct fl_probe_arg *a)
{
	return a->program.n >= 2 && a->program.code[0].op == FL_FETCH_RETVAL &&
	       fl_fetch_ops[a->program.code[1].op].stage == FL_STAGE_STORE;
}

/* The number of an argument that is one and was given no type. */
static bool plain_number(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec, uint64_t *ret)
{
	const struct fl_record_slot *s = &p->layout.slots[arg];
	const struct fl_probe_arg *a = &p->event->args[arg];

	if (a->type_text.p || a->count || !fl_type_ok(a->btf) || s->kind != FL_SLOT_VALUE ||
	    s->extra == FL_EXTRA_WHOLE)
		return false;
	*ret = fl_record_value(s, rec, 0, a->type->is_signed);
	return true;
}

static struct fl_said said_of(const struct fl_record_schema *p, size_t arg)
{
	const struct fl_probe_arg *a = &p->event->args[arg];
	struct fl_str body = a->body;

	/* "dport=sk->__sk_common.skc_dport" is called by its field. */
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] == '>' || body.p[i] == '.') {
			body = fl_str_from(body, i + 1);
			i = SIZE_MAX;
		}
	return (struct fl_said){ .type = a->written, .name = body, .called = a->name, .event = p->event->place.symbol };
}

/* The field of an event that an argument is, as it is and as a number; NULL: it is none. */
static const struct fl_field *own_field(const struct fl_record_schema *p, size_t arg)
{
	const struct fl_probe_arg *a = &p->event->args[arg];
	const struct fl_fetch_insn *first = &a->program.code[0];

	if (!p->format || a->type_text.p || a->count || a->program.n < 2 || first->op != FL_FETCH_TP_ARG ||
	    first->field >= p->format->nr_fields || fl_fetch_ops[first[1].op].stage != FL_STAGE_STORE ||
	    p->layout.slots[arg].kind != FL_SLOT_VALUE)
		return NULL;
	return &p->format->fields[first->field];
}

/* What it means beyond its number. */
static bool has_meaning(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec, struct fl_buf *out)
{
	const struct fl_field *f = own_field(p, arg);
	struct fl_said said = said_of(p, arg);
	uint64_t v;

	if (f) {
		said = (struct fl_said){ .c_type = f->type, .name = f->name, .event = p->format->name };
		return !f->is_array && f->loc == FL_FIELD_INLINE &&
		       fl_meaning_number(&said, fl_record_value(&p->layout.slots[arg], rec, 0, f->is_signed), out);
	}
	if (!plain_number(p, arg, rec, &v) || fl_type_kind(p->event->args[arg].btf) != BTF_KIND_INT)
		return false;
	if (fl_meaning_number(&said, v, out))
		return true;
	said.name = p->event->args[arg].name; /* "sig=regs->si": whoever calls it so knows what it is */
	return fl_meaning_number(&said, v, out);
}

/* A field of an event, as it is: its own format may have names for it. */
static bool own_name(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec, struct fl_buf *out)
{
	const struct fl_field *f = own_field(p, arg);

	return p->namer && f &&
	       p->namer->name(p->namer, p->format, f, fl_record_value(&p->layout.slots[arg], rec, 0, false), out);
}

static bool has_name(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
		     struct fl_symbols *symbols, struct fl_buf *out)
{
	const struct fl_probe_arg *a = &p->event->args[arg];
	uint64_t v;

	if (own_name(p, arg, rec, out))
		return true;
	if (!plain_number(p, arg, rec, &v))
		return false;
	if (fl_type_kind(a->btf) == BTF_KIND_ENUM && !fl_type_enum_signed(a->btf))
		v = (uint32_t)v; /* the kernel fetches each enum as s32 */
	if (fl_type_kind(a->btf) == BTF_KIND_INT && is_result(a) && a->type->is_signed &&
	    fl_show_error((int64_t)v, out))
		return true;
	return fl_show_name(a->btf, v, symbols, out);
}

static struct fl_shown extra_of(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
				struct fl_symbols *symbols)
{
	const struct fl_record_slot *s = &p->layout.slots[arg];
	struct fl_type t = p->event->args[arg].btf;

	struct fl_said said = said_of(p, arg);

	if (s->extra == FL_EXTRA_WHOLE && fl_type_ok(said.type))
		t = said.type;
	return (struct fl_shown){ .type = s->extra == FL_EXTRA_POINTEE ? fl_type_target(t) : t,
				  .name = said.name, .event = said.event,
				  .bytes = fl_record_at(rec, s->extra_offset),
				  .n = s->extra_size, .symbols = symbols };
}

/* An array of x8 is bytes of something, which nobody reads as numbers. */
static bool is_buffer(const struct fl_probe_arg *a)
{
	return a->count && a->type->size == 1 && a->type->print == FL_PRINT_HEX;
}

bool fl_pretty_text(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
		    struct fl_symbols *symbols, struct fl_buf *out)
{
	const struct fl_record_slot *s = &p->layout.slots[arg];
	struct fl_shown v = extra_of(p, arg, rec, symbols);

	if (is_buffer(&p->event->args[arg])) {
		fl_buf_addf(out, "(%u bytes)", s->count);
		return true;
	}
	if (has_name(p, arg, rec, symbols, out) || has_meaning(p, arg, rec, out))
		return true;
	if (s->extra == FL_EXTRA_WHOLE) {
		fl_show_text(&v, out);
		return true;
	}
	if (s->extra != FL_EXTRA_POINTEE)
		return false;
	fl_buf_add_hex(out, fl_record_value(s, rec, 0, false));
	switch (fl_record_extra(&p->layout, rec, arg)) {
	case FL_EXTRA_READ:
		fl_buf_addc(out, ' ');
		fl_show_text(&v, out);
		break;
	case FL_EXTRA_FAULT:
		fl_buf_addz(out, " (fault)");
		break;
	case FL_EXTRA_NOWHERE:
		break;
	}
	return true;
}

void fl_pretty_buffers(const struct fl_record_schema *p, const struct fl_record *rec, struct fl_buf *out)
{
	for (size_t i = 0; i < p->event->nr_args; i++) {
		const struct fl_record_slot *s = &p->layout.slots[i];

		if (!is_buffer(&p->event->args[i]) || fl_record_fault(&p->layout, rec, i))
			continue;
		fl_buf_addf(out, "\t%.*s:\n", FL_STR_ARG(p->event->args[i].name));
		fl_hexdump(fl_str_n(fl_record_at(rec, s->offset), s->count), out);
	}
}

static bool is_bool(const struct fl_record_schema *p, size_t arg)
{
	struct fl_int info;

	return fl_type_int(p->event->args[arg].btf, &info) == 0 && info.is_bool;
}

bool fl_pretty_json(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
		    const char *key, struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_shown v = extra_of(p, arg, rec, symbols);
	_cleanup_buf_ struct fl_buf name = {};

	if (p->layout.slots[arg].extra == FL_EXTRA_WHOLE)
		fl_show_json(&v, key, out);
	else if (is_bool(p, arg) && has_name(p, arg, rec, symbols, &name))
		fl_json_bool(out, key, name.data[0] == 't');
	else
		return false;
	return true;
}

void fl_pretty_beside(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec, const char *key,
		      struct fl_symbols *symbols, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf text = {}, name = {};

	if (is_bool(p, arg) || (!has_name(p, arg, rec, symbols, &text) && !has_meaning(p, arg, rec, &text)))
		return;
	fl_buf_addf(&name, "%s_text", key);
	fl_json_buf(out, fl_buf_z(&name), &text);
}

bool fl_pretty_cut(const struct fl_record_schema *p, size_t arg)
{
	const struct fl_record_slot *s = &p->layout.slots[arg];
	struct fl_type t = p->event->args[arg].btf;
	uint64_t size;

	if (s->extra == FL_EXTRA_POINTEE)
		t = fl_type_strip(fl_type_target(t));
	return s->extra && fl_type_size(t, &size) == 0 && size > s->extra_size;
}

static bool add_pointee(const struct fl_record_schema *p, size_t arg, const struct fl_record *rec,
			bool first, struct fl_symbols *symbols, struct fl_buf *out)
{
	enum fl_extra_state state = fl_record_extra(&p->layout, rec, arg);
	_cleanup_free_ char *key = fl_str_dup(p->event->args[arg].name);
	struct fl_shown v = extra_of(p, arg, rec, symbols);

	if (!key || state == FL_EXTRA_NOWHERE || fl_record_fault(&p->layout, rec, arg))
		return false;
	if (first)
		fl_json_open(out, "pointees", '{');
	if (state == FL_EXTRA_READ)
		fl_show_json(&v, key, out);
	else
		fl_json_null(out, key);
	return true;
}

void fl_pretty_pointees(const struct fl_record_schema *p, const struct fl_record *rec,
			struct fl_symbols *symbols, struct fl_buf *out)
{
	bool any = false;

	for (size_t i = 0; i < p->event->nr_args; i++)
		if (p->layout.slots[i].extra == FL_EXTRA_POINTEE)
			any |= add_pointee(p, i, rec, !any, symbols, out);
	if (any)
		fl_json_close(out, '}');
}
