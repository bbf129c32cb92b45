/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/show.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "probe/output/meaning.h"
#include "probe/output/words.h"

#define MAX_DEPTH 16 /* of structs within structs; the kernel's own stay far below */

/* ---- one value ---- */

static uint64_t extend(uint64_t v, unsigned int bits, bool is_signed)
{
	unsigned int unused = 64 - bits;

	if (!unused)
		return v;
	return is_signed ? (uint64_t)((int64_t)(v << unused) >> unused) : v << unused >> unused;
}

static bool show_pointer(struct fl_type type, uint64_t value, struct fl_symbols *symbols, struct fl_buf *out)
{
	if (fl_show_error((int64_t)value, out))
		return true;
	if (!symbols || !value || fl_type_kind(fl_type_strip(fl_type_target(type))) != BTF_KIND_FUNC_PROTO)
		return false;
	fl_buf_add_str(out, fl_symbols_at(symbols, value));
	return true;
}

/* A number that no enumerator names stays a number. */
static bool show_enum(struct fl_type type, uint64_t value, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	fl_type_print_enum(type, value, &name);
	if (!name.len || name.data[0] == '-' || (name.data[0] >= '0' && name.data[0] <= '9'))
		return false;
	fl_buf_add_buf(out, &name);
	return true;
}

bool fl_show_name(struct fl_type type, uint64_t value, struct fl_symbols *symbols, struct fl_buf *out)
{
	struct fl_int info;

	type = fl_type_strip(type);
	switch (fl_type_kind(type)) {
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return show_enum(type, value, out);
	case BTF_KIND_INT:
		if (fl_type_int(type, &info) < 0 || !info.is_bool || value > 1)
			return false;
		fl_buf_addz(out, value ? "true" : "false");
		return true;
	case BTF_KIND_PTR:
		return show_pointer(type, value, symbols, out);
	}
	return false;
}

/* ---- whole values ---- */

struct show {
	const struct fl_shown *v;
	struct fl_buf *out;
	bool json;
	bool cut; /* something was left out here */
	unsigned int depth;
};

/* A place in the bytes. */
struct place {
	struct fl_type type; /* modifiers stripped */
	uint64_t bit;	     /* from the start */
	uint32_t bits;	     /* of a bitfield; 0: all of the type */
	struct fl_type written; /* not stripped */
	struct fl_str name;
};

static void show_value(struct show *s, const char *key, struct place p);

static uint64_t size_of(struct fl_type t)
{
	uint64_t size;

	return fl_type_size(t, &size) < 0 ? 0 : size;
}

static bool is_there(const struct show *s, struct place p)
{
	uint64_t end = p.bits ? (p.bit + p.bits + 7) / 8 : p.bit / 8 + size_of(p.type);

	return end <= s->v->n;
}

/* Whether all its bits are zero, as far as they are there. */
static bool is_zero(const struct show *s, struct place p)
{
	uint64_t bits = p.bits ? p.bits : size_of(p.type) * 8;

	for (uint64_t bit = p.bit; bit < p.bit + bits;) {
		uint64_t left = p.bit + bits - bit;
		uint8_t byte, mask = 0xff;

		if (bit / 8 >= s->v->n)
			return false;
		byte = s->v->bytes[bit / 8];
		mask = (uint8_t)(mask << bit % 8);
		if (left < 8 - bit % 8)
			mask &= (uint8_t)((1u << (bit % 8 + left)) - 1);
		if (byte & mask)
			return false;
		bit += 8 - bit % 8;
	}
	return true;
}

static bool is_signed(struct fl_type t)
{
	unsigned int kind = fl_type_kind(t);
	struct fl_int info;

	if (kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64)
		return fl_type_enum_signed(t);
	return fl_type_int(t, &info) == 0 && info.is_signed;
}

/* At most 64 bits, which may lie across nine bytes. */
static uint64_t number_at(const struct show *s, struct place p)
{
	uint32_t bits = p.bits ? p.bits : (uint32_t)FL_MIN(size_of(p.type), (uint64_t)8) * 8;
	uint64_t first = p.bit / 8, low = 0;
	unsigned int shift = p.bit % 8;

	bits = FL_MIN(bits, 64u);
	if (!bits)
		return 0;
	memcpy(&low, s->v->bytes + first, FL_MIN(s->v->n - first, (uint64_t)8));
	low = le64toh(low) >> shift;
	if (shift && bits > 64 - shift)
		low |= (uint64_t)s->v->bytes[first + 8] << (64 - shift);
	return extend(low, bits, is_signed(p.type));
}

/* JSON keeps the number, and has the text beside it. */
static void add_beside(struct show *s, const char *key, const struct fl_buf *text)
{
	_cleanup_buf_ struct fl_buf name = {};

	fl_buf_addf(&name, "%s_text", key);
	fl_json_buf(s->out, fl_buf_z(&name), text);
}

static void show_scalar(struct show *s, const char *key, struct place p)
{
	_cleanup_buf_ struct fl_buf name = {};
	uint64_t v = number_at(s, p);
	struct fl_int info;
	bool boolean = fl_type_int(p.type, &info) == 0 && info.is_bool;

	if (s->json && boolean && v <= 1) {
		fl_json_bool(s->out, key, v);
		return;
	}
	if (fl_show_name(p.type, v, s->v->symbols, &name) && s->json && !key) {
		fl_json_buf(s->out, key, &name); /* in an array there is no place beside it */
		return;
	}
	if (name.len && !s->json)
		fl_buf_add_buf(s->out, &name);
	else if (s->json && is_signed(p.type))
		fl_json_s64(s->out, key, (int64_t)v);
	else if (s->json)
		fl_json_u64(s->out, key, v);
	else if (fl_type_kind(p.type) == BTF_KIND_PTR)
		fl_buf_add_hex(s->out, v);
	else if (is_signed(p.type))
		fl_buf_add_s64(s->out, (int64_t)v);
	else
		fl_buf_add_u64(s->out, v);
	if (s->json && name.len)
		add_beside(s, key, &name);
}

/* What has no form of its own (128-bit numbers, floats): its bytes as one hexadecimal number. */
static void show_raw(struct show *s, const char *key, struct place p)
{
	_cleanup_buf_ struct fl_buf text = {};
	uint64_t size = size_of(p.type);
	bool started = false;

	fl_buf_addz(&text, "0x");
	for (uint64_t i = size; i-- > 0;) {
		uint8_t byte = s->v->bytes[p.bit / 8 + i];

		if (!started && !byte && i)
			continue;
		fl_buf_addf(&text, started ? "%02x" : "%x", byte);
		started = true;
	}
	if (s->json)
		fl_json_buf(s->out, key, &text);
	else
		fl_buf_add_buf(s->out, &text);
}

/* ---- arrays ---- */

static bool is_char(struct fl_type t)
{
	struct fl_int info;

	return fl_type_int(t, &info) == 0 && info.size == 1 && !info.is_bool;
}

/* Declared "char": BTF does not tell it from int8_t but by the name. */
static bool is_text(struct fl_type element)
{
	while (fl_type_kind(element) == BTF_KIND_CONST || fl_type_kind(element) == BTF_KIND_VOLATILE)
		element = fl_type_target(element);
	return is_char(element) && fl_str_is(fl_type_name(element), "char");
}

static void show_text(struct show *s, const char *key, struct place p, uint32_t n)
{
	struct fl_str text = fl_str_n((const char *)s->v->bytes + p.bit / 8, n);

	text = fl_str_sub(text, 0, fl_str_find(text, '\0', 0));
	if (s->json)
		fl_json_str(s->out, key, text);
	else
		fl_show_c_string(s->out, text);
}

static void show_array(struct show *s, const char *key, struct place p)
{
	struct fl_type written = fl_type_target(p.type);
	struct place element = { .type = fl_type_strip(written), .name = p.name };
	uint32_t n = fl_type_array_len(p.type), shown = 0;
	uint64_t step = size_of(element.type) * 8;

	if (fl_kind_is_struct(fl_type_kind(element.type)))
		element.written = written; /* of numbers in a row none means more: JSON has no place beside it */
	if (is_text(written) && is_there(s, p)) {
		show_text(s, key, p, n);
		return;
	}
	if (s->json)
		fl_json_open(s->out, key, '[');
	else
		fl_buf_addc(s->out, '{');
	while (!s->json && n) { /* zeros at its end are left out, as in an initialiser */
		element.bit = p.bit + (n - 1) * step;
		if (step && !is_zero(s, element))
			break;
		n--;
	}
	for (uint32_t i = 0; i < n && step; i++) {
		element.bit = p.bit + i * step;
		if (!is_there(s, element)) {
			s->cut = true;
			break;
		}
		if (!s->json && shown++)
			fl_buf_addc(s->out, ',');
		show_value(s, NULL, element);
	}
	if (s->json)
		fl_json_close(s->out, ']');
	else
		fl_buf_addz(s->out, s->cut ? "...}" : "}");
}

/* ---- structs and unions ---- */

static void show_member(struct show *s, const struct fl_member *m, struct place p, const char *before,
			unsigned int *shown)
{
	_cleanup_free_ char *key = s->json ? fl_str_dup(m->name) : NULL;

	if (key) {
		show_value(s, key, p);
		return;
	}
	if (s->json) {
		s->out->error = -ENOMEM;
		return;
	}
	fl_buf_addz(s->out, (*shown)++ ? before : "");
	if (m->name.n)
		fl_buf_addf(s->out, ".%.*s = ", FL_STR_ARG(m->name));
	show_value(s, NULL, p);
}

static void show_members(struct show *s, struct place at)
{
	const char *before = fl_type_kind(at.type) == BTF_KIND_UNION ? "|" : ", ";
	unsigned int shown = 0;
	struct fl_member m;

	for (uint32_t i = 0; fl_type_member(at.type, i, &m); i++) {
		struct place p = { fl_type_strip(m.type), at.bit + m.bit_offset, m.bits, m.type, m.name };

		if (s->json && !m.name.n && fl_kind_is_struct(fl_type_kind(p.type)) && s->depth < MAX_DEPTH) {
			s->depth++;
			show_members(s, p); /* its members are the outer one's, as in C */
			s->depth--;
		} else if (!is_there(s, p) && !fl_kind_is_struct(fl_type_kind(p.type)) &&
			   fl_type_kind(p.type) != BTF_KIND_ARRAY) {
			s->cut = true;
		} else if (p.bit / 8 >= s->v->n && size_of(p.type)) {
			s->cut = true;
		} else if ((s->json && m.name.n) || (!s->json && !is_zero(s, p))) {
			show_member(s, &m, p, before, &shown);
		}
	}
	if (s->cut && !s->json)
		fl_buf_addz(s->out, shown ? ", ..." : "...");
}

static void show_struct(struct show *s, const char *key, struct place p)
{
	bool cut = s->cut;

	s->cut = false;
	if (s->json)
		fl_json_open(s->out, key, '{');
	else
		fl_buf_addc(s->out, '{');
	if (++s->depth <= MAX_DEPTH)
		show_members(s, p);
	s->depth--;
	if (s->json)
		fl_json_close(s->out, '}');
	else
		fl_buf_addc(s->out, '}');
	s->cut = cut; /* it is said where it happened */
}

/* What the value means beyond its bits. */
static bool find_meaning(const struct show *s, struct place p, struct fl_buf *out)
{
	struct fl_said said = { .type = p.written, .name = p.name, .event = s->v->event };
	uint64_t first = p.bit / 8;
	unsigned int kind = fl_type_kind(p.type);

	if (p.bits || p.bit % 8 || first >= s->v->n)
		return false;
	if (fl_kind_is_struct(kind) || kind == BTF_KIND_ARRAY)
		return fl_meaning_bytes(&said, s->v->bytes + first, FL_MIN(s->v->n - first, size_of(p.type)), out);
	return kind == BTF_KIND_INT && is_there(s, p) && fl_meaning_number(&said, number_at(s, p), out);
}

static void show_bits(struct show *s, const char *key, struct place p);

static void show_value(struct show *s, const char *key, struct place p)
{
	_cleanup_buf_ struct fl_buf meaning = {};
	bool means = find_meaning(s, p, &meaning);

	if (means && !s->json) {
		fl_buf_add_buf(s->out, &meaning);
		return;
	}
	show_bits(s, key, p);
	if (!means || !key)
		return;
	add_beside(s, key, &meaning);
}

static void show_bits(struct show *s, const char *key, struct place p)
{
	switch (fl_type_kind(p.type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		show_struct(s, key, p);
		return;
	case BTF_KIND_ARRAY:
		show_array(s, key, p);
		return;
	}
	if (!is_there(s, p)) {
		s->cut = true;
		if (s->json)
			fl_json_null(s->out, key);
	} else if (!p.bits && (fl_type_kind(p.type) == BTF_KIND_FLOAT || size_of(p.type) > 8)) {
		show_raw(s, key, p);
	} else {
		show_scalar(s, key, p);
	}
}

static struct place whole(const struct fl_shown *v)
{
	return (struct place){ .type = fl_type_strip(v->type), .written = v->type, .name = v->name };
}

void fl_show_text(const struct fl_shown *v, struct fl_buf *out)
{
	struct show s = { .v = v, .out = out };

	show_value(&s, NULL, whole(v));
}

void fl_show_json(const struct fl_shown *v, const char *key, struct fl_buf *out)
{
	struct show s = { .v = v, .out = out, .json = true };

	show_value(&s, key, whole(v));
}
