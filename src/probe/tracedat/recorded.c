/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/recorded.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/utf8.h"
#include "probe/output/put.h"
#include "probe/output/stack.h"
#include "probe/tracedat/userframes.h"

void fl_recorded_start(struct fl_recorded *rec, struct fl_abi abi, uint64_t time, uint32_t cpu,
		       struct fl_str data)
{
	*rec = (struct fl_recorded){ .abi = abi, .cpu = cpu };
	fl_recorded_move(rec, time, data);
}

static inline bool load(const struct fl_recorded *rec, uint64_t offset, uint32_t size, bool is_signed, uint64_t *ret)
{
	unsigned int shift = 64 - size * 8;
	uint64_t v;

	if (!size || size > 8 || !fl_range_ok(offset, size, rec->size))
		return false;
	v = fl_abi_number(rec->abi, rec->data + offset, size);
	*ret = is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
	return true;
}

static bool load_string(const struct fl_recorded *rec, const struct fl_field *f, uint32_t element,
			struct fl_str *ret)
{
	uint64_t loc, at, n;

	if (f->loc == FL_FIELD_INLINE) {
		n = f->size;
		if (f->is_array && !n && f->offset <= rec->size) /* up to the record's end */
			n = rec->size - f->offset;
		if (!fl_range_ok(f->offset, n, rec->size))
			return false;
		*ret = fl_str_n((const char *)rec->data + f->offset, n);
	} else {
		if (!load(rec, (uint64_t)f->offset + 4 * (uint64_t)element, 4, false, &loc))
			return false;
		at = (loc & 0xffff) + (f->loc == FL_FIELD_REL_LOC ? f->offset + 4 : 0);
		n = loc >> 16;
		if (!n || !fl_range_ok(at, n, rec->size))
			return false;
		*ret = fl_str_n((const char *)rec->data + at, n);
	}
	*ret = fl_str_sub(*ret, 0, fl_str_find(*ret, '\0', 0));
	return true;
}

static void add_symbol(const struct fl_ksyms *ksyms, uint64_t addr, bool name_only, struct fl_buf *out)
{
	struct fl_ksym sym;

	if (!ksyms || fl_ksyms_at(ksyms, addr, &sym) < 0) {
		fl_buf_add_hex(out, addr);
		return;
	}
	/* A tracepoint's own probe has no other place; live it is shown so. The kernel's tracer is behind it. */
	name_only |= addr == sym.addr && fl_str_starts(sym.name, "__probestub_");
	fl_ksym_text(&sym, addr - sym.addr, name_only, out);
}

static uint64_t address_of(const struct fl_recorded *rec, const struct fl_field *f)
{
	uint64_t addr = 0;

	return f && load(rec, f->offset, f->size, false, &addr) ? addr : 0;
}

static void add_place(const struct fl_recorded *rec, struct fl_buf *out)
{
	const struct fl_event_printer *p = rec->printer;

	fl_buf_add_str(out, rec->place);
	if (p->ret_ip) {
		add_symbol(rec->ksyms, address_of(rec, p->ret_ip), false, out);
		fl_buf_addz(out, " <- ");
	}
	if (p->ip)
		add_symbol(rec->ksyms, address_of(rec, p->ip), p->ret_ip, out);
}

/* "CPU:1 [12 EVENTS DROPPED]": in front of the first record behind the gap. */
static void text_missed(const struct fl_recorded *rec, struct fl_buf *out)
{
	if (rec->missed == UINT64_MAX)
		fl_buf_addf(out, "CPU:%u [EVENTS DROPPED]\n", rec->cpu);
	else if (rec->missed)
		fl_buf_addf(out, "CPU:%u [%llu EVENTS DROPPED]\n", rec->cpu, (unsigned long long)rec->missed);
}

static void json_missed(const struct fl_recorded *rec, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "lost");
	fl_json_u64(out, "cpu", rec->cpu);
	if (rec->source.n)
		fl_json_str(out, "source", rec->source);
	if (rec->missed == UINT64_MAX)
		fl_json_null(out, "records");
	else
		fl_json_u64(out, "records", rec->missed);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* The column in front of a line where there are several sources: "guest: ". */
static void text_source(const struct fl_recorded_lines *l, const struct fl_recorded *rec, struct fl_buf *out)
{
	if (!l->source_width)
		return;
	fl_buf_fill(out, ' ', l->source_width - FL_MIN(rec->source.n, l->source_width));
	fl_buf_add_str(out, rec->source);
	fl_buf_addz(out, rec->source.n ? ": " : "  ");
}

/* That of most records is that of the one before. */
static struct fl_str place_of(struct fl_recorded_lines *l, const struct fl_recorded *rec)
{
	const struct fl_event_printer *p = rec->printer;
	uint64_t ip = address_of(rec, p->ip), ret_ip = address_of(rec, p->ret_ip);

	if (l->printer != p || l->ip != ip || l->ret_ip != ret_ip || rec->place.n) {
		fl_buf_reset(&l->place);
		add_place(rec, &l->place);
		l->place_is_plain = fl_is_plain(fl_buf_str(&l->place));
		l->printer = p;
		l->ip = ip;
		l->ret_ip = ret_ip;
	}
	return fl_buf_str(&l->place);
}

void fl_recorded_lines_fini(struct fl_recorded_lines *l)
{
	fl_buf_fini(&l->place);
}

bool fl_recorded_number(const struct fl_recorded *rec, const struct fl_field *f, uint32_t element,
			uint32_t count, uint64_t *ret)
{
	uint32_t size = f->size / FL_MAX(count, 1u);

	return load(rec, f->offset + (uint64_t)element * size, size, f->is_signed, ret);
}

/* Where a dynamic field's bytes are; false where the record contradicts itself. */
static bool find_dynamic(const struct fl_recorded *rec, const struct fl_field *f, uint64_t *ret_at, uint64_t *ret_n)
{
	uint64_t loc;

	if (!load(rec, f->offset, 4, false, &loc))
		return false;
	*ret_at = (loc & 0xffff) + (f->loc == FL_FIELD_REL_LOC ? f->offset + 4 : 0);
	*ret_n = loc >> 16;
	return fl_range_ok(*ret_at, *ret_n, rec->size);
}

/* Elements of a value; an array has braces around it also where it is empty. */
uint32_t fl_recorded_count(const struct fl_recorded *rec, const struct fl_printed *v)
{
	uint64_t at, n = 0;

	if (!v->dynamic_size)
		return FL_MAX(v->count, 1u);
	return find_dynamic(rec, v->field, &at, &n) ? n / v->dynamic_size : 0;
}

bool fl_recorded_is_list(const struct fl_printed *v)
{
	return v->count || v->dynamic_size;
}

static bool number_of(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t element,
		      uint64_t *ret)
{
	uint64_t at, n;

	if (v->dynamic_size)
		return find_dynamic(rec, v->field, &at, &n) &&
		       load(rec, at + (uint64_t)element * v->dynamic_size, v->dynamic_size, v->field->is_signed, ret);
	return fl_recorded_number(rec, v->field, element, v->count, ret);
}

static void text_element(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t element,
			 struct fl_buf *out)
{
	struct fl_str s;
	uint64_t number;

	if (v->print == FL_PRINT_STRING) {
		if (!load_string(rec, v->field, element, &s)) {
			fl_buf_addz(out, "(fault)");
			return;
		}
		fl_buf_addf(out, "\"%.*s\"", FL_STR_ARG(s));
		return;
	}
	if (!number_of(rec, v, element, &number)) {
		fl_buf_addz(out, "?");
		return;
	}
	switch (v->print) {
	case FL_PRINT_HEX:
		fl_buf_add_hex(out, number);
		break;
	case FL_PRINT_SIGNED:
		fl_buf_add_s64(out, number);
		break;
	case FL_PRINT_CHAR:
		fl_buf_addc(out, '\'');
		fl_buf_addc(out, number);
		fl_buf_addc(out, '\'');
		break;
	case FL_PRINT_SYMBOL:
		add_symbol(rec->ksyms, number, false, out);
		break;
	case FL_PRINT_UNSIGNED:
	case FL_PRINT_STRING:
		fl_buf_add_u64(out, number);
	}
}

/* The head of the line is made by the code that makes it for live records. */
static void make_who(struct fl_recorded_who *w, const struct fl_recorded *rec)
{
	struct fl_record head = { .pid = rec->pid };
	struct fl_context context = { rec->flags, rec->preempt_count };

	w->comm_len = (uint8_t)FL_MIN(rec->comm.n, sizeof(w->comm));
	memcpy(w->comm, rec->comm.p, w->comm_len);
	memcpy(head.comm, w->comm, w->comm_len);
	w->pid = rec->pid;
	w->cpu = rec->cpu;
	w->flags = rec->flags;
	w->preempt_count = rec->preempt_count;
	fl_line_who_make(&w->line, rec->cpu, &head, &context);
}

/* As memcmp(), which is not worth a call: two words that meet, or overlap, in the middle. */
static bool is_same(const char *a, const char *b, size_t n)
{
	uint64_t x[2], y[2];
	uint32_t v[2], w[2];

	if (n >= 8) {
		memcpy(&x[0], a, 8);
		memcpy(&x[1], a + n - 8, 8);
		memcpy(&y[0], b, 8);
		memcpy(&y[1], b + n - 8, 8);
		return x[0] == y[0] && x[1] == y[1];
	}
	if (n >= 4) {
		memcpy(&v[0], a, 4);
		memcpy(&v[1], a + n - 4, 4);
		memcpy(&w[0], b, 4);
		memcpy(&w[1], b + n - 4, 4);
		return v[0] == w[0] && v[1] == w[1];
	}
	return !n || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

static const struct fl_recorded_who *who_of(struct fl_recorded_lines *l, const struct fl_recorded *rec)
{
	struct fl_recorded_who *w = &l->who[(rec->cpu * 31 + rec->pid) % FL_LINE_HEAD_WHO];

	if (!w->line.len || w->pid != rec->pid || w->cpu != rec->cpu || w->flags != rec->flags ||
	    w->preempt_count != rec->preempt_count || w->comm_len != FL_MIN(rec->comm.n, sizeof(w->comm)) ||
	    !is_same(w->comm, rec->comm.p, w->comm_len))
		make_who(w, rec);
	return w;
}

static char *put_head(struct fl_recorded_lines *l, const struct fl_recorded_who *w, char *p,
		      const struct fl_recorded *rec)
{
	if (rec->raw_time)
		return fl_line_put_raw(&w->line, p, rec->time);
	return fl_line_put(&w->line, &l->second, p, rec->time);
}

uint64_t fl_recorded_faults(const struct fl_recorded *rec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];
		struct fl_str s;

		for (uint32_t k = 0; v->print == FL_PRINT_STRING && k < FL_MAX(v->count, 1u); k++)
			n += !load_string(rec, v->field, k, &s);
	}
	return n;
}

/* Stacks are events of ftrace's own, and the frames their last field. */
bool fl_recorded_stack(const struct fl_recorded *rec, enum fl_stack_kind *ret_kind, uint64_t *ret_at)
{
	const struct fl_field *frames = NULL;

	if (!rec->format || !fl_str_is(rec->format->system, "ftrace"))
		return false;
	for (unsigned int kind = 0; kind < _FL_STACK_MAX && !frames; kind++) {
		const char *name = kind == FL_STACK_USER ? "user_stack" : "kernel_stack";

		*ret_kind = (enum fl_stack_kind)kind;
		if (fl_str_is(rec->format->name, name))
			frames = fl_format_field(rec->format, FL_STR("caller"));
	}
	if (frames)
		*ret_at = frames->offset;
	return frames;
}

/* Up to a frame that is none (the kernel ends with zeros or ones), or to the record's end. */
bool fl_recorded_frame(const struct fl_recorded *rec, uint64_t *at, uint64_t *ret)
{
	unsigned int size = rec->abi.long_size;
	uint64_t none = size == 4 ? UINT32_MAX : UINT64_MAX;
	bool ok = load(rec, *at, size, false, ret) && *ret && *ret != none;

	*at += size;
	return ok;
}

/* The kernel writes the process's number beside them, we the thread's. */
static uint32_t owner_of_stack(const struct fl_recorded *rec)
{
	const struct fl_field *f = fl_format_field(rec->format, FL_STR("tgid"));
	uint64_t tgid;

	return f && load(rec, f->offset, f->size, false, &tgid) ? (uint32_t)tgid : rec->pid;
}

bool fl_recorded_user(const struct fl_recorded *rec, uint64_t addr, bool is_call, struct fl_buf *out)
{
	return rec->users && fl_user_frames_text(rec->users, owner_of_stack(rec), addr, is_call, rec->time, out);
}

void fl_recorded_user_name(const struct fl_recorded *rec, uint64_t addr, bool is_call, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf whole = {};
	struct fl_str text;
	size_t at;

	if (!fl_recorded_user(rec, addr, is_call, &whole)) {
		fl_buf_add_hex(out, addr);
		return;
	}
	text = fl_buf_str(&whole);
	for (at = text.n; at > 3 && !fl_str_starts(fl_str_from(text, at - 3), "+0x"); at--)
		;
	at = at > 3 && text.p[text.n - 1] != ']' ? at - 3 : text.n;
	text = fl_str_sub(text, 0, at);
	if (at < whole.len) {
		const char *place = memmem(text.p, text.n, "] ", 2);

		text = place ? fl_str_from(text, place + 2 - text.p) : fl_str_trim(text);
	}
	fl_buf_add_str(out, text);
}

static void end_line(const struct fl_recorded_lines *l, size_t from, struct fl_buf *out)
{
	if (!l->bytes)
		fl_escape_from(out, from);
}

/* Behind the head of the line, which starts at @from. */
static void text_stack(const struct fl_recorded_lines *l, const struct fl_recorded *rec,
		       enum fl_stack_kind kind, uint64_t at, size_t from, struct fl_buf *out)
{
	uint64_t frame;
	bool is_call = false;

	fl_buf_addf(out, "%s\n", fl_stack_titles[kind]);
	end_line(l, from, out);
	while (fl_recorded_frame(rec, &at, &frame)) {
		from = out->len;
		fl_buf_addz(out, " => ");
		if (kind == FL_STACK_KERNEL)
			add_symbol(rec->ksyms, frame, true, out);
		else if (!fl_recorded_user(rec, frame, is_call, out))
			fl_buf_addf(out, " <%016llx>", (unsigned long long)frame);
		is_call = true;
		fl_buf_addc(out, '\n');
		end_line(l, from, out);
	}
}

static void json_stack(const struct fl_recorded *rec, enum fl_stack_kind kind, uint64_t at, struct fl_buf *out)
{
	uint64_t frame;
	bool is_call = false;

	fl_json_open(out, fl_stack_keys[kind], '[');
	while (fl_recorded_frame(rec, &at, &frame)) {
		_cleanup_buf_ struct fl_buf text = {};

		if (kind == FL_STACK_KERNEL || !fl_recorded_user(rec, frame, is_call, &text))
			add_symbol(kind == FL_STACK_KERNEL ? rec->ksyms : NULL, frame, false, &text);
		is_call = true;
		fl_json_buf(out, NULL, &text);
	}
	fl_json_close(out, ']');
}

static bool is_plain(const struct fl_printed *v)
{
	return !fl_recorded_is_list(v) && (v->print == FL_PRINT_SIGNED || v->print == FL_PRINT_UNSIGNED);
}

/* " name=" and what follows, in the room that is reserved; anything but a plain number needs more. */
static char *put_value(const struct fl_recorded *rec, const struct fl_printed *v, char *p, struct fl_buf *out)
{
	uint64_t number;

	p = fl_put_padded(p, v->label.p, v->label.n);
	if (is_plain(v) && number_of(rec, v, 0, &number))
		return v->print == FL_PRINT_SIGNED ? fl_put_s64(p, (int64_t)number) : fl_put_u64(p, number);
	out->len = (size_t)(p - out->data);
	if (fl_recorded_is_list(v))
		fl_buf_addc(out, '{');
	for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++) {
		if (k)
			fl_buf_addc(out, ',');
		text_element(rec, v, k, out);
	}
	if (fl_recorded_is_list(v))
		fl_buf_addc(out, '}');
	return fl_buf_reserve(out, rec->printer->room + FL_PUT_PADDING);
}

/* False where what was written is to be looked over. */
static bool text_values(struct fl_recorded_lines *l, const struct fl_recorded *rec, struct fl_buf *out)
{
	bool has_place = rec->printer->ip || rec->place.n;
	struct fl_str place = has_place ? place_of(l, rec) : FL_STR("");
	char *p = fl_buf_reserve(out, rec->printer->room + place.n + sizeof(" ()\n") + FL_PUT_PADDING);

	if (!p)
		return false;
	p = fl_put_padded(p, rec->printer->title.p, rec->printer->title.n);
	if (has_place) {
		p = fl_put_str(fl_put_mem(p, " (", 2), place);
		p = fl_put_char(p, ')');
	}
	for (size_t i = 0; i < rec->printer->n && p; i++)
		p = put_value(rec, &rec->printer->values[i], p, out);
	if (!p)
		return false;
	p = fl_put_char(p, '\n');
	out->len = (size_t)(p - out->data);
	out->data[out->len] = '\0';
	return rec->quick.is_plain && rec->quick.only_numbers && (!has_place || l->place_is_plain);
}

/* Of an event that nothing describes. */
static void text_bytes(const struct fl_recorded *rec, struct fl_buf *out)
{
	fl_buf_addf(out, "event %u:", rec->type);
	for (size_t i = 8; i < rec->size; i++)
		fl_buf_addf(out, " %02x", rec->data[i]);
	fl_buf_addc(out, '\n');
}

static struct fl_print_record print_record(const struct fl_recorded *rec)
{
	return (struct fl_print_record){ rec->abi, rec->data, rec->size, rec->ksyms, rec->printk };
}

/* The event's own text; a marker's line break at its end is the line's. */
static void said_text(const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_print_record r = print_record(rec);
	size_t start = out->len;

	fl_printfmt_text(rec->text, &r, out);
	while (out->len > start && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
}

static void text_said(const struct fl_recorded *rec, struct fl_buf *out)
{
	fl_buf_add_str(out, rec->printer->title);
	fl_buf_addc(out, ' ');
	said_text(rec, out);
	fl_buf_addc(out, '\n');
}

struct fl_recorded_quick fl_recorded_quick(const struct fl_format *format, const struct fl_event_printer *printer,
					   const struct fl_printfmt *text)
{
	struct fl_recorded_quick q = { .is_plain = fl_is_plain(printer->title), .only_numbers = true };

	for (size_t i = 0; i < printer->n; i++)
		q.only_numbers &= is_plain(&printer->values[i]) && fl_is_plain(printer->values[i].label);
	/* ftrace's own may be stacks. */
	if (!text || fl_str_is(format->system, "ftrace"))
		return q;
	q.room = fl_printfmt_room(text);
	if (q.room)
		q.room += printer->title.n + FL_PUT_PADDING;
	return q;
}

/* False where it takes more than head, words, numbers and texts of fields. */
static bool quick_line(struct fl_recorded_lines *l, const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_print_record r = print_record(rec);
	const struct fl_recorded_who *w;
	size_t from = out->len;
	char *line, *text, *p;
	bool plain = rec->quick.is_plain;

	if (!rec->quick.room || rec->missed || l->source_width || l->raw)
		return false;
	line = fl_buf_reserve(out, FL_LINE_HEAD_ROOM + rec->quick.room);
	if (!line)
		return false;
	w = who_of(l, rec);
	p = put_head(l, w, line, rec);
	text = fl_put_padded(p, rec->printer->title.p, rec->printer->title.n);
	text = fl_put_char(text, ' ');
	p = fl_printfmt_put(rec->text, &r, text, &plain);
	if (!p)
		return false;
	while (p > text && p[-1] == '\n')
		p--;
	p = fl_put_char(p, '\n');
	*p = '\0';
	out->len += (size_t)(p - line);
	if (!plain || !w->line.is_plain)
		end_line(l, from, out);
	return true;
}

void fl_recorded_text(struct fl_recorded_lines *l, const struct fl_recorded *rec, struct fl_buf *out)
{
	enum fl_stack_kind kind;
	uint64_t at;
	const struct fl_recorded_who *w;
	size_t from;
	char *p;

	if (quick_line(l, rec, out))
		return;
	if (rec->missed)
		text_missed(rec, out);
	from = out->len;
	text_source(l, rec, out);
	p = fl_buf_reserve(out, FL_LINE_HEAD_ROOM);
	if (!p)
		return;
	w = who_of(l, rec);
	out->len += (size_t)(put_head(l, w, p, rec) - p);
	if (fl_recorded_stack(rec, &kind, &at)) {
		text_stack(l, rec, kind, at, from, out);
		return;
	}
	if (!rec->format)
		text_bytes(rec, out);
	else if (rec->text && !l->raw)
		text_said(rec, out);
	else if (text_values(l, rec, out) && w->line.is_plain && !l->source_width)
		return;
	end_line(l, from, out);
}

static void json_element(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t element,
			 const char *key, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf symbol = {};
	struct fl_str s;
	uint64_t number;

	if (v->print == FL_PRINT_STRING && load_string(rec, v->field, element, &s)) {
		fl_json_str(out, key, s);
	} else if (v->print == FL_PRINT_STRING || !number_of(rec, v, element, &number)) {
		fl_json_null(out, key);
	} else if (v->print == FL_PRINT_SYMBOL) {
		add_symbol(rec->ksyms, number, false, &symbol);
		fl_json_buf(out, key, &symbol);
	} else if (v->field->is_signed) {
		fl_json_s64(out, key, number);
	} else {
		fl_json_u64(out, key, number);
	}
}

/* The bytes of those strings of an array that are no UTF-8, under "NAME_hex"; null for the others. */
static void json_hex(const struct fl_recorded *rec, const struct fl_printed *v, const char *key,
		     struct fl_buf *out)
{
	struct fl_json_hexes hexes = {};

	for (uint32_t k = 0; v->print == FL_PRINT_STRING && k < v->count; k++) {
		struct fl_str s = {};
		bool there = load_string(rec, v->field, k, &s);

		fl_json_hexes_add(&hexes, there, s);
	}
	fl_json_hexes_end(&hexes, key, out);
}

static void json_values(const struct fl_recorded *rec, struct fl_buf *out)
{
	for (size_t i = 0; i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];
		_cleanup_free_ char *key = fl_str_dup(v->name);

		if (!key) {
			out->error = -ENOMEM;
			return;
		}
		if (!fl_recorded_is_list(v)) {
			json_element(rec, v, 0, key, out);
			continue;
		}
		fl_json_open(out, key, '[');
		for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++)
			json_element(rec, v, k, NULL, out);
		fl_json_close(out, ']');
		json_hex(rec, v, key, out);
	}
}

bool fl_recorded_value(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t element,
		       struct fl_recorded_value *ret)
{
	struct fl_recorded_value r = { .is_text = v->print == FL_PRINT_STRING, .is_signed = v->field->is_signed };

	if (r.is_text ? !load_string(rec, v->field, element, &r.text) : !number_of(rec, v, element, &r.number))
		return false;
	*ret = r;
	return true;
}

bool fl_recorded_said(const struct fl_recorded *rec, struct fl_buf *out)
{
	if (!rec->text)
		return false;
	said_text(rec, out);
	return true;
}

void fl_recorded_symbol(const struct fl_recorded *rec, uint64_t addr, bool name_only, struct fl_buf *out)
{
	add_symbol(rec->ksyms, addr, name_only, out);
}

void fl_recorded_json(const struct fl_recorded *rec, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf place = {}, said = {};
	enum fl_stack_kind kind;
	uint64_t at;

	if (rec->missed)
		json_missed(rec, out);
	fl_json_open(out, NULL, '{');
	fl_json_u64(out, rec->raw_time ? "time" : "time_ns", rec->time);
	fl_json_u64(out, "cpu", rec->cpu);
	fl_json_u64(out, "pid", rec->pid);
	fl_json_str(out, "comm", rec->comm);
	if (rec->source.n)
		fl_json_str(out, "source", rec->source);
	if (fl_recorded_stack(rec, &kind, &at)) {
		fl_json_str(out, "group", rec->format->system);
		fl_json_str(out, "event", rec->format->name);
		json_stack(rec, kind, at, out);
	} else if (rec->format) {
		fl_json_str(out, "group", rec->format->system);
		fl_json_str(out, "event", rec->format->name);
		add_place(rec, &place);
		fl_json_buf(out, "place", &place);
		fl_json_open(out, "args", '{');
		json_values(rec, out);
		fl_json_close(out, '}');
		if (rec->text) {
			said_text(rec, &said);
			fl_json_str(out, "text", fl_buf_str(&said));
		}
	}
	fl_json_close(out, '}');
	fl_json_end_line(out);
}
