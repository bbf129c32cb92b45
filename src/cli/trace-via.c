/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace --via tracefs: the kernel's own tracer makes the lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/trace.h"
#include "probe/via/via.h"

static int on_line(void *ctx, struct fl_str line)
{
	struct session *s = ctx;

	if (s->o->lines && s->lines == s->o->lines)
		return -ECANCELED;
	fl_buf_add_str(&s->out, line);
	fl_buf_addc(&s->out, '\n');
	s->lines++;
	return s->o->lines && s->lines == s->o->lines ? -ECANCELED : 0;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int read_and_write(struct session *s, struct fl_via *via)
{
	int r = fl_via_read(via, on_line, s), w = fl_trace_flush(s);

	return w < 0 ? w : r;
}

static int loop(struct session *s, struct fl_via *via)
{
	struct timespec nap = { 0, 10000000 };
	uint64_t start = now();
	int r = 0;

	while (r == 0 && !fl_trace_stop_asked && !fl_trace_command_ended(s) &&
	       (!s->o->duration || now() - start < s->o->duration)) {
		nanosleep(&nap, NULL);
		r = read_and_write(s, via);
	}
	fl_via_stop(via);
	if (r == 0)
		r = read_and_write(s, via);
	return r == -ECANCELED ? 0 : r;
}

static int run(struct session *s, struct fl_via *via, const struct fl_args *args)
{
	uint64_t lost;
	int r = 0;

	if (args->command)
		r = fl_trace_command_start(s, args->command);
	if (r == 0)
		r = loop(s, via);
	fl_trace_command_end(s);
	if (r == -EPIPE)
		return FL_EXIT_DONE;
	if (r < 0) {
		fprintf(stderr, "foreland: error: %s\n", strerror(-r));
		return FL_EXIT_FINDINGS;
	}
	lost = fl_via_lost(via);
	fprintf(stderr, "tracefs: %lu lines, %lu lost\n", s->lines, lost);
	if (fl_trace_command_result(s))
		return FL_EXIT_FINDINGS;
	return s->o->strict && lost ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

int fl_trace_via_tracefs(struct session *s, const struct fl_args *args)
{
	struct fl_via_opts opts = { .pid = (uint32_t)s->o->pid, .comm = s->o->comm,
				    .boot_clock = s->o->clock && strcmp(s->o->clock, "boot") == 0 };
	_cleanup_via_ struct fl_via *via = NULL;
	struct fl_diag d = { .place = "definition" };
	int r = fl_via_new(s->target, &opts, &via);

	if (r < 0) {
		fprintf(stderr, "foreland: error: the kernel's tracer cannot be used: %s\n", strerror(-r));
		return FL_EXIT_FINDINGS;
	}
	for (size_t i = 0; i < s->nr_events && r == 0; i++)
		r = fl_via_add(via, s->events[i], s->filters[i]);
	if (r == 0)
		r = fl_via_start(via, &d);
	if (r < 0) {
		d.place = "definition";
		fl_trace_print_diag(&d);
	}
	fl_diag_fini(&d);
	return r < 0 ? FL_EXIT_FINDINGS : run(s, via, args);
}
