/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of OTLP (opentelemetry/proto/common/v1): a name and a typed value, in the field @field of their owner. */
#ifndef FLEET_OTLP_ATTRIBUTE_H
#define FLEET_OTLP_ATTRIBUTE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* An AnyValue alone. What is no UTF-8 is bytes and no string. */
void fl_otlp_text(struct fl_buf *b, unsigned int field, struct fl_str s);
void fl_otlp_int(struct fl_buf *b, unsigned int field, uint64_t v);

/* A KeyValue whose value is to be added in the field FL_OTLP_VALUE; fl_pb_close() ends it. */
enum { FL_OTLP_VALUE = 2 };
size_t fl_otlp_attribute_open(struct fl_buf *b, unsigned int field, struct fl_str key);

void fl_otlp_attribute(struct fl_buf *b, unsigned int field, struct fl_str key, struct fl_str v);
void fl_otlp_attribute_int(struct fl_buf *b, unsigned int field, struct fl_str key, uint64_t v);

#endif
