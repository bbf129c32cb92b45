/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the alloc commands show a set of tags. */
#include <errno.h>
#include <stdio.h>

#include "alloc/views/group.h"
#include "alloc/views/merge.h"
#include "alloc/views/metrics.h"
#include "alloc/views/render.h"
#include "alloc/views/stacks.h"
#include "base/json.h"
#include "cli/alloc/common.h"
#include "cli/say.h"
#include "cli/write.h"
#include "metrics/text.h"

const struct fl_opt alloc_view_options[] = {
	FL_OPT_STR(struct alloc_view_opts, sort, 0, "sort", "KEY",
		   "sort by " FL_ALLOC_KEYS " (default bytes); -KEY turns it round"),
	FL_OPT_U64(struct alloc_view_opts, lines, 'n', "lines", "N", "show the first N only"),
	FL_OPT_FLAG(struct alloc_view_opts, raw, 'r', "raw", "plain bytes instead of K, M, G"),
	FL_OPT_FLAG(struct alloc_view_opts, json, 0, "json", "print one JSON object a line"),
	{}
};

const struct fl_opt alloc_form_options[] = {
	FL_OPT_STR(struct alloc_form_opts, tree, 0, "tree", FL_ALLOC_TREES,
		   "show sums by directory, module or function, or by chains of callers"),
	FL_OPT_U64(struct alloc_form_opts, depth, 0, "depth", "N",
		   "show N levels of the tree only"),
	FL_OPT_FLAG(struct alloc_form_opts, dump, 0, "dump",
		    "print the kernel's text, to be read again"),
	FL_OPT_FLAG(struct alloc_form_opts, folded, 0, "folded",
		    "print folded stacks, for flame graphs and speedscope"),
	FL_OPT_STR(struct alloc_form_opts, output, 'o', "output", "FILE[.pb.gz]",
		   "write to FILE and not to standard output; .pb.gz: a profile for pprof"),
	FL_OPT_STR(struct alloc_form_opts, prometheus, 0, "prometheus", "FILE",
		   "write metrics for node_exporter's textfile collector to FILE, at once"),
	{}
};

static bool is_pprof(const struct alloc_form_opts *form)
{
	return form->output && fl_str_ends(fl_str(form->output), ".pb.gz");
}

int alloc_check_form(const struct alloc_view_opts *view, const struct alloc_form_opts *form)
{
	if (form->dump + form->folded + view->json + !!form->prometheus > 1)
		return fl_say_usage("--json, --dump, --folded and --prometheus exclude each other");
	if (is_pprof(form) && (form->dump || form->folded || view->json || form->tree))
		return fl_say_usage("a profile (-o FILE.pb.gz) has no other form");
	if (form->depth && !form->tree)
		return fl_say_usage("--depth is of --tree: give that, too");
	if (form->prometheus && form->output)
		return fl_say_usage("--prometheus names its own file");
	if (form->tree && (form->dump || form->folded || form->prometheus))
		return fl_say_usage("--tree is for tables and JSON");
	return FL_EXIT_DONE;
}

static int show_tree(const struct alloc_look *l, struct fl_alloc_set *set, struct fl_buf *out)
{
	_cleanup_arena_ struct fl_arena arena = {};
	struct fl_alloc_group *root;
	enum fl_alloc_tree kind;
	int r = fl_alloc_tree_parse(l->form->tree, &kind);

	if (r == 0)
		r = fl_alloc_group(set, kind, &l->order, &arena, &root);
	if (r < 0)
		return r;
	if (l->view->json)
		fl_alloc_json_tree(root, (unsigned int)l->form->depth, out);
	else
		fl_alloc_render_tree(root, (unsigned int)l->form->depth, l->view->raw, out);
	return 0;
}

/* With the frames beneath, where chains were asked for. */
static int show_table(const struct alloc_look *l, struct fl_alloc_set *set, struct fl_buf *out)
{
	int r = fl_alloc_render_table(set, l->view->raw, l->pids, out);

	if (r == 0 && l->chains)
		fl_alloc_render_stacks(set, l->view->raw, l->pids, out);
	return r;
}

static int render(const struct alloc_look *l, struct fl_alloc_set *set, struct fl_buf *out)
{
	if (is_pprof(l->form))
		return fl_alloc_render_pprof(set, out);
	if (l->form->tree)
		return show_tree(l, set, out);
	fl_alloc_sort(set, &l->order, l->view->lines);
	if (l->form->folded) {
		fl_alloc_render_folded(set, out);
		return 0;
	}
	if (l->form->dump) {
		fl_alloc_render_dump(set, out);
		fl_buf_addz(out, l->dump_note ? l->dump_note : "");
		return 0;
	}
	if (!l->view->json)
		return show_table(l, set, out);
	for (size_t i = 0; i < set->n; i++)
		fl_alloc_json_row(&set->v[i], out);
	return 0;
}

/* Views of chains take them whole; others have a row a place unless chains were asked for. */
static int prepare(const struct alloc_look *l, struct fl_alloc_set *set)
{
	bool whole = l->chains || l->form->folded || l->form->dump || is_pprof(l->form) ||
		     (l->form->tree && l->form->tree[0] == 'c');
	int r;

	if (l->at_peak)
		fl_alloc_at_peak(set);
	r = whole ? 0 : fl_alloc_merge(set);
	if (r == 0 && l->filter)
		fl_alloc_keep(set, l->filter);
	return r;
}

/*
 * Each series costs whoever scrapes it memory for weeks, and how many there are is for the programs
 * to say that are looked at: the largest are kept, and what is cut is said here and in the file.
 */
#define MAX_SITES 10000

int alloc_metrics(struct fl_alloc_set *set, struct fl_metrics **ret)
{
	int r = fl_metrics_new(2 * MAX_SITES, ret); /* bytes and calls */

	if (r < 0)
		return r;
	fl_alloc_metrics(set, *ret);
	fl_metrics_finish(*ret);
	if (set->n > MAX_SITES)
		fl_say(FL_WARNING, "%zu call sites: metrics of the %d largest are given", set->n, MAX_SITES);
	return 0;
}

int alloc_write_prometheus(const char *path, struct fl_alloc_set *set, int code)
{
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	_cleanup_buf_ struct fl_buf out = {};

	if (alloc_metrics(set, &m) < 0)
		out.error = -ENOMEM;
	else
		fl_metrics_text(m, FL_METRICS_PROMETHEUS, &out);
	return fl_write_file(path, &out) < 0 ? FL_EXIT_FINDINGS : code;
}

static int deliver(const struct alloc_look *l, struct fl_buf *out, int code)
{
	if (!l->form->output)
		return alloc_print(out, code);
	return fl_write_file(l->form->output, out) < 0 ? FL_EXIT_FINDINGS : code;
}

/* The summary is of all that matched, not of the first lines that are shown. */
int alloc_look_at(const struct alloc_look *l, struct fl_alloc_set *set, int code)
{
	_cleanup_buf_ struct fl_buf out = {}, summary = {};
	int r = prepare(l, set);

	if (r == 0 && l->form->prometheus)
		return alloc_write_prometheus(l->form->prometheus, set, code);
	if (r == 0 && l->view->json) {
		fl_json_schema(&out, l->command);
		fl_alloc_json_summary(set, &summary);
	} else if (r == 0 && !l->form->dump && !l->form->output && !l->form->folded) {
		alloc_summary(set);
	}
	if (r == 0)
		r = render(l, set, &out);
	if (r < 0) {
		fl_say_failed("foreland alloc", r);
		return FL_EXIT_FINDINGS;
	}
	fl_buf_add_buf(&out, &summary);
	return deliver(l, &out, code);
}
