/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks, the whole of each in its record.
 *
 * The kernel offers two ways. bpf_get_stackid() keeps each stack once in a map and gives its number:
 * the record is smaller, but the map has as many buckets as were asked for, two stacks that hash
 * alike take one from each other, and a number that was reused names the wrong stack without a word.
 * bpf_get_stack() copies the frames. Both walk the stack, which is nearly all of the cost (some 1.4
 * microseconds); the copy is a few words more. So frames are copied: what a record shows is what was
 * there, there is nothing that can collide, and a stack that the kernel could not walk is told by
 * its error number, which stands in the record and is counted.
 *
 * A histogram keyed by stacks does the same with its key: the key is the frames themselves.
 */
#include "probe/gen/private.h"

/*
 * A probe on registers walks its stack from these. A trampoline's walk starts in the program, then
 * comes the trampoline; neither is a symbol, and what kallsyms has below their addresses says
 * nothing. The program of a raw tracepoint is followed by functions that are known by name.
 */
uint8_t fl_gen_own_frames(enum fl_hook hook)
{
	switch (fl_hooks[hook].ctx) {
	case FL_CTX_TRAMPOLINE:
		return 2;
	case FL_CTX_ARGS:
		return 1;
	default:
		return 0;
	}
}

void fl_gen_stack(struct fl_gen *g, enum fl_stack_kind kind, uint32_t frames, uint8_t skip)
{
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_1, GEN_CTX);
	fl_emit_movi(p, BPF_REG_3, (int32_t)frames * 8);
	fl_emit_movi(p, BPF_REG_4, (kind == FL_STACK_USER ? BPF_F_USER_STACK : 0) | skip);
	fl_emit_call(p, BPF_FUNC_get_stack);
}

static void one_stack(struct fl_gen *g, enum fl_stack_kind kind)
{
	int16_t at = (int16_t)(g->l->stacks_offset + kind * sizeof(struct fl_stackloc));
	uint32_t none = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_2, GEN_REC);
	fl_emit_alu(p, BPF_ADD, BPF_REG_2, GEN_CURSOR);
	fl_gen_stack(g, kind, FL_STACK_FRAMES, 0);
	fl_emit_store(p, 2, GEN_REC, (int16_t)(at + offsetof(struct fl_stackloc, off)), GEN_CURSOR);
	fl_emit_store(p, 2, GEN_REC, (int16_t)(at + offsetof(struct fl_stackloc, len)), BPF_REG_0);
	fl_emit_jmpi(p, BPF_JSLE, BPF_REG_0, 0, none);
	fl_emit_jmpi(p, BPF_JGT, BPF_REG_0, FL_STACK_FRAMES * 8, none);
	fl_emit_alu(p, BPF_ADD, GEN_CURSOR, BPF_REG_0);
	fl_label_place(p, none);
}

void fl_gen_stacks(struct fl_gen *g)
{
	for (unsigned int kind = 0; kind < _FL_STACK_MAX; kind++)
		if (g->l->stacks >> kind & 1)
			one_stack(g, (enum fl_stack_kind)kind);
}
