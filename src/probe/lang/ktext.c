/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/ktext.h"

#include <errno.h>

bool fl_k_isalpha(char c)
{
	unsigned char u = c;

	if (u >= 0xc0)
		return u != 0xd7 && u != 0xf7;
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t fl_str_any(struct fl_str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++) {
		for (const char *c = set; *c; c++) {
			if (s.p[i] == *c)
				return i;
		}
	}
	return s.n;
}

static unsigned int digit_value(char c)
{
	if (fl_k_isdigit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Resolves base 0 by the text's prefix, and says how long a prefix there is to skip. */
static size_t skip_prefix(struct fl_str s, unsigned int *base)
{
	bool hex = fl_at(s, 0) == '0' && (fl_at(s, 1) | 0x20) == 'x';

	if (*base == 0) {
		if (hex && digit_value(fl_at(s, 2)) < 16)
			*base = 16;
		else
			*base = fl_at(s, 0) == '0' ? 8 : 10;
	}
	return *base == 16 && hex ? 2 : 0;
}

static size_t take_digits(struct fl_str s, unsigned int base, uint64_t *ret, bool *overflow)
{
	size_t i = 0;

	*ret = 0;
	*overflow = false;
	for (; i < s.n && digit_value(s.p[i]) < base; i++) {
		unsigned __int128 wide = (unsigned __int128)*ret * base + digit_value(s.p[i]);

		*overflow |= wide > UINT64_MAX;
		*ret = (uint64_t)wide;
	}
	return i;
}

/* A number without sign that is the whole text. */
static int plain_number(struct fl_str s, unsigned int base, uint64_t *ret)
{
	size_t prefix = skip_prefix(s, &base);
	bool overflow;
	uint64_t v;
	size_t n;

	s = fl_str_from(s, prefix);
	n = take_digits(s, base, &v, &overflow);
	if (overflow)
		return -ERANGE;
	if (n == 0)
		return -EINVAL;
	if (fl_at(s, n) == '\n')
		n++;
	if (n < s.n)
		return -EINVAL;
	*ret = v;
	return 0;
}

int fl_kstrtoul(struct fl_str s, unsigned int base, uint64_t *ret)
{
	return plain_number(fl_str_from(s, fl_at(s, 0) == '+'), base, ret);
}

int fl_kstrtol_negative(struct fl_str s, unsigned int base, int64_t *ret)
{
	uint64_t v;
	int r = plain_number(s, base, &v);

	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + 1)
		return -ERANGE;
	*ret = (int64_t)-v;
	return 0;
}

int fl_kstrtol(struct fl_str s, unsigned int base, int64_t *ret)
{
	uint64_t v;
	int r;

	if (fl_at(s, 0) == '-')
		return fl_kstrtol_negative(fl_str_from(s, 1), base, ret);
	r = fl_kstrtoul(s, base, &v);
	if (r < 0)
		return r;
	if (v > INT64_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

int fl_kstrtouint(struct fl_str s, unsigned int base, uint32_t *ret)
{
	uint64_t v;
	int r = fl_kstrtoul(s, base, &v);

	if (r < 0)
		return r;
	if (v > UINT32_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

size_t fl_simple_strtoul(struct fl_str s, unsigned int base, uint64_t *ret)
{
	size_t prefix = skip_prefix(s, &base);
	bool overflow;

	return prefix + take_digits(fl_str_from(s, prefix), base, ret, &overflow);
}

bool fl_is_good_name(struct fl_str s, bool system)
{
	if (fl_k_isdigit(fl_at(s, 0)) || s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!fl_k_isalnum(c) && c != '_' && !(system && c == '-'))
			return false;
	}
	return true;
}
