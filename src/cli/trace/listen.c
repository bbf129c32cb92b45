/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace --listen and --otlp: what is counted, for those who ask while it is, and for those who are told. */
#include <errno.h>
#include <string.h>

#include "base/nsec.h"
#include "cli/listen.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "fleet/listen/place.h"
#include "fleet/meter/meter.h"

/* Of all histograms together; what is cut is a metric. */
#define SERIES_BUDGET 10000

int trace_check_listen(struct trace_job *s)
{
	const struct trace_opts *o = s->o;
	struct sockaddr_storage a;
	socklen_t n;

	if (!o->listen && !o->push.otlp && !o->push.spool)
		return FL_EXIT_DONE;
	if (o->vm)
		return fl_say_usage("--listen and --otlp: nobody can reach the guest: leave --vm out");
	if (o->via && strcmp(o->via, "tracefs") == 0)
		return fl_say_usage("--listen and --otlp are of BPF programs, not of --via tracefs");
	if (o->listen && fl_place_parse(fl_str(o->listen), &a, &n) < 0)
		return fl_say_usage("--listen: '%s' is no ADDR:PORT, as in 127.0.0.1:9435", o->listen);
	return fl_push_open(&o->push, &s->push);
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
	if (s->push.push)
		fl_push_metrics(s->push.push, m);
	fl_metrics_process(m);
	fl_metrics_finish(m);
	*ret = TAKE_PTR(m);
	return 0;
}

int trace_start_listen(struct trace_job *s)
{
	int r;

	if (!s->o->listen && !s->o->push.otlp && !s->o->push.spool)
		return 0;
	r = fl_meter_new(s->session, s->symbols, FL_STR(""), &s->meter);
	if (r < 0)
		return r;
	if (fl_push_begin(&s->push, 0, values, s) ||
	    (s->o->listen && fl_listen_begin(s->o->listen, values, s, &s->listen)))
		return -ECANCELED;
	return 0;
}

int trace_tell_record(struct trace_job *s, const struct fl_record *rec, size_t size)
{
	uint64_t time;

	if (!s->meter)
		return 0;
	fl_meter_record(s->meter, rec, size);
	if (!s->push.push)
		return 0;
	time = fl_time_ns(CLOCK_REALTIME) - (fl_session_now(s->session) - rec->time);
	return fl_push_record(s->push.push, FL_STR(""), &fl_session_probe(s->session, rec->event)->schema, rec, size,
			      time, s->symbols);
}

int trace_serve(struct trace_job *s)
{
	if (s->listen)
		fl_listen_run(s->listen);
	return s->push.push ? fl_push_run(s->push.push, fl_time_ns(CLOCK_MONOTONIC)) : 0;
}

int trace_tell_rest(struct trace_job *s)
{
	return s->push.push ? fl_push_finish(s->push.push) : 0;
}

void trace_end_listen(struct trace_job *s)
{
	fl_listen_close(s->listen);
	fl_push_end(&s->push);
	fl_meter_free(s->meter);
}
