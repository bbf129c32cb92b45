/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of memory shown as the C type that BTF says they have:
 *
 *	{.f_mode = 0x1d|.f_flags = ...}	in text: a C initialiser; what is zero is left out
 *	{"f_mode":29,"f_flags":32768}	in JSON: every member
 *
 * Numbers are decimal, pointers hexadecimal (a pointer that holds an error is its name, one to a
 * function the function's symbol), enums names, arrays of char strings, bool true and false,
 * bitfields numbers of their own type. Members of a union are separated by "|" and show the same
 * bytes. Members that lie past the bytes that were read are left out and "..." stands in their place.
 *
 * What means more than its bits (meaning.h) is that in text; in JSON it stands beside, under NAME_text.
 */
#ifndef PROBE_OUTPUT_SHOW_H
#define PROBE_OUTPUT_SHOW_H

#include "base/buf.h"
#include "probe/output/symbols.h"
#include "btf/btf.h"

/* The first @n bytes of a value. @symbols NULL: pointers to functions stay numbers. */
struct fl_shown {
	struct fl_type type;
	const uint8_t *bytes;
	size_t n;
	struct fl_symbols *symbols;
	struct fl_str name, event; /* for what it means (meaning.h); may be empty */
};

void fl_show_text(const struct fl_shown *v, struct fl_buf *out);
/* @key as in base/json.h. */
void fl_show_json(const struct fl_shown *v, const char *key, struct fl_buf *out);

/* A number of a scalar type (enum, bool, pointer, integer) as text: false where it has no other name. */
bool fl_show_name(struct fl_type type, uint64_t value, struct fl_symbols *symbols, struct fl_buf *out);

#endif
