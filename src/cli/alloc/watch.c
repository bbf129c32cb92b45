/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc watch: many looks, and what grew over them. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "alloc/views/render.h"
#include "alloc/views/watch.h"
#include "base/json.h"
#include "base/nsec.h"
#include "base/num.h"
#include "base/util.h"
#include "cli/alloc/common.h"
#include "cli/cmds.h"
#include "cli/listen.h"

#define SECOND 1000000000ULL

extern const struct fl_cmd fl_cmd_alloc_watch;

struct watch_opts {
	struct alloc_source_opts source;
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	uint64_t interval, time;
	uint64_t count;
	const char *prometheus, *listen;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct watch_opts, source, alloc_source_options),
	FL_OPT_GROUP(struct watch_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct watch_opts, view, alloc_view_options),
	FL_OPT_DURATION_SOME(struct watch_opts, interval, 'i', "interval", "TIME",
			"time between two looks (default 1s)"),
	FL_OPT_DURATION_SOME(struct watch_opts, time, 't', "time", "TIME", "stop after TIME"),
	FL_OPT_U64(struct watch_opts, count, 'c', "count", "N", "stop after N looks"),
	FL_OPT_STR(struct watch_opts, prometheus, 0, "prometheus", "FILE",
		   "write metrics for node_exporter's textfile collector to FILE at each look"),
	FL_OPT_STR(struct watch_opts, listen, 0, "listen", "ADDR:PORT", CLI_LISTEN_HELP),
	{}
};

struct watching {
	const struct watch_opts *opts;
	struct fl_alloc_source *source;
	struct fl_alloc_filter filter;
	struct fl_alloc_order order; /* of --sort */
	struct fl_alloc_watch watch;
	uint64_t start; /* nanoseconds */
	int stop;	/* becomes readable at Ctrl-C */
	struct fl_listen *listen; /* NULL: nobody asks */
};

static double elapsed(const struct watching *w)
{
	return (double)(fl_time_ns(CLOCK_MONOTONIC) - w->start) / (double)SECOND;
}

static int64_t sum(const struct fl_alloc_set *set)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < set->n; i++)
		bytes += (uint64_t)set->v[i].bytes;
	return (int64_t)bytes;
}

static void progress(const struct watching *w, const struct fl_alloc_set *set)
{
	struct fl_buf b = {};

	fl_buf_addf(&b, "%8.1fs  ", elapsed(w));
	fl_buf_add_human(&b, sum(set));
	fl_buf_addf(&b, " in %zu tags\n", set->n);
	fl_buf_write_fd(&b, STDERR_FILENO);
	fl_buf_fini(&b);
}

static int look(struct watching *w)
{
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	bool usable;
	int code = alloc_read_places(&w->opts->source, w->source, &w->filter, &set,
				     &usable);

	if (!usable)
		return code;
	if (fl_alloc_watch_add(&w->watch, &set) < 0)
		return FL_EXIT_FINDINGS;
	if (!w->opts->view.json)
		progress(w, &set);
	if (w->opts->prometheus)
		code = alloc_write_prometheus(w->opts->prometheus, &set, code);
	return code;
}

/* Whoever asks looks, too. */
static int values(void *ctx, struct fl_metrics **ret)
{
	struct watching *w = ctx;
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	bool usable;
	int r;

	alloc_read_places(&w->opts->source, w->source, &w->filter, &set, &usable);
	r = usable ? alloc_metrics(&set, ret) : -EIO;
	if (r == 0)
		fl_metrics_process(*ret);
	return r;
}

/* Until @next, or as long as nobody wants to be served. False: it is to end. */
static bool nap(struct watching *w, uint64_t next)
{
	struct pollfd p[] = { { .fd = w->stop, .events = POLLIN },
			      { .fd = w->listen ? fl_listen_fd(w->listen) : -1, .events = POLLIN } };
	uint64_t at = fl_time_ns(CLOCK_MONOTONIC), left = at < next ? next - at : 0;
	struct timespec ts = { (time_t)(left / SECOND), (long)(left % SECOND) };
	int n = ppoll(p, FL_ARRAY_SIZE(p), &ts, NULL);

	if (w->listen)
		fl_listen_run(w->listen);
	return n >= 0 && !p[0].revents;
}

/* False when it is time to end: Ctrl-C, or the time is over. */
static bool wait_next(struct watching *w)
{
	uint64_t interval = w->opts->interval ? w->opts->interval : SECOND;
	uint64_t next = w->start + w->watch.looks * interval;

	if (w->opts->time && next > w->start + w->opts->time)
		return false;
	do {
		if (!nap(w, next))
			return false;
	} while (fl_time_ns(CLOCK_MONOTONIC) < next);
	return true;
}

static int look_often(struct watching *w)
{
	int worst = FL_EXIT_DONE;

	w->start = fl_time_ns(CLOCK_MONOTONIC);
	do {
		uint64_t looks = w->watch.looks;
		int code = look(w);

		worst = code > worst ? code : worst;
		if (w->watch.looks == looks) /* it cannot be read any more: rank what there is */
			break;
	} while ((!w->opts->count || w->watch.looks < w->opts->count) && wait_next(w));
	return worst;
}

static int result(struct watching *w, int code)
{
	_cleanup_buf_ struct fl_buf out = {};
	size_t n;

	if (!w->watch.looks) /* the reason has been told */
		return code;
	fl_alloc_watch_rank(&w->watch, w->opts->view.sort ? &w->order : NULL);
	if (!w->opts->view.json) {
		if (fl_alloc_render_watch(&w->watch, w->opts->view.lines, elapsed(w),
					  w->opts->view.raw, &out) < 0)
			return FL_EXIT_FINDINGS;
		return alloc_print(&out, code);
	}
	n = w->opts->view.lines && w->opts->view.lines < w->watch.n ? w->opts->view.lines :
								      w->watch.n;
	fl_json_schema(&out, "alloc watch");
	for (size_t i = 0; i < n; i++)
		fl_alloc_json_track(w->watch.v[i], elapsed(w), &out);
	fl_json_open(&out, NULL, '{');
	fl_json_strz(&out, "type", "summary");
	fl_json_u64(&out, "looks", w->watch.looks);
	fl_json_f64(&out, "seconds", elapsed(w));
	fl_json_u64(&out, "grown", w->watch.n);
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	return alloc_print(&out, code);
}

static int open_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(const void *opts, const struct fl_args *args)
{
	struct watching w = { .opts = opts };
	int code = alloc_make_filter(&w.opts->filter, &w.filter);

	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&w.opts->view, &w.order);
	if (code == FL_EXIT_DONE)
		code = alloc_open(&w.opts->source, &w.source);
	if (code != FL_EXIT_DONE)
		return code;
	w.stop = open_stop();
	if (w.opts->listen)
		code = fl_listen_begin(w.opts->listen, values, &w, &w.listen);
	if (code == FL_EXIT_DONE)
		code = result(&w, look_often(&w));
	fl_listen_close(w.listen);
	code = alloc_note(w.source, code);
	fl_alloc_watch_fini(&w.watch);
	fl_alloc_source_close(w.source);
	if (w.stop >= 0)
		close(w.stop);
	return code;
}

const struct fl_cmd fl_cmd_alloc_watch = {
	.name = "watch",
	.summary = "Look again and again, and rank what grew by how much it looks like a leak",
	.about = "Ends after --count looks, --time or Ctrl-C, and then prints the tags that grew.\n"
		 "LEAK is the part of a tag's whole movement that was growth, in percent, doubted\n"
		 "while it has risen only a few times: what only ever grows comes near 100, what\n"
		 "breathes has 0. That is the order, too, where --sort names no other.",
	.size = sizeof(struct watch_opts),
	.options = options,
	.run = run,
};
