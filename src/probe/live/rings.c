/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring is two mappings: one page with the consumer's position, which we write; and one page with
 * the producer's position followed by the data, mapped twice in a row by the kernel so that a record
 * never wraps. Each record has a header of 8 bytes, whose length word says in its upper bits whether
 * the record is still being written or was thrown away.
 *
 * Reading merges the rings. Of each, at most BATCH complete records that are old enough are looked
 * at in advance and sorted (they nearly are: only a program that interrupted another stands out of
 * place). When the last of a batch was handed out its space goes back to the programs, and the next
 * batch is taken. A heap says whose record is the oldest.
 */
#include "probe/live/rings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/gen/gen.h"
#include "bpf/sys.h"

#define BATCH 1024

/* The "CPU" of the ring that all CPUs share which were offline at the start and may come. */
#define SPARE UINT32_MAX

struct entry {
	uint64_t time;
	const struct fl_record *rec;
	uint32_t size;
};

struct ring {
	uint32_t cpu;
	int fd;
	uint64_t *consumer;	  /* one page, ours */
	const uint64_t *producer; /* one page, then the data */
	const uint8_t *data;
	uint64_t taken; /* consumer position behind the batch */
	size_t n, next; /* the batch */
	struct entry entries[BATCH];
};

struct fl_rings {
	int fd;
	size_t bytes, page;
	size_t n;
	struct ring **v;
	struct ring **heap; /* rings with records in their batch, the oldest on top */
	size_t nr_heap;
};

static void ring_free(const struct fl_rings *set, struct ring *r)
{
	if (!r)
		return;
	if (r->consumer)
		munmap(r->consumer, set->page);
	if (r->producer)
		munmap((void *)r->producer, set->page + 2 * set->bytes);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

void fl_rings_free(struct fl_rings *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		ring_free(r, r->v[i]);
	if (r->fd >= 0)
		close(r->fd);
	free(r->v);
	free(r->heap);
	free(r);
}

int fl_rings_fd(const struct fl_rings *r)
{
	return r->fd;
}

static int ring_map(const struct fl_rings *set, struct ring *r)
{
	void *p;

	r->fd = fl_bpf_map_create(&(struct fl_bpf_map){ .type = BPF_MAP_TYPE_RINGBUF, .name = "fl_ring",
							.entries = (uint32_t)set->bytes });
	if (r->fd < 0)
		return r->fd;
	p = mmap(NULL, set->page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->consumer = p;
	p = mmap(NULL, set->page + 2 * set->bytes, PROT_READ, MAP_SHARED, r->fd, (off_t)set->page);
	if (p == MAP_FAILED)
		return -errno;
	r->producer = p;
	r->data = (const uint8_t *)p + set->page;
	return 0;
}

static int ring_add(struct fl_rings *set, uint32_t cpu)
{
	struct ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->cpu = cpu;
	r->fd = -1;
	set->v[set->n++] = r;
	err = ring_map(set, r);
	return err;
}

static int add_online(struct fl_rings *set, uint32_t nr_cpus)
{
	_cleanup_file_ struct fl_file f = {};
	uint64_t first, last;
	struct fl_str list;
	int r;

	r = fl_file_open("/sys/devices/system/cpu/online", 1 << 16, &f);
	if (r < 0)
		return r;
	list = fl_file_str(&f);
	while (fl_cpu_range(&list, &first, &last)) {
		for (uint64_t cpu = first; cpu <= last && cpu < nr_cpus; cpu++) {
			r = set->n < nr_cpus ? ring_add(set, (uint32_t)cpu) : -EINVAL;
			if (r < 0)
				return r;
		}
	}
	return set->n ? 0 : -ENODEV;
}

static struct ring *spare_ring(const struct fl_rings *set)
{
	return set->n && set->v[set->n - 1]->cpu == SPARE ? set->v[set->n - 1] : NULL;
}

/*
 * A ring each for CPUs that may never come costs memory and time at each start, and there may be
 * hundreds of them: one for all is enough, as a BPF ring takes several producers.
 */
static int add_spare(struct fl_rings *set, uint32_t nr_cpus)
{
	return set->n < nr_cpus ? ring_add(set, SPARE) : 0;
}

/* Every CPU that has no ring of its own gets the spare one. */
static int spread_spare(struct fl_rings *set, uint32_t nr_cpus)
{
	const struct ring *spare = spare_ring(set);
	int r = 0;

	for (uint32_t cpu = 0; spare && cpu < nr_cpus && r == 0; cpu++)
		r = fl_bpf_map_update(set->fd, &cpu, &spare->fd, BPF_ANY);
	return r;
}

/* An array of maps wants to see one of them to know their kind. */
static int make_array(struct fl_rings *set, uint32_t nr_cpus)
{
	int r;

	set->fd = fl_bpf_map_create(&(struct fl_bpf_map){
			.type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .name = "fl_rings", .key_size = 4,
			.value_size = 4, .entries = nr_cpus, .inner_fd = set->v[0]->fd });
	if (set->fd < 0)
		return set->fd;
	r = spread_spare(set, nr_cpus);
	for (size_t i = 0; i < set->n && r == 0; i++)
		if (set->v[i]->cpu != SPARE)
			r = fl_bpf_map_update(set->fd, &set->v[i]->cpu, &set->v[i]->fd, BPF_ANY);
	return r;
}

int fl_rings_create(uint32_t nr_cpus, size_t bytes, struct fl_rings **ret)
{
	_cleanup_rings_ struct fl_rings *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	set->fd = -1;
	set->bytes = bytes;
	set->page = (size_t)sysconf(_SC_PAGESIZE);
	set->v = calloc(nr_cpus + 1, sizeof(struct ring *));
	set->heap = calloc(nr_cpus + 1, sizeof(struct ring *));
	if (!set->v || !set->heap)
		return -ENOMEM;
	r = add_online(set, nr_cpus);
	if (r == 0)
		r = add_spare(set, nr_cpus);
	if (r == 0 && set->n > FL_RINGS_NAMED)
		r = make_array(set, nr_cpus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(set);
	return 0;
}

bool fl_rings_get(const struct fl_rings *r, size_t i, uint32_t *ret_cpu, int *ret_fd)
{
	if (i >= r->n || r->v[i]->cpu == SPARE)
		return false;
	*ret_cpu = r->v[i]->cpu;
	*ret_fd = r->v[i]->fd;
	return true;
}

int fl_rings_spare(const struct fl_rings *r)
{
	return spare_ring(r) ? spare_ring(r)->fd : -1;
}

/* ---- reading ---- */

static void insert(struct ring *r, const struct fl_record *rec, uint32_t size)
{
	size_t at = r->n++;

	for (; at > 0 && r->entries[at - 1].time > rec->time; at--)
		r->entries[at] = r->entries[at - 1];
	r->entries[at] = (struct entry){ rec->time, rec, size };
}

/* The next batch, when the last one is used up; the space of that goes back. False: there is none. */
static bool refill(struct ring *r, size_t mask, uint64_t before)
{
	uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	__atomic_store_n(r->consumer, r->taken, __ATOMIC_RELEASE);
	r->n = r->next = 0;
	while (r->taken < end && r->n < BATCH) {
		const uint8_t *at = r->data + (r->taken & mask);
		uint32_t len = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		const struct fl_record *rec = (const void *)(at + BPF_RINGBUF_HDR_SZ);
		uint32_t size = len & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPF_RINGBUF_DISCARD_BIT) && size >= sizeof(*rec)) {
			if (rec->time >= before)
				break;
			insert(r, rec, size);
		}
		r->taken += (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	}
	return r->n;
}

static uint64_t oldest(const struct ring *r)
{
	return r->entries[r->next].time;
}

static void sift_down(struct fl_rings *set, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < set->nr_heap; i = child) {
		struct ring *up;

		if (child + 1 < set->nr_heap && oldest(set->heap[child + 1]) < oldest(set->heap[child]))
			child++;
		if (oldest(set->heap[i]) <= oldest(set->heap[child]))
			return;
		up = set->heap[child];
		set->heap[child] = set->heap[i];
		set->heap[i] = up;
	}
}

static void build_heap(struct fl_rings *set, uint64_t before)
{
	set->nr_heap = 0;
	for (size_t i = 0; i < set->n; i++) {
		struct ring *r = set->v[i];

		if (r->next < r->n || refill(r, set->bytes - 1, before))
			set->heap[set->nr_heap++] = r;
	}
	for (size_t i = set->nr_heap / 2; i-- > 0;)
		sift_down(set, i);
}

int64_t fl_rings_read(struct fl_rings *set, uint64_t before, fl_record_fn fn, void *ctx)
{
	int64_t n = 0;

	build_heap(set, before);
	while (set->nr_heap) {
		struct ring *r = set->heap[0];
		struct entry e = r->entries[r->next++];
		int err = fn(ctx, r->cpu == SPARE ? e.rec->cpu : r->cpu, e.rec, e.size);

		if (err)
			return err;
		n++;
		if (r->next == r->n && !refill(r, set->bytes - 1, before))
			set->heap[0] = set->heap[--set->nr_heap];
		sift_down(set, 0);
	}
	return n;
}
