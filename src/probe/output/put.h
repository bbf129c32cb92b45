/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text written by moving a pointer: for lines that are made millions of times. The caller has
 * reserved the room; each function returns the place behind what it wrote.
 */
#ifndef PROBE_OUTPUT_PUT_H
#define PROBE_OUTPUT_PUT_H

#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define FL_PUT_NUMBER  24 /* the longest number, with sign or "0x" */
#define FL_PUT_PADDING 16 /* see fl_put_padded() */

extern const char fl_put_pairs[201]; /* "000102...99" */

static inline char *fl_put_mem(char *p, const void *data, size_t n)
{
	memcpy(p, data, n);
	return p + n;
}

/* Reads and writes up to FL_PUT_PADDING bytes past what it copies: both sides have that room. */
static inline char *fl_put_padded(char *p, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i += 16)
		memcpy(p + i, data + i, 16);
	return p + n;
}

static inline char *fl_put_str(char *p, struct fl_str s)
{
	return fl_put_mem(p, s.p, s.n);
}

static inline char *fl_put_char(char *p, char c)
{
	*p = c;
	return p + 1;
}

static inline char *fl_put_fill(char *p, char c, size_t n)
{
	memset(p, c, n);
	return p + n;
}

/* Exactly @digits decimal digits, leading zeros included. */
static inline char *fl_put_digits(char *p, uint64_t v, unsigned int digits)
{
	char *at = p + digits;

	while (at - p >= 2) {
		at -= 2;
		memcpy(at, fl_put_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (at > p)
		*--at = (char)('0' + v % 10);
	return p + digits;
}

static inline unsigned int fl_put_width(uint64_t v)
{
	unsigned int n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

static inline char *fl_put_pair(char *p, unsigned int v) /* below 100 */
{
	memcpy(p, fl_put_pairs + v * 2, 2);
	return p + 2;
}

static inline char *fl_put_4_digits(char *p, uint32_t v)
{
	return fl_put_pair(fl_put_pair(p, v / 100), v % 100);
}

static inline char *fl_put_6_digits(char *p, uint32_t v)
{
	return fl_put_4_digits(fl_put_pair(p, v / 10000), v % 10000);
}

static inline char *fl_put_below_10000(char *p, uint32_t v)
{
	if (v < 10)
		return fl_put_char(p, (char)('0' + v));
	if (v < 100)
		return fl_put_pair(p, v);
	if (v < 1000)
		return fl_put_pair(fl_put_char(p, (char)('0' + v / 100)), v % 100);
	return fl_put_4_digits(p, v);
}

static inline char *fl_put_above_10000(char *p, uint64_t v)
{
	if (v < 100000000)
		return fl_put_4_digits(fl_put_below_10000(p, (uint32_t)v / 10000), (uint32_t)v % 10000);
	return fl_put_digits(p, v, fl_put_width(v));
}

/* Most numbers are short. */
static inline __attribute__((always_inline)) char *fl_put_u64(char *p, uint64_t v)
{
	return v < 10000 ? fl_put_below_10000(p, (uint32_t)v) : fl_put_above_10000(p, v);
}

static inline char *fl_put_s64(char *p, int64_t v)
{
	if (v >= 0)
		return fl_put_u64(p, (uint64_t)v);
	return fl_put_u64(fl_put_char(p, '-'), 0 - (uint64_t)v);
}

static inline char *fl_put_hex(char *p, uint64_t v)
{
	unsigned int n = v ? (67u - (unsigned int)__builtin_clzll(v)) / 4 : 1;

	p = fl_put_mem(p, "0x", 2);
	for (unsigned int i = n; i-- > 0; v >>= 4)
		p[i] = "0123456789abcdef"[v & 15];
	return p + n;
}

#endif
