/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nobody is woken up for a record, so the loop sleeps by itself: short while records come, longer
 * and longer while none do, and shortest at the start, since who has just begun waits for the first
 * line. At the longest sleep a ring of the default size still holds what a CPU can put into it in that
 * time at more than a million records a second.
 *
 * Rings are merged up to a moment just past. A program takes its time a little before its record is
 * complete; the moment's distance covers that, so that lines come in order across CPUs.
 */
#include "probe/live/run.h"

#include <errno.h>
#include <time.h>

#define SLEEP_FIRST_NS 60000u
#define SLEEP_MIN_NS   200000u
#define SLEEP_MAX_NS   4000000u
#define SETTLE_NS      50000u
#define END_WAIT_NS    500000000u

static void nap(uint64_t ns)
{
	struct timespec ts = { 0, (long)ns };

	nanosleep(&ts, NULL);
}

static int dropped(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	return 0;
}

/* Programs that were running when their hook was taken away end within microseconds, or preempted
 * within milliseconds; what they counted and wrote then adds up. */
static int finish(struct fl_session *t, const struct fl_session_loop *run, bool wanted, uint64_t frozen)
{
	fl_record_fn fn = wanted ? run->record : dropped;
	uint64_t end = fl_session_now(t) + END_WAIT_NS;
	int64_t n;
	int r;

	fl_session_freeze(t, frozen);
	r = run->idle(run->ctx); /* what is there goes out first: hooks come off slowly */
	fl_session_stop(t);
	if (r < 0)
		return r;
	for (;;) {
		n = fl_session_read(t, UINT64_MAX, fn, run->ctx);
		if (n < 0 && n != -ECANCELED)
			return (int)n;
		r = run->idle(run->ctx);
		if (r < 0)
			return r;
		if (n < 0)
			fn = dropped;
		if (fl_session_settled(t) || fl_session_now(t) > end)
			return 0;
		nap(SLEEP_MIN_NS);
	}
}

static bool over(struct fl_session *t, const struct fl_session_loop *run, uint64_t start)
{
	return (run->stop && *run->stop) ||
	       (run->duration_ns && fl_session_now(t) - start >= run->duration_ns);
}

/* Where the end is a record, it is that one's time: what the rings hold behind it nobody has seen. */
static uint64_t end_of(struct fl_session *t, bool by_record)
{
	uint64_t newest = fl_session_newest(t);

	return by_record && newest ? newest : fl_session_now(t);
}

int fl_session_run(struct fl_session *t, const struct fl_session_loop *run)
{
	uint64_t start = fl_session_now(t), sleep = SLEEP_FIRST_NS;
	bool by_record = false;
	int r = 0, done;

	while (r == 0 && !over(t, run, start)) {
		int64_t n = fl_session_read(t, fl_session_now(t) - SETTLE_NS, run->record, run->ctx);

		by_record = n < 0;
		r = by_record ? (int)n : run->idle(run->ctx);
		if (n)
			sleep = SLEEP_MIN_NS;
		if (r == 0)
			nap(sleep);
		sleep = FL_MIN(sleep * 2, (uint64_t)SLEEP_MAX_NS);
	}
	if (r >= 0) /* a time, a signal, or who is asked when idle: a command that has ended */
		return finish(t, run, true, fl_session_now(t));
	done = finish(t, run, false, end_of(t, by_record));
	return r == -ECANCELED ? done : r;
}
