/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetch programs as instructions.
 *
 * Kernel memory is read by a plain load from a pointer that bpf_rdonly_cast() made of a number. The
 * call vanishes when the kernel rewrites the program, the load costs what a load costs, and a
 * fault gives zero without a word. So that such a zero is rarely met, an address in the user's half
 * (a null pointer and what lies around it, or a real user pointer) leaves the straight path before
 * the cast: a helper reads it, as the kernel's own probes would, and tells when it fails. What
 * stays untold is a fault at a kernel address; --exact-faults lets the helper read everything.
 *
 * bpf_rdonly_cast() takes "void" since 6.17. Before, the verifier wants a struct and a load within
 * one of its members. It does not care, though, where in an array of integers the load goes, so one
 * struct with a long array serves for every read: the window. The address is moved back by the
 * array's place in it, and all offsets are then within the array.
 */
#include <errno.h>
#include <stdlib.h>

#include "probe/gen/private.h"

/* Bytes of an array that are read by loads; a longer one is read by one helper call. */
#define DIRECT_ARRAY_MAX 64

static bool user_memory(const struct fl_gen *g)
{
	return g->hook->ctx == FL_CTX_USER_REGS;
}

static void detour(struct fl_gen *g, struct fl_gen_detour d)
{
	if (g->nr_detours == g->cap_detours) {
		size_t want = g->cap_detours ? g->cap_detours * 2 : 32;
		void *bigger = reallocarray(g->detours, want, sizeof(*g->detours));

		if (!bigger) {
			g->out_of_memory = true;
			return;
		}
		g->detours = bigger;
		g->cap_detours = want;
	}
	g->detours[g->nr_detours++] = d;
}

/* ---- reads ---- */

static int32_t read_helper(const struct fl_gen *g, bool user)
{
	if (user)
		return BPF_FUNC_probe_read_user;
	return g->env->nonoverlapping ? BPF_FUNC_probe_read : BPF_FUNC_probe_read_kernel;
}

int32_t fl_gen_string_helper(const struct fl_gen *g, bool user)
{
	if (user)
		return BPF_FUNC_probe_read_user_str;
	return g->env->nonoverlapping ? BPF_FUNC_probe_read_str : BPF_FUNC_probe_read_kernel_str;
}

/* r0 and the offset returned: where @offset bytes behind address @reg can be loaded from. */
static int16_t cast(struct fl_gen *g, uint8_t reg, int32_t offset)
{
	const struct fl_gen_env *env = g->env;
	bool window = env->read == FL_READ_WINDOW;
	bool near = !window && offset >= -32768 && offset + DIRECT_ARRAY_MAX <= 32767;

	fl_emit_mov(g->p, BPF_REG_1, reg);
	if (window)
		fl_emit_addi64(g->p, BPF_REG_1, (int64_t)offset - env->window_offset, BPF_REG_2);
	else if (!near)
		fl_emit_addi64(g->p, BPF_REG_1, offset, BPF_REG_2);
	fl_emit_movi(g->p, BPF_REG_2, window ? (int32_t)env->window_type : 0);
	fl_emit_kfunc(g->p, (int32_t)env->rdonly_cast);
	return (int16_t)(window ? env->window_offset : near ? (uint32_t)offset : 0);
}

/* @size bytes at GEN_VALUE + @offset, to the slot or to GEN_VALUE; jumps to @fault */
static void read_by_helper(struct fl_gen *g, bool user, uint32_t size, int32_t offset, uint16_t slot,
			   uint32_t fault)
{
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_1, slot ? (uint8_t)GEN_REC : (uint8_t)BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, slot ? slot : GEN_FP_TEMP);
	fl_emit_movi(p, BPF_REG_2, (int32_t)size);
	fl_emit_mov(p, BPF_REG_3, GEN_VALUE);
	fl_emit_addi64(p, BPF_REG_3, offset, BPF_REG_0);
	fl_emit_call(p, read_helper(g, user));
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, fault);
	if (!slot)
		fl_emit_load(p, size, GEN_VALUE, BPF_REG_FP, GEN_FP_TEMP);
}

/* Loads instead of a call: to GEN_VALUE, or in pieces to the slot. */
static void read_by_loads(struct fl_gen *g, uint32_t size, int32_t offset, uint16_t slot)
{
	int16_t at = cast(g, GEN_VALUE, offset);

	if (!slot) {
		fl_emit_load(g->p, size, GEN_VALUE, BPF_REG_0, at);
		return;
	}
	for (uint32_t done = 0, piece; done < size; done += piece) {
		for (piece = 8; piece > size - done;)
			piece /= 2;
		fl_emit_load(g->p, piece, BPF_REG_1, BPF_REG_0, (int16_t)(at + (int32_t)done));
		fl_emit_store(g->p, piece, GEN_REC, (int16_t)(slot + done), BPF_REG_1);
	}
}

struct read {
	uint32_t size;
	int32_t offset;
	uint16_t slot; /* 0: GEN_VALUE */
	bool user;
	bool is_kernel; /* the address cannot be the user's */
	uint32_t fault;
};

static void emit_read(struct fl_gen *g, struct read r)
{
	bool user = r.user || user_memory(g);
	uint32_t slow, back;

	if (user || g->env->read == FL_READ_HELPER || g->env->exact_faults ||
	    r.size > (r.slot ? DIRECT_ARRAY_MAX : 8u)) {
		read_by_helper(g, user, r.size, r.offset, r.slot, r.fault);
		return;
	}
	slow = fl_label_new(g->p);
	back = fl_label_new(g->p);
	if (!r.is_kernel)
		fl_emit_jmpi(g->p, BPF_JSGE, GEN_VALUE, 0, slow);
	read_by_loads(g, r.size, r.offset, r.slot);
	fl_label_place(g->p, back);
	if (!r.is_kernel)
		detour(g, (struct fl_gen_detour){ .kind = DETOUR_READ, .label = slow, .back = back,
						  .fault = r.fault, .offset = r.offset,
						  .size = r.size, .slot = r.slot });
}

void fl_gen_read_kernel(struct fl_gen *g, unsigned int size, uint8_t reg, int32_t offset)
{
	struct fl_insns *p = g->p;

	if (g->env->read != FL_READ_HELPER) {
		int16_t at = cast(g, reg, offset);

		fl_emit_load(p, size, BPF_REG_0, BPF_REG_0, at);
		return;
	}
	fl_emit_mov(p, BPF_REG_3, reg);
	fl_emit_addi64(p, BPF_REG_3, offset, BPF_REG_1);
	fl_emit_mov(p, BPF_REG_1, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, GEN_FP_TEMP);
	fl_emit_movi(p, BPF_REG_2, (int32_t)size);
	fl_emit_call(p, read_helper(g, false));
	fl_emit_load(p, size, BPF_REG_0, BPF_REG_FP, GEN_FP_TEMP);
}

/* The value is cleared, so that nobody takes old bytes for one, and the fault told. */
static void emit_fault(struct fl_gen *g, const struct fl_gen_detour *d)
{
	int16_t word = (int16_t)(g->l->faults_offset + d->arg / 64 * 8);
	struct fl_insns *p = g->p;

	for (uint32_t done = 0, piece; done < d->size; done += piece) {
		for (piece = 8; piece > d->size - done || (d->slot + done) % piece;)
			piece /= 2;
		fl_emit_storei(p, piece, GEN_REC, (int16_t)(d->slot + done), 0);
	}
	if (!g->l->faults_offset || d->arg == SIZE_MAX)
		return;
	fl_emit_load(p, 8, BPF_REG_1, GEN_REC, word);
	fl_emit_imm64(p, BPF_REG_2, 1ull << d->arg % 64);
	fl_emit_alu(p, BPF_OR, BPF_REG_1, BPF_REG_2);
	fl_emit_store(p, 8, GEN_REC, word, BPF_REG_1);
}

void fl_gen_detours(struct fl_gen *g)
{
	for (size_t i = 0; i < g->nr_detours; i++) {
		struct fl_gen_detour d = g->detours[i];

		if (!fl_label_used(g->p, d.label))
			continue;
		fl_label_place(g->p, d.label);
		if (d.kind == DETOUR_READ)
			read_by_helper(g, false, d.size, d.offset, d.slot, d.fault);
		else
			emit_fault(g, &d);
		fl_emit_jmp(g->p, d.back);
	}
}

/* ---- per-CPU ---- */

void fl_gen_load_task(struct fl_gen *g, uint8_t reg)
{
	if (g->env->task_btf) {
		fl_emit_load(g->p, 8, reg, BPF_REG_FP, GEN_FP_TASK);
		return;
	}
	fl_emit_call(g->p, BPF_FUNC_get_current_task);
	fl_emit_mov(g->p, reg, BPF_REG_0);
}

/* r0 = this CPU's run queue */
static void load_run_queue(struct fl_gen *g)
{
	fl_gen_load_task(g, BPF_REG_0);
	fl_gen_read_kernel(g, 8, BPF_REG_0, (int32_t)g->env->rq_path[0]);
	fl_gen_read_kernel(g, 8, BPF_REG_0, (int32_t)g->env->rq_path[1]);
}

/* r0 = this CPU's first per-CPU variable */
static int percpu_section(struct fl_gen *g, size_t arg)
{
	if (g->env->percpu != FL_PERCPU_RUNQUEUE)
		return fl_gen_refuse(g, arg, "the variable's address is not to be had here: it is not "
					     "among the kernel's symbols, and no path leads over the run queue");
	load_run_queue(g);
	fl_emit_addi64(g->p, BPF_REG_0, g->env->rq_to_section, BPF_REG_1);
	return 0;
}

int fl_gen_percpu_offset(struct fl_gen *g, size_t arg)
{
	const struct fl_gen_env *env = g->env;
	struct fl_insns *p = g->p;

	switch (env->percpu) {
	case FL_PERCPU_TABLE:
		fl_emit_load(p, 4, BPF_REG_0, BPF_REG_FP, GEN_FP_KEY);
		fl_emit_alui(p, BPF_LSH, BPF_REG_0, 3);
		fl_emit_imm64(p, BPF_REG_1, env->percpu_table);
		fl_emit_alu(p, BPF_ADD, BPF_REG_0, BPF_REG_1);
		fl_gen_read_kernel(g, 8, BPF_REG_0, 0);
		return 0;
	case FL_PERCPU_VARIABLE:
		fl_emit(p, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_BTF_ID, 0,
			(int32_t)env->percpu_var);
		fl_emit(p, 0, 0, 0, 0, 0);
		fl_emit_call(p, BPF_FUNC_this_cpu_ptr);
		fl_emit_load(p, 8, BPF_REG_0, BPF_REG_0, 0);
		return 0;
	case FL_PERCPU_RUNQUEUE:
		load_run_queue(g);
		fl_emit_addi64(p, BPF_REG_0, env->rq_to_offset, BPF_REG_1);
		fl_gen_read_kernel(g, 8, BPF_REG_0, 0);
		return 0;
	case FL_PERCPU_NONE:
		break;
	}
	return fl_gen_refuse(g, arg, "this CPU's offset of per-CPU data is not to be had here: no "
				     "address of __per_cpu_offset, no this_cpu_off and no path "
				     "over the run queue");
}

/* ---- load ops ---- */

/* GEN_VALUE = word @n of the stack; outside of it is zero, as for the kernel's probes */
static void load_stack_word(struct fl_gen *g, uint32_t n)
{
	struct fl_insns *p = g->p;

	fl_emit_load(p, 8, GEN_VALUE, GEN_CTX, (int16_t)g->env->arch->sp);
	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_TEMP, 0);
	fl_emit_mov(p, BPF_REG_1, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, GEN_FP_TEMP);
	fl_emit_movi(p, BPF_REG_2, 8);
	fl_emit_mov(p, BPF_REG_3, GEN_VALUE);
	fl_emit_alui(p, BPF_ADD, BPF_REG_3, (int32_t)(n * 8));
	fl_emit_call(p, read_helper(g, user_memory(g)));
	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, GEN_FP_TEMP);
}

/* Trampolines hand out arguments by call (inlined), as numbers and not as typed pointers. */
static int load_slot(struct fl_gen *g, size_t arg, uint32_t n)
{
	struct fl_insns *p = g->p;

	if (n >= g->env->nr_arg_slots)
		return fl_gen_refuse(g, arg, "the function has no such argument");
	fl_emit_mov(p, BPF_REG_1, GEN_CTX);
	fl_emit_movi(p, BPF_REG_2, g->env->arg_slot[n]);
	fl_emit_mov(p, BPF_REG_3, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_3, GEN_FP_TEMP);
	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_TEMP, 0);
	fl_emit_call(p, BPF_FUNC_get_func_arg);
	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, GEN_FP_TEMP);
	return 0;
}

int fl_gen_load_arg(struct fl_gen *g, size_t arg, uint32_t n)
{
	const struct fl_arch *arch = g->env->arch;

	switch (g->hook->ctx) {
	case FL_CTX_ARGS:
		if (n == 0)
			return fl_gen_refuse(g, arg, "a tracepoint's argument 0 is the kernel's own");
		fl_emit_load(g->p, 8, GEN_VALUE, GEN_CTX, (int16_t)(8 * (n - 1)));
		return 0;
	case FL_CTX_TRAMPOLINE:
		return load_slot(g, arg, n);
	case FL_CTX_REGS:
	case FL_CTX_USER_REGS:
		if (n < g->env->nr_arg_slots)
			n = g->env->arg_slot[n];
		if (n == FL_ABI_NO_SLOT)
			return fl_gen_refuse(g, arg, "this argument is given by its address, or by nothing at all");
		if (n < arch->nr_args)
			fl_emit_load(g->p, 8, GEN_VALUE, GEN_CTX, (int16_t)arch->args[n]);
		else
			load_stack_word(g, n - (uint32_t)arch->nr_args + arch->has_return_word);
		return 0;
	case FL_CTX_RECORD:
		break;
	}
	return fl_gen_refuse(g, arg, "this probe has no function arguments");
}

static bool has_regs(const struct fl_gen *g)
{
	return g->hook->ctx == FL_CTX_REGS || g->hook->ctx == FL_CTX_USER_REGS;
}

static int load_entry_word(struct fl_gen *g, size_t arg, uint32_t n)
{
	if (n >= g->e->nr_entry_args)
		return fl_gen_refuse(g, arg, "no such word was kept at entry");
	if (g->hook->ctx == FL_CTX_TRAMPOLINE)
		return load_slot(g, arg, g->e->entry_args[n]);
	fl_emit_load(g->p, 8, GEN_VALUE, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + 8 * (int)n));
	return 0;
}

static void load_retval(struct fl_gen *g)
{
	struct fl_insns *p = g->p;

	if (has_regs(g)) {
		fl_emit_load(p, 8, GEN_VALUE, GEN_CTX, (int16_t)g->env->arch->ret);
		return;
	}
	fl_emit_mov(p, BPF_REG_1, GEN_CTX);
	fl_emit_mov(p, BPF_REG_2, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_2, GEN_FP_TEMP);
	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_TEMP, 0);
	fl_emit_call(p, BPF_FUNC_get_func_ret);
	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, GEN_FP_TEMP);
}

/* A field in pieces where it is not aligned: the context takes aligned loads only. */
static void load_field_value(struct fl_gen *g, const struct fl_field *f)
{
	uint32_t size = f->size == 8 || f->size == 4 || f->size == 2 ? f->size : 1;
	uint32_t piece = size;
	struct fl_insns *p = g->p;

	while (f->offset % piece)
		piece /= 2;
	fl_emit_movi(p, GEN_VALUE, 0);
	for (uint32_t at = size; at > 0; at -= piece) {
		fl_emit_load(p, piece, BPF_REG_1, GEN_CTX, (int16_t)(f->offset + at - piece));
		if (piece < 8)
			fl_emit_alui(p, BPF_LSH, GEN_VALUE, (int32_t)piece * 8);
		fl_emit_alu(p, BPF_OR, GEN_VALUE, BPF_REG_1);
	}
	fl_emit_extend(p, GEN_VALUE, size, f->is_signed);
}

static int load_common_field(struct fl_gen *g, size_t arg, const struct fl_field *f)
{
	struct fl_insns *p = g->p;

	if (fl_str_is(f->name, "common_pid")) {
		fl_gen_ids(g, GEN_VALUE, BPF_REG_2);
		return 0;
	}
	if (fl_str_is(f->name, "common_type")) {
		fl_emit_movi(p, GEN_VALUE, (int32_t)g->env->format->id);
		return 0;
	}
	return fl_gen_refuse(g, arg, "BPF programs may not read this field of the record's head");
}

/* An integer is read, a string's address taken, as the kernel's event probes do. */
int fl_gen_load_field(struct fl_gen *g, size_t arg, const struct fl_field *f)
{
	struct fl_insns *p = g->p;

	if (f->offset < 8)
		return load_common_field(g, arg, f);
	if (f->loc == FL_FIELD_INLINE && !(f->is_array && fl_str_is(f->type, "char"))) {
		load_field_value(g, f);
		return 0;
	}
	if (f->loc == FL_FIELD_INLINE) {
		fl_emit_mov(p, GEN_VALUE, GEN_CTX);
		fl_emit_alui(p, BPF_ADD, GEN_VALUE, (int32_t)f->offset);
		return 0;
	}
	fl_emit_load(p, 4, BPF_REG_1, GEN_CTX, (int16_t)f->offset);
	fl_emit_alui(p, BPF_AND, BPF_REG_1, 0xffff);
	if (f->loc == FL_FIELD_REL_LOC)
		fl_emit_alui(p, BPF_ADD, BPF_REG_1, (int32_t)f->offset + 4);
	fl_emit_mov(p, GEN_VALUE, GEN_CTX);
	fl_emit_alu(p, BPF_ADD, GEN_VALUE, BPF_REG_1);
	return 0;
}

static int load_tp_arg(struct fl_gen *g, size_t arg, const struct fl_fetch_insn *insn)
{
	const struct fl_format *format = g->env->format;

	if (g->hook->ctx != FL_CTX_RECORD || !format || insn->field >= format->nr_fields)
		return fl_gen_refuse(g, arg, "the attached event's format is not known");
	return fl_gen_load_field(g, arg, &format->fields[insn->field]);
}

/* The address in the running process of a place in the probed file. */
static int load_file_offset(struct fl_gen *g, size_t arg, uint64_t offset)
{
	struct fl_insns *p = g->p;

	if (!user_memory(g))
		return fl_gen_refuse(g, arg, "file offsets are for user probes");
	if (g->e->place.nr_offsets > 1)
		return fl_gen_refuse(g, arg, "file offsets are for a probe in one place");
	if (g->hook->is_return) {
		fl_emit_mov(p, BPF_REG_1, GEN_CTX);
		fl_emit_call(p, BPF_FUNC_get_func_ip);
		fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	} else {
		fl_emit_load(p, 8, GEN_VALUE, GEN_CTX, (int16_t)g->env->arch->ip);
	}
	fl_emit_addi64(p, GEN_VALUE, (int64_t)(offset - g->e->place.offset), BPF_REG_1);
	return 0;
}

int fl_gen_load(struct fl_gen *g, size_t arg, const struct fl_fetch_insn *insn)
{
	struct fl_insns *p = g->p;

	switch (insn->op) {
	case FL_FETCH_REG:
	case FL_FETCH_STACK:
	case FL_FETCH_STACKP:
		if (!has_regs(g))
			return fl_gen_refuse(g, arg, g->hook->ctx == FL_CTX_ARGS
				? "a tracepoint's program is given arguments, and neither registers nor "
				  "a stack; --via tracefs asks the kernel's own probe on its stub"
				: "this hook has no registers");
		if (insn->op == FL_FETCH_STACK)
			load_stack_word(g, insn->param);
		else
			fl_emit_load(p, 8, GEN_VALUE, GEN_CTX,
				     (int16_t)(insn->op == FL_FETCH_REG ? insn->param
									: g->env->arch->sp));
		return 0;
	case FL_FETCH_RETVAL:
		load_retval(g);
		return 0;
	case FL_FETCH_IMM:
		fl_emit_imm64(p, GEN_VALUE, insn->imm);
		return 0;
	case FL_FETCH_CURRENT:
		fl_gen_load_task(g, GEN_VALUE);
		return 0;
	case FL_FETCH_COMM:
		fl_gen_load_task(g, GEN_VALUE);
		fl_emit_alui(p, BPF_ADD, GEN_VALUE, (int32_t)g->env->task_comm);
		return 0;
	case FL_FETCH_UID: /* the group's number is in the upper half */
		fl_emit_call(p, BPF_FUNC_get_current_uid_gid);
		fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
		fl_emit_extend(p, GEN_VALUE, 4, false);
		return 0;
	case FL_FETCH_CGROUP:
		fl_emit_call(p, BPF_FUNC_get_current_cgroup_id);
		fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
		return 0;
	case FL_FETCH_ARG:
		return fl_gen_load_arg(g, arg, insn->param);
	case FL_FETCH_EDATA:
		return load_entry_word(g, arg, (uint32_t)insn->offset / 8);
	case FL_FETCH_TP_ARG:
		return load_tp_arg(g, arg, insn);
	case FL_FETCH_FOFFS:
		return load_file_offset(g, arg, insn->imm);
	case FL_FETCH_DATA: /* its store writes the text */
	case FL_FETCH_NOP:
	case FL_FETCH_NOP_SYMBOL:
		return 0;
	default:
		return fl_gen_refuse(g, arg, "not a load");
	}
}

/* ---- one argument ---- */

struct fetch {
	struct fl_gen *g;
	size_t arg;
	const struct fl_probe_arg *a;
	const struct fl_record_slot *slot;
	const struct fl_fetch_insn *store; /* first op behind the derefs */
	const struct fl_fetch_insn *last_deref; /* NULL: none */
	const struct fl_fetch_insn *data;  /* an immediate string */
	const struct fl_fetch_insn *bf;	   /* NULL: none */
	bool is_kernel; /* the value is known to be a kernel address */
	uint32_t fault, done; /* labels */
};

/*
 * @size bytes of an immediate string's copy, which the kernel has in memory of its own: what a
 * dereference of it reads is known beforehand. What lies behind the copy is not.
 */
static int text_bytes(struct fetch *f, int64_t offset, uint32_t size, uint64_t *ret)
{
	*ret = 0;
	if (offset < 0 || (uint64_t)offset + size > f->data->text.n + 1)
		return fl_gen_refuse(f->g, f->arg, "what lies beyond an immediate string is chance");
	memcpy(ret, f->data->text.p + offset, FL_MIN((size_t)size, f->data->text.n - (size_t)offset));
	return 0;
}

/* GEN_VALUE = the word that a dereference of an immediate string finds */
static int deref_text(struct fetch *f, const struct fl_fetch_insn *insn)
{
	uint64_t word;
	int r;

	if (insn->op != FL_FETCH_DEREF)
		return fl_gen_refuse(f->g, f->arg, "an immediate string is the kernel's memory, and of no CPU");
	r = text_bytes(f, insn->offset, 8, &word);
	if (r == 0)
		fl_emit_imm64(f->g->p, GEN_VALUE, word);
	return r;
}

/* One deref op on GEN_VALUE. */
static int deref(struct fetch *f, const struct fl_fetch_insn *insn, uint32_t fault)
{
	struct fl_gen *g = f->g;
	int r;

	if (insn[-1].op == FL_FETCH_DATA)
		return deref_text(f, insn);
	if (insn->op == FL_FETCH_CPU_PTR) {
		if (f->is_kernel)
			return fl_gen_refuse(g, f->arg, "a task is no per-CPU pointer");
		r = insn[-1].op == FL_FETCH_IMM && insn[-1].offset == FL_IMM_PERCPU
			? percpu_section(g, f->arg) : fl_gen_percpu_offset(g, f->arg);
		if (r == 0)
			fl_emit_alu(g->p, BPF_ADD, GEN_VALUE, BPF_REG_0);
		return r;
	}
	emit_read(g, (struct read){ .size = 8, .offset = insn->offset,
				    .user = insn->op == FL_FETCH_UDEREF,
				    .is_kernel = f->is_kernel, .fault = fault });
	f->is_kernel = false;
	return 0;
}

/* v << lshift >> rshift in basesize bytes */
static void bitfield(struct fl_gen *g, const struct fl_fetch_insn *bf, uint8_t reg)
{
	int32_t unused = 64 - 8 * bf->basesize;

	fl_emit_alui(g->p, BPF_LSH, reg, bf->lshift + unused);
	fl_emit_alui(g->p, BPF_RSH, reg, bf->rshift + unused);
}

static void store_value(struct fetch *f)
{
	struct fl_gen *g = f->g;

	if (f->bf)
		bitfield(g, f->bf, GEN_VALUE);
	fl_emit_store(g->p, f->slot->size, GEN_REC, (int16_t)f->slot->offset, GEN_VALUE);
}

/* A BTF bitfield may reach past its container when that is counted from the field's first byte. */
static uint32_t container_size(const struct fetch *f)
{
	if (f->bf && f->bf->basesize == 8 && 64u - f->bf->lshift > 8 * f->store->size)
		return 8;
	return f->store->size;
}

/* Values out of an immediate string. */
static int store_text_values(struct fetch *f)
{
	uint32_t size = f->a->count ? f->slot->size : container_size(f);
	uint64_t value;
	int r = 0;

	if (f->store->op != FL_FETCH_ST_MEM)
		return fl_gen_refuse(f->g, f->arg, "an immediate string is the kernel's memory");
	for (uint32_t i = 0; i < f->slot->count && r == 0; i++) {
		r = text_bytes(f, f->store->offset + (int64_t)(i * size), size, &value);
		if (r < 0)
			return r;
		fl_emit_imm64(f->g->p, GEN_VALUE, value);
		if (f->bf)
			bitfield(f->g, f->bf, GEN_VALUE);
		fl_emit_store(f->g->p, f->slot->size, GEN_REC, (int16_t)(f->slot->offset + i * f->slot->size),
			      GEN_VALUE);
	}
	return r;
}

static void store_memory(struct fetch *f)
{
	struct fl_gen *g = f->g;
	struct read r = { .offset = f->store->offset, .user = f->store->op == FL_FETCH_ST_UMEM,
			  .is_kernel = f->is_kernel, .fault = f->fault };

	if (!f->a->count) {
		r.size = container_size(f);
		emit_read(g, r);
		store_value(f);
		return;
	}
	r.size = (uint32_t)f->slot->size * f->slot->count;
	r.slot = f->slot->offset;
	emit_read(g, r);
	for (uint16_t i = 0; f->bf && i < f->slot->count; i++) {
		int16_t at = (int16_t)(f->slot->offset + i * f->slot->size);

		fl_emit_load(g->p, f->slot->size, BPF_REG_1, GEN_REC, at);
		bitfield(g, f->bf, BPF_REG_1);
		fl_emit_store(g->p, f->slot->size, GEN_REC, at, BPF_REG_1);
	}
}

/* The string at the cursor is r0 bytes long. */
static void finish_string(struct fetch *f, uint16_t at)
{
	struct fl_insns *p = f->g->p;

	fl_emit_store(p, 2, GEN_REC, (int16_t)(at + offsetof(struct fl_strloc, off)), GEN_CURSOR);
	fl_emit_store(p, 2, GEN_REC, (int16_t)(at + offsetof(struct fl_strloc, len)), BPF_REG_0);
	fl_emit_alu(p, BPF_ADD, GEN_CURSOR, BPF_REG_0);
}

/* r1 = where the next string goes */
static void string_place(struct fl_gen *g)
{
	fl_emit_mov(g->p, BPF_REG_1, GEN_REC);
	fl_emit_alu(g->p, BPF_ADD, BPF_REG_1, GEN_CURSOR);
}

/* Older kernels' helper gives 0 for an empty string of the user's: r0 += r0 == 0, without a branch,
 * of which each would double what the verifier has to follow. */
static void count_nul(struct fl_gen *g)
{
	fl_emit_mov(g->p, BPF_REG_1, BPF_REG_0);
	fl_emit_alui(g->p, BPF_SUB, BPF_REG_1, 1);
	fl_emit_alui(g->p, BPF_RSH, BPF_REG_1, 63);
	fl_emit_alu(g->p, BPF_ADD, BPF_REG_0, BPF_REG_1);
}

static void store_string(struct fetch *f, uint16_t at, uint32_t fault)
{
	/* In a user probe all memory is the user's but for $comm. */
	bool user = user_memory(f->g) ? !f->is_kernel : f->store->op == FL_FETCH_ST_USTRING;
	struct fl_gen *g = f->g;

	string_place(g);
	fl_emit_movi(g->p, BPF_REG_2, g->l->string_max);
	fl_emit_mov(g->p, BPF_REG_3, GEN_VALUE);
	fl_emit_addi64(g->p, BPF_REG_3, f->store->offset, BPF_REG_0);
	fl_emit_call(g->p, fl_gen_string_helper(g, user));
	if (user)
		count_nul(g);
	fl_emit_jmpi(g->p, BPF_JGT, BPF_REG_0, g->l->string_max, fault);
	finish_string(f, at);
}

static int store_text(struct fetch *f, uint16_t at)
{
	struct fl_str text = fl_str_from(f->data->text, FL_MIN((size_t)f->store->offset, f->data->text.n));
	size_t n = FL_MIN(text.n, (size_t)(f->g->l->string_max / 8 * 8 - 1));
	struct fl_insns *p = f->g->p;

	if (f->store->offset < 0 || (size_t)f->store->offset > f->data->text.n)
		return fl_gen_refuse(f->g, f->arg, "what lies beyond an immediate string is chance");

	string_place(f->g);
	for (size_t i = 0; i <= n; i += 8) {
		uint64_t word = 0;

		memcpy(&word, text.p + i, FL_MIN(n - i, (size_t)8));
		fl_emit_imm64(p, BPF_REG_2, word);
		fl_emit_store(p, 8, BPF_REG_1, (int16_t)i, BPF_REG_2);
	}
	fl_emit_movi(p, BPF_REG_0, (int32_t)n + 1);
	finish_string(f, at);
	return 0;
}

/* The string of pointer @i of the list whose address GEN_FP_SAVE holds; jumps to @end where one of the user's ends. */
static int store_element(struct fetch *f, uint16_t i, uint32_t next, uint32_t end)
{
	bool user = user_memory(f->g) || f->store->op == FL_FETCH_ST_USTRING;
	struct fl_gen *g = f->g;
	int r;

	fl_emit_load(g->p, 8, GEN_VALUE, BPF_REG_FP, GEN_FP_SAVE);
	fl_emit_addi64(g->p, GEN_VALUE, 8 * i, BPF_REG_1);
	r = deref(f, f->last_deref, next);
	if (user)
		fl_emit_jmpi(g->p, BPF_JEQ, GEN_VALUE, 0, end);
	store_string(f, (uint16_t)(f->slot->offset + i * f->slot->size), next);
	return r;
}

/*
 * Each element repeats the last dereference one word further on; without one there is no second. What cannot be
 * read is nothing, which is shown as the fault that it is. A null ends a list of the user's (argv, behind which
 * its environment lies), where the kernel's probes go on.
 */
static int store_strings(struct fetch *f)
{
	struct fl_gen *g = f->g;
	uint32_t end = fl_label_new(g->p);
	int r = 0;

	if (f->last_deref && f->last_deref[-1].op == FL_FETCH_DATA)
		return fl_gen_refuse(g, f->arg, "an immediate string holds no pointers");
	fl_emit_store(g->p, 8, BPF_REG_FP, GEN_FP_SAVE, GEN_VALUE);
	for (uint16_t i = 0; i < f->slot->count; i++)
		fl_emit_storei(g->p, 4, GEN_REC, (int16_t)(f->slot->offset + i * f->slot->size), 0);
	for (uint16_t i = 0; i < f->slot->count && r == 0; i++) {
		uint32_t next = fl_label_new(g->p);

		if (f->last_deref)
			r = store_element(f, i, next, end);
		else if (i == 0)
			store_string(f, f->slot->offset, next);
		fl_label_place(g->p, next);
	}
	fl_label_place(g->p, end);
	return r;
}

/*
 * @size bytes at GEN_VALUE + @offset to the slot's extra, which is cleared where that fails. All of
 * an extra is read by one call, which tells.
 */
static void read_extra(struct fetch *f, int32_t offset)
{
	uint32_t fault = fl_label_new(f->g->p), back = fl_label_new(f->g->p);

	read_by_helper(f->g, user_memory(f->g), f->slot->extra_size, offset, f->slot->extra_offset, fault);
	fl_label_place(f->g->p, back);
	detour(f->g, (struct fl_gen_detour){ .kind = DETOUR_FAULT, .label = fault, .back = back,
					     .slot = f->slot->extra_offset,
					     .arg = f->g->l->nr_slots + f->arg });
}

static int store_path(struct fetch *f)
{
	int r;

	fl_emit_addi64(f->g->p, GEN_VALUE, f->store->offset, BPF_REG_0);
	r = fl_gen_path(f->g, f->arg, f->a->btf, f->fault);
	if (r == 0)
		finish_string(f, f->slot->offset);
	return r;
}

static int store_one(struct fetch *f)
{
	switch (f->store->op) {
	case FL_FETCH_ST_RAW:
	case FL_FETCH_ST_SYMSTR:
		store_value(f);
		return 0;
	case FL_FETCH_ST_MEM:
	case FL_FETCH_ST_UMEM:
		if (f->store[-1].op == FL_FETCH_DATA)
			return store_text_values(f);
		store_memory(f);
		return 0;
	case FL_FETCH_ST_STRING:
	case FL_FETCH_ST_USTRING:
		if (f->a->type->flags & FL_TYPE_PATH)
			return store_path(f);
		if (f->store[-1].op == FL_FETCH_DATA)
			return store_text(f, f->slot->offset);
		if (f->a->count)
			return store_strings(f);
		else
			store_string(f, f->slot->offset, f->fault);
		return 0;
	default:
		return fl_gen_refuse(f->g, f->arg, "not a store");
	}
}

static int store(struct fetch *f)
{
	int r;

	if (f->slot->extra == FL_EXTRA_WHOLE && f->store->op == FL_FETCH_ST_MEM)
		read_extra(f, f->store->offset);
	r = store_one(f);
	if (r == 0 && f->slot->extra == FL_EXTRA_POINTEE)
		read_extra(f, 0);
	return r;
}

/* Finds the program's parts: what is loaded, the last deref where strings repeat it, the store. */
static void survey(struct fetch *f)
{
	const struct fl_fetch_program *p = &f->a->program;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct fl_fetch_insn *insn = &p->code[i];

		if (insn->op == FL_FETCH_DATA)
			f->data = insn;
		else if (insn->op == FL_FETCH_MOD_BF)
			f->bf = insn;
		else if (fl_fetch_ops[insn->op].stage == FL_STAGE_DEREF)
			f->last_deref = insn;
		else if (fl_fetch_ops[insn->op].stage == FL_STAGE_STORE)
			f->store = insn;
	}
}

static int run(struct fetch *f)
{
	const struct fl_fetch_program *p = &f->a->program;
	bool repeat = f->slot->kind == FL_SLOT_STRING && f->a->count && f->last_deref;
	int r = 0;

	for (uint32_t i = 0; i < p->n && r == 0; i++) {
		const struct fl_fetch_insn *insn = &p->code[i];

		if (insn == f->store)
			return store(f);
		if (repeat && insn == f->last_deref)
			continue;
		if (fl_fetch_ops[insn->op].stage == FL_STAGE_DEREF) {
			r = deref(f, insn, f->fault);
		} else {
			r = fl_gen_load(f->g, f->arg, insn);
			f->is_kernel = insn->op == FL_FETCH_CURRENT || insn->op == FL_FETCH_COMM;
		}
	}
	return r < 0 ? r : fl_gen_refuse(f->g, f->arg, "the fetch program stores nothing");
}

int fl_gen_arg(struct fl_gen *g, size_t i)
{
	struct fetch f = { .g = g, .arg = i, .a = &g->e->args[i], .slot = &g->l->slots[i] };
	int r;

	survey(&f);
	f.fault = fl_label_new(g->p);
	f.done = fl_label_new(g->p);
	r = run(&f);
	fl_label_place(g->p, f.done);
	detour(g, (struct fl_gen_detour){
			.kind = DETOUR_FAULT, .label = f.fault, .back = f.done, .arg = i,
			.slot = f.slot->offset, .size = (uint32_t)f.slot->size * f.slot->count });
	return r;
}
