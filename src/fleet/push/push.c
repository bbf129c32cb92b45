/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/push/push.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/nsec.h"
#include "base/num.h"
#include "base/util.h"
#include "fleet/otlp/encode.h"
#include "gzip/gzip.h"

#define SECOND	     1000000000ull
#define LOGS_MAX     (512u << 10)
#define LOGS_WAIT_NS SECOND
#define LAST_NS	     (5 * SECOND) /* for sending what is left, at the end */

struct fl_push {
	struct fl_push_opts o;
	struct fl_otlp_resource resource;
	struct fl_otlp_logs logs;
	uint64_t logs_begin; /* of the oldest record in there */
	uint64_t uid;
	uint64_t metrics_next;
	bool spool_failed; /* the last time, which was said */
	struct fl_buf last_error; /* the sender's, that was said */
};

static void say(struct fl_push *p, enum fl_level level, const char *text)
{
	p->o.said(p->o.ctx, level, text);
}

static int put(struct fl_push *p, enum fl_spool_kind kind, uint64_t items, struct fl_str request)
{
	_cleanup_buf_ struct fl_buf packed = {};
	int r = fl_gzip(request, FL_GZIP_FAST, &packed);

	if (r < 0)
		return r;
	r = fl_spool_put(p->o.spool, kind, items, fl_buf_str(&packed));
	if (r < 0 && r != -E2BIG && !p->spool_failed) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_buf_addf(&b, "the spool cannot be written: %s", fl_errno_name(r));
		say(p, FL_ERROR, fl_buf_z(&b));
	}
	p->spool_failed = r < 0 && r != -E2BIG;
	return r == -ENOMEM ? r : 0; /* what has no room there is counted */
}

static int flush_logs(struct fl_push *p)
{
	int r;

	if (!p->logs.n)
		return 0;
	fl_otlp_logs_end(&p->logs);
	r = p->logs.request.error ? p->logs.request.error
				  : put(p, FL_SPOOL_LOGS, p->logs.n, fl_buf_str(&p->logs.request));
	fl_buf_reset(&p->logs.request);
	p->logs.n = 0;
	return r;
}

static void add_result(struct fl_metrics *m, const char *kind, const char *result, uint64_t n)
{
	_cleanup_labels_ struct fl_labels labels = {};

	fl_labels_add(&labels, FL_STR("kind"), fl_str(kind));
	fl_labels_add(&labels, FL_STR("result"), fl_str(result));
	fl_metrics_add(m, FL_METRIC_SENT, &labels, FL_U64(n));
}

void fl_push_metrics(struct fl_push *p, struct fl_metrics *m)
{
	static const char *const kinds[] = { [FL_SPOOL_METRICS] = "points", [FL_SPOOL_LOGS] = "logs" };
	struct fl_sender_stats sent;
	struct fl_spool_stats spool;

	fl_sender_stats(p->o.sender, &sent);
	fl_spool_stats(p->o.spool, &spool);
	for (size_t i = 0; i < FL_ARRAY_SIZE(kinds); i++) {
		add_result(m, kinds[i], "sent", sent.sent[i]);
		add_result(m, kinds[i], "refused", sent.refused[i]);
		add_result(m, kinds[i], "pushed_out", spool.items[i]);
	}
	fl_metrics_add(m, FL_METRIC_REQUESTS, NULL, FL_U64(sent.requests));
	fl_metrics_add(m, FL_METRIC_RETRIES, NULL, FL_U64(sent.retries));
	fl_metrics_add(m, FL_METRIC_SPOOL_BYTES, NULL, FL_U64(spool.bytes));
	fl_metrics_add(m, FL_METRIC_SPOOL_REQUESTS, NULL, FL_U64(spool.waiting));
	fl_metrics_add(m, FL_METRIC_SPOOL_DAMAGED, NULL, FL_U64(spool.damaged));
}

static int flush_metrics(struct fl_push *p)
{
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	_cleanup_buf_ struct fl_buf request = {};
	size_t n;
	int r = p->o.values(p->o.ctx, &m);

	if (r < 0)
		return r;
	n = fl_otlp_metrics(&p->resource, m, p->o.exponential, fl_time_ns(CLOCK_REALTIME), &request);
	if (request.error || fl_metrics_error(m))
		return -ENOMEM;
	return put(p, FL_SPOOL_METRICS, n, fl_buf_str(&request));
}

/* Once, and not each time that it is tried again. */
static void say_trouble(struct fl_push *p)
{
	struct fl_sender_stats stats;
	struct fl_str error;

	fl_sender_stats(p->o.sender, &stats);
	error = fl_str(stats.error);
	if (fl_str_eq(error, fl_buf_str(&p->last_error)))
		return;
	if (error.n)
		say(p, FL_WARNING, stats.error);
	else
		say(p, FL_NOTE, "the receiver takes requests again");
	fl_buf_reset(&p->last_error);
	fl_buf_add_str(&p->last_error, error);
}

int fl_push_run(struct fl_push *p, uint64_t now)
{
	int r = 0;

	if (p->logs.n && now - p->logs_begin >= LOGS_WAIT_NS)
		r = flush_logs(p);
	if (r == 0 && now >= p->metrics_next) {
		p->metrics_next = now + p->o.interval_ns;
		r = flush_metrics(p);
	}
	fl_sender_run(p->o.sender, now);
	say_trouble(p);
	return r;
}

/* What does not arrive now stays in the spool, where that is on a disk. */
static void send_until(struct fl_push *p, uint64_t end)
{
	uint64_t now;
	struct fl_spool_stats left;

	fl_sender_hurry(p->o.sender);
	do {
		now = fl_time_ns(CLOCK_MONOTONIC);
		fl_sender_run(p->o.sender, now);
		fl_spool_stats(p->o.spool, &left);
		if (left.waiting)
			poll(NULL, 0, 2);
	} while (left.waiting && now < end);
}

static void say_left(struct fl_push *p)
{
	struct fl_spool_stats left;

	fl_spool_stats(p->o.spool, &left);
	if (left.waiting) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_buf_addf(&b, "%lu requests have not arrived", left.waiting);
		say(p, FL_WARNING, fl_buf_z(&b));
	}
}

int fl_push_finish(struct fl_push *p)
{
	uint64_t end = fl_time_ns(CLOCK_MONOTONIC) + LAST_NS;
	int r = flush_logs(p);

	send_until(p, end);
	if (r == 0)
		r = flush_metrics(p);
	send_until(p, end);
	say_left(p);
	return r;
}

int fl_push_record(struct fl_push *p, struct fl_str question, const struct fl_record_schema *schema,
		   const struct fl_record *rec, size_t size, uint64_t time_ns, struct fl_symbols *symbols)
{
	if (!p->logs.n)
		p->logs_begin = fl_time_ns(CLOCK_MONOTONIC);
	fl_otlp_logs_add(&p->logs, &p->resource, question, schema, rec, size, p->uid++, time_ns, symbols);
	return p->logs.request.len >= LOGS_MAX ? flush_logs(p) : 0;
}

bool fl_push_is_busy(const struct fl_push *p)
{
	return fl_sender_is_busy(p->o.sender);
}

int fl_push_new(const struct fl_push_opts *o, struct fl_push **ret)
{
	struct fl_push *p = calloc(1, sizeof(*p));
	_cleanup_buf_ struct fl_buf why = {};
	int r;

	if (!p)
		return -ENOMEM;
	p->o = *o;
	p->metrics_next = fl_time_ns(CLOCK_MONOTONIC) + o->interval_ns;
	r = fl_otlp_resource(o->attributes, o->service, &p->resource, &why);
	if (why.len)
		say(p, FL_WARNING, fl_buf_z(&why));
	if (r < 0) {
		fl_push_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void fl_push_free(struct fl_push *p)
{
	if (!p)
		return;
	fl_otlp_resource_fini(&p->resource);
	fl_otlp_logs_fini(&p->logs);
	fl_buf_fini(&p->last_error);
	free(p);
}
