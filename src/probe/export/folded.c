/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "comm;outermost;...;innermost COUNT": what flamegraph.pl, inferno and speedscope read. */
#include <stdlib.h>

#include "probe/export/private.h"
#include "probe/export/stacks.h"

static int finish(void *form, struct fl_buf *out)
{
	struct fl_stacks *s = form;
	int r = fl_stacks_end(s);

	fl_map_for_each (e, &s->counts) {
		for (size_t i = 0; i < e->key.n; i++) /* a line break would begin another stack */
			fl_buf_addc(out, (unsigned char)e->key.p[i] < ' ' ? '?' : e->key.p[i]);
		fl_buf_addf(out, " %llu\n", (unsigned long long)e->num);
	}
	return r;
}

static uint64_t left_out(const void *form)
{
	const struct fl_stacks *s = form;

	return s->counts.count || s->waits
		       ? 0
		       : s->others; /* events have stacks behind them, or there are none */
}

const struct fl_form fl_form_folded = {
	.name = "folded",
	.create = fl_stacks_create,
	.destroy = fl_stacks_destroy,
	.record = fl_stacks_record,
	.finish = finish,
	.left_out = left_out,
};
