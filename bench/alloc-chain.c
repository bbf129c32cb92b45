/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * free() and malloc() in pairs, 100 frames deep: what a chain of callers costs. Prints nanoseconds of
 * CPU time a pair. Built with frame pointers and without.
 *
 *	alloc-chain [PAIRS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLOTS 4096

static void *slots[SLOTS];

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static __attribute__((noinline, noclone)) void pairs(uint64_t n)
{
	uint64_t x = 88172645463325252ULL;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t r = next(&x);

		free(slots[r % SLOTS]);
		slots[r % SLOTS] = malloc(16 + (r >> 32) % 256);
	}
}

static __attribute__((noinline, noclone)) void deep(unsigned int depth, uint64_t n)
{
	if (depth)
		deep(depth - 1, n);
	else
		pairs(n);
	__asm__ volatile(""); /* a frame is left behind: no jump */
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	struct timespec a, b;

	if (!n)
		return 2;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	deep(100, n);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	printf("%.2f\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)n);
	return 0;
}
