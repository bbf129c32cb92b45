/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAINTAINERS: patterns that match no file. Those of documents are names like any other (text.c).
 *
 * As get_maintainer reads them, "*" crosses "/", and a pattern need not reach the path's end. Most
 * name a file or a folder as it is. The others are compared with what lies in the folder before
 * the first wildcard, and only where nothing there matches with what lies beneath it. Folders
 * are read once.
 */
#include "docs/read/read.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

#define DEEPEST 32

struct entry {
	const struct entry *next;
	const char *path;
	bool dir;
};

struct patterns {
	struct docs_worker *w;
	struct fl_map dirs; /* -> the first entry of each that was read */
};

static const struct entry *read_dir(struct patterns *p, const char *dir)
{
	int fd = openat(p->w->tree->fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct entry *first = NULL;
	const struct dirent *e;
	char path[2048];

	while (d && (e = readdir(d))) {
		struct entry *new;

		if (e->d_name[0] == '.' || snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] ? "/" : "",
						    e->d_name) >= (int)sizeof(path))
			continue;
		new = FL_ARENA_NEW(&p->w->scratch, struct entry);
		if (!new)
			break;
		*new = (struct entry){ first, fl_arena_dup(&p->w->scratch, fl_str(path)),
				       e->d_type == DT_DIR || e->d_type == DT_UNKNOWN };
		if (!new->path)
			break;
		first = new;
	}
	return first;
}

static const struct entry *entries(struct patterns *p, const char *dir)
{
	bool fresh = false;
	struct fl_map_entry *e = fl_map_get(&p->dirs, fl_str(dir));
	char *key = e ? NULL : fl_arena_dup(&p->w->scratch, fl_str(dir));

	if (key)
		e = fl_map_put(&p->dirs, fl_str(key), &fresh);
	if (e && fresh)
		e->ptr = (void *)read_dir(p, key);
	return e ? e->ptr : NULL;
}

static bool matches(struct patterns *p, const char *dir, struct fl_str glob, int depth)
{
	const struct entry *first = entries(p, dir);

	for (const struct entry *e = first; e; e = e->next) {
		if (fl_str_glob(glob, fl_str(e->path)) && docs_tree_has(p->w->tree, fl_str(e->path)))
			return true;
	}
	for (const struct entry *e = depth ? first : NULL; e; e = e->next) {
		if (e->dir && matches(p, e->path, glob, depth - 1))
			return true;
	}
	return false;
}

static bool pattern_matches(struct patterns *p, struct fl_str pattern)
{
	size_t literal = 0, slash;
	char dir[1024], glob[1024];

	while (literal < pattern.n && !strchr("*?[\\", pattern.p[literal]))
		literal++;
	for (slash = literal; slash && pattern.p[slash - 1] != '/'; slash--)
		;
	if ((literal == pattern.n && docs_exists(p->w, pattern)) || pattern.n + 2 > sizeof(glob))
		return true;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)slash - 1 : 0, pattern.p);
	snprintf(glob, sizeof(glob), "%.*s*", FL_STR_ARG(pattern));
	return (pattern.n > slash && matches(p, dir, fl_str(glob), DEEPEST)) ||
	       docs_exists(p->w, pattern); /* what a patch adds, and hidden files */
}

void docs_read_maintainers(struct docs_worker *w)
{
	struct patterns p = { .w = w };
	struct fl_str rest = w->sink.text, line;
	uint32_t no = 0;

	while (docs_wants(&w->sink, DOCS_MAINT_PATTERN) && fl_str_line(&rest, &line)) {
		struct fl_str value;

		no++;
		if (line.n < 3 || line.p[1] != ':' || (line.p[0] != 'F' && line.p[0] != 'X'))
			continue;
		value = fl_str_trim(fl_str_from(line, 2));
		if (!value.n || fl_str_starts(value, "Documentation/") || pattern_matches(&p, value))
			continue;
		docs_report(&w->sink, DOCS_MAINT_PATTERN, no, (uint32_t)(value.p - line.p), value.n,
			    "no file matches\t%c:\t%.*s", line.p[0], FL_STR_ARG(value));
	}
	fl_map_fini(&p.dirs);
}
