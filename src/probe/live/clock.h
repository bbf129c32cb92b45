/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks that records can be shown by. Programs stamp by CLOCK_MONOTONIC or CLOCK_BOOTTIME, which every
 * kernel lets them read; the others are those plus a distance, which is measured again while a trace runs:
 * the date can be set, and the scheduler's clock (dmesg's, and the tracer's "local") is not disciplined
 * and drifts away.
 */
#ifndef PROBE_LIVE_CLOCK_H
#define PROBE_LIVE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fl_clock_id {
	FL_CLOCK_MONO,
	FL_CLOCK_BOOT,
	FL_CLOCK_LOCAL,
	FL_CLOCK_TAI,
	FL_CLOCK_WALL,
	_FL_CLOCK_MAX,
};

extern const char *const fl_clock_names[_FL_CLOCK_MAX];

struct fl_clock {
	enum fl_clock_id id;
	int64_t shift;	/* to be added to a stamp */
	int64_t stepped; /* by how much, in all, the clock was set since it was opened */
	uint64_t looked; /* when the distance was last measured */
	int perf;	/* local: what tells its time; -1 */
	uint8_t *page;	/* perf's ring */
	size_t size;
};

#define FL_CLOCK_NONE { .perf = -1 }

/* @name NULL: "mono". 0, -EINVAL: there is no such clock, or -errno: this system does not tell its time. */
int fl_clock_open(const char *name, struct fl_clock *ret);
void fl_clock_close(struct fl_clock *c);

/* To be called now and then while records are read. */
void fl_clock_follow(struct fl_clock *c);

#endif
