/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 as far as showing text needs it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/* Bytes of the character that @s starts with; 0 where it is none (cut, overlong, surrogate). */
size_t fl_utf8_len(struct fl_str s);

/* The same, and the code point. */
size_t fl_utf8_decode(struct fl_str s, uint32_t *ret);

/* The bytes of a code point, and their number. */
size_t fl_utf8_encode(uint32_t c, char out[4]);

/* Whether all of @s is such characters. */
bool fl_utf8_valid(struct fl_str s);

/* Terminal columns of a code point: 0 for combining ones, 2 for wide ones, else 1. */
unsigned int fl_utf8_width(uint32_t c);

#endif
