/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growable byte buffer. Appending never fails in the caller's face: the first failed allocation
 * is remembered, later appends do nothing, and @error tells at the end. The bytes are
 * always followed by a NUL that is not counted.
 *
 * Zero-initialise to start ({}); fl_buf_fini() releases and resets. Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/util.h"

struct fl_buf {
	char *data; /* NULL until the first append */
	size_t len;
	size_t cap;
	int error; /* 0 or -ENOMEM */
};

void fl_buf_fini(struct fl_buf *b);
#define _cleanup_buf_ _cleanup_(fl_buf_fini)

void fl_buf_add(struct fl_buf *b, const void *data, size_t n);
void fl_buf_addf(struct fl_buf *b, const char *fmt, ...) FL_PRINTF(2, 3);
void fl_buf_vaddf(struct fl_buf *b, const char *fmt, va_list ap) FL_PRINTF(2, 0);
void fl_buf_fill(struct fl_buf *b, char c, size_t n);
void fl_buf_addz(struct fl_buf *b, const char *z);
void fl_buf_add_str(struct fl_buf *b, struct fl_str s);
/* The text of another, and its error. */
void fl_buf_add_buf(struct fl_buf *b, const struct fl_buf *from);
/* Decimal and hexadecimal ("0x..") without printf: for output that is written millions of times. */
void fl_buf_add_u64(struct fl_buf *b, uint64_t v);
void fl_buf_add_s64(struct fl_buf *b, int64_t v);
void fl_buf_add_hex(struct fl_buf *b, uint64_t v);
void fl_buf_add_hex_bytes(struct fl_buf *b, struct fl_str bytes); /* two digits each */

char *fl_buf_grow(struct fl_buf *b, size_t n);

/* Room for @n more bytes at b->data + b->len, or NULL; the caller then adds to b->len. */
static inline char *fl_buf_reserve(struct fl_buf *b, size_t n)
{
	return !b->error && b->cap - b->len > n ? b->data + b->len : fl_buf_grow(b, n);
}

static inline void fl_buf_addc(struct fl_buf *b, char c)
{
	if (b->cap - b->len < 2) { /* this byte and the NUL */
		fl_buf_add(b, &c, 1);
		return;
	}
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

static inline void fl_buf_reset(struct fl_buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

static inline struct fl_str fl_buf_str(const struct fl_buf *b)
{
	return (struct fl_str){ b->data ? b->data : "", b->len };
}

static inline const char *fl_buf_z(const struct fl_buf *b)
{
	return b->data ? b->data : "";
}

/* What was to go into @to was made in @from: an error of the one is an error of the other. */
static inline void fl_buf_pass_error(struct fl_buf *to, const struct fl_buf *from)
{
	if (from->error)
		to->error = from->error;
}

/* Hands the bytes (NUL-terminated, malloc()ed) to the caller; NULL after an error. */
char *fl_buf_take(struct fl_buf *b);

/* All of @fd from its position, at most @max bytes. 0, -EFBIG or the read's errno. */
int fl_buf_read_fd(struct fl_buf *b, int fd, size_t max);

/* Writes everything, over short writes and EINTR. 0 or -errno; the buffer is left as it was. */
int fl_buf_write_fd(const struct fl_buf *b, int fd);

#endif
