/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of a clock in nanoseconds, and points in time for the waits of <pthread.h>. */
#ifndef BASE_NSEC_H
#define BASE_NSEC_H

#include <stdint.h>
#include <time.h>

static inline uint64_t fl_time_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* @ms from now, for pthread_cond_clockwait(): CLOCK_MONOTONIC stands when somebody sets the date. */
static inline struct timespec fl_time_in(clockid_t clock, unsigned int ms)
{
	uint64_t ns = fl_time_ns(clock) + ms * 1000000ull;

	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };
}

#endif
