/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The site of a chain of callers, found anew with each allocation.
 *
 * Programs allocate from the same few places of their stack over and over. So each thread remembers
 * its last walks by where they began (stack pointer and return address), and what they rested upon:
 * the words of the stack that were return addresses, and those from which a bp came that a frame
 * was found by. Where all those words are the same the walk would end the same, and its site is
 * taken as it is. The words are compared innermost first: as long as those so far are the same, the
 * next one is still part of the stack. Comparing is several times faster than walking, and exact.
 *
 * A chain that is not remembered is walked (unwind.c), and its addresses are looked up in a table that all
 * threads share and read without a lock. A chain that is not in it is new: then the images of its addresses
 * are found, and the chain gets the number that it has in the ledger's form (sites.c), which is the
 * same wherever the loader puts things. Images that go take all memory of addresses with them.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/lib/core.h"

#define MEMOS	    256
#define MEMO_DEPTH  32
#define MEMO_WORDS  (2 * MEMO_DEPTH)
#define AT_ONCE	    4 /* words that are compared without a look at how many there are */

struct slot {
	_Atomic uint64_t hash;
	_Atomic uint32_t index;
};

struct memo {
	uintptr_t sp, pc, bp;
	uint32_t index, generation;
	uint16_t n;
	bool used_bp;
	struct word {
		uintptr_t value;
		uint32_t distance; /* from sp, in words */
	} words[MEMO_WORDS];
};

/* A walk, and what it rested upon. */
struct walk {
	uintptr_t pcs[FL_LEDGER_DEPTH];
	unsigned int n;
	struct memo memo;
	bool is_fixed;
};

static struct slot *_Atomic slots;
static uint32_t slots_mask;
static uint32_t nr_slots;
static FL_TLS bool walking; /* a handler that comes in the middle is counted by its caller alone */

/* Under the lock; readers that are on their way find nothing, or a number that is right. */
void fl_chains_forget(void)
{
	struct slot *v = atomic_load_explicit(&slots, memory_order_relaxed);

	if (v)
		madvise(v, (slots_mask + 1UL) * sizeof(*v), MADV_DONTNEED);
	nr_slots = 0;
}

static uint64_t hash_addresses(const uintptr_t *v, unsigned int n)
{
	uint64_t h = n;

	for (unsigned int i = 0; i < n; i++) {
		h = (h ^ v[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

static struct slot *find_slot(struct slot *v, uint64_t hash)
{
	for (uint32_t i = (uint32_t)(hash >> 40) & slots_mask;; i = (i + 1) & slots_mask) {
		uint64_t there = atomic_load_explicit(&v[i].hash, memory_order_acquire);

		if (there == hash || !there)
			return &v[i];
	}
}

static void remember(uint64_t hash, uint32_t index)
{
	struct slot *v = atomic_load_explicit(&slots, memory_order_relaxed), *s;

	if (!v) {
		slots_mask = (1u << fl_book.table_bits) - 1;
		v = fl_memory((slots_mask + 1UL) * sizeof(*v));
		atomic_store_explicit(&slots, v, memory_order_release);
	}
	if (!v || nr_slots > slots_mask / 4 * 3)
		return;
	s = find_slot(v, hash);
	if (atomic_load_explicit(&s->hash, memory_order_relaxed))
		return;
	nr_slots++;
	atomic_store_explicit(&s->index, index, memory_order_relaxed);
	atomic_store_explicit(&s->hash, hash, memory_order_release);
}

/* Images are looked up before the lock is taken: the loader has one of its own. */
static uint32_t new_chain(enum fl_ledger_kind kind, const uintptr_t *pcs, unsigned int n,
			  uint64_t hash)
{
	struct fl_image images[FL_LEDGER_DEPTH];
	bool known[FL_LEDGER_DEPTH];
	uint64_t frames[FL_LEDGER_DEPTH];
	uint32_t index = 0, generation;
	struct fl_locked l;

	for (unsigned int i = 0; i < n; i++)
		known[i] = fl_image_at(pcs[i] - 1, &images[i]);
	l = fl_lock();
	generation = fl_images_generation;
	if (fl_book_open()) {
		for (unsigned int i = 0; i < n; i++) {
			uint32_t m = known[i] ? fl_image_module(&images[i]) : FL_LEDGER_NO_MODULE;

			frames[i] = FL_LEDGER_FRAME(m, m == FL_LEDGER_NO_MODULE ?
							       pcs[i] : pcs[i] - images[i].bias);
		}
		index = fl_site_chain(kind, frames, n);
		if (index == FL_LEDGER_OTHER)
			fl_book.process->refused++;
		if (generation == fl_images_generation)
			remember(hash, index);
	}
	fl_unlock(l);
	return index;
}

static uint32_t index_of(enum fl_ledger_kind kind, const uintptr_t *pcs, unsigned int n)
{
	struct slot *v = atomic_load_explicit(&slots, memory_order_acquire), *s;
	uint64_t hash = hash_addresses(pcs, n) + kind;
	uint32_t index;

	if (likely(v != NULL)) {
		s = find_slot(v, hash);
		if (likely(atomic_load_explicit(&s->hash, memory_order_acquire) == hash)) {
			index = atomic_load_explicit(&s->index, memory_order_relaxed);
			if (likely(index))
				return index;
		}
	}
	return new_chain(kind, pcs, n, hash);
}

static inline bool is_same(const uintptr_t *stack, const struct word *w)
{
	return stack[w->distance] == w->value;
}

static inline bool still_holds(const struct memo *m, uintptr_t sp, uintptr_t pc, uintptr_t bp)
{
	const uintptr_t *stack = (const uintptr_t *)sp;
	const struct word *w = m->words, *end = w + m->n;

	if (m->sp != sp || m->pc != pc || (m->used_bp && m->bp != bp) ||
	    m->generation != atomic_load_explicit(&fl_images_generation, memory_order_relaxed))
		return false;
	for (; w < end; w += AT_ONCE)
		if (!is_same(stack, w) || !is_same(stack, w + 1) || !is_same(stack, w + 2) || !is_same(stack, w + 3))
			return false;
	return true;
}

static void add_word(struct walk *w, uintptr_t at)
{
	struct memo *m = &w->memo;

	if (m->n == MEMO_WORDS || at < m->sp || (at - m->sp) / 8 > UINT32_MAX) {
		w->is_fixed = false;
		return;
	}
	m->words[m->n].value = *(const uintptr_t *)at;
	m->words[m->n++].distance = (uint32_t)((at - m->sp) / 8);
}

/* bp comes from a register at first, and then from where it was last restored. */
static void walk(struct walk *w, struct fl_frame f, unsigned int depth)
{
	uintptr_t bp_from = 0;
	struct fl_step step;

	w->is_fixed = true;
	w->n = 0;
	w->memo.n = 0;
	w->memo.used_bp = false;
	w->memo.sp = f.sp;
	w->memo.pc = f.pc;
	w->memo.bp = f.bp;
	for (w->pcs[w->n++] = f.pc; w->n < depth; w->pcs[w->n++] = f.pc) {
		if (!fl_unwind(&f, &step))
			break;
		if (step.used_bp && bp_from)
			add_word(w, bp_from);
		else if (step.used_bp)
			w->memo.used_bp = true;
		if (step.pc_at)
			add_word(w, step.pc_at);
		if (step.bp_at)
			bp_from = step.bp_at;
		w->is_fixed &= step.is_fixed;
	}
}

static inline struct memo *memo_for(uintptr_t sp, uintptr_t pc)
{
	struct memo *v = fl_thread_memo;

	if (unlikely(!v))
		v = fl_thread_memo_make(MEMOS * sizeof(*v));
	return v ? v + (((sp >> 3 ^ pc * 31) * 0x9e3779b97f4a7c15ULL) >> 56) : NULL;
}

/* Of the last words there are as many as it takes to compare AT_ONCE. */
static void keep_memo(struct memo *m, struct walk *w, uint32_t index, uint32_t generation)
{
	size_t used;

	for (; w->memo.n % AT_ONCE; w->memo.n++)
		w->memo.words[w->memo.n] = w->memo.words[w->memo.n - 1];
	used = offsetof(struct memo, words) + w->memo.n * sizeof(m->words[0]);
	memcpy(m, &w->memo, used);
	m->index = index;
	m->generation = generation;
}

static inline struct fl_frame caller_of(void *const *frame)
{
	return (struct fl_frame){ .pc = (uintptr_t)frame[1],
				  .sp = (uintptr_t)(frame + 2),
				  .bp = (uintptr_t)frame[0] };
}

static __attribute__((noinline)) uint32_t walk_anew(void *const *frame, struct memo *m)
{
	uint32_t generation = atomic_load(&fl_images_generation), index;
	bool inside = walking;
	struct walk w;

	walking = true;
	walk(&w, caller_of(frame), inside || !fl_settings.depth ? 1 : fl_settings.depth);
	index = index_of(FL_LEDGER_CHAIN, w.pcs, w.n);
	if (m && w.is_fixed && index && !inside)
		keep_memo(m, &w, index, generation);
	walking = inside;
	return index;
}

uint32_t fl_site_of_caller(void *const *frame)
{
	const struct fl_frame f = caller_of(frame);
	struct memo *m = memo_for(f.sp, f.pc);

	if (m && likely(still_holds(m, f.sp, f.pc, f.bp)))
		return m->index;
	return walk_anew(frame, m);
}

/* Mappings are rare: nothing is remembered for the next one. */
uint32_t fl_site_of_mapper(void *const *frame)
{
	bool inside = walking;
	uint32_t index;
	struct walk w;

	walking = true;
	walk(&w, caller_of(frame), inside || !fl_settings.depth ? 1 : fl_settings.depth);
	index = index_of(FL_LEDGER_MAPS, w.pcs, w.n);
	walking = inside;
	return index;
}
