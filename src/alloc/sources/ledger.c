/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything is read into memory of our own and never mapped: what was checked stays as it was when
 * it was checked. A region that a process claims is read up to what it says is used; arrays of
 * counters are sparse, and only those parts of them are read that hold something.
 */
#include "alloc/sources/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/mapping.h"
#include "base/util.h"

#define PROCESSES_MAX 1000000
#define BUDGET	      (4ULL << 30) /* bytes that are read of one process */
#define LINK	      "/memfd:" FL_LEDGER_NAME

struct reading {
	int fd;
	uint64_t left; /* of the budget */
	const struct fl_ledger_entry *entry;
	struct fl_ledger_process p;
	struct fl_ledger_site *sites;
	struct fl_ledger_counter *sums;
	struct fl_ledger_peak *peaks; /* NULL: none are kept */
	struct fl_ledger_module *modules;
	uint64_t *frames;
	char *names;
	uint32_t nr_sites, nr_modules;
	uint64_t nr_frames, nr_names;
	size_t damaged;
};

int fl_ledger_make(uint64_t *ret_token)
{
	struct fl_ledger_head head = { .next = 4096 };
	_cleanup_close_ int fd = memfd_create(FL_LEDGER_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (getrandom(&head.token, sizeof(head.token), 0) != sizeof(head.token))
		return -EIO;
	memcpy(head.magic, FL_LEDGER_MAGIC, sizeof(head.magic));
	head.token |= 1; /* 0 is nobody's */
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)FL_LEDGER_SIZE) < 0 ||
	    pwrite(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_token = head.token;
	return TAKE_FD(fd);
}

/* A file that its owner could cut short, or that blocks, is none. */
static bool is_ledger(int fd)
{
	const int seals = F_SEAL_GROW | F_SEAL_SHRINK;
	struct fl_ledger_head head;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (fcntl(fd, F_GET_SEALS) & seals) == seals &&
	       pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
	       !memcmp(head.magic, FL_LEDGER_MAGIC, sizeof(head.magic));
}

static int open_link(int dir, const char *name)
{
	char target[64];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));
	_cleanup_close_ int fd = -1;

	if (n < (ssize_t)sizeof(LINK) - 1 || memcmp(target, LINK, sizeof(LINK) - 1))
		return -ENOENT;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	return is_ledger(fd) ? TAKE_FD(fd) : -ENOENT;
}

static int find_in(pid_t pid, const char *folder)
{
	char path[40];
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int fd = -ENOENT, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, folder);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fd < 0 && (e = readdir(d))) {
		r = open_link(dirfd(d), e->d_name);
		if (r != -ENOENT)
			fd = r;
	}
	return fd;
}

int fl_ledger_find(pid_t pid)
{
	int by_fd = find_in(pid, "fd"), by_map;

	if (by_fd >= 0 || by_fd == -ESRCH)
		return by_fd;
	by_map = find_in(pid, "map_files");
	if (by_map == -EPERM)
		by_map = -EACCES;
	return by_map == -ENOENT ? by_fd : by_map;
}

static int take(struct reading *rd, uint64_t at, void *buf, uint64_t n)
{
	if (at > FL_LEDGER_SIZE || n > FL_LEDGER_SIZE - at)
		return -EPROTO;
	if (n > rd->left)
		return -EOVERFLOW;
	rd->left -= n;
	for (uint64_t done = 0; done < n;) {
		ssize_t k = pread(rd->fd, (char *)buf + done, n - done, (off_t)(at + done));

		if (k < 0 && errno != EINTR)
			return -errno;
		if (k == 0)
			return -EPROTO;
		done += k > 0 ? (uint64_t)k : 0;
	}
	return 0;
}

static void describe(const struct fl_ledger_process *p, uint64_t at, struct fl_ledger_entry *ret)
{
	*ret = (struct fl_ledger_entry){ .at = at, .start = p->start, .pid = p->pid,
					 .parent = p->parent, .state = p->state, .nr_sites = p->nr_sites,
					 .flags = p->flags, .refused = p->refused };
	memcpy(ret->exe, p->exe, sizeof(ret->exe) - 1);
	memcpy(ret->comm, p->comm, sizeof(ret->comm) - 1);
}

int fl_ledger_list(int fd, struct fl_ledger_entry **ret, size_t *ret_n)
{
	struct reading rd = { .fd = fd, .left = BUDGET };
	_cleanup_free_ struct fl_ledger_entry *v = NULL;
	struct fl_ledger_head head;
	size_t n = 0, cap = 0;
	uint64_t mark = 0; /* an entry that was passed: coming to it again is a circle */
	int r = take(&rd, 0, &head, sizeof(head));

	if (r == 0 && memcmp(head.magic, FL_LEDGER_MAGIC, sizeof(head.magic)))
		r = -EPROTO;
	for (uint64_t at = head.first; r == 0 && at && n < PROCESSES_MAX;) {
		if (n == cap) {
			struct fl_ledger_entry *more = reallocarray(v, cap ? cap * 2 : 16, sizeof(*v));

			if (!more)
				return -ENOMEM;
			v = more;
			cap = cap ? cap * 2 : 16;
		}
		r = take(&rd, at, &rd.p, offsetof(struct fl_ledger_process, arrays));
		if (r == 0)
			describe(&rd.p, at, &v[n++]);
		if ((n & (n - 1)) == 0)
			mark = at;
		at = rd.p.before == mark ? 0 : rd.p.before;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	*ret_n = n;
	return 0;
}

static uint64_t status_word(pid_t pid, const char *file, const char *key)
{
	char path[48];
	struct fl_file f;
	struct fl_str rest, line;
	uint64_t v = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if (fl_file_open(path, 1 << 16, &f) < 0)
		return 0;
	for (rest = fl_file_str(&f); fl_str_line(&rest, &line);) {
		struct fl_str word = {}, last = {};

		if (!fl_str_starts(line, key))
			continue;
		while (fl_str_word(&line, &word))
			last = word; /* the innermost namespace's */
		for (size_t i = 0; i < last.n; i++)
			v = v * 10 + (uint64_t)(last.p[i] - '0');
	}
	fl_file_close(&f);
	return v;
}

int fl_ledger_entry_of(int fd, pid_t pid, struct fl_ledger_entry *ret)
{
	_cleanup_free_ struct fl_ledger_entry *v = NULL;
	uint64_t own = status_word(pid, "status", "NSpid:");
	size_t n;
	int r = fl_ledger_list(fd, &v, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (v[i].pid != (int32_t)(own ? own : (uint64_t)pid) ||
		    (v[i].state != FL_LEDGER_RUNS && v[i].state != FL_LEDGER_ENDED))
			continue;
		*ret = v[i];
		return 0;
	}
	return r < 0 ? r : -ENOENT;
}

/* @n things of @size bytes, in memory of our own. */
static void *take_all(struct reading *rd, uint64_t at, uint64_t n, size_t size, int *r)
{
	void *p;

	if (*r < 0)
		return NULL;
	p = calloc(n ? n : 1, size);
	if (!p)
		*r = -ENOMEM;
	else
		*r = take(rd, at, p, n * size);
	return p;
}

/* The parts of a sparse array that hold something. */
static int add_array(struct reading *rd, uint64_t at, struct fl_ledger_counter *scrap)
{
	uint64_t end = at + rd->nr_sites * sizeof(*scrap);
	const size_t piece = 4096;

	if (at > FL_LEDGER_SIZE - FL_LEDGER_SITES * sizeof(*scrap) || at % sizeof(*scrap))
		return -EPROTO;
	for (uint64_t here = at; here < end;) {
		off_t data = lseek(rd->fd, (off_t)here, SEEK_DATA);
		uint64_t n;
		int r;

		if (data < 0 || (uint64_t)data >= end)
			break;
		here = FL_MAX(here, (uint64_t)data & ~(piece - 1));
		n = FL_MIN(piece, end - here);
		r = take(rd, here, scrap, n);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n / sizeof(*scrap); i++) {
			struct fl_ledger_counter *sum = &rd->sums[(here - at) / sizeof(*scrap) + i];

			sum->bytes += scrap[i].bytes;
			sum->calls += scrap[i].calls;
			sum->freed_bytes += scrap[i].freed_bytes;
			sum->freed_calls += scrap[i].freed_calls;
		}
		here += n;
	}
	return 0;
}

static int take_process(struct reading *rd)
{
	struct fl_ledger_counter scrap[4096 / sizeof(struct fl_ledger_counter)];
	struct fl_ledger_process *p = &rd->p;
	int r = take(rd, rd->entry->at, p, sizeof(*p));

	if (r < 0)
		return r;
	if (p->nr_sites > FL_LEDGER_SITES || p->nr_modules > FL_LEDGER_MODULES ||
	    p->nr_frames > FL_LEDGER_FRAMES || p->nr_names > FL_LEDGER_NAMES ||
	    p->nr_arrays > FL_LEDGER_ARRAYS)
		return -EPROTO;
	rd->nr_sites = p->nr_sites;
	rd->nr_modules = p->nr_modules;
	rd->nr_frames = p->nr_frames;
	rd->nr_names = p->nr_names;
	rd->sums = calloc(rd->nr_sites + 1, sizeof(*rd->sums));
	if (!rd->sums)
		return -ENOMEM;
	/* counters first: what they count has been named by then */
	for (uint32_t i = 0; r == 0 && i < p->nr_arrays; i++)
		r = add_array(rd, p->arrays[i], scrap);
	rd->sites = take_all(rd, p->sites, rd->nr_sites, sizeof(*rd->sites), &r);
	rd->frames = take_all(rd, p->frames, rd->nr_frames, sizeof(*rd->frames), &r);
	rd->modules = take_all(rd, p->modules, rd->nr_modules, sizeof(*rd->modules), &r);
	rd->names = take_all(rd, p->names, rd->nr_names, 1, &r);
	if (p->peaks)
		rd->peaks = take_all(rd, p->peaks, rd->nr_sites, sizeof(*rd->peaks), &r);
	return r;
}

static void reading_fini(struct reading *rd)
{
	free(rd->sites);
	free(rd->sums);
	free(rd->peaks);
	free(rd->modules);
	free(rd->frames);
	free(rd->names);
}

static struct fl_str name_at(struct reading *rd, uint32_t at)
{
	if (at < rd->nr_names)
		return fl_str_n(rd->names + at, strnlen(rd->names + at, rd->nr_names - at));
	rd->damaged++;
	return (struct fl_str){};
}

static struct fl_str module_path(struct reading *rd, uint32_t module, struct fl_str *ret_id)
{
	const struct fl_ledger_module *m;
	struct fl_str path;

	*ret_id = (struct fl_str){};
	if (module == FL_LEDGER_NO_MODULE)
		return (struct fl_str){};
	if (module >= rd->nr_modules) {
		rd->damaged++;
		return (struct fl_str){};
	}
	m = &rd->modules[module];
	if (m->build_id_size <= sizeof(m->build_id))
		*ret_id = fl_str_n((const char *)m->build_id, m->build_id_size);
	path = name_at(rd, m->name);
	return path.n ? path : fl_str(rd->entry->exe);
}

static int add_tag(struct reading *rd, const struct fl_ledger_site *s, struct fl_alloc_record *r,
		   struct fl_alloc_set *set)
{
	struct fl_str id, path = module_path(rd, s->module, &id);
	const char *slash;

	r->function = name_at(rd, s->function);
	r->file = name_at(rd, s->file);
	r->line = s->line;
	if (s->module < rd->nr_modules && name_at(rd, rd->modules[s->module].name).n) {
		slash = memrchr(path.p, '/', path.n);
		r->module = slash ? fl_str_from(path, (size_t)(slash + 1 - path.p)) : path;
	}
	return fl_alloc_set_add_copy(set, r);
}

static int add_chain(struct reading *rd, const struct fl_ledger_site *s, struct fl_callers *names,
		     struct fl_alloc_more *more, struct fl_alloc_record *r, struct fl_alloc_set *set)
{
	struct fl_callers_place v[FL_LEDGER_DEPTH];
	uint32_t n = 0;
	int e;

	if (s->nr_frames > FL_LEDGER_DEPTH || s->frames > rd->nr_frames ||
	    s->nr_frames > rd->nr_frames - s->frames) {
		rd->damaged++;
		return 0;
	}
	for (; n < s->nr_frames; n++) {
		uint64_t frame = rd->frames[s->frames + n];

		v[n].module = module_path(rd, (uint32_t)(frame >> 48), &v[n].build_id);
		v[n].address = (frame & ~(0xffffULL << 48)) - 1;
	}
	e = fl_callers_name(names, v, n, more, r);
	return e < 0 ? e : fl_alloc_set_add(set, r);
}

static void set_values(struct reading *rd, uint32_t i, struct fl_alloc_record *r,
		       struct fl_alloc_more *more)
{
	const struct fl_ledger_counter *c = &rd->sums[i];

	r->bytes = (int64_t)(c->bytes - c->freed_bytes);
	r->calls = c->calls - c->freed_calls;
	more->total_bytes = c->bytes;
	more->total_calls = c->calls;
	more->has_total = true;
	if (!rd->peaks)
		return;
	more->has_peak = true;
	more->peak_bytes = rd->peaks[i].peak_bytes;
	more->at_bytes = rd->peaks[i].at_bytes;
	more->at_calls = rd->peaks[i].at_calls;
	if (rd->peaks[i].epoch != rd->p.peak_epoch) {
		more->at_bytes = rd->peaks[i].live_bytes;
		more->at_calls = rd->peaks[i].live_calls;
	}
}

static bool is_nothing(const struct fl_alloc_record *r, const struct fl_alloc_more *more)
{
	return !r->bytes && !r->calls && !more->total_calls;
}

static int add_site(struct reading *rd, uint32_t i, struct fl_callers *names,
		    struct fl_alloc_set *set)
{
	const struct fl_ledger_site *s = &rd->sites[i];
	struct fl_alloc_more *more = FL_ARENA_NEW(&set->strings, struct fl_alloc_more);
	struct fl_alloc_record r = { .accurate = FL_ACCURATE_YES, .more = more };

	if (!more)
		return -ENOMEM;
	more->pid = rd->entry->pid;
	set_values(rd, i, &r, more);
	if (s->kind == FL_LEDGER_NOTHING || (is_nothing(&r, more) && s->kind != FL_LEDGER_TAG))
		return 0;
	if (s->kind == FL_LEDGER_TAG && s->unloaded && is_nothing(&r, more))
		return 0;
	if (s->kind == FL_LEDGER_TAG)
		return add_tag(rd, s, &r, set);
	if (s->kind == FL_LEDGER_MAPS)
		r.extra = FL_STR(FL_ALLOC_MAPPED);
	if (s->kind == FL_LEDGER_CHAIN || s->kind == FL_LEDGER_MAPS)
		return add_chain(rd, s, names, more, &r, set);
	r.function = FL_STR("(more callers than can be told apart)");
	r.accurate = FL_ACCURATE_NO;
	if (s->kind != FL_LEDGER_REST) {
		rd->damaged++;
		return 0;
	}
	return fl_alloc_set_add(set, &r);
}

int fl_ledger_read(int fd, const struct fl_ledger_entry *e, struct fl_callers *names,
		   struct fl_alloc_set *set, size_t *ret_damaged)
{
	struct reading rd = { .fd = fd, .left = BUDGET, .entry = e };
	int r = take_process(&rd);

	for (uint32_t i = 1; r == 0 && i < rd.nr_sites; i++)
		r = add_site(&rd, i, names, set);
	set->peak_bytes += (int64_t)rd.p.peak_bytes;
	*ret_damaged += rd.damaged;
	reading_fini(&rd);
	return r;
}

static void give_back(int fd, uint64_t at, uint64_t n)
{
	if (at && at <= FL_LEDGER_SIZE - n)
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n);
}

void fl_ledger_forget(int fd, const struct fl_ledger_entry *e)
{
	const uint32_t none = 0;
	struct reading rd = { .fd = fd, .left = BUDGET };

	if (!e->nr_sites || take(&rd, e->at, &rd.p, sizeof(rd.p)) < 0)
		return;
	if (pwrite(fd, &none, sizeof(none),
		   (off_t)(e->at + offsetof(struct fl_ledger_process, nr_sites))) < 0)
		return;
	give_back(fd, rd.p.sites, FL_LEDGER_SITES * sizeof(struct fl_ledger_site));
	give_back(fd, rd.p.frames, FL_LEDGER_FRAMES * sizeof(uint64_t));
	give_back(fd, rd.p.names, FL_LEDGER_NAMES);
	for (uint32_t i = 0; i < FL_MIN(rd.p.nr_arrays, FL_LEDGER_ARRAYS); i++)
		give_back(fd, rd.p.arrays[i],
			  FL_LEDGER_SITES * sizeof(struct fl_ledger_counter));
}
