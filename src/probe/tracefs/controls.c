/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files beside the events: switches, the trace itself, and what tells of the tracer. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/tracefs/private.h"

/* ---- one word ---- */

int tracefs_number(struct fl_str text, unsigned int base, uint64_t *ret)
{
	text = fl_str_sub(text, 0, fl_str_find(text, '\0', 0));
	if (fl_str_ends(text, "\n"))
		text.n--;
	if (fl_str_starts(text, "+"))
		text = fl_str_from(text, 1);
	return fl_parse_u64(text, base, ret);
}

int tracefs_switch(struct fl_str text, bool *ret)
{
	uint64_t v;
	int r = tracefs_number(text, 10, &v);

	if (r < 0)
		return r;
	if (v > 1)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int tracers_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, "nop\n");
	return 0;
}

/* Events need no tracer. */
static int tracer_store(struct fl_node *attr, struct fl_str text)
{
	return fl_str_is(fl_str_trim(text), "nop") ? 0 : -EINVAL;
}

static int on_show(struct fl_node *attr, struct fl_buf *out)
{
	struct instance *in = attr->data;

	tracefs_drain(in, true); /* a trigger may have switched it */
	fl_buf_addz(out, in->buffer.off ? "0\n" : "1\n");
	return 0;
}

/* What came before a change is judged by what stood before it. */
static int on_store(struct fl_node *attr, struct fl_str text)
{
	struct instance *in = attr->data;
	uint64_t v;
	int r = tracefs_number(text, 10, &v);

	if (r < 0)
		return r;
	tracefs_drain(in, true);
	in->buffer.off = v == 0;
	return 0;
}

/* ---- events in one file ---- */

static int set_event_show(struct fl_node *attr, struct fl_buf *out)
{
	tracefs_show_enabled(attr->data, out);
	return 0;
}

static int set_event_store(struct fl_node *attr, struct fl_str text)
{
	struct fl_str word;
	int r = 0;

	while (r == 0 && fl_str_word(&text, &word))
		r = tracefs_set_event(attr->data, word);
	return r;
}

static int set_event_clear(struct fl_node *attr)
{
	tracefs_set_event(attr->data, FL_STR("!*:*"));
	return 0;
}

static int functions_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	tracefs_enabled_functions(in->fs, out);
	return 0;
}

static int profile(struct tracefs *fs, enum fl_probe_kind kind, struct fl_buf *out)
{
	for (size_t i = 0; i < fs->events.n; i++) {
		const struct fl_probe_event *e = fs->events.events[i];
		uint64_t hits, missed;

		if (e->kind != kind)
			continue;
		tracefs_profile(fs, e, &hits, &missed);
		if (kind == FL_PROBE_UPROBE)
			fl_buf_addf(out, "  %.*s %-44.*s %15" PRIu64 "\n", FL_STR_ARG(e->place.path),
				    FL_STR_ARG(e->event), hits);
		else
			fl_buf_addf(out, "  %-44.*s %15" PRIu64 " %15" PRIu64 "\n", FL_STR_ARG(e->event), hits,
				    missed);
	}
	return out->error;
}

static int kprobe_profile_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	return profile(in->fs, FL_PROBE_KPROBE, out);
}

static int uprobe_profile_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;

	return profile(in->fs, FL_PROBE_UPROBE, out);
}

static const struct attr_row attrs[] = {
	{ "available_tracers", 0444, { tracers_show } },
	{ "current_tracer", 0644, { tracers_show, tracer_store } },
	{ "tracing_on", 0644, { on_show, on_store } },
	{ "set_event", 0644, { set_event_show, set_event_store, set_event_clear } },
};

/* Of the whole system. */
static const struct attr_row top_attrs[] = {
	{ "enabled_functions", 0444, { functions_show } },
	{ "kprobe_profile", 0444, { kprobe_profile_show } },
	{ "uprobe_profile", 0444, { uprobe_profile_show } },
};

/* ---- the kernel's list of functions, which tools read before they probe one ---- */

#define FUNCTIONS     "available_filter_functions"
#define MAX_FUNCTIONS (64u << 20)

static int path_of_functions(const struct tracefs *fs, struct fl_buf *out)
{
	const char *tracefs = fl_target_is_live(fs->target) ? fl_target_tracefs(fs->target) : NULL;

	if (!tracefs)
		return -ENOENT;
	fl_buf_addf(out, "%s/" FUNCTIONS, tracefs);
	return out->error;
}

static int filter_functions_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct instance *in = attr->data;
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	int r = path_of_functions(in->fs, &path);

	if (r == 0)
		r = fl_file_open(fl_buf_z(&path), MAX_FUNCTIONS, &f);
	if (r == 0)
		fl_buf_add_str(out, fl_file_str(&f));
	return r;
}

/* A kernel without the function tracer has none, and one that is locked down opens none. */
int tracefs_add_functions(struct instance *in)
{
	static const struct attr_row row = { FUNCTIONS, 0444, { filter_functions_show } };
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_close_ int fd = -1;

	if (fl_dir_find(in->root, FL_STR(FUNCTIONS)) || path_of_functions(in->fs, &path) < 0)
		return 0;
	fd = open(fl_buf_z(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	return tracefs_add_attrs(in, in->root, &row, 1, in);
}

int tracefs_add_controls(struct instance *in)
{
	int r = tracefs_add_attrs(in, in->root, attrs, FL_ARRAY_SIZE(attrs), in);

	if (r == 0 && !in->fs->top)
		r = tracefs_add_attrs(in, in->root, top_attrs, FL_ARRAY_SIZE(top_attrs), in);
	if (r == 0 && !in->fs->top)
		r = tracefs_add_comms(in);
	if (r == 0 && !in->fs->top)
		r = tracefs_add_functions(in);
	if (r == 0)
		r = tracefs_add_views(in);
	if (r == 0)
		r = tracefs_add_markers(in);
	if (r == 0)
		r = tracefs_add_snapshot(in);
	if (r == 0)
		r = tracefs_add_clock(in);
	return r < 0 ? r : tracefs_add_cpus(in);
}
