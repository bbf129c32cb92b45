/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/listen.h"

#include <errno.h>

#include "base/opt.h"
#include "cli/say.h"

int fl_listen_begin(const char *where, fl_listen_fn fn, void *ctx, struct fl_listen **ret)
{
	_cleanup_buf_ struct fl_buf why = {};
	int r = fl_listen_open(where, fn, ctx, ret, &why);

	if (r == -EINVAL)
		return fl_say_usage("--listen %s: %s", where, fl_buf_z(&why));
	if (r < 0 && why.len)
		fl_say(FL_ERROR, "--listen: %s", fl_buf_z(&why));
	else if (r < 0)
		fl_say_failed(where, r);
	if (r < 0)
		return FL_EXIT_FINDINGS;
	fl_say(FL_NOTE, "metrics are at http://%s/metrics", fl_listen_place(*ret));
	return FL_EXIT_DONE;
}
