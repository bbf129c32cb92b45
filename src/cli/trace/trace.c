/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace: definitions in, lines out. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "cli/trace/trace.h"
#include "cli/write.h"
#include "probe/live/point.h"
#include "probe/live/run.h"
#include "probe/live/session.h"
#include "probe/lang/check.h"
#include "probe/output/hist.h"
#include "probe/output/json.h"
#include "probe/output/text.h"
#include "probe/tracedat/tracedat.h"

const struct fl_opt fl_trace_options[] = {
	FL_OPT_U64(struct trace_opts, lines, 'n', NULL, "N", "end after N lines, over all probes"),
	FL_OPT_DURATION(struct trace_opts, duration, 't', NULL, "SECONDS", "end after this time"),
	FL_OPT_FLAG(struct trace_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_STR(struct trace_opts, output, 'o', NULL, "FILE",
		   "write there instead of standard output; FILE.dat: in trace-cmd's format"),
	FL_OPT_STR(struct trace_opts, file, 0, "file", "DEFS", "read definitions from DEFS, one a line"),
	FL_OPT_U64(struct trace_opts, pid, 'p', NULL, "PID", "only this process, or this thread"),
	FL_OPT_STR(struct trace_opts, comm, 0, "comm", "NAME", "only threads of this name"),
	FL_OPT_LIST(struct trace_opts, hist, 0, "hist", "SPEC",
		    "count instead of printing: keys=..[:vals=..][:sort=..][:size=..]"),
	FL_OPT_FLAG(struct trace_opts, pretty, 0, "pretty",
		    "show values by their type: enum and errno names, structs, what pointers point to"),
	FL_OPT_FLAG(struct trace_opts, stack, 0, "stack", "take the kernel's stack with each event"),
	FL_OPT_FLAG(struct trace_opts, ustack, 0, "ustack", "take the process's stack with each event"),
	FL_OPT_FLAG(struct trace_opts, vm, 0, "vm", "trace in a guest, where no privilege is needed"),
	FL_OPT_FLAG(struct trace_opts, explain, 0, "explain", "say which hook was taken, and why"),
	FL_OPT_FLAG(struct trace_opts, exact, 0, "exact-faults",
		    "let every read of memory tell whether it failed; slower"),
	FL_OPT_FLAG(struct trace_opts, strict, 0, "strict", "lost or missed events make the exit status 1"),
	FL_OPT_STR(struct trace_opts, via, 0, "via", "bpf|tracefs",
		   "tracefs: through the kernel's own tracer, where BPF may not be used"),
	FL_OPT_STR(struct trace_opts, clock, 0, "clock", "mono|boot", "clock of the times shown"),
	FL_OPT_STR(struct trace_opts, dialect, 0, "dialect", "v6|mainline|6.12",
		   "whose rules definitions follow; default: v6 or mainline"),
	{}
};

volatile sig_atomic_t fl_trace_stop_asked;

static void ask_stop(int sig)
{
	fl_trace_stop_asked = 1;
}

/* The first signal ends the run in good order, a second one ends the program at once. */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = ask_stop, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- definitions ---- */

static int check(struct session *s, enum fl_dialect dialect, struct fl_str def,
		 struct fl_probe_event **ret, struct fl_probe_verdict *v)
{
	return fl_probe_check_trace(s->target, dialect, def, ret, v);
}

static void print_verdict(const struct fl_probe_verdict *v, const char *place, struct fl_str def)
{
	if (v->diag.kind) {
		struct fl_diag d = v->diag; /* borrowed, to be printed with its place */

		d.place = place;
		fl_say_diag(&d);
	} else {
		fprintf(stderr, "%s: error: this is no probe definition: %s\n%.*s\n", place,
			fl_errno_name(v->errno_value), FL_STR_ARG(def));
	}
}

/* A definition may follow the rules of either state of the series; what the first says, is shown. */
static int check_definition(struct session *s, struct fl_str def, const char *place,
			    struct fl_probe_event **ret)
{
	struct fl_probe_verdict first = {}, second = {};
	enum fl_dialect dialect = FL_DIALECT_V6;
	int r;

	*ret = NULL;
	if (s->o->dialect)
		fl_dialect_parse(s->o->dialect, &dialect);
	r = check(s, dialect, def, ret, &first);
	if (r < 0 && !s->o->dialect)
		r = check(s, FL_DIALECT_MAINLINE, def, ret, &second);
	if (r < 0)
		print_verdict(&first, place, def);
	fl_probe_verdict_fini(&first);
	fl_probe_verdict_fini(&second);
	if (r == 0 && !*ret) {
		fprintf(stderr, "%s: error: this defines no event\n%.*s\n", place, FL_STR_ARG(def));
		r = -EINVAL;
	}
	return r;
}

static int add_definition(struct session *s, struct fl_str def, const char *place)
{
	struct fl_probe_event *e, **bigger;
	struct fl_str filter, *filters;
	int r;

	r = check_definition(s, fl_definition_split(def, &filter), place, &e);
	if (r < 0)
		return r;
	bigger = reallocarray(s->events, s->nr_events + 1, sizeof(struct fl_probe_event *));
	if (!bigger) {
		fl_probe_event_free(e);
		return -ENOMEM;
	}
	s->events = bigger;
	s->events[s->nr_events] = e;
	filters = reallocarray(s->filters, ++s->nr_events, sizeof(*filters));
	if (!filters)
		return -ENOMEM;
	s->filters = filters;
	filters[s->nr_events - 1] = filter;
	return fl_session_add(s->trace, e, def, filter);
}

static int add_file(struct session *s, const char *path)
{
	struct fl_str rest, line;
	int r = fl_file_open(path, 16u << 20, &s->file), n = 0;

	if (r < 0) {
		fl_say_failed(path, r);
		return r;
	}
	rest = fl_file_str(&s->file);
	while (r == 0 && fl_str_line(&rest, &line)) {
		_cleanup_buf_ struct fl_buf place = {};

		n++;
		line = fl_str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		fl_buf_addf(&place, "%s:%d", path, n);
		r = add_definition(s, line, fl_buf_z(&place));
	}
	return r;
}

static int add_all(struct session *s, const struct fl_args *args)
{
	int r = s->o->file ? add_file(s, s->o->file) : 0;

	for (size_t i = 0; i < args->n && r == 0; i++)
		r = add_definition(s, fl_str(args->v[i]), "definition");
	return r;
}

/* One --hist is for all definitions, several are for one each, in their order. */
static int add_hists(struct session *s)
{
	const struct fl_strv *list = &s->o->hist;
	int r = 0;

	if (list->n > 1 && list->n != s->nr_events) {
		fl_say(FL_ERROR, "as many --hist as definitions are wanted, or one for all");
		return -EINVAL;
	}
	for (size_t i = 0; list->n && i < s->nr_events && r == 0; i++) {
		struct fl_diag d = { .place = "--hist" };

		r = fl_session_hist(s->trace, i, fl_str(list->v[list->n > 1 ? i : 0]), &d);
		if (r < 0)
			fl_say_diag(&d);
		fl_diag_fini(&d);
	}
	return r;
}

/* ---- running ---- */

bool fl_trace_is_recording(const struct trace_opts *o)
{
	return o->output && fl_str_ends(fl_str(o->output), ".dat");
}

bool fl_trace_boot_clock(const struct trace_opts *o)
{
	return o->clock && strcmp(o->clock, "boot") == 0;
}

int fl_trace_flush(struct session *s)
{
	int r = s->out.error ? s->out.error : fl_buf_write_fd(&s->out, s->fd);

	fl_buf_reset(&s->out);
	return r;
}

static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct session *s = ctx;
	int r = 0;

	if (s->o->lines && s->lines == s->o->lines)
		return -ECANCELED;
	if (s->dat)
		r = fl_tracedat_record(s->dat, cpu, rec, size);
	else if (s->o->json)
		fl_record_json(&fl_session_probe(s->trace, rec->event)->schema, cpu, rec, size, s->symbols,
				     &s->out);
	else
		fl_text_record(s->text, cpu, rec, size, &s->out);
	if (r < 0)
		return r;
	s->lines++;
	if (s->o->lines && s->lines == s->o->lines)
		return -ECANCELED;
	return s->out.len > 1u << 16 ? fl_trace_flush(s) : 0;
}

static int on_idle(void *ctx)
{
	struct session *s = ctx;
	int r = s->out.len ? fl_trace_flush(s) : 0;

	return r < 0 ? r : fl_trace_command_ended(s);
}

static void explain(const struct session *s)
{
	for (size_t i = 0; i < s->nr_events; i++) {
		const struct fl_session_probe *p = fl_session_probe(s->trace, i);
		struct fl_str tried = fl_buf_str(&p->tried), line;

		fprintf(stderr, "%.*s/%.*s: %s, reads by %s\n", FL_STR_ARG(p->schema.event->group),
			FL_STR_ARG(p->schema.event->event), fl_hooks[p->hook].name,
			fl_read_form_names[p->read]);
		fprintf(stderr, "    because: %s\n", fl_points_reason(p->schema.event));
		while (fl_str_line(&tried, &line))
			fprintf(stderr, "    not taken: %.*s\n", FL_STR_ARG(line));
	}
}

static int start(struct session *s)
{
	struct fl_diag d = {};
	int r = fl_session_start(s->trace, &d);

	if (r < 0) {
		struct fl_str tried, line;

		d.place = "definition";
		fl_say_diag(&d);
		tried = fl_buf_str(&fl_session_probe(s->trace, fl_session_failed(s->trace))->tried);
		while (fl_str_line(&tried, &line))
			fprintf(stderr, "note: tried %.*s\n", FL_STR_ARG(line));
	}
	fl_diag_fini(&d);
	if (r == 0 && s->o->explain)
		explain(s);
	return r;
}

static void add_totals(const struct session *s, const struct fl_probe_event *e,
		       const struct fl_totals *n, struct fl_buf *out)
{
	fl_buf_addf(out, "%.*s/%.*s: %lu hits, %lu records, %lu filtered, %lu lost, %lu missed, %lu faults",
		    FL_STR_ARG(e->group), FL_STR_ARG(e->event), n->hits, n->records, n->filtered, n->lost,
		    n->missed, n->faults);
	if (n->unpaired)
		fl_buf_addf(out, ", %lu unpaired", n->unpaired);
	if (s->o->stack || s->o->ustack)
		fl_buf_addf(out, ", %lu without stack", n->no_stack);
	fl_buf_addc(out, '\n');
}

/* Returns whether something was lost or missed. */
static bool sum_up(struct session *s, struct fl_buf *out)
{
	bool worse = false;

	for (size_t i = 0; i < s->nr_events; i++) {
		struct fl_totals n;

		fl_session_totals(s->trace, i, &n);
		worse |= n.lost || n.missed;
		add_totals(s, s->events[i], &n, out);
	}
	return worse;
}

static int finish_recording(struct session *s)
{
	_cleanup_buf_ struct fl_buf summary = {};

	sum_up(s, &summary);
	return fl_tracedat_finish(s->dat, fl_buf_str(&summary));
}

static void add_summary(struct session *s)
{
	struct fl_totals *totals = calloc(s->nr_events, sizeof(*totals));

	for (size_t i = 0; totals && i < s->nr_events; i++)
		fl_session_totals(s->trace, i, &totals[i]);
	if (totals)
		fl_record_json_summary(fl_session_schemas(s->trace), totals, &s->out);
	else
		s->out.error = -ENOMEM;
	free(totals);
}

/* 1 where --strict asks for more than was got. */
static int summarise(struct session *s)
{
	_cleanup_buf_ struct fl_buf text = {};
	bool worse = sum_up(s, &text);

	if (!s->o->json || s->dat) {
		fl_buf_write_fd(&text, STDERR_FILENO);
	} else {
		add_summary(s);
		if (fl_trace_flush(s) < 0)
			return 1;
	}
	return s->o->strict && worse;
}

/* Terminals get bars as wide as a fifth of the screen usually is. */
static int print_hists(struct session *s)
{
	unsigned int bars = isatty(s->fd) ? 20 : 0;

	for (size_t i = 0; i < s->nr_events; i++) {
		struct fl_hist_table table = {};

		if (fl_session_hist_read(s->trace, i, &table) < 0)
			continue;
		fl_hist_trim(&fl_session_probe(s->trace, i)->schema, &table, s->symbols);
		if (s->o->json)
			fl_hist_json(&fl_session_probe(s->trace, i)->schema, &table, s->symbols, &s->out);
		else
			fl_hist_text(&fl_session_probe(s->trace, i)->schema, &table, bars, s->symbols, &s->out);
		fl_hist_table_fini(&table);
	}
	return s->out.len ? fl_trace_flush(s) : 0;
}

int fl_trace_open_file(struct session *s)
{
	int fd = fl_write_stream(s->o->output);

	if (fd < 0)
		return fd;
	s->fd = fd;
	return 0;
}

static int open_recording(struct session *s)
{
	int r = fl_trace_open_file(s);

	if (r < 0)
		return r;
	return fl_tracedat_new(s->o->output, s->fd, fl_session_schemas(s->trace), s->target,
			       fl_trace_boot_clock(s->o), s->symbols, &s->dat);
}

static int run(struct session *s, const struct fl_args *args)
{
	struct fl_session_loop run = { .duration_ns = s->o->duration, .stop = &fl_trace_stop_asked,
			      .record = on_record, .idle = on_idle, .ctx = s };
	int r;

	r = fl_symbols_new(s->target, &s->symbols);
	if (r == 0)
		r = fl_text_new(fl_session_schemas(s->trace), s->symbols, &s->text);
	if (r < 0)
		return r;
	if (fl_trace_is_recording(s->o))
		r = open_recording(s);
	else if (s->o->json)
		fl_record_json_schema(fl_session_schemas(s->trace), fl_trace_boot_clock(s->o), &s->out);
	if (r == 0 && args->command)
		r = fl_trace_command_start(s, args->command);
	if (r == 0)
		r = fl_session_run(s->trace, &run);
	fl_trace_command_end(s);
	if (r == 0 && s->dat)
		r = finish_recording(s);
	if (r == 0)
		r = print_hists(s);
	if (r == -EPIPE)
		return 0; /* the reader has seen enough */
	if (r < 0) {
		if (r != -ECANCELED)
			fl_say_failed(s->o->output ? s->o->output : "standard output", r);
		return r;
	}
	r = summarise(s);
	return fl_trace_command_result(s) ? 1 : r;
}

static int open_output(struct session *s)
{
	s->fd = STDOUT_FILENO;
	return !s->o->output || fl_trace_is_recording(s->o) ? 0 : fl_trace_open_file(s);
}

static bool wants_bpf(const struct trace_opts *o)
{
	return o->hist.n || o->stack || o->ustack || o->pretty || o->exact;
}

static int trace_session(struct session *s, const struct fl_args *args)
{
	struct fl_session_opts opts = {
		.pid = (uint32_t)s->o->pid, .comm = s->o->comm, .exact_faults = s->o->exact,
		.boot_clock = fl_trace_boot_clock(s->o),
		.pretty = s->o->pretty,
		.stacks = (unsigned int)s->o->stack << FL_STACK_KERNEL |
			  (unsigned int)s->o->ustack << FL_STACK_USER,
	};
	int r;

	r = fl_target_open(&s->o->target, &s->target);
	if (r == 0)
		r = fl_session_new(s->target, &opts, &s->trace);
	if (r < 0) {
		fl_say_failed("the running kernel", r);
		return FL_EXIT_FINDINGS;
	}
	if (open_output(s) < 0 || add_all(s, args) < 0 || add_hists(s) < 0)
		return FL_EXIT_FINDINGS;
	if (!s->nr_events) {
		return fl_say_usage("there is nothing to trace: no definition was given");
	}
	catch_signals();
	if (s->o->via && strcmp(s->o->via, "tracefs") == 0) {
		if (!wants_bpf(s->o))
			return fl_trace_via_tracefs(s, args);
		return fl_say_usage("--hist, --stack, --ustack, --pretty and --exact-faults are done by BPF "
				    "programs, not by --via tracefs");
	}
	if (start(s) < 0)
		return FL_EXIT_FINDINGS;
	return run(s, args) ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int trace_run(const void *v, const struct fl_args *args)
{
	struct session s = { .o = v, .fd = -1, .child_status = -1 };
	int r;

	if (s.o->vm) {
		r = open_output(&s);
		if (r == 0 && s.fd != STDOUT_FILENO && dup2(s.fd, STDOUT_FILENO) < 0)
			r = -1;
		return r < 0 ? FL_EXIT_FINDINGS : fl_trace_in_guest(s.o, args);
	}
	r = trace_session(&s, args);

	fl_tracedat_free(s.dat);
	fl_text_free(s.text);
	fl_symbols_free(s.symbols);
	fl_session_free(s.trace);
	for (size_t i = 0; i < s.nr_events; i++)
		fl_probe_event_free(s.events[i]);
	free(s.events);
	free(s.filters);
	fl_target_close(s.target);
	fl_file_close(&s.file);
	fl_buf_fini(&s.out);
	if (s.fd > STDERR_FILENO)
		close(s.fd);
	return r;
}

const struct fl_cmd fl_cmd_trace = {
	.name = "trace",
	.summary = "Trace typed probe events on the running kernel",
	.args = "DEF... [-- COMMAND]",
	.about = "DEF is a definition as the kernel's dynamic_events takes it, for example "
		 "'t:demo/switch sched_switch to=next->comm:string'. It is compiled to BPF, and a line "
		 "is printed each time it fires.\n\n"
		 "With -- COMMAND, COMMAND is started when everything is attached, and the trace ends "
		 "with it.",
	.size = sizeof(struct trace_opts),
	.options = fl_trace_options,
	.max_args = SIZE_MAX,
	.takes_command = true,
	.run = trace_run,
};
