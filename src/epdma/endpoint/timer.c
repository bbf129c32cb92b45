// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/endpoint/timer.h"

#include <stddef.h>

#include "base/nsec.h"

static uint64_t monotonic_now(const struct fl_clocksource *c)
{
	return fl_time_ns(CLOCK_MONOTONIC);
}

const struct fl_clocksource fl_clocksource_monotonic = { .now = monotonic_now };

uint64_t fl_clocksource_manual_now(const struct fl_clocksource *c)
{
	return ((const struct fl_clocksource_manual *)c)->t;
}

static uint64_t deadline_after(const struct fl_timers *ts, uint64_t delay)
{
	uint64_t at;

	return __builtin_add_overflow(fl_clocksource_now(ts->clock), delay, &at) ? FL_NEVER : at;
}

void fl_timer_arm(struct fl_timers *ts, struct fl_timer *t, uint64_t delay)
{
	struct fl_timer **at = &ts->first;

	if (t->armed)
		return;
	t->deadline = deadline_after(ts, delay);
	t->armed = true;
	while (*at && (*at)->deadline <= t->deadline)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void fl_timer_hurry(struct fl_timers *ts, struct fl_timer *t, uint64_t delay)
{
	if (t->armed && t->deadline <= deadline_after(ts, delay))
		return;
	fl_timer_cancel(ts, t);
	fl_timer_arm(ts, t, delay);
}

void fl_timer_cancel(struct fl_timers *ts, struct fl_timer *t)
{
	struct fl_timer **at = &ts->first;

	if (!t->armed)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->next = NULL;
	t->armed = false;
}

uint64_t fl_timers_next(const struct fl_timers *ts)
{
	return ts->first ? ts->first->deadline : FL_NEVER;
}

/*
 * Only the timers that are due at the start run: one that arms itself with no delay would keep the
 * loop here for ever. They are counted first, since each may cancel or arm any other; equal
 * deadlines keep the order of arming, so those armed meanwhile stand behind the counted ones.
 */
void fl_timers_run(struct fl_timers *ts)
{
	uint64_t now = fl_clocksource_now(ts->clock);
	unsigned int due = 0;

	for (struct fl_timer *t = ts->first; t && t->deadline <= now; t = t->next)
		due++;
	while (due-- && ts->first && ts->first->deadline <= now) {
		struct fl_timer *t = ts->first;

		fl_timer_cancel(ts, t);
		t->fn(t);
	}
}
