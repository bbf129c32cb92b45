/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/printfmt/convert.h"

#include <ctype.h>

#include "base/num.h"
#include "base/util.h"

#define MAX_WIDTH 4096

/* ---- what a format says ---- */

static bool take_char(struct fl_str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = fl_str_from(*s, 1);
	return true;
}

static void take_flags(struct fl_str *s, struct fl_conversion *c)
{
	for (;; *s = fl_str_from(*s, 1)) {
		char f = s->n ? s->p[0] : '\0';

		c->left |= f == '-';
		c->zero |= f == '0';
		c->plus |= f == '+';
		c->space |= f == ' ';
		c->alternate |= f == '#';
		if (!f || !strchr("-0+ #", f))
			return;
	}
}

static int take_number(struct fl_str *s)
{
	int v = 0;

	for (; s->n && isdigit((unsigned char)s->p[0]); *s = fl_str_from(*s, 1))
		v = FL_MIN(v * 10 + (s->p[0] - '0'), MAX_WIDTH);
	return v;
}

static void take_size(struct fl_str *s, struct fl_conversion *c)
{
	c->size = 4;
	for (;; *s = fl_str_from(*s, 1)) {
		char f = s->n ? s->p[0] : '\0';

		if (f == 'h')
			c->size = c->size == 2 ? 1 : 2;
		else if (f == 'l')
			c->size = c->size == 0 ? 8 : 0;
		else if (f == 'L' || f == 'q' || f == 'j')
			c->size = 8;
		else if (f == 'z' || f == 'Z' || f == 't')
			c->size = 0;
		else
			return;
	}
}

/* Extensions by their first letter, and the letters that may follow each. */
static struct fl_str take_pointer(struct fl_str *s)
{
	static const struct {
		char first;
		const char *more;
	} kinds[] = {
		{'S', "R"},    {'s', "R"},    {'F', ""},
		{'f', ""},     {'B', "b"},    {'I', "46Scpfsbhnl"},
		{'i', "46S"},  {'M', "FR"},   {'m', "FR"},
		{'U', "bBlL"}, {'h', "CDN"},  {'b', "l"},
		{'a', "pd"},   {'K', ""},     {'x', ""},
		{'e', ""},     {'G', "pgvt"},
	};
	size_t n = 0;

	for (size_t i = 0; i < FL_ARRAY_SIZE(kinds) && s->n; i++) {
		if (s->p[0] != kinds[i].first)
			continue;
		for (n = 1; n < s->n && strchr(kinds[i].more, s->p[n]); n++)
			;
	}
	*s = fl_str_from(*s, n);
	return fl_str_n(s->p - n, n);
}

bool fl_conversion_take(struct fl_str *rest, struct fl_conversion *ret)
{
	struct fl_conversion c = {};
	struct fl_str s = *rest;

	take_flags(&s, &c);
	c.star_width = take_char(&s, '*');
	if (!c.star_width)
		c.width = take_number(&s);
	if (take_char(&s, '.')) {
		c.has_precision = true;
		c.star_precision = take_char(&s, '*');
		if (!c.star_precision)
			c.precision = take_number(&s);
	}
	take_size(&s, &c);
	if (!s.n || !strchr("diuxXocsp%", s.p[0]))
		return false;
	c.type = s.p[0] == 'i' ? 'd' : s.p[0];
	s = fl_str_from(s, 1);
	if (c.type == 'p')
		c.pointer = take_pointer(&s);
	*ret = c;
	*rest = s;
	return true;
}

/* ---- what it makes ---- */

void fl_convert_text(const struct fl_conversion *c, struct fl_str text, struct fl_buf *out)
{
	size_t width = FL_MAX(c->width, 0), fill;

	if (c->has_precision && c->precision >= 0)
		text = fl_str_sub(text, 0, c->precision);
	fill = width - FL_MIN(width, text.n);
	if (!c->left)
		fl_buf_fill(out, ' ', fill);
	fl_buf_add_str(out, text);
	if (c->left)
		fl_buf_fill(out, ' ', fill);
}

static size_t digits_of(uint64_t v, unsigned int base, bool upper, char *end)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t n = 0;

	do {
		*--end = digits[v % base];
		n++;
		v /= base;
	} while (v);
	return n;
}

void fl_convert_number(const struct fl_conversion *c, uint64_t v, const struct fl_print_record *rec,
		       struct fl_buf *out)
{
	unsigned int size = c->size ? c->size : rec->abi.long_size, shift = 64 - size * 8;
	unsigned int base = c->type == 'o' ? 8 : c->type == 'x' || c->type == 'X' ? 16 : 10;
	bool negative = c->type == 'd' && (int64_t)(v << shift) < 0;
	const char *sign = negative			? "-"
			   : c->type == 'd' && c->plus	? "+"
			   : c->type == 'd' && c->space ? " "
							: "";
	char text[32];
	size_t n, width = FL_MAX(c->width, 0), zeros = 0, fill;

	v = v << shift >> shift;
	if (negative)
		v = (0 - (v << shift)) >> shift;
	if (c->alternate && base == 16)
		sign = c->type == 'x' ? "0x" : "0X";
	n = digits_of(v, base, c->type == 'X', text + sizeof(text));
	if (c->has_precision && c->precision > (int)n)
		zeros = c->precision - n;
	fill = width - FL_MIN(width, n + zeros + strlen(sign));
	if (c->zero && !c->left && !c->has_precision) {
		zeros += fill;
		fill = 0;
	}
	if (!c->left)
		fl_buf_fill(out, ' ', fill);
	fl_buf_addz(out, sign);
	fl_buf_fill(out, '0', zeros);
	fl_buf_add(out, text + sizeof(text) - n, n);
	if (c->left)
		fl_buf_fill(out, ' ', fill);
}

/* ---- the kernel's pointers ---- */

static void add_symbol(uint64_t addr, bool name_only, const struct fl_print_record *rec,
		       struct fl_buf *out)
{
	struct fl_ksym sym;

	if (!rec->ksyms || fl_ksyms_at(rec->ksyms, addr, &sym) < 0) {
		fl_buf_add_hex(out, addr);
		return;
	}
	fl_ksym_text(&sym, addr - sym.addr, name_only, out);
}

static void add_ip4(const uint8_t *b, bool leading_zeros, struct fl_buf *out)
{
	fl_buf_addf(out, leading_zeros ? "%03u.%03u.%03u.%03u" : "%u.%u.%u.%u", b[0], b[1], b[2],
		    b[3]);
}

/* The longest run of zero words, of two at least, that is written as "::". */
static void find_gap(const uint16_t *w, int n, int *ret_at, int *ret_len)
{
	*ret_len = 1;
	*ret_at = -1;
	for (int i = 0; i < n; i++) {
		int k = i;

		while (k < n && !w[k])
			k++;
		if (k - i > *ret_len) {
			*ret_at = i;
			*ret_len = k - i;
		}
	}
}

static void add_ip6_compressed(const uint8_t *b, struct fl_buf *out)
{
	bool mapped = !memcmp(b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	int n = mapped ? 6 : 8, gap, len;
	bool colon = false;
	uint16_t w[8];

	for (int i = 0; i < 8; i++)
		w[i] = fl_get_be16(b + 2 * i);
	find_gap(w, n, &gap, &len);
	for (int i = 0; i < n; i++) {
		if (i == gap) {
			fl_buf_addz(out, "::");
			i += len - 1;
			colon = false;
			continue;
		}
		fl_buf_addf(out, colon ? ":%x" : "%x", w[i]);
		colon = true;
	}
	if (!mapped)
		return;
	if (colon)
		fl_buf_addc(out, ':');
	add_ip4(b + 12, false, out);
}

static void add_ip6(const uint8_t *b, bool colons, struct fl_buf *out)
{
	for (int i = 0; i < 8; i++)
		fl_buf_addf(out, colons && i ? ":%04x" : "%04x", fl_get_be16(b + 2 * i));
}

/* "%pIS" and its letters: c compressed, p port, f flow, s scope. */
static void add_sockaddr(struct fl_str kind, struct fl_str s, const struct fl_print_record *rec,
			 struct fl_buf *out)
{
	const uint8_t *b = (const uint8_t *)s.p;
	bool compressed = fl_str_find(kind, 'c', 0) < kind.n,
	     port = fl_str_find(kind, 'p', 0) < kind.n;
	uint16_t family = s.n >= 2 ? fl_abi_u16(rec->abi, b) : 0;

	if (family == 2 && s.n >= 8) { /* AF_INET: port, address */
		add_ip4(b + 4, kind.p[0] == 'i', out);
	} else if (family == 10 && s.n >= 24) { /* AF_INET6: port, flow, address, scope */
		if (port)
			fl_buf_addc(out, '[');
		if (compressed)
			add_ip6_compressed(b + 8, out);
		else
			add_ip6(b + 8, kind.p[0] == 'I', out);
		if (port)
			fl_buf_addc(out, ']');
	} else {
		fl_buf_addf(out, family ? "(family %u)" : "(null)", family);
		return;
	}
	if (port)
		fl_buf_addf(out, ":%u", fl_get_be16(b + 2));
	if (family == 10 && fl_str_find(kind, 'f', 0) < kind.n)
		fl_buf_addf(out, "/%u", fl_get_be32(b + 4));
	if (family == 10 && s.n >= 28 && fl_str_find(fl_str_from(kind, 2), 's', 0) + 2 < kind.n)
		fl_buf_addf(out, "%%%u", fl_abi_u32(rec->abi, b + 24));
}

static void add_address(struct fl_str kind, struct fl_str s, const struct fl_print_record *rec,
			struct fl_buf *out)
{
	const uint8_t *b = (const uint8_t *)s.p;
	char which = kind.n > 1 ? kind.p[1] : '\0';

	if (which == 'S')
		add_sockaddr(kind, s, rec, out);
	else if (which == '4' && s.n >= 4)
		add_ip4(b, kind.p[0] == 'i', out);
	else if (which == '6' && s.n >= 16 && kind.n > 2 && kind.p[2] == 'c')
		add_ip6_compressed(b, out);
	else if (which == '6' && s.n >= 16)
		add_ip6(b, kind.p[0] == 'I', out);
	else
		fl_buf_addz(out, "(fault)");
}

static void add_bytes(struct fl_str s, char between, bool reverse, struct fl_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (i && between)
			fl_buf_addc(out, between);
		fl_buf_addf(out, "%02x", (uint8_t)s.p[reverse ? s.n - 1 - i : i]);
	}
}

static void add_mac(struct fl_str kind, struct fl_str s, struct fl_buf *out)
{
	bool dash = fl_str_find(kind, 'F', 0) < kind.n;

	if (s.n < 6)
		fl_buf_addz(out, "(fault)");
	else
		add_bytes(fl_str_sub(s, 0, 6),
			  kind.p[0] == 'm' ? '\0'
			  : dash	   ? '-'
					   : ':',
			  fl_str_find(kind, 'R', 0) < kind.n, out);
}

static void add_uuid(struct fl_str kind, struct fl_str s, struct fl_buf *out)
{
	static const uint8_t big[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t little[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	char form = kind.n > 1 ? kind.p[1] : 'b';
	const uint8_t *order = form == 'l' || form == 'L' ? little : big;

	if (s.n < 16) {
		fl_buf_addz(out, "(fault)");
		return;
	}
	for (int i = 0; i < 16; i++) {
		fl_buf_addf(out, isupper((unsigned char)form) ? "%02X" : "%02x",
			    (uint8_t)s.p[order[i]]);
		if (i == 3 || i == 5 || i == 7 || i == 9)
			fl_buf_addc(out, '-');
	}
}

static void add_hex_string(const struct fl_conversion *c, struct fl_str s, struct fl_buf *out)
{
	char form = c->pointer.n > 1 ? c->pointer.p[1] : ' ';

	if (c->width > 0)
		s = fl_str_sub(s, 0, FL_MIN(c->width, 64)); /* the kernel's limit */
	add_bytes(s, form == 'C' ? ':' : form == 'D' ? '-' : form == 'N' ? '\0' : ' ', false, out);
}

static bool bit_of(struct fl_str s, size_t bit, const struct fl_print_record *rec)
{
	size_t a_long = rec->abi.long_size, word = bit / (8 * a_long), at = word * a_long;

	return fl_range_ok(at, a_long, s.n) &&
	       fl_abi_number(rec->abi, s.p + at, a_long) >> (bit % (8 * a_long)) & 1;
}

/* "%*pbl": "0,3-5" */
static void add_bit_list(struct fl_str s, size_t bits, const struct fl_print_record *rec,
			 struct fl_buf *out)
{
	bool any = false;

	for (size_t i = 0; i < bits; i++) {
		size_t first = i;

		if (!bit_of(s, i, rec))
			continue;
		while (i + 1 < bits && bit_of(s, i + 1, rec))
			i++;
		fl_buf_addf(out, any ? ",%zu" : "%zu", first);
		if (i > first)
			fl_buf_addf(out, "-%zu", i);
		any = true;
	}
}

/* "%*pb": words of 32 bits, the highest first */
static void add_bitmap(const struct fl_conversion *c, struct fl_str s,
		       const struct fl_print_record *rec, struct fl_buf *out)
{
	size_t bits = c->width > 0 ? FL_MIN((size_t)c->width, s.n * 8) : s.n * 8;

	if (c->pointer.n > 1) {
		add_bit_list(s, bits, rec, out);
		return;
	}
	for (size_t i = (bits + 31) / 32; i-- > 0;) {
		size_t first = i * 32, n = FL_MIN(bits - first, (size_t)32);
		uint32_t word = 0;

		for (size_t k = 0; k < n; k++)
			word |= (uint32_t)bit_of(s, first + k, rec) << k;
		fl_buf_addf(out, first + 32 < bits ? ",%0*x" : "%0*x", (int)(n + 3) / 4, word);
	}
}

/* A number that stands for memory which is not recorded. */
static void add_number_pointer(const struct fl_conversion *c, uint64_t v,
			       const struct fl_print_record *rec, struct fl_buf *out)
{
	char kind = c->pointer.n ? c->pointer.p[0] : '\0';
	int64_t error = (int64_t)v;

	if (rec->abi.long_size == 4)
		error = (int32_t)v;
	if (kind == 'e' && error < 0 && error >= -4095) {
		fl_buf_addf(out, "-%s", fl_errno_name((int)error));
		return;
	}
	if (!v && !kind)
		fl_buf_addz(out, "(nil)");
	else
		fl_buf_add_hex(out, v);
}

/* %pa and %pG show what is there. */
static void add_number_at(struct fl_str s, const struct fl_print_record *rec, struct fl_buf *out)
{
	fl_buf_add_hex(out, s.n ? fl_abi_number(rec->abi, s.p, FL_MIN(s.n, (size_t)8)) : 0);
}

void fl_convert_pointer(const struct fl_conversion *c, const struct fl_value *v,
			const struct fl_print_record *rec, struct fl_buf *out)
{
	char kind = c->pointer.n ? c->pointer.p[0] : '\0';

	if (v->kind == FL_VALUE_NONE || v->kind == FL_VALUE_UNKNOWN) {
		fl_buf_addz(out, fl_value_absent(v));
		return;
	}
	if (kind && strchr("SsFfB", kind) && v->kind == FL_VALUE_NUMBER) {
		add_symbol(v->number, kind == 's' || kind == 'f', rec, out);
		return;
	}
	if (v->kind == FL_VALUE_NUMBER) {
		add_number_pointer(c, v->number, rec, out);
		return;
	}
	switch (kind) {
	case 'I':
	case 'i':
		add_address(c->pointer, v->bytes, rec, out);
		break;
	case 'M':
	case 'm':
		add_mac(c->pointer, v->bytes, out);
		break;
	case 'U':
		add_uuid(c->pointer, v->bytes, out);
		break;
	case 'h':
		add_hex_string(c, v->bytes, out);
		break;
	case 'b':
		add_bitmap(c, v->bytes, rec, out);
		break;
	default:
		add_number_at(v->bytes, rec, out);
	}
}
