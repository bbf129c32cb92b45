/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace_clock: what BPF programs can ask for. "local" is monotonic here, too. As in the kernel, a change empties the
 * trace: its times mean something else from then on.
 */
#include <errno.h>

#include "base/num.h"
#include "probe/tracefs/private.h"

static const struct {
	const char *name;
	bool boot;
} clocks[] = { { "local", false }, { "mono", false }, { "boot", true } };

static int clock_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	for (size_t i = 0; i < FL_ARRAY_SIZE(clocks); i++)
		fl_buf_addf(out, i == in->clock ? "%s[%s]" : "%s%s", i ? " " : "", clocks[i].name);
	fl_buf_addc(out, '\n');
	return 0;
}

/* Programs have their clock compiled in. */
static int restart(struct instance *in)
{
	int r = 0;

	for (struct place *p = in->places; p && r == 0; p = p->next)
		if (p->is_running)
			r = live_restart(p);
	return r;
}

static int clock_store(struct fl_node *attr, struct fl_str text)
{
	struct instance *in = attr->data;
	size_t i = 0;
	bool same;

	while (i < FL_ARRAY_SIZE(clocks) && !fl_str_is(fl_str_trim(text), clocks[i].name))
		i++;
	if (i == FL_ARRAY_SIZE(clocks))
		return -EINVAL;
	same = in->boot_clock == clocks[i].boot;
	in->clock = (unsigned int)i;
	if (same)
		return 0;
	tracefs_drain(in, true);
	trace_buffer_clear(&in->buffer);
	in->boot_clock = clocks[i].boot;
	return restart(in);
}

int tracefs_add_clock(struct instance *in)
{
	static const struct attr_row row = { "trace_clock", 0644, { clock_show, clock_store } };

	return tracefs_add_attrs(in, in->root, &row, 1, in);
}
