/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>


void fl_buf_fini(struct fl_buf *b)
{
	free(b->data);
	*b = (struct fl_buf){};
}

static char *fail(struct fl_buf *b)
{
	b->error = -ENOMEM;
	return NULL;
}

char *fl_buf_grow(struct fl_buf *b, size_t n)
{
	size_t need, cap = b->cap ? b->cap : 64;
	char *data;

	if (b->error)
		return NULL;
	if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1, &need))
		return fail(b);
	if (need <= b->cap)
		return b->data + b->len;
	while (cap < need)
		if (__builtin_mul_overflow(cap, 2, &cap))
			cap = need;
	data = realloc(b->data, cap);
	if (!data)
		return fail(b);
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

void fl_buf_add(struct fl_buf *b, const void *data, size_t n)
{
	char *at = fl_buf_reserve(b, n);

	if (!at)
		return;
	if (n)
		memcpy(at, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void fl_buf_fill(struct fl_buf *b, char c, size_t n)
{
	char *at = fl_buf_reserve(b, n);

	if (!at)
		return;
	memset(at, c, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void fl_buf_vaddf(struct fl_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(b->error || !b->cap ? NULL : b->data + b->len, b->error ? 0 : b->cap - b->len,
		      fmt, ap);
	if (n >= 0 && !b->error && (size_t)n >= b->cap - b->len) {
		if (fl_buf_reserve(b, n))
			vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n >= 0 && !b->error)
		b->len += n;
}

void fl_buf_addf(struct fl_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fl_buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void fl_buf_addz(struct fl_buf *b, const char *z)
{
	fl_buf_add(b, z, strlen(z));
}

void fl_buf_add_str(struct fl_buf *b, struct fl_str s)
{
	fl_buf_add(b, s.p, s.n);
}

void fl_buf_add_buf(struct fl_buf *b, const struct fl_buf *from)
{
	fl_buf_add(b, from->data, from->len);
	fl_buf_pass_error(b, from);
}

void fl_buf_add_u64(struct fl_buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = '0' + v % 10;
		v /= 10;
	} while (v);
	fl_buf_add(b, p, digits + sizeof(digits) - p);
}

void fl_buf_add_s64(struct fl_buf *b, int64_t v)
{
	if (v < 0)
		fl_buf_addc(b, '-');
	fl_buf_add_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void fl_buf_add_hex(struct fl_buf *b, uint64_t v)
{
	char digits[18], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	*--p = 'x';
	*--p = '0';
	fl_buf_add(b, p, digits + sizeof(digits) - p);
}

void fl_buf_add_hex_bytes(struct fl_buf *b, struct fl_str bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.n; i++) {
		fl_buf_addc(b, digits[(uint8_t)bytes.p[i] >> 4]);
		fl_buf_addc(b, digits[(uint8_t)bytes.p[i] & 15]);
	}
}

char *fl_buf_take(struct fl_buf *b)
{
	char *data;

	fl_buf_add(b, "", 0);
	if (b->error) {
		fl_buf_fini(b);
		return NULL;
	}
	data = b->data;
	*b = (struct fl_buf){};
	return data;
}

int fl_buf_read_fd(struct fl_buf *b, int fd, size_t max)
{
	size_t total = 0;

	for (;;) {
		size_t want = FL_MIN((size_t)65535, max - total) + 1;
		char *at = fl_buf_reserve(b, want);
		ssize_t n;

		if (!at)
			return -ENOMEM;
		n = read(fd, at, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if ((size_t)n > max - total)
			return -EFBIG;
		total += n;
		b->len += n;
	}
	b->data[b->len] = '\0';
	return 0;
}

int fl_buf_write_fd(const struct fl_buf *b, int fd)
{
	size_t done = 0;

	if (b->error)
		return b->error;
	while (done < b->len) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}
