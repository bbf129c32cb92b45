/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listener of otel_memory's probes within the process that has them: it does what the kernel does
 * for one (raises the semaphore, makes a breakpoint of the nop), where readelf said that they are, and
 * keeps books: what was told of, and what was not told as it should have been.
 *
 *	alloc-sampled COUNT THREADS ALLOC_AT SEMAPHORE REG REG REG FREE_AT SEMAPHORE REG
 *	alloc-sampled COUNT THREADS		only allocates, for listeners outside
 */
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "foreland/alloc.h"

#define THREADS_MAX 8
#define LIVE_MAX    (1u << 20)
#define SLOTS	    512

struct probe {
	unsigned char *at;
	int regs[3];
};

static struct probe probes[2]; /* alloc, free */
static int lock;
static uint64_t live[LIVE_MAX]; /* the sampled blocks, by address; 1: was there */
static unsigned long allocs, frees, twice, unknown;
static double weights;

static uint64_t *slot_of(uint64_t p)
{
	size_t i = (p >> 4) * 0x9e3779b97f4a7c15ULL >> 44, n = 0;

	while (live[i] && live[i] != p && ++n < LIVE_MAX)
		i = (i + 1) % LIVE_MAX;
	return &live[i];
}

static void on_alloc(uint64_t p, uint64_t size, uint64_t weight)
{
	uint64_t *slot = slot_of(p);

	twice += *slot == p;
	twice += weight < size;
	*slot = p;
	allocs++;
	weights += (double)weight;
}

/* A hole would hide what lies behind it, so the entry stays, under no address that there is. */
static void on_free(uint64_t p)
{
	uint64_t *slot = slot_of(p);

	unknown += *slot != p;
	if (*slot == p)
		*slot = 1;
	frees++;
}

static void on_trap(int signal, siginfo_t *info, void *v)
{
	const greg_t *r = ((ucontext_t *)v)->uc_mcontext.gregs;
	const unsigned char *at = (const unsigned char *)r[REG_RIP] - 1;

	(void)signal;
	(void)info;
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	if (at == probes[0].at)
		on_alloc((uint64_t)r[probes[0].regs[0]], (uint64_t)r[probes[0].regs[1]],
			 (uint64_t)r[probes[0].regs[2]]);
	else
		on_free((uint64_t)r[probes[1].regs[0]]);
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static int reg(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} names[] = { { "rax", REG_RAX }, { "rbx", REG_RBX }, { "rcx", REG_RCX }, { "rdx", REG_RDX },
		      { "rsi", REG_RSI }, { "rdi", REG_RDI }, { "rbp", REG_RBP }, { "r8", REG_R8 },
		      { "r9", REG_R9 },	  { "r10", REG_R10 }, { "r11", REG_R11 }, { "r12", REG_R12 },
		      { "r13", REG_R13 }, { "r14", REG_R14 }, { "r15", REG_R15 } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i].name))
			return names[i].number;
	fprintf(stderr, "%s is no register\n", name);
	exit(2);
}

static int find(struct dl_phdr_info *info, size_t size, void *v)
{
	(void)size;
	if (strstr(info->dlpi_name, "libforeland-alloc"))
		*(uintptr_t *)v = info->dlpi_addr;
	return 0;
}

static void listen_to(struct probe *p, uintptr_t bias, char **argv, int n)
{
	uintptr_t page;

	p->at = (unsigned char *)(bias + strtoul(argv[0], NULL, 0));
	page = (uintptr_t)p->at & ~4095ul;
	for (int i = 0; i < n; i++)
		p->regs[i] = reg(argv[2 + i]);
	if (*p->at != 0x90 || mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)) {
		fprintf(stderr, "no nop at %p\n", (void *)p->at);
		exit(2);
	}
	*p->at = 0xcc;
	++*(volatile unsigned short *)(bias + strtoul(argv[1], NULL, 0));
}

struct job {
	unsigned long n;
	uint64_t x;
	double bytes, variance;
};

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Mostly small, some of a page, few that are nearly always sampled. */
static size_t size_of(uint64_t r)
{
	unsigned int kind = r % 1000;

	return kind < 900 ? 1 + (r >> 32) % 512 : kind < 998 ? 512 + (r >> 32) % 8192 : (r >> 32) % 1500000;
}

static void account(struct job *job, size_t size)
{
	double p = 1 - exp(-(double)size / 524288.0);

	job->bytes += (double)size;
	if (size)
		job->variance += (double)size * (double)size * (1 / p - 1);
}

/* One of each way to have a block: by the header's mapping, and by the C library's names. */
static void *one(unsigned int way, void *before, size_t size)
{
	void *p = NULL;

	switch (way) {
	case 0:
		free(before);
		return calloc(1, size);
	case 1:
		return realloc(before, size);
	case 2:
		return (realloc)(before, size);
	case 3:
		free(before);
		return posix_memalign(&p, 64, size) ? NULL : p;
	case 4:
		(free)(before);
		return (malloc)(size);
	default:
		free(before);
		return malloc(size);
	}
}

static void *run(void *v)
{
	struct job *job = v;
	void *slots[SLOTS] = { 0 };

	for (unsigned long i = 0; i < job->n; i++) {
		uint64_t r = next(&job->x);
		size_t size = size_of(next(&job->x)) + 1;
		void **slot = &slots[r % SLOTS];

		*slot = one((r >> 20) % 16, *slot, size);
		if (!*slot)
			abort();
		account(job, size);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		free(slots[i]);
	return NULL;
}

static void run_all(struct job *jobs, unsigned long threads)
{
	pthread_t t[THREADS_MAX];

	for (unsigned long i = 1; i < threads; i++)
		if (pthread_create(&t[i], NULL, run, &jobs[i]))
			abort();
	run(&jobs[0]);
	for (unsigned long i = 1; i < threads; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	unsigned long n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct job jobs[THREADS_MAX], sum = { 0 };
	double before;
	uintptr_t bias = 0;

	if ((argc != 3 && argc != 11) || threads < 1 || threads > THREADS_MAX)
		return 2;
	for (unsigned int i = 0; i < threads; i++)
		jobs[i] = (struct job){ .n = n / threads, .x = 88172645463325252ULL + i };
	dl_iterate_phdr(find, &bias);
	sigaction(SIGTRAP, &action, NULL);
	if (argc == 11) {
		listen_to(&probes[0], bias, argv + 3, 3);
		listen_to(&probes[1], bias, argv + 8, 1);
	}
	before = weights;
	run_all(jobs, threads);
	for (unsigned int i = 0; i < threads; i++) {
		sum.bytes += jobs[i].bytes;
		sum.variance += jobs[i].variance;
	}
	/* the threads' own memory is sampled as well, and is far below one sigma */
	printf("%.0f %.0f %.0f %lu %lu %lu %lu\n", weights - before, sum.bytes, sqrt(sum.variance), allocs,
	       frees, twice, unknown);
	return 0;
}
