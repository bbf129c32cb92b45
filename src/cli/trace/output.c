/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where lines and recordings of "foreland trace" go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/safe-write.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/trace/private.h"
#include "cli/write.h"
#include "probe/export/file.h"
#include "probe/output/json.h"

bool trace_is_recording(const struct trace_opts *o)
{
	return o->output && (fl_str_ends(fl_str(o->output), ".dat") || fl_str_ends(fl_str(o->output), ".pftrace"));
}

int trace_open_clock(struct trace_job *s)
{
	int r = fl_clock_open(s->o->clock, &s->clock);

	if (r < 0)
		fl_say_failed("--clock", r);
	return r < 0 ? -ECANCELED : 0;
}

void trace_close_clock(struct trace_job *s)
{
	if (s->clock.stepped)
		fl_say(FL_WARNING, "the clock '%s' was set by %+.6f s while this trace ran",
		       fl_clock_names[s->clock.id], (double)s->clock.stepped / 1e9);
	fl_clock_close(&s->clock);
}

static bool is_dated(const struct trace_job *s)
{
	return trace_is_recording(s->o) && s->clock.id == FL_CLOCK_WALL;
}

int64_t trace_time_shift(const struct trace_job *s)
{
	return is_dated(s) ? 0 : s->clock.shift;
}

struct fl_dat_clock trace_recorded_clock(const struct trace_job *s)
{
	if (is_dated(s))
		return (struct fl_dat_clock){ fl_str(fl_clock_names[FL_CLOCK_MONO]), s->clock.shift };
	return (struct fl_dat_clock){ .name = fl_str(fl_clock_names[s->clock.id]) };
}

int trace_flush(struct trace_job *s)
{
	int r = s->out.error ? s->out.error : fl_buf_write_fd(&s->out, s->fd);

	fl_buf_reset(&s->out);
	return r;
}

int trace_open_file(struct trace_job *s)
{
	int fd = fl_write_stream(s->o->output);

	if (fd < 0)
		return fd;
	s->fd = fd;
	return 0;
}

int trace_open_recording(struct trace_job *s)
{
	if (asprintf(&s->part, "%s.part", s->name) < 0) {
		s->part = NULL;
		return -ENOMEM;
	}
	s->fd = fl_write_stream(s->part);
	return s->fd < 0 ? s->fd : 0;
}

/* What could not be taken over is said; true where there was something. */
static bool say_findings(struct fl_findings *f)
{
	bool any = f->n;

	for (size_t i = 0; i < f->n; i++)
		fl_say_diag(&f->list[i]);
	fl_findings_fini(f);
	return any;
}

static int convert_recording(struct trace_job *s)
{
	_cleanup_out_ struct fl_out out = FL_OUT_NONE;
	bool compress = s->o->compress, perfetto = fl_str_ends(fl_str(s->name), ".pftrace");
	struct fl_dat_convert how = { compress ? 7 : 6, compress ? FL_PACKING_ZSTD : FL_PACKING_NONE };
	struct fl_findings findings = {};
	struct fl_diag d = {};
	int r = fl_out_open(s->name, &out, &d);

	if (r < 0) {
		if (!fl_say_diag(&d))
			fl_say_failed(s->name, r);
		fl_diag_fini(&d);
		return -ECANCELED;
	}
	r = fl_export_file(s->part, perfetto ? "perfetto" : NULL, how, out.fd, &findings);
	if (say_findings(&findings) && r == 0)
		r = -EIO;
	if (r == 0)
		r = fl_out_commit(&out);
	if (r < 0)
		fl_say_failed(s->name, r);
	return r < 0 ? -ECANCELED : 0;
}

static void close_recording(struct trace_job *s)
{
	fl_tracedat_free(s->dat);
	s->dat = NULL;
	close(s->fd);
	s->fd = -1;
	free(s->part);
	s->part = NULL;
}

int trace_finish_recording(struct trace_job *s, struct fl_str summary)
{
	int r = fl_tracedat_finish(s->dat, summary);

	if (r < 0) {
		fl_say_failed(s->part, r);
		return -ECANCELED;
	}
	r = convert_recording(s);
	if (r < 0)
		fl_say_help("what was recorded is in %s: 'foreland report %s -o FILE.dat'", s->part, s->part);
	else if (unlink(s->part) < 0)
		fl_say_failed(s->part, -errno);
	close_recording(s);
	return r;
}

int trace_open_output(struct trace_job *s)
{
	s->fd = STDOUT_FILENO;
	return !s->o->output || trace_is_recording(s->o) ? 0 : trace_open_file(s);
}

int trace_check_reopen(const struct trace_opts *o)
{
	if (!o->reopen || (o->output && !trace_is_recording(o) && !o->vm && !o->via))
		return 0;
	return fl_say_usage("--reopen is for lines in -o FILE: a recording has --rotate, and --vm and --via have "
			    "neither");
}

/* The old file is still called so, or cannot be looked at: opened anew, its lines would be lost. */
static bool is_in_its_place(const struct trace_job *s)
{
	struct stat named, ours;

	if (stat(s->o->output, &named) < 0)
		return errno != ENOENT;
	return fstat(s->fd, &ours) < 0 || (named.st_dev == ours.st_dev && named.st_ino == ours.st_ino);
}

int trace_reopen_asked_for(struct trace_job *s)
{
	int old = s->fd, r;

	if (!fl_reopen_asked)
		return 0;
	fl_reopen_asked = 0;
	r = trace_flush(s);
	if (r < 0 || is_in_its_place(s))
		return r;
	if (trace_open_file(s) < 0) {
		fl_say(FL_WARNING, "what comes goes on into the file that was '%s'", s->o->output);
		return 0;
	}
	close(old);
	if (s->o->json)
		fl_record_json_schema(fl_session_schemas(s->session), fl_clock_names[s->clock.id], &s->out);
	return 0;
}
