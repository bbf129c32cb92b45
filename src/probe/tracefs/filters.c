/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events/SYSTEM/EVENT/filter: which records are wanted. What is refused stands in error_log. */
#include <errno.h>
#include <stdlib.h>

#include "probe/event/format.h"
#include "probe/event/scope.h"
#include "probe/filter/errors.h"
#include "probe/lang/command.h"
#include "probe/tracefs/private.h"

#define FILTER_MAX 4096u

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

/* An entry of error_log, and what stands in the filter's own file until another one is written. */
static int refuse(struct place *p, struct fl_str text, const struct fl_diag_kind *kind, uint32_t column)
{
	_cleanup_buf_ struct fl_buf shown = {};
	int caret = (int)FL_MIN((size_t)column, text.n);

	tracefs_log(p->in, &(struct fl_log_entry){ .kind = kind, .subsystem = "event filter parse error",
						   .command = text, .column = column });
	fl_buf_add_str(&shown, text);
	if (kind == &fl_filter_errors[FL_FILTER_ERRNO])
		fl_buf_addz(&shown, "\nError: (0)\n");
	else
		fl_buf_addf(&shown, "\n%*s\nparse_error: %s\n", caret ? caret + 1 : 0, "^", kind->message);
	free(p->refused);
	p->refused = fl_buf_take(&shown);
	return p->refused ? 0 : -ENOMEM;
}

static int parse(const struct place *p, struct fl_str text, struct fl_filter *ret, struct fl_diag *diag)
{
	_cleanup_arena_ struct fl_arena arena = {};
	struct fl_event_scope scope = { .target = p->in->fs->target };
	struct fl_filter_scope names;
	int r = place_format(p, &arena, &scope.format);

	if (r < 0)
		return r;
	names = fl_event_filter_scope(&scope);
	return fl_filter_parse(text, &names, ret, diag);
}

int place_parse_filter(const struct place *p, struct fl_str text, struct fl_filter *ret)
{
	struct fl_diag diag = {};
	int r = parse(p, text, ret, &diag);

	if (r < 0 && diag.kind)
		tracefs_log(p->in, &(struct fl_log_entry){ .kind = diag.kind, .message = diag.message,
							   .subsystem = "event filter parse error",
							   .command = text, .column = diag.column });
	fl_diag_fini(&diag);
	return r;
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

/*
 * What is refused takes away what stood there, as in the kernel: the event has no filter then. @of_system: it was
 * written for all events of a system, and the reason of one is not told.
 */
static int set(struct place *p, struct fl_str text, bool of_system)
{
	const struct fl_diag_kind *system = &fl_filter_errors[FL_FILTER_BAD_SUBSYS_FILTER];
	_cleanup_filter_ struct fl_filter filter = {};
	struct fl_diag diag = {};
	bool none = fl_str_is(text, "0");
	int r = none ? 0 : text.n ? parse(p, text, &filter, &diag)
				  : fl_diag_set(&diag, &fl_filter_errors[FL_FILTER_ERRNO], (struct fl_span){ 0, 0 });

	if (r < 0 && !text.n)
		r = -EINVAL;
	free(p->refused);
	p->refused = NULL;
	if (r < 0 && diag.kind)
		refuse(p, text, of_system ? system : diag.kind, of_system ? 0 : diag.column);
	fl_diag_fini(&diag);
	if (r < 0)
		apply(p, FL_STR(""));
	return r < 0 ? r : apply(p, none ? FL_STR("") : text);
}

int filter_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct place *p = attr->data;

	fl_buf_addf(out, "%s\n", p->refused ? p->refused : p->filter ? p->filter : "none");
	return 0;
}

int filter_store(struct fl_node *attr, struct fl_str text)
{
	struct place *p = attr->data;

	if (!p->in->root)
		return -ENODEV;
	return text.n < FILTER_MAX ? set(p, fl_str_trim(text), false) : -EINVAL;
}

/* ---- of a system ---- */

int system_filter_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, "### global filter ###\n"
			 "# Use this to set filters for multiple events.\n"
			 "# Only events with the given fields will be affected.\n"
			 "# If no events are modified, an error message will be displayed here\n");
	return 0;
}

/* Each event that has the fields takes it; what the others say of it stands in their own files. */
int system_filter_store(struct fl_node *attr, struct fl_str text)
{
	const struct place *system = attr->data;
	int r = tracefs_list_places(system->in, system->system);

	if (text.n >= FILTER_MAX)
		return -EINVAL;
	for (struct place *p = system->in->places; p && r == 0; p = p->next)
		if (p->event && p->dir && strcmp(p->system, system->system) == 0)
			set(p, fl_str_trim(text), true);
	return r;
}
