/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "foreland docs check". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cmds.h"
#include "docs/report.h"
#include "docs/run.h"

struct check_opts {
	const char *only, *skip, *level, *docutils;
	bool json;
};

static const struct fl_opt options[] = {
	FL_OPT_STR(struct check_opts, only, 0, "only", "CHECK,...", "run these checks or groups alone"),
	FL_OPT_STR(struct check_opts, skip, 0, "skip", "CHECK,...", "leave these checks or groups out"),
	FL_OPT_STR(struct check_opts, level, 0, "level", "error|warning|style",
		   "the mildest level that is reported (warning)"),
	FL_OPT_STR(struct check_opts, docutils, 0, "docutils", "0.21|0.22",
		   "whose message family is spoken (0.22)"),
	FL_OPT_FLAG(struct check_opts, json, 0, "json", "print one JSON object a line"),
	{}
};

static int complain(const char *what, int r)
{
	fprintf(stderr, "foreland docs check: %s: %s\n", what, strerror(-r));
	return FL_EXIT_FINDINGS;
}

static int choose(const struct check_opts *o, struct docs_opts *opts)
{
	_cleanup_buf_ struct fl_buf err = {};
	struct docs_set skip = {};
	int r = 0;

	if (o->only)
		r = docs_set_parse(&opts->want, o->only, &err);
	else
		memset(&opts->want, 0xff, sizeof(opts->want));
	if (!r && o->skip)
		r = docs_set_parse(&skip, o->skip, &err);
	if (r < 0) {
		fprintf(stderr, "foreland docs check: %s\nTry 'foreland docs check --help'.\n",
			fl_buf_z(&err));
		return FL_EXIT_USAGE;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(skip.bits); i++)
		opts->want.bits[i] &= ~skip.bits[i];
	opts->level = FL_WARNING;
	for (enum fl_level l = FL_ERROR; o->level && l <= FL_STYLE; l++)
		opts->level = strcmp(o->level, fl_level_name(l)) ? opts->level : l;
	opts->family = o->docutils && !strcmp(o->docutils, "0.21") ? DOCUTILS_21 : DOCUTILS_22;
	return FL_EXIT_DONE;
}

static int read_stdin(struct docs_run *run)
{
	_cleanup_buf_ struct fl_buf text = {};
	int r = fl_buf_read_fd(&text, STDIN_FILENO, DOCS_MAX_FILE);

	return r < 0 ? r : docs_run_text(run, "<stdin>.rst", fl_buf_str(&text));
}

static int print(const struct docs_run *run, bool json)
{
	_cleanup_buf_ struct fl_buf out = {};
	size_t count[_FL_LEVEL_MAX] = {};
	int r = 0;

	if (json)
		fl_buf_addz(&out, "{\"type\":\"schema\",\"command\":\"docs check\",\"version\":1}\n");
	for (size_t i = 0; i < run->n && !r; i++) {
		count[run->v[i].level]++;
		if (json)
			docs_render_json(&run->v[i], &out);
		else
			docs_render(&run->v[i], false, &out);
		if (out.len > 65536) {
			r = fl_buf_write_fd(&out, STDOUT_FILENO);
			fl_buf_reset(&out);
		}
	}
	if (json)
		fl_buf_addf(&out, "{\"type\":\"summary\",\"errors\":%zu,\"warnings\":%zu,\"style\":%zu}\n",
			    count[FL_ERROR], count[FL_WARNING], count[FL_STYLE]);
	r = r < 0 ? r : fl_buf_write_fd(&out, STDOUT_FILENO);
	if (!json)
		fprintf(stderr, "%zu errors, %zu warnings, %zu remarks on style\n", count[FL_ERROR],
			count[FL_WARNING], count[FL_STYLE]);
	if (r < 0)
		return complain("standard output", r);
	return run->n ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int check(const struct check_opts *o, const struct docs_opts *opts, const struct fl_args *args)
{
	const char *first = args->n && strcmp(args->v[0], "-") ? args->v[0] : ".";
	const char **paths = calloc(args->n + 1, sizeof(*paths));
	struct fl_buf *rel = calloc(args->n + 1, sizeof(*rel));
	struct docs_tree tree = { .fd = -1 };
	struct docs_run run = {};
	size_t n = 0;
	int r = paths && rel ? docs_tree_open(&tree, first, &rel[0]) : -ENOMEM, code;

	if (r < 0) {
		code = complain(first, r);
		goto out;
	}
	r = docs_run_init(&run, &tree, opts);
	for (size_t i = 0; i < args->n && !r; i++) {
		struct docs_tree other = { .fd = -1 };

		if (!strcmp(args->v[i], "-")) {
			r = read_stdin(&run);
			continue;
		}
		if (i)
			r = docs_tree_open(&other, args->v[i], &rel[i]);
		if (r < 0) {
			complain(args->v[i], r);
		} else if (i && strcmp(other.root, tree.root)) {
			fprintf(stderr, "foreland docs check: %s lies in another tree than %s\n", args->v[i],
				first);
			r = -EXDEV;
		} else {
			paths[n++] = fl_buf_z(&rel[i]);
		}
		docs_tree_close(&other);
	}
	if (!args->n)
		paths[n++] = fl_buf_z(&rel[0]);
	if (!r)
		r = docs_run_paths(&run, paths, n);
	if (!r)
		r = docs_run_finish(&run);
	code = r < 0 ? FL_EXIT_FINDINGS : print(&run, o->json);
out:
	docs_run_fini(&run);
	docs_tree_close(&tree);
	for (size_t i = 0; rel && i <= args->n; i++)
		fl_buf_fini(&rel[i]);
	free(rel);
	free(paths);
	return code;
}

static int run_check(const void *v, const struct fl_args *args)
{
	const struct check_opts *o = v;
	struct docs_opts opts = {};
	int code = choose(o, &opts);

	return code == FL_EXIT_DONE ? check(o, &opts, args) : code;
}

const struct fl_cmd fl_cmd_docs_check = {
	.name = "check",
	.summary = "Find what is wrong with documentation, in a tree, folders, files or a patch",
	.args = "[TREE|DIR|FILE|-]...",
	.about = "The checks, with their groups:\n"
#define CHECK(code, id, group, level, reader, fix, summary, good, bad) "\n  " group "  " id "  " summary
#include "docs/checks.def"
#undef CHECK
	,
	.size = sizeof(struct check_opts),
	.options = options,
	.max_args = SIZE_MAX,
	.run = run_check,
};
