/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session reads in up to three steps. First the files that were asked for (jobs.c hands them out).
 * Then, where those leave something open that other files could answer, the rest of Documentation,
 * for its facts alone. Then the kernel-doc comments that pages include: by then it is known which
 * pages include which files, so each C file is read once for all of them. At the end graph.c judges
 * the facts of all workers against each other.
 */
#include "docs/run/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docs/abi/abi.h"
#include "docs/graph/graph.h"
#include "docs/kdoc/kdoc.h"
#include "docs/read/comments.h"
#include "docs/read/read.h"
#include "docs/run/private.h"

/* -- one file -- */

static bool wanted(const struct docs_session *s, const char *path)
{
	const struct docs_set *want = &s->opts->want;

	if (s->quiet)
		return docs_is_page(path);
	if (s->each)
		return true;
	return docs_set_reads(want, DOCS_READ_TEXT) ||
	       ((docs_set_reads(want, DOCS_READ_RST) || docs_set_reads(want, DOCS_READ_TREE)) &&
		(docs_is_page(path) || docs_is_abi(path) || docs_is_c(path))) ||
	       (docs_set_reads(want, DOCS_READ_ABI) && docs_is_abi(path)) ||
	       (docs_set_reads(want, DOCS_READ_KDOC) && docs_is_c(path)) ||
	       (docs_set_reads(want, DOCS_READ_MAINT) && !strcmp(path, "MAINTAINERS"));
}

static void read_c(struct docs_worker *w)
{
	docs_fact_add(w, DOCS_FACT_SOURCE, fl_str(w->path), 0, 0);
	kdoc_read(&w->sink, &w->scratch, w->kernel_doc, w->kdoc, w->nr_kdoc, NULL, NULL);
}

static void read_file(struct docs_session *s, struct docs_worker *w, const char *path, struct fl_str text)
{
	w->path = path;
	w->nr_kdoc = 0;
	docs_sink_file(&w->sink, path, text);
	if (!w->quiet && !s->each)
		docs_read_bytes(w);
	if (s->each)
		s->each(s->each_ctx, w);
	else if (s->tree->is_linux && docs_is_abi(path))
		docs_read_abi(w);
	else if (docs_is_page(path))
		docs_read_page(w);
	else if (w->nr_kdoc)
		read_c(w);
	else if (s->tree->is_linux && !strcmp(path, "MAINTAINERS"))
		docs_read_maintainers(w);
	if (w->scratch.blocks)
		fl_arena_reset(&w->scratch);
	docs_sink_file(&w->sink, NULL, fl_str_n("", 0));
}

static void take_file(void *ctx, struct docs_worker *w, const char *path, int fd, const char *name)
{
	struct docs_session *s = ctx;
	char *keep;
	int r;

	if (!wanted(s, path))
		return;
	r = docs_tree_read_at(w->tree, path, fd, name, &w->text);
	if (r == -ENOMEM)
		w->sink.error = r;
	else if (r < 0 && r != -ENOENT && !w->quiet) /* gone meanwhile is no failure */
		docs_note_unread(w, path, r);
	if (r < 0)
		return;
	keep = fl_arena_dup(&w->sink.arena, fl_str(path));
	if (!keep) {
		w->sink.error = -ENOMEM;
		return;
	}
	read_file(s, w, keep, fl_buf_str(&w->text));
	if (w->opts->progress)
		atomic_fetch_add_explicit(w->opts->progress, 1, memory_order_relaxed);
	if (w->text.cap > (64u << 20))
		fl_buf_fini(&w->text); /* one huge file does not keep its memory */
}

/* -- all workers at once -- */

struct docs_thread {
	struct docs_session *session;
	struct docs_worker *worker;
	void (*step)(struct docs_session *s, struct docs_worker *w);
	pthread_t id;
};

static void *run_step(void *arg)
{
	struct docs_thread *t = arg;

	t->step(t->session, t->worker);
	return NULL;
}

/* Runs @step on all workers at once; on fewer where threads are short. */
static void run_all(struct docs_session *s, void (*step)(struct docs_session *s, struct docs_worker *w))
{
	struct docs_thread *v = calloc(s->nr_workers, sizeof(*v));
	unsigned int started = 0;

	for (unsigned int i = 1; v && i < s->nr_workers; i++) {
		v[i] = (struct docs_thread){ .session = s, .worker = &s->workers[i], .step = step };
		if (pthread_create(&v[i].id, NULL, run_step, &v[i]))
			break;
		started = i;
	}
	step(s, &s->workers[0]);
	for (unsigned int i = 1; i <= started; i++)
		pthread_join(v[i].id, NULL);
	free(v);
}

static void take_jobs(struct docs_session *s, struct docs_worker *w)
{
	w->quiet = s->quiet;
	docs_jobs_work(&s->jobs, w);
	w->quiet = false;
}

/* Files beneath @dir that a patch adds: no walk through the folders meets them. */
static int add_laid_over(struct docs_session *s, const char *dir)
{
	size_t n = strlen(dir);
	struct stat st;
	int r = 0;

	fl_map_for_each(e, &s->tree->overlay) {
		const struct docs_overlay_file *f = e->ptr;

		if (f && !f->deleted && (!n || (!strncmp(e->key.p, dir, n) && e->key.p[n] == '/')) &&
		    fstatat(s->tree->fd, e->key.p, &st, 0) < 0)
			r = r ? r : docs_jobs_add(&s->jobs, e->key.p);
	}
	return r;
}

static int read_paths(struct docs_session *s, const char *const *paths, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = docs_jobs_add(&s->jobs, paths[i]);
	for (size_t i = 0; i < n && !r; i++)
		r = add_laid_over(s, paths[i]);
	if (!r)
		run_all(s, take_jobs);
	return r;
}

/* -- what the files leave open -- */

/* The rest of Documentation for its facts. */
static int read_rest(struct docs_session *s)
{
	const char *docs[] = { docs_tree_doc_dir(s->tree) };
	int r;

	s->quiet = true;
	r = read_paths(s, docs, 1);
	s->quiet = false;
	return r;
}

static int read_open(struct docs_session *s, struct docs_graph *g)
{
	int r;

	if (!s->tree->kernel || s->opts->local || s->whole || !docs_graph_wanted(g) || !docs_graph_unresolved(g))
		return 0;
	r = read_rest(s);
	docs_graph_drop_old(g);
	docs_graph_collect(g);
	return r;
}

/* -- comments that pages include -- */

/* Facts of kernel-doc directives, in the order of the files that they name. */
struct docs_comments {
	const struct docs_graph *graph;
	const struct docs_fact **v;
	size_t n;
	atomic_size_t next;
	bool quiet;
};

static int by_name(const void *a, const void *b)
{
	const struct docs_fact *x = *(const struct docs_fact *const *)a, *y = *(const struct docs_fact *const *)b;
	int r = fl_str_cmp(x->name, y->name);

	return r ? r : docs_fact_cmp(a, b);
}

/* Directives of pages and files that the session was asked for are read aloud. */
static bool is_quiet(const struct docs_comments *c, const struct docs_fact *u)
{
	return u->quiet && !fl_map_get(&c->graph->sources, u->name);
}

static void take_comments(struct docs_session *s, struct docs_worker *w)
{
	struct docs_comments *c = s->comments;
	size_t i, end;

	w->quiet = c->quiet;
	while ((i = atomic_fetch_add(&c->next, 1)) < c->n) {
		if (i && fl_str_eq(c->v[i]->name, c->v[i - 1]->name))
			continue;
		for (end = i + 1; end < c->n && fl_str_eq(c->v[i]->name, c->v[end]->name); end++)
			;
		docs_read_comments(w, c->v + i, end - i);
	}
	w->quiet = false;
}

static int read_comments(struct docs_session *s, const struct docs_graph *g, bool quiet)
{
	struct docs_comments c = { .graph = g, .quiet = quiet };
	size_t n;

	c.v = docs_graph_sorted(g, DOCS_FACT_KDOC, &n);
	if (!c.v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (is_quiet(&c, c.v[i]) == quiet)
			c.v[c.n++] = c.v[i];
	}
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_name);
	s->comments = &c;
	run_all(s, take_comments);
	s->comments = NULL;
	free(c.v);
	return 0;
}

/* -- the session -- */

int docs_session_init(struct docs_session *s, struct docs_tree *tree, const struct docs_opts *opts)
{
	unsigned int n = opts->threads ? opts->threads : (unsigned int)FL_MAX(1L, sysconf(_SC_NPROCESSORS_ONLN));

	*s = (struct docs_session){ .tree = tree, .opts = opts, .symbols = { .tree = tree },
				    .jobs = { .lock = PTHREAD_MUTEX_INITIALIZER,
					      .more = PTHREAD_COND_INITIALIZER,
					      .fd = tree->fd, .take = take_file, .ctx = s } };
	s->workers = calloc(n, sizeof(*s->workers));
	if (!s->workers)
		return -ENOMEM;
	s->nr_workers = n;
	for (unsigned int i = 0; i < n; i++)
		docs_worker_init(&s->workers[i], tree, opts->conf ? opts->conf : &s->conf, opts);
	return opts->conf ? 0 : docs_conf_read(&s->conf, tree);
}

void docs_session_fini(struct docs_session *s)
{
	for (unsigned int i = 0; i < s->nr_workers; i++)
		docs_worker_fini(&s->workers[i]);
	docs_jobs_fini(&s->jobs);
	docs_symbols_fini(&s->symbols);
	docs_conf_fini(&s->conf);
	free(s->workers);
	free(s->v);
	*s = (struct docs_session){};
}

int docs_session_paths(struct docs_session *s, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->whole |= !paths[i][0] || !strcmp(paths[i], docs_tree_doc_dir(s->tree));
	if (s->whole && !s->opts->local && docs_wants(&s->workers[0].sink, DOCS_CONFIG_UNKNOWN))
		docs_symbols_start(&s->symbols);
	return read_paths(s, paths, n);
}

int docs_session_each(struct docs_session *s, const char *const *paths, size_t n,
		      void (*each)(void *ctx, struct docs_worker *w), void *ctx)
{
	int r;

	s->each = each;
	s->each_ctx = ctx;
	r = read_paths(s, paths, n);
	s->each = NULL;
	return r;
}

int docs_session_text(struct docs_session *s, const char *path, struct fl_str text)
{
	struct docs_worker *w = &s->workers[0];
	char *keep = fl_arena_dup(&w->sink.arena, fl_str(path));

	if (!keep)
		return -ENOMEM;
	read_file(s, w, keep, text);
	return w->sink.error;
}

static bool names_symbols(const struct docs_session *s)
{
	for (unsigned int i = 0; i < s->nr_workers; i++) {
		if (s->workers[i].facts[DOCS_FACT_CONFIG])
			return true;
	}
	return false;
}

static int judge(struct docs_session *s, struct docs_graph *g)
{
	int r;

	docs_graph_collect(g);
	r = read_open(s, g);
	if (!r)
		r = read_comments(s, g, false);
	docs_graph_collect(g);
	if (!r && docs_graph_wanted(g) && s->tree->kernel && !s->opts->local && docs_graph_incomplete(g))
		r = read_comments(s, g, true);
	if (!r && !s->opts->local && names_symbols(s))
		r = docs_symbols_wait(&s->symbols);
	docs_graph_judge(g, &s->symbols.names);
	return r;
}

/* What conf.py computes is told once, where the whole of the pages is asked for. */
static void tell_computed(struct docs_session *s, struct docs_worker *w)
{
	fl_map_for_each(e, &s->conf.computed) {
		size_t file = fl_str_find(e->key, ' ', 0);
		char *path = fl_arena_dup(&w->sink.arena, fl_str_sub(e->key, 0, file));

		if (!path || docs_tree_read(w->tree, path, &w->text) < 0)
			continue;
		docs_sink_file(&w->sink, path, fl_buf_str(&w->text));
		docs_report(&w->sink, DOCS_CONF_COMPUTED, e->num, 0, 0,
			    "what %.*s is given here is computed and was not read",
			    FL_STR_ARG(fl_str_from(e->key, file + 1)));
		docs_sink_file(&w->sink, NULL, fl_str_n("", 0));
	}
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

/* All findings of the workers, in order. */
static int gather(struct docs_session *s)
{
	size_t n = 0;
	int r = 0;

	for (unsigned int i = 0; i < s->nr_workers; i++) {
		n += s->workers[i].sink.n;
		r = r ? r : s->workers[i].sink.error;
	}
	free(s->v);
	s->v = calloc(n + 1, sizeof(*s->v));
	if (!s->v)
		return -ENOMEM;
	s->n = 0;
	for (unsigned int i = 0; i < s->nr_workers; i++) {
		const struct docs_sink *from = &s->workers[i].sink;

		if (from->n)
			memcpy(s->v + s->n, from->v, from->n * sizeof(*s->v));
		s->n += from->n;
	}
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), finding_cmp);
	n = 0; /* a comment that two pages include is read twice */
	for (size_t i = 0; i < s->n; i++) {
		if (!n || finding_cmp(&s->v[n - 1], &s->v[i]))
			s->v[n++] = s->v[i];
	}
	s->n = n;
	return r;
}

int docs_session_sort(struct docs_session *s)
{
	int r = gather(s);

	if (!r)
		docs_ignore(s, false);
	return r;
}

int docs_session_finish(struct docs_session *s)
{
	struct docs_graph g;
	int r;

	docs_graph_init(&g, s->workers, s->nr_workers);
	r = judge(s, &g);
	if (s->whole)
		tell_computed(s, &s->workers[0]);
	docs_graph_fini(&g);
	if (!r)
		r = gather(s);
	if (!r)
		docs_ignore(s, true);
	return r ? r : docs_session_sort(s);
}
