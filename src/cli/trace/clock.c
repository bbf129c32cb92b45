/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --clock: by which clock the lines and recordings of "foreland trace" have their times. */
#include <errno.h>

#include "cli/say.h"
#include "cli/trace/private.h"

int trace_open_clock(struct trace_job *s)
{
	int r = fl_clock_open(s->o->clock, &s->clock);

	if (r < 0)
		fl_say_failed("--clock", r);
	return r < 0 ? -ECANCELED : 0;
}

void trace_close_clock(struct trace_job *s)
{
	if (s->clock.stepped)
		fl_say(FL_WARNING, "the clock '%s' was set by %+.6f s while this trace ran",
		       fl_clock_names[s->clock.id], (double)s->clock.stepped / 1e9);
	fl_clock_close(&s->clock);
}

static bool is_dated(const struct trace_job *s)
{
	return trace_is_recording(s->o) && s->clock.id == FL_CLOCK_WALL;
}

int64_t trace_time_shift(const struct trace_job *s)
{
	return is_dated(s) ? 0 : s->clock.shift;
}

struct fl_dat_clock trace_recorded_clock(const struct trace_job *s)
{
	if (is_dated(s))
		return (struct fl_dat_clock){ fl_str(fl_clock_names[FL_CLOCK_MONO]), s->clock.shift };
	return (struct fl_dat_clock){ .name = fl_str(fl_clock_names[s->clock.id]) };
}
