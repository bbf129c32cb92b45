/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/bundle.h"

#include <errno.h>

#include "cli/say.h"

#define BUNDLE_MAX ((size_t)1 << 30)

int fl_cli_bundle_open(const char *path, struct cli_bundle *ret)
{
	struct cli_bundle c = { .path = path };
	int r = fl_file_open(path, BUNDLE_MAX, &c.file);

	if (r < 0) {
		fl_say_failed(path, r);
		return r;
	}
	r = fl_bundle_read(fl_file_str(&c.file), &c.b);
	if (r == -EINVAL)
		fl_say_line("%s: error: this is no bundle of 'foreland probe bundle', or it is cut off", path);
	else if (r < 0)
		fl_say_failed(path, r);
	if (r < 0)
		fl_file_close(&c.file);
	else
		*ret = c;
	return r;
}

void fl_cli_bundle_close(struct cli_bundle *c)
{
	if (!c->b)
		return;
	fl_bundle_free(c->b);
	fl_file_close(&c->file);
	c->b = NULL;
}

static void say_covered(const struct cli_bundle *c)
{
	_cleanup_buf_ struct fl_buf here = {};
	struct fl_kernel_id id;

	fl_kernel_id_running(&id);
	fl_kernel_id_print(&id, &here);
	fl_say_line("%s: error: this kernel, %s, has no types of its own and is not covered", c->path, fl_buf_z(&here));
	for (size_t i = 0; i < fl_bundle_nr_kernels(c->b); i++) {
		_cleanup_buf_ struct fl_buf one = {};

		fl_kernel_id_print(&fl_bundle_kernel(c->b, i)->id, &one);
		fl_say_line("%s: note: covered: %s", c->path, fl_buf_z(&one));
	}
}

int fl_cli_bundle_lend(const struct cli_bundle *c, struct fl_target *t)
{
	struct fl_diag d = {};
	int r = fl_bundle_lend(c->b, t, &d);

	if (r == -ENOENT)
		say_covered(c);
	else if (r < 0 && !fl_say_diag(&d))
		fl_say_failed(c->path, r);
	else if (r == 1)
		fl_say(FL_NOTE, "this kernel has types of its own: those of %s are not needed", c->path);
	fl_diag_fini(&d);
	return r < 0 ? r : 0;
}
