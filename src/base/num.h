/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in text, both ways. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/buf.h"
#include "base/str.h"

/*
 * The whole of @s as an unsigned number: @base 10 or 16, or 0 for C's rule (0x.., 0.., decimal).
 * -EINVAL where it is none (empty, sign, trailing text), -ERANGE past 64 bits.
 */
int fl_parse_u64(struct fl_str s, unsigned int base, uint64_t *ret);

/* The same with an optional sign; -ERANGE outside of int64_t. */
int fl_parse_s64(struct fl_str s, unsigned int base, int64_t *ret);

/* A number of bytes with an optional K, M, G or T (powers of 1024, an "iB" or "B" may follow). */
int fl_parse_size(struct fl_str s, uint64_t *ret);

/* Seconds, as "5", "0.25", "100ms", "2m", "1h"; in nanoseconds. */
int fl_parse_duration(struct fl_str s, uint64_t *ret_ns);

/* "1.5M", "312", "-20.3K": at most 3 digits before the unit's letter, powers of 1024. */
void fl_buf_add_human(struct fl_buf *b, int64_t v);

/* Linux's name of an errno value (negative or positive), "EOPNOTSUPP" and not "ENOTSUP". */
const char *fl_errno_name(int err);

#endif
