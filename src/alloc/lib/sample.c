/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which allocations are sampled: points are strewn over the bytes that a thread allocates, on average
 * one in 512 KiB, at exponentially distributed distances, so that every byte is as likely as any other
 * to have one. A block with at least one point in it is sampled: with probability 1 - exp(-size / mean).
 * It stands for size / (1 - exp(-size / mean)) bytes; so the sum of the weights is, on average, the sum
 * of all sizes, whatever sizes there are. Behind a point a new distance is thrown for what comes after
 * the block: the distribution has no memory.
 *
 * A probe is a nop, and a note (type 3 of "stapsdt") that says where it is, where its arguments are,
 * and where the semaphore is that the kernel raises for each listener.
 */
#include <string.h>
#include <time.h>

#include "alloc/lib/sample.h"

#if (defined(__x86_64__) || defined(__aarch64__)) && !FL_SANITIZED

#define MEAN (512.0 * 1024)

volatile unsigned short fl_sample_listeners __attribute__((section(".probes")));
/* Who listens for frees alone hears none: a block that is not sampled has none to tell. */
static volatile unsigned short free_listeners __attribute__((section(".probes"), used));
extern FL_API volatile unsigned short fl_alloc_listeners_
	__attribute__((alias("fl_sample_listeners")));

static FL_TLS double distance; /* bytes to the next point; 0: not thrown yet */
static FL_TLS uint64_t dice;

/* Where .stapsdt.base lies tells a reader how far a prelinked file was moved behind its notes. */
#define PROBE(name, semaphore, places)                                                             \
	"990:	nop\n"                                                                             \
	"	.pushsection .note.stapsdt,\"\",%%note\n"                                          \
	"	.balign 4\n"                                                                       \
	"	.4byte 992f-991f, 994f-993f, 3\n"                                                  \
	"991:	.asciz \"stapsdt\"\n"                                                              \
	"992:	.balign 4\n"                                                                       \
	"993:	.8byte 990b\n"                                                                     \
	"	.8byte _.stapsdt.base\n"                                                           \
	"	.8byte " semaphore "\n"                                                            \
	"	.asciz \"otel_memory\"\n"                                                          \
	"	.asciz \"" name "\"\n"                                                             \
	"	.asciz \"" places "\"\n"                                                           \
	"994:	.balign 4\n"                                                                       \
	"	.popsection\n"                                                                     \
	"	.ifndef _.stapsdt.base\n"                                                          \
	"	.pushsection .stapsdt.base,\"aG\",%%progbits,.stapsdt.base,comdat\n"               \
	"	.weak _.stapsdt.base\n"                                                            \
	"	.hidden _.stapsdt.base\n"                                                          \
	"_.stapsdt.base: .space 1\n"                                                               \
	"	.size _.stapsdt.base, 1\n"                                                         \
	"	.popsection\n"                                                                     \
	"	.endif\n"

/* -ln(u) for u in (0, 1]: the exponent, and a series for the rest (no libm in other people's programs). */
static double minus_log(double u)
{
	const double ln2 = 0.6931471805599453;
	uint64_t bits;
	int exponent;
	double m, t, square;

	memcpy(&bits, &u, sizeof(bits));
	exponent = (int)(bits >> 52 & 0x7ff) - 1023;
	bits = (bits & ~(0x7ffULL << 52)) | 1023ULL << 52;
	memcpy(&m, &bits, sizeof(m)); /* in [1, 2): ln m = 2 artanh t, where t is at most a third */
	t = (m - 1) / (m + 1);
	square = t * t;
	return -(exponent * ln2 +
		 2 * t * (1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7 +
			  square * (1.0 / 9 + square * (1.0 / 11 + square / 13)))))));
}

/* 1 - exp(-x): halved until its series is short, and doubled back. */
static double one_minus_exp(double x)
{
	unsigned int halvings = 0;
	double y;

	if (x > 40)
		return 1;
	for (; x > 0.01; x /= 2)
		halvings++;
	y = x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4)));
	while (halvings--)
		y = y * (2 - y);
	return y;
}

/* A thread's own numbers: a counter, well mixed. */
static double throw_distance(void)
{
	uint64_t z;

	if (!dice) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		dice = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15ULL ^ (uintptr_t)&dice ^
		       (uint64_t)getpid() << 40;
	}
	dice += 0x9e3779b97f4a7c15ULL;
	z = dice;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	z ^= z >> 31;
	return MEAN * minus_log(((double)(z >> 11) + 1) / 9007199254740992.0);
}

bool fl_sample_draw(size_t size)
{
	if (distance <= 0)
		distance = throw_distance();
	distance -= (double)size;
	return size && distance <= 0;
}

__attribute__((noinline)) void fl_sample_tell_alloc(void *p, size_t size)
{
	uint64_t weight = (uint64_t)((double)size / one_minus_exp((double)size / MEAN) + 0.5);

	__asm__ volatile(PROBE("alloc", "fl_sample_listeners", "8@%0 8@%1 8@%2")
			 :
			 : "r"(p), "r"(size), "r"(weight)
			 : "memory");
}

__attribute__((noinline)) void fl_sample_tell_free(void *p)
{
	__asm__ volatile(PROBE("free", "free_listeners", "8@%0") : : "r"(p) : "memory");
}

void fl_sample_in_child(void)
{
	dice = 0;
	distance = 0;
}

#else

volatile unsigned short fl_sample_listeners;

bool fl_sample_draw(size_t size)
{
	(void)size;
	return false;
}

void fl_sample_tell_alloc(void *p, size_t size)
{
	(void)p;
	(void)size;
}

void fl_sample_tell_free(void *p)
{
	(void)p;
}

void fl_sample_in_child(void)
{
}

#endif
