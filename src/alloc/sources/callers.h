/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains of callers as people read them: functions, files and lines for addresses in modules, and
 * which of a chain asked for the memory rather than handed the question on.
 */
#ifndef ALLOC_SOURCES_CALLERS_H
#define ALLOC_SOURCES_CALLERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "alloc/records/record.h"

struct fl_callers;

struct fl_callers_opts {
	pid_t pid; /* whose files they are; 0: files as they lie there */
	const char *skip; /* globs between commas: wrappers; NULL: the usual ones, "": none */
};

/* The usual wrappers of malloc(), as globs between commas. */
extern const char fl_callers_wrappers[];

int fl_callers_open(const struct fl_callers_opts *opts, struct fl_callers **ret);
void fl_callers_close(struct fl_callers *c); /* NULL is allowed */

/* A place in a module: of a call, the last byte of it. */
struct fl_callers_place {
	struct fl_str module; /* path; n 0: not known, and the address is the process's own */
	struct fl_str build_id;
	uint64_t address;
};

/* A place whose address is an offset in the module's file: made an address as that file has it. */
void fl_callers_place_offset(struct fl_callers *c, struct fl_callers_place *place);

/*
 * Makes a chain of places (innermost first) the stack of @r, and who asked its function, file, line
 * and module. @more is the record's own; all else lives as long as @c, strings and build-ids are
 * copied. 0 or -ENOMEM.
 */
int fl_callers_name(struct fl_callers *c, const struct fl_callers_place *v, size_t n,
		    struct fl_alloc_more *more, struct fl_alloc_record *r);

/* The records of a dump that are callers ("+0x..." for a function): the same for them. */
int fl_callers_name_set(struct fl_callers *c, struct fl_alloc_set *set);

/* A file whose debug information could only be had from a server that this program cannot ask. */
bool fl_callers_would_ask(const struct fl_callers *c);

#endif
