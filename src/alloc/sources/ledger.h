/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what a program counted (alloc/tags/ledger.h): while it runs, after it ended, or after it
 * crashed. The content is a stranger's: it may be anything, and may change while it is read.
 */
#ifndef ALLOC_SOURCES_LEDGER_H
#define ALLOC_SOURCES_LEDGER_H

#include <sys/types.h>

#include "alloc/records/record.h"
#include "alloc/sources/callers.h"
#include "alloc/tags/ledger.h"

/* What there is of one process. */
struct fl_ledger_entry {
	uint64_t at, start;
	int32_t pid, parent;
	uint32_t state, flags;
	uint32_t nr_sites; /* 0: it has been given back */
	uint64_t refused;
	char exe[512], comm[16];
};

/* A new one, for a program that is to be run: a descriptor; @ret_token proves that it is this one. */
int fl_ledger_make(uint64_t *ret_token);

/*
 * The one in which @pid counts, found among its descriptors or its mappings: a descriptor. -ESRCH:
 * there is no such process. -ENOENT: it counts nothing that others can read. -EACCES: it is another
 * user's, or has closed its descriptor, so that only root finds it.
 */
int fl_ledger_find(pid_t pid);

/* All processes in it, the newest first; malloc()ed. -EPROTO: it is no ledger that we understand. */
int fl_ledger_list(int fd, struct fl_ledger_entry **ret, size_t *ret_n);
/* The entry of @pid as its own pid namespace names it, and as it is now. -ENOENT. */
int fl_ledger_entry_of(int fd, pid_t pid, struct fl_ledger_entry *ret);

/*
 * Adds the sites of one process to @set, with names by @names. What is damaged is left out, and
 * counted in *@ret_damaged. -EPROTO, -ENOMEM; -EOVERFLOW where it claims to be larger than memory
 * should be spent on.
 */
int fl_ledger_read(int fd, const struct fl_ledger_entry *e, struct fl_callers *names,
		   struct fl_alloc_set *set, size_t *ret_damaged);

/* The memory of a process that is gone is given back: nothing can be read of it any more. */
void fl_ledger_forget(int fd, const struct fl_ledger_entry *e);

#endif
