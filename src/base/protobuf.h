/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protocol Buffers that are written: fields by number, straight into a buffer. A message within a
 * message is opened and closed; its length takes four bytes, so that nothing has to be moved.
 */
#ifndef BASE_PROTOBUF_H
#define BASE_PROTOBUF_H

#include "base/buf.h"

void fl_pb_u64(struct fl_buf *b, unsigned int field, uint64_t v);
void fl_pb_str(struct fl_buf *b, unsigned int field, struct fl_str s); /* string and bytes */

/* int32 and int64: a negative number takes ten bytes. */
static inline void fl_pb_s64(struct fl_buf *b, unsigned int field, int64_t v)
{
	fl_pb_u64(b, field, (uint64_t)v);
}

/* fixed64 and sfixed64, double; and the element of a packed list of those, between open and close. */
void fl_pb_fixed64(struct fl_buf *b, unsigned int field, uint64_t v);
void fl_pb_double(struct fl_buf *b, unsigned int field, double v);
void fl_pb_raw(struct fl_buf *b, uint64_t v); /* a varint */
void fl_pb_raw64(struct fl_buf *b, uint64_t v);
void fl_pb_raw_double(struct fl_buf *b, double v);

/* What is returned is for closing it. */
size_t fl_pb_open(struct fl_buf *b, unsigned int field);
void fl_pb_close(struct fl_buf *b, size_t opened);

#endif
