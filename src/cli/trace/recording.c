/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording of "foreland trace" from its beginning to its last name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/safe-write.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "cli/write.h"
#include "probe/export/file.h"

int trace_open_recording(struct trace_job *s)
{
	if (asprintf(&s->part, "%s.part", s->name) < 0) {
		s->part = NULL;
		return -ENOMEM;
	}
	s->fd = fl_write_stream(s->part);
	return s->fd < 0 ? s->fd : 0;
}

int trace_begin_recording(struct trace_job *s)
{
	int r = trace_open_recording(s);

	if (r < 0)
		return r;
	return fl_tracedat_new(s->fd, fl_session_schemas(s->session), s->target, trace_recorded_clock(s),
			       s->symbols, &s->dat);
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

int trace_end_recording(struct trace_job *s)
{
	_cleanup_buf_ struct fl_buf summary = {};

	trace_sum_up(s, &summary);
	return trace_finish_recording(s, fl_buf_str(&summary));
}
