/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image's debug information, opened by libdw. */
#ifndef ELF_DEBUGINFO_H
#define ELF_DEBUGINFO_H

#include <elfutils/libdw.h>

#include "elf/image.h"

struct fl_elf_dwarf {
	Elf *elf, *alt_elf;
	Dwarf *dwarf, *alt;
	struct fl_elf_image alt_image; /* what debug files of one package share (dwz) */
};

/*
 * Reads @i's bytes as long as it is open, and may write to our copy of them: compressed sections are unpacked.
 * -ENODATA without debug information.
 */
int fl_elf_dwarf_open(const struct fl_elf_image *i, struct fl_elf_dwarf *ret);
void fl_elf_dwarf_close(struct fl_elf_dwarf *d);

#endif
