/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "cli/say.h"

#define MEMORY_BOUND (16ull << 20)
#define INTERVAL_NS  10000000000ull

const struct fl_opt fl_push_options[] = {
	FL_OPT_STR(struct push_opts, otlp, 0, "otlp", "URL",
		   "send metrics and log records to this receiver of OTLP/HTTP"),
	FL_OPT_STR(struct push_opts, spool, 0, "spool", "DIR,SIZE",
		   "keep there what could not be sent yet, SIZE at most; without it 16M in memory"),
	{}
};

/* "DIR,SIZE" */
static int open_spool(const struct push_opts *o, struct push_job *j)
{
	struct fl_str s = fl_str(o->spool);
	const char *comma = s.n ? memrchr(s.p, ',', s.n) : NULL;
	_cleanup_free_ char *dir = NULL;
	uint64_t size;
	int r;

	if (!o->spool)
		return fl_spool_open(NULL, MEMORY_BOUND, &j->spool) < 0 ? FL_EXIT_FINDINGS : 0;
	if (!comma || comma == s.p || fl_parse_size(fl_str(comma + 1), &size) < 0 || size < 4096)
		return fl_say_usage("--spool: '%s' is no DIR,SIZE, as in /var/spool/foreland,1G", o->spool);
	dir = fl_str_dup(fl_str_n(s.p, (size_t)(comma - s.p)));
	r = dir ? fl_spool_open(dir, size, &j->spool) : -ENOMEM;
	if (r == -EBUSY)
		fl_say(FL_ERROR, "%s: another process keeps its spool there", dir);
	else if (r < 0)
		fl_say_failed(dir ? dir : "foreland", r);
	return r < 0 ? FL_EXIT_FINDINGS : 0;
}

int fl_push_open(const struct push_opts *o, struct push_job *j)
{
	_cleanup_buf_ struct fl_buf why = {};
	int r;

	if (!o->otlp && o->spool)
		return fl_say_usage("--spool is of --otlp: give that, too");
	if (!o->otlp)
		return 0;
	r = open_spool(o, j);
	if (r)
		return r;
	r = fl_sender_new(o->otlp, getenv("OTEL_EXPORTER_OTLP_HEADERS"), j->spool, &j->sender, &why);
	if (r == -EINVAL)
		return fl_say_usage("--otlp: %s", fl_buf_z(&why));
	if (r < 0 && why.len)
		fl_say(FL_ERROR, "--otlp: %s", fl_buf_z(&why));
	else if (r < 0)
		fl_say_failed("--otlp", r);
	return r < 0 ? FL_EXIT_FINDINGS : 0;
}

static void on_said(void *ctx, enum fl_level level, const char *text)
{
	fl_say(level, "%s", text);
}

/* A name that nobody knows is none, as the specification has it: bounds are sent, and it is said. */
static bool wants_exponential(void)
{
	const char *s = getenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION");

	if (!s || !s[0] || strcasecmp(s, "explicit_bucket_histogram") == 0)
		return false;
	if (strcasecmp(s, "base2_exponential_bucket_histogram") == 0)
		return true;
	fl_say(FL_WARNING, "there is no aggregation of histograms that is called '%s'", s);
	return false;
}

int fl_push_begin(struct push_job *j, uint64_t interval_ns, int (*values)(void *ctx, struct fl_metrics **ret),
		  void *ctx)
{
	const struct fl_push_opts opts = { .sender = j->sender, .spool = j->spool, .values = values, .said = on_said,
					   .interval_ns = interval_ns ? interval_ns : INTERVAL_NS, .ctx = ctx,
					   .attributes = getenv("OTEL_RESOURCE_ATTRIBUTES"),
					   .service = getenv("OTEL_SERVICE_NAME"), .exponential = wants_exponential() };
	int r = j->sender ? fl_push_new(&opts, &j->push) : 0;

	if (r < 0)
		fl_say_failed("--otlp", r);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

void fl_push_end(struct push_job *j)
{
	fl_push_free(j->push);
	fl_sender_free(j->sender);
	fl_spool_close(j->spool);
}
