/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a file's debug information is when it is not in the file: by its build-id beneath
 * /usr/lib/debug, by its .gnu_debuglink in the places where gdb looks, or from debuginfod's servers,
 * which are asked only where DEBUGINFOD_URLS names some (and never by a static program, which says
 * so once).
 */
#ifndef ELF_DEBUGFILE_H
#define ELF_DEBUGFILE_H

#include "elf/image.h"

/* -ENOENT: there is none that fits. @path is the file's own. */
int fl_elf_debugfile_open(const struct fl_elf_image *i, const char *path, struct fl_elf_image *ret);

/* Whether servers would be asked, and whether this program can. */
bool fl_elf_debuginfod_wanted(void);
bool fl_elf_debuginfod_possible(void);

#endif
