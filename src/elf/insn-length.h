/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long an instruction is, and so where the next one begins: all that is asked of a disassembler
 * before a breakpoint is put into somebody's program.
 */
#ifndef ELF_INSN_LENGTH_H
#define ELF_INSN_LENGTH_H

#include <stddef.h>
#include <stdint.h>

#include "elf/image.h"

/* Bytes of the x86-64 instruction at @code, of which @n are there; 0: none that is known. */
size_t fl_x86_insn_length(const uint8_t *code, size_t n);

/*
 * 1: an instruction begins at that offset of the file; 0: it does not; -ENOENT: nothing says where a
 * function begins that has it, or what stands between is not code that is known.
 */
int fl_elf_insn_boundary(struct fl_elf_image *i, uint64_t offset);

#endif
