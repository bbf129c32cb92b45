/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What literalinclude shows of a file is cut out in Sphinx's order: an object of Python, lines by number, then the
 * lines between two texts. What is asked for and not there is told in its words. Objects of Python are left alone.
 */
#include "docs/read/assets.h"

#include <stdio.h>
#include <stdlib.h>

#include "docs/read/read.h"

void docs_asset_named(struct docs_worker *w, const struct rst_fact *f, struct fl_str name, const char *before,
		  const char *after)
{
	bool is_image = fl_str_starts(fl_str(before), "image");
	char path[1024];

	if (!name.n || memchr(name.p, '*', name.n) || memmem(name.p, name.n, "://", 3) ||
	    fl_str_starts(name, "data:") ||
	    memchr(name.p, '\n', name.n) || !docs_page_path(w, w->path, name, "", path, sizeof(path)) ||
	    docs_exists(w, fl_str(path)) || docs_generated(w, fl_str(path)))
		return;
	docs_finding_columns(docs_report(&w->sink, DOCS_REF_ASSET, f->line, f->col, f->name.n, "%s%s%s",
					 before, is_image && docs_is_in_doc(w->tree, path) ? path + w->tree->doc.n : path,
					 after));
}

/* An image's name is all of its argument without white space. */
static struct fl_str image_name(struct docs_worker *w, const struct rst_fact *f)
{
	_cleanup_buf_ struct fl_buf out = {};
	char *p;

	for (uint32_t i = 0; i < f->args.n; i++) {
		for (uint32_t k = 0; k < f->args.v[i].n; k++) {
			if (f->args.v[i].p[k] != ' ')
				fl_buf_addc(&out, f->args.v[i].p[k]);
		}
	}
	p = fl_arena_dup(&w->scratch, fl_buf_str(&out));
	return p && out.len ? fl_str_n(p, out.len) : f->extra;
}

/* -- listings -- */

static struct fl_str option(const struct rst_fact *f, const char *name)
{
	size_t n = strlen(name);

	for (uint32_t i = 0; i < f->options.n; i++) {
		struct fl_str s = fl_str_n(f->options.v[i].p, f->options.v[i].n);

		if (s.n > n + 1 && s.p[0] == ':' && !memcmp(s.p + 1, name, n) && s.p[n + 1] == ':')
			return fl_str_trim(fl_str_from(s, n + 2));
	}
	return fl_str_n(NULL, 0);
}

static void bad_part(struct docs_worker *w, const struct rst_fact *f, const char *text)
{
	docs_report(&w->sink, DOCS_REF_PART, f->line, 0, 0, "%s", text);
}

/* "3", or nothing; false where it is something else. */
static bool line_number(struct fl_str s, uint32_t *ret)
{
	s = fl_str_trim(s);
	*ret = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*ret = *ret > 1000000 ? *ret : *ret * 10 + (uint32_t)(s.p[i] - '0');
	}
	return true;
}

/* One of "3", "3-7", "-7", "3-"; its ends, counted from 1. */
static bool line_range(struct fl_str s, uint32_t total, uint32_t *from, uint32_t *to)
{
	size_t dash;

	s = fl_str_trim(s);
	dash = fl_str_find(s, '-', 0);
	if (!s.n || fl_str_is(s, "-") || !line_number(fl_str_sub(s, 0, dash), from))
		return false;
	*to = *from;
	if (dash == s.n)
		return *from > 0;
	if (!line_number(fl_str_from(s, dash + 1), to))
		return false;
	*from = *from ? *from : 1;
	*to = fl_str_trim(fl_str_from(s, dash + 1)).n ? *to : FL_MAX(*from, total);
	return *to >= *from;
}

/* @spec of the option against the @total lines there are; false where nothing of them is meant. */
static bool check_lines(struct docs_worker *w, const struct rst_fact *f, struct fl_str spec, uint32_t total)
{
	struct fl_str rest = spec;
	uint32_t from, to;
	bool some = false, outside = false;
	char text[300];

	while (rest.n) {
		size_t end = fl_str_find(rest, ',', 0);

		if (!line_range(fl_str_sub(rest, 0, end), total, &from, &to)) {
			snprintf(text, sizeof(text), "invalid line number spec: '%.*s'",
				 FL_STR_ARG(fl_str_sub(spec, 0, 200)));
			bad_part(w, f, text);
			return true;
		}
		some |= from <= total;
		outside |= to > total;
		rest = fl_str_from(rest, end + 1);
	}
	if (outside) {
		snprintf(text, sizeof(text), "line number spec is out of range(1-%u): '%.*s'", total,
			 FL_STR_ARG(fl_str_sub(spec, 0, 200)));
		bad_part(w, f, text);
	}
	return some;
}

static uint32_t count_lines(struct fl_str text)
{
	struct fl_str line;
	uint32_t n = 0;

	while (fl_str_line(&text, &line))
		n++;
	return n;
}

static bool holds(struct fl_str text, struct fl_str what)
{
	return memmem(text.p, text.n, what.p, what.n) != NULL;
}

/* "pyobject" and "diff" have rules of their own. */
static void check_listing(struct docs_worker *w, const struct rst_fact *f, const char *path)
{
	static const char *const between[] = { "start-at", "start-after", "end-at", "end-before" };
	struct fl_str lines = option(f, "lines"), emphasis = option(f, "emphasize-lines"), s;
	_cleanup_buf_ struct fl_buf text = {};
	uint32_t total;
	char said[1400];

	if (option(f, "pyobject").p || docs_tree_read(w->tree, path, &text) < 0)
		return;
	total = count_lines(fl_buf_str(&text));
	if (lines.n && !check_lines(w, f, lines, total)) {
		snprintf(said, sizeof(said), "Line spec '%.*s': no lines pulled from include file '%s'",
			 FL_STR_ARG(fl_str_sub(lines, 0, 200)), path);
		bad_part(w, f, said);
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(between); i++) {
		s = option(f, between[i]);
		if (!s.n || holds(fl_buf_str(&text), s))
			continue;
		snprintf(said, sizeof(said), "%s pattern not found: %.*s", between[i],
			 FL_STR_ARG(fl_str_sub(s, 0, 200)));
		bad_part(w, f, said);
		return;
	}
	if (emphasis.n && !lines.n)
		check_lines(w, f, emphasis, total);
}

static void literal_include(struct docs_worker *w, const struct rst_fact *f)
{
	struct fl_str diff = option(f, "diff");
	char path[1024];

	docs_asset_named(w, f, f->extra, "Include file '", "' not found or reading it failed");
	if (diff.n)
		docs_asset_named(w, f, diff, "Include file '", "' not found or reading it failed");
	else if (docs_page_path(w, w->path, f->extra, "", path, sizeof(path)) && docs_exists(w, fl_str(path)))
		check_listing(w, f, path);
}

void docs_asset_directive(struct docs_worker *w, const struct rst_fact *f)
{
	static const char *const images[] = { "image", "figure", "kernel-image", "kernel-figure" };
	struct fl_str s;

	for (size_t i = 0; i < FL_ARRAY_SIZE(images); i++) {
		if (fl_str_is(f->name, images[i]))
			docs_asset_named(w, f, image_name(w, f), "image file not readable: ", "");
	}
	if (fl_str_is(f->name, "literalinclude")) {
		literal_include(w, f);
	} else if (fl_str_is(f->name, "raw")) {
		docs_asset_named(w, f, option(f, "file"), "Problems with \"raw\" directive path: ", ": no such file");
	} else if (fl_str_is(f->name, "code-block") || fl_str_is(f->name, "sourcecode")) {
		s = option(f, "emphasize-lines");
		if (s.n)
			check_lines(w, f, s, f->view.n);
	}
}

void docs_included_part(struct docs_worker *w, const struct rst_fact *f, const char *path)
{
	static const char *const names[] = { "start-after", "end-before" };
	_cleanup_buf_ struct fl_buf text = {};
	char said[120];

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		struct fl_str s = option(f, names[i]);

		if (!s.n || (!text.len && docs_tree_read(w->tree, path, &text) < 0) || holds(fl_buf_str(&text), s))
			continue;
		snprintf(said, sizeof(said),
			 "Problem with \"%s\" option of \"%.*s\" directive: Text not found.",
			 names[i], FL_STR_ARG(fl_str_sub(f->name, 0, 40)));
		bad_part(w, f, said);
		return;
	}
}
