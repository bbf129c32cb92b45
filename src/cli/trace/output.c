/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the lines of "foreland trace" go. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/say.h"
#include "cli/stop.h"
#include "cli/trace/private.h"
#include "cli/write.h"
#include "probe/output/json.h"

int trace_flush(struct trace_job *s)
{
	int r = s->out.error ? s->out.error : fl_buf_write_fd(&s->out, s->fd);

	fl_buf_reset(&s->out);
	return r;
}

int trace_put_record(struct trace_job *s, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	if (s->dat)
		return fl_tracedat_record(s->dat, cpu, rec, size);
	fl_tracing_show(s->tracing, s->o->json, cpu, rec, size, &s->out);
	return s->out.len > 1u << 16 ? trace_flush(s) : 0;
}

int trace_open_file(struct trace_job *s)
{
	int fd = fl_write_stream(s->o->output);

	if (fd < 0)
		return fd;
	s->fd = fd;
	return 0;
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
