/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An eBPF program under construction: instructions appended one by one, forward jumps by label.
 *
 * Appending never fails in the caller's face: a failed allocation, a jump out of reach or a label
 * that was never placed is remembered, and fl_insns_finish() tells. Zero-initialise to start.
 */
#ifndef BPF_INSN_H
#define BPF_INSN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define BPF_REG_FP BPF_REG_10 /* the frame pointer, by the name that everybody knows */

struct fl_insns_fix {
	uint32_t insn;
	uint32_t label;
};

struct fl_insns {
	struct bpf_insn *v;
	size_t n, cap;
	int32_t *labels; /* instruction index of each label, -1: not placed yet */
	size_t nr_labels, labels_cap;
	struct fl_insns_fix *fixes;
	size_t nr_fixes, fixes_cap;
	int error;
};

void fl_insns_fini(struct fl_insns *p);
#define _cleanup_insns_ _cleanup_(fl_insns_fini)

void fl_emit(struct fl_insns *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm);

/* Registers and constants. @size is 1, 2, 4 or 8 bytes everywhere. */
void fl_emit_mov(struct fl_insns *p, uint8_t dst, uint8_t src);
void fl_emit_mov32(struct fl_insns *p, uint8_t dst, uint8_t src); /* upper half cleared */
void fl_emit_movi(struct fl_insns *p, uint8_t dst, int32_t imm);
void fl_emit_imm64(struct fl_insns *p, uint8_t dst, uint64_t imm); /* shortest form */
void fl_emit_map_fd(struct fl_insns *p, uint8_t dst, int fd);
void fl_emit_map_value(struct fl_insns *p, uint8_t dst, int fd, uint32_t off);
void fl_emit_alu(struct fl_insns *p, uint8_t op, uint8_t dst, uint8_t src);   /* BPF_ADD.. */
void fl_emit_alui(struct fl_insns *p, uint8_t op, uint8_t dst, int32_t imm);
/* dst += imm for any 64-bit number; @tmp is clobbered where it does not fit. */
void fl_emit_addi64(struct fl_insns *p, uint8_t dst, int64_t imm, uint8_t tmp);

/* Memory. */
void fl_emit_load(struct fl_insns *p, unsigned int size, uint8_t dst, uint8_t src, int16_t off);
void fl_emit_store(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, uint8_t src);
void fl_emit_storei(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, int32_t imm);
void fl_emit_atomic_add(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, uint8_t src);
/* @src and memory change places (Linux 5.12); @size is 4 or 8. */
void fl_emit_atomic_xchg(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, uint8_t src);

/* Sign or zero extension of the low @size bytes, in place. */
void fl_emit_extend(struct fl_insns *p, uint8_t reg, unsigned int size, bool is_signed);

void fl_emit_call(struct fl_insns *p, int32_t helper);
void fl_emit_kfunc(struct fl_insns *p, int32_t btf_id);
void fl_emit_exit(struct fl_insns *p);

/*
 * A place of the program's stack, @slot bytes from its frame pointer, and a map's entry whose key (and
 * value) lie in such places. r1 to r4 are used.
 */
void fl_emit_slot(struct fl_insns *p, uint8_t dst, int slot);
void fl_emit_map_lookup(struct fl_insns *p, int map, int key);
void fl_emit_map_update(struct fl_insns *p, int map, int key, int value, int flags);
void fl_emit_map_delete(struct fl_insns *p, int map, int key);

/* Jumps: @op is BPF_JEQ, BPF_JSGT, ... */
uint32_t fl_label_new(struct fl_insns *p);
void fl_label_place(struct fl_insns *p, uint32_t label);
/* Whether a jump goes there: the kernel refuses code that nothing reaches. */
bool fl_label_used(const struct fl_insns *p, uint32_t label);
void fl_emit_jmp(struct fl_insns *p, uint32_t label);
void fl_emit_jmpi(struct fl_insns *p, uint8_t op, uint8_t dst, int32_t imm, uint32_t label);
void fl_emit_jmpr(struct fl_insns *p, uint8_t op, uint8_t dst, uint8_t src, uint32_t label);

/* Resolves the jumps. 0, -ENOMEM, -ERANGE (jump too far) or -EINVAL (label not placed). */
int fl_insns_finish(struct fl_insns *p);

#endif
