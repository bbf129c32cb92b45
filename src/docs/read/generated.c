/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages that the build makes are not there before it: netlink_spec/NAME.rst out of netlink/specs/NAME.yaml, and what
 * a .gitignore in the pages' folder or below it names. Of git's rules the later one counts, "/" binds a pattern to the
 * file's folder, "!" takes a name out again, and a folder stands for all that is in it.
 */
#include <stdio.h>

#include "docs/read/read.h"

static bool is_netlink(struct docs_worker *w, struct fl_str name)
{
	static const char dir[] = "Documentation/networking/netlink_spec/";
	char path[300];
	struct fl_str base;

	if (!fl_str_starts(name, dir))
		return false;
	base = fl_str_from(name, strlen(dir));
	if (fl_str_ends(base, ".rst"))
		base.n -= 4;
	if (!base.n || fl_str_is(base, "index") || fl_str_is(base, "readme"))
		return true;
	if (snprintf(path, sizeof(path), "Documentation/netlink/specs/%.*s.yaml", FL_STR_ARG(base)) >=
	    (int)sizeof(path))
		return false;
	return docs_exists(w, fl_str(path));
}

static size_t slashes(struct fl_str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

/* @name, seen from the folder of @pattern, or a folder that it lies in. */
static bool matches(struct fl_str pattern, struct fl_str name)
{
	bool bound;

	if (fl_str_ends(pattern, "/"))
		pattern.n--;
	if (fl_str_starts(pattern, "**/"))
		pattern = fl_str_from(pattern, 3);
	bound = memchr(pattern.p, '/', pattern.n);
	if (fl_str_starts(pattern, "/"))
		pattern = fl_str_from(pattern, 1);
	for (size_t end = 1; pattern.n && end <= name.n; end++) {
		struct fl_str part = fl_str_sub(name, 0, end);

		if (end < name.n && name.p[end] != '/')
			continue;
		if (bound ? slashes(pattern) == slashes(part) && fl_str_glob(pattern, part)
			  : fl_str_glob(pattern, fl_str_base_name(part)))
			return true;
	}
	return false;
}

/* Whether the .gitignore of folder @dir has the last word on @name, and what it is. */
static void ask(struct docs_worker *w, struct fl_str dir, struct fl_str name, bool *ignored)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_str rest, line;
	char path[1024];

	if (snprintf(path, sizeof(path), "%.*s.gitignore", FL_STR_ARG(dir)) >= (int)sizeof(path) ||
	    docs_tree_read(w->tree, path, &text) < 0)
		return;
	rest = fl_buf_str(&text);
	while (fl_str_line(&rest, &line)) {
		bool out = fl_str_starts(line, "!");

		line = fl_str_trim(fl_str_from(line, out));
		if (line.n && line.p[0] != '#' && matches(line, name))
			*ignored = !out;
	}
}

static bool is_ignored(struct docs_worker *w, struct fl_str name)
{
	bool ignored = false;

	if (name.n < w->tree->doc.n || !fl_str_eq(fl_str_sub(name, 0, w->tree->doc.n), w->tree->doc))
		return false;
	for (size_t at = w->tree->doc.n; at <= name.n; at++) {
		if (name.p[at - 1] == '/')
			ask(w, fl_str_sub(name, 0, at), fl_str_from(name, at), &ignored);
	}
	return ignored;
}

bool docs_generated(struct docs_worker *w, struct fl_str name)
{
	return fl_str_starts(name, "Documentation/output") || is_netlink(w, name) || is_ignored(w, name);
}
