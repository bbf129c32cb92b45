/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * free() and malloc() in pairs: 4096 live blocks of 16 to 271 bytes from 8 call sites, one thread or
 * two, where the second thread frees what the first allocated and the other way round. Prints the
 * nanoseconds of CPU time a pair took. Built twice, with and without the library.
 *
 *	alloc-pair THREADS [PAIRS]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef BENCH_TAGGED
#include "foreland/alloc.h"
#endif

#define SLOTS 4096

static _Atomic(void *) shared_slots[SLOTS];

/* Eight calls also for a compiler that sees no difference between them. */
#define CALL(i)                                                                                    \
	case i:                                                                                    \
		p = malloc(size);                                                                  \
		__asm__ volatile("# call " #i);                                                    \
		break

static void *allocate(unsigned int site, size_t size)
{
	void *p = NULL;

	switch (site & 7) {
		CALL(0);
		CALL(1);
		CALL(2);
		CALL(3);
		CALL(4);
		CALL(5);
		CALL(6);
		CALL(7);
	}
	return p;
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void pairs_alone(uint64_t n)
{
	static void *slots[SLOTS];
	uint64_t x = 88172645463325252ULL;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t r = next(&x);
		unsigned int slot = r % SLOTS;

		free(slots[slot]);
		slots[slot] = allocate((unsigned int)(r >> 20), 16 + (r >> 32) % 256);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		free(slots[i]);
}

struct job {
	uint64_t n, seed;
};

/* Each slot is exchanged: what comes out was put in by whoever was there before. */
static void *pairs_shared(void *v)
{
	struct job *job = v;
	uint64_t x = job->seed;

	for (uint64_t i = 0; i < job->n; i++) {
		uint64_t r = next(&x);
		void *p = allocate((unsigned int)(r >> 20), 16 + (r >> 32) % 256);

		free(atomic_exchange_explicit(&shared_slots[r % SLOTS], p, memory_order_acq_rel));
	}
	return NULL;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 3000000;
	struct job jobs[2] = { { n / 2, 88172645463325252ULL }, { n / 2, 1234567891011ULL } };
	pthread_t other;
	double start;

	start = cpu_seconds();
	if (threads < 2) {
		pairs_alone(n);
	} else {
		if (pthread_create(&other, NULL, pairs_shared, &jobs[1]))
			return 1;
		pairs_shared(&jobs[0]);
		pthread_join(other, NULL);
	}
	printf("%.3f\n", (cpu_seconds() - start) * 1e9 / (double)n);
	return 0;
}
