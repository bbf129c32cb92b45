/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source behind an address: functions, inlined ones among them, files and lines, by DWARF.
 * Units and functions are indexed when they are first asked for.
 */
#ifndef ELF_LINES_H
#define ELF_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "elf/image.h"

struct fl_elf_lines;

/* What the debug information has of one frame. NULL and 0 where it has nothing. */
struct fl_elf_line {
	const char *linkage_name, *name; /* the first where there is one, as it is mangled */
	const char *file;
	uint32_t line, discriminator;
};

/* The image must outlive it. -ENOENT: it has no debug information. */
int fl_elf_lines_open(const struct fl_elf_image *i, struct fl_elf_lines **ret);
void fl_elf_lines_close(struct fl_elf_lines *l); /* NULL is allowed */

/*
 * The frames at @address, innermost first: the last one is the function itself, those before it were
 * inlined. Returns how many, at most @max; 0: nothing is known.
 */
size_t fl_elf_lines_at(struct fl_elf_lines *l, uint64_t address, struct fl_elf_line *v, size_t max);

#endif
