/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks by address: whose they are and how large, for allocators whose blocks we must not change.
 * A block's address is what its allocator gave out, so that it can be handed to any function of that
 * allocator. What is freed by such a function is not seen; when its address is given out again the
 * old block is taken off first.
 *
 * A table a shard, with open addressing; a shard has a lock that is held for some loads and stores.
 * A handler that comes in the middle finds the flag of its thread and goes uncounted.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/lib/sample.h"

#define SHARDS	   64
#define FIRST_SIZE 1024

struct block {
	uintptr_t address; /* 0: free */
	struct fl_live is;
};

struct shard {
	int lock;
	struct block *v;
	size_t n, used;
	char pad[32]; /* a cache line each */
};

static struct shard shards[SHARDS] __attribute__((aligned(64)));
static FL_TLS bool inside;

static uint64_t hash(uintptr_t p)
{
	return (p >> 4) * 0x9e3779b97f4a7c15ULL;
}

static bool enter(struct shard *s)
{
	if (inside)
		return false;
	inside = true;
	while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	return true;
}

static void leave(struct shard *s)
{
	__atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
	inside = false;
}

static struct block *find(const struct shard *s, uintptr_t p)
{
	size_t i = (hash(p) >> 6) & (s->n - 1);

	while (s->v[i].address && s->v[i].address != p)
		i = (i + 1) & (s->n - 1);
	return &s->v[i];
}

static bool grow(struct shard *s)
{
	struct shard larger = { .n = s->n ? s->n * 2 : FIRST_SIZE, .used = s->used };

	larger.v = fl_memory(larger.n * sizeof(*larger.v));
	if (!larger.v)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].address)
			*find(&larger, s->v[i].address) = s->v[i];
	if (s->v)
		fl_sys_munmap(s->v, s->n * sizeof(*s->v));
	s->v = larger.v;
	s->n = larger.n;
	return true;
}

/* What follows in the same run moves up, so that it is still found. */
static void erase(struct shard *s, struct block *b)
{
	size_t hole = (size_t)(b - s->v), i = hole;

	for (;;) {
		size_t home;

		i = (i + 1) & (s->n - 1);
		if (!s->v[i].address)
			break;
		home = (hash(s->v[i].address) >> 6) & (s->n - 1);
		if (((i - home) & (s->n - 1)) >= ((i - hole) & (s->n - 1))) {
			s->v[hole] = s->v[i];
			hole = i;
		}
	}
	s->v[hole] = (struct block){ 0 };
	s->used--;
}

static struct shard *shard_of(uintptr_t p)
{
	return &shards[hash(p) >> 58];
}

bool fl_live_add(void *p, uint32_t index, size_t size, bool sampled)
{
	struct shard *s = shard_of((uintptr_t)p);
	struct block *b, old = { 0 };
	bool added = false;

	if (!enter(s))
		return false;
	if (s->used * 2 < s->n || grow(s)) {
		b = find(s, (uintptr_t)p);
		old = *b;
		*b = (struct block){ (uintptr_t)p, { size, index, sampled } };
		s->used += !old.address;
		added = true;
	}
	leave(s);
	if (old.address && old.is.index)
		fl_uncharge(old.is.index, old.is.size);
	if (unlikely(old.is.sampled))
		fl_sample_tell_free(p);
	return added;
}

bool fl_live_take(void *p, struct fl_live *ret)
{
	struct shard *s = shard_of((uintptr_t)p);
	struct block *b;
	bool found = false;

	if (!enter(s))
		return false;
	if (s->n) {
		b = find(s, (uintptr_t)p);
		found = b->address != 0;
		if (found) {
			*ret = b->is;
			erase(s, b);
		}
	}
	leave(s);
	return found;
}

void fl_live_before_fork(void)
{
	for (size_t i = 0; i < SHARDS; i++)
		while (__atomic_exchange_n(&shards[i].lock, 1, __ATOMIC_ACQUIRE))
			sched_yield();
}

void fl_live_after_fork(void)
{
	for (size_t i = 0; i < SHARDS; i++)
		__atomic_store_n(&shards[i].lock, 0, __ATOMIC_RELEASE);
}
