/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland alloc diff: what grew between two dumps. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc/views/diff.h"
#include "alloc/views/render.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/alloc/common.h"
#include "cli/cmds.h"

extern const struct fl_cmd fl_cmd_alloc_diff;

struct diff_opts {
	struct alloc_filter_opts filter;
	struct alloc_view_opts view;
	bool all;
};

static const struct fl_opt options[] = {
	FL_OPT_GROUP(struct diff_opts, filter, alloc_filter_options),
	FL_OPT_GROUP(struct diff_opts, view, alloc_view_options),
	FL_OPT_FLAG(struct diff_opts, all, 'a', "all", "show also the tags that did not change"),
	{}
};

static int read_dump(const char *path, struct fl_alloc_set *set, bool *usable)
{
	_cleanup_(fl_alloc_source_closep) struct fl_alloc_source *source = NULL;
	struct alloc_source_opts from = { .input = path };
	struct fl_alloc_filter everything = {};
	int code = alloc_open(&from, &source);

	*usable = false;
	return code == FL_EXIT_DONE ? alloc_read(source, &everything, set, usable) : code;
}

static int print(const struct diff_opts *o, const struct fl_alloc_change *v, size_t n, int code)
{
	_cleanup_buf_ struct fl_buf out = {};
	int64_t bytes = 0, calls = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += v[i].bytes;
		calls += v[i].calls;
	}
	if (o->view.lines && o->view.lines < n)
		n = o->view.lines;
	if (!o->view.json) {
		fprintf(stderr, "growth: %lld bytes in %lld calls\n", (long long)bytes,
			(long long)calls);
		if (fl_alloc_render_changes(v, n, o->view.raw, &out) < 0)
			return FL_EXIT_FINDINGS;
		return alloc_print(&out, code);
	}
	fl_json_schema(&out, "alloc diff");
	for (size_t i = 0; i < n; i++)
		fl_alloc_json_change(&v[i], &out);
	fl_alloc_json_growth(n, bytes, calls, &out);
	return alloc_print(&out, code);
}

static int run(const void *opts, const struct fl_args *args)
{
	const struct diff_opts *o = opts;
	_cleanup_alloc_set_ struct fl_alloc_set before = {}, after = {};
	_cleanup_free_ struct fl_alloc_change *v = NULL;
	struct fl_alloc_filter filter;
	struct fl_alloc_order order;
	bool ok_before, ok_after;
	int code, worse;
	size_t n;

	code = alloc_make_filter(&o->filter, &filter);
	if (code == FL_EXIT_DONE)
		code = alloc_make_order(&o->view, &order);
	if (code != FL_EXIT_DONE)
		return code;
	code = read_dump(args->v[0], &before, &ok_before);
	worse = read_dump(args->v[1], &after, &ok_after);
	if (!ok_before || !ok_after)
		return FL_EXIT_FINDINGS;
	if (fl_alloc_diff(&before, &after, &v, &n) < 0)
		return FL_EXIT_FINDINGS;
	fl_alloc_changes_select(v, &n, &filter, &order, o->all);
	return print(o, v, n, worse > code ? worse : code);
}

const struct fl_cmd fl_cmd_alloc_diff = {
	.name = "diff",
	.summary = "Show what grew between two dumps",
	.args = "OLD NEW",
	.about = "Tags are the same when module, file, line and function are. What is left over is\n"
		 "paired by module, file and function in the order of lines and marked 'moved'. The\n"
		 "filter selects a change when the tag matches in either dump; bytes and calls as\n"
		 "sort keys are the growth.",
	.size = sizeof(struct diff_opts),
	.options = options,
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
