/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages that are not there. The reads of a program do not wait: where a page of the process has never
 * been touched, or was taken away, they fail, although the process itself would find its string there.
 * A program that may sleep can wait for the page (bpf_copy_from_user()).
 *
 * It does so before it makes its record: it follows each argument's dereferences and asks for the bytes
 * that will be read, a string's first byte and the next page's. What the record then holds is read as
 * ever, without waiting; the scratch memory in which it is made belongs to the CPU, and who sleeps with
 * it in hand finds the next one's record in it. For the same reason a piece of it is marked as taken
 * meanwhile: a program that may sleep may also be preempted, by a task that hits the probe on the same CPU
 * and then takes the next piece (FL_GEN_SCRATCHES).
 *
 * The kernel permits this for user probes. Functions and tracepoints may be where nobody can wait: there
 * a string that is not in memory is a fault, which at the function's return it often no longer is.
 */
#include "probe/gen/private.h"

#define PAGE 4096

/* @n bytes at GEN_VALUE + @offset into GEN_FP_TEMP, waiting; goes to @gone where there are none. */
static void copy(struct fl_gen *g, int32_t offset, int32_t n, uint32_t gone)
{
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_1, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, GEN_FP_TEMP);
	fl_emit_movi(p, BPF_REG_2, n);
	fl_emit_mov(p, BPF_REG_3, GEN_VALUE);
	fl_emit_addi64(p, BPF_REG_3, offset, BPF_REG_0);
	fl_emit_call(p, BPF_FUNC_copy_from_user);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, gone);
}

static void follow(struct fl_gen *g, int32_t offset, uint32_t gone)
{
	copy(g, offset, 8, gone);
	fl_emit_load(g->p, 8, GEN_VALUE, BPF_REG_FP, GEN_FP_TEMP);
}

/* The first page, and the one behind it, of what @size bytes (0: a string) may reach. */
static void touch(struct fl_gen *g, int32_t offset, uint32_t size)
{
	uint32_t gone = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_addi64(p, GEN_VALUE, offset, BPF_REG_0);
	copy(g, 0, 1, gone);
	if (size) {
		fl_emit_addi64(p, GEN_VALUE, size - 1, BPF_REG_0);
	} else {
		fl_emit_alui(p, BPF_OR, GEN_VALUE, PAGE - 1);
		fl_emit_addi64(p, GEN_VALUE, 1, BPF_REG_0);
	}
	copy(g, 0, 1, gone); /* there may be nothing, and nothing needed */
	fl_label_place(p, gone);
}

/* Each element of an array of strings is behind a word of its own. */
static void touch_strings(struct fl_gen *g, const struct fl_fetch_insn *deref,
			  const struct fl_fetch_insn *store, uint32_t n)
{
	struct fl_insns *p = g->p;

	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_SAVE, GEN_VALUE);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t gone = fl_label_new(p);

		fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, GEN_FP_SAVE);
		fl_emit_addi64(p, GEN_VALUE, 8 * i, BPF_REG_0);
		if (deref)
			follow(g, deref->offset, gone);
		touch(g, store->offset, 0);
		fl_label_place(p, gone);
	}
}

static bool is_memory(enum fl_fetch_op op)
{
	return op == FL_FETCH_ST_MEM || op == FL_FETCH_ST_UMEM || op == FL_FETCH_ST_STRING ||
	       op == FL_FETCH_ST_USTRING;
}

static int touch_arg(struct fl_gen *g, size_t arg)
{
	const struct fl_probe_arg *a = &g->e->args[arg];
	const struct fl_fetch_insn *insn = a->program.code, *last = NULL;
	bool strings = a->count && a->type->flags & FL_TYPE_STRING;
	uint32_t gone = fl_label_new(g->p);
	int r = 0;

	for (; fl_fetch_ops[insn->op].stage == FL_STAGE_LOAD && r == 0; insn++) {
		if (insn->op == FL_FETCH_COMM || insn->op == FL_FETCH_DATA)
			return 0; /* no memory of the process */
		r = fl_gen_load(g, arg, insn);
	}
	for (; fl_fetch_ops[insn->op].stage == FL_STAGE_DEREF && r == 0; insn++) {
		last = insn;
		if (strings && fl_fetch_ops[insn[1].op].stage == FL_STAGE_STORE)
			continue;
		follow(g, insn->offset, gone);
	}
	if (r < 0)
		return r;
	if (strings && is_memory(insn->op))
		touch_strings(g, last, insn, a->count);
	else if (is_memory(insn->op))
		touch(g, insn->offset, a->type->flags & FL_TYPE_STRING ? 0 : insn->size * FL_MAX(a->count, 1u));
	fl_label_place(g->p, gone);
	return 0;
}

int fl_gen_touch(struct fl_gen *g)
{
	int r = 0;

	for (size_t i = 0; g->hook->may_sleep && i < g->e->nr_args && r == 0; i++)
		r = touch_arg(g, i);
	return r;
}
