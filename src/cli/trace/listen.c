/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace --listen: what is counted, for those who ask while it is. */
#include <errno.h>
#include <string.h>

#include "cli/listen.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "fleet/meter/meter.h"

/* Of all histograms together; what is cut is a metric. */
#define SERIES_BUDGET 10000

int trace_check_listen(const struct trace_opts *o)
{
	if (!o->listen)
		return FL_EXIT_DONE;
	if (o->vm)
		return fl_say_usage("--listen: nobody can reach the guest: leave --vm out");
	if (o->via && strcmp(o->via, "tracefs") == 0)
		return fl_say_usage("--listen is of BPF programs, not of --via tracefs");
	return FL_EXIT_DONE;
}

static int values(void *ctx, struct fl_metrics **ret)
{
	struct trace_job *s = ctx;
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	int r = fl_metrics_new(SERIES_BUDGET, &m);

	if (r == 0)
		r = fl_meter_add(s->meter, m);
	if (r < 0)
		return r;
	fl_metrics_process(m);
	fl_metrics_finish(m);
	*ret = TAKE_PTR(m);
	return 0;
}

int trace_start_listen(struct trace_job *s)
{
	int r;

	if (!s->o->listen)
		return 0;
	r = fl_meter_new(s->session, s->symbols, FL_STR(""), &s->meter);
	if (r == 0 && fl_listen_begin(s->o->listen, values, s, &s->listen))
		r = -ECANCELED;
	return r;
}

void trace_serve(struct trace_job *s)
{
	if (s->listen)
		fl_listen_run(s->listen);
}

void trace_end_listen(struct trace_job *s)
{
	fl_listen_close(s->listen);
	fl_meter_free(s->meter);
}
