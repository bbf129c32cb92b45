/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/usernames/execmaps.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"

#define RING_PAGES 32	   /* of each CPU, a power of two */
#define EVENTS_MAX 262144  /* that are kept */
#define BUCKETS	   4096
#define MAX_FORKS  16	   /* between a process and the ancestor that has the mapping */
#define MAPS_MAX   (16u << 20)

enum kind {
	MAPPED,
	EXECED,
	FORKED,
};

struct happened {
	enum kind kind;
	uint32_t pid, next; /* index + 1 of the one before it in its bucket */
	uint32_t parent;    /* FORKED: whose mappings it has: its process, or that one's parent */
	bool is_thread;
	uint64_t time;
	struct fl_mapping m;
};

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
};

struct fl_execmaps {
	struct ring *rings;
	size_t nr_rings;
	struct happened *v;
	uint32_t n, cap;
	uint32_t buckets[BUCKETS];
	struct fl_arena arena; /* paths, each once */
	struct fl_map paths;
	struct fl_file maps; /* /proc/PID/maps that was read last */
};

/* ---- rings ---- */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int open_ring(int cpu, struct ring *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY,
		.mmap = 1, .mmap2 = 1, .task = 1, .comm = 1, .comm_exec = 1, .exclude_kernel = 1, .exclude_hv = 1,
		.sample_id_all = 1, .sample_type = PERF_SAMPLE_TIME, .use_clockid = 1, .clockid = CLOCK_MONOTONIC,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	void *p;

	if (fd < 0)
		return -errno;
	p = mmap(NULL, (1 + RING_PAGES) * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		close(fd);
		return -EPERM;
	}
	*ret = (struct ring){ fd, p };
	return 0;
}

struct fl_execmaps *fl_execmaps_open(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct fl_execmaps *e = calloc(1, sizeof(*e));

	if (e)
		e->rings = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*e->rings));
	for (int cpu = 0; e && e->rings && cpu < cpus; cpu++)
		if (open_ring(cpu, &e->rings[e->nr_rings]) == 0) /* one that is off has none */
			e->nr_rings++;
	if (e && e->nr_rings)
		return e;
	fl_execmaps_close(e);
	return NULL;
}

void fl_execmaps_close(struct fl_execmaps *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nr_rings; i++) {
		munmap(e->rings[i].page, (1 + RING_PAGES) * page_size());
		close(e->rings[i].fd);
	}
	fl_file_close(&e->maps);
	fl_map_fini(&e->paths);
	fl_arena_fini(&e->arena);
	free(e->rings);
	free(e->v);
	free(e);
}

/* ---- what has happened ---- */

/*
 * When there are too many, or the kernel had to leave some out, all is forgotten: what is missing could make an
 * older mapping look like the newest. Who lives is asked by /proc.
 */
static void drop_mappings(struct fl_execmaps *e)
{
	e->n = 0;
	memset(e->buckets, 0, sizeof(e->buckets));
	fl_map_fini(&e->paths);
	fl_arena_fini(&e->arena);
	e->paths = (struct fl_map){};
	e->arena = (struct fl_arena){};
}

static struct happened *add(struct fl_execmaps *e, enum kind kind, uint32_t pid, uint64_t time)
{
	struct happened *h;

	if (e->n == EVENTS_MAX)
		drop_mappings(e);
	if (e->n == e->cap) {
		uint32_t cap = e->cap ? 2 * e->cap : 1024;
		struct happened *more = reallocarray(e->v, cap, sizeof(*more));

		if (!more)
			return NULL;
		e->v = more;
		e->cap = cap;
	}
	h = &e->v[e->n++];
	*h = (struct happened){ .kind = kind, .pid = pid, .next = e->buckets[pid % BUCKETS], .time = time };
	e->buckets[pid % BUCKETS] = e->n;
	return h;
}

static struct fl_str keep_path(struct fl_execmaps *e, struct fl_str path)
{
	struct fl_map_entry *entry;

	if (fl_str_is(path, "//anon"))
		return FL_STR("");
	entry = fl_map_get(&e->paths, path);
	if (entry)
		return entry->key;
	path.p = fl_arena_dup(&e->arena, path);
	return path.p && fl_map_put(&e->paths, path, NULL) ? path : FL_STR("");
}

struct mmap_record {
	struct perf_event_header head;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t prot, flags;
	char path[];
};

static void take_mmap(struct fl_execmaps *e, const uint8_t *bytes, size_t size, uint64_t time)
{
	const struct mmap_record *r = (const void *)bytes;
	struct happened *h;
	size_t room;

	if (size < sizeof(*r) + 8 || r->pid == UINT32_MAX)
		return;
	h = add(e, MAPPED, r->pid, time);
	if (!h)
		return;
	room = size - sizeof(*r) - 8;
	h->m = (struct fl_mapping){ .start = r->addr, .end = r->addr + r->len, .offset = r->pgoff, .perms = "r-x",
				    .major = r->major, .minor = r->minor, .inode = r->inode };
	h->m.path = keep_path(e, fl_str_n(r->path, strnlen(r->path, room)));
}

struct fork_record {
	struct perf_event_header head;
	uint32_t pid, parent, tid, parent_tid;
};

static void take_fork(struct fl_execmaps *e, const uint8_t *bytes, size_t size, uint64_t time)
{
	const struct fork_record *r = (const void *)bytes;
	struct happened *h = size >= sizeof(*r) ? add(e, FORKED, r->tid, time) : NULL;

	if (!h)
		return;
	h->is_thread = r->pid == r->parent;
	h->parent = r->parent;
}

/* The time stands at the end of each. */
static void take(struct fl_execmaps *e, const uint8_t *bytes, size_t size)
{
	const struct perf_event_header *head = (const void *)bytes;
	uint64_t time;
	uint32_t pid;

	if (size < sizeof(*head) + 16)
		return;
	memcpy(&time, bytes + size - 8, 8);
	memcpy(&pid, bytes + sizeof(*head), 4);
	if (head->type == PERF_RECORD_MMAP2)
		take_mmap(e, bytes, size, time);
	else if (head->type == PERF_RECORD_FORK)
		take_fork(e, bytes, size, time);
	else if (head->type == PERF_RECORD_LOST)
		drop_mappings(e);
	else if (head->type == PERF_RECORD_COMM && head->misc & PERF_RECORD_MISC_COMM_EXEC)
		add(e, EXECED, pid, time);
}

static void drain_ring(struct fl_execmaps *e, struct ring *ring)
{
	size_t room = RING_PAGES * page_size();
	const uint8_t *data = (const uint8_t *)ring->page + page_size();
	uint64_t tail = ring->page->data_tail, head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	_Alignas(8) uint8_t record[UINT16_MAX + 1];

	while (tail < head) {
		const struct perf_event_header *h = (const void *)(data + tail % room);
		size_t size = h->size, first = FL_MIN(size, room - tail % room); /* headers are not divided */

		if (size < sizeof(*h) || size > head - tail)
			break;
		memcpy(record, h, first);
		memcpy(record + first, data, size - first);
		take(e, record, size);
		tail += size;
	}
	__atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
}

void fl_execmaps_drain(struct fl_execmaps *e)
{
	for (size_t i = 0; e && i < e->nr_rings; i++)
		drain_ring(e, &e->rings[i]);
}

/* ---- who has what where ---- */

/* The newest of @pid until @time that is of no mapping, or of one that holds @addr. */
static const struct happened *newest(const struct fl_execmaps *e, uint32_t pid, uint64_t time, uint64_t addr)
{
	const struct happened *found = NULL;

	for (uint32_t i = e->buckets[pid % BUCKETS]; i; i = e->v[i - 1].next) {
		const struct happened *h = &e->v[i - 1];

		if (h->pid != pid || h->time > time || (found && found->time >= h->time))
			continue;
		if (h->kind != MAPPED || (addr >= h->m.start && addr < h->m.end))
			found = h;
	}
	return found;
}

static bool by_proc(struct fl_execmaps *e, uint32_t pid, uint64_t addr, struct fl_mapping *ret)
{
	_cleanup_buf_ struct fl_buf path = {};
	struct fl_str rest, line;

	fl_file_close(&e->maps);
	e->maps = (struct fl_file){};
	fl_buf_addf(&path, "/proc/%u/maps", pid);
	if (path.error || fl_file_open(fl_buf_z(&path), MAPS_MAX, &e->maps) < 0) {
		e->maps = (struct fl_file){};
		return false;
	}
	for (rest = fl_file_str(&e->maps); fl_str_line(&rest, &line);)
		if (fl_mapping_parse(line, ret) && addr >= ret->start && addr < ret->end)
			return true;
	return false;
}

bool fl_execmaps_find(struct fl_execmaps *e, uint32_t tid, uint64_t time, uint64_t addr, struct fl_mapping *ret)
{
	fl_execmaps_drain(e);
	for (unsigned int i = 0; e && i < MAX_FORKS; i++) {
		const struct happened *h = newest(e, tid, time, addr);

		if (!h)
			return by_proc(e, tid, addr, ret);
		if (h->kind == EXECED)
			return false;
		if (h->kind == MAPPED) {
			*ret = h->m;
			return true;
		}
		if (h->parent == tid)
			return false;
		/* A thread's mappings are its process's, later ones too; a child has what there was at its birth. */
		time = h->is_thread ? time : h->time;
		tid = h->parent;
	}
	return false;
}
