/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/export/file.h"

#include <errno.h>

#include "probe/export/export.h"
#include "probe/tracedat/recording.h"

static int convert(const char *from, struct fl_dat_convert how, int fd, struct fl_findings *ret)
{
	struct fl_datfile d;
	int r = fl_datfile_open(from, &d);

	if (r == 0)
		r = fl_dat_convert(&d, how, fd);
	*ret = d.findings;
	d.findings = (struct fl_findings){};
	fl_datfile_close(&d);
	return r;
}

static int write_records(struct fl_recording *rec, struct fl_export *e, int fd)
{
	_cleanup_buf_ struct fl_buf out = {};
	const struct fl_recorded *one;
	int r, w = 0;

	while (w == 0 && (r = fl_recording_next(rec, &one)) > 0) {
		w = fl_export_record(e, one, &out);
		if (w == 0 && out.len > 1u << 16) {
			w = fl_buf_write_fd(&out, fd);
			fl_buf_reset(&out);
		}
	}
	if (w == 0)
		w = r < 0 ? r : fl_export_finish(e, &out);
	return w == 0 ? fl_buf_write_fd(&out, fd) : w;
}

int fl_export_file(const char *from, const char *form, struct fl_dat_convert how, int fd,
		   struct fl_findings *ret)
{
	_cleanup_recording_ struct fl_recording *rec = NULL;
	_cleanup_export_ struct fl_export *e = NULL;
	const struct fl_diag *d;
	int r;

	*ret = (struct fl_findings){};
	if (!form)
		return convert(from, how, fd, ret);
	rec = fl_recording_new();
	r = rec ? fl_recording_add(rec, from) : -ENOMEM;
	if (r == 0)
		r = fl_recording_start(rec);
	if (r == 0)
		r = fl_export_new(form, (struct fl_export_opts){}, &e);
	if (r == 0)
		r = write_records(rec, e, fd);
	while (rec && (d = fl_recording_finding(rec)))
		fl_findings_copy(ret, d, from);
	return r;
}
