/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot: a second buffer, with which the first one changes places. 0 takes it away, 1 takes a snapshot, anything
 * else empties it.
 */
#include <errno.h>
#include <unistd.h>

#include "base/num.h"
#include "probe/tracefs/private.h"

static int snapshot_show(struct fl_node *attr, struct fl_buf *out)
{
	struct instance *in = attr->data;

	tracefs_drain(in, true); /* a trigger may have taken one */
	if (in->has_snapshot && trace_buffer_count(&in->snapshot, TRACE_ALL_CPUS)) {
		trace_buffer_show(&in->snapshot, TRACE_ALL_CPUS, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), out);
		return 0;
	}
	fl_buf_addf(out, "# tracer: nop\n#\n#\n# * Snapshot is %s *\n#\n# Snapshot commands:\n",
		    in->has_snapshot ? "allocated" : "freed");
	fl_buf_addz(out, "# echo 0 > snapshot : gives the snapshot's memory back\n"
			 "# echo 1 > snapshot : takes a snapshot\n"
			 "# echo 2 > snapshot : empties the snapshot\n");
	return 0;
}

void snapshot_take(struct instance *in)
{
	struct trace_buffer now;

	now = in->buffer;
	in->buffer = in->snapshot;
	in->snapshot = now;
	in->buffer.off = now.off;
	trace_buffer_limit(&in->buffer, now.limit);
	in->has_snapshot = true;
}

static int snapshot_store(struct fl_node *attr, struct fl_str text)
{
	struct instance *in = attr->data;
	uint64_t v;
	int r = tracefs_number(text, 10, &v);

	if (r < 0)
		return r;
	if (!in->root)
		return -ENODEV;
	if (v == 1) {
		tracefs_drain(in, true);
		snapshot_take(in);
		return 0;
	}
	trace_buffer_clear(&in->snapshot);
	if (v == 0)
		in->has_snapshot = false;
	return 0;
}

int tracefs_add_snapshot(struct instance *in)
{
	static const struct attr_row row = { "snapshot", 0644, { snapshot_show, snapshot_store } };

	return tracefs_add_attrs(in, in->root, &row, 1, in);
}
