/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last steps of each kind: symbols, counts, and joining the events that there are. */
#ifndef PROBE_LANG_REGISTER_H
#define PROBE_LANG_REGISTER_H

#include "probe/lang/parse.h"

#define FL_SYMBOLS_UNKNOWN SIZE_MAX

/* How many symbols there are of a name, which may be "MODULE:SYMBOL". */
size_t fl_count_symbols(struct fl_parse *p, struct fl_str name);

/* 0: @offset into @symbol is where a function's parameters are readable; -EINVAL: it is not;
 * -ENOENT: no such symbol. */
int fl_on_function_entry(struct fl_parse *p, struct fl_str symbol, uint64_t offset);

/* @number stands right behind the letter: how many returns may be pending at a time. */
int fl_parse_maxactive(struct fl_parse *p, struct fl_str number);

int fl_count_args(struct fl_parse *p, size_t n);

int fl_register_kprobe(struct fl_parse *p);
int fl_register_fprobe(struct fl_parse *p);
int fl_register_eprobe(struct fl_parse *p);
int fl_register_uprobe(struct fl_parse *p);

#endif
