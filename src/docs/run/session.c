/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work waits on a stack of jobs, each a directory or a handful of files of one. A worker that takes
 * a directory puts its subdirectories and its files back in pieces; so one huge directory is
 * shared, and no list of all files is needed before the first is read. Its files are opened from the
 * directory, which stays open until the last of them was read: that spares the kernel the path. Of a
 * tree so deep that many would be open at once, the files are opened by their whole path.
 */
#include "docs/run/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docs/kdoc/kdoc.h"

#define CHUNK	  2048 /* bytes of names a job */
#define MOST_DIRS 64   /* open at once */

struct docs_dir {
	atomic_uint refs;
	int fd; /* -1: by path */
	char path[];
};

/* A directory or file named by its path (no @in), or files of @in. */
struct docs_job {
	struct docs_job *next;
	struct docs_dir *in;
	bool dir;
	size_t n; /* bytes in names, one after the other, each with its NUL */
	char names[];
};

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

/* -- one file -- */

static bool wanted(const struct docs_run *run, const char *path)
{
	const struct docs_set *s = &run->opts->want;

	if (run->quiet)
		return docs_is_page(path);
	if (run->nr_needles)
		return true;
	return docs_set_reads(s, DOCS_READ_TEXT) ||
	       ((docs_set_reads(s, DOCS_READ_RST) || docs_set_reads(s, DOCS_READ_TREE)) &&
		(docs_is_page(path) || docs_is_abi(path) || docs_is_c(path))) ||
	       (docs_set_reads(s, DOCS_READ_ABI) && docs_is_abi(path)) ||
	       (docs_set_reads(s, DOCS_READ_KDOC) && docs_is_c(path)) ||
	       (docs_set_reads(s, DOCS_READ_MAINT) && !strcmp(path, "MAINTAINERS"));
}

static void read_c(struct docs_worker *w)
{
	docs_use(w, DOCS_USE_SOURCE, fl_str(w->path), 0, 0);
	kdoc_read(&w->sink, &w->scratch, w->kdoc, w->nr_kdoc, NULL, NULL);
}

static bool names_any(const struct docs_worker *w)
{
	for (size_t i = 0; i < w->run->nr_needles; i++) {
		if (memmem(w->sink.text.p, w->sink.text.n, w->run->needles[i].p, w->run->needles[i].n))
			return true;
	}
	return false;
}

/* For its toctrees: they name pages in ways that a search for bytes does not find. */
static void read_muted(struct docs_worker *w)
{
	w->sink.suppress++;
	docs_read_page(w);
	w->sink.suppress--;
}

static void read_file(struct docs_worker *w, const char *path, struct fl_str text)
{
	w->path = path;
	w->nr_kdoc = 0;
	docs_sink_file(&w->sink, path, text);
	if (w->run->nr_needles && !w->run->quiet)
		docs_find_names(w);
	else if (!w->run->quiet)
		docs_read_text(w);
	if (w->run->nr_needles) {
		if (docs_is_page(path) && (!w->run->quiet || names_any(w)))
			read_muted(w);
	} else if (docs_is_abi(path))
		docs_read_abi(w);
	else if (docs_is_page(path))
		docs_read_page(w);
	else if (w->nr_kdoc)
		read_c(w);
	else if (!strcmp(path, "MAINTAINERS"))
		docs_read_maintainers(w);
	if (w->scratch.blocks)
		fl_arena_reset(&w->scratch);
	docs_sink_file(&w->sink, NULL, fl_str_n("", 0));
}

/* @name is @path seen from @fd, or @fd is negative. */
static void take_file(struct docs_worker *w, const char *path, int fd, const char *name)
{
	char *keep;
	int r;

	if (!wanted(w->run, path))
		return;
	r = docs_tree_read_at(w->run->tree, path, fd, name, &w->text);
	if (r == -ENOMEM)
		w->sink.error = r;
	if (r < 0)
		return; /* gone meanwhile, no file, or not ours to read */
	keep = fl_arena_dup(&w->sink.arena, fl_str(path));
	if (!keep) {
		w->sink.error = -ENOMEM;
		return;
	}
	read_file(w, keep, fl_buf_str(&w->text));
	if (w->run->opts->progress)
		atomic_fetch_add_explicit(w->run->opts->progress, 1, memory_order_relaxed);
	if (w->text.cap > (64u << 20))
		fl_buf_fini(&w->text); /* one huge file does not keep its memory */
}

/* -- jobs -- */

static void push(struct docs_run *run, struct docs_job *j)
{
	pthread_mutex_lock(&run->lock);
	j->next = run->jobs;
	run->jobs = j;
	pthread_cond_signal(&run->more);
	pthread_mutex_unlock(&run->lock);
}

/* @idle: the worker comes with nothing in hand. NULL when nobody has work and nobody makes more. */
static struct docs_job *pop(struct docs_run *run, bool idle)
{
	struct docs_job *j;

	pthread_mutex_lock(&run->lock);
	if (!idle)
		run->busy--;
	while (!run->jobs && run->busy)
		pthread_cond_wait(&run->more, &run->lock);
	j = run->jobs;
	if (j) {
		run->jobs = j->next;
		run->busy++;
	} else {
		pthread_cond_broadcast(&run->more);
	}
	pthread_mutex_unlock(&run->lock);
	return j;
}

static void dir_unref(struct docs_run *run, struct docs_dir *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
		return;
	if (d->fd >= 0) {
		close(d->fd);
		atomic_fetch_sub(&run->open_dirs, 1);
	}
	free(d);
}

static void job_free(struct docs_run *run, struct docs_job *j)
{
	dir_unref(run, j->in);
	free(j);
}

static int push_path(struct docs_run *run, const char *dir, const char *name, bool is_dir)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	struct docs_job *j = malloc(sizeof(*j) + size);

	if (!j)
		return -ENOMEM;
	*j = (struct docs_job){ .dir = is_dir, .n = size };
	snprintf(j->names, size, "%s%s%s", dir, dir[0] && name[0] ? "/" : "", name);
	j->n = strlen(j->names) + 1;
	push(run, j);
	return 0;
}

/* Adds a file of @in to *@j, which is pushed when it is full. */
static int add_file(struct docs_run *run, struct docs_job **j, struct docs_dir *in, const char *name)
{
	size_t size = strlen(name) + 1;

	if (*j && (*j)->n + size > CHUNK) {
		push(run, *j);
		*j = NULL;
	}
	if (!*j) {
		*j = malloc(sizeof(**j) + CHUNK);
		if (!*j)
			return -ENOMEM;
		**j = (struct docs_job){ .in = in };
		atomic_fetch_add(&in->refs, 1);
	}
	memcpy((*j)->names + (*j)->n, name, size);
	(*j)->n += size;
	return 0;
}

static int entry_type(int fd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type;
	if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static struct docs_dir *new_dir(struct docs_run *run, const char *path, int fd)
{
	struct docs_dir *d = malloc(sizeof(*d) + strlen(path) + 1);

	if (!d)
		return NULL;
	atomic_init(&d->refs, 1);
	memcpy(d->path, path, strlen(path) + 1);
	d->fd = -1;
	if (atomic_fetch_add(&run->open_dirs, 1) < MOST_DIRS)
		d->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (d->fd < 0)
		atomic_fetch_sub(&run->open_dirs, 1);
	return d;
}

/* Hidden entries, links and devices are left out: no loop can be walked into. */
static void take_dir(struct docs_worker *w, const char *dir)
{
	int fd = openat(w->run->tree->fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct docs_dir *in = d ? new_dir(w->run, dir, fd) : NULL;
	struct docs_job *files = NULL;
	struct dirent *e;
	int r = d && !in ? -ENOMEM : 0;

	while (in && !r && (e = readdir(d))) {
		int type = e->d_name[0] == '.' ? DT_UNKNOWN : entry_type(fd, e);

		if (type == DT_DIR)
			r = push_path(w->run, dir, e->d_name, true);
		else if (type == DT_REG)
			r = add_file(w->run, &files, in, e->d_name);
	}
	if (r < 0)
		w->sink.error = r;
	if (files)
		push(w->run, files);
	dir_unref(w->run, in);
}

static void take_files(struct docs_worker *w, const struct docs_job *j)
{
	char path[PATH_MAX];

	for (size_t at = 0; at < j->n; at += strlen(j->names + at) + 1) {
		const char *name = j->names + at;

		if (snprintf(path, sizeof(path), "%s%s%s", j->in->path, j->in->path[0] ? "/" : "", name) <
		    (int)sizeof(path))
			take_file(w, path, j->in->fd, name);
	}
}

static void *work(void *arg)
{
	struct docs_worker *w = arg;
	struct docs_job *j;

	for (bool idle = true; (j = pop(w->run, idle)); idle = false) {
		if (j->dir)
			take_dir(w, j->names);
		else if (j->in)
			take_files(w, j);
		else
			take_file(w, j->names, -1, NULL);
		job_free(w->run, j);
	}
	return NULL;
}

/* -- the run -- */

int docs_run_init(struct docs_run *run, struct docs_tree *tree, const struct docs_opts *opts)
{
	unsigned int n = opts->threads ? opts->threads : (unsigned int)FL_MAX(1L, sysconf(_SC_NPROCESSORS_ONLN));

	*run = (struct docs_run){ .tree = tree, .opts = opts, .lock = PTHREAD_MUTEX_INITIALIZER,
				  .more = PTHREAD_COND_INITIALIZER };
	run->workers = calloc(n, sizeof(*run->workers));
	if (!run->workers)
		return -ENOMEM;
	run->nr_workers = n;
	for (unsigned int i = 0; i < n; i++) {
		run->workers[i].run = run;
		run->workers[i].sink.want = &opts->want;
		run->workers[i].sink.level = opts->level;
	}
	return 0;
}

void docs_run_fini(struct docs_run *run)
{
	for (unsigned int i = 0; i < run->nr_workers; i++) {
		struct docs_worker *w = &run->workers[i];

		docs_sink_fini(&w->sink);
		fl_buf_fini(&w->text);
		fl_map_fini(&w->exists);
		fl_arena_fini(&w->scratch);
		free(w->kdoc);
	}
	while (run->jobs) {
		struct docs_job *next = run->jobs->next;

		job_free(run, run->jobs);
		run->jobs = next;
	}
	if (run->symbols_started)
		docs_wait_symbols(run);
	fl_map_fini(&run->symbols);
	fl_arena_fini(&run->symbol_arena);
	free(run->workers);
	free(run->v);
	*run = (struct docs_run){};
}

static int add_operand(struct docs_run *run, const char *path)
{
	struct stat st;

	return push_path(run, path, "",
			 !path[0] || (fstatat(run->tree->fd, path, &st, 0) == 0 && S_ISDIR(st.st_mode)));
}

/* Runs @fn on all workers at once; on fewer where threads are short. */
void docs_run_all(struct docs_run *run, void *(*fn)(void *worker))
{
	unsigned int started = 0;

	for (unsigned int i = 1; i < run->nr_workers; i++) {
		if (pthread_create(&run->workers[i].thread, NULL, fn, &run->workers[i]))
			break;
		started = i;
	}
	fn(&run->workers[0]);
	for (unsigned int i = 1; i <= started; i++)
		pthread_join(run->workers[i].thread, NULL);
}

int docs_run_paths(struct docs_run *run, const char *const *paths, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		run->whole |= !run->nr_needles && (!paths[i][0] || !strcmp(paths[i], "Documentation"));
		r = add_operand(run, paths[i]);
	}
	if (!r && !run->quiet && !run->nr_needles && run->whole && !run->opts->local &&
	    docs_wants(&run->workers[0].sink, DOCS_CONFIG_UNKNOWN))
		docs_start_symbols(run);
	if (!r)
		docs_run_all(run, work);
	return r;
}

int docs_run_text(struct docs_run *run, const char *path, struct fl_str text)
{
	struct docs_worker *w = &run->workers[0];
	char *keep = fl_arena_dup(&w->sink.arena, fl_str(path));

	if (!keep)
		return -ENOMEM;
	read_file(w, keep, text);
	return w->sink.error;
}

static int finding_cmp(const void *a, const void *b)
{
	const struct docs_finding *x = a, *y = b;
	int r = strcmp(x->file ? x->file : "", y->file ? y->file : "");

	if (r)
		return r;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->col != y->col)
		return x->col < y->col ? -1 : 1;
	if (x->check != y->check)
		return x->check < y->check ? -1 : 1;
	return strcmp(x->message, y->message);
}

int docs_run_finish(struct docs_run *run)
{
	docs_judge_tree(run);
	return docs_run_sort(run);
}

int docs_run_sort(struct docs_run *run)
{
	size_t n = 0;
	int r = 0;

	for (unsigned int i = 0; i < run->nr_workers; i++) {
		n += run->workers[i].sink.n;
		r = r ? r : run->workers[i].sink.error;
	}
	free(run->v);
	run->v = calloc(n + 1, sizeof(*run->v));
	if (!run->v)
		return -ENOMEM;
	run->n = 0;
	for (unsigned int i = 0; i < run->nr_workers; i++) {
		const struct docs_sink *s = &run->workers[i].sink;

		if (s->n)
			memcpy(run->v + run->n, s->v, s->n * sizeof(*s->v));
		run->n += s->n;
	}
	if (run->n)
		qsort(run->v, run->n, sizeof(*run->v), finding_cmp);
	n = 0; /* a comment that two pages include is read twice */
	for (size_t i = 0; i < run->n; i++) {
		if (!n || finding_cmp(&run->v[n - 1], &run->v[i]))
			run->v[n++] = run->v[i];
	}
	run->n = n;
	return r ? r : run->error;
}

/* -- facts -- */

struct docs_use *docs_use(struct docs_worker *w, enum docs_use_kind kind, struct fl_str name,
			  uint32_t line, uint32_t col)
{
	struct docs_use *u = FL_ARENA_NEW(&w->sink.arena, struct docs_use);
	struct fl_str text = fl_str_sub(docs_sink_line(&w->sink, line), 0, 1000);

	if (!u) {
		w->sink.error = -ENOMEM;
		return NULL;
	}
	u->name = fl_str_n(fl_arena_dup(&w->sink.arena, name), name.n);
	u->text = fl_str_n(fl_arena_dup(&w->sink.arena, text), text.n);
	if (!u->name.p || !u->text.p) {
		w->sink.error = -ENOMEM;
		return NULL;
	}
	u->file = w->path;
	u->line = line;
	u->col = col;
	u->quiet = w->run->quiet || w->quiet;
	u->next = w->uses[kind];
	w->uses[kind] = u;
	return u;
}

/* "Documentation/a/b.rst" is "a/b", as Sphinx calls it. */
static struct fl_str page_name(const char *page)
{
	struct fl_str s = fl_str(page);

	if (fl_str_starts(s, "Documentation/"))
		s = fl_str_from(s, 14);
	if (fl_str_ends(s, ".rst"))
		s.n -= 4;
	return s;
}

void docs_use_c(struct docs_worker *w, const char *kind, struct fl_str name, const char *page,
		uint32_t page_line, uint32_t line, uint32_t col)
{
	char *place = docs_sink_printf(&w->sink, "%.*s:%u", FL_STR_ARG(page_name(page)), page_line);
	char *full = docs_sink_printf(&w->sink, "%s %.*s", kind, FL_STR_ARG(name));
	struct docs_use *u = place && full ? docs_use(w, DOCS_USE_C, fl_str(full), line, col) : NULL;

	if (u)
		u->extra = fl_str(place);
}

struct docs_finding *docs_report_use(struct docs_sink *s, enum docs_check c, const struct docs_use *u,
				     const char *fmt, ...)
{
	struct docs_finding *f;
	char text[600];
	va_list ap;

	if (u->quiet || !docs_wants(s, c))
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f = docs_report(s, c, 0, u->col, FL_MIN(u->name.n, (size_t)UINT16_MAX), "%s", text);
	if (!f)
		return NULL;
	f->file = u->file;
	f->line = f->docline = u->line;
	f->text = u->text;
	f->plain = false;
	docs_finding_columns(f);
	return f;
}

bool docs_exists(struct docs_worker *w, struct fl_str path)
{
	struct fl_map_entry *e = fl_map_get(&w->exists, path);
	char *key;

	if (e)
		return e->num == 2;
	key = fl_arena_dup(&w->sink.arena, path);
	e = key ? fl_map_put(&w->exists, fl_str_n(key, path.n), NULL) : NULL;
	if (!e) {
		w->sink.error = -ENOMEM;
		return true;
	}
	e->num = docs_tree_glob(w->run->tree, path) ? 2 : 1;
	return e->num == 2;
}
