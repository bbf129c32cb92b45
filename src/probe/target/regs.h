/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Architectures: the registers that a probe can name, where struct pt_regs keeps them, and which of
 * them hold arguments and results. The rows are in regs.def.
 */
#ifndef PROBE_TARGET_REGS_H
#define PROBE_TARGET_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct fl_reg {
	const char *name; /* without "%" */
	uint16_t offset;  /* in struct pt_regs, bytes; each is 8 bytes wide */
};

struct fl_arch {
	const char *name;     /* "x86_64", "arm64": as uname(2) and --arch say it */
	uint16_t elf_machine; /* EM_X86_64, EM_AARCH64 */
	const struct fl_reg *regs;
	size_t nr_regs;
	const uint16_t *args; /* offsets of the argument registers, in order */
	size_t nr_args;
	uint16_t ret, sp, ip; /* offsets of the return value, the stack and the instruction pointer */
	bool has_return_word; /* the return address is on the stack, below the arguments there */
	uint16_t flags;	      /* x86 flags, arm64 pstate */
	uint8_t irqs_bit;     /* of the flags: whether interrupts are ... */
	bool irqs_bit_is_off; /* ... off, or else on */
	uint16_t size;	      /* of struct pt_regs */
	uint32_t thread_size; /* of a kernel stack: $stackN and $argN go up to a eighth of it */
	bool char_is_signed;  /* in the kernel: false everywhere since 6.2 */
	const char *syscall_prefix; /* "__x64_sys_", "__arm64_sys_" */
};

/* "x86_64" and "x86-64" and "amd64", "arm64" and "aarch64"; NULL for others. */
const struct fl_arch *fl_arch_find(struct fl_str name);
/* That of the machine this program was built for; NULL where there is no table. */
const struct fl_arch *fl_arch_host(void);
/* Row @i of the architectures; NULL past the end. */
const struct fl_arch *fl_arch_get(size_t i);

/* NULL where there is no register of that name. */
const struct fl_reg *fl_arch_reg(const struct fl_arch *arch, struct fl_str name);
/* The register at that offset in struct pt_regs, by its first name. */
const struct fl_reg *fl_arch_reg_at(const struct fl_arch *arch, uint32_t offset);

#endif
