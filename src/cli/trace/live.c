/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace by BPF programs: runs the session, writes what comes, sums up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/nsec.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/trace/private.h"
#include "cli/vm.h"
#include "probe/live/point.h"
#include "probe/output/json.h"

#define FLUSH_NS 500000000 /* of a recording, where records are few */

/* Rings are read only: where another clock is shown, what is shown is a copy. */
static const struct fl_record *by_clock(struct trace_job *s, const struct fl_record *rec, size_t size)
{
	int64_t shift = trace_time_shift(s);
	struct fl_record *copy;

	if (!shift)
		return rec;
	fl_buf_reset(&s->copy);
	fl_buf_add(&s->copy, rec, size);
	if (s->copy.error)
		return NULL;
	copy = (struct fl_record *)s->copy.data;
	copy->time += (uint64_t)shift;
	return copy;
}

static int on_record(void *ctx, const struct fl_tracing_record *traced)
{
	struct trace_job *s = ctx;
	size_t size;
	const struct fl_record *rec = fl_tracing_raw(traced, &size);
	int r;

	r = trace_tell_record(s, rec, size);
	if (r < 0)
		return r;
	rec = by_clock(s, rec, size);
	if (!rec)
		return -ENOMEM;
	r = s->flight ? fl_flight_add(s->flight, traced->cpu, rec, size) :
			trace_put_record(s, traced->cpu, rec, size);
	if (r == 0)
		r = trace_rotate(s);
	if (r < 0)
		return r;
	return s->until && fl_until_match(s->until, traced->cpu, rec, size);
}

static int on_idle(void *ctx)
{
	struct trace_job *s = ctx;
	int r = s->out.len ? trace_flush(s) : 0;
	uint64_t now = s->dat ? fl_time_ns(CLOCK_MONOTONIC) : 0;

	fl_clock_follow(&s->clock);
	fl_usernames_idle(s->usernames);
	if (r == 0)
		r = trace_serve(s);
	if (r == 0)
		r = trace_at_interval(s);
	if (r == 0)
		r = trace_dump_asked_for(s);
	if (r == 0)
		r = trace_reopen_asked_for(s);
	if (r == 0 && s->dat && now - s->flushed >= FLUSH_NS) {
		s->flushed = now;
		r = fl_tracedat_flush(s->dat);
	}
	return r < 0 ? r : trace_is_over(s);
}

static void explain(const struct trace_job *s)
{
	for (size_t i = 0; i < s->events.n; i++) {
		const struct fl_session_probe *p = fl_session_probe(s->session, i);
		struct fl_str tried = fl_buf_str(&p->tried), line;

		if (p->schema.event->kind == FL_PROBE_SYNTH)
			continue; /* it has no hook */
		fl_say_line("%.*s/%.*s: %s, reads by %s", FL_STR_ARG(p->schema.event->group),
			    FL_STR_ARG(p->schema.event->event), fl_hooks[p->hook].name,
			    fl_read_form_names[p->read]);
		fl_say_line("    because: %s", p->is_shared ? "one link holds many definitions" :
						       fl_points_reason(p->schema.event));
		while (fl_str_line(&tried, &line))
			fl_say_line("    not taken: %.*s", FL_STR_ARG(line));
	}
}

#define NAMED_MAX 20 /* places that are named, of those that were left out */

static void say_left_out(const struct trace_job *s)
{
	for (size_t i = 0; i < s->events.n; i++) {
		struct fl_str rest = fl_buf_str(&fl_session_probe(s->session, i)->left_out), line;
		size_t n = 0;

		for (; fl_str_line(&rest, &line); n++)
			if (n < NAMED_MAX)
				fl_say(FL_WARNING, "no probe can be put there, it is left out: %.*s", FL_STR_ARG(line));
		if (n > NAMED_MAX)
			fl_say(FL_WARNING, "%zu more are left out", n - NAMED_MAX);
	}
}

/* @ended: what has not come until then. */
static void say_waiting(const struct trace_job *s, bool ended)
{
	for (size_t i = 0; i < s->events.n; i++) {
		const struct fl_session_probe *p = fl_session_probe(s->session, i);
		struct fl_str name = p->schema.event->place.symbol;

		if (p->is_waiting)
			fl_say(FL_WARNING, ended ? "no module has brought the tracepoint '%.*s'" :
						   "this kernel has no tracepoint '%.*s' now: a module that brings "
						   "it is waited for", FL_STR_ARG(name));
		else if (p->wait_error)
			fl_say(FL_WARNING, "the tracepoint '%.*s' came, and could not be traced: %s",
			       FL_STR_ARG(name), fl_errno_name(p->wait_error));
	}
}

static int start(struct trace_job *s)
{
	struct fl_diag d = {};
	int r;

	trace_say_awaited(s); /* also where it cannot start: it may be what was not meant */
	r = fl_tracing_start(s->tracing, &d);
	if (r < 0) {
		struct fl_str tried, line;

		d.place = "definition";
		fl_say_diag(&d);
		tried = fl_buf_str(&fl_session_probe(s->session, fl_session_failed(s->session))->tried);
		while (fl_str_line(&tried, &line))
			fl_say_line("note: tried %.*s", FL_STR_ARG(line));
	}
	fl_diag_fini(&d);
	if (r == 0)
		say_left_out(s);
	if (r == 0)
		say_waiting(s, false);
	if (r == 0 && s->o->explain)
		explain(s);
	return r;
}

/* Returns whether somebody got away. */
static bool say_not_followed(const struct trace_job *s)
{
	uint64_t n = fl_session_not_followed(s->session), missed = fl_session_forks_missed(s->session);

	if (missed)
		fl_say(FL_WARNING, "up to %lu new processes may be missing among those that are followed: the kernel "
				   "did not run the programs that see them", missed);
	if (n)
		fl_say(FL_WARNING, "%lu processes had no room among those that are followed: their events are missing",
		       n);
	return n || missed;
}

static void say_nameless(const struct trace_job *s)
{
	int r = s->symbols ? fl_symbols_nameless(s->symbols) : 0;

	if (r == -EPERM)
		fl_say(FL_NOTE, "kernel addresses have no names: those in /proc/kallsyms are hidden (sysctl "
				"kernel.kptr_restrict=1 shows them to root)");
	else if (r < 0)
		fl_say(FL_NOTE, "kernel addresses have no names: /proc/kallsyms: %s [%s]", strerror(-r),
		       fl_errno_name(-r));
}

/* 1 where --strict asks for more than was got. */
static int summarise(struct trace_job *s)
{
	_cleanup_buf_ struct fl_buf text = {};
	bool worse = trace_sum_up(s, &text);

	worse |= say_not_followed(s);
	say_nameless(s);
	if (fl_vm_release())
		fl_say(FL_NOTE, "this was a guest with Linux %s", fl_vm_release());
	say_waiting(s, true);

	if (!s->o->json || trace_is_recording(s->o)) {
		fl_buf_write_fd(&text, STDERR_FILENO);
	} else {
		trace_sum_up_json(s);
		if (trace_flush(s) < 0)
			return 1;
	}
	return s->o->strict && worse;
}

static int name_users(struct trace_job *s)
{
	s->usernames = fl_usernames_new();
	if (!s->usernames)
		return -ENOMEM;
	fl_symbols_name_users(s->symbols, (struct fl_user_namer){ .text = fl_usernames_text,
								  .build_id = fl_usernames_build_id,
								  .mapping = fl_usernames_mapping,
								  .ctx = s->usernames });
	return 0;
}

static int run(struct trace_job *s, const struct fl_args *args)
{
	const struct fl_tracing_loop loop = { .lines = s->o->lines, .duration_ns = s->o->duration,
					      .stop = &fl_stop_asked, .record = on_record, .idle = on_idle,
					      .ctx = s };
	int r = s->o->ustack ? name_users(s) : 0;

	if (r < 0)
		return r;
	r = trace_start_keep(s);
	if (r == 0)
		r = trace_start_listen(s);
	if (r < 0)
		return r;
	if (trace_is_recording(s->o))
		r = s->flight ? 0 : trace_begin_files(s);
	else if (s->o->json)
		fl_record_json_schema(fl_session_schemas(s->session), fl_clock_names[s->clock.id], &s->out);
	fl_tracing_begin(s->tracing);
	s->looked = fl_session_now(s->session);
	if (r == 0 && args->command)
		r = trace_command_start(s, args->command);
	if (r == 0)
		r = fl_tracing_run(s->tracing, &loop);
	trace_command_end(s);
	if (r == 0 && s->flight)
		r = trace_dump(s);
	else if (r == 0 && s->dat)
		r = trace_end_recording(s);
	if (r == 0)
		r = trace_print_hists(s);
	if (r == 0)
		r = trace_tell_rest(s);
	if (r == -EPIPE)
		return 0; /* the reader has seen enough */
	if (r < 0 && r != -ECANCELED)
		fl_say_failed(s->o->output ? s->o->output : "standard output", r);
	return r < 0 ? r : summarise(s);
}

int trace_live(struct trace_job *s, const struct fl_args *args)
{
	trace_raise_files(s);
	if (start(s) < 0)
		return FL_EXIT_FINDINGS;
	return trace_command_result(s, run(s, args) != 0);
}
