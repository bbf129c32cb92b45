/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User code by name: which file a library's name stands for, and where in a file a function, or a place
 * that its author marked (USDT), is. Names are those of the files' own symbol tables and of their debug
 * files'; mangled ones are known by what the programmer wrote, too.
 */
#ifndef PROBE_TARGET_USER_H
#define PROBE_TARGET_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "btf/btf.h"

struct fl_target;

/* One place in a file, by its offset. */
struct fl_user_place {
	uint64_t offset;
	uint64_t refctr;    /* offset of the counter that switches a marked place on; 0: none */
	struct fl_str name; /* the symbol's */
	struct fl_str plain; /* what the programmer wrote, where that is another name; n is 0 elsewhere */
	struct fl_str args; /* of a marked place: where it has its arguments, as its note says */
	bool is_chosen;	    /* of a glob: there the loader asks which code it is to take (IFUNC), and it is none */
	bool is_fragile;    /* its instruction is one that uprobes have been seen to spoil (EVEX) */
};

/* In the order of their offsets, each once. */
struct fl_user_places {
	struct fl_user_place *v;
	size_t n;
	bool is_glob;
	struct fl_arena arena; /* owns all of it */
};

void fl_user_places_fini(struct fl_user_places *p);
#define _cleanup_places_ __attribute__((cleanup(fl_user_places_fini)))

/**
 * fl_target_user_file() - the file that a name stands for
 * @name: a path, "libc", "libc.so.6"; of a process also the program that it runs, without its folder
 * @ret: its path; on -ENOTUNIQ the names that it can be, a line each
 *
 * Return: 0, -ENOENT, -ENOTUNIQ.
 */
int fl_target_user_file(struct fl_target *t, struct fl_str name, struct fl_buf *ret);

/**
 * fl_target_user_places() - where a name is in a file
 * @path: as fl_target_user_file() gave it
 * @name: "FUNCTION", a shell glob, or "sdt:PROVIDER:NAME"
 *
 * Return: 0; -ENOENT without one; -EOPNOTSUPP where all are chosen by the loader (IFUNC), so that the
 * address is not of code that does the work; the errno of opening the file.
 */
int fl_target_user_places(struct fl_target *t, struct fl_str path, struct fl_str name,
			  struct fl_user_places *ret);

/* How one gets at a parameter when its function begins. */
struct fl_user_param {
	enum { FL_USER_GONE, FL_USER_ARG, FL_USER_REG } place;
	uint32_t number; /* ARG: which of the ABI's words; REG: the register's offset in struct pt_regs */
};

#define FL_USER_PARAMS_MAX 32

/**
 * fl_target_user_func() - a function's type, of the file's BTF or debug information
 * @offset: where it begins in the file
 * @params: of each parameter, FL_USER_PARAMS_MAX at most
 * @ret: a FUNC, which lives as long as the target
 *
 * Return: 0; -ENOENT where no function is known there; -ENODATA where nothing is known of the file.
 */
int fl_target_user_func(struct fl_target *t, struct fl_str path, uint64_t offset, struct fl_str symbol,
			struct fl_user_param *params, struct fl_type *ret);

/* The struct (union, class, typedef) of that name in the file's types. The same errors. */
int fl_target_user_type(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_type *ret);

/* Whether a function of that name has been inlined in the file, by its debug information. */
bool fl_target_user_inlined(struct fl_target *t, struct fl_str path, struct fl_str name);

/*
 * Who knows all that: files are read by libraries that not everybody wants to link. Without one there is no user
 * code by name.
 */
struct fl_user_code {
	int (*places)(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_user_places *ret);
	void (*near)(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_buf *out);
	int (*func)(struct fl_target *t, struct fl_str path, uint64_t offset, struct fl_str symbol,
		    struct fl_user_param *params, struct fl_type *ret);
	int (*type)(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_type *ret);
	bool (*inlined)(struct fl_target *t, struct fl_str path, struct fl_str name);
};

extern const struct fl_user_code fl_user_code; /* probe/user */

void fl_target_use_code(struct fl_target *t, const struct fl_user_code *code);
bool fl_target_has_code(struct fl_target *t);

/* The function that somebody who wrote @name may have meant, appended; nothing where none is near. */
void fl_target_near_function(struct fl_target *t, struct fl_str path, struct fl_str name, struct fl_buf *out);

/* Whether @name is a glob. */
bool fl_is_glob(struct fl_str name);

#endif
