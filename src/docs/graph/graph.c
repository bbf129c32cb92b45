/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What files say of each other: labels and references to them, pages and toctrees, ABI names,
 * CONFIG names, and the kernel-doc comments that pages include. Judged when all files were read.
 *
 * A run over a part of the tree knows only that part's labels and toctrees. So when something stays
 * unresolved there, the other pages of Documentation are read too, for their facts alone.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "docs/kdoc/kdoc.h"
#include "docs/run/session.h"

#define each_use(u, run, kind)                                                                     \
	for (unsigned int i_ = 0; i_ < (run)->nr_workers; i_++)                                    \
		for (const struct docs_use *u = (run)->workers[i_].uses[kind]; u; u = u->next)

struct judge {
	struct docs_run *run;
	struct docs_worker *w; /* whose sink takes the findings */
	struct docs_sink *sink;
	struct fl_map labels, toc;
	struct fl_map sources; /* C files that the run was asked for */
};

/* Uses in the order of files and lines, so that "first" means the same in every run. */
static int use_cmp(const void *a, const void *b)
{
	const struct docs_use *x = *(const struct docs_use *const *)a, *y = *(const struct docs_use *const *)b;
	int r = strcmp(x->file, y->file);

	return r ? r : x->line < y->line ? -1 : x->line > y->line;
}

static const struct docs_use **sorted(struct docs_run *run, enum docs_use_kind kind, size_t *ret_n)
{
	const struct docs_use **v;
	size_t n = 0;

	each_use(u, run, kind)
		n++;
	v = calloc(n + 1, sizeof(*v));
	*ret_n = v ? n : 0;
	n = 0;
	each_use(u, run, kind) {
		if (v)
			v[n++] = u;
	}
	if (v)
		qsort(v, n, sizeof(*v), use_cmp);
	return v;
}

/* -- ABI names -- */

static void twice_defined(struct judge *j, const struct docs_use *const *v, size_t n, size_t from)
{
	_cleanup_buf_ struct fl_buf places = {};
	const struct docs_use *last = NULL;
	size_t count = 0;

	for (size_t i = from; i < n; i++) {
		if (!fl_str_eq(v[i]->name, v[from]->name))
			continue;
		fl_buf_addf(&places, " %s:%u", v[i]->file, v[i]->line);
		last = v[i];
		count++;
	}
	if (count > 1)
		docs_report_use(j->sink, DOCS_ABI_DUPLICATE, last, "%.*s is defined %zu times: %s",
				FL_STR_ARG(last->name), count, fl_buf_z(&places));
}

static void judge_abi(struct judge *j)
{
	struct fl_map seen = {};
	size_t n;
	const struct docs_use **v = sorted(j->run, DOCS_USE_ABI, &n);

	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct fl_map_entry *e = fl_map_put(&seen, v[i]->name, &fresh);

		if (e && fresh)
			e->num = i;
		else if (e && e->num != SIZE_MAX) {
			twice_defined(j, v, n, e->num);
			e->num = SIZE_MAX;
		}
	}
	fl_map_fini(&seen);
	free(v);
}

/* -- labels -- */

static void collect_labels(struct judge *j)
{
	size_t n;
	const struct docs_use **v = sorted(j->run, DOCS_USE_LABEL, &n);

	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct fl_map_entry *e = fl_map_put(&j->labels, v[i]->name, &fresh);
		const struct docs_use *old = e && !fresh ? e->ptr : NULL;

		if (e && fresh)
			e->ptr = (void *)v[i];
		if (old && strcmp(old->file, v[i]->file))
			docs_report_use(j->sink, DOCS_LABEL_DUPLICATE, v[i],
					"duplicate label %.*s, other instance in %s:%u", FL_STR_ARG(v[i]->name),
					old->file, old->line);
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

static bool label_known(struct judge *j, const struct docs_use *u)
{
	return foreign_label(u->name) || fl_map_get(&j->labels, u->name);
}

static void judge_labels(struct judge *j)
{
	each_use(u, j->run, DOCS_USE_LABEL_REF) {
		if (!label_known(j, u) && !strncmp(u->file, "Documentation/", 14))
			docs_report_use(j->sink, DOCS_LABEL_UNDEFINED, u, "undefined label: '%.*s'",
					FL_STR_ARG(u->name));
	}
}

/* -- toctrees -- */

static bool is_master(const struct docs_use *u)
{
	return fl_str_is(u->name, "Documentation/index.rst");
}

/* Entries with wildcards are few; they are compared with every page that nothing else names. */
static bool glob_names(struct judge *j, struct fl_str page)
{
	fl_map_for_each(e, &j->toc) {
		if (e->num && fl_str_glob(e->key, page))
			return true;
	}
	return false;
}

static bool in_toctree(struct judge *j, const struct docs_use *u)
{
	return is_master(u) || fl_str_is(u->extra, "o") || fl_map_get(&j->toc, u->name) ||
	       !fl_str_starts(u->name, "Documentation/") || glob_names(j, u->name);
}

static void collect_toc(struct judge *j)
{
	each_use(u, j->run, DOCS_USE_INCLUDED)
		fl_map_put(&j->toc, u->name, NULL); /* part of another page */
	each_use(u, j->run, DOCS_USE_TOC) {
		struct fl_map_entry *e = fl_map_put(&j->toc, u->name, NULL);

		if (e)
			e->num = memchr(u->name.p, '*', u->name.n) || memchr(u->name.p, '?', u->name.n);
	}
}

static void judge_toc(struct judge *j)
{
	each_use(u, j->run, DOCS_USE_PAGE) {
		if (!in_toctree(j, u))
			docs_report_use(j->sink, DOCS_TOC_ORPHAN, u, "document isn't included in any toctree");
	}
}

/* Something hangs in the air that pages not read yet could hold. */
static bool unresolved(struct judge *j)
{
	each_use(u, j->run, DOCS_USE_LABEL_REF) {
		if (!label_known(j, u))
			return true;
	}
	each_use(u, j->run, DOCS_USE_PAGE) {
		if (!in_toctree(j, u))
			return true;
	}
	/* labels and C names might be somewhere else too; a comment's titles depend on the page */
	each_use(u, j->run, DOCS_USE_LABEL)
		return u != NULL;
	each_use(u, j->run, DOCS_USE_KDOC)
		return u != NULL;
	each_use(u, j->run, DOCS_USE_C)
		return u != NULL;
	return j->sources.count > 0;
}

/* A part of the tree declares C names, which comments that the rest includes may declare too. */
static bool c_names(struct judge *j)
{
	bool rest = false;

	each_use(u, j->run, DOCS_USE_KDOC)
		rest |= u->quiet;
	each_use(u, j->run, DOCS_USE_C) {
		if (!u->quiet && rest)
			return true;
	}
	return false;
}

static bool labels_missing(struct judge *j)
{
	each_use(u, j->run, DOCS_USE_LABEL_REF) {
		if (!u->quiet && !label_known(j, u))
			return true;
	}
	return false;
}

static void collect_sources(struct judge *j)
{
	each_use(u, j->run, DOCS_USE_SOURCE)
		fl_map_put(&j->sources, u->name, NULL);
}

static void forget(struct judge *j)
{
	fl_map_fini(&j->labels);
	fl_map_fini(&j->toc);
	fl_map_fini(&j->sources);
}

/* Facts of pages that are read a second time must not count twice. */
static void drop_old(struct docs_run *run)
{
	static const enum docs_use_kind kinds[] = { DOCS_USE_LABEL, DOCS_USE_LABEL_REF, DOCS_USE_PAGE, DOCS_USE_TOC,
						    DOCS_USE_KDOC };
	struct fl_map loud = {};

	each_use(u, run, DOCS_USE_PAGE) {
		if (!u->quiet)
			fl_map_put(&loud, u->name, NULL);
	}
	for (unsigned int i = 0; i < run->nr_workers; i++) {
		for (size_t k = 0; k < FL_ARRAY_SIZE(kinds); k++) {
			struct docs_use **at = &run->workers[i].uses[kinds[k]];

			while (*at) {
				if ((*at)->quiet && fl_map_get(&loud, fl_str((*at)->file)))
					*at = (*at)->next;
				else
					at = &(*at)->next;
			}
		}
	}
	fl_map_fini(&loud);
}

static bool wants_graph(const struct judge *j)
{
	return docs_wants(j->sink, DOCS_LABEL_UNDEFINED) || docs_wants(j->sink, DOCS_LABEL_DUPLICATE) ||
	       docs_wants(j->sink, DOCS_TOC_ORPHAN) || docs_wants(j->sink, DOCS_C_DUPLICATE);
}

/* Of a run that is local: only the pages that include one of its C files. */
static void read_including(struct judge *j)
{
	static const char *const docs[] = { "Documentation" };
	struct fl_str *names = calloc(j->sources.count + 1, sizeof(*names));
	size_t n = 0;

	if (!names) {
		j->run->error = -ENOMEM;
		return;
	}
	fl_map_for_each(e, &j->sources)
		names[n++] = e->key;
	j->run->quiet = true;
	j->run->needles = names;
	j->run->nr_needles = n;
	if (docs_run_paths(j->run, docs, 1) < 0)
		j->run->error = -ENOMEM;
	j->run->needles = NULL;
	j->run->nr_needles = 0;
	j->run->quiet = false;
	drop_old(j->run);
	free(names);
}

static void read_rest(struct judge *j)
{
	static const char *const docs[] = { "Documentation" };

	j->run->quiet = true;
	if (docs_run_paths(j->run, docs, 1) < 0)
		j->run->error = -ENOMEM;
	j->run->quiet = false;
	drop_old(j->run);
}

/* -- kernel-doc comments in pages -- */

struct body {
	struct judge *j;
	struct docs_worker *w;
	const struct docs_use *use;
	struct rst rst;
	struct fl_str doc, names, without; /* what the directive chooses; p NULL: everything */
	bool no_docs, export, internal;
	struct fl_map exported;
	unsigned int found;
	struct fl_map seen; /* names that were found */
};

static struct fl_str option(const struct docs_use *u, const char *name)
{
	struct fl_str rest = u->extra, line, value = {};
	size_t n = strlen(name);

	while (fl_str_line(&rest, &line)) {
		if (line.n > n + 1 && line.p[0] == ':' && !strncasecmp(line.p + 1, name, n) && line.p[n + 1] == ':')
			value = fl_str_trim(fl_str_from(line, n + 2));
		else if (value.p && line.n && line.p[0] == ' ') /* goes on in the next line */
			value.n = (size_t)(line.p + line.n - value.p);
		else if (value.p)
			break;
	}
	return value;
}

static bool has_name(struct fl_str names, struct fl_str name)
{
	struct fl_str word;

	while (fl_str_word(&names, &word)) {
		if (fl_str_eq(word, name))
			return true;
	}
	return false;
}

static bool chosen(void *ctx, const struct kdoc *k)
{
	struct body *b = ctx;

	if (has_name(b->without, k->name))
		return false;
	if (b->doc.p)
		return fl_str_eq(k->name, b->doc); /* of any kind: the script looks for the name alone */
	if (k->kind == KDOC_DOC && b->no_docs)
		return false;
	if (b->export)
		return fl_map_get(&b->exported, k->name) != NULL;
	if (b->internal)
		return k->kind != KDOC_FUNCTION || !fl_map_get(&b->exported, k->name);
	return !b->names.n || has_name(b->names, k->name);
}

static bool is_name_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/*
 * EXPORT_SYMBOL(name), EXPORT_SYMBOL_GPL(name) and their forms with a namespace begin a line. The
 * script knows no others: EXPORT_SYMBOL_IF_KUNIT() exports nothing from a kernel that one runs.
 */
static size_t export_paren(struct fl_str text, size_t at)
{
	static const char *const ends[] = { "", "_GPL", "_NS", "_NS_GPL" };
	size_t open = fl_str_find(text, '(', at);
	struct fl_str tail = fl_str_trim(fl_str_sub(text, at, open - at));

	for (size_t i = 0; i < FL_ARRAY_SIZE(ends); i++) {
		if (open < text.n && fl_str_is(tail, ends[i]))
			return open;
	}
	return text.n;
}

static void find_exports(struct body *b, struct fl_str text)
{
	static const char word[] = "EXPORT_SYMBOL";
	size_t at = 0, open, end;

	for (const char *p; (p = memmem(text.p + at, text.n - at, word, sizeof(word) - 1));) {
		size_t from = (size_t)(p - text.p);

		at = from + sizeof(word) - 1;
		while (from && (text.p[from - 1] == ' ' || text.p[from - 1] == '\t'))
			from--;
		open = export_paren(text, at);
		if (open >= text.n || (from && text.p[from - 1] != '\n'))
			continue;
		for (open++; open < text.n && (text.p[open] == ' ' || text.p[open] == '\t'); open++)
			;
		for (end = open; end < text.n && is_name_char(text.p[end]); end++)
			;
		fl_map_put(&b->exported, fl_str_sub(text, open, end - open), NULL);
	}
}

/* The files whose exports count: the one of the comments, and those that the option names. */
static void collect_exports(struct body *b, struct fl_str files)
{
	struct fl_str word;

	find_exports(b, b->w->sink.text);
	while (fl_str_word(&files, &word)) {
		struct fl_buf text = {};
		char *path = fl_arena_dup(&b->w->scratch, word), *keep;

		if (path && docs_tree_read(b->j->run->tree, path, &text) == 0) {
			keep = fl_arena_dup(&b->w->scratch, fl_buf_str(&text));
			if (keep)
				find_exports(b, fl_str_n(keep, text.len));
		}
		fl_buf_fini(&text);
	}
}

static void read_section(struct body *b, const struct kdoc_section *s, bool titles)
{
	struct rst_view view = { s->v, s->n };

	while (view.n && !view.v[view.n - 1].n)
		view.n--;
	if (view.n)
		rst_read(&b->rst, view, titles);
}

static void read_body(void *ctx, const struct kdoc *k)
{
	static const char *const kinds[] = { [KDOC_FUNCTION] = "function", [KDOC_STRUCT] = "struct",
					     [KDOC_UNION] = "union", [KDOC_ENUM] = "enum", [KDOC_TYPEDEF] = "type" };
	struct body *b = ctx;

	if (k->kind != KDOC_DOC && k->name.n && !b->use->in_namespace)
		docs_use_c(b->w, kinds[k->kind], k->name, b->use->file, b->use->line, k->line, k->col);
	b->found++;
	fl_map_put(&b->seen, fl_str_n(fl_arena_dup(&b->w->sink.arena, k->name), k->name.n), NULL);
	for (uint32_t i = 0; i < k->n; i++) {
		if (k->v[i].n)
			read_section(b, &k->v[i], !k->v[i].param);
	}
}

/* Lists of names are also written with the words that they have in C, or with a backslash. */
static bool is_keyword(struct fl_str word)
{
	return fl_str_is(word, "struct") || fl_str_is(word, "union") || fl_str_is(word, "enum") ||
	       fl_str_is(word, "typedef") || fl_str_is(word, "\\");
}

static void not_found(struct body *b)
{
	struct fl_str rest = b->doc.n ? b->doc : b->names, word;

	if (b->doc.n && !b->found)
		docs_report_use(&b->w->sink, DOCS_REF_KDOC, b->use, "%.*s: '%.*s' not found", FL_STR_ARG(b->use->name),
				FL_STR_ARG(b->doc));
	while (!b->doc.n && fl_str_word(&rest, &word)) {
		if (!fl_map_get(&b->seen, word) && !is_keyword(word))
			docs_report_use(&b->w->sink, DOCS_REF_KDOC, b->use, "%.*s: '%.*s' not found",
					FL_STR_ARG(b->use->name), FL_STR_ARG(word));
	}
	if (!b->doc.n && !b->names.n && !b->found)
		docs_report_use(&b->w->sink, DOCS_REF_KDOC, b->use, "%.*s: no structured comments found",
				FL_STR_ARG(b->use->name));
}

static void find_comments(struct docs_worker *w, struct fl_str text)
{
	w->nr_kdoc = 0;
	for (const char *p = text.p; (p = memmem(p, (size_t)(text.p + text.n - p), "/**", 3)); p += 3) {
		if (p != text.p && p[-1] != '\n')
			continue;
		if (w->nr_kdoc == w->cap_kdoc) {
			size_t cap = w->cap_kdoc ? w->cap_kdoc * 2 : 64;
			uint32_t *v = reallocarray(w->kdoc, cap, sizeof(*v));

			if (!v)
				return;
			w->kdoc = v;
			w->cap_kdoc = cap;
		}
		w->kdoc[w->nr_kdoc++] = (uint32_t)(p - text.p);
	}
}

/* Labels may stand in comments too. */
static void body_labels(struct body *b)
{
	for (const struct rst_fact *f = b->rst.facts; f; f = f->next) {
		if (f->kind == RST_TARGET || f->kind == RST_INDIRECT)
			docs_use(b->w, DOCS_USE_LABEL, f->name, f->line, f->col);
	}
}

/* The comments speak for themselves in another pass (kdoc.c); here only their text is read. */
static void read_included(struct body *b)
{
	static const struct docs_set nothing;
	static const struct kdoc_reader reader = { chosen, read_body };
	const struct docs_use *u = b->use;
	struct docs_sink mute = { .want = &nothing };

	docs_sink_file(&mute, b->w->sink.file, b->w->sink.text);
	b->doc = option(u, "doc");
	b->names = option(u, "identifiers");
	if (!b->names.p)
		b->names = option(u, "functions");
	b->without = option(u, "no-identifiers");
	b->export = option(u, "export").p;
	b->internal = option(u, "internal").p;
	b->no_docs = (b->names.p && !b->names.n) || b->export || b->internal;
	if (b->export || b->internal)
		collect_exports(b, option(u, b->export ? "export" : "internal"));
	b->rst = (struct rst){ .sink = &b->w->sink, .arena = &b->w->scratch, .want_facts = true,
			       .family = b->j->run->opts->family, .nr_styles = u->nr_styles, .level = u->level,
			       .base_level = u->level, .page = u->file };
	memcpy(b->rst.styles, u->styles, sizeof(u->styles));
	kdoc_read(&mute, &b->w->scratch, b->w->kdoc, b->w->nr_kdoc, &reader, b);
	free(mute.lines);
	body_labels(b);
	not_found(b);
	fl_map_fini(&b->seen);
	fl_map_fini(&b->exported);
}

static int by_name(const void *a, const void *b)
{
	const struct docs_use *x = *(const struct docs_use *const *)a, *y = *(const struct docs_use *const *)b;
	int r = fl_str_cmp(x->name, y->name);

	return r ? r : use_cmp(a, b);
}

/* The comments that wait: uses in the order of their files. */
struct comments {
	struct judge *j;
	const struct docs_use **v;
	size_t n;
	atomic_size_t next;
	bool quiet;
};

/* All uses of one file, from @from on. Returns the next file's. */
static void read_group(struct docs_worker *w, struct comments *c, size_t from)
{
	bool known = fl_map_get(&c->j->sources, c->v[from]->name) != NULL, any = false;
	char *path;

	for (size_t i = from; i < c->n && fl_str_eq(c->v[i]->name, c->v[from]->name); i++)
		any |= (c->v[i]->quiet && !known) == c->quiet;
	path = any ? fl_arena_dup(&w->sink.arena, c->v[from]->name) : NULL;
	if (!path || docs_tree_read(w->run->tree, path, &w->text) < 0)
		return;
	find_comments(w, fl_buf_str(&w->text));
	w->path = path;
	docs_sink_file(&w->sink, path, fl_buf_str(&w->text));
	for (size_t i = from; i < c->n && fl_str_eq(c->v[i]->name, c->v[from]->name); i++) {
		struct body b = { .j = c->j, .w = w, .use = c->v[i] };
		bool mute = c->v[i]->quiet && !known;

		if (mute != c->quiet)
			continue;
		w->sink.suppress += mute;
		w->quiet = mute;
		read_included(&b);
		w->quiet = false;
		w->sink.suppress -= mute;
		fl_arena_reset(&w->scratch);
	}
	docs_sink_file(&w->sink, NULL, fl_str_n("", 0));
}

static void *read_groups(void *arg)
{
	struct docs_worker *w = arg;
	struct comments *c = w->run->judge;
	size_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->n) {
		if (!i || !fl_str_eq(c->v[i]->name, c->v[i - 1]->name))
			read_group(w, c, i);
	}
	return NULL;
}

/*
 * Reads the comments that pages include: those of pages and files that the run was asked for, or
 * (@quiet) the others, for the labels in them.
 */
static void read_comments(struct judge *j, bool quiet)
{
	struct comments c = { .j = j, .quiet = quiet };

	c.v = sorted(j->run, DOCS_USE_KDOC, &c.n);
	if (!c.v)
		return;
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_name);
	j->run->judge = &c;
	docs_run_all(j->run, read_groups);
	j->run->judge = NULL;
	free(c.v);
}

/* -- CONFIG names -- */

static bool is_symbol(const struct docs_run *run, struct fl_str name)
{
	if (fl_map_get(&run->symbols, name))
		return true;
	if (fl_str_ends(name, "_MODULE"))
		name.n -= 7;
	return fl_map_get(&run->symbols, name) != NULL;
}

static void judge_config(struct judge *j)
{
	int r = 0;

	each_use(u, j->run, DOCS_USE_CONFIG) {
		r = r || j->run->opts->local ? r : docs_wait_symbols(j->run);
		if (!r && !is_symbol(j->run, u->name))
			docs_report_use(j->sink, DOCS_CONFIG_UNKNOWN, u, "no Kconfig file defines CONFIG_%.*s",
					FL_STR_ARG(u->name));
	}
	if (r < 0)
		j->run->error = r;
}

/* -- C names -- */

static void c_twice(struct judge *j, const struct docs_use *u, const struct docs_use *other)
{
	docs_report_use(j->sink, DOCS_C_DUPLICATE, u, "Duplicate C declaration of %.*s, also defined at %.*s.",
			FL_STR_ARG(u->name), FL_STR_ARG(other->extra));
}

static void judge_c(struct judge *j)
{
	struct fl_map seen = {};
	size_t n;
	const struct docs_use **v = sorted(j->run, DOCS_USE_C, &n);

	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct fl_map_entry *e = fl_map_put(&seen, v[i]->name, &fresh);
		const struct docs_use *old = e && !fresh ? e->ptr : NULL;

		if (e && fresh)
			e->ptr = (void *)v[i];
		if (old && !fl_str_eq(old->extra, v[i]->extra))
			c_twice(j, v[i]->quiet ? old : v[i], v[i]->quiet ? v[i] : old);
	}
	fl_map_fini(&seen);
	free(v);
}

static void recollect_labels(struct judge *j)
{
	fl_map_fini(&j->labels);
	collect_labels(j);
}

void docs_judge_tree(struct docs_run *run)
{
	struct judge j = { .run = run, .w = &run->workers[0], .sink = &run->workers[0].sink };
	bool graph = wants_graph(&j);

	judge_abi(&j);
	judge_config(&j);
	j.sink->suppress++;
	collect_labels(&j);
	collect_sources(&j);
	collect_toc(&j);
	if (run->opts->local) {
		if (run->tree->kernel && j.sources.count)
			read_including(&j);
	} else if (graph && run->tree->kernel && !run->whole && unresolved(&j)) {
		read_rest(&j);
		collect_toc(&j);
	}
	j.sink->suppress--;
	read_comments(&j, false);
	j.sink->suppress++;
	recollect_labels(&j);
	if (graph && run->tree->kernel && !run->opts->local && (labels_missing(&j) || c_names(&j))) {
		read_comments(&j, true);
		recollect_labels(&j);
	}
	j.sink->suppress--;
	recollect_labels(&j);
	judge_c(&j);
	if (run->tree->kernel && graph) {
		judge_labels(&j);
		judge_toc(&j);
	}
	forget(&j);
}
