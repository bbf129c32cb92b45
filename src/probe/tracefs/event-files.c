/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of events/SYSTEM/EVENT, and those that are of more than one event. */
#include <errno.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/event/format.h"
#include "probe/tracefs/private.h"

#define MAX_FORMAT (1u << 20)

int tracefs_add_attrs(struct instance *in, struct fl_node *dir, const struct attr_row *rows, size_t n, void *data)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct fl_node *attr = instance_owns(in, fl_attr_new(&rows[i].ops, rows[i].mode, data));

		if (attr)
			attr->lasting = dir->lasting;
		r = fl_dir_add(dir, fl_str(rows[i].name), attr);
	}
	return r;
}

/* A file of the kernel's own directory, as it is. */
static int copy(const struct place *p, const char *name, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	int r;

	fl_buf_addf(&path, "%s/events/%s/%s/%s", fl_target_tracefs(p->in->fs->target), p->system, p->event, name);
	r = path.error ? path.error : fl_file_open(fl_buf_z(&path), MAX_FORMAT, &f);
	if (r == 0)
		fl_buf_add_str(out, fl_file_str(&f));
	return r;
}

static int format_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;
	const struct fl_probe_event *e = place_event(p);

	if (p->is_kernels)
		return copy(p, "format", out);
	if (!e)
		return -ENODEV;
	fl_format_print(e, p->id, out);
	return 0;
}

static int id_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	if (p->is_kernels)
		return copy(p, "id", out);
	fl_buf_addf(out, "%u\n", p->id);
	return 0;
}

/* ---- on and off ---- */

/* The tracer's own entries are formats and nothing else. */
bool is_place_enableable(const struct place *p)
{
	return !p->is_kernels || strcmp(p->system, "ftrace");
}

/* An event is switched on, or off; in both it goes on running as long as a trigger needs it. */
int place_enable(struct place *p, bool on)
{
	int r;

	if (p->wanted == on)
		return 0;
	tracefs_look_for_modules(p->in->fs);
	tracefs_drain(p->in, true);
	p->wanted = on;
	r = live_update(p);
	if (r < 0)
		p->wanted = false;
	p->in->nr_wanted += p->wanted;
	p->in->nr_wanted -= !on;
	return r;
}

static int enable_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	tracefs_drain(p->in, true); /* a trigger may have switched it */
	fl_buf_addf(out, "%d%s\n", p->wanted, p->switched_by || place_has_triggers(p) ? "*" : "");
	return 0;
}

static int enable_store(struct fl_node *attr, struct fl_str text)
{
	struct place *p = attr->data;
	bool on;
	int r = tracefs_switch(text, &on);

	if (r < 0)
		return r;
	return p->in->root ? place_enable(p, on) : -ENODEV;
}

static const struct attr_row event_attrs[] = {
	{ "enable", 0644, { enable_show, enable_store } },
	{ "filter", 0644, { filter_show, filter_store } },
	{ "format", 0444, { format_show } },
	{ "id", 0444, { id_show } },
};

/* ---- those of a system, and of all ---- */

static int set_all(struct instance *in, const char *system, struct fl_str text)
{
	_cleanup_buf_ struct fl_buf words = {};
	bool on;
	int r = tracefs_switch(text, &on);

	if (r < 0)
		return r;
	fl_buf_addf(&words, "%s%s:*", on ? "" : "!", system ? system : "*");
	return words.error ? words.error : tracefs_set_event(in, fl_buf_str(&words));
}

static int system_enable_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	fl_buf_addz(out, tracefs_state(p->in, p->system));
	return 0;
}

static int system_enable_store(struct fl_node *attr, struct fl_str text)
{
	const struct place *p = attr->data;

	return set_all(p->in, p->system, text);
}

static const struct attr_row system_attrs[] = {
	{ "enable", 0644, { system_enable_show, system_enable_store } },
	{ "filter", 0644, { system_filter_show, system_filter_store } },
};

int place_fill(struct place *p)
{
	int r;

	if (p->event) {
		r = tracefs_add_attrs(p->in, p->dir, event_attrs, FL_ARRAY_SIZE(event_attrs), p);
		return r < 0 ? r : tracefs_add_trigger_files(p);
	}
	return tracefs_add_attrs(p->in, p->dir, system_attrs, FL_ARRAY_SIZE(system_attrs), p);
}

static int all_enable_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, tracefs_state(attr->data, NULL));
	return 0;
}

static int all_enable_store(struct fl_node *attr, struct fl_str text)
{
	return set_all(attr->data, NULL, text);
}

int tracefs_add_enable(struct instance *in)
{
	static const struct attr_row row = { "enable", 0644, { all_enable_show, all_enable_store } };

	return tracefs_add_attrs(in, in->events_dir, &row, 1, in);
}
