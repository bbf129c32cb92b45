/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of a trace that goes on: the newest records in memory (--flight), written at the end, when
 * --until's record comes, or on SIGUSR1; or the newest files (--rotate). Files that are not the last one
 * have a number in front of their suffix: FILE-1.dat, FILE-2.dat.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/say.h"
#include "cli/trace/private.h"

volatile sig_atomic_t trace_dump_asked;

static void ask_dump(int sig)
{
	trace_dump_asked = 1;
}

/* "SIZE,N" */
static int parse_rotate(struct trace_job *s)
{
	struct fl_str text = fl_str(s->o->rotate);
	size_t comma = fl_str_find(text, ',', 0);

	if (fl_parse_size(fl_str_sub(text, 0, comma), &s->rotate_size) < 0 || !s->rotate_size || comma == text.n ||
	    fl_parse_u64(fl_str_from(text, comma + 1), 10, &s->rotate_keep) < 0 || !s->rotate_keep)
		return fl_say_usage("--rotate wants SIZE,N: how large a file becomes, and how many are kept");
	return 0;
}

int trace_check_keep(struct trace_job *s)
{
	const struct trace_opts *o = s->o;
	bool via = o->via && strcmp(o->via, "tracefs") == 0;

	s->name = o->output;
	if (o->compress && !(o->output && fl_str_ends(fl_str(o->output), ".dat")))
		return fl_say_usage("--compress is of -o FILE.dat: give that, too");
	if (!o->flight && !o->until && !o->rotate)
		return 0;
	if (via || o->hist.n)
		return fl_say_usage("--flight, --until and --rotate are for records of BPF programs: not with "
				    "--via tracefs or --hist");
	if (o->rotate && o->flight)
		return fl_say_usage("--rotate keeps files, --flight memory: give one of them");
	if (o->rotate && (!trace_is_recording(o) || o->vm))
		return fl_say_usage("--rotate needs -o FILE.dat or FILE.pftrace, and has no --vm");
	return o->rotate ? parse_rotate(s) : 0;
}

int trace_start_keep(struct trace_job *s)
{
	struct fl_record_schemas events = fl_session_schemas(s->session);
	struct fl_diag d = {};
	int r = 0;

	if (s->o->until)
		r = fl_until_new(s->target, events, fl_str(s->o->until), &s->until, &d);
	if (r < 0) {
		d.place = "--until";
		if (!fl_say_diag(&d))
			fl_say_failed("--until", r);
		r = -ECANCELED;
	}
	fl_diag_fini(&d);
	if (r == 0 && s->o->flight) {
		r = fl_flight_new(s->o->flight, events.n, &s->flight);
		signal(SIGUSR1, ask_dump);
	}
	return r;
}

void trace_end_keep(struct trace_job *s)
{
	fl_flight_free(s->flight);
	fl_until_free(s->until);
	free(s->piece);
}

/* The name of file @n of several, of -o's name: FILE-N.dat. NULL without memory. */
static char *piece_name(const struct trace_job *s, uint64_t n)
{
	const char *dot = strrchr(s->o->output, '.');
	char *name;

	if (asprintf(&name, "%.*s-%lu%s", (int)(dot - s->o->output), s->o->output, n, dot) < 0)
		return NULL;
	return name;
}

/* What is recorded from now on goes to the next file. */
static int name_next(struct trace_job *s)
{
	free(s->piece);
	s->piece = piece_name(s, s->pieces + 1);
	if (!s->piece)
		return -ENOMEM;
	s->pieces++;
	s->name = s->piece;
	return 0;
}

int trace_begin_files(struct trace_job *s)
{
	int r = s->rotate_size ? name_next(s) : 0;

	return r < 0 ? r : trace_begin_recording(s);
}

static int remove_oldest(struct trace_job *s)
{
	_cleanup_free_ char *name = NULL;

	if (s->pieces <= s->rotate_keep)
		return 0;
	name = piece_name(s, s->pieces - s->rotate_keep);
	if (!name)
		return -ENOMEM;
	if (unlink(name) < 0)
		fl_say_failed(name, -errno);
	return 0;
}

int trace_rotate(struct trace_job *s)
{
	int r;

	if (!s->rotate_size || fl_tracedat_size(s->dat) < s->rotate_size)
		return 0;
	r = trace_end_recording(s);
	if (r == 0)
		r = name_next(s);
	if (r == 0)
		r = remove_oldest(s);
	return r < 0 ? r : trace_begin_recording(s);
}

static int put(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	return trace_put_record(ctx, cpu, rec, size);
}

int trace_dump(struct trace_job *s)
{
	bool is_file = trace_is_recording(s->o);
	int r = is_file ? trace_begin_recording(s) : 0;

	if (r == 0)
		r = fl_flight_drain(s->flight, put, s);
	if (r == 0)
		r = is_file ? trace_end_recording(s) : trace_flush(s);
	return r;
}

/* By SIGUSR1, or by a histogram's snapshot(). */
static bool is_asked_for(struct trace_job *s)
{
	uint64_t taken = s->flight ? fl_session_snapshots(s->session) : 0;
	bool asked = trace_dump_asked || taken > s->snapshots;

	trace_dump_asked = 0;
	s->snapshots = taken;
	return asked;
}

/* A dump while the trace goes on: another file than the last one's. */
int trace_dump_asked_for(struct trace_job *s)
{
	int r = 0;

	if (!is_asked_for(s))
		return 0;
	if (trace_is_recording(s->o))
		r = name_next(s);
	if (r == 0)
		r = trace_dump(s);
	s->name = s->o->output;
	return r;
}
