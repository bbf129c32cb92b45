/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that Kconfig files define, read beside everything else: the file at the top, and what it
 * and the others source. A directory that is chosen by a variable (that of the architecture) stands
 * for all that are there, because a page may speak of any.
 */
#include "docs/read/kconfig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

struct kconfig {
	struct docs_symbols *s;
	struct fl_map files; /* that were named, in the order in which they were */
};

static struct fl_map_entry *put(struct docs_symbols *s, struct fl_map *m, struct fl_str name)
{
	struct fl_map_entry *e = fl_map_get(m, name);
	char *key = e ? NULL : fl_arena_dup(&s->arena, name);

	return e || !key ? e : fl_map_put(m, fl_str_n(key, name.n), NULL);
}

/* @dir, each name in it, and @after. */
static int each_entry(struct kconfig *k, const char *dir, struct fl_str after)
{
	int fd = openat(k->s->tree->fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	char path[1024];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s%s%s%.*s", dir, dir[0] ? "/" : "", e->d_name,
			     FL_STR_ARG(after)) >= (int)sizeof(path))
			continue;
		if (docs_tree_has(k->s->tree, fl_str(path)) && !put(k->s, &k->files, fl_str(path)))
			return -ENOMEM;
	}
	return 0;
}

/* A file that is sourced: "DIR/$(VARIABLE)/REST" is one in each of DIR's folders. */
static int add_source(struct kconfig *k, struct fl_str name)
{
	char path[1024], *dollar, *slash;

	if (!docs_normalize(name, path, sizeof(path)))
		return 0;
	dollar = strchr(path, '$');
	if (!dollar)
		return put(k->s, &k->files, fl_str(path)) ? 0 : -ENOMEM;
	slash = strchr(dollar, '/');
	if (!slash || strchr(slash, '$') || dollar == path || dollar[-1] != '/')
		return 0;
	dollar[-1] = '\0';
	return each_entry(k, path, fl_str(slash));
}

/* The rest of a line that begins with "source", "rsource" or one of their optional forms. */
static int source_line(struct kconfig *k, struct fl_str file, struct fl_str word, struct fl_str rest)
{
	size_t dir = file.n;
	char path[1024];

	rest = fl_str_trim(rest);
	if (rest.n < 3 || rest.p[0] != '"')
		return 0;
	rest = fl_str_sub(rest, 1, fl_str_find(rest, '"', 1) - 1);
	while (dir && file.p[dir - 1] != '/')
		dir--;
	if (!memchr(word.p, 'r', word.n - 5)) /* behind it comes "ource" or "rce" */
		dir = 0;
	if (snprintf(path, sizeof(path), "%.*s%.*s", (int)dir, file.p, FL_STR_ARG(rest)) >= (int)sizeof(path))
		return 0;
	return add_source(k, fl_str(path));
}

static int read_file(struct kconfig *k, struct fl_str file, struct fl_str text)
{
	struct fl_str line, word, name;
	int r = 0;

	while (!r && fl_str_line(&text, &line)) {
		if (!fl_str_word(&line, &word) || word.n < 6)
			continue;
		if (fl_str_is(word, "config") || fl_str_is(word, "menuconfig"))
			r = !fl_str_word(&line, &name) || put(k->s, &k->s->names, name) ? 0 : -ENOMEM;
		else if (fl_str_ends(word, "source"))
			r = source_line(k, file, word, line);
	}
	return r;
}

static void *read_symbols(void *arg)
{
	struct docs_symbols *s = arg;
	_cleanup_buf_ struct fl_buf text = {};
	struct kconfig k = { .s = s };
	int r = put(s, &k.files, FL_STR("Kconfig")) ? 0 : -ENOMEM;

	for (uint32_t i = 0; !r && i < k.files.count; i++) {
		struct fl_str file = k.files.entries[i].key;

		if (docs_tree_read(s->tree, file.p, &text) == 0)
			r = read_file(&k, file, fl_buf_str(&text));
	}
	fl_map_fini(&k.files);
	s->error = r;
	return NULL;
}

void docs_symbols_start(struct docs_symbols *s)
{
	if (!s->started && !s->read)
		s->started = !pthread_create(&s->thread, NULL, read_symbols, s);
}

int docs_symbols_wait(struct docs_symbols *s)
{
	if (s->started)
		pthread_join(s->thread, NULL);
	else if (!s->read)
		read_symbols(s);
	s->started = false;
	s->read = true;
	return s->error;
}

void docs_symbols_fini(struct docs_symbols *s)
{
	if (s->started)
		docs_symbols_wait(s);
	fl_map_fini(&s->names);
	fl_arena_fini(&s->arena);
}
