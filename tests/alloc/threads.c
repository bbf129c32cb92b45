/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sixteen threads allocate, reallocate and free each other's blocks, end and are followed by others,
 * while one more reads the sums and dumps. Every block carries its size and site, from which a plain
 * ledger is kept; at the end the library must say the same. Built once as it is and once under each
 * of ThreadSanitizer and AddressSanitizer, with the library's own sources.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "foreland/alloc.h"

#define THREADS 16
#define ROUNDS	4
#define STEPS	4000
#define SLOTS	512
#define SITES	8

struct block {
	uint32_t site;
	uint32_t size;
};

static struct fl_alloc_site *sites[SITES];
static _Atomic int64_t ledger_bytes[SITES], ledger_calls[SITES];
static _Atomic(struct block *) slots[SLOTS];
static atomic_bool done;

static uint32_t next(uint64_t *x)
{
	*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*x >> 33);
}

static void note(uint32_t site, int64_t bytes, int64_t calls)
{
	atomic_fetch_add(&ledger_bytes[site], bytes);
	atomic_fetch_add(&ledger_calls[site], calls);
}

static struct block *fill(struct block *b, uint32_t site, uint32_t size)
{
	if (!b)
		abort();
	note(site, size, 1);
	memset(b, (int)size, size);
	b->site = site;
	b->size = size;
	return b;
}

static struct block *make(uint64_t *x)
{
	uint32_t site = next(x) % SITES, size = (uint32_t)sizeof(struct block) + next(x) % 700;

	switch (next(x) % 3) {
	case 0:
		return fill(fl_alloc_malloc(sites[site], size), site, size);
	case 1:
		return fill(fl_alloc_calloc(sites[site], 1, size), site, size);
	default:
		return fill(fl_alloc_memalign(sites[site], 16U << next(x) % 8, size), site, size);
	}
}

static struct block *change(struct block *b, uint64_t *x)
{
	uint32_t site = next(x) % SITES, size = (uint32_t)sizeof(struct block) + next(x) % 3000;

	note(b->site, -(int64_t)b->size, -1);
	return fill(fl_alloc_realloc(sites[site], b, size), site, size);
}

static void drop(struct block *b)
{
	if (!b)
		return;
	note(b->site, -(int64_t)b->size, -1);
	fl_alloc_free(b);
}

static void *work(void *v)
{
	uint64_t x = (uintptr_t)v;

	for (int i = 0; i < STEPS; i++) {
		struct block *b = atomic_exchange(&slots[next(&x) % SLOTS], NULL);

		if (b && next(&x) % 3 == 0)
			b = change(b, &x);
		else if (b && next(&x) % 2)
			drop(b), b = NULL;
		if (!b)
			b = make(&x);
		drop(atomic_exchange(&slots[next(&x) % SLOTS], b));
	}
	return NULL;
}

static void *watch(void *v)
{
	int fd = open("/dev/null", O_WRONLY);

	while (!atomic_load(&done)) {
		struct fl_alloc_counters c;

		for (int i = 0; i < SITES; i++)
			fl_alloc_read(sites[i], &c);
		if (fl_alloc_dump(fd) < 0)
			abort();
		usleep(1000);
	}
	close(fd);
	return NULL;
}

static int check(int i, int64_t bytes, int64_t calls)
{
	struct fl_alloc_counters c;

	fl_alloc_read(sites[i], &c);
	if (c.bytes == bytes && c.calls == calls)
		return 0;
	fprintf(stderr, "site %d: %lld bytes in %lld calls, not %lld in %lld\n", i,
		(long long)c.bytes, (long long)c.calls, (long long)bytes, (long long)calls);
	return 1;
}

static int run_rounds(void)
{
	pthread_t t[THREADS];

	for (uintptr_t round = 0; round < ROUNDS; round++) {
		for (uintptr_t i = 0; i < THREADS; i++)
			if (pthread_create(&t[i], NULL, work, (void *)(round * 100 + i + 1)))
				return 1;
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
	}
	return 0;
}

int main(void)
{
	pthread_t watcher;
	int wrong;

	sites[0] = FL_ALLOC_SITE;
	sites[1] = FL_ALLOC_SITE;
	sites[2] = FL_ALLOC_SITE;
	sites[3] = FL_ALLOC_SITE;
	sites[4] = FL_ALLOC_SITE;
	sites[5] = FL_ALLOC_SITE;
	sites[6] = FL_ALLOC_SITE;
	sites[7] = FL_ALLOC_SITE;
	if (pthread_create(&watcher, NULL, watch, NULL))
		return 1;
	wrong = run_rounds();
	atomic_store(&done, true);
	pthread_join(watcher, NULL);
	for (int i = 0; i < SITES; i++)
		wrong += check(i, ledger_bytes[i], ledger_calls[i]);
	for (int i = 0; i < SLOTS; i++)
		drop(atomic_load(&slots[i]));
	for (int i = 0; i < SITES; i++)
		wrong += check(i, 0, 0);
	return wrong != 0;
}
