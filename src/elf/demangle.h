/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names as programmers wrote them, of C++ and Rust. */
#ifndef ELF_DEMANGLE_H
#define ELF_DEMANGLE_H

/* malloc()ed; NULL where the name is none of those languages', or has no room in memory. */
char *fl_elf_demangle(const char *name);

#endif
