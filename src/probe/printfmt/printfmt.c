/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parsed print fmt is a list of parts: text that stays, and a conversion with its expression.
 * Most conversions are a plain number of a field and go a short way.
 */
#include "probe/printfmt/printfmt.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/util.h"
#include "probe/output/put.h"
#include "probe/printfmt/convert.h"

#define MAX_PARTS 512

/* Most values are a field as it is. */
enum short_way {
	WAY_NONE,
	WAY_NUMBER, /* decimal */
	WAY_TEXT,   /* characters, up to a NUL */
	WAY_NAMED,  /* names of a number's values, which were said before */
};

struct part {
	struct fl_str text; /* in front of the value, with room for fl_put_padded() behind it */
	bool has_value;
	bool is_plain;	 /* neither width nor flags: a number or a text as it is */
	bool is_unknown; /* perhaps shown as "?" */
	struct fl_conversion conversion;
	struct fl_expr *width, *precision, *value;
	enum short_way way;
	size_t room;	       /* that the short way takes at most */
	uint32_t offset, size; /* of the field that is it */
	bool is_signed;	       /* so it is printed */
	uint8_t shift;	       /* bits that the conversion cuts off */
	const struct fl_field *named; /* the one number that a text with names depends on; NULL: it is none */
	struct said *said;	      /* what has been said of its values, SAID_MAX of them */
};

/* Names are found by going over them; most fields have few values. */
#define SAID_MAX 16

struct said {
	uint64_t value;
	bool is_known, is_plain;
	uint8_t n;
	char text[38];
};

/* Events whose print fmt is not what the kernel prints. */
enum special {
	SPECIAL_NONE,
	SPECIAL_BPRINT,	  /* the format and the arguments of a trace_printk() */
	SPECIAL_RAW_DATA, /* bytes that were written to trace_marker_raw */
};

struct fl_printfmt {
	enum special special;
	const struct fl_field *fields[3]; /* of those */
	bool has_unknown;
	bool is_plain; /* its texts are printable ASCII */
	struct part *parts;
	size_t n;
};

/* ---- making ---- */

static bool is_plain(const struct fl_conversion *c)
{
	return !c->width && !c->star_width && !c->has_precision && !c->left && !c->zero &&
	       !c->plus && !c->space && !c->alternate && c->type != 'o' && c->type != 'X' &&
	       c->type != 'c';
}

/* A cast that changes nothing of what is printed is passed over. */
static const struct fl_field *plain_field(const struct fl_expr *e, unsigned int size)
{
	while (e->kind == FL_EXPR_CAST && !e->type.is_pointer && e->type.size == size &&
	       e->a->kind == FL_EXPR_FIELD && e->a->field->size == size)
		e = e->a;
	return e->kind == FL_EXPR_FIELD && e->field->loc == FL_FIELD_INLINE ? e->field : NULL;
}

static void find_short_way(struct part *part, struct fl_abi abi)
{
	const struct fl_conversion *c = &part->conversion;
	unsigned int size = c->size ? c->size : abi.long_size;
	const struct fl_field *f = plain_field(part->value, size);
	bool scalar =
		f && !f->is_array && (f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);

	if (!part->is_plain || !f)
		return;
	/* A signed field in a wider unsigned conversion is extended first: the long way. */
	if ((c->type == 'd' || c->type == 'u') && scalar && f->size <= size &&
	    (f->size == size || c->type == 'd' || !f->is_signed)) {
		part->way = WAY_NUMBER;
		part->is_signed = c->type == 'd' && (f->is_signed || f->size == size);
	} else if (c->type == 's' && f->is_array && f->size) {
		part->way = WAY_TEXT;
	}
	part->offset = f->offset;
	part->size = f->size;
	part->shift = scalar ? 64 - 8 * f->size : 0;
}

/* Goes over an expression: false where it says more than names of one number's values. */
static bool look_at(const struct fl_expr *e, const struct fl_field **field, bool *names)
{
	if (!e)
		return true;
	if (e->kind == FL_EXPR_UNKNOWN || (e->field && *field && e->field != *field))
		return false;
	if (e->field)
		*field = e->field;
	if (e->kind == FL_EXPR_CALL && (e->call == FL_CALL_FLAGS || e->call == FL_CALL_FLAGS_U64 ||
					e->call == FL_CALL_SYMBOLIC || e->call == FL_CALL_SYMBOLIC_U64))
		*names = true;
	for (size_t i = 0; i < e->nr_args; i++)
		if (!look_at(e->args[i], field, names))
			return false;
	return look_at(e->a, field, names) && look_at(e->b, field, names) && look_at(e->c, field, names);
}

static void find_named(struct part *part, struct fl_arena *arena)
{
	const struct fl_field *f = NULL;
	bool names = false;

	if (part->conversion.type != 's' || !part->is_plain || !look_at(part->value, &f, &names) || !f || !names ||
	    f->loc != FL_FIELD_INLINE || f->is_array || !f->size || f->size > 8)
		return;
	part->named = f;
	part->said = fl_arena_array(arena, SAID_MAX, sizeof(*part->said)); /* without, it is only slower */
	if (!part->said || part->way != WAY_NONE)
		return;
	part->way = WAY_NAMED;
	part->offset = f->offset;
	part->size = f->size;
}

static struct fl_expr *next_argument(struct fl_expr_parser *args)
{
	return fl_expr_take(args, ',') ? fl_expr_parse(args) : NULL;
}

static bool add_value(struct fl_expr_parser *args, struct part *part, struct fl_printfmt *p)
{
	const struct fl_conversion *c = &part->conversion;
	unsigned int unknown = args->nr_unknown;

	part->has_value = true;
	part->is_plain = is_plain(c);
	if (c->star_width && !(part->width = next_argument(args)))
		return false;
	if (c->star_precision && !(part->precision = next_argument(args)))
		return false;
	part->value = next_argument(args);
	if (part->value && args->nr_unknown > unknown)
		part->is_unknown = p->has_unknown = true;
	if (!part->value)
		return false;
	find_short_way(part, args->abi);
	find_named(part, args->arena);
	return true;
}

/* "100%%" is text: parts end at conversions that take a value, so that the text is put together. */
static bool split(struct fl_str format, struct fl_expr_parser *args, struct fl_printfmt *p)
{
	_cleanup_buf_ struct fl_buf text = {};

	for (;;) {
		size_t n = fl_str_find(format, '%', 0);
		struct part *part = &p->parts[p->n];
		bool more = n < format.n;
		char *copy;

		fl_buf_add_str(&text, fl_str_sub(format, 0, n));
		format = fl_str_from(format, n + 1);
		if (more) {
			if (!fl_conversion_take(&format, &part->conversion))
				return false;
			if (part->conversion.type == '%') {
				fl_buf_addc(&text, '%');
				continue;
			}
			if (!add_value(args, part, p))
				return false;
		}
		n = text.len;
		fl_buf_fill(&text, ' ', FL_PUT_PADDING);
		copy = text.error ? NULL : fl_arena_dup(args->arena, fl_buf_str(&text));
		if (!copy) {
			args->error = -ENOMEM;
			return false;
		}
		part->text = fl_str_n(copy, n);
		p->is_plain &= fl_is_plain(part->text);
		part->room = n + FL_PUT_PADDING + FL_PUT_NUMBER + sizeof(part->said->text) + part->size;
		fl_buf_reset(&text);
		if (++p->n == MAX_PARTS)
			return false;
		if (!part->has_value)
			return true;
	}
}

static size_t count_parts(struct fl_str format)
{
	size_t n = 2;

	for (size_t i = 0; i < format.n; i++)
		n += format.p[i] == '%';
	return n;
}

static bool find_special(const struct fl_format *f, struct fl_printfmt *p)
{
	bool bprint = fl_str_is(f->name, "bprint"), raw = fl_str_is(f->name, "raw_data");

	if (!fl_str_is(f->system, "ftrace") || (!bprint && !raw))
		return false;
	p->fields[0] = fl_format_field(f, bprint ? FL_STR("ip") : FL_STR("id"));
	p->fields[1] = fl_format_field(f, FL_STR("buf"));
	p->fields[2] = fl_format_field(f, bprint ? FL_STR("fmt") : FL_STR("buf"));
	p->special = bprint ? SPECIAL_BPRINT : SPECIAL_RAW_DATA;
	return p->fields[0] && p->fields[1] && p->fields[2];
}

static bool mentions(const struct fl_expr *e, const struct fl_field *f)
{
	if (!e)
		return false;
	if (e->field == f)
		return true;
	for (size_t i = 0; i < e->nr_args; i++)
		if (mentions(e->args[i], f))
			return true;
	return mentions(e->a, f) || mentions(e->b, f) || mentions(e->c, f);
}

/* A value that cannot be said is "?" as long as no field is lost with it. */
static bool loses_field(const struct fl_printfmt *p, const struct fl_format *format)
{
	for (size_t i = 0; i < format->nr_fields; i++) {
		bool shown = format->fields[i].is_common;

		for (size_t k = 0; k < p->n && !shown; k++)
			shown = !p->parts[k].is_unknown &&
				mentions(p->parts[k].value, &format->fields[i]);
		if (!shown)
			return true;
	}
	return false;
}

int fl_printfmt_parse(const struct fl_format *format, struct fl_abi abi, struct fl_arena *arena,
		      struct fl_printfmt **ret)
{
	struct fl_expr_parser args = {
		.rest = format->print_fmt, .format = format, .abi = abi, .arena = arena};
	struct fl_printfmt *p = FL_ARENA_NEW(arena, struct fl_printfmt);
	struct fl_str text;

	if (!p)
		return -ENOMEM;
	if (find_special(format, p)) {
		*ret = p;
		return 0;
	}
	text = fl_expr_parse_string(&args);
	if (!text.p)
		return args.error ? args.error : -EINVAL;
	p->parts = fl_arena_array(arena, FL_MIN(count_parts(text), (size_t)MAX_PARTS + 1),
				  sizeof(*p->parts));
	if (!p->parts)
		return -ENOMEM;
	p->is_plain = true;
	if (!split(text, &args, p) || args.error)
		return args.error ? args.error : -EINVAL;
	if (p->has_unknown && loses_field(p, format))
		return -EINVAL;
	*ret = p;
	return 0;
}

/* ---- printing ---- */

static void put_plain_number(const struct fl_conversion *c, const struct fl_value *v,
			     const struct fl_print_record *rec, struct fl_buf *out)
{
	unsigned int shift = 64 - 8 * (c->size ? c->size : rec->abi.long_size);
	uint64_t n = v->number << shift >> shift;

	if (c->type == 'd')
		fl_buf_add_s64(out, (int64_t)(v->number << shift) >> shift);
	else if (c->type == 'u')
		fl_buf_add_u64(out, n);
	else
		fl_convert_number(c, n, rec, out);
}

static void put_text(const struct part *part, const struct fl_conversion *c,
		     const struct fl_print_record *rec, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf text = {};

	if (part->is_plain) {
		fl_expr_text(part->value, rec, out);
		return;
	}
	fl_expr_text(part->value, rec, &text);
	fl_convert_text(c, fl_buf_str(&text), out);
}

/* A bitmap's or hex string's length stands where others have a width. */
static struct fl_conversion effective(const struct part *part, const struct fl_print_record *rec)
{
	struct fl_conversion c = part->conversion;

	if (part->width) {
		int64_t w = (int64_t)fl_expr_value(part->width, rec).number;

		c.left |= w < 0;
		c.width = (int)FL_MIN(w < 0 ? -w : w, (int64_t)4096);
	}
	if (part->precision) {
		int64_t precision = (int64_t)fl_expr_value(part->precision, rec).number;

		c.precision = precision < 0 ? -1 : (int)FL_MIN(precision, (int64_t)65536);
	}
	return c;
}

static void put_value(const struct part *part, const struct fl_print_record *rec,
		      struct fl_buf *out)
{
	struct fl_conversion c =
		part->width || part->precision ? effective(part, rec) : part->conversion;
	struct fl_value v;

	if (c.type == 's') {
		put_text(part, &c, rec, out);
		return;
	}
	v = fl_expr_value(part->value, rec);
	if (c.type == 'p') {
		fl_convert_pointer(&c, &v, rec, out);
	} else if (v.kind == FL_VALUE_NONE || v.kind == FL_VALUE_UNKNOWN) {
		fl_buf_addz(out, fl_value_absent(&v));
	} else if (c.type == 'c') {
		char ch = (char)v.number;

		fl_convert_text(&c, fl_str_n(&ch, 1), out);
	} else if (part->is_plain) {
		put_plain_number(&c, &v, rec, out);
	} else {
		fl_convert_number(&c, v.number, rec, out);
	}
}

static uint64_t number_of(const struct fl_field *f, const struct fl_print_record *rec)
{
	struct fl_str at = fl_expr_field_bytes(f, rec);

	return at.p && at.n && at.n <= 8 ? fl_abi_number(rec->abi, at.p, at.n) : 0;
}

static void put_bprint(const struct fl_printfmt *p, const struct fl_print_record *rec,
		       struct fl_buf *out)
{
	struct fl_conversion function = {.type = 'p', .pointer = FL_STR("s")};
	struct fl_value ip = {.kind = FL_VALUE_NUMBER, .number = number_of(p->fields[0], rec)};
	uint64_t addr = number_of(p->fields[2], rec);
	struct fl_str format = rec->printk ? fl_printk_at(rec->printk, addr) : (struct fl_str){};

	fl_convert_pointer(&function, &ip, rec, out);
	fl_buf_addz(out, ": ");
	if (format.p)
		fl_printk_binary(format, rec, p->fields[1]->offset, out);
	else
		fl_buf_addf(out, "(format 0x%llx is not in the file)", (unsigned long long)addr);
}

static void put_raw_data(const struct fl_printfmt *p, const struct fl_print_record *rec,
			 struct fl_buf *out)
{
	fl_buf_addf(out, "# %llx buf:", (unsigned long long)number_of(p->fields[0], rec));
	for (size_t i = p->fields[1]->offset; i < rec->size; i++)
		fl_buf_addf(out, " %02x", rec->data[i]);
}

/* Whole words: what is written behind the text is room that the caller has. */
static char *put_until_nul(char *p, const uint8_t *at, uint32_t size, bool *plain)
{
	const uint64_t ones = 0x0101010101010101ull, tops = ones << 7;
	uint64_t strange = 0, other;
	uint32_t i = 0;

	for (; i + 8 <= size; i += 8) {
		uint64_t v = fl_get_le64(at + i), zeros = (v - ones) & ~v & tops;

		memcpy(p + i, at + i, 8);
		/* Below 0x20, 0x7f, above: a borrow goes upwards alone, where something strange was below. */
		other = ((v - 0x20 * ones) | v | ((v ^ 0x7f * ones) - ones)) & tops;
		strange |= zeros ? other & ((zeros & -zeros) - 1) : other;
		if (zeros) {
			p += __builtin_ctzll(zeros) / 8;
			break;
		}
	}
	for (; i + 8 > size && i < size && at[i]; i++) {
		strange |= at[i] < 0x20 || at[i] >= 0x7f;
		p[i] = (char)at[i];
	}
	*plain &= !strange;
	return p + i;
}

static struct said *said_of(const struct part *part, uint64_t v)
{
	return &part->said[(v ^ v >> 4 ^ v >> 8) % SAID_MAX];
}

/* NULL where the field lies outside of the record, or has not been said yet: the long way does it then. */
static inline __attribute__((always_inline)) char *put_short(const struct part *part, const struct fl_print_record *rec,
							     char *p, bool *plain)
{
	const uint8_t *at = rec->data + part->offset;
	const struct said *said;
	uint64_t v;

	p = fl_put_padded(p, part->text.p, part->text.n);
	if (!part->has_value)
		return p;
	if (part->way == WAY_NONE || !fl_range_ok(part->offset, part->size, rec->size))
		return NULL;
	if (part->way == WAY_TEXT)
		return put_until_nul(p, at, part->size, plain);
	v = part->size == 4 ? fl_abi_u32(rec->abi, at) : fl_abi_number(rec->abi, at, part->size);
	if (part->way == WAY_NUMBER)
		return part->is_signed ? fl_put_s64(p, (int64_t)(v << part->shift) >> part->shift) : fl_put_u64(p, v);
	said = said_of(part, v);
	if (!said->is_known || said->value != v)
		return NULL;
	memcpy(p, said->text, sizeof(said->text));
	*plain &= said->is_plain;
	return p + said->n;
}

/* A text that has names, once a value. False where the number lies outside of the record. */
static bool put_named(const struct part *part, const struct fl_print_record *rec, struct fl_buf *out)
{
	const struct fl_field *f = part->named;
	struct said *said;
	uint64_t v;
	size_t from = out->len;

	if (!part->said || !fl_range_ok(f->offset, f->size, rec->size))
		return false;
	v = fl_abi_number(rec->abi, rec->data + f->offset, f->size);
	said = said_of(part, v);
	if (said->is_known && said->value == v) {
		fl_buf_add(out, said->text, said->n);
		return true;
	}
	fl_expr_text(part->value, rec, out);
	if (out->error || out->len - from > sizeof(said->text))
		return true;
	*said = (struct said){.value = v, .is_known = true, .n = (uint8_t)(out->len - from)};
	if (said->n)
		memcpy(said->text, out->data + from, said->n);
	said->is_plain = fl_is_plain(fl_str_n(said->text, said->n));
	return true;
}

static void put_part(const struct part *part, const struct fl_print_record *rec, struct fl_buf *out)
{
	char *p = fl_buf_reserve(out, part->room);
	bool plain = true; /* who wants the line looks it over */

	p = p ? put_short(part, rec, p, &plain) : NULL;
	if (p) {
		*p = '\0';
		out->len = (size_t)(p - out->data);
		return;
	}
	fl_buf_add_str(out, part->text);
	if (part->named && put_named(part, rec, out))
		return;
	if (part->has_value)
		put_value(part, rec, out);
}

void fl_printfmt_text(const struct fl_printfmt *p, const struct fl_print_record *rec,
		      struct fl_buf *out)
{
	if (p->special == SPECIAL_BPRINT) {
		put_bprint(p, rec, out);
		return;
	}
	if (p->special == SPECIAL_RAW_DATA) {
		put_raw_data(p, rec, out);
		return;
	}
	for (size_t i = 0; i < p->n; i++)
		put_part(&p->parts[i], rec, out);
}

size_t fl_printfmt_room(const struct fl_printfmt *p)
{
	size_t room = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->parts[i].has_value && p->parts[i].way == WAY_NONE)
			return 0;
		room += p->parts[i].room;
	}
	return room;
}

char *fl_printfmt_put(const struct fl_printfmt *p, const struct fl_print_record *rec, char *at, bool *plain)
{
	*plain &= p->is_plain;
	for (size_t i = 0; i < p->n && at; i++)
		at = put_short(&p->parts[i], rec, at, plain);
	return at;
}

bool fl_printfmt_field(const struct fl_printfmt *p, const struct fl_field *field, const struct fl_print_record *rec,
		       struct fl_buf *out)
{
	size_t i = 0;

	while (i < p->n && p->parts[i].named != field)
		i++;
	if (i == p->n || !put_named(&p->parts[i], rec, out))
		return false;
	/* What stands at once behind it and is said of the same value: the "+" of a task that was preempted. */
	for (i++; i < p->n && p->parts[i].has_value && !p->parts[i].text.n && p->parts[i].is_plain &&
		  p->parts[i].conversion.type == 's'; i++) {
		const struct fl_field *f = NULL;
		bool names = false;

		if (!look_at(p->parts[i].value, &f, &names) || f != field)
			break;
		fl_expr_text(p->parts[i].value, rec, out);
	}
	return true;
}
