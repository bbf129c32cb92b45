/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf/attach.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "bpf/sys.h"

#define LOG_SIZE (1u << 16)

/* The verifier ends with statistics and often repeats the instruction: what it means stands before. */
static void last_words(const char *log, struct fl_buf *why)
{
	struct fl_str rest = fl_str(log), line, last = {};

	while (fl_str_line(&rest, &line)) {
		line = fl_str_trim(line);
		if (line.n == 0 || fl_str_starts(line, "processed ") ||
		    fl_str_starts(line, "verification time") || fl_str_starts(line, "stack depth"))
			continue;
		last = line;
	}
	fl_buf_add_str(why, last);
}

int fl_module_btf_fd(const char *module)
{
	uint32_t id = 0;

	while (fl_bpf_btf_next_id(&id) == 0) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (uint64_t)(uintptr_t)name,
					     .name_len = sizeof(name) };
		int fd = fl_bpf_btf_open(id);

		if (fd < 0)
			continue;
		if (fl_bpf_info(fd, &info, sizeof(info)) == 0 && info.kernel_btf &&
		    strcmp(name, module) == 0)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int load(enum fl_hook hook, const struct fl_attach_point *point, const char *name,
		const struct fl_insns *insns, char *log)
{
	struct fl_bpf_prog prog = {
		.type = fl_hooks[hook].prog_type, .attach_type = fl_hooks[hook].attach_type,
		.may_sleep = fl_hooks[hook].may_sleep,
		.name = name, .insns = insns->v, .nr_insns = insns->n, .log = log, .log_size = LOG_SIZE,
	};
	int btf = -1, fd;

	if (fl_hooks[hook].ctx == FL_CTX_TRAMPOLINE) {
		prog.attach_btf_id = point->btf_id;
		if (point->module) {
			btf = fl_module_btf_fd(point->module);
			if (btf < 0)
				return btf;
			prog.attach_btf_fd = btf;
		}
	}
	fd = fl_bpf_prog_load(&prog);
	if (btf >= 0)
		close(btf);
	return fd;
}

int fl_prog_load(enum fl_hook hook, const struct fl_attach_point *point, const char *name,
		 const struct fl_insns *insns, struct fl_buf *why)
{
	int fd = load(hook, point, name, insns, NULL);
	char *log;

	if (fd >= 0)
		return fd;
	log = calloc(1, LOG_SIZE);
	if (!log)
		return -ENOMEM;
	fd = load(hook, point, name, insns, log);
	if (fd < 0)
		last_words(log, why);
	free(log);
	return fd;
}

/* ---- attaching ---- */

void fl_attachment_release(struct fl_attachment *a)
{
	if (a->link >= 0)
		close(a->link);
	if (a->perf >= 0)
		close(a->perf);
	*a = FL_ATTACHMENT_NONE;
}

/* What the kernel says of a link, as of 6.7; must match struct bpf_link_info of its linux/bpf.h. */
struct link_info {
	uint32_t type, id, prog_id, pad;
	union {
		struct {
			uint64_t addrs;
			uint32_t count, flags;
			uint64_t missed;
		} multi;
		struct {
			uint32_t kind, pad;
			uint64_t name;
			uint32_t name_len, offset;
			uint64_t addr, missed;
		} perf;
		uint8_t room[64];
	};
};

_Static_assert(sizeof(struct link_info) == 80, "struct bpf_link_info");
_Static_assert(offsetof(struct link_info, perf.missed) == 48, "struct bpf_link_info");
_Static_assert(offsetof(struct link_info, multi.missed) == 32, "struct bpf_link_info");

#define PERF_KIND_KPROBE    3
#define PERF_KIND_KRETPROBE 4

uint64_t fl_attachment_missed(const struct fl_attachment *a)
{
	struct link_info info = {};

	if (a->link < 0 || fl_bpf_info(a->link, &info, sizeof(info)) < 0)
		return 0;
	if (info.type == BPF_LINK_TYPE_KPROBE_MULTI)
		return info.multi.missed;
	if (info.type == BPF_LINK_TYPE_PERF_EVENT &&
	    (info.perf.kind == PERF_KIND_KPROBE || info.perf.kind == PERF_KIND_KRETPROBE))
		return info.perf.missed;
	return 0;
}

/* Of one process, whichever CPU it is on; @pid 0: of all, on whichever CPU. */
static int perf_open(struct perf_event_attr *attr, int pid)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, pid ? pid : -1, pid ? -1 : 0, -1,
			  PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* One number from a file of sysfs, "config:0" counting as 0. */
static int sysfs_number(const char *path, uint64_t *ret)
{
	_cleanup_file_ struct fl_file f = {};
	struct fl_str text;
	int r = fl_file_open(path, 4096, &f);

	if (r < 0)
		return r;
	text = fl_str_trim(fl_file_str(&f));
	if (fl_str_starts(text, "config:"))
		text = fl_str_from(text, 7);
	return fl_parse_u64(text, 10, ret);
}

#define PMU "/sys/bus/event_source/devices/"

int fl_kprobe_try(const char *symbol, uint64_t offset)
{
	struct perf_event_attr attr = { .kprobe_func = (uint64_t)(uintptr_t)symbol, .probe_offset = offset,
					.disabled = 1 };
	uint64_t type;
	int r = sysfs_number(PMU "kprobe/type", &type);

	if (r < 0)
		return -ENODEV;
	attr.type = (uint32_t)type;
	r = perf_open(&attr, 0);
	if (r >= 0)
		close(r);
	return FL_MIN(r, 0);
}

/* Links are newer than the ioctl, which has no cookie; both go away with the descriptor. */
static int perf_attach(int prog, int perf, const uint64_t *cookie, struct fl_attachment *ret)
{
	int link;

	if (perf < 0)
		return perf;
	link = cookie ? fl_bpf_link_perf(prog, perf, *cookie) : fl_bpf_link_create(prog, perf, BPF_PERF_EVENT);
	if (link < 0 && cookie) {
		close(perf);
		return link;
	}
	if (link < 0) {
		if (ioctl(perf, PERF_EVENT_IOC_SET_BPF, prog) < 0 ||
		    ioctl(perf, PERF_EVENT_IOC_ENABLE, 0) < 0) {
			int err = -errno;

			close(perf);
			return err;
		}
	}
	*ret = (struct fl_attachment){ .link = link, .perf = perf };
	return 0;
}

/* @files: "type" and "format/retprobe" of the probe's device */
static int attach_probe_pmu(const char *const files[2], const struct fl_attach_point *point,
			    bool is_return, int prog, struct fl_attachment *ret)
{
	struct perf_event_attr attr = {};
	uint64_t number, bit = 0;
	int r;

	r = sysfs_number(files[0], &number);
	if (r == 0 && is_return)
		r = sysfs_number(files[1], &bit);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	attr.type = (uint32_t)number;
	attr.config = (is_return ? 1ull << bit : 0) | point->refctr << 32;
	attr.config1 = (uint64_t)(uintptr_t)point->name;
	attr.config2 = point->name ? point->offset : point->address;
	return perf_attach(prog, perf_open(&attr, point->pid), point->cookie ? &point->offset : NULL, ret);
}

static int attach_tracepoint(const struct fl_attach_point *point, int prog, struct fl_attachment *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .config = point->tracepoint_id,
	};

	/*
	 * BPF runs for every CPU, whichever the event was opened on. It only counts: what would take samples is
	 * refused where the kernel's own sampling would be traced by it (irq_vectors:irq_work_exit).
	 */
	return perf_attach(prog, perf_open(&attr, 0), NULL, ret);
}

/* Whoever runs on that CPU; the clock is a timer of the kernel's, which virtual machines have, too. */
static int attach_sample(const struct fl_attach_point *point, int prog, struct fl_attachment *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1, .sample_freq = point->frequency,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, point->cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return perf_attach(prog, fd < 0 ? -errno : fd, NULL, ret);
}

static int attach_trampoline(enum fl_hook hook, int prog, struct fl_attachment *ret)
{
	int link = fl_bpf_link_create(prog, 0, fl_hooks[hook].attach_type);

	if (link == -EINVAL) /* before 5.15 links of this kind were made otherwise */
		link = fl_bpf_raw_tracepoint_open(NULL, prog);
	if (link < 0)
		return link;
	*ret = (struct fl_attachment){ .link = link, .perf = -1 };
	return 0;
}

static int attach_multi(enum fl_hook hook, const struct fl_attach_point *point, int prog,
			struct fl_attachment *ret)
{
	int link = fl_bpf_link_multi(prog, point->addresses, point->cookies,
				     (uint32_t)point->nr_addresses,
				     fl_hooks[hook].is_return ? BPF_F_KPROBE_MULTI_RETURN : 0);

	if (link < 0)
		return link;
	*ret = (struct fl_attachment){ .link = link, .perf = -1 };
	return 0;
}

static int attach_user_multi(enum fl_hook hook, const struct fl_attach_point *point, int prog,
			     struct fl_attachment *ret)
{
	struct fl_bpf_user_places places = {
		.path = point->name, .offsets = point->addresses, .counters = point->counters,
		.cookies = point->cookies ? point->cookies : point->addresses,
		.n = (uint32_t)point->nr_addresses, .is_return = fl_hooks[hook].is_return,
	};
	int link = fl_bpf_link_user(prog, &places);

	if (link < 0)
		return link;
	*ret = (struct fl_attachment){ .link = link, .perf = -1 };
	return 0;
}

int fl_prog_attach(enum fl_hook hook, const struct fl_attach_point *point, int prog,
		   struct fl_attachment *ret)
{
	static const char *const kprobe[] = { PMU "kprobe/type", PMU "kprobe/format/retprobe" };
	static const char *const uprobe[] = { PMU "uprobe/type", PMU "uprobe/format/retprobe" };
	bool is_return = fl_hooks[hook].is_return;
	int link;

	switch (hook) {
	case FL_HOOK_RAW_TP:
		link = fl_bpf_raw_tracepoint_open(point->name, prog);
		if (link < 0)
			return link;
		*ret = (struct fl_attachment){ .link = link, .perf = -1 };
		return 0;
	case FL_HOOK_SAMPLE:
		return attach_sample(point, prog, ret);
	case FL_HOOK_FENTRY:
	case FL_HOOK_FEXIT:
		return attach_trampoline(hook, prog, ret);
	case FL_HOOK_KPROBE:
	case FL_HOOK_KRETPROBE:
		return attach_probe_pmu(kprobe, point, is_return, prog, ret);
	case FL_HOOK_UPROBE_SLEEP:
	case FL_HOOK_URETPROBE_SLEEP:
	case FL_HOOK_UPROBE:
	case FL_HOOK_URETPROBE:
		return attach_probe_pmu(uprobe, point, is_return, prog, ret);
	case FL_HOOK_UPROBE_MULTI_SLEEP:
	case FL_HOOK_UPROBE_MULTI:
	case FL_HOOK_URETPROBE_MULTI_SLEEP:
	case FL_HOOK_URETPROBE_MULTI:
		return attach_user_multi(hook, point, prog, ret);
	case FL_HOOK_KPROBE_MULTI:
	case FL_HOOK_KRETPROBE_MULTI:
		return attach_multi(hook, point, prog, ret);
	case FL_HOOK_KPROBE_EVENT:
	case FL_HOOK_KRETPROBE_EVENT:
	case FL_HOOK_TRACEPOINT:
		return attach_tracepoint(point, prog, ret);
	case _FL_HOOK_MAX:
		break;
	}
	return -EINVAL;
}
