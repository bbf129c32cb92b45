/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/num.h"

#include <ctype.h>
#include <errno.h>

/* Kernel-internal, and yet BPF hands it to user space. */
#define KERNEL_ENOTSUPP 524
#ifndef EFTYPE /* younger than some headers */
#define EFTYPE 134
#endif

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits from the front of @s; -EINVAL where there are none. @s is left behind them. */
static int take_digits(struct fl_str *s, unsigned int base, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < s->n && digit_value(s->p[n]) < (int)base; n++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit_value(s->p[n]), &v))
			return -ERANGE;
	if (!n)
		return -EINVAL;
	*s = fl_str_from(*s, n);
	*ret = v;
	return 0;
}

int fl_parse_u64(struct fl_str s, unsigned int base, uint64_t *ret)
{
	uint64_t v;
	int r;

	if ((base == 0 || base == 16) && s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x') {
		base = 16;
		s = fl_str_from(s, 2);
	} else if (base == 0) {
		base = s.n > 1 && s.p[0] == '0' ? 8 : 10;
	}
	r = take_digits(&s, base, &v);
	if (r < 0)
		return r;
	if (s.n)
		return -EINVAL;
	*ret = v;
	return 0;
}

int fl_parse_s64(struct fl_str s, unsigned int base, int64_t *ret)
{
	bool minus = s.n && s.p[0] == '-';
	uint64_t v;
	int r;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = fl_str_from(s, 1);
	r = fl_parse_u64(s, base, &v);
	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*ret = minus ? (int64_t)-v : (int64_t)v;
	return 0;
}

int fl_parse_size(struct fl_str s, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t v;
	int r;

	if (s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x')
		return fl_parse_u64(s, 16, ret);
	r = take_digits(&s, 10, &v);
	if (r < 0)
		return r;
	unit = s.n ? memchr(units, toupper((unsigned char)s.p[0]), sizeof(units) - 1) : NULL;
	if (unit) {
		if (__builtin_mul_overflow(v, 1ULL << 10 * (unit - units + 1), &v))
			return -ERANGE;
		s = fl_str_from(s, 1);
		if (fl_str_is(s, "iB"))
			s.n = 0;
	}
	if (fl_str_is(s, "B"))
		s.n = 0;
	if (s.n)
		return -EINVAL;
	*ret = v;
	return 0;
}

static const struct {
	const char *name;
	uint64_t ns;
} duration_units[] = {
	{ "", 1000000000 },    { "s", 1000000000 },   { "ms", 1000000 }, { "us", 1000 },
	{ "ns", 1 },	       { "m", 60000000000 },  { "h", 3600000000000 },
};

int fl_parse_duration(struct fl_str s, uint64_t *ret_ns)
{
	uint64_t whole, unit = 0, ns, fraction = 0;
	struct fl_str digits = {};
	int r;

	r = take_digits(&s, 10, &whole);
	if (r < 0)
		return r;
	if (s.n && s.p[0] == '.') {
		uint64_t ignored;

		digits = s = fl_str_from(s, 1);
		r = take_digits(&s, 10, &ignored);
		if (r < 0)
			return r;
		digits.n -= s.n;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(duration_units); i++)
		if (fl_str_is(s, duration_units[i].name))
			unit = duration_units[i].ns;
	if (!unit)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &ns))
		return -ERANGE;
	for (uint64_t part = unit / 10; digits.n && part; part /= 10) {
		fraction += part * (digits.p[0] - '0');
		digits = fl_str_from(digits, 1);
	}
	if (__builtin_add_overflow(ns, fraction, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

void fl_buf_add_human(struct fl_buf *b, int64_t v)
{
	static const char units[] = " KMGTPE";
	uint64_t whole = v < 0 ? -(uint64_t)v : (uint64_t)v, tenths = 0;
	size_t unit = 0;

	while (whole >= 1024) {
		tenths = (whole & 1023) * 10 / 1024;
		whole >>= 10;
		unit++;
	}
	if (v < 0)
		fl_buf_addc(b, '-');
	fl_buf_add_u64(b, whole);
	if (!unit)
		return;
	if (whole < 100) {
		fl_buf_addc(b, '.');
		fl_buf_add_u64(b, tenths);
	}
	fl_buf_addc(b, units[unit]);
}

/* Not strerrorname_np(): it is glibc's alone, and calls EOPNOTSUPP by its other name. */
const char *fl_errno_name(int err)
{
	switch (err < 0 ? -err : err) {
#define E(name)                                                                                    \
	case name:                                                                                 \
		return #name;
#include "base/errno.def"
#undef E
	case KERNEL_ENOTSUPP:
		return "ENOTSUPP";
	default:
		return "unknown errno";
	}
}
