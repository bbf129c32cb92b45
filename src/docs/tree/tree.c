/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/tree/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

#define FIRST_READ 65535

static bool beneath(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* Folders of pages, each with its "/": Linux's, and those of U-Boot, Zephyr, QEMU and Xen. */
static const char *const doc_dirs[] = { "Documentation/", "doc/", "docs/" };

/* The folder of pages beneath @dir: that of a kernel, or one with Sphinx's conf.py. NULL: there is none. */
static const char *find_doc(const char *dir)
{
	char conf[32];

	if (beneath(dir, "Documentation") && (beneath(dir, "MAINTAINERS") || beneath(dir, "Kbuild")))
		return doc_dirs[0];
	for (size_t i = 0; i < FL_ARRAY_SIZE(doc_dirs); i++) {
		snprintf(conf, sizeof(conf), "%sconf.py", doc_dirs[i]);
		if (beneath(dir, conf))
			return doc_dirs[i];
	}
	return NULL;
}

static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == path)
		path[1] = '\0';
	else if (slash)
		*slash = '\0';
}

int docs_tree_open(struct docs_tree *t, const char *path, struct fl_buf *ret_rel)
{
	_cleanup_free_ char *full = realpath(path, NULL);
	char dir[PATH_MAX];
	const char *doc;
	struct stat st;

	*t = (struct docs_tree){ .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .doc = FL_STR("Documentation/") };
	if (!full || stat(full, &st) < 0)
		return -errno;
	snprintf(dir, sizeof(dir), "%s", full);
	while (!(doc = find_doc(dir)) && dir[1])
		cut_last(dir);
	t->kernel = doc;
	t->is_linux = !doc || doc == doc_dirs[0];
	t->doc = doc ? fl_str(doc) : t->doc;
	if (!t->kernel) {
		snprintf(dir, sizeof(dir), "%s", full);
		if (!S_ISDIR(st.st_mode))
			cut_last(dir);
	}
	t->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	t->root = strdup(dir);
	if (!t->root)
		return -ENOMEM;
	if (strlen(full) > strlen(dir))
		fl_buf_addz(ret_rel, full + strlen(dir) + (dir[1] ? 1 : 0));
	return ret_rel->error;
}

int docs_tree_doc_root(struct docs_tree *t, const char *dir)
{
	char norm[PATH_MAX], full[PATH_MAX + 1];
	char *copy;

	if (!docs_normalize(fl_str(dir), norm, sizeof(norm)) || !norm[0] || !docs_tree_has(t, fl_str(norm)))
		return -ENOENT;
	snprintf(full, sizeof(full), "%s/", norm);
	if (faccessat(t->fd, full, F_OK, 0) < 0 && errno == ENOTDIR)
		return -ENOTDIR;
	copy = fl_arena_dup(&t->arena, fl_str(full));
	if (!copy)
		return -ENOMEM;
	t->doc = fl_str(copy);
	t->kernel = true;
	t->is_linux = !strcmp(full, doc_dirs[0]);
	return 0;
}

const char *docs_tree_doc_dir(const struct docs_tree *t)
{
	static _Thread_local char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%.*s", (int)(t->doc.n - 1), t->doc.p);
	return dir;
}

bool docs_is_in_doc(const struct docs_tree *t, const char *path)
{
	return !strncmp(path, t->doc.p, t->doc.n);
}

void docs_tree_close(struct docs_tree *t)
{
	for (size_t i = 0; i < t->nr_paths; i++)
		free(t->paths[i]);
	free(t->paths);
	free(t->root);
	fl_map_fini(&t->overlay);
	fl_arena_fini(&t->arena);
	if (t->fd >= 0)
		close(t->fd);
	*t = (struct docs_tree){ .fd = -1 };
}

int docs_tree_put(struct docs_tree *t, struct fl_str path, struct fl_str text)
{
	struct docs_overlay_file *f = FL_ARENA_NEW(&t->arena, struct docs_overlay_file);
	char *key = fl_arena_dup(&t->arena, path), *copy = text.p ? fl_arena_dup(&t->arena, text) : NULL;
	struct fl_map_entry *e;

	if (!f || !key || (text.p && !copy))
		return -ENOMEM;
	*f = (struct docs_overlay_file){ fl_str_n(copy, text.n), !text.p };
	e = fl_map_put(&t->overlay, fl_str_n(key, path.n), NULL);
	if (!e)
		return -ENOMEM;
	e->ptr = f;
	return 0;
}

int docs_tree_lend(struct docs_tree *t, struct fl_str path, struct fl_str text)
{
	struct fl_map_entry *e = fl_map_put(&t->overlay, path, NULL);
	struct docs_overlay_file *f = e ? e->ptr : NULL;

	if (e && !f)
		f = FL_ARENA_NEW(&t->arena, struct docs_overlay_file);
	if (!f)
		return -ENOMEM;
	*f = (struct docs_overlay_file){ .text = text };
	e->ptr = f;
	return 0;
}

void docs_tree_forget(struct docs_tree *t, struct fl_str path)
{
	struct fl_map_entry *e = fl_map_get(&t->overlay, path);

	if (e)
		e->ptr = NULL;
}

bool docs_is_file(const struct docs_tree *t, const char *path)
{
	struct stat st;

	return fstatat(t->fd, path, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static const struct docs_overlay_file *overlaid(const struct docs_tree *t, struct fl_str path)
{
	struct fl_map_entry *e = fl_map_get(&t->overlay, path);

	return e ? e->ptr : NULL;
}

static int size_of(int fd, size_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > DOCS_MAX_FILE)
		return -EFBIG;
	*ret = st.st_size;
	return 0;
}

/* Most files end within the first read, and need not be asked for their size. */
static int read_all(int fd, struct fl_buf *b)
{
	size_t size = FIRST_READ, want;
	ssize_t n;
	int r = 0;

	for (;;) {
		/* one byte more than the file has: a short read then tells its end */
		want = size > b->len ? size - b->len + 1 : 4096;
		char *room = fl_buf_reserve(b, want);

		if (!room)
			return -ENOMEM;
		n = read(fd, room, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		b->len += n;
		if ((size_t)n < want)
			break;
		if (size == FIRST_READ)
			r = size_of(fd, &size);
		if (r < 0 || b->len > DOCS_MAX_FILE)
			return r < 0 ? r : -EFBIG; /* it grows under our eyes */
	}
	b->data[b->len] = '\0';
	return b->error;
}

int docs_tree_read_at(const struct docs_tree *t, const char *path, int dir, const char *name, struct fl_buf *b)
{
	const struct docs_overlay_file *o = t->overlay.count ? overlaid(t, fl_str(path)) : NULL;
	_cleanup_close_ int fd = -1;
	size_t size;
	int r;

	fl_buf_reset(b);
	if (o) {
		fl_buf_add_str(b, o->text);
		return o->deleted ? -ENOENT : b->error;
	}
	if (dir < 0)
		name = path;
	fd = openat(dir < 0 ? t->fd : dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = dir < 0 ? size_of(fd, &size) : 0; /* what a directory lists as a file is one */
	return r < 0 ? r : read_all(fd, b);
}

int docs_tree_read(const struct docs_tree *t, const char *path, struct fl_buf *b)
{
	return docs_tree_read_at(t, path, -1, NULL, b);
}

bool docs_normalize(struct fl_str path, char *out, size_t size)
{
	size_t n = 0;

	if (path.n >= size)
		return false;
	while (path.n) {
		size_t end = fl_str_find(path, '/', 0);
		struct fl_str part = fl_str_sub(path, 0, end);

		path = fl_str_from(path, end + 1);
		if (!part.n || fl_str_is(part, "."))
			continue;
		if (fl_str_is(part, "..")) {
			if (!n)
				return false;
			while (n && out[n - 1] != '/')
				n--;
			n -= n > 0;
			continue;
		}
		if (n)
			out[n++] = '/';
		memcpy(out + n, part.p, part.n);
		n += part.n;
	}
	out[n] = '\0';
	return true;
}

/* Some overlaid file lies beneath @dir. */
static bool overlay_dir(const struct docs_tree *t, struct fl_str dir)
{
	fl_map_for_each(e, &t->overlay) {
		const struct docs_overlay_file *f = e->ptr;

		if (f && !f->deleted && e->key.n > dir.n && e->key.p[dir.n] == '/' &&
		    !memcmp(e->key.p, dir.p, dir.n))
			return true;
	}
	return false;
}

bool docs_tree_has(const struct docs_tree *t, struct fl_str path)
{
	const struct docs_overlay_file *o;
	char norm[PATH_MAX];

	if (memchr(path.p, '\0', path.n) || !docs_normalize(path, norm, sizeof(norm)))
		return false;
	if (!norm[0])
		return true;
	if (t->overlay.count) {
		o = overlaid(t, fl_str(norm));
		if (o)
			return !o->deleted;
		if (overlay_dir(t, fl_str(norm)))
			return true;
	}
	return faccessat(t->fd, norm, F_OK, 0) == 0;
}

/* -- the list of all files -- */

struct list {
	char **v;
	size_t n, cap;
};

static int list_add(struct list *l, char *path)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1024;
		char **v = reallocarray(l->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = path;
	return 0;
}

static bool is_dir(int fd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Symbolic links are files here and are not followed: no loop can be walked into. */
static int list_dir(const struct docs_tree *t, const char *dir, struct list *l, struct list *dirs)
{
	int fd = openat(t->fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT || errno == EACCES ? 0 : -errno; /* gone meanwhile */
	}
	while (!r && (e = readdir(d))) {
		char *path;

		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s%s%s", dir, dir[0] ? "/" : "", e->d_name) < 0)
			return -ENOMEM;
		r = list_add(is_dir(fd, e) ? dirs : l, path);
		if (r < 0)
			free(path);
	}
	return r;
}

static int path_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_overlay(struct docs_tree *t, struct list *l)
{
	fl_map_for_each(e, &t->overlay) {
		const struct docs_overlay_file *f = e->ptr;
		char *path;

		if (!f || f->deleted)
			continue;
		path = fl_str_dup(e->key);
		if (!path || list_add(l, path) < 0) {
			free(path);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Sorted, without doubles and without what the overlay deletes. */
static void tidy(struct docs_tree *t, struct list *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), path_cmp);
	for (size_t i = 0; i < l->n; i++) {
		const struct docs_overlay_file *o = overlaid(t, fl_str(l->v[i]));

		if ((o && o->deleted) || (n && !strcmp(l->v[n - 1], l->v[i])))
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

static int list_all(struct docs_tree *t)
{
	struct list l = {}, dirs = {};
	char *root;
	int r;

	root = strdup("");
	r = root ? list_add(&dirs, root) : -ENOMEM;
	while (!r && dirs.n) {
		char *dir = dirs.v[--dirs.n];

		r = list_dir(t, dir, &l, &dirs);
		free(dir);
	}
	if (!r)
		r = add_overlay(t, &l);
	while (dirs.n)
		free(dirs.v[--dirs.n]);
	free(dirs.v);
	tidy(t, &l);
	t->paths = l.v;
	t->nr_paths = l.n;
	return r;
}

int docs_tree_list(struct docs_tree *t)
{
	int r;

	pthread_mutex_lock(&t->lock);
	r = t->paths ? 0 : list_all(t);
	pthread_mutex_unlock(&t->lock);
	return r;
}

size_t docs_tree_lower(const struct docs_tree *t, struct fl_str prefix)
{
	size_t lo = 0, hi = t->nr_paths;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strncmp(t->paths[mid], prefix.p, prefix.n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* -- wildcards -- */

static bool has_wildcard(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("*?[", s.p[i]))
			return true;
	}
	return false;
}

static bool glob_from(const struct docs_tree *t, const char *dir, struct fl_str rest);

/* Tries each entry of @dir that matches @part, and goes on with @rest beneath it. */
static bool glob_dir(const struct docs_tree *t, const char *dir, struct fl_str part, struct fl_str rest)
{
	int fd = openat(t->fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char path[PATH_MAX];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct fl_str name = fl_str(e->d_name);

		if ((name.p[0] == '.' && part.p[0] != '.') || !fl_str_glob(part, name))
			continue;
		if (snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] ? "/" : "", name.p) < PATH_MAX &&
		    glob_from(t, path, rest))
			return true;
	}
	return false;
}

static bool glob_from(const struct docs_tree *t, const char *dir, struct fl_str rest)
{
	struct fl_str part;
	char path[PATH_MAX];
	size_t end;

	while (rest.n && rest.p[0] == '/')
		rest = fl_str_from(rest, 1);
	if (!rest.n)
		return docs_tree_has(t, fl_str(dir));
	end = fl_str_find(rest, '/', 0);
	part = fl_str_sub(rest, 0, end);
	rest = fl_str_from(rest, end);
	if (has_wildcard(part))
		return glob_dir(t, dir, part, rest);
	if (snprintf(path, sizeof(path), "%s%s%.*s", dir, dir[0] ? "/" : "", FL_STR_ARG(part)) >= PATH_MAX)
		return false;
	return docs_tree_has(t, fl_str(path)) && glob_from(t, path, rest);
}

/* "*" in no part of a path matches a "/". */
static bool overlay_glob(const struct docs_tree *t, struct fl_str pattern)
{
	size_t slashes = 0;

	for (size_t i = 0; i < pattern.n; i++)
		slashes += pattern.p[i] == '/';
	fl_map_for_each(e, &t->overlay) {
		const struct docs_overlay_file *f = e->ptr;
		size_t n = 0;

		for (size_t i = 0; i < e->key.n; i++)
			n += e->key.p[i] == '/';
		if (f && !f->deleted && n == slashes && fl_str_glob(pattern, e->key))
			return true;
	}
	return false;
}

bool docs_tree_glob(struct docs_tree *t, struct fl_str pattern)
{
	char norm[PATH_MAX];

	if (!has_wildcard(pattern))
		return docs_tree_has(t, pattern);
	if (memchr(pattern.p, '\0', pattern.n) || !docs_normalize(pattern, norm, sizeof(norm)))
		return false;
	return overlay_glob(t, fl_str(norm)) || glob_from(t, "", fl_str(norm));
}

/* -- what a file is -- */

bool docs_is_page(const char *path)
{
	struct fl_str p = fl_str(path);

	return fl_str_ends(p, ".rst") || fl_str_ends(p, ".rest");
}

bool docs_is_abi(const char *path)
{
	static const char *const dirs[] = { "stable/", "testing/", "obsolete/", "removed/" };
	const char *at = strstr(path, "Documentation/ABI/"), *name = strrchr(path, '/');
	struct fl_str p = fl_str(path);

	if (!at || !name || name[1] == '.' || !strcmp(name, "/README") || fl_str_ends(p, ".rst") ||
	    fl_str_ends(p, ".rej") || fl_str_ends(p, ".org") || fl_str_ends(p, ".orig") ||
	    fl_str_ends(p, ".bak") || fl_str_ends(p, "~"))
		return false;
	for (size_t i = 0; i < FL_ARRAY_SIZE(dirs); i++) {
		if (!strncmp(at + strlen("Documentation/ABI/"), dirs[i], strlen(dirs[i])))
			return true;
	}
	return false;
}

bool docs_is_c(const char *path)
{
	struct fl_str p = fl_str(path);

	return fl_str_ends(p, ".c") || fl_str_ends(p, ".h");
}
