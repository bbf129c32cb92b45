/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of a clock in nanoseconds, and points in time for the waits of <pthread.h>. */
#ifndef BASE_NSEC_H
#define BASE_NSEC_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t fl_time_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* @ms from now. */
static inline struct timespec fl_time_in(clockid_t clock, unsigned int ms)
{
	uint64_t ns = fl_time_ns(clock) + ms * 1000000ull;

	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };
}

/*
 * pthread_cond_timedwait() until a time of CLOCK_MONOTONIC, which goes on alike when somebody sets the
 * date. Only glibc can wait so on any condition: elsewhere the rest of the time is counted from now.
 */
static inline int fl_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until)
{
#ifdef __GLIBC__
	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, until);
#else
	uint64_t now = fl_time_ns(CLOCK_MONOTONIC);
	uint64_t end = (uint64_t)until->tv_sec * 1000000000u + (uint64_t)until->tv_nsec;
	struct timespec date = fl_time_in(CLOCK_REALTIME, end > now ? (unsigned int)((end - now) / 1000000 + 1) : 0);

	return pthread_cond_timedwait(cond, lock, &date);
#endif
}

#endif
