/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/SYSTEM/EVENT/trigger and hist. Histograms are counted here, of records in the order of their times
 * (probe/count), so that those of the kernel's events, of synthetic ones and of trace_marker know of each other.
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
	in->triggers.clear_counted = fl_count_clear;
}

bool tracefs_triggers_hold(const struct tracefs *fs, const struct fl_probe_event *e)
{
	for (struct instance *in = fs->instances; in; in = in->next) {
		const struct place *p = place_named(in, e->group, e->event);

		if (fl_triggers_hold(&in->triggers, e) || (p && (p->commands || p->switched_by)))
			return true;
	}
	return false;
}

static int trigger_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;
	size_t before = out->len;

	tracefs_drain(p->in, true);
	commands_show(p, out);
	fl_triggers_show(&p->in->triggers, fl_str(p->system), fl_str(p->event), out);
	if (out->len == before)
		fl_buf_addz(out, "# Available triggers:\n# traceon traceoff snapshot stacktrace enable_event "
				 "disable_event enable_hist disable_hist hist\n");
	return 0;
}

/* One line makes and removes histograms of other events, too. */
static int update_all(struct instance *in)
{
	int r = 0;

	for (struct fl_trigger_event *e = in->triggers.events; e && r == 0; e = e->next) {
		struct place *p = place_named(in, fl_str(e->system), fl_str(e->event));

		if (!p)
			return -ENOMEM;
		p->hists = e;
		if (!e->n && !p->is_running) /* the event may be gone */
			continue;
		if (!p->dir && !place_event(p)) /* nobody has looked there yet */
			p->is_kernels = true;
		r = live_update(p);
	}
	return r;
}

static int trigger_clear(struct fl_node *attr)
{
	const struct place *p = attr->data;

	tracefs_drain(p->in, true);
	fl_triggers_clear(&p->in->triggers, fl_str(p->system), fl_str(p->event));
	update_all(p->in);
	return 0;
}

static int write_hist(struct place *p, struct fl_str text)
{
	_cleanup_trigger_log_ struct fl_trigger_log log = {};
	struct fl_trigger *made;
	int r = fl_triggers_write(&p->in->triggers, fl_str(p->system), fl_str(p->event), text, &log, &made), started;

	for (size_t i = 0; i < log.n; i++)
		tracefs_log(p->in, &log.entry[i]);
	started = update_all(p->in);
	if (r == 0 && started < 0 && made)
		fl_triggers_clear(&p->in->triggers, fl_str(p->system), fl_str(p->event));
	return r < 0 ? r : started;
}

static int trigger_store(struct fl_node *attr, struct fl_str text)
{
	struct place *p = attr->data;
	int r;

	if (!p->in->root)
		return -ENODEV;
	tracefs_drain(p->in, true);
	r = command_write(p, text);
	return r == -ENOENT ? write_hist(p, text) : r;
}

/* ---- what was counted ---- */

static int hist_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	tracefs_drain(p->in, true);
	return p->hists ? fl_count_show(p->hists, p->in->fs->symbols, out) : 0;
}

static uint64_t hist_version(struct fl_node *attr)
{
	const struct place *p = attr->data;

	tracefs_drain(p->in, false);
	return p->hists ? fl_count_hits(p->hists) : 0;
}

int tracefs_add_trigger_files(struct place *p)
{
	static const struct attr_row rows[] = {
		{ "trigger", 0644, { trigger_show, trigger_store, trigger_clear } },
		{ "hist", 0444, { .show = hist_show, .version = hist_version } },
	};

	return tracefs_add_attrs(p->in, p->dir, rows, FL_ARRAY_SIZE(rows), p);
}
