/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a value means beyond its number or members, by the name of its type and by its own: network byte
 * order, addresses, devices, users, file modes, signals, capabilities, system calls, errors, block
 * operations, times.
 *
 * Jiffies are plain unsigned longs: by name alone ("expires", "jiffies", "*_jiffies", "clk"; in an event of
 * timers "now" and "baseclk", too). The kernel counts them from five minutes before 2^32, so that what is
 * below is a span, and what is not a moment, of which the seconds since the start are told.
 */
#ifndef PROBE_OUTPUT_MEANING_H
#define PROBE_OUTPUT_MEANING_H

#include "base/buf.h"
#include "base/str.h"
#include "btf/btf.h"

/* What is known of a value besides its bits. */
struct fl_said {
	struct fl_type type; /* as it was written, with its typedefs */
	struct fl_str c_type; /* of an event's field, which has no other: "unsigned long" */
	struct fl_str name;  /* of the argument or member; may be empty */
	struct fl_str called; /* what the argument is called besides; may be empty */
	struct fl_str event; /* the traced function or event; may be empty */
};

/* Each appends what it means, and returns whether it means anything more. */
bool fl_meaning_number(const struct fl_said *s, uint64_t v, struct fl_buf *out);
bool fl_meaning_bytes(const struct fl_said *s, const uint8_t *bytes, size_t n, struct fl_buf *out);

/* Appends what a jiffies value says, at that many a second. */
void fl_meaning_jiffies(uint64_t v, uint32_t hz, struct fl_buf *out);

/* "openat"; NULL: this kind of machine has none of that number. */
const char *fl_syscall_name(int64_t number);

#endif
