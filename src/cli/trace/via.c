/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace --via tracefs: the kernel's own tracer makes the records. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/trace/private.h"
#include "probe/ftrace/ftrace.h"
#include "probe/output/json.h"
#include "probe/target/modules.h"

#define NAP_NS 5000000

struct via {
	struct trace_job *s;
	struct fl_ftrace *ftrace;
	struct fl_recorded_lines lines;
	const struct fl_ksyms *ksyms; /* NULL: addresses stay numbers */
	struct fl_ksyms *reread;	      /* those, read anew when modules had come or gone */
	struct fl_modules_watch modules;
};

static bool has_enough(const struct trace_job *s)
{
	return s->o->lines && s->lines == s->o->lines;
}

static void follow_modules(struct via *v)
{
	struct fl_ksyms *fresh;

	if (!v->ksyms || !fl_modules_changed(&v->modules) || fl_ksyms_open("/proc/kallsyms", NULL, &fresh) < 0)
		return;
	fl_ksyms_close(v->reread);
	v->ksyms = v->reread = fresh;
}

static int on_record(void *ctx, const struct fl_recorded *rec)
{
	struct fl_recorded shown = *rec;
	struct via *v = ctx;
	int r = 0;

	follow_modules(v);
	shown.ksyms = v->ksyms;
	shown.time += (uint64_t)trace_time_shift(v->s);
	if (has_enough(v->s))
		return 0; /* it is only counted */
	if (v->s->dat)
		r = fl_tracedat_recorded(v->s->dat, &shown);
	else if (v->s->o->json)
		fl_recorded_json(&shown, &v->s->out);
	else
		fl_recorded_text(&v->lines, &shown, &v->s->out);
	v->s->lines++;
	return r == 0 && v->s->out.len > 1u << 16 ? trace_flush(v->s) : r;
}

static int read_and_write(struct via *v)
{
	int64_t n = fl_ftrace_read(v->ftrace, on_record, v);
	int r = trace_flush(v->s);

	return n < 0 ? (int)n : r;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int loop(struct via *v)
{
	const struct timespec nap = { 0, NAP_NS };
	struct trace_job *s = v->s;
	uint64_t start = now();
	int r = 0;

	while (r == 0 && !fl_stop_asked && !has_enough(s) && !trace_is_over(s) &&
	       (!s->o->duration || now() - start < s->o->duration)) {
		nanosleep(&nap, NULL);
		fl_clock_follow(&s->clock);
		r = read_and_write(v);
	}
	fl_ftrace_stop(v->ftrace);
	if (r == 0)
		r = read_and_write(v);
	return r;
}

/* ---- what is said around the records ---- */

static void json_schema(struct trace_job *s)
{
	fl_json_schema_open(&s->out, "trace");
	fl_json_strz(&s->out, "clock", fl_clock_names[s->clock.id]);
	fl_json_open(&s->out, "events", '[');
	for (size_t i = 0; i < s->events.n; i++) {
		const struct fl_probe_event *e = s->events.v[i];

		fl_json_open(&s->out, NULL, '{');
		fl_json_str(&s->out, "group", e->group);
		fl_json_str(&s->out, "event", e->event);
		fl_json_strz(&s->out, "kind", fl_probe_kind_name(e->kind));
		fl_json_strz(&s->out, "hook", "tracefs");
		fl_json_open(&s->out, "args", '[');
		for (size_t k = 0; k < e->nr_args; k++)
			fl_record_json_arg(&e->args[k], &s->out);
		fl_json_close(&s->out, ']');
		fl_json_close(&s->out, '}');
	}
	fl_json_close(&s->out, ']');
	fl_json_close(&s->out, '}');
	fl_json_end_line(&s->out);
}

/* What is not known is null. */
static void json_count(struct trace_job *s, const char *key, bool known, uint64_t n)
{
	if (known)
		fl_json_u64(&s->out, key, n);
	else
		fl_json_null(&s->out, key);
}

static void json_summary(struct via *v)
{
	struct trace_job *s = v->s;

	fl_json_open(&s->out, NULL, '{');
	fl_json_strz(&s->out, "type", "summary");
	fl_json_u64(&s->out, "lost", fl_ftrace_lost(v->ftrace));
	fl_json_open(&s->out, "events", '[');
	for (size_t i = 0; i < s->events.n; i++) {
		struct fl_ftrace_totals n;

		fl_ftrace_totals(v->ftrace, i, &n);
		fl_json_open(&s->out, NULL, '{');
		fl_json_str(&s->out, "group", s->events.v[i]->group);
		fl_json_str(&s->out, "event", s->events.v[i]->event);
		json_count(s, "hits", n.knows_hits, n.hits);
		fl_json_u64(&s->out, "records", n.records);
		json_count(s, "filtered", n.knows_filtered, n.filtered);
		json_count(s, "lost", n.knows_lost, n.lost);
		json_count(s, "missed", n.knows_hits, n.missed);
		fl_json_u64(&s->out, "faults", n.faults);
		fl_json_close(&s->out, '}');
	}
	fl_json_close(&s->out, ']');
	fl_json_close(&s->out, '}');
	fl_json_end_line(&s->out);
}

static void text_count(struct fl_buf *out, const char *what, bool known, uint64_t n)
{
	if (known)
		fl_buf_addf(out, " %lu %s,", n, what);
	else
		fl_buf_addf(out, " ? %s,", what);
}

static void text_summary(const struct via *v, struct fl_buf *out)
{
	const struct trace_job *s = v->s;
	uint64_t lost = fl_ftrace_lost(v->ftrace);

	for (size_t i = 0; i < s->events.n; i++) {
		struct fl_ftrace_totals n;

		fl_ftrace_totals(v->ftrace, i, &n);
		fl_buf_addf(out, "%.*s/%.*s:", FL_STR_ARG(s->events.v[i]->group),
			    FL_STR_ARG(s->events.v[i]->event));
		text_count(out, "hits", n.knows_hits, n.hits);
		text_count(out, "records", true, n.records);
		text_count(out, "filtered", n.knows_filtered, n.filtered);
		text_count(out, "lost", n.knows_lost, n.lost);
		text_count(out, "missed", n.knows_hits, n.missed);
		fl_buf_addf(out, " %lu faults\n", n.faults);
	}
	if (lost && s->events.n > 1)
		fl_buf_addf(out, "%lu lost (the kernel does not say of which event)\n", lost);
}

static int finish_recording(const struct via *v)
{
	_cleanup_buf_ struct fl_buf summary = {}, comms = {};
	int r = fl_ftrace_ended_comms(v->ftrace, &comms);

	if (r == 0)
		r = fl_tracedat_comms(v->s->dat, fl_buf_str(&comms));
	if (r < 0)
		return r;
	text_summary(v, &summary);
	return trace_finish_recording(v->s, fl_buf_str(&summary));
}

/* True where --strict has something to complain of. */
static bool summarise(struct via *v)
{
	_cleanup_buf_ struct fl_buf text = {};
	bool worse = fl_ftrace_lost(v->ftrace);

	for (size_t i = 0; i < v->s->events.n; i++) {
		struct fl_ftrace_totals n;

		fl_ftrace_totals(v->ftrace, i, &n);
		worse |= n.missed != 0;
	}
	if (v->s->o->json && !trace_is_recording(v->s->o)) {
		json_summary(v);
	} else {
		text_summary(v, &text);
		fl_buf_write_fd(&text, STDERR_FILENO);
	}
	return worse;
}

static void explain(const struct via *v)
{
	const struct trace_job *s = v->s;

	for (size_t i = 0; i < s->events.n; i++)
		fl_say_line("%.*s/%.*s: tracefs, as '%.*s'", FL_STR_ARG(s->events.v[i]->group),
			    FL_STR_ARG(s->events.v[i]->event), FL_STR_ARG(fl_ftrace_text(v->ftrace, i)));
}

static int open_recording(struct via *v)
{
	struct trace_job *s = v->s;
	int r = trace_open_recording(s);

	if (r == 0)
		r = fl_tracedat_open(s->fd, s->target, trace_recorded_clock(s), &s->dat);
	for (size_t i = 0; i < s->events.n && r == 0; i++)
		r = fl_tracedat_describe(s->dat, s->events.v[i]->group, fl_ftrace_format(v->ftrace, i));
	return r;
}

static int run(struct via *v, const struct fl_args *args)
{
	struct trace_job *s = v->s;
	struct fl_ksyms *ksyms;
	bool worse = false;
	int r = 0;

	trace_say_awaited(s);
	if (s->o->explain)
		explain(v);
	if (fl_target_ksyms(s->target, &ksyms) == 0)
		v->ksyms = ksyms;
	fl_modules_changed(&v->modules);
	if (trace_is_recording(s->o))
		r = open_recording(v);
	else if (s->o->json)
		json_schema(s);
	if (r == 0 && args->command)
		r = trace_command_start(s, args->command);
	if (r == 0)
		r = loop(v);
	trace_command_end(s);
	if (r == 0 && s->dat)
		r = finish_recording(v);
	if (r == 0) {
		worse = summarise(v);
		r = trace_flush(s);
	}
	if (r == -EPIPE)
		r = 0; /* the reader has seen enough */
	else
		fl_say_end(r);
	return trace_command_result(s, r < 0 || (s->o->strict && worse));
}

int trace_via_tracefs(struct trace_job *s, const struct fl_args *args)
{
	struct fl_ftrace_opts opts = { .pid = (uint32_t)s->o->pid, .comm = s->o->comm,
				       .boot_clock = s->clock.id == FL_CLOCK_BOOT, .force = s->o->force };
	_cleanup_ftrace_ struct fl_ftrace *ftrace = NULL;
	struct via v = { .s = s, .lines.bytes = s->o->bytes };
	struct fl_diag d = {};
	int r = fl_ftrace_new(s->target, &opts, &ftrace);

	for (size_t i = 0; i < s->events.n && r == 0; i++)
		r = fl_ftrace_add(ftrace, s->events.v[i], s->events.filters[i]);
	if (r == 0)
		r = fl_ftrace_start(ftrace, &d);
	if (r < 0 && d.kind) {
		d.place = "definition";
		fl_say_diag(&d);
	} else if (r < 0) {
		fl_say_failed("the kernel's tracer", r);
	}
	fl_diag_fini(&d);
	v.ftrace = ftrace;
	r = r < 0 ? FL_EXIT_FINDINGS : run(&v, args);
	fl_recorded_lines_fini(&v.lines);
	fl_ksyms_close(v.reread);
	return r;
}
