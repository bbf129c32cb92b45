/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's BPF takes, found by trying: a program of a few instructions that uses the
 * feature is loaded, and where a hook is meant it is also attached, to something that is rarely or
 * never reached, and detached at once. A kernel that lies about its version, a vendor's backport and a
 * lockdown rule all give the right answer that way.
 *
 * These are bare system calls: the structures are the kernel's ABI, and a library would put its own
 * version's idea of features between. Numbers that the build machine's headers may lack stand here.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/num.h"
#include "probe/target/caps-private.h"

/* The enums are ABI; these are later than the oldest headers that we build with. */
#define ATTACH_KPROBE_MULTI   42
#define ATTACH_UPROBE_MULTI   48
#define ATTACH_KPROBE_SESSION 56
#define MEMSX		      0x80

#define LOG_SIZE 16384

/* ---- instructions, as in the kernel's own macros ---- */

#define INSN(op, dst, src, offset, value)                                                          \
	((struct bpf_insn){ .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset),     \
			    .imm = (value) })
#define MOV_IMM(dst, value)	  INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define MOV_REG(dst, src)	  INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ADD_IMM(dst, value)	  INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value)
#define LOAD(size, dst, src, off) INSN(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define STORE_IMM(dst, off, v)	  INSN(BPF_ST | BPF_MEM | BPF_DW, dst, 0, off, v)
#define CALL(helper)		  INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define CALL_KFUNC(btf_id)	  INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, btf_id)
#define EXIT()			  INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* What is loaded: instructions and where they would be attached. */
struct program {
	uint32_t type, attach_type, flags, btf_id;
	const struct bpf_insn *insns;
	size_t n;
};

static const struct bpf_insn nothing[] = {
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static int bpf(int cmd, union bpf_attr *attr, size_t size)
{
	long r = syscall(SYS_bpf, cmd, attr, size);

	return r < 0 ? -errno : (int)r;
}

/* The verifier's last line that says something goes into the note. */
static void note_log(struct fl_cap_result *r, const char *log)
{
	struct fl_str rest = fl_str(log), line, last = {};

	while (fl_str_line(&rest, &line))
		if (line.n && !fl_str_starts(line, "processed ") &&
		    !fl_str_starts(line, "verification time") && !fl_str_starts(line, "stack depth"))
			last = line;
	if (last.n)
		fl_cap_note(r, "%.*s", (int)FL_MIN(last.n, sizeof(r->note) - 1), last.p);
}

static int try_load(const struct program *p, char *log)
{
	union bpf_attr attr = {
		.prog_type = p->type,
		.insns = (uintptr_t)p->insns,
		.insn_cnt = p->n,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = log ? LOG_SIZE : 0,
		.log_level = log ? 1 : 0,
		.prog_flags = p->flags,
		.prog_name = "fl_doctor",
		.expected_attach_type = p->attach_type,
		.attach_btf_id = p->btf_id,
	};

	return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* A descriptor; or -errno with the verifier's reason noted. */
static int load(const struct program *p, struct fl_cap_result *r)
{
	static char log[LOG_SIZE];
	int fd = try_load(p, NULL);

	if (fd >= 0)
		return fd;
	log[0] = '\0';
	fd = try_load(p, log);
	if (fd < 0)
		note_log(r, log);
	return fd;
}

static int loads(const struct program *p, struct fl_cap_result *r)
{
	_cleanup_close_ int fd = load(p, r);

	return fd < 0 ? fd : 1;
}

#define PROGRAM(kind, code, ...)                                                                   \
	(&(struct program){ .type = BPF_PROG_TYPE_##kind, .insns = code, .n = FL_ARRAY_SIZE(code), \
			    __VA_ARGS__ })

/* ---- names of this kernel ---- */

static struct fl_type find_type(struct fl_target *t, const char *name, unsigned int kind)
{
	struct fl_btf *btf;

	return fl_target_btf(t, &btf) < 0 ? FL_TYPE_NONE : fl_btf_find(btf, fl_str(name), FL_KIND(kind));
}

/* A function that every kernel has as a symbol, and that runs seldom. */
static const char *rare_function(struct fl_target *t)
{
	static const char *const names[] = { "do_sethostname", "__do_sys_sethostname", "vfs_rename",
					     "vfs_mknod", "vfs_fsync" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++)
		if (fl_type_ok(find_type(t, names[i], BTF_KIND_FUNC)))
			return names[i];
	return "vfs_mknod";
}

/* Byte offset of task_struct's pid, or 0. */
static uint32_t pid_offset(struct fl_target *t, uint32_t *ret_task)
{
	struct fl_type task = find_type(t, "task_struct", BTF_KIND_STRUCT);
	struct fl_member m;

	*ret_task = task.id;
	return fl_type_find_member(task, FL_STR("pid"), &m) == 0 ? m.bit_offset / 8 : 0;
}

static int no_btf(struct fl_cap_result *r, const char *what)
{
	fl_cap_note(r, "BTF has no %s", what);
	return -ENOENT;
}

/* ---- attaching ---- */

/* A raw tracepoint by name; a trampoline's program, which knows its place, with none. */
static int open_raw_tracepoint(const char *name, int prog)
{
	union bpf_attr attr = { .raw_tracepoint = { .name = (uintptr_t)name, .prog_fd = prog } };

	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

/* A program that loads and does not attach says so: the verifier is not to blame. */
static int attached(int err, struct fl_cap_result *r)
{
	if (err >= 0)
		return 1;
	if (!r->note[0])
		fl_cap_note(r, "the program loads, but does not attach");
	return err;
}

static int attach_raw(const char *name, const struct program *p, struct fl_cap_result *r)
{
	_cleanup_close_ int prog = load(p, r), link = -1;

	if (prog < 0)
		return prog;
	link = open_raw_tracepoint(name, prog);
	return attached(link, r);
}

static int open_perf(struct perf_event_attr *attr)
{
	long fd;

	attr->size = sizeof(*attr);
	attr->sample_period = 1;
	attr->wakeup_events = 1;
	fd = syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static int attach_perf(struct perf_event_attr *attr, const struct program *p, struct fl_cap_result *r)
{
	_cleanup_close_ int prog = load(p, r), perf = -1;

	if (prog < 0)
		return prog;
	perf = open_perf(attr);
	if (perf < 0)
		return attached(perf, r);
	return attached(ioctl(perf, PERF_EVENT_IOC_SET_BPF, prog) < 0 ? -errno : 0, r);
}

/* The number of a perf event source that registers itself at boot. */
static int pmu_type(const char *name, uint32_t *ret)
{
	char path[96];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	return fscanf(f, "%u", ret) == 1 ? 0 : -EINVAL;
}

/* BPF_LINK_CREATE of the multi kinds: the newest of them are not in every build machine's headers. */
struct multi_link {
	uint32_t prog_fd, target_fd, attach_type, flags;
	union {
		struct {
			uint32_t flags, count;
			uint64_t syms, addrs, cookies;
		} kprobe;
		struct {
			uint64_t path, offsets, ref_ctr_offsets, cookies;
			uint32_t count, flags, pid, pad;
		} uprobe;
	};
};

static int link_multi(struct multi_link *link, const struct program *p, struct fl_cap_result *r)
{
	_cleanup_close_ int prog = load(p, r), fd = -1;

	if (prog < 0)
		return prog;
	link->prog_fd = prog;
	link->attach_type = p->attach_type;
	fd = bpf(BPF_LINK_CREATE, (union bpf_attr *)link, sizeof(*link));
	return attached(fd, r);
}

/* ---- hooks ---- */

int fl_cap_probe_BPF(struct fl_target *t, struct fl_cap_result *r)
{
	return loads(PROGRAM(SOCKET_FILTER, nothing), r);
}

int fl_cap_probe_JIT(struct fl_target *t, struct fl_cap_result *r)
{
	_cleanup_close_ int fd = load(PROGRAM(SOCKET_FILTER, nothing), r);
	struct bpf_prog_info info = {};
	union bpf_attr attr = { .info = { .bpf_fd = fd, .info_len = sizeof(info),
					  .info = (uintptr_t)&info } };
	int err;

	if (fd < 0)
		return fd;
	err = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
	if (err < 0)
		return 0;
	return info.jited_prog_len ? 1 : -ENOENT;
}

#define RARE_TRACEPOINT "task_rename" /* fires when a thread changes its name */

int fl_cap_probe_RAW_TP(struct fl_target *t, struct fl_cap_result *r)
{
	return attach_raw(RARE_TRACEPOINT, PROGRAM(RAW_TRACEPOINT, nothing), r);
}

int fl_cap_probe_TP_BTF(struct fl_target *t, struct fl_cap_result *r)
{
	struct fl_type type = find_type(t, "btf_trace_" RARE_TRACEPOINT, BTF_KIND_TYPEDEF);

	if (!fl_type_ok(type))
		return no_btf(r, "btf_trace_" RARE_TRACEPOINT);
	return attach_raw(NULL, PROGRAM(TRACING, nothing, .attach_type = BPF_TRACE_RAW_TP,
					.btf_id = type.id), r);
}

int fl_cap_probe_TRACEPOINT(struct fl_target *t, struct fl_cap_result *r)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT };
	const struct fl_format *f;
	int err = fl_target_format(t, FL_STR("task"), FL_STR(RARE_TRACEPOINT), &f);

	if (err < 0) {
		fl_cap_note(r, "tracefs has no task/" RARE_TRACEPOINT);
		return err;
	}
	attr.config = f->id;
	return attach_perf(&attr, PROGRAM(TRACEPOINT, nothing), r);
}

static int trampoline(struct fl_target *t, uint32_t attach_type, struct fl_cap_result *r)
{
	struct fl_type func = find_type(t, rare_function(t), BTF_KIND_FUNC);

	if (!fl_type_ok(func))
		return no_btf(r, rare_function(t));
	return attach_raw(NULL, PROGRAM(TRACING, nothing, .attach_type = attach_type,
					.btf_id = func.id), r);
}

int fl_cap_probe_FENTRY(struct fl_target *t, struct fl_cap_result *r)
{
	return trampoline(t, BPF_TRACE_FENTRY, r);
}

int fl_cap_probe_FEXIT(struct fl_target *t, struct fl_cap_result *r)
{
	return trampoline(t, BPF_TRACE_FEXIT, r);
}

int fl_cap_probe_KPROBE(struct fl_target *t, struct fl_cap_result *r)
{
	struct perf_event_attr attr = { .config1 = (uintptr_t)rare_function(t) };
	int err = pmu_type("kprobe", &attr.type);

	if (err < 0) {
		fl_cap_note(r, "there is no perf event source 'kprobe'");
		return err;
	}
	return attach_perf(&attr, PROGRAM(KPROBE, nothing), r);
}

static int kprobe_multi(struct fl_target *t, uint32_t attach_type, struct fl_cap_result *r)
{
	const char *sym = rare_function(t);
	struct multi_link link = { .kprobe = { .count = 1, .syms = (uintptr_t)&sym } };

	return link_multi(&link, PROGRAM(KPROBE, nothing, .attach_type = attach_type), r);
}

int fl_cap_probe_KPROBE_MULTI(struct fl_target *t, struct fl_cap_result *r)
{
	return kprobe_multi(t, ATTACH_KPROBE_MULTI, r);
}

int fl_cap_probe_KPROBE_SESSION(struct fl_target *t, struct fl_cap_result *r)
{
	return kprobe_multi(t, ATTACH_KPROBE_SESSION, r);
}

/* User probes are tried on this program itself, on a function that nobody calls. */
static void __attribute__((noinline, used)) never_called(void)
{
	__asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop");
}

static int own_offset(uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/maps", "re");
	unsigned long long start, end, offset;
	uint64_t at = (uintptr_t)never_called;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx %*s %llx", &start, &end, &offset) != 3 || at < start ||
		    at >= end)
			continue;
		*ret = at - start + offset;
		return 0;
	}
	return -ENOENT;
}

int fl_cap_probe_UPROBE(struct fl_target *t, struct fl_cap_result *r)
{
	struct perf_event_attr attr = { .config1 = (uintptr_t)"/proc/self/exe" };
	uint64_t offset = 0;
	int err = pmu_type("uprobe", &attr.type);

	if (err < 0) {
		fl_cap_note(r, "there is no perf event source 'uprobe'");
		return err;
	}
	err = own_offset(&offset);
	if (err < 0)
		return 0;
	attr.config2 = offset;
	return attach_perf(&attr, PROGRAM(KPROBE, nothing), r);
}

int fl_cap_probe_UPROBE_MULTI(struct fl_target *t, struct fl_cap_result *r)
{
	unsigned long offset;
	struct multi_link link = { .uprobe = { .path = (uintptr_t)"/proc/self/exe", .count = 1,
					       .offsets = (uintptr_t)&offset } };
	uint64_t at;

	if (own_offset(&at) < 0)
		return 0;
	offset = at;
	return link_multi(&link, PROGRAM(KPROBE, nothing, .attach_type = ATTACH_UPROBE_MULTI), r);
}

/* ---- what programs may do ---- */

int fl_cap_probe_PROBE_READ_KERNEL(struct fl_target *t, struct fl_cap_result *r)
{
	const struct bpf_insn code[] = {
		LOAD(BPF_DW, BPF_REG_3, BPF_REG_1, 0),
		MOV_REG(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, -8),
		MOV_IMM(BPF_REG_2, 8),
		CALL(BPF_FUNC_probe_read_kernel),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	return loads(PROGRAM(RAW_TRACEPOINT, code), r);
}

/* bpf_rdonly_cast(first argument, @type), and a load of four bytes at @offset. */
static int cast(struct fl_target *t, uint32_t type, uint32_t offset, struct fl_cap_result *r)
{
	struct fl_type kfunc = find_type(t, "bpf_rdonly_cast", BTF_KIND_FUNC);
	const struct bpf_insn code[] = {
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
		MOV_IMM(BPF_REG_2, type),
		CALL_KFUNC(kfunc.id),
		LOAD(BPF_W, BPF_REG_0, BPF_REG_0, offset),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	if (!fl_type_ok(kfunc))
		return no_btf(r, "bpf_rdonly_cast");
	return loads(PROGRAM(RAW_TRACEPOINT, code), r);
}

int fl_cap_probe_RDONLY_CAST_VOID(struct fl_target *t, struct fl_cap_result *r)
{
	return cast(t, 0, 8, r);
}

int fl_cap_probe_RDONLY_CAST_TYPED(struct fl_target *t, struct fl_cap_result *r)
{
	uint32_t task, pid = pid_offset(t, &task);

	return task ? cast(t, task, pid, r) : no_btf(r, "task_struct");
}

int fl_cap_probe_CURRENT_TASK_BTF(struct fl_target *t, struct fl_cap_result *r)
{
	uint32_t task, pid = pid_offset(t, &task);
	const struct bpf_insn code[] = {
		CALL(BPF_FUNC_get_current_task_btf),
		LOAD(BPF_W, BPF_REG_0, BPF_REG_0, pid),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	return task ? loads(PROGRAM(RAW_TRACEPOINT, code), r) : no_btf(r, "task_struct");
}

int fl_cap_probe_GET_FUNC_ARG(struct fl_target *t, struct fl_cap_result *r)
{
	struct fl_type func = find_type(t, rare_function(t), BTF_KIND_FUNC);
	const struct bpf_insn code[] = {
		MOV_REG(BPF_REG_2, BPF_REG_10),
		ADD_IMM(BPF_REG_2, -8),
		STORE_IMM(BPF_REG_10, -8, 0),
		CALL(BPF_FUNC_get_func_ret),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	if (!fl_type_ok(func))
		return no_btf(r, rare_function(t));
	return loads(PROGRAM(TRACING, code, .attach_type = BPF_TRACE_FEXIT, .btf_id = func.id), r);
}

static int make_map(uint32_t type, uint32_t key, uint32_t value, uint32_t entries)
{
	union bpf_attr attr = { .map_type = type, .key_size = key, .value_size = value,
				.max_entries = entries, .map_name = "fl_doctor" };
	_cleanup_close_ int fd = bpf(BPF_MAP_CREATE, &attr, sizeof(attr));

	return fd < 0 ? fd : 1;
}

int fl_cap_probe_RINGBUF(struct fl_target *t, struct fl_cap_result *r)
{
	return make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, (uint32_t)sysconf(_SC_PAGESIZE));
}

/* Kernels before 5.11 count a map's memory against the limit of locked memory: 8 MB, as rings need. */
int fl_cap_probe_MEMLOCK(struct fl_target *t, struct fl_cap_result *r)
{
	return make_map(BPF_MAP_TYPE_ARRAY, 4, 8192, 1024);
}

/*
 * A callback needs type information of its own in the program, which is too much for a probe: the
 * call is made with wrong arguments, and what counts is whether the verifier knows its name.
 */
int fl_cap_probe_BPF_LOOP(struct fl_target *t, struct fl_cap_result *r)
{
	const struct bpf_insn code[] = {
		MOV_IMM(BPF_REG_1, 1),
		MOV_IMM(BPF_REG_2, 0),
		MOV_IMM(BPF_REG_3, 0),
		MOV_IMM(BPF_REG_4, 0),
		CALL(BPF_FUNC_loop),
		EXIT(),
	};
	int err = loads(PROGRAM(RAW_TRACEPOINT, code), r);

	if (err == -EPERM)
		return err;
	if (strstr(r->note, "invalid func") || strstr(r->note, "unknown func"))
		return -EINVAL;
	r->note[0] = '\0';
	return 1;
}

int fl_cap_probe_MEMSX(struct fl_target *t, struct fl_cap_result *r)
{
	const struct bpf_insn code[] = {
		STORE_IMM(BPF_REG_10, -8, -1),
		INSN(BPF_LDX | MEMSX | BPF_W, BPF_REG_0, BPF_REG_10, -8, 0),
		EXIT(),
	};

	return loads(PROGRAM(SOCKET_FILTER, code), r);
}

static const struct bpf_insn get_cookie[] = {
	CALL(BPF_FUNC_get_attach_cookie),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

int fl_cap_probe_COOKIE_RAW_TP(struct fl_target *t, struct fl_cap_result *r)
{
	return loads(PROGRAM(RAW_TRACEPOINT, get_cookie), r);
}

int fl_cap_probe_COOKIE(struct fl_target *t, struct fl_cap_result *r)
{
	return loads(PROGRAM(KPROBE, get_cookie), r);
}

int fl_cap_probe_PERCPU_KSYM(struct fl_target *t, struct fl_cap_result *r)
{
	struct fl_type var = find_type(t, "runqueues", BTF_KIND_VAR);
	const struct bpf_insn code[] = {
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_BTF_ID, 0, var.id),
		INSN(0, 0, 0, 0, 0),
		CALL(BPF_FUNC_this_cpu_ptr),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	if (!fl_type_ok(var))
		return no_btf(r, "variable 'runqueues'");
	return loads(PROGRAM(RAW_TRACEPOINT, code), r);
}

int fl_cap_probe_COPY_FROM_USER(struct fl_target *t, struct fl_cap_result *r)
{
	const struct bpf_insn code[] = {
		MOV_REG(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, -8),
		MOV_IMM(BPF_REG_2, 8),
		MOV_IMM(BPF_REG_3, 0),
		CALL(BPF_FUNC_copy_from_user),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	return loads(PROGRAM(KPROBE, code, .flags = BPF_F_SLEEPABLE), r);
}
