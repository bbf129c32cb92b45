/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time as a dependency: code that waits or defers asks a struct fl_clocksource, so that a test moves time by
 * hand. Timers are the kernel's delayed work in small: armed with a delay, run by the event loop,
 * once. Not thread-safe; one loop owns a struct fl_timers.
 */
#ifndef EPDMA_ENDPOINT_TIMER_H
#define EPDMA_ENDPOINT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define FL_NSEC_PER_MSEC 1000000ull
#define FL_NSEC_PER_SEC	 1000000000ull
#define FL_NEVER	 UINT64_MAX

struct fl_clocksource {
	uint64_t (*now)(const struct fl_clocksource *c); /* nanoseconds from some fixed point */
};

/* CLOCK_MONOTONIC. */
extern const struct fl_clocksource fl_clocksource_monotonic;

/* Stands still until somebody writes @t. */
struct fl_clocksource_manual {
	struct fl_clocksource clock; /* .now = fl_clocksource_manual_now */
	uint64_t t;
};

uint64_t fl_clocksource_manual_now(const struct fl_clocksource *c);

static inline uint64_t fl_clocksource_now(const struct fl_clocksource *c)
{
	return c->now(c);
}

struct fl_timer {
	void (*fn)(struct fl_timer *t);
	struct fl_timer *next; /* by deadline; the list's */
	uint64_t deadline;
	bool armed;
};

struct fl_timers {
	const struct fl_clocksource *clock;
	struct fl_timer *first;
};

/* Runs @t->fn once, @delay from now at the earliest. An armed timer keeps its deadline. */
void fl_timer_arm(struct fl_timers *ts, struct fl_timer *t, uint64_t delay);
/* The same, but an armed timer is moved to the earlier of both. */
void fl_timer_hurry(struct fl_timers *ts, struct fl_timer *t, uint64_t delay);
void fl_timer_cancel(struct fl_timers *ts, struct fl_timer *t);

/* When the first timer is due, or FL_NEVER: what poll(2) may wait for. */
uint64_t fl_timers_next(const struct fl_timers *ts);
/* Runs what is due now. A timer that arms itself anew with no delay runs at the next call. */
void fl_timers_run(struct fl_timers *ts);

#endif
