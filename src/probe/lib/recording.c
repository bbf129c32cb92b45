/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <foreland/probe.h>: recordings. */
#include <errno.h>

#include "base/buf.h"
#include "probe/lib/private.h"
#include "probe/tracedat/recording.h"

static void tell_findings(struct fl_recording *r, const struct fl_recording_loop *loop)
{
	const struct fl_diag *d;

	while ((d = fl_recording_finding(r)))
		if (loop->finding)
			loop->finding(loop->ctx, d);
}

static int hand_out_lines(struct fl_recording *r, const struct fl_recording_loop *loop)
{
	_cleanup_recorded_lines_ struct fl_recorded_lines lines = {};
	_cleanup_buf_ struct fl_buf out = {};
	const struct fl_recorded *rec;
	int n, err = 0;

	while (err == 0 && (n = fl_recording_next(r, &rec)) > 0) {
		fl_buf_reset(&out);
		if (loop->json)
			fl_recorded_json(rec, &out);
		else
			fl_recorded_text(&lines, rec, &out);
		tell_findings(r, loop);
		err = out.error ? out.error : loop->line(loop->ctx, fl_buf_z(&out), out.len);
	}
	tell_findings(r, loop);
	return err ? err : n;
}

int fl_recording_each(const char *path, const struct fl_recording_loop *loop)
{
	struct fl_recording *r = fl_recording_new();
	int err;

	if (!r)
		return -ENOMEM;
	err = fl_recording_add(r, path);
	if (err == 0)
		err = fl_recording_start(r);
	tell_findings(r, loop);
	if (err == 0)
		err = hand_out_lines(r, loop);
	fl_recording_free(r);
	return err < 0 ? err : 0;
}
