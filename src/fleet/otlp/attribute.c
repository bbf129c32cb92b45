/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/otlp/attribute.h"

#include "base/protobuf.h"
#include "base/utf8.h"

enum { KEY_VALUE_KEY = 1 };
enum { ANY_STRING = 1, ANY_INT = 3, ANY_BYTES = 7 };

void fl_otlp_text(struct fl_buf *b, unsigned int field, struct fl_str s)
{
	size_t any = fl_pb_open(b, field);

	fl_pb_str(b, fl_utf8_valid(s) ? ANY_STRING : ANY_BYTES, s);
	fl_pb_close(b, any);
}

void fl_otlp_int(struct fl_buf *b, unsigned int field, uint64_t v)
{
	size_t any = fl_pb_open(b, field);

	fl_pb_u64(b, ANY_INT, v);
	fl_pb_close(b, any);
}

size_t fl_otlp_attribute_open(struct fl_buf *b, unsigned int field, struct fl_str key)
{
	size_t kv = fl_pb_open(b, field);

	fl_pb_str(b, KEY_VALUE_KEY, key);
	return kv;
}

void fl_otlp_attribute(struct fl_buf *b, unsigned int field, struct fl_str key, struct fl_str v)
{
	size_t kv = fl_otlp_attribute_open(b, field, key);

	fl_otlp_text(b, FL_OTLP_VALUE, v);
	fl_pb_close(b, kv);
}

void fl_otlp_attribute_int(struct fl_buf *b, unsigned int field, struct fl_str key, uint64_t v)
{
	size_t kv = fl_otlp_attribute_open(b, field, key);

	fl_otlp_int(b, FL_OTLP_VALUE, v);
	fl_pb_close(b, kv);
}
