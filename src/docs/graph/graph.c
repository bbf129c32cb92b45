/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What files say of each other is a graph: pages, labels, ABI names and C names are its nodes, and
 * toctree entries, references and kernel-doc directives its edges. Workers keep its pieces as facts
 * while they read; nothing can be judged before the last file was read, because a label may stand in
 * any of them. Then the facts of all workers are gone over once a kind, with a map by name:
 *
 * - names that must be unique (labels, Whats, C names) are sorted by file and line first, so that the
 *   copy that is blamed is the same in every session, however the workers shared the files;
 * - names that must exist (:ref:, CONFIG_) are looked up;
 * - pages must be reached: from a toctree, by its entry or its pattern, or as part of another page.
 *
 * A session over a part of the tree knows only that part's facts. docs_graph_unresolved() tells that
 * something hangs in the air; then the session reads the rest of Documentation for its facts alone
 * ("quiet": nothing is reported there), and collects again.
 *
 * Limits: names are compared as text. What Sphinx computes while it runs (labels of extensions, pages
 * made by the build) is known by name or by pattern only.
 */
#include "docs/graph/graph.h"

#include <stdlib.h>

#include "base/util.h"

#define each_fact(u, g, kind)                                                                      \
	for (unsigned int i_ = 0; i_ < (g)->nr_workers; i_++)                                      \
		for (const struct docs_fact *u = (g)->workers[i_].facts[kind]; u; u = u->next)

const struct docs_fact **docs_graph_sorted(const struct docs_graph *g, enum docs_fact_kind kind, size_t *ret_n)
{
	const struct docs_fact **v;
	size_t n = 0;

	each_fact(u, g, kind)
		n++;
	v = calloc(n + 1, sizeof(*v));
	*ret_n = v ? n : 0;
	n = 0;
	each_fact(u, g, kind) {
		if (v)
			v[n++] = u;
	}
	if (v)
		qsort(v, n, sizeof(*v), docs_fact_cmp);
	return v;
}

/* -- ABI names -- */

static int by_name(const void *a, const void *b)
{
	const struct docs_fact *x = *(const struct docs_fact *const *)a, *y = *(const struct docs_fact *const *)b;
	int r = fl_str_cmp(x->name, y->name);

	return r ? r : docs_fact_cmp(a, b);
}

/* @v: all places of one name. */
static void twice_defined(struct docs_graph *g, const struct docs_fact *const *v, size_t n)
{
	_cleanup_buf_ struct fl_buf places = {};

	for (size_t i = 0; i < n; i++)
		fl_buf_addf(&places, " %s:%u", v[i]->file, v[i]->line);
	docs_report_fact(g->sink, DOCS_ABI_DUPLICATE, v[n - 1], "%.*s is defined %zu times: %s",
			 FL_STR_ARG(v[0]->name), n, fl_buf_z(&places));
}

static void judge_abi(struct docs_graph *g)
{
	size_t n;
	const struct docs_fact **v = docs_graph_sorted(g, DOCS_FACT_ABI, &n);

	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && fl_str_eq(v[to]->name, v[from]->name); to++)
			;
		if (to > from + 1)
			twice_defined(g, v + from, to - from);
	}
	free(v);
}

/* -- labels -- */

static bool has_title(const struct docs_fact *u)
{
	return fl_str_is(u->extra, "t");
}

/*
 * As Sphinx keeps them: a label without a title can be named with a text alone, and neither takes the
 * name from another nor is in the way of one; of two with a title the later counts.
 */
static void collect_labels(struct docs_graph *g)
{
	size_t n;
	const struct docs_fact **v = docs_graph_sorted(g, DOCS_FACT_LABEL, &n);

	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct fl_map_entry *e = fl_map_put(&g->labels, v[i]->name, &fresh);
		const struct docs_fact *old = e && !fresh ? e->ptr : NULL;

		if (old && has_title(old) && strcmp(docs_fact_page(old), docs_fact_page(v[i])))
			docs_report_fact(g->sink, DOCS_LABEL_DUPLICATE, v[i],
					 "duplicate label %.*s, other instance in %s:%u%s%s", FL_STR_ARG(v[i]->name),
					 old->file, old->line, old->page ? ", which is part of " : "",
					 old->page ? old->page : "");
		if (e && (fresh || has_title(v[i])))
			e->ptr = (void *)v[i];
	}
	free(v);
}

/* Made by Sphinx, by its extensions, or not to be known without them. */
static bool foreign_label(struct fl_str name)
{
	return fl_str_is(name, "genindex") || fl_str_is(name, "modindex") || fl_str_is(name, "search") ||
	       fl_str_starts(name, "abi_") || fl_str_is(name, "maintainers") || fl_str_is(name, "specs") ||
	       fl_str_starts(name, "netlink-") || memchr(name.p, ':', name.n);
}

static bool label_known(const struct docs_graph *g, const struct docs_fact *u)
{
	return foreign_label(u->name) || fl_map_get(&g->labels, u->name);
}

static void judge_label(struct docs_graph *g, const struct docs_fact *u)
{
	const struct fl_map_entry *e = fl_map_get(&g->labels, u->name);

	if (!label_known(g, u))
		docs_report_fact(g->sink, DOCS_LABEL_UNDEFINED, u, "undefined label: '%.*s'", FL_STR_ARG(u->name));
	else if (e && !u->extra.n && !has_title(e->ptr))
		docs_report_fact(g->sink, DOCS_LABEL_UNTITLED, u, "Failed to create a cross reference. A title or "
				 "caption not found: '%.*s'", FL_STR_ARG(u->name));
}

static void judge_labels(struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_LABEL_REF) {
		if (docs_is_in_doc(g->tree, u->file))
			judge_label(g, u);
	}
}

/* -- terms and citations -- */

/* Sphinx finds a term as it is written, or else in lower case. */
static struct fl_str lower(struct docs_graph *g, struct fl_str s)
{
	char *out = fl_arena_dup(&g->sink->arena, s);

	for (size_t i = 0; out && i < s.n; i++)
		out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 32 : s.p[i];
	return fl_str_n(out ? out : s.p, s.n);
}

/* All names of @kind; of those that are there twice, the later is told. */
static void collect_unique(struct docs_graph *g, enum docs_fact_kind kind, struct fl_map *m, enum docs_check c,
			   const char *what)
{
	size_t n;
	const struct docs_fact **v = docs_graph_sorted(g, kind, &n);

	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct fl_map_entry *e = fl_map_put(m, v[i]->name, &fresh);
		const struct docs_fact *old = e && !fresh ? e->ptr : NULL;

		if (old && docs_fact_cmp(&old, &v[i]))
			docs_report_fact(g->sink, c, v[i], "duplicate %s %.*s, other instance in %s:%u", what,
					 FL_STR_ARG(v[i]->name), old->file, old->line);
		if (e)
			e->ptr = (void *)v[i];
	}
	free(v);
}

static void collect_terms(struct docs_graph *g)
{
	collect_unique(g, DOCS_FACT_TERM, &g->terms, DOCS_TERM_DUPLICATE, "term description of");
	collect_unique(g, DOCS_FACT_CITATION, &g->citations, DOCS_CITATION_DUPLICATE, "citation");
	each_fact(u, g, DOCS_FACT_TERM)
		fl_map_put(&g->lower_terms, lower(g, u->name), NULL);
	each_fact(u, g, DOCS_FACT_CITATION_REF)
		fl_map_put(&g->cited, u->name, NULL);
}

static bool term_known(const struct docs_graph *g, const struct docs_fact *u)
{
	return fl_map_get(&g->terms, u->name) || fl_map_get(&g->lower_terms, lower((struct docs_graph *)g, u->name));
}

static void judge_terms(struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_TERM_REF) {
		if (docs_is_in_doc(g->tree, u->file) && !term_known(g, u))
			docs_report_fact(g->sink, DOCS_TERM_UNKNOWN, u, "term not in glossary: '%.*s'",
					 FL_STR_ARG(u->name));
	}
	each_fact(u, g, DOCS_FACT_CITATION_REF) {
		if (!fl_map_get(&g->citations, u->name))
			docs_report_fact(g->sink, DOCS_CITATION_UNKNOWN, u, "citation not found: %.*s",
					 FL_STR_ARG(u->name));
	}
	each_fact(u, g, DOCS_FACT_CITATION) {
		if (!fl_map_get(&g->cited, u->name))
			docs_report_fact(g->sink, DOCS_FOOTNOTE_UNUSED, u, "Citation [%.*s] is not referenced.",
					 FL_STR_ARG(u->name));
	}
}

/* -- toctrees -- */

static bool is_master(const struct docs_graph *g, const struct docs_fact *u)
{
	return docs_is_in_doc(g->tree, u->file) && fl_str_is(fl_str_from(u->name, g->tree->doc.n), "index.rst");
}

/* Entries with wildcards are few; they are compared with every page that nothing else names. */
static bool glob_names(const struct docs_graph *g, struct fl_str page)
{
	fl_map_for_each(e, &g->toc) {
		if (e->num && fl_str_glob(e->key, page))
			return true;
	}
	return false;
}

static bool in_toctree(const struct docs_graph *g, const struct docs_fact *u)
{
	return is_master(g, u) || fl_str_is(u->extra, "o") || fl_map_get(&g->toc, u->name) ||
	       !docs_is_in_doc(g->tree, u->file) || glob_names(g, u->name);
}

static void collect_toc(struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_INCLUDED)
		fl_map_put(&g->toc, u->name, NULL); /* part of another page */
	each_fact(u, g, DOCS_FACT_TOC) {
		struct fl_map_entry *e = fl_map_put(&g->toc, u->name, NULL);

		if (e)
			e->num = memchr(u->name.p, '*', u->name.n) || memchr(u->name.p, '?', u->name.n);
	}
}

static void judge_toc(struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_PAGE) {
		if (!in_toctree(g, u))
			docs_report_fact(g->sink, DOCS_TOC_ORPHAN, u, "document isn't included in any toctree");
	}
}

/*
 * Of these, what is elsewhere may say something of each that is here: a term or citation might be explained,
 * used or there again; labels and C names might be there, too; a comment's titles depend on the page.
 */
static const enum docs_fact_kind elsewhere[] = {
	DOCS_FACT_TERM,	 DOCS_FACT_TERM_REF, DOCS_FACT_CITATION, DOCS_FACT_CITATION_REF,
	DOCS_FACT_LABEL, DOCS_FACT_KDOC,     DOCS_FACT_C,
};

static bool has_fact(const struct docs_graph *g, enum docs_fact_kind kind)
{
	for (unsigned int i = 0; i < g->nr_workers; i++)
		if (g->workers[i].facts[kind])
			return true;
	return false;
}

/* Something hangs in the air that pages not read yet could hold. */
bool docs_graph_unresolved(const struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_LABEL_REF) {
		if (!label_known(g, u))
			return true;
	}
	each_fact(u, g, DOCS_FACT_PAGE) {
		if (!in_toctree(g, u))
			return true;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(elsewhere); i++)
		if (has_fact(g, elsewhere[i]))
			return true;
	return g->sources.count > 0;
}

/* A part of the tree declares C names, which comments that the rest includes may declare too. */
static bool c_names(const struct docs_graph *g)
{
	bool rest = false;

	each_fact(u, g, DOCS_FACT_KDOC)
		rest |= u->quiet;
	each_fact(u, g, DOCS_FACT_C) {
		if (!u->quiet && rest)
			return true;
	}
	return false;
}

static bool labels_missing(const struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_LABEL_REF) {
		if (!u->quiet && !label_known(g, u))
			return true;
	}
	each_fact(u, g, DOCS_FACT_CITATION) {
		if (!u->quiet && !fl_map_get(&g->cited, u->name))
			return true;
	}
	return false;
}

static void collect_sources(struct docs_graph *g)
{
	each_fact(u, g, DOCS_FACT_SOURCE)
		fl_map_put(&g->sources, u->name, NULL);
}

/* Facts of pages that are read a second time must not count twice. */
void docs_graph_drop_old(struct docs_graph *g)
{
	static const enum docs_fact_kind kinds[] = { DOCS_FACT_LABEL, DOCS_FACT_LABEL_REF, DOCS_FACT_TERM,
						     DOCS_FACT_TERM_REF, DOCS_FACT_CITATION,
						     DOCS_FACT_CITATION_REF, DOCS_FACT_PAGE,
						     DOCS_FACT_TOC, DOCS_FACT_KDOC };
	struct fl_map loud = {};

	each_fact(u, g, DOCS_FACT_PAGE) {
		if (!u->quiet)
			fl_map_put(&loud, u->name, NULL);
	}
	for (unsigned int i = 0; i < g->nr_workers; i++) {
		for (size_t k = 0; k < FL_ARRAY_SIZE(kinds); k++) {
			struct docs_fact **at = &g->workers[i].facts[kinds[k]];

			while (*at) {
				if ((*at)->quiet && fl_map_get(&loud, fl_str(docs_fact_page(*at))))
					*at = (*at)->next;
				else
					at = &(*at)->next;
			}
		}
	}
	fl_map_fini(&loud);
}

bool docs_graph_wanted(const struct docs_graph *g)
{
	return docs_wants(g->sink, DOCS_LABEL_UNDEFINED) || docs_wants(g->sink, DOCS_LABEL_UNTITLED) ||
	       docs_wants(g->sink, DOCS_LABEL_DUPLICATE) || docs_wants(g->sink, DOCS_TERM_UNKNOWN) ||
	       docs_wants(g->sink, DOCS_TERM_DUPLICATE) || docs_wants(g->sink, DOCS_CITATION_UNKNOWN) ||
	       docs_wants(g->sink, DOCS_CITATION_DUPLICATE) || docs_wants(g->sink, DOCS_FOOTNOTE_UNUSED) ||
	       docs_wants(g->sink, DOCS_TOC_ORPHAN) || docs_wants(g->sink, DOCS_C_DUPLICATE);
}

/* -- CONFIG names -- */

static bool is_symbol(const struct fl_map *symbols, struct fl_str name)
{
	if (fl_map_get(symbols, name))
		return true;
	if (fl_str_ends(name, "_MODULE"))
		name.n -= 7;
	return fl_map_get(symbols, name) != NULL;
}

static void judge_config(struct docs_graph *g, const struct fl_map *symbols)
{
	each_fact(u, g, DOCS_FACT_CONFIG) {
		if (!is_symbol(symbols, u->name))
			docs_report_fact(g->sink, DOCS_CONFIG_UNKNOWN, u, "no Kconfig file defines CONFIG_%.*s",
					FL_STR_ARG(u->name));
	}
}

/* -- C names -- */

static void c_twice(struct docs_graph *g, const struct docs_fact *u, const struct docs_fact *other)
{
	docs_report_fact(g->sink, DOCS_C_DUPLICATE, u, "Duplicate C declaration of %.*s, also defined at %.*s.",
			FL_STR_ARG(u->name), FL_STR_ARG(other->extra));
}

/* "struct a" and "function a" are one name to Sphinx, though not to C. */
static struct fl_str bare_name(struct fl_str s)
{
	size_t at = fl_str_find(s, ' ', 0);

	return at < s.n ? fl_str_from(s, at + 1) : s;
}

/* A comment that a page includes is read once for each session's part: that is no second declaration. */
static bool is_same_place(const struct docs_fact *a, const struct docs_fact *b)
{
	return fl_str_eq(a->extra, b->extra) && a->line == b->line && a->col == b->col && !strcmp(a->file, b->file);
}

/* "page:line" */
static uint32_t page_line(const struct docs_fact *u, struct fl_str *ret_page)
{
	size_t at = u->extra.n;

	while (at && u->extra.p[at - 1] != ':')
		at--;
	*ret_page = fl_str_sub(u->extra, 0, at ? at - 1 : 0);
	return strtoul(u->extra.p + at, NULL, 10);
}

/* In the order in which Sphinx meets them: a comment stands where a page includes it. */
static int by_page(const void *a, const void *b)
{
	const struct docs_fact *x = *(const struct docs_fact *const *)a, *y = *(const struct docs_fact *const *)b;
	struct fl_str p, q;
	uint32_t i = page_line(x, &p), j = page_line(y, &q);
	int r = fl_str_cmp(p, q);

	if (!r)
		r = i < j ? -1 : i > j;
	return r ? r : docs_fact_cmp(a, b);
}

static void judge_c(struct docs_graph *g)
{
	struct fl_map seen = {};
	size_t n;
	const struct docs_fact **v = docs_graph_sorted(g, DOCS_FACT_C, &n);

	if (n)
		qsort(v, n, sizeof(*v), by_page);
	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct fl_map_entry *e = fl_map_put(&seen, bare_name(v[i]->name), &fresh);
		const struct docs_fact *old = e && !fresh ? e->ptr : NULL;

		if (e && fresh)
			e->ptr = (void *)v[i];
		if (old && !v[i]->weak && !is_same_place(old, v[i]))
			c_twice(g, v[i]->quiet ? old : v[i], v[i]->quiet ? v[i] : old);
	}
	fl_map_fini(&seen);
	free(v);
}

/* -- the whole -- */

void docs_graph_init(struct docs_graph *g, struct docs_worker *workers, unsigned int nr_workers)
{
	*g = (struct docs_graph){ .workers = workers, .nr_workers = nr_workers, .tree = workers[0].tree,
				  .sink = &workers[0].sink };
}

void docs_graph_fini(struct docs_graph *g)
{
	fl_map_fini(&g->labels);
	fl_map_fini(&g->terms);
	fl_map_fini(&g->lower_terms);
	fl_map_fini(&g->citations);
	fl_map_fini(&g->cited);
	fl_map_fini(&g->toc);
	fl_map_fini(&g->sources);
}

void docs_graph_collect(struct docs_graph *g)
{
	docs_graph_fini(g);
	g->sink->suppress++;
	collect_labels(g);
	collect_terms(g);
	collect_sources(g);
	collect_toc(g);
	g->sink->suppress--;
}

bool docs_graph_incomplete(const struct docs_graph *g)
{
	return labels_missing(g) || c_names(g);
}

void docs_graph_judge(struct docs_graph *g, const struct fl_map *symbols)
{
	docs_graph_fini(g);
	collect_sources(g);
	collect_toc(g);
	judge_abi(g);
	judge_config(g, symbols);
	collect_labels(g);
	collect_terms(g);
	judge_c(g);
	if (g->tree->kernel && docs_graph_wanted(g)) {
		judge_labels(g);
		judge_terms(g);
		judge_toc(g);
	}
}
