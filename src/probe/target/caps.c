/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of capabilities, and those that are read from files: privilege, what the kernel tells of
 * itself, and its tracer. What has to be tried out on the kernel's BPF is in caps-bpf.c.
 */
#include "probe/target/caps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/target/caps-private.h"
#include "probe/target/target-private.h"

static const struct {
	struct fl_cap_info info;
	fl_cap_fn probe;
} rows[_FL_CAP_MAX] = {
#define SYS_PCI "/sys/bus/pci/devices"
#define C(id, grp, what, for_what, do_what)                                                        \
	[FL_CAP_##id] = { { .name = #id, .group = grp, .about = what, .serves = for_what,          \
			    .remedy = do_what },                                                   \
			  fl_cap_probe_##id },
#include "probe/target/caps.def"
#undef C
};

const struct fl_cap_info *fl_cap_info(enum fl_cap cap)
{
	return &rows[cap].info;
}

void fl_cap_note(struct fl_cap_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->note, sizeof(r->note), fmt, ap);
	va_end(ap);
}

static int have_cap(int cap, int instead);

/* A refusal for want of privilege tells nothing of the kernel. */
static bool is_denied(enum fl_cap cap, int answer)
{
	return (answer == -EPERM || answer == -EACCES) && strcmp(rows[cap].info.group, "privilege") &&
	       (have_cap(CAP_BPF, CAP_SYS_ADMIN) < 0 || have_cap(CAP_PERFMON, CAP_SYS_ADMIN) < 0);
}

const struct fl_cap_result *fl_cap_probe(struct fl_target *t, enum fl_cap cap)
{
	struct fl_cap_result *r = &fl_target_cap_results(t)[cap];
	int answer = 0;

	if (r->asked)
		return r;
	r->asked = true;
	if (!fl_target_is_live(t))
		fl_cap_note(r, "the target is not this machine");
	else
		answer = rows[cap].probe(t, r);
	r->state = answer > 0 ? FL_CAP_YES : answer < 0 ? FL_CAP_NO : FL_CAP_UNKNOWN;
	r->err = answer < 0 ? -answer : 0;
	r->denied = is_denied(cap, answer);
	return r;
}

/* ---- small files ---- */

/* The first @n - 1 bytes of a small file, without the newline. Empty where it cannot be read. */
static int read_small(const char *path, char *text, size_t n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	got = read(fd, text, n - 1);
	if (got < 0)
		return -errno;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* A number in a file, noted; -errno where there is none. */
static int read_number(const char *path, struct fl_cap_result *r, int64_t *ret)
{
	char text[32];
	int err = read_small(path, text, sizeof(text));

	if (err < 0)
		return err;
	fl_cap_note(r, "%s", text);
	return fl_parse_s64(fl_str(text), 10, ret);
}

/* ---- privilege ---- */

static int effective_caps(uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long v;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapEff: %llx", &v) == 1) {
			*ret = v;
			return 0;
		}
	}
	return -ENOENT;
}

/* One of the two: CAP_SYS_ADMIN stands for those that were split off it. */
static int have_cap(int cap, int instead)
{
	uint64_t caps;
	int r = effective_caps(&caps);

	if (r < 0)
		return 0;
	return caps & (1ull << cap | 1ull << instead) ? 1 : -EPERM;
}

int fl_cap_probe_CAP_BPF(struct fl_target *t, struct fl_cap_result *r)
{
	return have_cap(CAP_BPF, CAP_SYS_ADMIN);
}

int fl_cap_probe_CAP_PERFMON(struct fl_target *t, struct fl_cap_result *r)
{
	return have_cap(CAP_PERFMON, CAP_SYS_ADMIN);
}

int fl_cap_probe_CAP_SYS_ADMIN(struct fl_target *t, struct fl_cap_result *r)
{
	return have_cap(CAP_SYS_ADMIN, CAP_SYS_ADMIN);
}

int fl_cap_probe_CAP_SYSLOG(struct fl_target *t, struct fl_cap_result *r)
{
	return have_cap(CAP_SYSLOG, CAP_SYSLOG);
}

/* A limit that a privilege lifts: the number in @path is at most @most. */
static int at_most(const char *path, int64_t most, int cap, struct fl_cap_result *r)
{
	int64_t v;
	int err = read_number(path, r, &v);

	if (have_cap(cap, CAP_SYS_ADMIN) > 0)
		return 1;
	if (err < 0)
		return 0;
	return v <= most ? 1 : -EPERM;
}

int fl_cap_probe_UNPRIVILEGED_BPF(struct fl_target *t, struct fl_cap_result *r)
{
	return at_most("/proc/sys/kernel/unprivileged_bpf_disabled", 0, CAP_BPF, r);
}

int fl_cap_probe_PERF_PARANOID(struct fl_target *t, struct fl_cap_result *r)
{
	return at_most("/proc/sys/kernel/perf_event_paranoid", 1, CAP_PERFMON, r);
}

/* "none [integrity] confidentiality" */
int fl_cap_probe_LOCKDOWN(struct fl_target *t, struct fl_cap_result *r)
{
	char text[64];
	int err = read_small("/sys/kernel/security/lockdown", text, sizeof(text));
	size_t open = strcspn(text, "["), len = strcspn(text + open, "]");

	if (err == -ENOENT) {
		fl_cap_note(r, "no lockdown in this kernel, or securityfs is not mounted");
		return 1;
	}
	if (err < 0 || !text[open])
		return 0;
	fl_cap_note(r, "%.*s", (int)len - 1, text + open + 1);
	return strcmp(r->note, "confidentiality") ? 1 : -EPERM;
}

/* ---- facts ---- */

int fl_cap_probe_BTF(struct fl_target *t, struct fl_cap_result *r)
{
	struct fl_btf *btf;
	int err = fl_target_btf(t, &btf);

	if (err < 0)
		return err;
	fl_cap_note(r, "%u types", fl_btf_end_id(btf) - 1);
	return 1;
}

static int count_module(void *ctx, struct fl_btf *btf)
{
	++*(unsigned int *)ctx;
	return 0;
}

int fl_cap_probe_MODULE_BTF(struct fl_target *t, struct fl_cap_result *r)
{
	unsigned int objects = 0;

	fl_target_each_btf(t, count_module, &objects);
	if (objects > 1) {
		fl_cap_note(r, "%u modules", objects - 1);
		return 1;
	}
	fl_cap_note(r, "no loaded module has any");
	return 0;
}

int fl_cap_probe_KALLSYMS(struct fl_target *t, struct fl_cap_result *r)
{
	struct fl_ksyms *k;
	int err = fl_target_ksyms(t, &k);

	if (err < 0)
		return err;
	if (fl_ksyms_hidden(k)) {
		char restrict_to[8];

		read_small("/proc/sys/kernel/kptr_restrict", restrict_to, sizeof(restrict_to));
		fl_cap_note(r, "all addresses are hidden; kernel.kptr_restrict is %s", restrict_to);
		return -EPERM;
	}
	fl_cap_note(r, "%zu symbols", fl_ksyms_count(k));
	return 1;
}

/* Variables that every kernel has. */
int fl_cap_probe_KALLSYMS_ALL(struct fl_target *t, struct fl_cap_result *r)
{
	struct fl_ksyms *k;
	int err = fl_target_ksyms(t, &k);

	if (err < 0)
		return err;
	return fl_ksyms_find(k, FL_STR("init_task"), NULL, 0) &&
			       fl_ksyms_find(k, FL_STR("runqueues"), NULL, 0) ? 1 : -ENOENT;
}

/* ---- the kernel's tracer ---- */

static int open_tracefs(struct fl_target *t, const char *name, int flags)
{
	_cleanup_buf_ struct fl_buf path = {};
	int fd;

	if (!fl_target_tracefs(t))
		return -ENOENT;
	fl_buf_addf(&path, "%s/%s", fl_target_tracefs(t), name);
	fd = open(fl_buf_z(&path), flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int can_open(struct fl_target *t, const char *name, int flags)
{
	int fd = open_tracefs(t, name, flags);

	if (fd < 0)
		return fd;
	close(fd);
	return 1;
}

int fl_cap_probe_TRACEFS(struct fl_target *t, struct fl_cap_result *r)
{
	if (fl_target_tracefs(t))
		fl_cap_note(r, "%s", fl_target_tracefs(t));
	return can_open(t, "README", O_RDONLY);
}

static int count_event(void *ctx, struct fl_str system, struct fl_str event)
{
	++*(unsigned int *)ctx;
	return 0;
}

int fl_cap_probe_EVENTS(struct fl_target *t, struct fl_cap_result *r)
{
	unsigned int events = 0;
	int err = fl_target_each_event(t, FL_STR("*"), count_event, &events);

	if (err < 0)
		return err;
	fl_cap_note(r, "%u events", events);
	return events ? 1 : -ENOENT;
}

int fl_cap_probe_DYNAMIC_EVENTS(struct fl_target *t, struct fl_cap_result *r)
{
	return can_open(t, "dynamic_events", O_WRONLY);
}

int fl_cap_probe_KPROBE_EVENTS(struct fl_target *t, struct fl_cap_result *r)
{
	return can_open(t, "kprobe_events", O_WRONLY);
}

static int readme_says(struct fl_target *t, const char *words)
{
	_cleanup_buf_ struct fl_buf text = {};
	_cleanup_close_ int fd = open_tracefs(t, "README", O_RDONLY);
	int err = fd < 0 ? fd : fl_buf_read_fd(&text, fd, 1u << 20);

	if (err < 0)
		return err;
	return strstr(fl_buf_z(&text), words) ? 1 : -ENOENT;
}

int fl_cap_probe_FPROBE_EVENTS(struct fl_target *t, struct fl_cap_result *r)
{
	return readme_says(t, "f[:[<group>/][<event>]] <func-name>[%return]");
}

int fl_cap_probe_BTF_ARGS(struct fl_target *t, struct fl_cap_result *r)
{
	return readme_says(t, "<argname>[->field");
}

int fl_cap_probe_TYPECASTS(struct fl_target *t, struct fl_cap_result *r)
{
	return readme_says(t, "[(structname");
}

/* ---- for the other engines ---- */

int fl_cap_probe_ALLOCINFO(struct fl_target *t, struct fl_cap_result *r)
{
	char text[64];
	int err = read_small("/proc/allocinfo", text, sizeof(text)), counting;

	if (err < 0)
		return err;
	counting = read_small("/proc/sys/vm/mem_profiling", text, sizeof(text));
	if (counting < 0)
		return 1;
	fl_cap_note(r, "vm.mem_profiling is %s", text);
	return text[0] == '1' ? 1 : -EAGAIN;
}

/* A mapping that nobody reads does not touch the device; lockdown refuses the mapping alone. */
static int can_map(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return -errno;
	p = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	munmap(p, (size_t)sysconf(_SC_PAGESIZE));
	return 1;
}

/* Whether one of a device's BARs can be mapped; 0: it has none, or none of memory. */
static int can_map_bar(const char *device)
{
	char path[PATH_MAX];
	int err = 0;

	for (unsigned int bar = 0; bar < 6 && err <= 0 && err != -EPERM && err != -EACCES; bar++) {
		snprintf(path, sizeof(path), SYS_PCI "/%s/resource%u", device, bar);
		if (access(path, F_OK) == 0)
			err = can_map(path);
	}
	return err;
}

/* The first device that has a memory BAR answers for all. */
int fl_cap_probe_PCI_BARS(struct fl_target *t, struct fl_cap_result *r)
{
	_cleanup_closedir_ DIR *dir = opendir(SYS_PCI);
	struct dirent *e;
	bool any = false;
	int err = 0;

	while (dir && err <= 0 && err != -EPERM && err != -EACCES && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		any = true;
		err = can_map_bar(e->d_name);
	}
	if (!any)
		fl_cap_note(r, "this machine has no PCI device");
	return err;
}
