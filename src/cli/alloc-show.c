/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc show: one look at the tags. */
#include <stdio.h>

#include "alloc/group.h"
#include "alloc/render.h"
#include "base/file.h"
#include "cli/alloc-common.h"
#include "cli/cmds.h"

extern const struct fl_cmd fl_cmd_alloc_show;

struct show_opts {
	struct alloc_source_opts source;
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	const char *tree;
	uint64_t depth;
	bool dump;
	const char *prometheus;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct show_opts, source, alloc_source_options),
	FL_OPT_GROUP(struct show_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct show_opts, view, alloc_view_options),
	FL_OPT_STR(struct show_opts, tree, 0, "tree", FL_ALLOC_TREES,
		   "show sums by directory, module or function"),
	FL_OPT_U64(struct show_opts, depth, 0, "depth", "N", "show N levels of the tree only"),
	FL_OPT_FLAG(struct show_opts, dump, 0, "dump", "print the kernel's text, to be read again"),
	FL_OPT_STR(struct show_opts, prometheus, 0, "prometheus", "FILE",
		   "write metrics for node_exporter's textfile collector to FILE, at once"),
	{}
};

static int show_tree(const struct show_opts *o, const struct fl_alloc_order *order,
		     struct fl_alloc_set *set, struct fl_buf *out)
{
	_cleanup_arena_ struct fl_arena arena = {};
	struct fl_alloc_group *root;
	enum fl_alloc_tree kind;
	int r = fl_alloc_tree_parse(o->tree, &kind);

	if (r == 0)
		r = fl_alloc_group(set, kind, order, &arena, &root);
	if (r < 0)
		return r;
	if (o->view.json)
		fl_alloc_json_tree(root, (unsigned int)o->depth, out);
	else
		fl_alloc_render_tree(root, (unsigned int)o->depth, o->view.raw, out);
	return 0;
}

static int render(const struct show_opts *o, const struct fl_alloc_order *order,
		  struct fl_alloc_set *set, struct fl_buf *out)
{
	if (o->tree)
		return show_tree(o, order, set, out);
	fl_alloc_sort(set, order, o->view.lines);
	if (o->dump) {
		fl_alloc_render_dump(set, out);
		return 0;
	}
	if (!o->view.json)
		return fl_alloc_render_table(set, o->view.raw, out);
	for (size_t i = 0; i < set->n; i++)
		fl_alloc_json_row(&set->v[i], out);
	return 0;
}

static int write_prometheus(const struct show_opts *o, struct fl_alloc_set *set, int code)
{
	struct fl_buf out = {};
	int r;

	fl_alloc_render_prometheus(set, &out);
	r = out.error ? out.error : fl_file_replace(o->prometheus, out.data, out.len);
	fl_buf_fini(&out);
	if (r < 0)
		alloc_complain(o->prometheus, r);
	return r < 0 ? FL_EXIT_FINDINGS : code;
}

/* The summary is of all that matched, not of the first lines that are shown. */
static int show(const struct show_opts *o, const struct fl_alloc_order *order,
		struct fl_alloc_set *set, int code)
{
	_cleanup_buf_ struct fl_buf out = {}, summary = {};
	int r;

	if (o->prometheus)
		return write_prometheus(o, set, code);
	if (o->view.json) {
		fl_alloc_json_schema("alloc show", &out);
		fl_alloc_json_summary(set, &summary);
	} else if (!o->dump) {
		alloc_summary(set);
	}
	r = render(o, order, set, &out);
	if (r < 0) {
		alloc_complain("foreland alloc show", r);
		return FL_EXIT_FINDINGS;
	}
	fl_buf_add_str(&out, fl_buf_str(&summary));
	return alloc_print(&out, code);
}

static int run(const void *opts, const struct fl_args *args)
{
	const struct show_opts *o = opts;
	_cleanup_(fl_alloc_source_closep) struct fl_alloc_source *source = NULL;
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	struct fl_alloc_filter filter;
	struct fl_alloc_order order;
	bool usable;
	int code;

	code = alloc_make_filter(&o->filter, &filter);
	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&o->view, &order);
	if (code == FL_EXIT_DONE)
		code = alloc_open(&o->source, &source);
	if (code != FL_EXIT_DONE)
		return code;
	code = alloc_read(source, &filter, &set, &usable);
	return usable ? show(o, &order, &set, code) : code;
}

const struct fl_cmd fl_cmd_alloc_show = {
	.name = "show",
	.summary = "Show allocation tags: filtered, sorted, as table, tree, JSON or metrics",
	.size = sizeof(struct show_opts),
	.options = options,
	.run = run,
};
