/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following processes. A set in the kernel has a byte for each process that is wanted. The raw
 * tracepoint sched_process_fork fires when the child is whole and has not run yet: what its parent is,
 * the child becomes there, before its first instruction. The same program takes a number away that
 * somebody else's child has got again. sched_process_free fires when nobody runs in a process any more
 * and keeps the set small.
 *
 * foreland itself is in the set with FL_TASK_CHILDREN alone where its command is to be followed: so the
 * command is wanted from its first moment on, and nobody must be told its number.
 *
 * In a pid namespace the kernel's number of a task is not the one that people there know it by. It has
 * one for each namespace from the first to its own; ours is at a level that we ask for once
 * (fl_gen_whoami()). What lives outside has no number in it: it goes by the kernel's, moved beyond all that
 * a namespace can give (FL_PID_OUTSIDE), for as 0 every reader of a recording takes it for the idle task. A
 * process that is freed has lost its numbers, so there the set is cleaned by forks alone.
 */
#include "probe/gen/task-filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/gen/private.h"

/* ---- numbers ---- */

int fl_gen_pids_find(struct fl_btf *btf, struct fl_gen_pids *ret)
{
	struct fl_gen_pids p = {};
	const struct {
		const char *type, *member;
		uint32_t *offset;
	} wanted[] = {
		{ "task_struct", "thread_pid", &p.thread_pid },
		{ "task_struct", "group_leader", &p.group_leader },
		{ "pid", "level", &p.level },
		{ "pid", "numbers", &p.numbers },
		{ "upid", "nr", &p.upid_nr },
		{ "upid", "ns", &p.upid_ns },
	};
	uint64_t size;

	for (size_t i = 0; i < FL_ARRAY_SIZE(wanted); i++) {
		struct fl_type t = fl_btf_find(btf, fl_str(wanted[i].type), FL_KIND(BTF_KIND_STRUCT));
		struct fl_member m;

		if (!fl_type_ok(t) || fl_type_find_member(t, fl_str(wanted[i].member), &m) < 0)
			return -ENOENT;
		*wanted[i].offset = m.bit_offset / 8;
	}
	if (fl_type_size(fl_btf_find(btf, FL_STR("upid"), FL_KIND(BTF_KIND_STRUCT)), &size) < 0)
		return -ENOENT;
	p.upid_size = (uint32_t)size;
	*ret = p;
	return 0;
}

/*
 * The 4 bytes at @slot = the number in our namespace of the task whose address lies in GEN_VALUE, which is
 * lost. Outside of it: by the kernel's number, which is @kernel bytes into the task at @task_slot.
 */
static void number_of(struct fl_gen *g, int16_t task_slot, uint32_t kernel, int16_t slot)
{
	const struct fl_gen_pidns *ns = g->env->tasks->ns;
	int32_t upid = (int32_t)(ns->at.numbers + ns->level * ns->at.upid_size);
	uint32_t none = fl_label_new(g->p), idle = fl_label_new(g->p), done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_gen_read_kernel(g, 8, GEN_VALUE, (int32_t)ns->at.thread_pid);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	fl_emit_jmpi(p, BPF_JEQ, GEN_VALUE, 0, none);
	fl_gen_read_kernel(g, 4, GEN_VALUE, (int32_t)ns->at.level);
	fl_emit_jmpi(p, BPF_JLT, BPF_REG_0, (int32_t)ns->level, none);
	fl_gen_read_kernel(g, 8, GEN_VALUE, upid + (int32_t)ns->at.upid_ns);
	fl_emit_imm64(p, BPF_REG_1, ns->address);
	fl_emit_jmpr(p, BPF_JNE, BPF_REG_0, BPF_REG_1, none);
	fl_gen_read_kernel(g, 4, GEN_VALUE, upid + (int32_t)ns->at.upid_nr);
	fl_emit_jmp(p, done);
	fl_label_place(p, none);
	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, task_slot);
	fl_gen_read_kernel(g, 4, GEN_VALUE, (int32_t)kernel);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, idle);
	fl_emit_alui(p, BPF_ADD, BPF_REG_0, FL_PID_OUTSIDE);
	fl_label_place(p, idle);
	fl_label_place(p, done);
	fl_emit_store(p, 4, BPF_REG_FP, slot, BPF_REG_0);
}

/* The numbers of the task whose address lies in @task_slot, and of its process, at GEN_FP_PIDS. */
static void numbers_of(struct fl_gen *g, int16_t task_slot)
{
	struct fl_insns *p = g->p;

	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, task_slot);
	number_of(g, task_slot, g->env->task_pid, GEN_FP_PIDS);
	fl_emit_load(p, 8, GEN_VALUE, BPF_REG_FP, task_slot);
	fl_gen_read_kernel(g, 8, GEN_VALUE, (int32_t)g->env->tasks->ns->at.group_leader);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	number_of(g, task_slot, g->env->task_tgid, GEN_FP_PIDS + 4);
}

static bool in_namespace(const struct fl_gen *g)
{
	return g->env->tasks && g->env->tasks->ns;
}

void fl_gen_ids(struct fl_gen *g, uint8_t pid, uint8_t tgid)
{
	const struct fl_gen_env *env = g->env;
	struct fl_insns *p = g->p;

	if (in_namespace(g)) {
		fl_emit_load(p, 4, pid, BPF_REG_FP, GEN_FP_PIDS);
		fl_emit_load(p, 4, tgid, BPF_REG_FP, GEN_FP_PIDS + 4);
		return;
	}
	if (env->task_btf) {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_TASK);
		fl_emit_load(p, 4, tgid, BPF_REG_1, (int16_t)env->task_tgid);
		fl_emit_load(p, 4, pid, BPF_REG_1, (int16_t)env->task_pid);
		return;
	}
	fl_emit_call(p, BPF_FUNC_get_current_pid_tgid);
	fl_emit_mov(p, tgid, BPF_REG_0);
	fl_emit_alui(p, BPF_RSH, tgid, 32);
	fl_emit_mov32(p, pid, BPF_REG_0);
}

/* ---- who is wanted ---- */

/* A process is wanted by its id, a single thread by its own. */
static void filter_pid(struct fl_gen *g, uint32_t unwanted)
{
	const struct fl_gen_task_filter *tasks = g->env->tasks;
	uint32_t wanted = fl_label_new(g->p);

	if (tasks->except || tasks->pid)
		fl_gen_ids(g, BPF_REG_2, BPF_REG_3);
	if (tasks->except)
		fl_emit_jmpi(g->p, BPF_JEQ, BPF_REG_3, (int32_t)tasks->except, unwanted);
	if (tasks->pid) {
		fl_emit_jmpi(g->p, BPF_JEQ, BPF_REG_3, (int32_t)tasks->pid, wanted);
		fl_emit_jmpi(g->p, BPF_JNE, BPF_REG_2, (int32_t)tasks->pid, unwanted);
	}
	fl_label_place(g->p, wanted);
}

/* r0 = address of the set's byte of the process in hand, or of the thread; goes to @none without one. */
static void look_up(struct fl_gen *g, int16_t pids, uint32_t none)
{
	uint32_t found = fl_label_new(g->p);

	fl_emit_map_lookup(g->p, g->env->tasks->set_fd, pids + 4);
	fl_emit_jmpi(g->p, BPF_JNE, BPF_REG_0, 0, found);
	fl_emit_map_lookup(g->p, g->env->tasks->set_fd, pids);
	fl_emit_jmpi(g->p, BPF_JEQ, BPF_REG_0, 0, none);
	fl_label_place(g->p, found);
}

/* The ids of the task in hand lie at GEN_FP_PIDS in a namespace; else they are put there. */
static void keep_ids(struct fl_gen *g)
{
	if (in_namespace(g))
		return;
	fl_gen_ids(g, BPF_REG_2, BPF_REG_3);
	fl_emit_store(g->p, 4, BPF_REG_FP, GEN_FP_PIDS, BPF_REG_2);
	fl_emit_store(g->p, 4, BPF_REG_FP, GEN_FP_PIDS + 4, BPF_REG_3);
}

static void filter_set(struct fl_gen *g, uint32_t unwanted)
{
	if (g->env->tasks->set_fd < 0)
		return;
	keep_ids(g);
	look_up(g, GEN_FP_PIDS, unwanted);
	fl_emit_load(g->p, 1, BPF_REG_1, BPF_REG_0, 0);
	fl_emit_alui(g->p, BPF_AND, BPF_REG_1, FL_TASK_WANTED);
	fl_emit_jmpi(g->p, BPF_JEQ, BPF_REG_1, 0, unwanted);
}

static void filter_comm(struct fl_gen *g, uint32_t unwanted)
{
	char want[FL_COMM_LEN] = {}, mask[FL_COMM_LEN] = {};
	size_t n = FL_MIN(g->env->tasks->comm.n, sizeof(want) - 1);
	struct fl_insns *p = g->p;

	if (n == 0)
		return;
	memcpy(want, g->env->tasks->comm.p, n);
	memset(mask, 0xff, n + 1); /* its NUL too; what follows that is not the name */
	fl_emit_slot(p, BPF_REG_1, GEN_FP_WORDS);
	fl_emit_movi(p, BPF_REG_2, sizeof(want));
	fl_emit_call(p, BPF_FUNC_get_current_comm);
	for (int16_t half = 0; half < 16; half += 8) {
		uint64_t w, m;

		memcpy(&w, want + half, 8);
		memcpy(&m, mask + half, 8);
		if (!m)
			break;
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + half));
		if (m != UINT64_MAX) {
			fl_emit_imm64(p, BPF_REG_2, m);
			fl_emit_alu(p, BPF_AND, BPF_REG_1, BPF_REG_2);
		}
		fl_emit_imm64(p, BPF_REG_2, w);
		fl_emit_jmpr(p, BPF_JNE, BPF_REG_1, BPF_REG_2, unwanted);
	}
}

/* The cgroup, or one beneath it. */
static void filter_cgroup(struct fl_gen *g, uint32_t unwanted)
{
	if (g->env->tasks->cgroup_fd < 0)
		return;
	fl_emit_map_fd(g->p, BPF_REG_1, g->env->tasks->cgroup_fd);
	fl_emit_movi(g->p, BPF_REG_2, 0);
	fl_emit_call(g->p, BPF_FUNC_current_task_under_cgroup);
	fl_emit_jmpi(g->p, BPF_JNE, BPF_REG_0, 1, unwanted);
}

/* GEN_FP_TASK_KEYS = the task's key: idle tasks share the number 0, but not a CPU. */
static void budget_key(struct fl_gen *g)
{
	uint32_t done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_call(p, BPF_FUNC_get_current_pid_tgid);
	fl_emit_mov32(p, BPF_REG_0, BPF_REG_0);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, done);
	fl_emit_load(p, 4, BPF_REG_0, BPF_REG_FP, GEN_FP_KEY);
	fl_emit_alui(p, BPF_ADD, BPF_REG_0, 1);
	fl_emit_alui(p, BPF_LSH, BPF_REG_0, 32);
	fl_label_place(p, done);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_TASK_KEYS, BPF_REG_0);
}

#define BUDGET(member) ((int16_t)offsetof(struct fl_task_budget, member))

/*
 * A new second begins a new budget. Only the task itself gets here with its key, so nothing is locked;
 * an interrupt within it may take an event too many.
 */
static void filter_budget(struct fl_gen *g, uint32_t over)
{
	const struct fl_gen_task_filter *tasks = g->env->tasks;
	uint32_t known = fl_label_new(g->p), fresh = fl_label_new(g->p), done = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	if (!tasks->budget)
		return;
	budget_key(g);
	fl_emit_call(p, BPF_FUNC_ktime_get_ns);
	fl_emit_alui(p, BPF_DIV, BPF_REG_0, 1000000000);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	fl_emit_map_lookup(p, tasks->budget_fd, GEN_FP_TASK_KEYS);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, known);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_WORDS + BUDGET(second), GEN_VALUE);
	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_WORDS + BUDGET(events), 1);
	fl_emit_map_update(p, tasks->budget_fd, GEN_FP_TASK_KEYS, GEN_FP_WORDS, BPF_ANY);
	fl_emit_jmp(p, done);
	fl_label_place(p, known);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, BUDGET(second));
	fl_emit_jmpr(p, BPF_JNE, BPF_REG_1, GEN_VALUE, fresh);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, BUDGET(events));
	fl_emit_jmpi(p, BPF_JGE, BPF_REG_1, (int32_t)tasks->budget, over);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, 1);
	fl_emit_store(p, 8, BPF_REG_0, BUDGET(events), BPF_REG_1);
	fl_emit_jmp(p, done);
	fl_label_place(p, fresh);
	fl_emit_store(p, 8, BPF_REG_0, BUDGET(second), GEN_VALUE);
	fl_emit_storei(p, 8, BPF_REG_0, BUDGET(events), 1);
	fl_label_place(p, done);
}

int fl_gen_wanted(struct fl_gen *g, uint32_t unwanted)
{
	const struct fl_gen_task_filter *tasks = g->env->tasks;

	if (!tasks)
		return 0;
	if (tasks->ns && !g->env->task_btf)
		return fl_gen_refuse(g, SIZE_MAX, "BTF does not tell what a pid namespace calls a task");
	if (tasks->ns)
		numbers_of(g, GEN_FP_TASK);
	filter_pid(g, unwanted);
	filter_set(g, unwanted);
	filter_comm(g, unwanted);
	filter_cgroup(g, unwanted);
	return 0;
}

void fl_gen_budget(struct fl_gen *g, uint32_t over)
{
	if (g->env->tasks)
		filter_budget(g, over);
}

/* ---- the small programs ---- */

/* Their reads are few, and by helper: so no form must be tried. */
static void begin(struct fl_gen *g, struct fl_gen_env *env)
{
	env->read = FL_READ_HELPER;
	g->env = env;
	g->hook = &fl_hooks[FL_HOOK_RAW_TP];
	fl_emit_mov(g->p, GEN_CTX, BPF_REG_1);
}

static int end(struct fl_gen *g)
{
	fl_emit_movi(g->p, BPF_REG_0, 0);
	fl_emit_exit(g->p);
	return fl_insns_finish(g->p);
}

int fl_gen_whoami(const struct fl_gen_env *env, const struct fl_gen_pids *at, int map, struct fl_insns *p)
{
	struct fl_gen g = { .p = p };
	struct fl_gen_env own = *env;

	if (!env->task_btf)
		return -EOPNOTSUPP;
	begin(&g, &own);
	fl_emit_call(p, BPF_FUNC_get_current_task_btf);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	fl_gen_read_kernel(&g, 8, GEN_VALUE, (int32_t)at->thread_pid);
	fl_emit_mov(p, GEN_VALUE, BPF_REG_0);
	fl_gen_read_kernel(&g, 4, GEN_VALUE, (int32_t)at->level);
	fl_emit_map_value(p, GEN_REC, map, 0);
	fl_emit_store(p, 8, GEN_REC, (int16_t)offsetof(struct fl_whoami, level), BPF_REG_0);
	fl_emit_alui(p, BPF_MUL, BPF_REG_0, (int32_t)at->upid_size);
	fl_emit_alu(p, BPF_ADD, GEN_VALUE, BPF_REG_0);
	fl_gen_read_kernel(&g, 8, GEN_VALUE, (int32_t)(at->numbers + at->upid_ns));
	fl_emit_store(p, 8, GEN_REC, (int16_t)offsetof(struct fl_whoami, ns), BPF_REG_0);
	return end(&g);
}

/* The ids of the task that is the tracepoint's argument @n, at GEN_FP_PIDS. */
static void argument_ids(struct fl_gen *g, int16_t n)
{
	struct fl_insns *p = g->p;

	fl_emit_load(p, 8, GEN_VALUE, GEN_CTX, (int16_t)(8 * n));
	if (in_namespace(g)) {
		fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_TASK, GEN_VALUE);
		numbers_of(g, GEN_FP_TASK);
		return;
	}
	fl_gen_read_kernel(g, 4, GEN_VALUE, (int32_t)g->env->task_pid);
	fl_emit_store(p, 4, BPF_REG_FP, GEN_FP_PIDS, BPF_REG_0);
	fl_gen_read_kernel(g, 4, GEN_VALUE, (int32_t)g->env->task_tgid);
	fl_emit_store(p, 4, BPF_REG_FP, GEN_FP_PIDS + 4, BPF_REG_0);
}

/* Parent's ids are kept at GEN_FP_TASK_KEYS; r9 = whether the parent's children are wanted. */
static void parent_hands_down(struct fl_gen *g)
{
	uint32_t no = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	argument_ids(g, 0);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_PIDS);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_TASK_KEYS, BPF_REG_1);
	fl_emit_movi(p, GEN_REC, 0);
	look_up(g, GEN_FP_TASK_KEYS, no);
	fl_emit_load(p, 1, GEN_REC, BPF_REG_0, 0);
	fl_emit_alui(p, BPF_AND, GEN_REC, FL_TASK_CHILDREN);
	fl_label_place(p, no);
}

int fl_gen_fork(const struct fl_gen_env *env, int failed_fd, uint32_t failed_at, struct fl_insns *p)
{
	uint32_t leave = fl_label_new(p), drop = fl_label_new(p);
	struct fl_gen g = { .p = p };
	struct fl_gen_env own = *env;
	int set = env->tasks->set_fd;

	begin(&g, &own);
	parent_hands_down(&g);
	argument_ids(&g, 1);
	/* A new thread is in the set with its process. */
	fl_emit_load(p, 4, BPF_REG_1, BPF_REG_FP, GEN_FP_PIDS + 4);
	fl_emit_load(p, 4, BPF_REG_2, BPF_REG_FP, GEN_FP_TASK_KEYS + 4);
	fl_emit_jmpr(p, BPF_JEQ, BPF_REG_1, BPF_REG_2, drop);
	fl_emit_jmpi(p, BPF_JEQ, GEN_REC, 0, drop);
	fl_emit_storei(p, 8, BPF_REG_FP, GEN_FP_WORDS, FL_TASK_WANTED | FL_TASK_CHILDREN);
	fl_emit_map_update(p, set, GEN_FP_PIDS, GEN_FP_WORDS, BPF_ANY);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, leave);
	fl_emit_map_value(p, BPF_REG_1, failed_fd, failed_at);
	fl_emit_movi(p, BPF_REG_2, 1);
	fl_emit_atomic_add(p, 8, BPF_REG_1, 0, BPF_REG_2);
	fl_emit_jmp(p, leave);
	fl_label_place(p, drop);
	fl_emit_map_delete(p, set, GEN_FP_PIDS);
	fl_label_place(p, leave);
	return end(&g);
}

int fl_gen_free(const struct fl_gen_env *env, struct fl_insns *p)
{
	struct fl_gen g = { .p = p };
	struct fl_gen_env own = *env;

	begin(&g, &own);
	argument_ids(&g, 0);
	fl_emit_map_delete(p, env->tasks->set_fd, GEN_FP_PIDS);
	return end(&g);
}
