/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts of the kernel that records name by their address: tracefs' printk_formats, lines of
 *
 *	0xffffffff82345678 : "value %d\n"
 *
 * and what trace_printk() files of them: the format's address and its arguments in binary.
 */
#ifndef PROBE_PRINTFMT_PRINTK_H
#define PROBE_PRINTFMT_PRINTK_H

#include "base/arena.h"
#include "base/str.h"

struct fl_print_record;
struct fl_buf;

struct fl_printk_line {
	uint64_t addr;
	struct fl_str text; /* unescaped */
};

struct fl_printk {
	struct fl_printk_line *lines; /* by address */
	size_t n;
};

/* Lives in @arena. 0 or -ENOMEM; lines that are none are passed over. */
int fl_printk_read(struct fl_str text, struct fl_arena *arena, struct fl_printk *ret);

/* p NULL where no text has that address. */
struct fl_str fl_printk_at(const struct fl_printk *p, uint64_t addr);

/* @format over the arguments that lie at @at of @rec as the kernel's vbin_printf() puts them. */
void fl_printk_binary(struct fl_str format, const struct fl_print_record *rec, size_t at, struct fl_buf *out);

#endif
