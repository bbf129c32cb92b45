/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialects: whose rules a definition is read by. The rows are in dialects.def. */
#ifndef PROBE_LANG_DIALECT_H
#define PROBE_LANG_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/fetch/fetch.h"

enum fl_dialect {
#define DIALECT(id, ...) FL_DIALECT_##id,
#include "probe/lang/dialects.def"
	_FL_DIALECT_MAX,
};

/**
 * struct fl_dialect_rules - one row
 * @name: as --dialect takes it; NULL: a row for "kernel" to start from
 * @alias: another name for it; NULL: none
 * @max_body: bytes of an argument's expression
 * @has_casts: the series: casts, $current, this_cpu_read() and this_cpu_ptr()
 * @no_btf_args: parameters have no names: kernels before 6.6
 * @no_fprobes: there are no f and t events, and "*" stays in default names: kernels before 6.5
 * @no_char: there is no type "char": kernels before 6.4
 * @no_dentries: there are no types "%pd" and "%pD": kernels before 6.9
 * @no_cpu_lists: filters know no CPUS{LIST}: kernels before 6.7
 * @no_filter_functions: filters know no FIELD.function: kernels before 6.5
 * @mute_string_type: a $comm or text that is given another type than string leaves no entry in the log
 * @user_symbols: user probes have the types symbol and symstr
 * @event_vars_last: whether an event has the field of an e-probe's argument is looked at when the whole
 *	argument has been read; "$comm" is no exception before
 * @columns_return: a caret behind a dereference counts from the argument again, and not from its inside
 * @symbol_errnos: a symbol that is not there is ENOENT, one that is there twice EADDRNOTAVAIL,
 *	and both are looked for behind the entry of a function that returns
 * @long_arg_einval: an argument that is too long is EINVAL
 * @max_nested: casts within casts
 * @nests_derefs: +0(..) and this_cpu_*() count as nesting too
 * @bare_event_fields: e-probe fields need no "$"
 * @cast_symbol_alone: (S)@SYM+4->m is refused, (S)(@SYM+4)->m is not
 * @cast_end_column: added to the caret where (S)+0(x) lacks its field
 * @reg_ends_there: %reg where there are no registers is logged once, not twice
 * @percpu_everywhere: this_cpu_*() in user and event probes too
 * @fprobe_maxactive: f and t take a number behind the letter
 * @fprobe_checked_first: an f event's function is looked up when it is defined, the values of @SYM
 *	only when it is enabled, and registering fails with EINVAL alone
 * @meta_args_need_btf: $arg* without BTF is refused at once, not when it is parsed
 * @logs_no_kind: a line that no kind of event knows leaves an entry in the log
 * @glob_needs_function: "!" before a glob of an f event leaves no function, which is refused
 * @logs_counts: too many arguments leave an entry in the log
 * @max_entry_args: words that an f event keeps from entry to return, 0: no limit
 * @file_on_kernel: text of FILE_ON_KPROBE where it is another
 * @maxactive_on_kprobe: text of BAD_MAXACT_TYPE where it is another
 * @dump: how dumps are written
 */
struct fl_dialect_rules {
	const char *name, *alias;
	size_t max_body;
	bool has_casts;
	bool no_btf_args;
	bool no_fprobes;
	bool no_char;
	bool no_dentries;
	bool no_cpu_lists;
	bool no_filter_functions;
	bool mute_string_type;
	bool user_symbols;
	bool event_vars_last;
	bool columns_return;
	bool symbol_errnos;
	bool long_arg_einval;
	unsigned int max_nested;
	bool nests_derefs;
	bool bare_event_fields;
	bool cast_symbol_alone;
	unsigned int cast_end_column;
	bool reg_ends_there;
	bool percpu_everywhere;
	bool fprobe_maxactive;
	bool fprobe_checked_first;
	bool meta_args_need_btf;
	bool logs_no_kind;
	bool glob_needs_function;
	bool logs_counts;
	size_t max_entry_args;
	const char *file_on_kernel, *maxactive_on_kprobe;
	enum fl_dump_style dump;
};

struct fl_target;

extern const struct fl_dialect_rules fl_dialects[_FL_DIALECT_MAX];

/* -EINVAL: no dialect of that name. */
int fl_dialect_parse(const char *name, enum fl_dialect *ret);

/*
 * What FL_DIALECT_KERNEL means for @t from now on: by its README and BTF. -ENOENT where there is neither.
 */
int fl_dialect_learn(struct fl_target *t);

/* The members of the rules that nothing shows, by name; of that dialect they are taken for granted. */
extern const char *const fl_dialect_unshown[];

const struct fl_dialect_rules *fl_dialect_rules(const struct fl_target *t, enum fl_dialect dialect);

#endif
