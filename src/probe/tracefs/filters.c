/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events/SYSTEM/EVENT/filter: which records are wanted. What is refused stands in error_log. */
#include <errno.h>
#include <stdlib.h>

#include "probe/event/format.h"
#include "probe/event/scope.h"
#include "probe/lang/command.h"
#include "probe/tracefs/private.h"

int filter_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	fl_buf_addf(out, "%s\n", p->filter ? p->filter : "none");
	return 0;
}

int place_format(const struct place *p, struct fl_arena *arena, const struct fl_format **ret)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_format *format;

	if (p->is_kernels)
		return fl_target_format(p->in->fs->target, fl_str(p->system), fl_str(p->event), ret);
	if (!place_event(p))
		return -ENODEV;
	fl_format_print(place_event(p), p->id, &text);
	format = FL_ARENA_NEW(arena, struct fl_format);
	*ret = format;
	return text.error || !format ? -ENOMEM
				     : fl_format_parse(fl_str(p->system), fl_buf_str(&text), arena, NULL, format);
}

static void log_refusal(struct tracefs *fs, struct fl_str text, const struct fl_diag *diag)
{
	if (diag->kind)
		tracefs_log(fs, &(struct fl_log_entry){ .kind = diag->kind,
							.message = diag->message,
							.subsystem = "event filter parse error",
							.command = text,
							.column = diag->column });
}

int place_parse_filter(const struct place *p, struct fl_str text, struct fl_filter *ret)
{
	_cleanup_arena_ struct fl_arena arena = {};
	struct fl_event_scope scope = { .target = p->in->fs->target };
	struct fl_filter_scope names;
	struct fl_diag diag = {};
	int r = place_format(p, &arena, &scope.format);

	if (r < 0)
		return r;
	names = fl_event_filter_scope(&scope);
	r = fl_filter_parse(text, &names, ret, &diag);
	if (r < 0)
		log_refusal(p->in->fs, text, &diag);
	fl_diag_fini(&diag);
	return r;
}

static int check(const struct place *p, struct fl_str text)
{
	_cleanup_filter_ struct fl_filter filter = {};

	return place_parse_filter(p, text, &filter);
}

/* An event that runs goes on with the filter that it has now. */
static int apply(struct place *p, struct fl_str text)
{
	char *filter = text.n ? fl_str_dup(text) : NULL;

	if (text.n && !filter)
		return -ENOMEM;
	tracefs_drain(p->in, true);
	free(p->filter);
	p->filter = filter;
	return p->is_running ? live_restart(p) : 0;
}

static int set(struct place *p, struct fl_str text)
{
	int r = 0;

	text = fl_str_trim(text);
	if (fl_str_is(text, "0"))
		text = FL_STR("");
	if (text.n)
		r = check(p, text);
	if (r < 0) /* as in the kernel, where what stood there is gone, too */
		apply(p, FL_STR(""));
	return r < 0 ? r : apply(p, text);
}

int filter_store(struct fl_node *attr, struct fl_str text)
{
	struct place *p = attr->data;

	return p->in->root ? set(p, text) : -ENODEV;
}

/* Of a system's events those that have the fields; at least one must. */
int system_filter_store(struct fl_node *attr, struct fl_str text)
{
	const struct place *system = attr->data;
	int r = tracefs_list_places(system->in, system->system), good = -EINVAL;

	for (struct place *p = system->in->places; p && r == 0; p = p->next)
		if (p->event && p->dir && strcmp(p->system, system->system) == 0 && set(p, text) == 0)
			good = 0;
	return r < 0 ? r : good;
}
