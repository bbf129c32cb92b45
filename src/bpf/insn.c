/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf/insn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void fl_insns_fini(struct fl_insns *p)
{
	free(p->v);
	free(p->labels);
	free(p->fixes);
	*p = (struct fl_insns){};
}

/* Room for one more element of @size bytes. */
static bool grow(struct fl_insns *p, void **v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 64;
	void *bigger;

	if (p->error)
		return false;
	if (n < *cap)
		return true;
	bigger = reallocarray(*v, want, size);
	if (!bigger) {
		p->error = -ENOMEM;
		return false;
	}
	*v = bigger;
	*cap = want;
	return true;
}

void fl_emit(struct fl_insns *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	if (!grow(p, (void **)&p->v, p->n, &p->cap, sizeof(*p->v)))
		return;
	p->v[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off, .imm = imm,
	};
}

void fl_emit_mov(struct fl_insns *p, uint8_t dst, uint8_t src)
{
	fl_emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void fl_emit_mov32(struct fl_insns *p, uint8_t dst, uint8_t src)
{
	fl_emit(p, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void fl_emit_movi(struct fl_insns *p, uint8_t dst, int32_t imm)
{
	fl_emit(p, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void ld_imm64(struct fl_insns *p, uint8_t dst, uint8_t src, uint32_t low, uint32_t high)
{
	fl_emit(p, BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, (int32_t)low);
	fl_emit(p, 0, 0, 0, 0, (int32_t)high);
}

void fl_emit_imm64(struct fl_insns *p, uint8_t dst, uint64_t imm)
{
	if ((int64_t)imm == (int32_t)imm)
		fl_emit_movi(p, dst, (int32_t)imm);
	else
		ld_imm64(p, dst, 0, (uint32_t)imm, (uint32_t)(imm >> 32));
}

void fl_emit_map_fd(struct fl_insns *p, uint8_t dst, int fd)
{
	ld_imm64(p, dst, BPF_PSEUDO_MAP_FD, (uint32_t)fd, 0);
}

void fl_emit_map_value(struct fl_insns *p, uint8_t dst, int fd, uint32_t off)
{
	ld_imm64(p, dst, BPF_PSEUDO_MAP_VALUE, (uint32_t)fd, off);
}

void fl_emit_alu(struct fl_insns *p, uint8_t op, uint8_t dst, uint8_t src)
{
	fl_emit(p, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

void fl_emit_alui(struct fl_insns *p, uint8_t op, uint8_t dst, int32_t imm)
{
	fl_emit(p, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void fl_emit_addi64(struct fl_insns *p, uint8_t dst, int64_t imm, uint8_t tmp)
{
	if (imm == 0)
		return;
	if (imm == (int32_t)imm) {
		fl_emit_alui(p, BPF_ADD, dst, (int32_t)imm);
		return;
	}
	fl_emit_imm64(p, tmp, (uint64_t)imm);
	fl_emit_alu(p, BPF_ADD, dst, tmp);
}

static uint8_t size_code(struct fl_insns *p, unsigned int size)
{
	switch (size) {
	case 1:
		return BPF_B;
	case 2:
		return BPF_H;
	case 4:
		return BPF_W;
	case 8:
		return BPF_DW;
	}
	if (!p->error)
		p->error = -EINVAL;
	return BPF_DW;
}

void fl_emit_load(struct fl_insns *p, unsigned int size, uint8_t dst, uint8_t src, int16_t off)
{
	fl_emit(p, BPF_LDX | BPF_MEM | size_code(p, size), dst, src, off, 0);
}

void fl_emit_store(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, uint8_t src)
{
	fl_emit(p, BPF_STX | BPF_MEM | size_code(p, size), dst, src, off, 0);
}

void fl_emit_storei(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, int32_t imm)
{
	fl_emit(p, BPF_ST | BPF_MEM | size_code(p, size), dst, 0, off, imm);
}

void fl_emit_atomic_add(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, uint8_t src)
{
	fl_emit(p, BPF_STX | BPF_ATOMIC | size_code(p, size), dst, src, off, BPF_ADD);
}

void fl_emit_atomic_xchg(struct fl_insns *p, unsigned int size, uint8_t dst, int16_t off, uint8_t src)
{
	fl_emit(p, BPF_STX | BPF_ATOMIC | size_code(p, size), dst, src, off, BPF_XCHG);
}

void fl_emit_extend(struct fl_insns *p, uint8_t reg, unsigned int size, bool is_signed)
{
	int32_t bits = 64 - 8 * (int32_t)size;

	if (bits == 0)
		return;
	fl_emit_alui(p, BPF_LSH, reg, bits);
	fl_emit_alui(p, is_signed ? BPF_ARSH : BPF_RSH, reg, bits);
}

void fl_emit_call(struct fl_insns *p, int32_t helper)
{
	fl_emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void fl_emit_kfunc(struct fl_insns *p, int32_t btf_id)
{
	fl_emit(p, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, btf_id);
}

void fl_emit_exit(struct fl_insns *p)
{
	fl_emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

uint32_t fl_label_new(struct fl_insns *p)
{
	if (!grow(p, (void **)&p->labels, p->nr_labels, &p->labels_cap, sizeof(*p->labels)))
		return 0;
	p->labels[p->nr_labels] = -1;
	return (uint32_t)p->nr_labels++;
}

void fl_label_place(struct fl_insns *p, uint32_t label)
{
	if (!p->error)
		p->labels[label] = (int32_t)p->n;
}

bool fl_label_used(const struct fl_insns *p, uint32_t label)
{
	for (size_t i = 0; i < p->nr_fixes; i++)
		if (p->fixes[i].label == label)
			return true;
	return false;
}

static void jump(struct fl_insns *p, uint8_t code, uint8_t dst, uint8_t src, int32_t imm,
		 uint32_t label)
{
	if (!grow(p, (void **)&p->fixes, p->nr_fixes, &p->fixes_cap, sizeof(*p->fixes)))
		return;
	p->fixes[p->nr_fixes++] = (struct fl_insns_fix){ (uint32_t)p->n, label };
	fl_emit(p, code, dst, src, 0, imm);
}

void fl_emit_jmp(struct fl_insns *p, uint32_t label)
{
	jump(p, BPF_JMP | BPF_JA, 0, 0, 0, label);
}

void fl_emit_jmpi(struct fl_insns *p, uint8_t op, uint8_t dst, int32_t imm, uint32_t label)
{
	jump(p, BPF_JMP | op | BPF_K, dst, 0, imm, label);
}

void fl_emit_jmpr(struct fl_insns *p, uint8_t op, uint8_t dst, uint8_t src, uint32_t label)
{
	jump(p, BPF_JMP | op | BPF_X, dst, src, 0, label);
}

int fl_insns_finish(struct fl_insns *p)
{
	for (size_t i = 0; i < p->nr_fixes && !p->error; i++) {
		struct fl_insns_fix fix = p->fixes[i];
		int64_t distance = (int64_t)p->labels[fix.label] - fix.insn - 1;

		if (p->labels[fix.label] < 0)
			p->error = -EINVAL;
		else if (distance != (int16_t)distance)
			p->error = -ERANGE;
		else
			p->v[fix.insn].off = (int16_t)distance;
	}
	p->nr_fixes = 0;
	return p->error;
}

void fl_emit_slot(struct fl_insns *p, uint8_t dst, int slot)
{
	fl_emit_mov(p, dst, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, dst, slot);
}

void fl_emit_map_lookup(struct fl_insns *p, int map, int key)
{
	fl_emit_map_fd(p, BPF_REG_1, map);
	fl_emit_slot(p, BPF_REG_2, key);
	fl_emit_call(p, BPF_FUNC_map_lookup_elem);
}

void fl_emit_map_update(struct fl_insns *p, int map, int key, int value, int flags)
{
	fl_emit_map_fd(p, BPF_REG_1, map);
	fl_emit_slot(p, BPF_REG_2, key);
	fl_emit_slot(p, BPF_REG_3, value);
	fl_emit_movi(p, BPF_REG_4, flags);
	fl_emit_call(p, BPF_FUNC_map_update_elem);
}

void fl_emit_map_delete(struct fl_insns *p, int map, int key)
{
	fl_emit_map_fd(p, BPF_REG_1, map);
	fl_emit_slot(p, BPF_REG_2, key);
	fl_emit_call(p, BPF_FUNC_map_delete_elem);
}
