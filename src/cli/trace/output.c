/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where lines and recordings of "foreland trace" go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/trace/private.h"
#include "cli/write.h"

bool trace_is_recording(const struct trace_opts *o)
{
	return o->output && fl_str_ends(fl_str(o->output), ".dat");
}

bool trace_boot_clock(const struct trace_opts *o)
{
	return o->clock && strcmp(o->clock, "boot") == 0;
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

int trace_open_output(struct trace_job *s)
{
	s->fd = STDOUT_FILENO;
	return !s->o->output || trace_is_recording(s->o) ? 0 : trace_open_file(s);
}
