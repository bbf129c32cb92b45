/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process's own record and regions in the ledger (alloc/tags/ledger.h).
 *
 * The file is the runner's where there is one and it can be opened, otherwise the process's own,
 * otherwise (nobody may read us, no memfd, a limit on file sizes) none: then the regions are plain
 * memory, and only the process itself can say what it counts.
 *
 * The file's descriptor is needed for new regions - a thread's counters, a child's record - and
 * programs close descriptors that they do not know. So it is looked at before each use; where it is
 * gone, a copy of the mapping of the head is moved to another place in the file, which the kernel
 * does for whoever has a mapping. What the process has mapped already needs no descriptor.
 *
 * A child after fork() has its parent's memory, and in it mappings of a shared file. Before the fork
 * the parent makes a second record with copies of all regions; the child goes over to them, and the
 * parent drops them. A fork that fails leaves a record that never lives.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/lib/core.h"

#define PAGE	   4096UL
#define SITES_FEW  (1u << 16) /* where address space is limited (ulimit -v) */
#define FRAMES_FEW (1u << 18)
#define NAMES_FEW  (1u << 21)
#define HIGH_FD	   500 /* away from the small numbers, which programs like to know */

struct fl_book fl_book;

static int file = -1;
static ino_t file_ino;
static struct fl_ledger_head *head; /* NULL: there is no file */
static bool opened;
static struct fl_book child; /* between the fork's preparation and its end */

void *fl_memory(size_t size)
{
	void *p = fl_sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool is_file_open(void)
{
	struct stat st;

	return file >= 0 && fstat(file, &st) == 0 && st.st_ino == file_ino;
}

static int high(int fd)
{
	struct rlimit l;
	int there, at = HIGH_FD;

	if (fd < 0)
		return fd;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur <= HIGH_FD)
		at = (int)l.rlim_cur - 1;
	there = fcntl(fd, F_DUPFD_CLOEXEC, at);
	if (there < 0)
		return fd;
	close(fd);
	return there;
}

static struct fl_ledger_head *map_head(int fd)
{
	void *p = fl_sys_mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool adopt(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	file = high(fd);
	file_ino = st.st_ino;
	head = map_head(file);
	if (head)
		return true;
	close(file);
	file = -1;
	return false;
}

static void leave_file(void)
{
	fl_sys_munmap(head, PAGE);
	head = NULL;
	close(file);
	file = -1;
}

/* What the runner keeps; in another mount or pid namespace, or as another user, it is out of reach. */
static bool open_runners(void)
{
	char path[48];
	struct stat st;
	int fd;

	if (!fl_settings.runner)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", fl_settings.runner, fl_settings.runner_fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || st.st_size != (off_t)FL_LEDGER_SIZE || !adopt(fd)) {
		close(fd);
		return false;
	}
	if (!memcmp(head->magic, FL_LEDGER_MAGIC, 8) && head->token == fl_settings.token)
		return true;
	leave_file();
	return false;
}

static bool make_own(void)
{
	struct rlimit l;
	int fd;

	if (getrlimit(RLIMIT_FSIZE, &l) == 0 && l.rlim_cur < FL_LEDGER_SIZE)
		return false;
	fd = memfd_create(FL_LEDGER_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return false;
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)FL_LEDGER_SIZE) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0 || !adopt(fd)) {
		close(fd);
		return false;
	}
	memcpy(head->magic, FL_LEDGER_MAGIC, 8);
	head->next = PAGE;
	return true;
}

/* A copy of the head's mapping, moved to @offset. */
static void *map_without_file(uint64_t offset, size_t size)
{
	void *p = fl_sys_mremap(head, 0, size, MREMAP_MAYMOVE, NULL);

	if (p == MAP_FAILED)
		return NULL;
	if (syscall(SYS_remap_file_pages, p, size, 0, offset / PAGE, 0) == 0)
		return p;
	fl_sys_munmap(p, size);
	return NULL;
}

/* A new region, zeroed. @ret_offset is 0 where it is in no file. */
static void *region(size_t size, uint64_t *ret_offset)
{
	uint64_t offset;
	void *p;

	*ret_offset = 0;
	size = (size + PAGE - 1) & ~(PAGE - 1);
	if (!head)
		return fl_memory(size);
	offset = __atomic_fetch_add(&head->next, size, __ATOMIC_RELAXED);
	if (offset % PAGE || offset > FL_LEDGER_SIZE - size)
		return fl_memory(size);
	if (is_file_open())
		p = fl_sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file,
			 (off_t)offset);
	else
		p = map_without_file(offset, size);
	if (!p || p == MAP_FAILED)
		return NULL;
	*ret_offset = offset;
	return p;
}

size_t fl_book_array_size(void)
{
	return fl_book.sites_max * sizeof(struct fl_ledger_counter);
}

static size_t peaks_size(void)
{
	return fl_book.sites_max * sizeof(struct fl_ledger_peak);
}

/* The record with its regions; *@b is complete or all of it NULL. */
static bool make_book(struct fl_book *b)
{
	struct fl_ledger_process *p;
	uint64_t at;

	p = region(sizeof(*p), &at);
	if (!p)
		return false;
	b->process = p;
	b->sites = region(b->sites_max * sizeof(*b->sites), &p->sites);
	b->frames = region(b->frames_max * sizeof(*b->frames), &p->frames);
	b->names = region(b->names_max, &p->names);
	b->modules = region(FL_LEDGER_MODULES * sizeof(*b->modules), &p->modules);
	b->peaks = fl_settings.peak ? region(b->sites_max * sizeof(*b->peaks), &p->peaks) : NULL;
	if (!b->sites || !b->frames || !b->names || !b->modules ||
	    (fl_settings.peak && !b->peaks)) {
		b->process = NULL;
		return false;
	}
	p->at = at;
	return true;
}

static void drop_book(const struct fl_book *b)
{
	fl_sys_munmap(b->process, sizeof(*b->process));
	fl_sys_munmap(b->sites, b->sites_max * sizeof(*b->sites));
	fl_sys_munmap(b->frames, b->frames_max * sizeof(*b->frames));
	fl_sys_munmap(b->names, b->names_max);
	fl_sys_munmap(b->modules, FL_LEDGER_MODULES * sizeof(*b->modules));
	if (b->peaks)
		fl_sys_munmap(b->peaks, peaks_size());
}

static size_t read_small(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* The 22nd word of stat, counted from behind the name, which may hold anything. */
static uint64_t start_time(void)
{
	char text[1024], *p;

	read_small("/proc/self/stat", text, sizeof(text));
	p = strrchr(text, ')');
	for (int i = 0; p && i < 20; i++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

static void describe(struct fl_ledger_process *p)
{
	size_t n;

	p->pid = getpid();
	p->parent = getppid();
	p->start = start_time();
	n = read_small("/proc/self/comm", p->comm, sizeof(p->comm));
	if (n && p->comm[n - 1] == '\n')
		p->comm[n - 1] = '\0';
}

/* Before it begins to live: the list is walked by others without a lock. */
static void enlist(struct fl_ledger_process *p)
{
	uint64_t before;

	if (!head || !p->at)
		return;
	before = __atomic_load_n(&head->first, __ATOMIC_RELAXED);
	do
		p->before = before;
	while (!__atomic_compare_exchange_n(&head->first, &before, p->at, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
}

/* A program that became this one by exec counts no more. */
static void replace_former(void)
{
	const struct fl_ledger_process *me = fl_book.process;
	uint64_t at = me->before;

	for (unsigned int i = 0; at && i < 100000; i++) {
		struct fl_ledger_process *p;
		uint64_t before;

		if (at % PAGE || at > FL_LEDGER_SIZE - sizeof(*p))
			return;
		p = fl_sys_mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)at);
		if (p == MAP_FAILED)
			return;
		before = p->before;
		if (p->pid == me->pid && p->start == me->start && p->state == FL_LEDGER_RUNS) {
			p->state = FL_LEDGER_REPLACED;
			before = 0;
		}
		fl_sys_munmap(p, sizeof(*p));
		at = before;
	}
}

static uint32_t flags_of_process(void)
{
	uint32_t flags = fl_book.peaks ? FL_LEDGER_PEAKS : 0;

	if (fl_real_kind == FL_REAL_ASIDE)
		flags |= FL_LEDGER_ASIDE;
	if (fl_real_kind == FL_REAL_OTHER)
		flags |= FL_LEDGER_OTHER_MALLOC;
	if (fl_real_kind == FL_REAL_SANITIZER)
		flags |= FL_LEDGER_SANITIZED;
	return flags | (fl_real_has_cxx ? 0 : FL_LEDGER_CXX_ASIDE);
}

static void begin_book(void)
{
	struct fl_ledger_process *p = fl_book.process;
	ssize_t n;

	p->nr_sites = FL_LEDGER_OTHER + 1;
	p->nr_names = 1; /* the empty string */
	p->depth = fl_settings.depth;
	p->flags = flags_of_process();
	fl_book.sites[FL_LEDGER_OTHER].kind = FL_LEDGER_REST;
	fl_book.sites[FL_LEDGER_OTHER].module = FL_LEDGER_NO_MODULE;
	n = readlink("/proc/self/exe", p->exe, sizeof(p->exe) - 1);
	p->exe[n > 0 ? n : 0] = '\0';
	describe(p);
	p->state = FL_LEDGER_RUNS;
	enlist(p);
	if (head && head->token)
		replace_former();
}

bool fl_book_open(void)
{
	struct rlimit l;
	int before = errno;

	if (likely(opened))
		return fl_book.process != NULL;
	opened = true;
	fl_book.sites_max = FL_LEDGER_SITES;
	fl_book.frames_max = FL_LEDGER_FRAMES;
	fl_book.names_max = FL_LEDGER_NAMES;
	fl_book.table_bits = 21;
	if (getrlimit(RLIMIT_AS, &l) == 0 && l.rlim_cur != RLIM_INFINITY) {
		fl_book.sites_max = SITES_FEW;
		fl_book.frames_max = FRAMES_FEW;
		fl_book.names_max = NAMES_FEW;
		fl_book.table_bits = 17;
	}
	if (fl_settings.keep && !open_runners())
		make_own();
	if (make_book(&fl_book))
		begin_book();
	errno = before;
	return fl_book.process != NULL;
}

void *fl_book_array(uint64_t *ret_offset)
{
	struct fl_ledger_process *p = fl_book.process;
	void *v;

	if (head && p->nr_arrays == FL_LEDGER_ARRAYS)
		return NULL;
	v = region(fl_book_array_size(), ret_offset);
	if (v && *ret_offset) {
		p->arrays[p->nr_arrays] = *ret_offset;
		__atomic_store_n(&p->nr_arrays, p->nr_arrays + 1, __ATOMIC_RELEASE);
	}
	return v;
}

uint32_t fl_book_name(const char *s, size_t n)
{
	struct fl_ledger_process *p = fl_book.process;
	uint32_t at = (uint32_t)p->nr_names;

	if (!n || n >= fl_book.names_max - p->nr_names)
		return 0;
	memcpy(fl_book.names + at, s, n);
	fl_book.names[at + n] = '\0';
	p->nr_names += n + 1;
	return at;
}

void fl_book_flag(uint32_t flag)
{
	if (fl_book.process)
		__atomic_fetch_or(&fl_book.process->flags, flag, __ATOMIC_RELAXED);
}

void fl_book_end(void)
{
	if (fl_book.process)
		fl_book.process->state = FL_LEDGER_ENDED;
}

/* All that the record says of itself but where things are. */
static void copy_record(struct fl_ledger_process *to, const struct fl_ledger_process *from)
{
	to->flags = from->flags;
	to->nr_sites = from->nr_sites;
	to->nr_modules = from->nr_modules;
	to->nr_frames = from->nr_frames;
	to->nr_names = from->nr_names;
	to->peak_bytes = from->peak_bytes;
	to->peak_epoch = from->peak_epoch;
	to->refused = from->refused;
	to->depth = from->depth;
	memcpy(to->exe, from->exe, sizeof(to->exe));
	to->parent = from->pid;
	to->state = FL_LEDGER_FORKING;
}

bool fl_book_fork(struct fl_ledger_counter **ret_counters, uint64_t *ret_offset)
{
	const struct fl_ledger_process *p = fl_book.process;

	child = fl_book;
	if (!p || !head || !make_book(&child)) {
		child.process = NULL;
		return false;
	}
	copy_record(child.process, p);
	memcpy(child.sites, fl_book.sites, p->nr_sites * sizeof(*child.sites));
	memcpy(child.frames, fl_book.frames, p->nr_frames * sizeof(*child.frames));
	memcpy(child.names, fl_book.names, p->nr_names);
	memcpy(child.modules, fl_book.modules, p->nr_modules * sizeof(*child.modules));
	if (child.peaks)
		memcpy(child.peaks, fl_book.peaks, p->nr_sites * sizeof(*child.peaks));
	*ret_counters = region(fl_book_array_size(), ret_offset);
	if (!*ret_counters) {
		drop_book(&child);
		child.process = NULL;
		return false;
	}
	child.process->arrays[0] = *ret_offset;
	child.process->nr_arrays = *ret_offset != 0;
	return true;
}

void fl_book_fork_in_parent(void)
{
	if (child.process)
		drop_book(&child);
	child.process = NULL;
}

void fl_book_fork_in_child(void)
{
	struct fl_book former = fl_book;

	if (!child.process)
		return;
	fl_book = child;
	child.process = NULL;
	drop_book(&former);
	describe(fl_book.process);
	fl_book.process->state = FL_LEDGER_RUNS;
	enlist(fl_book.process);
}
