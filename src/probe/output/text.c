/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is the same in each line of an event is made once: its name with the place, and the text in
 * front of each value. A line is then a few copies and numbers, written into room that was reserved
 * for the longest that this record can give.
 */
#include "probe/output/text.h"

#include <errno.h>
#include <stdlib.h>

#include "base/escape.h"
#include "probe/output/linehead.h"
#include "probe/output/pretty.h"
#include "probe/output/put.h"
#include "probe/output/stack.h"

struct number {
	uint16_t offset;
	uint8_t size;
	bool is_signed;
	enum fl_print print;
};

struct event_text {
	const struct fl_record_schema *probe;
	struct fl_buf text;  /* "event: (place)", then " name=" of each argument */
	size_t head;	     /* length of the first; without place where that changes */
	bool has_stack;
	bool place_varies;
	bool is_plain;	     /* words and numbers, of which nothing is to be escaped */
	uint32_t *name_end;  /* where each argument's part ends in @text */
	struct number *numbers; /* of each argument that is just that; size 0: it is not */
	size_t fixed_room;   /* for a line but for what strings hold */
};

struct fl_text {
	struct fl_symbols *symbols;
	struct fl_line_heads heads;
	struct fl_buf place;
	bool bytes;
	size_t n;
	struct event_text *events;
};

static void named_place(const struct fl_probe_event *e, struct fl_symbols *symbols,
			struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_str known;

	if (e->place.module.n)
		fl_buf_addf(&name, "%.*s:", FL_STR_ARG(e->place.module));
	fl_buf_add_str(&name, e->place.symbol);
	known = fl_symbols_named(symbols, fl_buf_str(&name), e->place.offset);
	fl_buf_add_str(out, known.n ? known : fl_buf_str(&name));
}

static inline uint64_t word_at(const struct fl_record *rec, size_t offset)
{
	uint64_t v;

	memcpy(&v, fl_record_at(rec, offset), sizeof(v));
	return v;
}

static void add_address(uint64_t addr, bool user, struct fl_symbols *symbols, struct fl_buf *out)
{
	if (user)
		fl_buf_add_hex(out, addr);
	else
		fl_buf_add_str(out, fl_symbols_at(symbols, addr));
}

static void add_function(const struct fl_record_schema *p, const struct fl_record *rec, bool user,
			 struct fl_symbols *symbols, struct fl_buf *out)
{
	if (!p->layout.ip_offset)
		fl_buf_add_str(out, p->event->place.symbol);
	else if (user)
		fl_buf_add_hex(out, word_at(rec, p->layout.ip_offset));
	else
		fl_buf_add_str(out, fl_symbols_name(symbols, word_at(rec, p->layout.ip_offset)));
}

/* A place of user code that was asked for by name: of several, the record has the offset. */
static void user_place(const struct fl_record_schema *p, const struct fl_record *rec, struct fl_buf *out)
{
	const struct fl_probe_place *place = &p->event->place;
	uint64_t offset = place->nr_offsets > 1 && p->layout.ip_offset ? word_at(rec, p->layout.ip_offset) :
									  place->offsets[0];

	for (size_t i = 0; i < place->nr_offsets; i++)
		if (place->offsets[i] == offset) {
			fl_buf_add_str(out, place->names[i]);
			return;
		}
	fl_buf_add_hex(out, offset);
}

void fl_place_text(const struct fl_record_schema *p, const struct fl_record *rec,
		   struct fl_symbols *symbols, struct fl_buf *out)
{
	const struct fl_probe_event *e = p->event;
	bool user = e->kind == FL_PROBE_UPROBE;

	if (e->kind == FL_PROBE_SAMPLE) /* wherever the CPU was: upper addresses are the kernel's */
		user = (int64_t)word_at(rec, p->layout.ip_offset) >= 0;

	if (p->layout.caller_offset) {
		add_address(word_at(rec, p->layout.caller_offset), user, symbols, out);
		fl_buf_addz(out, " <- ");
		if (e->place.nr_offsets)
			user_place(p, rec, out);
		else
			add_function(p, rec, user, symbols, out);
	} else if (e->place.nr_offsets) {
		user_place(p, rec, out);
	} else if (p->layout.ip_offset) {
		add_address(word_at(rec, p->layout.ip_offset), user, symbols, out);
	} else if (e->kind == FL_PROBE_TPROBE) {
		fl_buf_addf(out, "__probestub_%.*s", FL_STR_ARG(e->place.symbol));
	} else if (e->kind == FL_PROBE_EPROBE) {
		fl_buf_addf(out, "%.*s.%.*s", FL_STR_ARG(e->place.system), FL_STR_ARG(e->place.event));
	} else if (e->place.has_address) {
		add_address(e->place.address, user, symbols, out);
	} else {
		named_place(e, symbols, out);
	}
}

/* ---- what does not change ---- */

/* Room that an argument's value can need; strings bring theirs from the record's size. */
static size_t value_room(const struct fl_probe_arg *a, const struct fl_record_slot *s)
{
	size_t one = FL_PUT_NUMBER + 2;

	if (s->kind == FL_SLOT_STACK)
		return 0; /* its lines are added at their own pace */
	if (s->kind == FL_SLOT_SYMBOL || a->type->print == FL_PRINT_SYMBOL)
		one = FL_SYMBOL_MAX + 4;
	else if (s->kind == FL_SLOT_STRING)
		one = sizeof("(fault)\"\"...,");
	return one * s->count + sizeof("(fault){}");
}

/* What to know of an argument of one number. */
static struct number plain_number(const struct fl_record_schema *p, size_t i)
{
	const struct fl_probe_arg *a = &p->event->args[i];
	const struct fl_record_slot *s = &p->layout.slots[i];

	if (s->kind != FL_SLOT_VALUE || a->count)
		return (struct number){};
	return (struct number){ s->offset, s->size, a->type->is_signed, a->type->print };
}

static bool is_digits(const struct number *n)
{
	return n->size && n->print != FL_PRINT_CHAR && n->print != FL_PRINT_SYMBOL;
}

static int prepare(struct fl_text *t, struct event_text *x, const struct fl_record_schema *p)
{
	const struct fl_probe_event *e = p->event;

	x->probe = p;
	x->place_varies = p->layout.ip_offset || p->layout.caller_offset;
	x->name_end = calloc(e->nr_args + 1, sizeof(*x->name_end));
	x->numbers = calloc(e->nr_args + 1, sizeof(*x->numbers));
	if (!x->name_end || !x->numbers)
		return -ENOMEM;
	fl_buf_add_str(&x->text, e->event);
	fl_buf_addz(&x->text, e->kind == FL_PROBE_SYNTH ? ":" : ": (");
	if (!x->place_varies && e->kind != FL_PROBE_SYNTH) {
		fl_place_text(p, NULL, t->symbols, &x->text);
		fl_buf_addc(&x->text, ')');
	}
	x->head = x->text.len;
	x->is_plain = !x->place_varies;
	x->fixed_room = FL_LINE_HEAD_ROOM + 3 * FL_SYMBOL_MAX + FL_PUT_PADDING;
	for (size_t i = 0; i < e->nr_args; i++) {
		fl_buf_addf(&x->text, " %.*s=", FL_STR_ARG(e->args[i].name));
		x->name_end[i] = (uint32_t)x->text.len;
		x->numbers[i] = plain_number(p, i);
		x->is_plain &= is_digits(&x->numbers[i]);
		x->has_stack |= p->layout.slots[i].kind == FL_SLOT_STACK;
		x->fixed_room += value_room(&e->args[i], &p->layout.slots[i]);
	}
	x->fixed_room += x->text.len;
	x->is_plain &= fl_is_plain(fl_buf_str(&x->text));
	fl_buf_fill(&x->text, '\0', FL_PUT_PADDING);
	return x->text.error;
}

int fl_text_new(struct fl_record_schemas events, struct fl_symbols *symbols, struct fl_text **ret)
{
	_cleanup_text_ struct fl_text *t = calloc(1, sizeof(*t));
	size_t n = events.n;
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->symbols = symbols;
	t->events = calloc(n, sizeof(*t->events));
	if (!t->events)
		return -ENOMEM;
	for (t->n = 0; t->n < n && r == 0; t->n++)
		r = prepare(t, &t->events[t->n], events.v[t->n]);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

void fl_text_bytes(struct fl_text *t)
{
	t->bytes = true;
}

void fl_text_free(struct fl_text *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->events && i < t->n; i++) {
		fl_buf_fini(&t->events[i].text);
		free(t->events[i].name_end);
		free(t->events[i].numbers);
	}
	fl_buf_fini(&t->place);
	free(t->events);
	free(t);
}

/* ---- a line ---- */

static char *put_number(char *p, enum fl_print print, uint64_t v, struct fl_symbols *symbols)
{
	switch (print) {
	case FL_PRINT_SIGNED:
		return fl_put_s64(p, (int64_t)v);
	case FL_PRINT_HEX:
		return fl_put_hex(p, v);
	case FL_PRINT_CHAR:
		p = fl_put_char(fl_put_char(p, '\''), (char)v);
		return fl_put_char(p, '\'');
	case FL_PRINT_SYMBOL:
		return fl_put_str(p, fl_symbols_at(symbols, v));
	case FL_PRINT_UNSIGNED:
	case FL_PRINT_STRING:
		break;
	}
	return fl_put_u64(p, v);
}

struct line {
	struct fl_text *t;
	const struct event_text *x;
	const struct fl_record *rec;
	size_t size;
};

static char *put_element(char *p, const struct line *l, size_t i, size_t element)
{
	const struct fl_record_slot *s = &l->x->probe->layout.slots[i];
	const struct fl_fetch_type *type = l->x->probe->event->args[i].type;
	struct fl_str text;

	if (s->kind == FL_SLOT_SYMBOL) {
		text = fl_symbols_shown(l->t->symbols, type, fl_record_value(s, l->rec, element, false));
	} else if (s->kind == FL_SLOT_STRING) {
		if (!fl_record_string(s, l->rec, l->size, element, &text))
			return fl_put_mem(p, "(fault)", 7);
	} else {
		uint64_t v = fl_record_value(s, l->rec, element, type->is_signed);

		return put_number(p, type->print, v, l->t->symbols);
	}
	if (l->x->probe->event->kind == FL_PROBE_SYNTH)
		return fl_put_str(p, text); /* as the kernel prints it */
	p = fl_put_str(fl_put_char(p, '"'), text);
	p = fl_put_char(p, '"');
	if (s->kind == FL_SLOT_STRING && text.n + 1 == l->x->probe->layout.string_max)
		p = fl_put_mem(p, "...", 3);
	return p;
}

static inline bool is_faulted(const struct line *l, size_t i)
{
	const struct fl_record_layout *layout = &l->x->probe->layout;

	return layout->faults_offset && word_at(l->rec, layout->faults_offset + i / 64 * 8) >> i % 64 & 1;
}

static uint64_t load_number(const struct number *n, const struct fl_record *rec)
{
	unsigned int unused = 64 - 8 * n->size;
	uint64_t v = 0;

	/* A record's slots end at a multiple of 8: there are 8 bytes, or those of its head before. */
	memcpy(&v, fl_record_at(rec, n->offset + n->size - 8), 8);
	return n->is_signed ? (uint64_t)((int64_t)v >> unused) : v >> unused;
}

static char *put_any_value(char *p, const struct line *l, size_t i)
{
	const struct fl_probe_arg *a = &l->x->probe->event->args[i];
	const struct number *n = &l->x->numbers[i];

	if (is_faulted(l, i))
		return fl_put_mem(p, "(fault)", 7);
	if (n->size)
		return put_number(p, n->print, load_number(n, l->rec), l->t->symbols);
	if (!a->count)
		return put_element(p, l, i, 0);
	p = fl_put_char(p, '{');
	for (size_t k = 0; k < a->count; k++) {
		if (k)
			p = fl_put_char(p, ',');
		p = put_element(p, l, i, k);
	}
	return fl_put_char(p, '}');
}

/* Most values are numbers that could be read. */
static inline __attribute__((always_inline)) char *put_value(char *p, const struct line *l, size_t i)
{
	const struct number *n = &l->x->numbers[i];

	if (n->size && n->print == FL_PRINT_SIGNED && !is_faulted(l, i))
		return fl_put_s64(p, (int64_t)load_number(n, l->rec));
	return put_any_value(p, l, i);
}

static void end_piece(const struct line *l, size_t from, struct fl_buf *out)
{
	if (!l->t->bytes)
		fl_escape_from(out, from);
}

/*
 * Values by their types have no longest form, and stacks have lines of their own: this line is put together at its
 * own pace, from @from on.
 */
static void add_pretty(const struct line *l, uint32_t cpu, size_t from, struct fl_buf *out)
{
	const struct fl_record_schema *p = l->x->probe;
	const char *text = l->x->text.data;
	size_t done = l->x->head;

	out->len = (size_t)(fl_line_head(&l->t->heads, out->data + out->len, cpu, l->rec, NULL) - out->data);
	fl_buf_add(out, text, l->x->head);
	if (l->x->place_varies) {
		fl_place_text(p, l->rec, l->t->symbols, out);
		fl_buf_addc(out, ')');
	}
	for (size_t i = 0; i < p->event->nr_args; i++) {
		fl_buf_add(out, text + done, l->x->name_end[i] - done);
		done = l->x->name_end[i];
		if (p->layout.slots[i].kind == FL_SLOT_STACK) {
			end_piece(l, from, out);
			fl_stack_field_text(&p->layout.slots[i], l->rec, l->t->symbols, l->t->bytes, out);
			from = out->len;
			continue;
		}
		if (!fl_record_fault(&p->layout, l->rec, i) &&
		    p->pretty && fl_pretty_text(p, i, l->rec, l->t->symbols, out))
			continue;
		if (fl_buf_reserve(out, l->x->fixed_room + l->size))
			out->len = (size_t)(put_value(out->data + out->len, l, i) - out->data);
	}
	fl_buf_addc(out, '\n');
	end_piece(l, from, out);
}

static void add_plain(const struct line *l, uint32_t cpu, struct fl_buf *out)
{
	struct fl_text *t = l->t;
	const char *text = l->x->text.data;
	size_t done = l->x->place_varies ? l->x->head : 0, end = l->x->head;
	char *start = out->data + out->len, *p = start;

	p = fl_line_head(&t->heads, p, cpu, l->rec, NULL);
	if (l->x->place_varies) {
		p = fl_put_padded(p, text, l->x->head);
		fl_buf_reset(&t->place);
		fl_place_text(l->x->probe, l->rec, t->symbols, &t->place);
		p = fl_put_char(fl_put_str(p, fl_buf_str(&t->place)), ')');
	}
	for (size_t i = 0; i < l->x->probe->event->nr_args; i++) {
		end = l->x->name_end[i];
		p = fl_put_padded(p, text + done, end - done);
		p = put_value(p, l, i);
		done = end;
	}
	p = fl_put_padded(p, text + done, end - done); /* where there are no arguments */
	p = fl_put_char(p, '\n');
	out->len += (size_t)(p - start);
	out->data[out->len] = '\0';
	if (!l->x->is_plain || !t->heads.is_plain)
		end_piece(l, (size_t)(start - out->data), out);
}

void fl_text_record(struct fl_text *t, uint32_t cpu, const struct fl_record *rec, size_t size,
		    struct fl_buf *out)
{
	struct line l = { t, &t->events[rec->event], rec, size };

	if (!fl_buf_reserve(out, l.x->fixed_room + size))
		return;
	if (l.x->probe->pretty || l.x->has_stack)
		add_pretty(&l, cpu, out->len, out);
	else
		add_plain(&l, cpu, out);
	if (l.x->probe->pretty)
		fl_pretty_buffers(l.x->probe, rec, out);
	if (l.x->probe->layout.stacks)
		fl_stack_text(l.x->probe, cpu, rec, size, t->symbols, t->bytes, out);
}
