/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAINTAINERS: patterns that match no file. Those of documents are names like any other (text.c). */
#include "docs/run.h"

#include <stdio.h>

/*
 * As get_maintainer reads them: "*" crosses "/", and a pattern need not reach the path's end. What
 * stands before the first wildcard narrows the sorted list down.
 */
static bool matches(const struct docs_tree *t, struct fl_str pattern)
{
	size_t literal = 0;
	char glob[1024];

	while (literal < pattern.n && !strchr("*?[\\", pattern.p[literal]))
		literal++;
	snprintf(glob, sizeof(glob), "%.*s*", FL_STR_ARG(pattern));
	for (size_t i = docs_tree_lower(t, fl_str_sub(pattern, 0, literal)); i < t->nr_paths; i++) {
		if (strncmp(t->paths[i], pattern.p, literal))
			return false;
		if (literal == pattern.n || fl_str_glob(fl_str(glob), fl_str(t->paths[i])))
			return true;
	}
	return false;
}

void docs_read_maintainers(struct docs_worker *w)
{
	struct fl_str rest = w->sink.text, line;
	uint32_t no = 0;

	if (!docs_wants(&w->sink, DOCS_MAINT_PATTERN) || docs_tree_list(w->run->tree) < 0)
		return;
	while (fl_str_line(&rest, &line)) {
		struct fl_str value;

		no++;
		if (line.n < 3 || line.p[1] != ':' || (line.p[0] != 'F' && line.p[0] != 'X'))
			continue;
		value = fl_str_trim(fl_str_from(line, 2));
		if (!value.n || fl_str_starts(value, "Documentation/") || matches(w->run->tree, value) ||
		    docs_exists(w, value)) /* hidden files are not in the list */
			continue;
		docs_report(&w->sink, DOCS_MAINT_PATTERN, no, (uint32_t)(value.p - line.p), value.n,
			    "no file matches\t%c:\t%.*s", line.p[0], FL_STR_ARG(value));
	}
}
