/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter of fetch programs against the BPF that is generated for them: random arguments, of
 * everything that the language has, over random memory. The same values, the same faults.
 *
 *	fetch-bpf [PROGRAMS [SEED]]	0: equal, 1: not, 77: this kernel permits too little
 *
 * Kernel memory: a BPF array that this process has mapped, with the kernel's own guard page behind
 * it; its words point into itself, behind itself, into a mapping of this process, to NULL and to
 * nowhere. The programs are those of tracepoint probes, run by BPF_PROG_TEST_RUN with random words
 * for a context. What is outside of the array is read by a small program of our own ("peek"), so
 * that the judge knows of every address what the kernel would say. Each form of memory reads is
 * tried, with exact faults and without: there a fault at a kernel address gives zero untold.
 *
 * User memory: a probe in this program, where all registers (the stack pointer among them) hold
 * random words, most of which point into a mapping with nothing behind it.
 *
 * Somebody else may change memory that wild pointers lead to (a count of users that goes with every
 * fork of a busy machine): what differs is run again, and counts when it differs each time.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/num.h"
#include "base/util.h"
#include "bpf/attach.h"
#include "probe/gen/gen.h"
#include "probe/gen/kernel.h"
#include "probe/live/point.h"
#include "probe/live/rings.h"
#include "bpf/sys.h"
#include "probe/fetch/interp.h"
#include "probe/lang/check.h"

#define IMAGE	   (4u * 4096)
#define NR_WORDS   12 /* of a context: the most that a test run takes */
#define NR_ARGS	   12 /* arguments of an event */
#define NR_RUNS	   6  /* of each event */
#define SKIPPED	   77

struct peek {
	uint64_t address, user, size;
	int64_t result;
	uint64_t task, image;
	uint8_t data[8];
};

struct world {
	bool user;   /* user probe, not kernel memory */
	bool exact;  /* faults are always told */
	struct fl_target *target;
	struct fl_gen_env env;
	struct fl_rings *rings;
	struct peek *peek;
	int peek_prog, control;
	uint8_t *image;		 /* ours of the kernel's array */
	uint64_t base;		 /* where the kernel has it */
	uint8_t *mine;		 /* user memory, nothing behind it */
	uint64_t words[16];	 /* the context, or the registers in the order of regs[] */
	uint64_t seed;
	char text[64];		 /* of a $comm or an immediate string, for the interpreter */
	uint8_t record[64 << 10];
	size_t record_size;
	unsigned long programs, values, faults, untold, again;
};

static uint64_t random64(struct world *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed * 0x2545f4914f6cdd1d;
}

static uint32_t below(struct world *w, uint32_t n)
{
	return (uint32_t)(random64(w) >> 33) % n;
}

static bool maybe(struct world *w, uint32_t percent)
{
	return below(w, 100) < percent;
}

/* ---- the user probe ---- */

enum { NR_REGS = 16 };
/* As probed_here() loads them; the stack pointer is the last. */
#if defined(__aarch64__)
static const char *const regs[NR_REGS] = { "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
					   "x11", "x12", "x13", "x14", "sp" };
#elif defined(__x86_64__)
static const char *const regs[NR_REGS] = { "ax", "bx", "cx", "dx", "si", "di", "bp", "r8", "r9", "r10",
					   "r11", "r12", "r13", "r14", "r15", "sp" };
#else
#error "this architecture's registers are not known here"
#endif
static uint64_t saved_sp __attribute__((used));

void probed_run(const uint64_t *words);
extern const uint8_t probed_here[];

/* Loads all registers from the words, meets the probe, and takes its own back. */
#if defined(__aarch64__)
__asm__(".pushsection .text\n" /* none of these is the caller's but the stack pointer */
	".globl probed_run, probed_here\n"
	"probed_run:\n"
	"	adrp x16, saved_sp\n"
	"	mov x17, sp\n"
	"	str x17, [x16, :lo12:saved_sp]\n"
	"	ldr x17, [x0, 120]\n"
	"	mov sp, x17\n"
	"	ldp x1, x2, [x0, 8]; ldp x3, x4, [x0, 24]; ldp x5, x6, [x0, 40]; ldp x7, x8, [x0, 56]\n"
	"	ldp x9, x10, [x0, 72]; ldp x11, x12, [x0, 88]; ldp x13, x14, [x0, 104]; ldr x0, [x0]\n"
	"probed_here:\n"
	"	nop\n"
	"	ldr x17, [x16, :lo12:saved_sp]\n"
	"	mov sp, x17\n"
	"	ret\n"
	".popsection\n");
#else
__asm__(".pushsection .text\n"
	".globl probed_run, probed_here\n"
	"probed_run:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, saved_sp(%rip)\n"
	"	mov (%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx\n"
	"	mov 32(%rdi), %rsi; mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r9\n"
	"	mov 72(%rdi), %r10; mov 80(%rdi), %r11; mov 88(%rdi), %r12; mov 96(%rdi), %r13\n"
	"	mov 104(%rdi), %r14; mov 112(%rdi), %r15; mov 120(%rdi), %rsp; mov 40(%rdi), %rdi\n"
	"probed_here:\n"
	"	nop\n"
	"	mov saved_sp(%rip), %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".popsection\n");
#endif

/* Where @address of this program is in its file. */
static int file_offset(uint64_t address, uint64_t *ret)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long long from, to, at;
	char line[512];
	int r = -ENOENT;

	while (f && r < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx %*s %llx", &from, &to, &at) == 3 && address >= from &&
		    address < to) {
			*ret = address - from + at;
			r = 0;
		}
	}
	if (f)
		fclose(f);
	return r;
}

/* ---- memory ---- */

static int test_run(int prog, const uint64_t *words, size_t n)
{
	union bpf_attr attr = { .test.prog_fd = (uint32_t)prog, .test.ctx_in = (uintptr_t)words,
				.test.ctx_size_in = (uint32_t)(n * sizeof(*words)) };

	return syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

#define AT(member) ((int16_t)offsetof(struct peek, member))

/* A call for each kind and size, as the verifier wants to see the size. */
static void emit_peek(struct fl_insns *p, bool user, uint32_t size, uint32_t end)
{
	uint32_t other = fl_label_new(p);

	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_6, AT(user));
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_1, user, other);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_6, AT(size));
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_1, (int32_t)size, other);
	fl_emit_mov(p, BPF_REG_1, BPF_REG_6);
	fl_emit_alui(p, BPF_ADD, BPF_REG_1, AT(data));
	fl_emit_movi(p, BPF_REG_2, (int32_t)size);
	fl_emit_load(p, 8, BPF_REG_3, BPF_REG_6, AT(address));
	fl_emit_call(p, user ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel);
	fl_emit_store(p, 8, BPF_REG_6, AT(result), BPF_REG_0);
	fl_emit_jmp(p, end);
	fl_label_place(p, other);
}

static int load_peek(int map, int image)
{
	_cleanup_insns_ struct fl_insns p = {};
	uint32_t end = fl_label_new(&p);

	fl_emit_map_value(&p, BPF_REG_6, map, 0);
	fl_emit_map_value(&p, BPF_REG_1, image, 0);
	fl_emit_store(&p, 8, BPF_REG_6, AT(image), BPF_REG_1);
	fl_emit_call(&p, BPF_FUNC_get_current_task);
	fl_emit_store(&p, 8, BPF_REG_6, AT(task), BPF_REG_0);
	for (uint32_t size = 1; size <= 8; size *= 2) {
		emit_peek(&p, false, size, end);
		emit_peek(&p, true, size, end);
	}
	fl_label_place(&p, end);
	fl_emit_movi(&p, BPF_REG_0, 0);
	fl_emit_exit(&p);
	if (fl_insns_finish(&p) < 0)
		return -EINVAL;
	return fl_bpf_prog_load(&(struct fl_bpf_prog){ .type = BPF_PROG_TYPE_RAW_TRACEPOINT,
						       .name = "peek", .insns = p.v,
						       .nr_insns = p.n });
}

static void *mapped_array(const char *name, uint32_t size, int *ret_fd)
{
	void *p;

	*ret_fd = fl_bpf_map_create(&(struct fl_bpf_map){ .type = BPF_MAP_TYPE_ARRAY, .name = name,
			.key_size = 4, .value_size = size, .entries = 1, .flags = BPF_F_MMAPABLE });
	if (*ret_fd < 0)
		return NULL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static int ask_peek(struct world *w, uint64_t address, bool user, size_t size)
{
	int r;

	w->peek->address = address;
	w->peek->user = user;
	w->peek->size = size;
	w->peek->result = -EFAULT;
	r = test_run(w->peek_prog, NULL, 0);
	return r < 0 ? r : (int)w->peek->result;
}

static bool user_half(uint64_t address)
{
	return !(address >> 63);
}

/* What the kernel's own probes would see: on x86 the address alone says whose memory it is. */
static int read_memory(void *ctx, uint64_t address, bool user, void *buf, size_t n)
{
	struct world *w = ctx;
	uint64_t text = (uintptr_t)w->text;
	int r;

	if (address >= text && fl_range_ok(address - text, n, sizeof(w->text))) {
		memcpy(buf, (const void *)(uintptr_t)address, n);
		return 0;
	}
	if (!user && !w->user && address >= w->base && fl_range_ok(address - w->base, n, IMAGE)) {
		memcpy(buf, w->image + (address - w->base), n);
		return 0;
	}
	r = ask_peek(w, address, user || w->user || user_half(address), n);
	if (r == 0)
		memcpy(buf, w->peek->data, n);
	return r < 0 ? -EFAULT : 0;
}

static uint64_t load_text(struct world *w, struct fl_str text)
{
	memset(w->text, 0, sizeof(w->text));
	memcpy(w->text, text.p, FL_MIN(text.n, sizeof(w->text) - 1));
	return (uintptr_t)w->text;
}

static uint64_t load_comm(struct world *w)
{
	return load_text(w, fl_str(program_invocation_short_name));
}

static uint64_t register_at(const struct world *w, uint32_t offset)
{
	const struct fl_reg *r = fl_arch_reg_at(w->env.arch, offset);

	for (size_t i = 0; r && i < NR_REGS; i++)
		if (strcmp(r->name, regs[i]) == 0)
			return w->words[i];
	return 0;
}

static int load_value(void *ctx, const struct fl_fetch_insn *insn, uint64_t *ret)
{
	struct world *w = ctx;
	uint8_t word[8] = {};

	switch (insn->op) {
	case FL_FETCH_ARG:
		*ret = w->words[insn->param - 1];
		return 0;
	case FL_FETCH_REG:
		*ret = register_at(w, insn->param);
		return 0;
	case FL_FETCH_STACKP:
		*ret = w->words[NR_REGS - 1];
		return 0;
	case FL_FETCH_STACK: /* what cannot be read is zero */
		read_memory(w, w->words[NR_REGS - 1] + 8ull * insn->param, true, word, 8);
		*ret = fl_get_le64(word);
		return 0;
	case FL_FETCH_CURRENT:
		*ret = w->peek->task;
		return 0;
	case FL_FETCH_COMM:
		*ret = load_comm(w);
		return 0;
	case FL_FETCH_DATA:
		*ret = load_text(w, insn->text);
		return 0;
	case FL_FETCH_FOFFS:
		if (file_offset((uintptr_t)probed_here, ret) < 0)
			return -EINVAL;
		*ret = (uintptr_t)probed_here - *ret + insn->imm;
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- random memory ---- */

static uint64_t random_pointer(struct world *w, uint64_t base)
{
	switch (below(w, 24)) {
	case 0:
		return base + IMAGE - 8 * below(w, 12); /* about the end */
	case 1:
		return base + IMAGE - below(w, 80);
	case 2:
		return base + 256 + below(w, IMAGE - 256);
	case 3: /* the longest string ends about there */
		return base + IMAGE - 4094 - below(w, 4);
	default:
		return base + 256 + below(w, (IMAGE - 256) / 8) * 8;
	}
}

/* Addresses near the end of all would, with an offset, come out in the other half: when faults go
 * untold that is decided by the address before. */
static uint64_t random_word(struct world *w)
{
	uint64_t kernel = w->user ? (uintptr_t)w->mine : w->base;

	switch (below(w, 40)) {
	case 0:
		return 0;
	case 1:
		return below(w, 8192); /* NULL and what lies around it */
	case 2:
		return random64(w) >> 1 & ~(1ull << 62); /* the user's half, mostly not canonical */
	case 3:
		return random64(w) >> 8 | 1ull << 63; /* the kernel's, not canonical */
	case 4:
		return w->exact ? -(uint64_t)below(w, 256) : 0;
	case 5:
		return random_pointer(w, kernel) - (maybe(w, 50) ? 0x7fffff00u : -0x7fffff00u);
	case 6:
	case 7:
		return random_pointer(w, (uintptr_t)w->mine);
	default:
		return random_pointer(w, kernel);
	}
}

static void fill(struct world *w, uint8_t *at)
{
	for (size_t i = 0; i < IMAGE;) {
		size_t n = FL_MIN((size_t)8 + below(w, maybe(w, 2) ? 9000 : 40), IMAGE - i);

		if (i % 8 || maybe(w, 12)) { /* letters, mostly with a NUL behind them */
			for (size_t k = 0; k < n; k++)
				at[i + k] = (uint8_t)(maybe(w, 95) ? 'a' + below(w, 26) : 128 + below(w, 128));
			if (maybe(w, 90))
				at[i + n - 1] = '\0';
			i += n;
		} else {
			fl_put_le64(at + i, random_word(w));
			i += 8;
		}
	}
}

/* ---- random arguments ---- */

static const char *const casts[] = {
	"(task_struct)%s->pid", "(task_struct)%s->comm", "(task_struct)%s->cred->uid.val",
	"(task_struct)%s->sched_reset_on_fork", "(task_struct,tasks)%s->tgid", "(task_struct)%s->flags",
	"(list_head)%s->next->prev", "(list_head)%s->next->next->next", "(dentry)%s->d_name.name",
	"(dentry)%s->d_parent->d_iname", "(file)%s->f_mode", "(file)%s->f_path.dentry",
	"(sk_buff)%s->pkt_type", "(sk_buff)%s->len", "(sk_buff)%s->ip_summed", "(inode)%s->i_ino",
	"(inode)%s->i_mode", "(inode,i_sb_list)%s->i_rdev", "(super_block)%s->s_id",
	"(hlist_node)%s->next", "(mm_struct)%s->mm_users", "(pid)%s->level",
};
static const char *const known[] = {
	"$current->pid", "$current->comm", "$current->group_leader->comm", "$current->real_parent->pid",
	"$current->cred->uid.val", "$current->files->fdt",
};
static const char *const symbols[] = { "vfs_read", "kfree", "linux_banner", "init_task", "no_such" };

static void leaf(struct world *w, struct fl_buf *out)
{
	uint32_t what = below(w, 20);
	uint64_t at = random_pointer(w, w->user ? (uintptr_t)w->mine : w->base);

	if (what == 0)
		fl_buf_addf(out, "\\%llu", (unsigned long long)at);
	else if (what == 1)
		fl_buf_addf(out, "@0x%llx", (unsigned long long)at);
	else if (what == 2 && w->exact)
		fl_buf_addf(out, "\\%d", (int)random64(w));
	else if (w->user && what == 3)
		fl_buf_addf(out, "@+0x%x", below(w, 4096));
	else if (w->user && what < 7)
		fl_buf_addf(out, "$stack%u", below(w, 40));
	else if (w->user && what == 7)
		fl_buf_addz(out, "$stack");
	else if (w->user)
		fl_buf_addf(out, "%%%s", regs[below(w, NR_REGS)]);
	else if (what < 5 && w->exact)
		fl_buf_addf(out, "@%s+%u", symbols[below(w, FL_ARRAY_SIZE(symbols))], below(w, 64));
	else
		fl_buf_addf(out, "$arg%u", 1 + below(w, NR_WORDS));
}

static void expression(struct world *w, unsigned int depth, struct fl_buf *out);

static void dereference(struct world *w, unsigned int depth, struct fl_buf *out)
{
	static const int far[] = { 0x7fffff00, -0x7fffff00, 4096, -4096 };
	int offset = maybe(w, 75) ? 8 * (int)below(w, 12) : (int)below(w, 256) - 128;

	if (w->exact && maybe(w, 6))
		offset = far[below(w, FL_ARRAY_SIZE(far))];
	fl_buf_addf(out, "%s%s%d(", offset < 0 ? "-" : "+", maybe(w, 12) ? "u" : "", abs(offset));
	expression(w, depth + 1, out);
	fl_buf_addc(out, ')');
}

/* Offsets about the last one that a load instruction's 16 signed bits can hold, and what a bound of
 * the wrong size would let through. */
static void edge_dereference(struct world *w, struct fl_buf *out)
{
	uint64_t at = random_pointer(w, w->user ? (uintptr_t)w->mine : w->base);
	static const uint32_t edges[] = { 32703, 32704, 32705, 32760, 32767, 32768, 32769, 32832, 65471 };
	uint32_t offset = edges[below(w, FL_ARRAY_SIZE(edges))];
	bool negative = maybe(w, 50);

	fl_buf_addf(out, "%c%u(\\%llu)", negative ? '-' : '+', offset,
		    (unsigned long long)(negative ? at + offset : at - offset));
}

static void cast(struct world *w, unsigned int depth, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf inner = {};

	fl_buf_addc(&inner, '(');
	expression(w, depth + 1, &inner);
	fl_buf_addc(&inner, ')');
	/* one of ours, with one place for a text */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	fl_buf_addf(out, casts[below(w, FL_ARRAY_SIZE(casts))], fl_buf_z(&inner));
#pragma GCC diagnostic pop
}

static void expression(struct world *w, unsigned int depth, struct fl_buf *out)
{
	uint32_t what = below(w, 100);

	if (what < 6)
		edge_dereference(w, out);
	else if (what < 50 && depth < 5)
		dereference(w, depth, out);
	else if (what < 65 && depth < 3 && !w->user)
		cast(w, depth, out);
	else if (what < 68 && !w->user && w->exact && w->env.percpu != FL_PERCPU_NONE)
		fl_buf_addf(out, "this_cpu_%s($arg%u)", maybe(w, 50) ? "ptr" : "read", 1 + below(w, NR_WORDS));
	else
		leaf(w, out);
}

static void type(struct world *w, struct fl_buf *out)
{
	static const char *const plain[] = { "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "x8",
					     "x16", "x32", "x64", "char", "symbol", "symstr" };
	static const char *const string[] = { "string", "string", "ustring" };
	uint32_t what = below(w, 100), size;

	if (what < 20)
		return;
	if (what < 55) {
		fl_buf_addf(out, ":%s", plain[below(w, FL_ARRAY_SIZE(plain))]);
	} else if (what < 80) {
		fl_buf_addf(out, ":%s", string[below(w, FL_ARRAY_SIZE(string))]);
	} else {
		size = 8u << below(w, 4);
		fl_buf_addf(out, ":b%u@%u/%u", 1 + below(w, size), below(w, size), size);
	}
	if (maybe(w, 25))
		fl_buf_addf(out, "[%u]", 1 + below(w, maybe(w, 20) ? 64 : 8));
}

static void argument(struct world *w, struct fl_buf *out)
{
	uint32_t what = below(w, 100);

	if (what < 2)
		fl_buf_addz(out, "$comm:string");
	else if (what < 4)
		fl_buf_addf(out, "\\\"text-%u\"", below(w, 100000));
	else if (what < 8 && w->exact && !w->user)
		fl_buf_addz(out, known[below(w, FL_ARRAY_SIZE(known))]);
	else
		expression(w, 0, out);
	if (what >= 4)
		type(w, out);
}

/* ---- one event: text, event, program, run ---- */

struct event {
	struct fl_probe_event *e;
	struct fl_record_layout layout;
	int prog, scratch;
	struct fl_attachment attached;
	uint64_t offset; /* of the user probe */
};

static int check(struct world *w, struct fl_str args, uint64_t offset, struct fl_probe_event **ret)
{
	_cleanup_verdict_ struct fl_probe_verdict v = { .no_help = true };
	_cleanup_buf_ struct fl_buf def = {};

	if (w->user)
		fl_buf_addf(&def, "p:g/e /proc/self/exe:0x%llx", (unsigned long long)offset);
	else
		fl_buf_addz(&def, "t:g/e sched_switch");
	fl_buf_add_str(&def, args);
	return fl_probe_check(w->target, FL_DIALECT_7_3, FL_FILE_DYNAMIC_EVENTS, fl_buf_str(&def),
			      ret, &v);
}

/* What the language or this kernel's symbols refuse is left out. */
static bool usable(struct world *w, struct fl_str arg, uint64_t offset)
{
	struct fl_probe_event *e = NULL;
	bool ok = check(w, arg, offset, &e) == 0 && e->nr_args == 1 &&
		  fl_points_symbol(w->target, &e->args[0].program) == 0;

	fl_probe_event_free(e);
	return ok;
}

static int make_event(struct world *w, struct event *ev)
{
	_cleanup_buf_ struct fl_buf args = {};
	int r;

	for (unsigned int n = 0; n < NR_ARGS;) {
		_cleanup_buf_ struct fl_buf arg = {};

		fl_buf_addf(&arg, " v%u=", n);
		argument(w, &arg);
		if (!usable(w, fl_buf_str(&arg), ev->offset))
			continue;
		fl_buf_add_str(&args, fl_buf_str(&arg));
		n++;
	}
	r = check(w, fl_buf_str(&args), ev->offset, &ev->e);
	for (size_t i = 0; r == 0 && i < ev->e->nr_args; i++)
		r = fl_points_symbol(w->target, &ev->e->args[i].program);
	return r;
}

static int load_event(struct world *w, struct event *ev, struct fl_buf *why)
{
	enum fl_hook hook = w->user ? FL_HOOK_UPROBE : FL_HOOK_RAW_TP;
	struct fl_attach_point at = { .name = w->user ? "/proc/self/exe" : "sched_switch",
				      .offset = ev->offset };
	_cleanup_insns_ struct fl_insns insns = {};
	struct fl_gen_error error;
	int r;

	r = fl_record_layout(ev->e, fl_gen_layout(ev->e, hook, false), &ev->layout);
	if (r < 0)
		return r;
	ev->scratch = fl_bpf_map_create(&(struct fl_bpf_map){ .type = BPF_MAP_TYPE_PERCPU_ARRAY,
			.name = "scratch", .key_size = 4, .entries = FL_GEN_SCRATCHES,
			.value_size = (ev->layout.max_size + 7) / 8 * 8 });
	if (ev->scratch < 0)
		return ev->scratch;
	w->env.scratch_fd = ev->scratch;
	w->env.exact_faults = w->exact;
	r = fl_gen_event(ev->e, hook, &ev->layout, &w->env, &insns, &error);
	if (r < 0) {
		fl_buf_addf(why, "argument %zu: %s", error.arg, error.why ? error.why : "?");
		return r;
	}
	ev->prog = fl_prog_load(hook, &at, "fetch", &insns, why);
	if (ev->prog < 0)
		return ev->prog;
	return w->user ? fl_prog_attach(hook, &at, ev->prog, &ev->attached) : 0;
}

static void free_event(struct event *ev)
{
	fl_attachment_release(&ev->attached);
	if (ev->prog >= 0)
		close(ev->prog);
	if (ev->scratch >= 0)
		close(ev->scratch);
	fl_probe_event_free(ev->e);
}

static int keep_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct world *w = ctx;

	(void)cpu;
	if (size > sizeof(w->record))
		return -E2BIG;
	memcpy(w->record, rec, size);
	w->record_size = size;
	return 0;
}

static int fire(struct world *w, const struct event *ev)
{
	int r = 0;

	w->record_size = 0;
	if (w->user)
		probed_run(w->words);
	else
		r = test_run(ev->prog, w->words, NR_WORDS);
	if (r == 0)
		r = (int)FL_MIN(fl_rings_read(w->rings, UINT64_MAX, keep_record, w), (int64_t)1);
	return r < 0 ? r : w->record_size ? 0 : -ENODATA;
}

/* ---- judging ---- */

static bool same_string(const struct world *w, const struct event *ev, size_t arg,
			const struct fl_interp *want, size_t i)
{
	const struct fl_fetched *v = &want->v[i];
	struct fl_str got;

	if (!fl_record_string(&ev->layout.slots[arg], (const void *)w->record, w->record_size, i, &got))
		return v->fault;
	return !v->fault && got.n == v->length && memcmp(got.p, want->strings.data + v->string, got.n) == 0;
}

/* An array of values is one read: a fault in it is the argument's. */
static bool same_values(struct world *w, const struct event *ev, size_t arg, const struct fl_interp *want)
{
	bool told = fl_record_fault(&ev->layout, (const void *)w->record, arg), fault = false;

	for (size_t i = 0; i < want->n; i++)
		fault |= want->v[i].fault;
	if (told != fault) {
		w->untold += fault && !w->exact;
		return fault && !w->exact;
	}
	for (size_t i = 0; i < want->n; i++)
		if (fl_record_value(&ev->layout.slots[arg], (const void *)w->record, i, false) !=
		    (fault ? 0 : want->v[i].value))
			return false;
	return true;
}

static bool same(struct world *w, const struct event *ev, size_t arg, const struct fl_interp *want)
{
	if (ev->layout.slots[arg].kind != FL_SLOT_STRING)
		return same_values(w, ev, arg, want);
	/* An untold fault on the way to a string leads it to NULL, where it faults as well. */
	for (size_t i = 0; i < want->n; i++)
		if (!same_string(w, ev, arg, want, i))
			return false;
	return true;
}

static void show(const struct world *w, const struct event *ev, size_t arg, const struct fl_interp *want)
{
	const struct fl_probe_arg *a = &ev->e->args[arg];
	_cleanup_buf_ struct fl_buf dump = {};

	fl_fetch_dump(&a->program, FL_DUMP_7_3, &dump);
	printf("%.*s: %s\n", FL_STR_ARG(a->body), fl_buf_z(&dump));
	printf("  %s, image at 0x%llx, user memory at %p\n",
	       w->user ? "user probe" : fl_read_form_names[w->env.read], (unsigned long long)w->base,
	       (void *)w->mine);
	for (size_t i = 0; i < NR_REGS; i++)
		printf(" %s0x%llx", w->user ? regs[i] : "", (unsigned long long)w->words[i]);
	for (size_t i = 0; i < want->n; i++) {
		const struct fl_record_slot *s = &ev->layout.slots[arg];

		printf("\n  [%zu] interpreter %s0x%llx \"%.*s\", BPF %s0x%llx", i,
		       want->v[i].fault ? "fault " : "", (unsigned long long)want->v[i].value,
		       (int)want->v[i].length, fl_buf_z(&want->strings) + want->v[i].string,
		       fl_record_fault(&ev->layout, (const void *)w->record, arg) ? "fault " : "",
		       (unsigned long long)fl_record_value(s, (const void *)w->record, i, false));
	}
	printf("\n");
}

static uint64_t percpu_offset(struct world *w)
{
	uint8_t word[8] = {};

	if (w->env.percpu == FL_PERCPU_TABLE)
		read_memory(w, w->env.percpu_table + 8ull * (unsigned int)sched_getcpu(), false, word, 8);
	return fl_get_le64(word);
}

/* Each argument of one firing; the number that differ. */
static int judge(struct world *w, const struct event *ev, bool last)
{
	struct fl_machine m = { .read = read_memory, .load = load_value, .percpu = percpu_offset(w),
				.string_max = ev->layout.string_max, .user = w->user, .ctx = w };
	int wrong = 0;

	for (size_t i = 0; i < ev->e->nr_args; i++) {
		struct fl_interp want = {};

		if (fl_interp_run(&ev->e->args[i].program, &m, &want) < 0)
			abort();
		if (!same(w, ev, i, &want)) {
			wrong++;
			if (last)
				show(w, ev, i, &want);
		}
		w->values += want.n;
		for (size_t k = 0; k < want.n; k++)
			w->faults += want.v[k].fault;
		fl_interp_fini(&want);
	}
	return wrong;
}

#define TRIES 20

static int fire_and_judge(struct world *w, const struct event *ev)
{
	int r = 0;

	for (int tries = 1; tries <= TRIES; tries++) {
		r = fire(w, ev);
		if (r < 0) {
			printf("no record: %s\n", fl_errno_name(r));
			return 1;
		}
		r = judge(w, ev, tries == TRIES);
		if (r == 0)
			return 0;
		w->again++;
	}
	return r;
}

static int one_event(struct world *w)
{
	struct event ev = { .prog = -1, .scratch = -1, .attached = FL_ATTACHMENT_NONE };
	_cleanup_buf_ struct fl_buf why = {};
	int r, wrong = 0;

	if (w->user && file_offset((uintptr_t)probed_here, &ev.offset) < 0)
		return 1;
	fill(w, w->mine);
	if (!w->user)
		fill(w, w->image);
	r = make_event(w, &ev);
	if (r == 0)
		r = load_event(w, &ev, &why);
	if (r < 0 && r != -E2BIG) {
		printf("event: %s: %s\n%.*s\n", fl_errno_name(r), fl_buf_z(&why),
		       FL_STR_ARG(ev.e ? ev.e->text : FL_STR("")));
		wrong++;
	}
	for (int i = 0; r == 0 && i < NR_RUNS; i++) {
		for (size_t k = 0; k < NR_REGS; k++)
			w->words[k] = random_word(w);
		wrong += fire_and_judge(w, &ev);
	}
	w->programs += r == 0 ? ev.e->nr_args : 0;
	free_event(&ev);
	return wrong;
}

/* ---- all ---- */

static int run_world(struct world *w, const char *name, unsigned long programs)
{
	int wrong = 0;

	w->programs = w->values = w->faults = w->untold = w->again = 0;
	while (w->programs < programs && wrong < 20)
		wrong += one_event(w);
	printf("%s%s: %lu programs, %lu values, %lu of them faults (%lu untold), %lu run again: %d differ\n",
	       name, w->exact ? ", exact faults" : "", w->programs, w->values, w->faults, w->untold,
	       w->again, wrong);
	return wrong;
}

static int open_world(struct world *w)
{
	struct fl_target_opts opts = {};
	int peek_map, image_map, r;
	uint32_t stride;

	r = fl_target_open(&opts, &w->target);
	if (r < 0)
		return r;
	fl_kernel_facts(w->target, &w->env);
	fl_kernel_percpu(w->target, &w->env);
	if (w->env.percpu != FL_PERCPU_TABLE) /* the judge knows of no other place */
		w->env.percpu = FL_PERCPU_NONE;
	w->peek = mapped_array("peek", sizeof(*w->peek), &peek_map);
	w->image = mapped_array("image", IMAGE, &image_map);
	w->mine = mmap(NULL, IMAGE + 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (!w->peek || !w->image || w->mine == MAP_FAILED)
		return -EPERM;
	mprotect(w->mine + IMAGE, 4096, PROT_NONE);
	w->peek_prog = load_peek(peek_map, image_map);
	if (w->peek_prog < 0)
		return w->peek_prog;
	r = test_run(w->peek_prog, NULL, 0);
	if (r < 0)
		return r;
	w->base = w->peek->image;
	r = fl_bpf_possible_cpus();
	if (r < 0)
		return r;
	w->env.nr_cpus = (uint32_t)r;
	w->env.nr_events = 1;
	stride = fl_control_stride(1);
	if (!mapped_array("control", stride * w->env.nr_cpus, &w->control))
		return -EPERM;
	w->env.control_fd = w->control;
	r = fl_rings_create(w->env.nr_cpus, 256 << 10, &w->rings);
	w->env.rings_fd = fl_rings_fd(w->rings);
	w->env.spare_fd = fl_rings_spare(w->rings);
	while (r == 0 && fl_rings_get(w->rings, w->env.nr_rings, &w->env.ring_cpu[w->env.nr_rings],
				      &w->env.ring_fd[w->env.nr_rings]))
		w->env.nr_rings++;
	return r;
}

/* Every form of reads that this kernel has, each with faults told and untold. */
static int kernel_memory(struct world *w, unsigned long programs)
{
	enum fl_read_form first = w->env.read;
	int wrong = 0;

	for (; w->env.read < _FL_READ_MAX; w->env.read++) {
		if (w->env.read == FL_READ_WINDOW && !w->env.window_type)
			continue;
		for (int exact = 1; exact >= 0; exact--) {
			w->exact = exact;
			if (exact || w->env.read != FL_READ_HELPER)
				wrong += run_world(w, fl_read_form_names[w->env.read], programs);
		}
	}
	w->env.read = first;
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned long programs = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	static struct world w;
	cpu_set_t cpu;
	int r, wrong;

	w.seed = argc > 2 ? strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15 : 0x9e3779b97f4a7c15;
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	r = open_world(&w);
	if (r < 0) {
		printf("BPF may not be used here: %s\n", fl_errno_name(r));
		return SKIPPED;
	}
	wrong = kernel_memory(&w, programs);
	w.user = w.exact = true;
	w.env.arch = fl_target_arch(w.target);
	wrong += run_world(&w, "user memory", programs / 4);
	fl_rings_free(w.rings);
	fl_target_close(w.target);
	return wrong ? 1 : 0;
}
