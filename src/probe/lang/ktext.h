/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Characters and numbers as the kernel reads them, which is not quite as C does: its character
 * classes are those of Latin-1, and its numbers take one "+" and one final newline.
 */
#ifndef PROBE_LANG_KTEXT_H
#define PROBE_LANG_KTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

static inline bool fl_k_isspace(char c)
{
	unsigned char u = c;

	return u <= ' ' ? 0x100003e00ull >> u & 1 : u == 0xa0;
}

bool fl_k_isalpha(char c);
static inline bool fl_k_isdigit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool fl_k_isalnum(char c)
{
	return fl_k_isalpha(c) || fl_k_isdigit(c);
}

/* The first byte of @s, or NUL where it is empty: what the kernel sees there. */
static inline char fl_at(struct fl_str s, size_t i)
{
	return i < s.n ? s.p[i] : '\0';
}

/* @s without the blanks in front of it. */
static inline struct fl_str fl_k_skip(struct fl_str s)
{
	while (s.n && fl_k_isspace(*s.p))
		s = fl_str_from(s, 1);
	return s;
}

/* fl_str_find() for words, which are too short for a call of memchr() to pay. */
static inline size_t fl_k_find(struct fl_str s, char c, size_t from)
{
	while (from < s.n && s.p[from] != c)
		from++;
	return from < s.n ? from : s.n;
}

/* Index of the first byte that is one of @set, or s.n. */
size_t fl_str_any(struct fl_str s, const char *set);

/* kstrtoul(), kstrtol(), kstrtouint(): the whole of @s; @base 0 or 10. -EINVAL or -ERANGE. */
int fl_kstrtoul(struct fl_str s, unsigned int base, uint64_t *ret);
int fl_kstrtol(struct fl_str s, unsigned int base, int64_t *ret);
/* The same of "-" and @s behind it. */
int fl_kstrtol_negative(struct fl_str s, unsigned int base, int64_t *ret);
int fl_kstrtouint(struct fl_str s, unsigned int base, uint32_t *ret);

/* simple_strtoul(): as many digits as there are, wrapping; returns how many bytes it took. */
size_t fl_simple_strtoul(struct fl_str s, unsigned int base, uint64_t *ret);

/* A C identifier; system names may also have "-" anywhere. */
bool fl_is_good_name(struct fl_str s, bool system);

#endif
