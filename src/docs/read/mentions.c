/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in the text of pages that no markup marks: source files and CONFIG_ options. What a page
 * tells of other kernels, of examples and of history looks the same; so this is advice.
 */
#include <stdio.h>

#include "docs/read/read.h"

static bool path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       (c >= '-' && c <= '/') || c == '+';
}

static bool is_source_root(struct fl_str path)
{
	static const char *const roots[] = { "arch", "block", "certs", "crypto", "drivers", "fs", "include", "init",
					     "io_uring", "ipc", "kernel", "lib", "mm", "net", "rust", "samples",
					     "scripts", "security", "sound", "tools", "usr", "virt" };
	struct fl_str first = fl_str_sub(path, 0, fl_str_find(path, '/', 0));

	for (size_t i = 0; i < FL_ARRAY_SIZE(roots); i++) {
		if (first.n < path.n && fl_str_is(first, roots[i]))
			return true;
	}
	return false;
}

static bool is_source(struct fl_str path)
{
	static const char *const ends[] = { ".c", ".h", ".S", ".rs", ".dts", ".dtsi", ".lds" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(ends); i++) {
		if (fl_str_ends(path, ends[i]))
			return true;
	}
	return false;
}

/* People leave out include/ and include/uapi/. */
static bool source_exists(struct docs_worker *w, struct fl_str path)
{
	static const char *const before[] = { "", "include/", "include/uapi/" };
	char full[1024];

	for (size_t i = 0; i < FL_ARRAY_SIZE(before); i++) {
		if (snprintf(full, sizeof(full), "%s%.*s", before[i], FL_STR_ARG(path)) < (int)sizeof(full) &&
		    docs_exists(w, fl_str(full)))
			return true;
	}
	return false;
}

static void source_name(struct docs_worker *w, struct fl_str text, size_t from, size_t end)
{
	struct fl_str path = fl_str_sub(text, from, end - from);
	uint32_t col, no;

	while (path.n && (path.p[path.n - 1] == '.' || path.p[path.n - 1] == '-'))
		path.n--;
	if (path.n < 6 || !is_source(path) || !is_source_root(path) ||
	    (end < text.n && strchr("*{<[$", text.p[end])) || (from && strchr("*}>]$~", text.p[from - 1])) ||
	    memmem(path.p, path.n, "...", 3) || source_exists(w, path))
		return;
	no = docs_sink_locate(&w->sink, from, &col);
	docs_report(&w->sink, DOCS_REF_SOURCE, no, col, path.n, "no such source file: %.*s", FL_STR_ARG(path));
}

/* Around each "/" that no earlier name has. */
static void source_names(struct docs_worker *w, struct fl_str text)
{
	size_t end = 0, from;

	for (size_t at = 0; (at = fl_str_find(text, '/', at)) < text.n; at = end) {
		for (from = at; from > end && path_char(text.p[from - 1]); from--)
			;
		for (end = at + 1; end < text.n && path_char(text.p[end]); end++)
			;
		source_name(w, text, from, end);
	}
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* "FOO", "FOO_BAR" and the like: a place for a name, not a name. */
static bool is_example(struct fl_str name)
{
	return fl_str_is(name, "FOO") || fl_str_is(name, "BAR") || fl_str_starts(name, "FOO_") ||
	       fl_str_starts(name, "FOOBAR") || memmem(name.p, name.n, "xx", 2) || memmem(name.p, name.n, "XX", 2);
}

static void config_names(struct docs_worker *w, struct fl_str text)
{
	static const char prefix[] = "CONFIG_";
	size_t at = 0, end;

	for (const char *p; (p = memmem(text.p + at, text.n - at, prefix, sizeof(prefix) - 1)); at = end) {
		size_t from = (size_t)(p - text.p) + sizeof(prefix) - 1;
		struct fl_str name;
		uint32_t col, no;

		for (end = from; end < text.n && name_char(text.p[end]); end++)
			;
		name = fl_str_sub(text, from, end - from);
		if ((p != text.p && name_char(p[-1])) || name.n < 2 || name.p[name.n - 1] == '_' ||
		    (end < text.n && strchr("*<{[", text.p[end])) || is_example(name))
			continue;
		no = docs_sink_locate(&w->sink, (size_t)(p - text.p), &col);
		docs_fact_add(w, DOCS_FACT_CONFIG, name, no, col);
	}
}

void docs_read_mentions(struct docs_worker *w)
{
	if (docs_wants(&w->sink, DOCS_REF_SOURCE))
		source_names(w, w->sink.text);
	if (docs_wants(&w->sink, DOCS_CONFIG_UNKNOWN))
		config_names(w, w->sink.text);
}
