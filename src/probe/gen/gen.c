/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One program a probe, in this order:
 *
 *	count the hit; leave if the process is not wanted
 *	get room: a reserved piece of this CPU's ring, or the scratch record where there are strings
 *	the head: time, pid, command
 *	each argument's fetch program, into its slot (gen-fetch.c)
 *	stacks, where they are wanted (gen-stack.c)
 *	give the record away; leave
 *	detours: slow reads and faults
 *
 * Records of a fixed size are built in the ring itself. With strings the size is known only at the
 * end, so the record is built in per-CPU scratch memory and copied. The scratch belongs to one
 * probe: a program never interrupts itself on a CPU (the kernel refuses that and counts a miss), so
 * nobody else can write there meanwhile.
 *
 * One ring a CPU: producers never wait for each other's lock. No record wakes the reader, which
 * costs more than all the rest together; the reader looks by itself.
 */
#include "probe/gen/gen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/gen/private.h"

const char *const fl_read_form_names[_FL_READ_MAX] = {
	[FL_READ_VOID] = "loads after bpf_rdonly_cast() to void",
	[FL_READ_WINDOW] = "loads after bpf_rdonly_cast() to a struct of integers",
	[FL_READ_HELPER] = "bpf_probe_read() calls",
};

int fl_gen_refuse(struct fl_gen *g, size_t arg, const char *why)
{
	if (g->err)
		*g->err = (struct fl_gen_error){ arg, why };
	return -EOPNOTSUPP;
}

/* Any read can be told apart from a good one, if only by its detour: all but plain registers. */
static bool can_fault(const struct fl_probe_arg *a)
{
	if (a->type->flags & FL_TYPE_STRING && !(a->type->flags & FL_TYPE_SYMSTR))
		return false; /* a string tells by its length */
	for (uint32_t i = 0; i < a->program.n; i++) {
		enum fl_fetch_op op = a->program.code[i].op;

		if (fl_fetch_ops[op].stage == FL_STAGE_DEREF || op == FL_FETCH_ST_MEM ||
		    op == FL_FETCH_ST_UMEM || op == FL_FETCH_STACK)
			return true;
	}
	return false;
}

struct fl_layout_options fl_gen_layout(const struct fl_probe_event *e, enum fl_hook hook,
				       bool is_multi)
{
	enum fl_ctx ctx = fl_hooks[hook].ctx;
	struct fl_layout_options o = {
		.ip = is_multi || ctx == FL_CTX_USER_REGS || hook == FL_HOOK_SAMPLE,
		.caller = fl_hooks[hook].is_return,
	};

	for (size_t i = 0; i < e->nr_args; i++)
		o.faults |= can_fault(&e->args[i]);
	return o;
}

/* ---- the parts of a program ---- */

static void count(struct fl_gen *g, size_t member, uint8_t counts)
{
	fl_emit_movi(g->p, BPF_REG_2, 1);
	fl_emit_atomic_add(g->p, 8, counts, (int16_t)member, BPF_REG_2);
}

static void count_and_leave(struct fl_gen *g, uint32_t label, size_t member)
{
	if (!fl_label_used(g->p, label))
		return;
	fl_label_place(g->p, label);
	fl_emit_load(g->p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_COUNTS);
	count(g, member, BPF_REG_1);
	fl_emit_jmp(g->p, g->leave);
}

void fl_gen_count(struct fl_gen *g, size_t member)
{
	fl_emit_load(g->p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_COUNTS);
	count(g, member, BPF_REG_1);
}

void fl_gen_count_other(struct fl_gen *g, uint16_t event, size_t member)
{
	int32_t distance = ((int32_t)event - g->env->event) * (int32_t)sizeof(struct fl_probe_counts);

	fl_emit_load(g->p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_COUNTS);
	fl_emit_alui(g->p, BPF_ADD, BPF_REG_1, distance);
	count(g, member, BPF_REG_1);
}

static void count_hit(struct fl_gen *g)
{
	const struct fl_gen_env *env = g->env;
	struct fl_insns *p = g->p;

	fl_emit_call(p, BPF_FUNC_get_smp_processor_id);
	fl_emit_jmpi(p, BPF_JGE, BPF_REG_0, (int32_t)env->nr_cpus, g->leave);
	fl_emit_store(p, 4, BPF_REG_FP, GEN_FP_KEY, BPF_REG_0);
	fl_emit_alui(p, BPF_MUL, BPF_REG_0, (int32_t)fl_control_stride(env->nr_events));
	fl_emit_map_value(p, BPF_REG_1, env->control_fd,
			  env->event * (uint32_t)sizeof(struct fl_probe_counts));
	fl_emit_alu(p, BPF_ADD, BPF_REG_1, BPF_REG_0);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_COUNTS, BPF_REG_1);
	count(g, offsetof(struct fl_probe_counts, hits), BPF_REG_1);
}

static void current_task(struct fl_gen *g)
{
	if (!g->env->task_btf)
		return;
	fl_emit_call(g->p, BPF_FUNC_get_current_task_btf);
	fl_emit_store(g->p, 8, BPF_REG_FP, GEN_FP_TASK, BPF_REG_0);
}

/* r1 = the ring of the CPU in r2, among those from @first up to but not with @end */
static void pick_ring(struct fl_gen *g, size_t first, size_t end, uint32_t found, uint32_t lost)
{
	size_t middle = first + (end - first) / 2;
	struct fl_insns *p = g->p;
	uint32_t upper;

	if (end - first == 1) {
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_2, (int32_t)g->env->ring_cpu[first], lost);
		fl_emit_map_fd(p, BPF_REG_1, g->env->ring_fd[first]);
		fl_emit_jmp(p, found);
		return;
	}
	upper = fl_label_new(p);
	fl_emit_jmpi(p, BPF_JGE, BPF_REG_2, (int32_t)g->env->ring_cpu[middle], upper);
	pick_ring(g, first, middle, found, lost);
	fl_label_place(p, upper);
	pick_ring(g, middle, end, found, lost);
}

/* r1 = this CPU's ring */
static void find_ring(struct fl_gen *g, uint32_t lost)
{
	uint32_t found = fl_label_new(g->p), spare = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	if (g->env->rings_fd < 0) {
		bool has_spare = g->env->spare_fd >= 0;

		fl_emit_load(p, 4, BPF_REG_2, BPF_REG_FP, GEN_FP_KEY);
		pick_ring(g, 0, g->env->nr_rings, found, has_spare ? spare : lost);
		fl_label_place(p, spare);
		if (has_spare)
			fl_emit_map_fd(p, BPF_REG_1, g->env->spare_fd);
		fl_label_place(p, found);
		return;
	}
	fl_emit_map_lookup(p, g->env->rings_fd, GEN_FP_KEY);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_emit_mov(p, BPF_REG_1, BPF_REG_0);
}

/* GEN_REC = room for a record of a fixed size */
static void reserve(struct fl_gen *g, uint32_t lost)
{
	struct fl_insns *p = g->p;

	find_ring(g, lost);
	fl_emit_movi(p, BPF_REG_2, g->l->fixed_size);
	fl_emit_movi(p, BPF_REG_3, 0);
	fl_emit_call(p, BPF_FUNC_ringbuf_reserve);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_emit_mov(p, GEN_REC, BPF_REG_0);
}

#define HEAD(member) ((int16_t)offsetof(struct fl_record, member))

/* GEN_REC = piece @key of this CPU's scratch memory */
static void scratch_piece(struct fl_gen *g, int32_t key, uint32_t lost)
{
	struct fl_insns *p = g->p;

	fl_emit_storei(p, 4, BPF_REG_FP, GEN_FP_CPU, key);
	fl_emit_map_lookup(p, g->env->scratch_fd, GEN_FP_CPU);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_emit_mov(p, GEN_REC, BPF_REG_0);
}

/*
 * r1 = whether somebody has the piece at GEN_REC; now somebody has. Kernels whose programs may sleep have
 * exchanges, too; on older ones a user probe's program is not preempted between the load and the store.
 */
static void take_piece(struct fl_gen *g)
{
	struct fl_insns *p = g->p;

	if (g->hook->may_sleep) {
		fl_emit_movi(p, BPF_REG_1, 1);
		fl_emit_atomic_xchg(p, 4, GEN_REC, HEAD(taken), BPF_REG_1);
		return;
	}
	fl_emit_load(p, 4, BPF_REG_1, GEN_REC, HEAD(taken));
	fl_emit_storei(p, 4, GEN_REC, HEAD(taken), 1);
}

/* GEN_REC = scratch memory; of user probes the first piece that no preempted program has in hand */
static void scratch(struct fl_gen *g, uint32_t lost)
{
	uint32_t mine = fl_label_new(g->p);
	bool preempted = g->hook->ctx == FL_CTX_USER_REGS;

	for (int32_t key = 0; key < (preempted ? FL_GEN_SCRATCHES : 1); key++) {
		scratch_piece(g, key, lost);
		if (!preempted)
			break;
		take_piece(g);
		fl_emit_jmpi(g->p, BPF_JEQ, BPF_REG_1, 0, mine);
	}
	if (preempted)
		fl_emit_jmp(g->p, lost);
	fl_label_place(g->p, mine);
	if (preempted)
		fl_emit_store(g->p, 8, BPF_REG_FP, GEN_FP_TAKEN, GEN_REC);
	fl_emit_movi(g->p, GEN_CURSOR, g->l->fixed_size);
}

/* Before anything else: no scratch memory is taken yet. */
static void nothing_taken(struct fl_gen *g)
{
	if (g->hook->ctx == FL_CTX_USER_REGS)
		fl_emit_storei(g->p, 8, BPF_REG_FP, GEN_FP_TAKEN, 0);
}

/* The last thing: who comes next may have the scratch memory. */
static void give_back(struct fl_gen *g)
{
	uint32_t nothing = fl_label_new(g->p);

	if (g->hook->ctx != FL_CTX_USER_REGS)
		return;
	fl_emit_load(g->p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_TAKEN);
	fl_emit_jmpi(g->p, BPF_JEQ, BPF_REG_1, 0, nothing);
	fl_emit_storei(g->p, 4, BPF_REG_1, HEAD(taken), 0);
	fl_label_place(g->p, nothing);
}

static void head_comm(struct fl_gen *g)
{
	struct fl_insns *p = g->p;

	if (g->env->task_btf) {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_TASK);
		for (int16_t half = 0; half < FL_COMM_LEN; half += 8) {
			fl_emit_load(p, 8, BPF_REG_2, BPF_REG_1, (int16_t)(g->env->task_comm + half));
			fl_emit_store(p, 8, GEN_REC, (int16_t)(HEAD(comm) + half), BPF_REG_2);
		}
		return;
	}
	fl_emit_mov(p, BPF_REG_1, GEN_REC);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, HEAD(comm));
	fl_emit_movi(p, BPF_REG_2, FL_COMM_LEN);
	fl_emit_call(p, BPF_FUNC_get_current_comm);
}

static bool has_whole_regs(const struct fl_hook_info *hook)
{
	return hook == &fl_hooks[FL_HOOK_KPROBE] || hook == &fl_hooks[FL_HOOK_KRETPROBE] ||
	       hook == &fl_hooks[FL_HOOK_KPROBE_EVENT] || hook == &fl_hooks[FL_HOOK_KRETPROBE_EVENT];
}

/*
 * What is known of the CPU's state: whether interrupts were off, where there are whole registers. The
 * preempt count would tell the rest; it costs an event nothing that can be measured, but to find it in
 * BTF costs each start as much again as everything else.
 */
static void head_flags(struct fl_gen *g)
{
	const struct fl_arch *arch = g->env->arch;
	struct fl_insns *p = g->p;

	if (!has_whole_regs(g->hook)) {
		fl_emit_storei(p, 2, GEN_REC, HEAD(flags), 0);
		return;
	}
	fl_emit_load(p, 8, BPF_REG_1, GEN_CTX, (int16_t)arch->flags);
	fl_emit_alui(p, BPF_RSH, BPF_REG_1, arch->irqs_bit);
	if (!arch->irqs_bit_is_off)
		fl_emit_alui(p, BPF_XOR, BPF_REG_1, 1);
	fl_emit_alui(p, BPF_AND, BPF_REG_1, FL_RECORD_IRQS_OFF);
	fl_emit_store(p, 2, GEN_REC, HEAD(flags), BPF_REG_1);
}

void fl_gen_head(struct fl_gen *g, uint16_t event)
{
	struct fl_insns *p = g->p;

	fl_emit_call(p, g->env->boot_clock ? BPF_FUNC_ktime_get_boot_ns : BPF_FUNC_ktime_get_ns);
	fl_emit_store(p, 8, GEN_REC, HEAD(time), BPF_REG_0);
	fl_emit_storei(p, 2, GEN_REC, HEAD(event), g->env->first_event + event);
	fl_gen_ids(g, BPF_REG_2, BPF_REG_3);
	fl_emit_store(p, 4, GEN_REC, HEAD(pid), BPF_REG_2);
	fl_emit_load(p, 4, BPF_REG_1, BPF_REG_FP, GEN_FP_KEY);
	fl_emit_store(p, 4, GEN_REC, HEAD(cpu), BPF_REG_1);
	head_comm(g);
	head_flags(g);
}

/* Bytes from a function's start within which its call of a trampoline returns. */
#define ENTRY_CALL_MAX 32

/*
 * Behind the arguments and the return value a trampoline has its own frame (x86-64): the saved frame
 * pointer, and, where the function's first instruction calls it, the return into that function; then the
 * return into the caller. Where that instruction jumps instead (CONFIG_DYNAMIC_FTRACE_WITH_JMP), the word
 * between is not there. Which of the two a function has can change while it is traced, so each event
 * looks: a word that points just behind the function's start is a return into it.
 */
static void trampoline_caller(struct fl_gen *g)
{
	uint32_t found = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	fl_emit_mov(p, BPF_REG_1, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, GEN_FP_FRAME);
	fl_emit_movi(p, BPF_REG_2, 16);
	fl_emit_mov(p, BPF_REG_3, GEN_CTX);
	fl_emit_alui(p, BPF_ADD, BPF_REG_3, (int32_t)g->env->trampoline_words * 8 + 16);
	fl_emit_call(p, BPF_FUNC_probe_read_kernel);
	fl_emit_mov(p, BPF_REG_1, GEN_CTX);
	fl_emit_call(p, BPF_FUNC_get_func_ip);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_FRAME);
	fl_emit_mov(p, BPF_REG_2, BPF_REG_1);
	fl_emit_alu(p, BPF_SUB, BPF_REG_2, BPF_REG_0);
	fl_emit_jmpi(p, BPF_JGE, BPF_REG_2, ENTRY_CALL_MAX, found);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, GEN_FP_FRAME + 8);
	fl_label_place(p, found);
}

/* r0 = the function of a user return probe, where the helper has said 0: the task has what the kernel's own sees. */
static void user_func(struct fl_gen *g)
{
	uint32_t known = fl_label_new(g->p);

	if (!g->env->user_func[0])
		return;
	fl_emit_jmpi(g->p, BPF_JNE, BPF_REG_0, 0, known);
	fl_gen_load_task(g, BPF_REG_0);
	for (size_t i = 0; i < FL_ARRAY_SIZE(g->env->user_func); i++)
		fl_gen_read_kernel(g, 8, BPF_REG_0, (int32_t)g->env->user_func[i]);
	fl_label_place(g->p, known);
}

/* Where the probe is, and whom its function returns to. Of several places of a file it is the offset there. */
static void place(struct fl_gen *g)
{
	const struct fl_record_layout *l = g->l;
	struct fl_insns *p = g->p;

	if (l->ip_offset && g->e->place.nr_offsets > 1) {
		fl_emit_mov(p, BPF_REG_1, GEN_CTX);
		fl_emit_call(p, BPF_FUNC_get_attach_cookie);
		fl_emit_store(p, 8, GEN_REC, (int16_t)l->ip_offset, BPF_REG_0);
	} else if (l->ip_offset && ((g->hook->ctx == FL_CTX_USER_REGS && !g->hook->is_return) ||
				    g->hook == &fl_hooks[FL_HOOK_SAMPLE])) {
		fl_emit_load(p, 8, BPF_REG_1, GEN_CTX, (int16_t)g->env->arch->ip);
		fl_emit_store(p, 8, GEN_REC, (int16_t)l->ip_offset, BPF_REG_1);
	} else if (l->ip_offset) {
		fl_emit_mov(p, BPF_REG_1, GEN_CTX);
		fl_emit_call(p, BPF_FUNC_get_func_ip);
		if (g->hook->ctx == FL_CTX_USER_REGS)
			user_func(g);
		fl_emit_store(p, 8, GEN_REC, (int16_t)l->ip_offset, BPF_REG_0);
	}
	if (!l->caller_offset)
		return;
	if (g->hook->ctx == FL_CTX_TRAMPOLINE)
		trampoline_caller(g);
	else
		fl_emit_load(p, 8, BPF_REG_1, GEN_CTX, (int16_t)g->env->arch->ip);
	fl_emit_store(p, 8, GEN_REC, (int16_t)l->caller_offset, BPF_REG_1);
}

static void clear_faults(struct fl_gen *g)
{
	for (uint32_t bit = 0; bit < g->l->nr_faults; bit += 64)
		fl_emit_storei(g->p, 8, GEN_REC, (int16_t)(g->l->faults_offset + bit / 8), 0);
}

/*
 * The words kept at entry, found by the stack pointer there: a function returns with the pointer
 * one word higher, and what the kernel shows differs by a word between its versions.
 */
static void find_entry(struct fl_gen *g, uint32_t missing)
{
	static const int32_t above[] = { 8, 0, 16 };
	uint32_t found = fl_label_new(g->p);
	struct fl_insns *p = g->p;

	for (size_t i = 0; i < FL_ARRAY_SIZE(above); i++) {
		fl_emit_load(p, 8, BPF_REG_1, GEN_CTX, (int16_t)g->env->arch->sp);
		fl_emit_alui(p, BPF_ADD, BPF_REG_1, -above[i]);
		fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_SP, BPF_REG_1);
		fl_emit_map_lookup(p, g->env->entry_fd, GEN_FP_SP);
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, found);
	}
	fl_emit_jmp(p, missing);
	fl_label_place(p, found);
	for (size_t i = 0; i < g->e->nr_entry_args; i++) {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, (int16_t)(8 * i));
		fl_emit_store(p, 8, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + 8 * (int)i), BPF_REG_1);
	}
	fl_emit_map_fd(p, BPF_REG_1, g->env->entry_fd);
	fl_emit_mov(p, BPF_REG_2, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_2, GEN_FP_SP);
	fl_emit_call(p, BPF_FUNC_map_delete_elem);
}

static bool needs_entry(const struct fl_gen *g)
{
	return g->e->nr_entry_args && g->hook->is_return && g->hook->ctx == FL_CTX_REGS;
}

/* Strings and stacks make a record's size known only at the end; a filter, whether it is wanted. */
static bool in_scratch(const struct fl_gen *g)
{
	return g->l->nr_strings || g->l->stacks || g->l->raw_offset || g->env->counts ||
	       (g->env->filter && g->hook->ctx != FL_CTX_RECORD);
}

/* BPF_RB_NO_WAKEUP */
static void submit(struct fl_gen *g, uint32_t lost)
{
	struct fl_insns *p = g->p;

	if (!in_scratch(g)) {
		fl_emit_mov(p, BPF_REG_1, GEN_REC);
		fl_emit_movi(p, BPF_REG_2, BPF_RB_NO_WAKEUP);
		fl_emit_call(p, BPF_FUNC_ringbuf_submit);
		return;
	}
	find_ring(g, lost);
	fl_emit_mov(p, BPF_REG_2, GEN_REC);
	fl_emit_mov(p, BPF_REG_3, GEN_CURSOR);
	fl_emit_movi(p, BPF_REG_4, BPF_RB_NO_WAKEUP);
	fl_emit_call(p, BPF_FUNC_ringbuf_output);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, lost);
}

/* A record that was put together beside the event's own. */
void fl_gen_output(struct fl_gen *g, uint32_t size, uint32_t lost)
{
	find_ring(g, lost);
	fl_emit_mov(g->p, BPF_REG_2, GEN_REC);
	fl_emit_movi(g->p, BPF_REG_3, (int32_t)size);
	fl_emit_movi(g->p, BPF_REG_4, BPF_RB_NO_WAKEUP);
	fl_emit_call(g->p, BPF_FUNC_ringbuf_output);
	fl_emit_jmpi(g->p, BPF_JNE, BPF_REG_0, 0, lost);
}

static void send(struct fl_gen *g, uint32_t lost)
{
	fl_gen_stacks(g);
	submit(g, lost);
}

/* The filter runs as soon as it can: an event probe's before anything is fetched. */
static int filter(struct fl_gen *g, bool fetched, uint32_t unwanted)
{
	if (!g->env->filter || fetched != (g->hook->ctx != FL_CTX_RECORD))
		return 0;
	return fl_gen_filter(g, g->env->filter, fetched, unwanted);
}

static int fetch_args(struct fl_gen *g)
{
	int r = 0;

	clear_faults(g);
	for (size_t i = 0; i < g->e->nr_args && r == 0; i++)
		r = fl_gen_arg(g, i);
	return r;
}

struct exits {
	uint32_t unwanted, lost, unpaired, over_budget;
};

/* What a filter takes is nobody's budget; without one, no room is taken for what is over it. */
static bool filters_fetched(const struct fl_gen *g)
{
	return g->env->filter && g->hook->ctx != FL_CTX_RECORD;
}

/* What is counted is not seen, but filters may ask for it. */
static bool needs_head(const struct fl_gen *g)
{
	bool filters = g->env->filter;

	for (size_t i = 0; i < g->env->nr_hists; i++)
		filters |= g->env->hists[i]->filter != NULL;
	return !g->env->counts || filters;
}

static int body(struct fl_gen *g, struct exits x)
{
	int r;

	fl_emit_mov(g->p, GEN_CTX, BPF_REG_1);
	nothing_taken(g);
	count_hit(g);
	current_task(g);
	r = fl_gen_wanted(g, x.unwanted);
	if (r == 0)
		r = filter(g, false, x.unwanted);
	if (r < 0)
		return r;
	if (!filters_fetched(g))
		fl_gen_budget(g, x.over_budget);
	if (needs_entry(g))
		find_entry(g, x.unpaired);
	r = fl_gen_touch(g);
	if (r < 0)
		return r;
	if (in_scratch(g))
		scratch(g, x.lost);
	else
		reserve(g, x.lost);
	if (needs_head(g))
		fl_gen_head(g, g->env->event);
	if (needs_head(g) || g->l->ip_offset)
		place(g);
	r = fl_gen_raw(g);
	if (r == 0)
		r = fetch_args(g);
	if (r == 0)
		r = filter(g, true, x.unwanted);
	if (r < 0)
		return r;
	if (filters_fetched(g))
		fl_gen_budget(g, x.over_budget);
	if (g->env->counts && !g->env->nr_hists)
		fl_gen_count(g, offsetof(struct fl_probe_counts, filtered)); /* by pausing all of them */
	if (g->env->counts)
		return fl_gen_hists(g, g->env->hists, g->env->nr_hists);
	send(g, x.lost);
	return 0;
}

static int generate(struct fl_gen *g)
{
	struct fl_insns *p = g->p;
	struct exits x;
	int r;

	if (needs_entry(g) && g->e->nr_entry_args > GEN_MAX_WORDS)
		return fl_gen_refuse(g, SIZE_MAX, "too many arguments to keep from entry to return");
	g->leave = fl_label_new(p);
	x = (struct exits){ fl_label_new(p), fl_label_new(p), fl_label_new(p), fl_label_new(p) };
	r = body(g, x);
	if (r < 0)
		return r;
	fl_label_place(p, g->leave);
	give_back(g);
	fl_emit_movi(p, BPF_REG_0, 0);
	fl_emit_exit(p);
	count_and_leave(g, x.lost, offsetof(struct fl_probe_counts, lost));
	count_and_leave(g, x.unwanted, offsetof(struct fl_probe_counts, filtered));
	count_and_leave(g, x.unpaired, offsetof(struct fl_probe_counts, unpaired));
	count_and_leave(g, x.over_budget, offsetof(struct fl_probe_counts, over_budget));
	fl_gen_detours(g);
	return g->out_of_memory ? -ENOMEM : fl_insns_finish(p);
}

int fl_gen_event(const struct fl_probe_event *e, enum fl_hook hook,
		 const struct fl_record_layout *l, const struct fl_gen_env *env,
		 struct fl_insns *out, struct fl_gen_error *err)
{
	struct fl_gen g = {
		.e = e, .l = l, .env = env, .hook = &fl_hooks[hook], .p = out, .err = err,
	};
	int r;

	if (err)
		*err = (struct fl_gen_error){ SIZE_MAX, NULL };
	r = generate(&g);
	free(g.detours);
	return r;
}

int fl_gen_entry(const struct fl_probe_event *e, const struct fl_gen_env *env, struct fl_insns *p,
		 struct fl_gen_error *err)
{
	struct fl_gen g = { .e = e, .env = env, .hook = &fl_hooks[FL_HOOK_KPROBE], .p = p, .err = err };
	int r;

	if (e->nr_entry_args > GEN_MAX_WORDS)
		return fl_gen_refuse(&g, SIZE_MAX, "too many arguments to keep from entry to return");
	fl_emit_mov(p, GEN_CTX, BPF_REG_1);
	for (size_t i = 0; i < e->nr_entry_args; i++) {
		r = fl_gen_load_arg(&g, SIZE_MAX, e->entry_args[i]);
		if (r < 0)
			return r;
		fl_emit_store(p, 8, BPF_REG_FP, (int16_t)(GEN_FP_WORDS + 8 * (int)i), GEN_VALUE);
	}
	fl_emit_load(p, 8, BPF_REG_1, GEN_CTX, (int16_t)env->arch->sp);
	fl_emit_store(p, 8, BPF_REG_FP, GEN_FP_SP, BPF_REG_1);
	fl_emit_map_fd(p, BPF_REG_1, env->entry_fd);
	fl_emit_mov(p, BPF_REG_2, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_2, GEN_FP_SP);
	fl_emit_mov(p, BPF_REG_3, BPF_REG_FP);
	fl_emit_alui(p, BPF_ADD, BPF_REG_3, GEN_FP_WORDS);
	fl_emit_movi(p, BPF_REG_4, BPF_ANY);
	fl_emit_call(p, BPF_FUNC_map_update_elem);
	fl_emit_movi(p, BPF_REG_0, 0);
	fl_emit_exit(p);
	return fl_insns_finish(p);
}
