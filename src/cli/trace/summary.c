/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trace of BPF programs says at its end: how many there were of each event, and what is missing. */
#include <errno.h>
#include <stdlib.h>

#include "cli/trace/private.h"
#include "probe/output/json.h"

static void add_totals(const struct trace_job *s, const struct fl_probe_event *e,
		       const struct fl_totals *n, struct fl_buf *out)
{
	fl_buf_addf(out, "%.*s/%.*s: %lu hits, %lu records, %lu filtered, %lu lost, %lu missed, %lu faults",
		    FL_STR_ARG(e->group), FL_STR_ARG(e->event), n->hits, n->records, n->filtered, n->lost,
		    n->missed, n->faults);
	if (n->unpaired)
		fl_buf_addf(out, ", %lu unpaired", n->unpaired);
	if (s->o->budget)
		fl_buf_addf(out, ", %lu over budget", n->over_budget);
	if (s->o->stack || s->o->ustack)
		fl_buf_addf(out, ", %lu without stack", n->no_stack);
	if (s->flight)
		fl_buf_addf(out, ", %lu overwritten", n->overwritten);
	fl_buf_addc(out, '\n');
}

/* What the flight recorder has overwritten was handed out, and is not shown. */
static void totals_of(struct trace_job *s, size_t i, struct fl_totals *ret)
{
	fl_session_totals(s->session, i, ret);
	if (s->flight)
		ret->overwritten = fl_flight_overwritten(s->flight, i);
}

bool trace_sum_up(struct trace_job *s, struct fl_buf *out)
{
	uint64_t together = 0;
	bool worse = false;

	for (size_t i = 0; i < s->events.n; i++) {
		struct fl_totals n;

		totals_of(s, i, &n);
		worse |= n.lost || n.missed || n.missed_together;
		together += n.missed_together;
		add_totals(s, s->events.v[i], &n, out);
	}
	if (together)
		fl_buf_addf(out, "%lu missed (the kernel does not say of which event)\n", together);
	return worse;
}

void trace_sum_up_json(struct trace_job *s)
{
	struct fl_totals *totals = calloc(s->events.n, sizeof(*totals));

	for (size_t i = 0; totals && i < s->events.n; i++)
		totals_of(s, i, &totals[i]);
	if (totals)
		fl_record_json_summary(fl_session_schemas(s->session), totals, &s->out);
	else
		s->out.error = -ENOMEM;
	free(totals);
}
