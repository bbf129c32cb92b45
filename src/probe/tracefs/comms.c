/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * saved_cmdlines: the names of threads, for who reads records, which hold their numbers alone. As in the kernel a
 * new one may take the place of an old one.
 */
#include <string.h>

#include "probe/tracefs/private.h"

void comms_learn(struct tracefs *fs, uint32_t pid, struct fl_str comm)
{
	struct saved_comm *c = &fs->comms[pid % FL_ARRAY_SIZE(fs->comms)];
	size_t n = FL_MIN(comm.n, sizeof(c->name) - 1);

	if (!pid)
		return;
	c->pid = pid;
	memcpy(c->name, comm.p, n);
	c->name[n] = '\0';
}

static int comms_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	tracefs_drain((struct instance *)attr->data, true);
	for (size_t i = 0; i < FL_ARRAY_SIZE(in->fs->comms); i++)
		if (in->fs->comms[i].pid)
			fl_buf_addf(out, "%u %s\n", in->fs->comms[i].pid, in->fs->comms[i].name);
	return 0;
}

static int size_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	fl_buf_addf(out, "%zu\n", FL_ARRAY_SIZE(in->fs->comms));
	return 0;
}

int tracefs_add_comms(struct instance *top)
{
	static const struct attr_row rows[] = { { "saved_cmdlines", 0444, { comms_show } },
						{ "saved_cmdlines_size", 0444, { size_show } } };

	return tracefs_add_attrs(top, top->root, rows, FL_ARRAY_SIZE(rows), top);
}
