/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checked probe event: what the language makes of one definition and everything behind it reads.
 *
 * The event owns all its text and memory (one arena): it outlives the definition that it came from
 * and the target that it was checked against, save for BTF type references, which are the target's.
 * Not changed after checking; may be read by several threads.
 */
#ifndef PROBE_EVENT_EVENT_H
#define PROBE_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/fetch/fetch.h"
#include "btf/btf.h"

/* Which of the kernel's event families a definition belongs to. */
enum fl_probe_kind {
	FL_PROBE_KPROBE, /* p, r */
	FL_PROBE_FPROBE, /* f */
	FL_PROBE_TPROBE, /* t */
	FL_PROBE_EPROBE, /* e */
	FL_PROBE_UPROBE, /* p, r on PATH:OFFSET */
	FL_PROBE_SAMPLE, /* no definition's: the CPU clock, so many times a second */
	FL_PROBE_SYNTH,	 /* s: what actions of histograms make */
	_FL_PROBE_KIND_MAX,
};

enum fl_print {
	FL_PRINT_UNSIGNED, /* %u */
	FL_PRINT_SIGNED,   /* %d */
	FL_PRINT_HEX,	   /* 0x%x */
	FL_PRINT_CHAR,	   /* '%c' */
	FL_PRINT_SYMBOL,   /* symbol+0x5/0x40 */
	FL_PRINT_STRING,   /* "..." or (fault) */
};

enum {
	FL_TYPE_STRING = 1u << 0, /* the record holds a data location */
	FL_TYPE_USER = 1u << 1,	  /* string in user memory */
	FL_TYPE_SYMSTR = 1u << 2, /* symbol name as string */
	FL_TYPE_KERNEL = 1u << 3, /* unknown to user probes */
	FL_TYPE_PATH = 1u << 4,	  /* ours: the whole path of a struct file, path or dentry */
	FL_TYPE_GROUP = 1u << 8,  /* ours: with SYMSTR: the container whose control group has this id */
	/* of the fields of synthetic events */
	FL_TYPE_FIXED = 1u << 5,  /* string of a fixed size, which the record itself holds */
	FL_TYPE_STACK = 1u << 6,  /* frames; the record holds a data location */
	FL_TYPE_GFP = 1u << 7,	  /* allocation flags, whose names are shown behind the number */
};

/* One row of types.def. */
struct fl_fetch_type {
	const char *name;
	uint8_t size; /* of one element in the record */
	bool is_signed;
	enum fl_print print;
	unsigned int flags;
};

extern const struct fl_fetch_type fl_fetch_types[];
extern const size_t fl_nr_fetch_types;

/**
 * struct fl_probe_arg - one argument, or one field of a synthetic event, which has no program: its
 *	type is a row of synth-types.def, and @body its type as it is listed
 * @name: its name, given or made ("arg1")
 * @body: text behind "=", after $arg and %pd replacement, type suffix included (what listings show)
 * @type_text: the type as written (without array), NULL where none was
 * @type: element type, the default included
 * @count: number of array elements, 0: no array
 * @bit_width, @bit_offset: "bW@O/C" as written; @bit_width 0: no explicit bit-field
 * @written: @btf with its typedefs, where @btf is known
 * @btf: type of the value that BTF knew last, before "string" added a dereference
 * @program: what it does; of a type with FL_TYPE_PATH the store's address is that of the struct, whose
 *	type @btf is (or the pointer to it)
 * @offset: of the value in the record's data (kernel layout: arguments packed in order)
 * @size: bytes in the record, all elements
 * @span: the whole argument in the definition
 */
struct fl_probe_arg {
	struct fl_str name;
	struct fl_str body;
	struct fl_str type_text;
	const struct fl_fetch_type *type;
	uint32_t count;
	uint8_t bit_width, bit_offset;
	struct fl_type btf;
	struct fl_type written;
	struct fl_fetch_program program;
	uint32_t offset;
	uint32_t size;
	struct fl_span span;
};

/**
 * struct fl_probe_place - where the event fires
 * @symbol: function (p, r, f: without module and offset) or tracepoint (t); f: may be a glob
 * @module: "MOD" of MOD:SYM, empty where none is given
 * @offset: byte offset to @symbol, or to the file's start (user probes)
 * @frequency: of a sample, times a second
 * @address, @has_address: a bare address instead of a symbol (p only)
 * @is_glob: @symbol has wildcards (f)
 * @is_entry: the first instruction of a function (the parameters are readable)
 * @path: file of a user probe as given
 * @refctr, @has_refctr: file offset of a user probe's reference counter
 * @offsets, @names, @nr_offsets: user code by name: each place in the file, and the function there; 0 where
 *	@offset was given. @symbol is then the name, without @system
 * @system, @event: event that an e-probe is attached to
 */
struct fl_probe_place {
	struct fl_str symbol;
	struct fl_str module;
	uint64_t offset;
	uint64_t address;
	bool has_address;
	uint32_t frequency;
	bool is_glob;
	bool is_entry;
	struct fl_str path;
	uint64_t refctr;
	bool has_refctr;
	uint64_t *offsets;
	struct fl_str *names;
	size_t nr_offsets;
	bool is_fragile; /* a probe in that one place may do harm */
	struct fl_str left_out; /* of a glob: a line for each place where a probe would do harm */
	struct fl_str system;
	struct fl_str event;
	struct fl_span span;
};

/* What only a live kernel can know and was taken for granted. */
enum {
	FL_ASSUMED_INSN_BOUNDARY = 1u << 0, /* the offset is an instruction boundary */
	FL_ASSUMED_NOT_BLACKLISTED = 1u << 1,
	FL_ASSUMED_MODULE = 1u << 2, /* the module is not loaded here: deferred */
	FL_ASSUMED_TRACEPOINT = 1u << 3,
	FL_ASSUMED_FILE = 1u << 4, /* the file of a user probe was not looked at */
	FL_ASSUMED_SYMBOL = 1u << 5, /* the target has no symbol table to look in */
};

/* The kernel's limit. */
#define FL_MAX_PROBE_ARGS 128

/**
 * struct fl_probe_event - one checked definition
 * @is_return: r, %return, or a $retval in an f event
 * @deferred: accepted, but not placed: the kernel waits for a module that has the place
 * @maxactive: of a p/r kernel probe, 0: the default
 * @entry_args: for each EDATA word, the ARG number whose value at function entry it holds; NULL
 *	where there are none
 * @func: BTF FUNC_PROTO behind the place, where an argument needed it; for t its parameter 0 is
 *	the hidden one. FL_TYPE_NONE where there is none or none was needed
 * @filter: text behind "if"; empty: none
 * @assumed: FL_ASSUMED_ bits
 * @record_size: bytes of fixed-size argument data
 * @text: the definition as it was given (the event's copy); spans count in it
 * @serial: where it is in a list of events, in the order of their definition
 */
struct fl_probe_event {
	enum fl_probe_kind kind;
	bool is_return;
	bool deferred;
	struct fl_str group;
	struct fl_str event;
	struct fl_probe_place place;
	uint32_t maxactive;
	struct fl_probe_arg *args;
	size_t nr_args;
	uint32_t *entry_args;
	size_t nr_entry_args;
	struct fl_type func;
	struct fl_str filter;
	struct fl_span filter_span;
	unsigned int assumed;
	uint32_t record_size;
	struct fl_str text;
	uint64_t serial;
	struct fl_arena arena;
};

void fl_probe_event_free(struct fl_probe_event *e);

/* "kprobe", "fprobe", "tprobe", "eprobe", "uprobe", "synth". */
const char *fl_probe_kind_name(enum fl_probe_kind kind);

#endif
