/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/write.h"

#include <errno.h>

#include "base/safe-write.h"
#include "cli/say.h"

static int said(const char *path, int r, struct fl_diag *diag)
{
	if (r >= 0)
		return r;
	diag->place = path;
	if (!fl_say_diag(diag))
		fl_say_failed(path, r);
	fl_diag_fini(diag);
	return -ECANCELED;
}

int fl_write_file(const char *path, const struct fl_buf *b)
{
	struct fl_diag diag = {};

	return said(path, b->error ? b->error : fl_out_write(path, b->data, b->len, &diag), &diag);
}

int fl_write_stream(const char *path)
{
	struct fl_diag diag = {};

	return said(path, fl_out_stream(path, &diag), &diag);
}
