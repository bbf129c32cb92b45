/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of processes by their addresses: by the symbols and DWARF of the file that is mapped there
 * (elf/names.h), which is found in the process's own mount namespace and must be the one it has mapped; in
 * memory of no file by /tmp/perf-PID.map, which just-in-time compilers write.
 */
#ifndef PROBE_USERNAMES_USERNAMES_H
#define PROBE_USERNAMES_USERNAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mapping.h"

struct fl_usernames;

struct fl_usernames *fl_usernames_new(void); /* NULL: no memory */
void fl_usernames_free(struct fl_usernames *n);

/*
 * Appends "main+0x12"; @names is struct fl_usernames. @tid is a thread that lives, @is_call: @addr is where
 * a call will return to, which is behind it. False, and nothing appended, where no name is known.
 */
bool fl_usernames_text(void *names, uint32_t tid, const struct fl_mapping *m, uint64_t addr, bool is_call,
		       struct fl_buf *out);

/* Appends the build-id of the file that is mapped there; false where it has none, or cannot be had. */
bool fl_usernames_build_id(void *names, uint32_t tid, const struct fl_mapping *m, struct fl_buf *out);

/* The mapping of a thread at a time, though it lives no more: see execmaps.h. */
bool fl_usernames_mapping(void *names, uint32_t tid, uint64_t time, uint64_t addr, struct fl_mapping *ret);

/* To be called now and then: what the kernel tells of mappings is taken over. */
void fl_usernames_idle(struct fl_usernames *n);

#endif
