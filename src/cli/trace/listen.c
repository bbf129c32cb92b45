/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreland trace --listen, --otlp and --prometheus: what is counted, for those who ask while it is, for those who
 * are told, and for those who look at a file.
 */
#include <errno.h>
#include <string.h>

#include "base/nsec.h"
#include "cli/listen.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "cli/write.h"
#include "fleet/listen/place.h"
#include "fleet/meter/meter.h"
#include "metrics/text.h"

/* Of all histograms together; what is cut is a metric. */
#define SERIES_BUDGET 10000
#define TELL_NS 10000000000ULL

static bool wants_metrics(const struct trace_opts *o)
{
	return o->listen || o->prometheus || o->push.otlp || o->push.spool;
}

int trace_check_listen(struct trace_job *s)
{
	const struct trace_opts *o = s->o;
	struct sockaddr_storage a;
	socklen_t n;

	if (!wants_metrics(o))
		return FL_EXIT_DONE;
	if (o->vm)
		return fl_say_usage("--listen, --otlp and --prometheus: nobody can reach the guest: leave --vm out");
	if (o->via && strcmp(o->via, "tracefs") == 0)
		return fl_say_usage("--listen, --otlp and --prometheus are of BPF programs, not of --via tracefs");
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

	if (!wants_metrics(s->o))
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

static int write_prometheus(struct trace_job *s)
{
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	_cleanup_buf_ struct fl_buf out = {};
	int r = values(s, &m);

	if (r < 0)
		return r;
	fl_metrics_text(m, FL_METRICS_PROMETHEUS, &out);
	s->told = fl_time_ns(CLOCK_MONOTONIC);
	return fl_write_file(s->o->prometheus, &out);
}

int trace_serve(struct trace_job *s)
{
	uint64_t now = s->o->prometheus ? fl_time_ns(CLOCK_MONOTONIC) : 0;
	int r = 0;

	if (s->listen)
		fl_listen_run(s->listen);
	if (s->o->prometheus && now - s->told >= (s->o->interval ? s->o->interval : TELL_NS))
		r = write_prometheus(s);
	if (r < 0)
		return r;
	return s->push.push ? fl_push_run(s->push.push, fl_time_ns(CLOCK_MONOTONIC)) : 0;
}

int trace_tell_rest(struct trace_job *s)
{
	int r = s->o->prometheus ? write_prometheus(s) : 0;

	if (r < 0)
		return r;
	return s->push.push ? fl_push_finish(s->push.push) : 0;
}

void trace_end_listen(struct trace_job *s)
{
	fl_listen_close(s->listen);
	fl_push_end(&s->push);
	fl_meter_free(s->meter);
}
