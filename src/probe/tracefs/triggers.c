/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/SYSTEM/EVENT/trigger: histograms; the kernel's other triggers are not served. On a system that runs nothing
 * counts them yet, and then a right one is refused, too: what is shown of files can be told without.
 */
#include <errno.h>

#include "probe/tracefs/private.h"

/* One of another kind may have a synthetic event's name. */
static const struct fl_probe_event *find_event(void *ctx, const char *system, const char *event, bool synth)
{
	const struct tracefs *fs = ctx;
	const struct fl_event_chain *c = fl_event_list_named(&fs->events, fl_str(system), fl_str(event));

	for (size_t i = 0; i < c->n; i++)
		if ((c->v[i]->kind == FL_PROBE_SYNTH) == synth)
			return c->v[i];
	return NULL;
}

void tracefs_prepare_triggers(struct instance *in)
{
	in->triggers.target = in->fs->target;
	in->triggers.find = find_event;
	in->triggers.ctx = in->fs;
	in->triggers.is_6 = !fl_dialects[in->fs->dialect].has_casts;
}

bool tracefs_triggers_hold(const struct tracefs *fs, const struct fl_probe_event *e)
{
	for (const struct instance *in = fs->instances; in; in = in->next)
		if (fl_triggers_hold(&in->triggers, e))
			return true;
	return false;
}

static int show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;
	size_t before = out->len;

	fl_triggers_show(&p->in->triggers, fl_str(p->system), fl_str(p->event), out);
	if (out->len == before)
		fl_buf_addz(out, "# Available triggers:\n# hist\n");
	return 0;
}

static int clear(struct fl_node *attr)
{
	const struct place *p = attr->data;

	fl_triggers_clear(&p->in->triggers, fl_str(p->system), fl_str(p->event));
	return 0;
}

static int store(struct fl_node *attr, struct fl_str text)
{
	_cleanup_trigger_log_ struct fl_trigger_log log = {};
	const struct place *p = attr->data;
	struct fl_trigger *made;
	int r = fl_triggers_write(&p->in->triggers, fl_str(p->system), fl_str(p->event), text, &log, &made);

	for (size_t i = 0; i < log.n; i++)
		tracefs_log(p->in->fs, &log.entry[i]);
	if (r == 0 && made && fl_target_is_live(p->in->fs->target)) {
		clear(attr);
		return -EOPNOTSUPP;
	}
	return r;
}

int tracefs_add_trigger_file(struct place *p)
{
	static const struct attr_row row = { "trigger", 0644, { show, store, clear } };

	return tracefs_add_attrs(p->in, p->dir, &row, 1, p);
}
