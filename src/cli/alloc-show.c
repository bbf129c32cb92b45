/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc show: one look at the tags. */
#include "cli/alloc-common.h"
#include "cli/cmds.h"

extern const struct fl_cmd fl_cmd_alloc_show;

struct show_opts {
	struct alloc_source_opts source;
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	struct alloc_form_opts form;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct show_opts, source, alloc_source_options),
	FL_OPT_GROUP(struct show_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct show_opts, view, alloc_view_options),
	FL_OPT_GROUP(struct show_opts, form, alloc_form_options),
	{}
};

static int run(const void *opts, const struct fl_args *args)
{
	const struct show_opts *o = opts;
	_cleanup_(fl_alloc_source_closep) struct fl_alloc_source *source = NULL;
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	struct fl_alloc_filter filter;
	struct alloc_look look = { .command = "alloc show", .view = &o->view, .form = &o->form };
	bool usable;
	int code;

	code = alloc_make_filter(&o->filter, &filter);
	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&o->view, &look.order);
	if (code == FL_EXIT_DONE)
		code = alloc_open(&o->source, &source);
	if (code != FL_EXIT_DONE)
		return code;
	code = alloc_read(source, &filter, &set, &usable);
	return usable ? alloc_look_at(&look, &set, code) : code;
}

const struct fl_cmd fl_cmd_alloc_show = {
	.name = "show",
	.summary = "Show allocation tags: filtered, sorted, as table, tree, JSON or metrics",
	.size = sizeof(struct show_opts),
	.options = options,
	.run = run,
};
