/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every thread counts in an array of its own, indexed by the site's number, in pages that no other
 * thread writes. A block that another thread frees is counted as freed there: only the sums over all
 * arrays mean anything. So nothing has to be moved when a thread ends: its array stays in the sum
 * and is handed, as it is, to the next thread that comes. There are as many arrays as there were
 * threads at the same time.
 *
 * What a thread still frees behind its end (destructors of other libraries' thread data run after
 * ours) is counted in one shared array, with atomic additions; so is the work of threads for which
 * there is no array.
 *
 * Arrays are reserved for all possible sites and touched where used; 32 bytes a site and thread.
 *
 * Peaks, where they are asked for, need all threads' events in one order: one lock, and all that
 * follows from it. "At the peak" means every site's live values at the moment when all together held
 * the most. Nothing is copied at such a moment, of which a growing program has one with each block:
 * the moment gets a number (the epoch), and a site saves its values when it is changed for the first
 * time behind it.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/lib/core.h"

struct array {
	struct fl_alloc_counter_ *counters;
	struct array *next;	 /* all of them */
	struct array *next_idle; /* those that no thread has */
	void *memo;
};

FL_API __thread struct fl_alloc_counter_ *fl_alloc_mine_ __attribute__((tls_model("initial-exec")));
FL_TLS struct fl_alloc_site *fl_charged;
static FL_TLS bool ended;
static FL_TLS struct array *my_array;
static FL_TLS bool in_peaks;
FL_TLS void *fl_thread_memo;

static struct array *_Atomic arrays;
static struct array *idle;
static struct fl_alloc_counter_ *_Atomic shared;
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool have_key;
static bool blind; /* a child without a record: its parent's must not be written */

static struct {
	struct fl_ledger_counter *counters;
	uint64_t offset;
	struct array *array;
} for_child;

/* The thread ends: its array waits for another one. */
static void thread_ends(void *v)
{
	struct array *a = v;
	struct fl_locked l;

	fl_alloc_mine_ = NULL;
	fl_thread_memo = NULL;
	my_array = NULL;
	ended = true;
	l = fl_lock();
	a->next_idle = idle;
	idle = a;
	fl_unlock(l);
}

static void make_key(void)
{
	have_key = pthread_key_create(&key, thread_ends) == 0;
}

static struct array *new_array(void)
{
	struct array *a = fl_memory(sizeof(*a));
	uint64_t offset;

	if (!a)
		return NULL;
	a->counters = fl_book_array(&offset);
	if (!a->counters) {
		fl_sys_munmap(a, sizeof(*a));
		return NULL;
	}
	a->next = atomic_load_explicit(&arrays, memory_order_relaxed);
	atomic_store_explicit(&arrays, a, memory_order_release);
	return a;
}

static struct array *get_array(void)
{
	struct fl_locked l = fl_lock();
	struct array *a = NULL;

	if (fl_book_open()) {
		a = idle;
		if (a)
			idle = a->next_idle;
		else
			a = new_array();
	}
	fl_unlock(l);
	return a;
}

static struct fl_alloc_counter_ *get_shared(void)
{
	struct fl_alloc_counter_ *s = atomic_load_explicit(&shared, memory_order_acquire);
	struct fl_locked l;
	uint64_t offset;

	if (s)
		return s;
	l = fl_lock();
	s = atomic_load_explicit(&shared, memory_order_relaxed);
	if (!s && fl_book_open()) {
		s = fl_book_array(&offset);
		atomic_store_explicit(&shared, s, memory_order_release);
	}
	fl_unlock(l);
	return s;
}

/* The key is set last, as its setting may allocate and come here again. */
static bool begin_thread(void)
{
	if (ended)
		return false;
	my_array = get_array();
	if (!my_array)
		return false;
	if (!fl_settings.peak && fl_real() == FL_REAL_LIBC)
		fl_alloc_mine_ = my_array->counters;
	pthread_once(&key_once, make_key);
	if (have_key)
		pthread_setspecific(key, my_array);
	return true;
}

void *fl_thread_memo_make(size_t size)
{
	if (!my_array)
		return NULL;
	if (!my_array->memo)
		my_array->memo = fl_memory(size);
	fl_thread_memo = my_array->memo;
	return fl_thread_memo;
}

static int peaks_lock;

static bool enter_peaks(void)
{
	if (!fl_book.peaks || in_peaks)
		return false;
	in_peaks = true;
	while (__atomic_exchange_n(&peaks_lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	return true;
}

static void leave_peaks(void)
{
	__atomic_store_n(&peaks_lock, 0, __ATOMIC_RELEASE);
	in_peaks = false;
}

static int64_t together; /* what all sites hold, in peaks_lock */

static void change_site(uint32_t index, int64_t bytes, int64_t calls)
{
	struct fl_ledger_peak *p = &fl_book.peaks[index];
	struct fl_ledger_process *all = fl_book.process;

	if (p->epoch != all->peak_epoch) {
		p->at_bytes = p->live_bytes;
		p->at_calls = p->live_calls;
		p->epoch = all->peak_epoch;
	}
	p->live_bytes += bytes;
	p->live_calls += calls;
	if (p->live_bytes > p->peak_bytes)
		p->peak_bytes = p->live_bytes;
	together += bytes;
	if (together > (int64_t)all->peak_bytes) {
		all->peak_bytes = (uint64_t)together;
		all->peak_epoch++;
	}
}

static void note_peak(uint32_t index, int64_t bytes, int64_t calls)
{
	if (!enter_peaks())
		return;
	change_site(index, bytes, calls);
	leave_peaks();
}

static struct fl_alloc_counter_ *my_counter(uint32_t index)
{
	if (!my_array && !begin_thread())
		return NULL;
	return &my_array->counters[index];
}

/* Atomic, for the array that many share. */
static void add_shared(uint64_t *bytes, uint64_t *calls, size_t n, uint64_t k)
{
	__atomic_fetch_add(bytes, n, __ATOMIC_RELAXED);
	__atomic_fetch_add(calls, k, __ATOMIC_RELAXED);
}

static void add_allocated(uint32_t index, uint64_t bytes, uint64_t calls)
{
	struct fl_alloc_counter_ *c, *s;

	if (unlikely(blind))
		return;
	c = my_counter(index);
	if (c) {
		fl_alloc_add_(&c->bytes, bytes);
		fl_alloc_add_(&c->calls, calls);
		return;
	}
	s = get_shared();
	if (s)
		add_shared(&s[index].bytes, &s[index].calls, bytes, calls);
}

void fl_charge_slow(uint32_t index, size_t bytes)
{
	add_allocated(index, bytes, 1);
	if (fl_settings.peak)
		note_peak(index, (int64_t)bytes, 1);
}

void fl_uncharge_slow(uint32_t index, size_t bytes)
{
	struct fl_alloc_counter_ *c, *s;

	if (unlikely(blind))
		return;
	c = my_counter(index);
	if (c) {
		fl_alloc_add_(&c->freed_bytes, bytes);
		fl_alloc_add_(&c->freed_calls, 1);
	} else {
		s = get_shared();
		if (s)
			add_shared(&s[index].freed_bytes, &s[index].freed_calls, bytes, 1);
	}
	if (fl_settings.peak)
		note_peak(index, -(int64_t)bytes, -1);
}

static inline uint64_t load(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

/* Freed first: a block that is allocated and freed meanwhile is not seen as freed alone. */
static inline void add_counter(const struct fl_alloc_counter_ *c, struct fl_alloc_counter_ *sum)
{
	sum->freed_bytes += load(&c->freed_bytes);
	sum->freed_calls += load(&c->freed_calls);
	sum->bytes += load(&c->bytes);
	sum->calls += load(&c->calls);
}

static struct fl_alloc_counter_ add_up(uint32_t index)
{
	struct fl_alloc_counter_ *s = atomic_load_explicit(&shared, memory_order_acquire);
	struct fl_alloc_counter_ sum = { 0 };

	for (struct array *a = atomic_load_explicit(&arrays, memory_order_acquire); a; a = a->next)
		add_counter(&a->counters[index], &sum);
	if (s)
		add_counter(&s[index], &sum);
	return sum;
}

void fl_counters_read(uint32_t index, struct fl_alloc_counters *ret)
{
	struct fl_alloc_counter_ sum = add_up(index);

	*ret = (struct fl_alloc_counters){ .bytes = (int64_t)(sum.bytes - sum.freed_bytes),
					   .calls = (int64_t)(sum.calls - sum.freed_calls),
					   .total_bytes = sum.bytes,
					   .total_calls = sum.calls };
	if (fl_book.peaks)
		ret->peak_bytes = fl_book.peaks[index].peak_bytes;
}

static void add_up_all(struct fl_ledger_counter *to)
{
	for (uint32_t i = 0; i < fl_book.process->nr_sites; i++) {
		struct fl_alloc_counter_ sum = add_up(i);

		memcpy(&to[i], &sum, sizeof(sum));
	}
}

void fl_counters_before_fork(void)
{
	for_child.counters = NULL;
	if (!fl_book_fork(&for_child.counters, &for_child.offset))
		return;
	for_child.array = fl_memory(sizeof(*for_child.array));
	if (for_child.array)
		add_up_all(for_child.counters);
}

void fl_counters_in_parent(void)
{
	fl_book_fork_in_parent();
	if (for_child.counters)
		fl_sys_munmap(for_child.counters, fl_book_array_size());
	if (for_child.array)
		fl_sys_munmap(for_child.array, sizeof(*for_child.array));
	for_child.counters = NULL;
	for_child.array = NULL;
}

/* The child has one thread, and one array with the sums of what it has inherited. */
static void take_sums(void)
{
	struct array *a = for_child.array, *former = arrays, *next;

	a->counters = (struct fl_alloc_counter_ *)for_child.counters;
	a->memo = my_array ? my_array->memo : NULL;
	for (; former; former = next) {
		next = former->next;
		fl_sys_munmap(former->counters, fl_book_array_size());
		fl_sys_munmap(former, sizeof(*former));
	}
	if (shared)
		fl_sys_munmap(shared, fl_book_array_size());
	atomic_store_explicit(&shared, NULL, memory_order_relaxed);
	atomic_store_explicit(&arrays, a, memory_order_relaxed);
	idle = my_array ? NULL : a;
	if (!my_array)
		return;
	my_array = a;
	if (fl_alloc_mine_)
		fl_alloc_mine_ = a->counters;
	if (have_key)
		pthread_setspecific(key, a);
}

/* Without a ledger the child's memory is its own: the others' arrays count what they left behind. */
static void keep_arrays(void)
{
	idle = NULL;
	for (struct array *a = atomic_load_explicit(&arrays, memory_order_relaxed); a; a = a->next) {
		if (a == my_array)
			continue;
		a->next_idle = idle;
		idle = a;
	}
}

void fl_counters_in_child(void)
{
	peaks_lock = 0;
	if (for_child.counters && for_child.array) {
		take_sums();
		fl_book_fork_in_child();
	} else if (fl_book.process && fl_book.process->at) {
		blind = true;
		fl_alloc_mine_ = NULL;
	} else {
		keep_arrays();
	}
	for_child.counters = NULL;
	for_child.array = NULL;
}

FL_API struct fl_alloc_site *fl_alloc_charge(struct fl_alloc_site *site)
{
	struct fl_alloc_site *before = fl_charged;

	fl_charged = site;
	return before;
}
