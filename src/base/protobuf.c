/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/protobuf.h"

#include <errno.h>

#include "base/bytes.h"

#define WIRE_VARINT  0
#define WIRE_FIXED64 1
#define WIRE_BYTES   2
#define LENGTH_ROOM  4 /* of a message: 28 bits */

static char *put_varint(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

void fl_pb_u64(struct fl_buf *b, unsigned int field, uint64_t v)
{
	char *at = fl_buf_reserve(b, 20);

	if (at)
		b->len += put_varint(put_varint(at, (uint64_t)field << 3 | WIRE_VARINT), v) - at;
}

void fl_pb_str(struct fl_buf *b, unsigned int field, struct fl_str s)
{
	char *at = fl_buf_reserve(b, 20 + s.n), *p;

	if (!at)
		return;
	p = put_varint(put_varint(at, (uint64_t)field << 3 | WIRE_BYTES), s.n);
	if (s.n)
		memcpy(p, s.p, s.n);
	b->len += p - at + s.n;
}

void fl_pb_raw(struct fl_buf *b, uint64_t v)
{
	char *at = fl_buf_reserve(b, 10);

	if (at)
		b->len += put_varint(at, v) - at;
}

void fl_pb_raw64(struct fl_buf *b, uint64_t v)
{
	char *at = fl_buf_reserve(b, 8);

	if (!at)
		return;
	fl_put_le64(at, v);
	b->len += 8;
}

void fl_pb_fixed64(struct fl_buf *b, unsigned int field, uint64_t v)
{
	char *at = fl_buf_reserve(b, 18);

	if (!at)
		return;
	b->len += put_varint(at, (uint64_t)field << 3 | WIRE_FIXED64) - at;
	fl_pb_raw64(b, v);
}

static uint64_t bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

void fl_pb_raw_double(struct fl_buf *b, double v)
{
	fl_pb_raw64(b, bits_of(v));
}

void fl_pb_double(struct fl_buf *b, unsigned int field, double v)
{
	fl_pb_fixed64(b, field, bits_of(v));
}

size_t fl_pb_open(struct fl_buf *b, unsigned int field)
{
	char *at = fl_buf_reserve(b, 10 + LENGTH_ROOM);

	if (!at)
		return 0;
	b->len += put_varint(at, (uint64_t)field << 3 | WIRE_BYTES) - at + LENGTH_ROOM;
	return b->len;
}

void fl_pb_close(struct fl_buf *b, size_t opened)
{
	size_t n = b->len - opened;

	if (b->error)
		return;
	if (n >> (7 * LENGTH_ROOM)) {
		b->error = -E2BIG; /* no message of ours comes near it */
		return;
	}
	for (unsigned int i = 0; i < LENGTH_ROOM; i++)
		b->data[opened - LENGTH_ROOM + i] = (char)((n >> (7 * i) & 0x7f) | (i + 1 < LENGTH_ROOM ? 0x80 : 0));
}
