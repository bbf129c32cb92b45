/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/fact/fact.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void docs_worker_init(struct docs_worker *w, struct docs_tree *tree, const struct docs_conf *conf,
		      const struct docs_opts *opts)
{
	*w = (struct docs_worker){ .tree = tree, .conf = conf, .opts = opts,
				   .sink = { .want = &opts->want, .level = opts->level } };
	w->kernel_doc = opts->kernel_doc;
	if (!opts->kernel_doc_given)
		w->kernel_doc = docs_tree_has(tree, FL_STR("tools/lib/python/kdoc")) ? KDOC_7_3 : KDOC_6_12;
}

void docs_worker_fini(struct docs_worker *w)
{
	docs_sink_fini(&w->sink);
	fl_buf_fini(&w->text);
	fl_map_fini(&w->exists);
	fl_arena_fini(&w->scratch);
	free(w->kdoc);
}

struct docs_fact *docs_fact_add(struct docs_worker *w, enum docs_fact_kind kind, struct fl_str name,
			  uint32_t line, uint32_t col)
{
	struct docs_fact *u = FL_ARENA_NEW(&w->sink.arena, struct docs_fact);
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
	u->quiet = w->quiet;
	u->next = w->facts[kind];
	w->facts[kind] = u;
	return u;
}

/* "Documentation/a/b.rst" is "a/b", as Sphinx calls it. */
static struct fl_str page_name(const struct docs_tree *t, const char *page)
{
	struct fl_str s = fl_str(page);

	if (docs_is_in_doc(t, page))
		s = fl_str_from(s, t->doc.n);
	if (fl_str_ends(s, ".rst"))
		s.n -= 4;
	return s;
}

struct docs_fact *docs_fact_c(struct docs_worker *w, const char *kind, struct fl_str name, const char *page,
		uint32_t page_line, uint32_t line, uint32_t col)
{
	char *place = docs_sink_printf(&w->sink, "%.*s:%u", FL_STR_ARG(page_name(w->tree, page)), page_line);
	char *full = docs_sink_printf(&w->sink, "%s %.*s", kind, FL_STR_ARG(name));
	struct docs_fact *u = place && full ? docs_fact_add(w, DOCS_FACT_C, fl_str(full), line, col) : NULL;

	if (u)
		u->extra = fl_str(place);
	return u;
}

struct docs_finding *docs_report_fact(struct docs_sink *s, enum docs_check c, const struct docs_fact *u,
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
	e->num = docs_tree_glob(w->tree, path) ? 2 : 1;
	return e->num == 2;
}

/* Pages in Sphinx's order, which knows them without their end: "a" stands before "a-b". */
static int page_cmp(const char *x, const char *y)
{
	struct fl_str a = fl_str(x), b = fl_str(y);

	a.n -= fl_str_ends(a, ".rst") ? 4 : 0;
	b.n -= fl_str_ends(b, ".rst") ? 4 : 0;
	return fl_str_cmp(a, b);
}

int docs_fact_cmp(const void *a, const void *b)
{
	const struct docs_fact *x = *(const struct docs_fact *const *)a, *y = *(const struct docs_fact *const *)b;
	int r = page_cmp(x->file, y->file);

	if (!r)
		r = x->line < y->line ? -1 : x->line > y->line;
	if (!r)
		r = fl_str_cmp(x->extra, y->extra); /* one comment that two pages include */
	return r ? r : page_cmp(docs_fact_page(x), docs_fact_page(y));
}

void docs_note_comment(struct docs_worker *w, size_t at)
{
	if (w->nr_kdoc == w->cap_kdoc) {
		size_t cap = w->cap_kdoc ? w->cap_kdoc * 2 : 64;
		uint32_t *v = reallocarray(w->kdoc, cap, sizeof(*v));

		if (!v) {
			w->sink.error = -ENOMEM;
			return;
		}
		w->kdoc = v;
		w->cap_kdoc = cap;
	}
	w->kdoc[w->nr_kdoc++] = at;
}

void docs_note_unread(struct docs_worker *w, const char *path, int error)
{
	struct docs_unread *u = FL_ARENA_NEW(&w->sink.arena, struct docs_unread);

	if (u)
		*u = (struct docs_unread){ fl_arena_dup(&w->sink.arena, fl_str(path)), error, w->unread };
	if (u && u->path)
		w->unread = u;
	else
		w->sink.error = -ENOMEM;
}
