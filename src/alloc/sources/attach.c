/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running program that was not prepared, counted from now on by user probes on malloc's family where
 * it has it: in the executable, in an allocator's library, or in the C library - the first of those
 * that defines malloc().
 *
 * A probe at a function's entry keeps what was asked for under the thread's id, with the return
 * address (which is on the stack's top at that moment, frame pointers or not) and the stack behind it
 * as far as frame pointers lead; the probe at its return finds the block's address. Live blocks are
 * in a map by address. A function of the family that calls another one (as glibc's realloc(NULL) does
 * malloc()) is counted once, for the outer one's caller: an entry further down the same stack changes
 * nothing, and the inner return takes the outer's entry.
 *
 * realloc() gives its old block back at its entry, as another thread may get that address before it
 * returns. Should it fail the old block is there and no longer counted; that is told as lost.
 *
 * Each probe is bound to the one process, all its threads, and children not. Every call costs it two
 * traps into the kernel (a free one), about a microsecond each: the note at the end says how many.
 *
 * That the kernel took a probe does not say that the process meets it. What a probe is made of is an
 * instruction that stands in the process's memory in another's place: there it is looked for.
 */
#include <asm/ptrace.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alloc/sources/callers.h"
#include "alloc/sources/source.h"
#include "base/cleanup.h"
#include "base/mapping.h"
#include "base/nsec.h"
#include "base/util.h"
#include "bpf/attach.h"
#include "bpf/insn.h"
#include "bpf/sys.h"
#include "elf/image.h"

#define SITES_MAX  65536
#define STACK_MAX  32
#define THREADS_MAX 32768
#define HOOKS_MAX  64

#if defined(__x86_64__)
static const int16_t arguments[] = { offsetof(struct pt_regs, rdi), offsetof(struct pt_regs, rsi),
				     offsetof(struct pt_regs, rdx) };
#define REG_RESULT offsetof(struct pt_regs, rax)
#define REG_SP	   offsetof(struct pt_regs, rsp)
#elif defined(__aarch64__)
static const int16_t arguments[] = { 0, 8, 16 };
#define REG_RESULT 0
#define REG_LR	   (30 * 8)
#define REG_SP	   (31 * 8)
#endif

/* A function of the family: which argument (from 1) is what; 0: there is none. */
struct family {
	const char *name;
	uint8_t size, factor, old, out;
	bool is_free, is_cxx;
};

static const struct family families[] = {
	{ "malloc", .size = 1 },
	{ "calloc", .size = 1, .factor = 2 },
	{ "realloc", .size = 2, .old = 1 },
	{ "reallocarray", .size = 2, .factor = 3, .old = 1 },
	{ "memalign", .size = 2 },
	{ "aligned_alloc", .size = 2 },
	{ "posix_memalign", .size = 3, .out = 1 },
	{ "valloc", .size = 1 },
	{ "pvalloc", .size = 1 },
	{ "free", .old = 1, .is_free = true },
#define FORM(kind, symbol, written) FORM_##kind(#symbol)
#define FORM_NEW(symbol)		 { symbol, .size = 1, .is_cxx = true },
#define FORM_NEW_NOTHROW(symbol)	 { symbol, .size = 1, .is_cxx = true },
#define FORM_NEW_ALIGNED(symbol)	 { symbol, .size = 1, .is_cxx = true },
#define FORM_NEW_ALIGNED_NOTHROW(symbol) { symbol, .size = 1, .is_cxx = true },
#define FORM_DELETE(symbol)		 { symbol, .old = 1, .is_free = true, .is_cxx = true },
#include "alloc/tags/cxx.def"
#undef FORM
};

struct counts {
	uint64_t allocations, frees, unknown_frees, lost;
};

struct site { /* a key */
	uint64_t caller;
	int64_t stack;
};

struct sums {
	int64_t bytes, calls;
	uint64_t total_bytes, total_calls;
};

struct call { /* that is under way */
	struct site site;
	uint64_t size, out, sp;
};

struct object {
	struct site site;
	uint64_t size;
};

struct attach_source {
	struct fl_alloc_source source;
	char name[40], path[512];
	pid_t pid;
	const char *skip;
	int calls, objects, sites, stacks, counts; /* maps */
	struct {
		int prog;
		struct fl_attachment at;
		const char *function;
		uint64_t offset; /* in the file */
	} hooks[HOOKS_MAX];
	size_t nr_hooks;
	uint64_t start;
	struct fl_file maps;
	struct fl_callers *names;
};

/* The programs' stack. */
enum {
	SLOT_THREAD = -8,
	SLOT_INDEX = -16,
	SLOT_OBJECT = -40,  /* struct object */
	SLOT_CALL = -88,    /* struct call */
	SLOT_ADDRESS = -96,
	SLOT_SUMS = -128,   /* a new site's */
	SLOT_OLD = -144,    /* the site of a block that goes */
};

#define SLOT_IN_CALL(member) (SLOT_CALL + (int)offsetof(struct call, member))

static void emit_add(struct fl_insns *p, size_t off, int64_t v)
{
	fl_emit_movi(p, BPF_REG_1, (int32_t)v);
	fl_emit_atomic_add(p, 8, BPF_REG_0, (int16_t)off, BPF_REG_1);
}

static void emit_count(struct fl_insns *p, const struct attach_source *a, size_t off)
{
	uint32_t none = fl_label_new(p);

	fl_emit_storei(p, 4, BPF_REG_FP, SLOT_INDEX, 0);
	fl_emit_map_lookup(p, a->counts, SLOT_INDEX);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, none);
	emit_add(p, off, 1);
	fl_label_place(p, none);
}

static void emit_end(struct fl_insns *p)
{
	fl_emit_movi(p, BPF_REG_0, 0);
	fl_emit_exit(p);
}

/* The block whose address is in its slot is taken off its site; none: jumps to @unknown. */
static void emit_uncount(struct fl_insns *p, const struct attach_source *a, uint32_t unknown)
{
	uint32_t none = fl_label_new(p);

	fl_emit_map_lookup(p, a->objects, SLOT_ADDRESS);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, unknown);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, offsetof(struct object, site.caller));
	fl_emit_load(p, 8, BPF_REG_2, BPF_REG_0, offsetof(struct object, site.stack));
	fl_emit_load(p, 8, BPF_REG_7, BPF_REG_0, offsetof(struct object, size));
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_OLD, BPF_REG_1);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_OLD + 8, BPF_REG_2);
	fl_emit_map_lookup(p, a->sites, SLOT_OLD);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, none);
	fl_emit_alui(p, BPF_NEG, BPF_REG_7, 0);
	fl_emit_atomic_add(p, 8, BPF_REG_0, offsetof(struct sums, bytes), BPF_REG_7);
	emit_add(p, offsetof(struct sums, calls), -1);
	fl_label_place(p, none);
	fl_emit_map_delete(p, a->objects, SLOT_ADDRESS);
}

static void emit_argument(struct fl_insns *p, uint8_t dst, unsigned int which)
{
	fl_emit_load(p, 8, dst, BPF_REG_6, arguments[which - 1]);
}

static void emit_free(struct fl_insns *p, const struct attach_source *a, const struct family *f)
{
	uint32_t nothing = fl_label_new(p), unknown = fl_label_new(p);

	fl_emit_mov(p, BPF_REG_6, BPF_REG_1);
	emit_argument(p, BPF_REG_1, f->old);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, nothing);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_ADDRESS, BPF_REG_1);
	emit_uncount(p, a, unknown);
	emit_count(p, a, offsetof(struct counts, frees));
	fl_label_place(p, nothing);
	emit_end(p);
	fl_label_place(p, unknown);
	emit_count(p, a, offsetof(struct counts, unknown_frees));
	emit_end(p);
}

/* The return address: on the stack's top, or in the link register. */
static void emit_caller(struct fl_insns *p)
{
#ifdef REG_LR
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_6, REG_LR);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_IN_CALL(site.caller), BPF_REG_1);
#else
	fl_emit_slot(p, BPF_REG_1, SLOT_IN_CALL(site.caller));
	fl_emit_movi(p, BPF_REG_2, 8);
	fl_emit_load(p, 8, BPF_REG_3, BPF_REG_6, REG_SP);
	fl_emit_call(p, BPF_FUNC_probe_read_user);
#endif
}

static void emit_stack(struct fl_insns *p, const struct attach_source *a)
{
	fl_emit_mov(p, BPF_REG_1, BPF_REG_6);
	fl_emit_map_fd(p, BPF_REG_2, a->stacks);
	fl_emit_movi(p, BPF_REG_3, BPF_F_USER_STACK);
	fl_emit_call(p, BPF_FUNC_get_stackid);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_IN_CALL(site.stack), BPF_REG_0);
}

static void emit_thread(struct fl_insns *p)
{
	fl_emit_call(p, BPF_FUNC_get_current_pid_tgid);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_THREAD, BPF_REG_0);
}

/* What is asked for, in r7; r8 is clobbered. */
static void emit_size(struct fl_insns *p, const struct family *f)
{
	emit_argument(p, BPF_REG_7, f->size);
	if (!f->factor)
		return;
	emit_argument(p, BPF_REG_8, f->factor);
	fl_emit_alu(p, BPF_MUL, BPF_REG_7, BPF_REG_8);
}

static void emit_entry(struct fl_insns *p, const struct attach_source *a, const struct family *f)
{
	uint32_t no_old = fl_label_new(p), stored = fl_label_new(p), outermost = fl_label_new(p);

	fl_emit_mov(p, BPF_REG_6, BPF_REG_1);
	emit_thread(p);
	fl_emit_map_lookup(p, a->calls, SLOT_THREAD);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, outermost);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, offsetof(struct call, sp));
	fl_emit_load(p, 8, BPF_REG_2, BPF_REG_6, REG_SP);
	fl_emit_jmpr(p, BPF_JGT, BPF_REG_2, BPF_REG_1, outermost); /* its return was never seen */
	fl_emit_jmpr(p, BPF_JNE, BPF_REG_2, BPF_REG_1, no_old);
	emit_size(p, f); /* a jump from one to the other: the return address is a probe's by now */
	fl_emit_store(p, 8, BPF_REG_0, offsetof(struct call, size), BPF_REG_7);
	fl_emit_jmp(p, no_old);
	fl_label_place(p, outermost);
	for (int at = 0; at < (int)sizeof(struct call); at += 8)
		fl_emit_storei(p, 8, BPF_REG_FP, (int16_t)(SLOT_CALL + at), 0);
	emit_size(p, f);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_IN_CALL(size), BPF_REG_7);
	if (f->out) {
		emit_argument(p, BPF_REG_8, f->out);
		fl_emit_store(p, 8, BPF_REG_FP, SLOT_IN_CALL(out), BPF_REG_8);
	}
	fl_emit_load(p, 8, BPF_REG_7, BPF_REG_6, REG_SP);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_IN_CALL(sp), BPF_REG_7);
	emit_caller(p);
	emit_stack(p, a);
	fl_emit_map_update(p, a->calls, SLOT_THREAD, SLOT_CALL, BPF_ANY);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, stored);
	emit_count(p, a, offsetof(struct counts, lost));
	fl_label_place(p, stored);
	if (f->old) {
		emit_argument(p, BPF_REG_1, f->old);
		fl_emit_jmpi(p, BPF_JEQ, BPF_REG_1, 0, no_old);
		fl_emit_store(p, 8, BPF_REG_FP, SLOT_ADDRESS, BPF_REG_1);
		emit_uncount(p, a, no_old);
	}
	fl_label_place(p, no_old);
	emit_end(p);
}

/* The block's address into its slot; jumps to @failed where there is none. */
static void emit_result(struct fl_insns *p, const struct family *f, uint32_t failed)
{
	fl_emit_load(p, 8, BPF_REG_7, BPF_REG_6, REG_RESULT);
	if (f->out) {
		fl_emit_mov32(p, BPF_REG_7, BPF_REG_7);
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_7, 0, failed);
		fl_emit_storei(p, 8, BPF_REG_FP, SLOT_ADDRESS, 0);
		fl_emit_slot(p, BPF_REG_1, SLOT_ADDRESS);
		fl_emit_movi(p, BPF_REG_2, 8);
		fl_emit_load(p, 8, BPF_REG_3, BPF_REG_FP, SLOT_IN_CALL(out));
		fl_emit_call(p, BPF_FUNC_probe_read_user);
		fl_emit_load(p, 8, BPF_REG_7, BPF_REG_FP, SLOT_ADDRESS);
	}
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_7, 0, failed);
	fl_emit_store(p, 8, BPF_REG_FP, SLOT_ADDRESS, BPF_REG_7);
}

static void emit_count_block(struct fl_insns *p, const struct attach_source *a, uint32_t lost)
{
	uint32_t have = fl_label_new(p);

	fl_emit_map_update(p, a->objects, SLOT_ADDRESS, SLOT_OBJECT, BPF_ANY);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, lost);
	fl_emit_map_lookup(p, a->sites, SLOT_OBJECT);
	fl_emit_jmpi(p, BPF_JNE, BPF_REG_0, 0, have);
	for (int at = 0; at < (int)sizeof(struct sums); at += 8)
		fl_emit_storei(p, 8, BPF_REG_FP, (int16_t)(SLOT_SUMS + at), 0);
	fl_emit_map_update(p, a->sites, SLOT_OBJECT, SLOT_SUMS, BPF_NOEXIST);
	fl_emit_map_lookup(p, a->sites, SLOT_OBJECT);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, lost);
	fl_label_place(p, have);
	fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, SLOT_OBJECT + (int)offsetof(struct object, size));
	fl_emit_atomic_add(p, 8, BPF_REG_0, offsetof(struct sums, bytes), BPF_REG_1);
	fl_emit_atomic_add(p, 8, BPF_REG_0, offsetof(struct sums, total_bytes), BPF_REG_1);
	emit_add(p, offsetof(struct sums, calls), 1);
	emit_add(p, offsetof(struct sums, total_calls), 1);
}

static void emit_return(struct fl_insns *p, const struct attach_source *a, const struct family *f)
{
	uint32_t nothing = fl_label_new(p), failed = fl_label_new(p), lost = fl_label_new(p),
		 is_new = fl_label_new(p);

	fl_emit_mov(p, BPF_REG_6, BPF_REG_1);
	emit_thread(p);
	fl_emit_map_lookup(p, a->calls, SLOT_THREAD);
	fl_emit_jmpi(p, BPF_JEQ, BPF_REG_0, 0, nothing);
	for (int at = 0; at < (int)sizeof(struct call); at += 8) {
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_0, (int16_t)at);
		fl_emit_store(p, 8, BPF_REG_FP, (int16_t)(SLOT_CALL + at), BPF_REG_1);
		if (at < (int)sizeof(struct object)) /* site and size come first in both */
			fl_emit_store(p, 8, BPF_REG_FP, (int16_t)(SLOT_OBJECT + at), BPF_REG_1);
	}
	fl_emit_map_delete(p, a->calls, SLOT_THREAD);
	emit_result(p, f, failed);
	emit_uncount(p, a, is_new); /* its free was not seen */
	fl_label_place(p, is_new);
	emit_count_block(p, a, lost);
	emit_count(p, a, offsetof(struct counts, allocations));
	fl_label_place(p, nothing);
	emit_end(p);
	fl_label_place(p, failed);
	if (f->old) { /* a size of 0 frees, and gives no block either */
		fl_emit_load(p, 8, BPF_REG_1, BPF_REG_FP, SLOT_IN_CALL(size));
		fl_emit_jmpi(p, BPF_JNE, BPF_REG_1, 0, lost);
	}
	emit_end(p);
	fl_label_place(p, lost);
	emit_count(p, a, offsetof(struct counts, lost));
	emit_end(p);
}

static int add_hook(struct attach_source *a, const struct family *f, bool is_return,
		    uint64_t offset, struct fl_buf *why)
{
	enum fl_hook hook = is_return ? FL_HOOK_URETPROBE : FL_HOOK_UPROBE;
	struct fl_attach_point point = { .name = a->path, .offset = offset, .pid = a->pid };
	_cleanup_insns_ struct fl_insns p = {};
	int r;

	if (a->nr_hooks == HOOKS_MAX)
		return -E2BIG;
	if (f->is_free)
		emit_free(&p, a, f);
	else if (is_return)
		emit_return(&p, a, f);
	else
		emit_entry(&p, a, f);
	r = fl_insns_finish(&p);
	if (r == 0)
		r = fl_prog_load(hook, &point, "fl_alloc", &p, why);
	if (r < 0)
		return r;
	a->hooks[a->nr_hooks].prog = r;
	a->hooks[a->nr_hooks].at = FL_ATTACHMENT_NONE;
	a->hooks[a->nr_hooks].function = f->name;
	a->hooks[a->nr_hooks].offset = offset;
	return fl_prog_attach(hook, &point, r, &a->hooks[a->nr_hooks++].at);
}

/*
 * Frees first, then returns, then entries: no block is counted whose free would not be seen. Names
 * of one function are one function.
 */
static int add_hooks(struct attach_source *a, struct fl_elf_image *i, bool with_cxx,
		     struct fl_buf *why)
{
	uint64_t seen[FL_ARRAY_SIZE(families)] = {};
	int r = 0;

	for (int pass = 0; pass < 3; pass++)
		for (size_t k = 0; r == 0 && k < FL_ARRAY_SIZE(families); k++) {
			const struct family *f = &families[k];
			const struct fl_elf_symbol *s = fl_elf_symbol_named(i, fl_str(f->name));
			uint64_t offset;
			bool again = false;

			if (!s || (f->is_cxx && !with_cxx) || f->is_free != (pass == 0) ||
			    !fl_elf_address_to_offset(i, s->address, &offset))
				continue;
			for (size_t m = 0; m < k; m++)
				again |= seen[m] == offset;
			if (pass == 0 || pass == 1)
				seen[k] = offset;
			if (!again)
				r = add_hook(a, f, pass == 1, offset, why);
		}
	return r;
}

/* Where in the process @offset of the file is code; 0: nowhere. */
static uint64_t address_of(const struct attach_source *a, uint64_t offset)
{
	struct fl_str rest = fl_file_str(&a->maps), line, path = fl_str(strchr(a->path + 6, '/') + 5);
	struct fl_mapping m;

	while (fl_str_line(&rest, &line))
		if (fl_mapping_parse(line, &m) && m.perms[2] == 'x' && fl_str_eq(m.path, path) &&
		    offset >= m.offset && offset - m.offset < m.end - m.start)
			return m.start + (offset - m.offset);
	return 0;
}

/* -EOPNOTSUPP: what is in the process's memory is what is in the file. */
static int check_hook(const struct attach_source *a, const struct fl_elf_image *i, uint64_t offset)
{
	uint32_t there = 0;
	const void *file = fl_elf_bytes(i, offset, sizeof(there));
	uint64_t address = address_of(a, offset);
	struct iovec here = { &there, sizeof(there) };
	struct iovec its = { (void *)(uintptr_t)address, sizeof(there) };
	ssize_t n;

	if (!address || !file)
		return -EOPNOTSUPP;
	n = process_vm_readv(a->pid, &here, 1, &its, 1, 0);
	if (n != sizeof(there))
		return n < 0 ? -errno : -EFAULT;
	return memcmp(&there, file, sizeof(there)) == 0 ? -EOPNOTSUPP : 0;
}

static int check_hooks(const struct attach_source *a, const struct fl_elf_image *i, struct fl_buf *why)
{
	for (size_t k = 0; k < a->nr_hooks; k++) {
		int r = check_hook(a, i, a->hooks[k].offset);

		if (r == 0)
			continue;
		fl_buf_addf(why, "the kernel took the probe of %s() in %s, but the process does not meet it",
			    a->hooks[k].function, strchr(a->path + 6, '/') + 5);
		return r;
	}
	return 0;
}

static bool defines_malloc(struct fl_elf_image *i)
{
	return fl_elf_symbol_named(i, FL_STR("malloc")) && fl_elf_symbol_named(i, FL_STR("free"));
}

static bool is_libc(struct fl_str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash && (fl_str_starts(fl_str_from(path, (size_t)(slash + 1 - path.p)), "libc.so") ||
			 fl_str_starts(fl_str_from(path, (size_t)(slash + 1 - path.p)), "libc-2"));
}

/* The loader has a malloc() of its own, for itself. */
static bool is_loader(struct fl_str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash && fl_str_starts(fl_str_from(path, (size_t)(slash + 1 - path.p)), "ld-");
}

/* Reached as the process sees it: in another root perhaps. */
static int try_file(struct attach_source *a, struct fl_str path, struct fl_elf_image *ret)
{
	struct fl_elf_image i;
	int r;

	if (!path.n || path.p[0] != '/' || path.n > sizeof(a->path) - 32)
		return -ENOENT;
	snprintf(a->path, sizeof(a->path), "/proc/%d/root%.*s", (int)a->pid, FL_STR_ARG(path));
	r = fl_elf_image_open(a->path, &i);
	if (r < 0)
		return r;
	if (!defines_malloc(&i)) {
		fl_elf_image_close(&i);
		return -ENOENT;
	}
	*ret = i;
	return 0;
}

/* The executable's comes before any library's, and an allocator's before the C library's. */
static int find_family(struct attach_source *a, struct fl_elf_image *ret, bool *ret_cxx)
{
	for (int wanted = 0; wanted < 2; wanted++) {
		struct fl_str rest = fl_file_str(&a->maps), line, last = {};
		struct fl_mapping m;

		while (fl_str_line(&rest, &line)) {
			if (!fl_mapping_parse(line, &m) || m.perms[2] != 'x' ||
			    fl_str_eq(m.path, last) || is_loader(m.path) ||
			    is_libc(m.path) != (wanted == 1))
				continue;
			last = m.path;
			if (try_file(a, m.path, ret) < 0)
				continue;
			*ret_cxx = wanted == 0;
			return 0;
		}
	}
	return -ENOENT;
}

static int make_map(int *ret, enum bpf_map_type type, const char *name, size_t key_size,
		    size_t value_size, uint32_t entries)
{
	const struct fl_bpf_map map = { .type = type, .name = name, .key_size = (uint32_t)key_size,
					.value_size = (uint32_t)value_size, .entries = entries };

	*ret = fl_bpf_map_create(&map);
	return *ret < 0 ? *ret : 0;
}

static int make_maps(struct attach_source *a, uint32_t max_objects)
{
	int r = make_map(&a->calls, BPF_MAP_TYPE_HASH, "fl_calls", 8, sizeof(struct call),
			 THREADS_MAX);

	if (r == 0)
		r = make_map(&a->objects, BPF_MAP_TYPE_HASH, "fl_objects", 8, sizeof(struct object),
			     max_objects);
	if (r == 0)
		r = make_map(&a->sites, BPF_MAP_TYPE_HASH, "fl_sites", sizeof(struct site),
			     sizeof(struct sums), SITES_MAX);
	if (r == 0)
		r = make_map(&a->stacks, BPF_MAP_TYPE_STACK_TRACE, "fl_stacks", 4, 8 * STACK_MAX,
			     SITES_MAX);
	if (r == 0)
		r = make_map(&a->counts, BPF_MAP_TYPE_ARRAY, "fl_counts", 4, sizeof(struct counts), 1);
	return r;
}

/* Where an address is at this moment; false for one that no file was mapped for. */
static bool place_of(const struct attach_source *a, uint64_t address, struct fl_callers_place *ret)
{
	struct fl_str rest = fl_file_str(&a->maps), line;
	struct fl_mapping m;

	while (fl_str_line(&rest, &line)) {
		if (!fl_mapping_parse(line, &m) || m.perms[2] != 'x' || address < m.start ||
		    address >= m.end)
			continue;
		*ret = (struct fl_callers_place){ .module = m.path.p && m.path.n && m.path.p[0] == '/' ?
								    m.path : (struct fl_str){} };
		ret->address = ret->module.n ? address - m.start + m.offset : address;
		return true;
	}
	return false;
}

/* The caller, which is certain, and behind it the stack as long as it is code. */
static size_t chain_of(const struct attach_source *a, const struct site *s,
		       struct fl_callers_place *v, size_t max)
{
	uint64_t ips[STACK_MAX] = {};
	uint32_t id = (uint32_t)s->stack;
	size_t n = 0, k = 1;

	if (!place_of(a, s->caller - 1, &v[n++]))
		v[0] = (struct fl_callers_place){ .address = s->caller };
	if (s->stack < 0 || fl_bpf_map_lookup(a->stacks, &id, ips) < 0)
		return n;
	k += ips[1] == s->caller;
	while (k < STACK_MAX && n < max && ips[k] && place_of(a, ips[k] - 1, &v[n])) {
		n++;
		k++;
	}
	return n;
}

static int add_site(struct attach_source *a, const struct site *s, bool accurate,
		    const struct fl_alloc_filter *f, struct fl_alloc_set *set)
{
	struct fl_alloc_more *more = FL_ARENA_NEW(&set->strings, struct fl_alloc_more);
	struct fl_alloc_record r = { .accurate = accurate ? FL_ACCURATE_YES : FL_ACCURATE_NO };
	struct fl_callers_place v[STACK_MAX + 1];
	struct sums sums;
	size_t n;
	int e;

	if (!more)
		return -ENOMEM;
	if (fl_bpf_map_lookup(a->sites, s, &sums) < 0)
		return 0;
	r.bytes = sums.bytes;
	r.calls = (uint64_t)sums.calls;
	*more = (struct fl_alloc_more){ .has_total = true, .total_bytes = sums.total_bytes,
					.total_calls = sums.total_calls, .pid = a->pid };
	n = chain_of(a, s, v, STACK_MAX);
	for (size_t i = 0; i < n; i++)
		fl_callers_place_offset(a->names, &v[i]);
	e = fl_callers_name(a->names, v, n, more, &r);
	if (e < 0 || (!r.bytes && !r.calls) || !fl_alloc_filter_match(f, &r))
		return e;
	return fl_alloc_set_add(set, &r);
}

static uint64_t missed(const struct attach_source *a)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->nr_hooks; i++) {
		struct bpf_prog_info info = {};

		if (fl_bpf_info(a->hooks[i].prog, &info, sizeof(info)) == 0)
			n += info.recursion_misses;
	}
	return n;
}

static struct counts counts_of(const struct attach_source *a)
{
	struct counts c = {};
	uint32_t zero = 0;

	fl_bpf_map_lookup(a->counts, &zero, &c);
	return c;
}

static int read_maps_file(struct attach_source *a)
{
	char path[40];

	fl_file_close(&a->maps);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)a->pid);
	return fl_file_open(path, 1 << 26, &a->maps) == -ENOENT ? -ESRCH : 0;
}

/* What the process has mapped last is what its addresses mean, also when it has ended meanwhile. */
static int attach_read(struct fl_alloc_source *s, const struct fl_alloc_filter *f,
		       struct fl_alloc_findings *findings, struct fl_alloc_set *set)
{
	struct attach_source *a = FL_CONTAINER_OF(s, struct attach_source, source);
	struct fl_callers_opts opts = { .skip = a->skip };
	struct counts c = counts_of(a);
	struct site site, last, *previous = NULL;
	struct fl_file before = a->maps;
	int r;

	a->maps = (struct fl_file){};
	if (read_maps_file(a) < 0 || !a->maps.size)
		a->maps = before;
	else
		fl_file_close(&before);
	r = a->names ? 0 : fl_callers_open(&opts, &a->names);
	for (; r == 0 && fl_bpf_map_next_key(a->sites, previous, &site) == 0; previous = &last) {
		r = add_site(a, &site, !c.lost && !missed(a), f, set);
		last = site;
	}
	return r;
}

static void attach_close(struct fl_alloc_source *s)
{
	struct attach_source *a = FL_CONTAINER_OF(s, struct attach_source, source);

	for (size_t i = 0; i < a->nr_hooks; i++) {
		fl_attachment_release(&a->hooks[i].at);
		fl_closep(&a->hooks[i].prog);
	}
	fl_closep(&a->calls);
	fl_closep(&a->objects);
	fl_closep(&a->sites);
	fl_closep(&a->stacks);
	fl_closep(&a->counts);
	fl_callers_close(a->names);
	fl_file_close(&a->maps);
	free(a);
}

static const struct fl_alloc_source_ops attach_ops = { attach_read, attach_close };

static int attach_all(struct attach_source *a, uint32_t max_objects, struct fl_buf *why)
{
	struct fl_elf_image i;
	bool with_cxx = false;
	int r = read_maps_file(a);

	if (r == 0)
		r = find_family(a, &i, &with_cxx);
	if (r < 0)
		return r;
	r = make_maps(a, max_objects);
	if (r == 0)
		r = add_hooks(a, &i, with_cxx, why);
	if (r == 0)
		r = check_hooks(a, &i, why);
	fl_elf_image_close(&i);
	return r;
}

int fl_alloc_source_attach(pid_t pid, uint32_t max_objects, const char *skip, struct fl_buf *why,
			   struct fl_alloc_source **ret)
{
	struct attach_source *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->source.ops = &attach_ops;
	a->source.name = a->name;
	snprintf(a->name, sizeof(a->name), "process %d", (int)pid);
	a->pid = pid;
	a->skip = skip;
	a->calls = a->objects = a->sites = a->stacks = a->counts = -1;
	r = attach_all(a, max_objects, why);
	if (r < 0) {
		attach_close(&a->source);
		return r;
	}
	a->start = fl_time_ns(CLOCK_MONOTONIC);
	*ret = &a->source;
	return 0;
}

bool fl_alloc_source_attach_note(struct fl_alloc_source *s, struct fl_buf *out)
{
	struct attach_source *a = FL_CONTAINER_OF(s, struct attach_source, source);
	struct counts c;
	double seconds;
	uint64_t traps;

	if (s->ops != &attach_ops)
		return true;
	c = counts_of(a);
	seconds = (double)(fl_time_ns(CLOCK_MONOTONIC) - a->start) / 1e9;
	traps = 2 * c.allocations + c.frees + c.unknown_frees;
	fl_buf_addf(out,
		    "%s: counted for %.1f s in %s: %llu allocations, %llu frees; %llu frees of what "
		    "was there before; not counted: %llu for want of room or because realloc() "
		    "failed, %llu missed; it was trapped %llu times (%.0f a second)\n",
		    a->name, seconds, strchr(a->path + 6, '/') + 5,
		    (unsigned long long)c.allocations, (unsigned long long)c.frees,
		    (unsigned long long)c.unknown_frees, (unsigned long long)c.lost,
		    (unsigned long long)missed(a), (unsigned long long)traps,
		    seconds > 0 ? (double)traps / seconds : 0);
	if (c.lost)
		fl_buf_addz(out, "help: --objects N makes room for more blocks\n");
	return !c.lost;
}
