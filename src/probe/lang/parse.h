/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the parser share; private to probe/lang.
 *
 * The kernel's parser cuts its text with NULs and keeps one running offset for its carets, which at
 * times lags behind or runs ahead of the place it is at. We pass pieces of text instead, and keep
 * that offset beside them: it alone decides the caret, the piece of text what is underlined.
 */
#ifndef PROBE_LANG_PARSE_H
#define PROBE_LANG_PARSE_H

#include "base/str.h"
#include "probe/fetch/fetch.h"
#include "probe/lang/command.h"
#include "probe/lang/dialect.h"
#include "probe/event/event.h"
#include "probe/target/target.h"

struct fl_event_list;
struct fl_user_param;

/* The kernel's limits. */
#define FL_MAX_NAME	    64	 /* group and event names, with their NUL */
#define FL_MAX_ARG_NAME	    32
#define FL_MAX_ARRAY	    64
#define FL_MAX_BUFFER	    4096 /* x8[N], in a trace alone */
#define FL_MAX_RECORD	    3072 /* bytes of an event's data */
#define FL_MAX_META_ARGS    128	 /* bytes of all expanded $arg */
#define FL_MAX_DENTRY_ARGS  256	 /* bytes of all expanded %pd and %pD */
#define FL_MAX_MAXACTIVE    4096
#define FL_MAX_COMMAND	    4094 /* bytes of a line */

/* Where an argument is evaluated: the kernel's TPARG_FL_. */
enum {
	FL_AT_RETURN = 1u << 0,
	FL_AT_KERNEL = 1u << 1,
	FL_AT_ENTRY = 1u << 2,
	FL_AT_EVENT = 1u << 3, /* an attached event's record */
	FL_AT_USER = 1u << 4,
	FL_AT_LOCATION = (1u << 5) - 1,
	FL_AT_FPROBE = 1u << 5,
	FL_AT_TPOINT = 1u << 6,
};

struct fl_parse {
	uint32_t buffers; /* bytes of the record that are of buffers which no kernel takes */
	struct fl_target *target;
	const struct fl_event_list *list; /* the events that there are; NULL: none */
	const struct fl_dialect_rules *rules;
	struct fl_probe_event *event; /* being made; its arena holds everything */
	struct fl_log log;
	unsigned int at;
	bool in_trace; /* with what is ours: types, user code by name */
	size_t variant, nr_variants; /* of a marked place that has its arguments elsewhere each time */
	struct fl_str marked; /* where that one has them; p NULL: it is no marked place */
	const char *marked_type; /* of the one at hand */
	struct fl_user_param *user_params; /* of the named function; NULL: not looked up, or none is known */

	/* the function whose parameters can be named */
	struct fl_str function; /* as BTF calls it; empty: none */
	struct fl_str symbol_name; /* what was counted last, ... */
	struct fl_ksym symbol;	   /* ... and the first symbol of that name, if there is one */
	struct fl_type proto;	/* once it was looked up */
	uint32_t nr_params;	/* without a tracepoint's hidden first */
	const struct fl_format *format; /* of the attached event */

	/* the argument at hand */
	long offset; /* running, from the start of the word */
	struct fl_fetch_insn *code; /* FL_FETCH_MAX_INSNS of them */
	uint32_t pc; /* the last instruction, or an empty slot (NOP) for the first */
	struct fl_type written; /* the same with its typedefs */
	struct fl_type last; /* what BTF knows of the value; FL_TYPE_NONE: nothing */
	uint32_t last_bit, last_bits; /* bit-field: first bit in its byte, width */
	struct fl_type cast; /* struct that the first field is looked up in */
	int32_t cast_offset;
	unsigned int nested;
	struct fl_type searched; /* where a field was last looked for: for help */
};

static inline bool fl_at_entry(const struct fl_parse *p)
{
	return (p->at & FL_AT_LOCATION) == (FL_AT_KERNEL | FL_AT_ENTRY);
}

static inline bool fl_at_return(const struct fl_parse *p)
{
	return (p->at & FL_AT_LOCATION) == (FL_AT_KERNEL | FL_AT_RETURN);
}

/* User code has types of its own, in a trace. */
static inline bool fl_at_user_types(const struct fl_parse *p)
{
	return p->in_trace && p->at & FL_AT_USER;
}

static inline int fl_fault(struct fl_parse *p, long offset, enum fl_probe_fault fault,
			   struct fl_str at)
{
	return fl_log(&p->log, offset, fault, at);
}

/* The same in other words, which are the dialect's; @message NULL: in the fault's own. */
static inline int fl_fault_as(struct fl_parse *p, long offset, enum fl_probe_fault fault,
			      struct fl_str at, const char *message)
{
	int r = fl_fault(p, offset, fault, at);

	if (message && p->log.n)
		p->log.entries[p->log.n - 1].message = message;
	return r;
}

/* A number that cannot be read is an entry in the log; the errno says how it cannot. */
static inline int fl_number_fault(struct fl_parse *p, long offset, enum fl_probe_fault fault,
				  struct fl_str at, int err)
{
	fl_fault(p, offset, fault, at);
	return err;
}

static inline struct fl_fetch_insn *fl_insn(struct fl_parse *p)
{
	return &p->code[p->pc];
}

/* names.c */
/*
 * GROUP/EVENT, GROUP.EVENT, EVENT or GROUP/: sets what is there and leaves the rest as it is. An
 * event that is not named becomes empty.
 */
int fl_parse_event_name(struct fl_parse *p, struct fl_str text, long offset, struct fl_str *group,
			struct fl_str *event);
/* The default name that @fmt makes, cut to the kernel's length and made an identifier. */
int fl_default_event(struct fl_parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* LETTER_SYMBOL_OFFSET, so. */
int fl_default_probe_event(struct fl_parse *p, char letter, struct fl_str symbol, uint64_t offset);
/* The same, cut but not made an identifier: what the kernel does for user probes. */
int fl_default_event_raw(struct fl_parse *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* proto.c */
/* Looks the function up: -EINVAL without one, -ENOENT without BTF. */
int fl_query_proto(struct fl_parse *p);
bool fl_proto_param(const struct fl_parse *p, uint32_t i, struct fl_param *ret);
/* The entry data word that keeps parameter @arg for the return: its byte offset, or -ENOMEM. */
int fl_keep_entry_arg(struct fl_parse *p, uint32_t arg);

/* meta.c */
/* $arg* and $argN by name; @words loses its first two and gets what they stand for. */
int fl_expand_meta_args(struct fl_parse *p, struct fl_words *args);
/* NAME:%pd and %pD as chains of dereferences. */
int fl_expand_dentry_args(struct fl_parse *p, struct fl_words *args);

/* field.c */
/* PATH behind "->" or a cast, on a value of type @type; adds one dereference an arrow. */
int fl_parse_fields(struct fl_parse *p, struct fl_str path, struct fl_type type);
/* FIELD{.FIELD}: its offset in bits from @type, which becomes the last field's; @rest is what
 * stands behind an arrow, with a NULL pointer where there is none. */
int fl_parse_dotted(struct fl_parse *p, struct fl_str path, struct fl_type *type, struct fl_str *rest,
		    int64_t *ret_bits);
/* Cuts @text at the first "." or "->": 1 for an arrow, 0 for a dot or nothing, or -EINVAL. */
int fl_split_field(struct fl_parse *p, struct fl_str text, struct fl_str *head, struct fl_str *rest);

/* expr.c */
int fl_parse_expr(struct fl_parse *p, struct fl_str text);
int fl_next_insn(struct fl_parse *p, struct fl_str at);

/* cast.c */
int fl_parse_cast(struct fl_parse *p, struct fl_str text);
int fl_parse_btf_arg(struct fl_parse *p, struct fl_str text);
/* Length of "this_cpu_ptr(" or "this_cpu_read(" at the start of @text, 0: neither. */
size_t fl_this_cpu_prefix(struct fl_str text);

/* arg.c */
int fl_parse_args(struct fl_parse *p, const struct fl_words *args);

/* kprobe.c, fprobe.c, eprobe.c, uprobe.c, synth.c: -ECANCELED where the definition is none of that kind. */
int fl_check_kprobe(struct fl_parse *p);
int fl_check_fprobe(struct fl_parse *p);
int fl_check_eprobe(struct fl_parse *p);
int fl_check_uprobe(struct fl_parse *p);
/* The same of user code by name, in a trace alone. */
int fl_check_named_user(struct fl_parse *p);
/* The prototype of a named function, and a parameter of it by its number; the struct that a cast names. */
int fl_query_user_proto(struct fl_parse *p);
int fl_load_user_param(struct fl_parse *p, struct fl_str name, uint32_t i);
struct fl_type fl_find_user_struct(struct fl_parse *p, struct fl_str name);
/* $argN of a marked place. */
int fl_parse_marked_arg(struct fl_parse *p, struct fl_str text, uint64_t n);
int fl_check_synth(struct fl_parse *p);
/* The same without "s:", as synthetic_events has it. */
int fl_check_plain_synth(struct fl_parse *p);

/* symbol.c */
/* Gives each IMM behind a NOP_SYMBOL its address: -ENOENT, -EINVAL, -ERANGE. */
int fl_resolve_symbols(struct fl_parse *p, struct fl_probe_arg *arg);
/* Splits SYM[+|-OFFSET]; without a sign the offset is 0. */
int fl_split_symbol(struct fl_str text, struct fl_str *symbol, int64_t *offset);

#endif
