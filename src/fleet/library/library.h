/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that only few runs need, and that bring dozens of others along: loading them at each start would
 * cost more than everything else that a short trace does. They are opened when they are first needed.
 *
 * The declarations are those of the library's own header: a row takes its function's type from there.
 */
#ifndef FLEET_LIBRARY_LIBRARY_H
#define FLEET_LIBRARY_LIBRARY_H

#include "base/buf.h"

struct fl_library_symbol {
	const char *name;
	void **to;
};

/**
 * fl_library_open() - once a process; it stays
 * @names: of the file, the best first; NULL-terminated
 * @symbols: what is wanted of it, ended by a name of NULL; filled where all of them are there
 * @why: told what is missing
 *
 * Return: 0 or -ENOENT.
 */
int fl_library_open(const char *const *names, const struct fl_library_symbol *symbols, struct fl_buf *why);

#endif
