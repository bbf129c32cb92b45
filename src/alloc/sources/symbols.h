/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for callers' addresses. libforeland-alloc gives a caller as file, offset in it (as the line)
 * and "+0x..." for a function; the file's symbol table turns that into "function+0x..".
 */
#ifndef ALLOC_SOURCES_SYMBOLS_H
#define ALLOC_SOURCES_SYMBOLS_H

#include <sys/types.h>

#include "alloc/records/record.h"

/* Names of this length may have been cut by the interface. */
#define FL_ALLOC_NAME_CUT 63

/*
 * Rewrites the records of @set that are callers: function becomes a name where the file has one,
 * module the file's base name, and the file is no longer known (it is no source file). With @pid,
 * names of files that were cut to 63 characters are completed from the process's mappings; 0: none.
 * 0 or -ENOMEM.
 */
int fl_alloc_symbolise(struct fl_alloc_set *set, pid_t pid);

#endif
