/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be probed, by shell glob, each with its types: functions, tracepoints, and the structs,
 * unions, enums and typedefs that casts and paths name. One row is one line for people, or one
 * object for programs.
 */
#ifndef PROBE_TARGET_LIST_H
#define PROBE_TARGET_LIST_H

#include "base/buf.h"
#include "probe/target/target.h"

enum fl_list_kind {
	FL_LIST_FUNCTIONS,
	FL_LIST_TRACEPOINTS,
	FL_LIST_TYPES,
	_FL_LIST_MAX,
};

/* "functions", "tracepoints", "types"; -EINVAL for others. */
int fl_list_kind_parse(struct fl_str name, enum fl_list_kind *ret);
const char *fl_list_kind_name(enum fl_list_kind kind);

/* Gets the rows' text, some at a time; a non-zero result ends the listing and is returned. */
typedef int (*fl_list_fn)(void *ctx, struct fl_buf *rows);

/**
 * fl_list() - list what matches
 * @glob: of function and type names; of "SYSTEM/EVENT", or without "/" of the event's name
 * @json: one object a line
 * @ret_count: how many rows there were
 *
 * Functions are those with types, and those that only the symbol table knows, in the order of their
 * names. Return: 0, -ENOENT where the target has nothing to list from (no BTF, no tracefs), or what
 * @fn returned.
 */
int fl_list(struct fl_target *t, enum fl_list_kind kind, struct fl_str glob, bool json,
	    fl_list_fn fn, void *ctx, size_t *ret_count);

/**
 * fl_list_symbols() - list the places of a program that user probes can name
 * @path: the file, as fl_target_user_file() gave it
 * @glob: of functions, mangled or as they were written; "sdt:PROVIDER:NAME" of marked places
 *
 * Return: 0, the errno of opening the file (-EINVAL: it is no program of this machine), or what @fn returned.
 */
int fl_list_symbols(struct fl_target *t, struct fl_str path, struct fl_str glob, bool json, fl_list_fn fn, void *ctx,
		    size_t *ret_count);

#endif
