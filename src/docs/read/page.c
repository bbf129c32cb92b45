/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reStructuredText page: its blocks, its names, and what it says of other files. */
#include "docs/read/read.h"

#include <errno.h>
#include <stdio.h>

#include "docs/read/assets.h"
#include "docs/read/cnames.h"

/* The folder of the page, with its "/"; empty at the top. */
static struct fl_str folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return fl_str_n(path, slash ? (size_t)(slash + 1 - path) : 0);
}

/* Sphinx takes the pages' folder for the top of everything: no page's name leads out of it. */
static struct fl_str within_doc(struct fl_str dir, const char *page, const char *doc, struct fl_str name, size_t *ret_n)
{
	size_t top = doc ? (size_t)(doc - page) : 0;

	while (fl_str_starts(name, "../") || fl_str_starts(name, "./")) {
		bool up = name.p[1] == '.';

		name = fl_str_from(name, up ? 3 : 2);
		for (dir.n -= up && dir.n > top; up && dir.n > top && dir.p[dir.n - 1] != '/'; dir.n--)
			;
	}
	*ret_n = dir.n;
	return name;
}

static bool join(struct fl_str dir, struct fl_str name, const char *end, char *out, size_t size)
{
	char path[2048];

	return snprintf(path, sizeof(path), "%.*s%.*s%s", FL_STR_ARG(dir), FL_STR_ARG(name), end) <
		       (int)sizeof(path) &&
	       docs_normalize(fl_str(path), out, size);
}

/* Behind the pages' folder in @page, which may be copied into another tree ("a/Documentation/x.rst"). */
static const char *behind_doc(const struct docs_worker *w, const char *page)
{
	const struct fl_str doc = w->tree->doc;
	const char *at = memmem(page, strlen(page), doc.p, doc.n);

	return at && (at == page || at[-1] == '/') ? at + doc.n : NULL;
}

bool docs_page_path(const struct docs_worker *w, const char *page, struct fl_str name, const char *end, char *out,
		      size_t size)
{
	const char *doc = behind_doc(w, page);
	struct fl_str dir = folder(page);

	if (name.n && name.p[0] == '/') {
		dir = doc ? fl_str_n(page, (size_t)(doc - page)) : fl_str_n("", 0);
		name = fl_str_from(name, 1);
	}
	if (end[0])
		name = within_doc(dir, page, doc, name, &dir.n);
	return join(dir, name, end, out, size);
}

/* "text <target>" is the target, "!text" nothing. */
static struct fl_str role_target(struct fl_str s)
{
	size_t lt = s.n;

	if (s.n && s.p[0] == '!')
		return fl_str_n("", 0);
	if (s.n < 3 || s.p[s.n - 1] != '>')
		return fl_str_trim(s);
	while (lt && s.p[lt - 1] != '<')
		lt--;
	return lt ? fl_str_trim(fl_str_sub(s, lt, s.n - lt - 1)) : fl_str_trim(s);
}

static uint32_t columns(struct fl_str s)
{
	return FL_MIN(s.n, (size_t)400);
}

static void doc_role(struct docs_worker *w, const struct rst_fact *f)
{
	struct fl_str name = role_target(f->extra);
	char path[1024];
	struct docs_finding *d;

	if (!name.n || memchr(name.p, '\n', name.n) || !docs_page_path(w, w->path, name, ".rst", path, sizeof(path)) ||
	    docs_exists(w, fl_str(path)) || docs_generated(w, fl_str(path)) || strstr(w->path, "sphinx/"))
		return;
	d = docs_report(&w->sink, DOCS_REF_DOC, f->line, f->col, columns(f->extra),
			"unknown document: '%.*s'", FL_STR_ARG(name));
	docs_finding_columns(d);
}

/* Labels are compared in lower case with single blanks. */
static struct fl_str label_name(struct docs_worker *w, struct fl_str s)
{
	char *out = fl_arena_alloc(&w->scratch, s.n + 1);
	size_t n = 0;

	if (!out)
		return s;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] == '\n' ? ' ' : s.p[i];

		if (c == ' ' && n && out[n - 1] == ' ')
			continue;
		if (c == '\\' || c == '\0')
			continue;
		out[n++] = c >= 'A' && c <= 'Z' ? c | 32 : c;
	}
	return fl_str_n(out, n);
}

/* ":rfc:`2822#section-1`": a number, and a place there. */
static void number_role(struct docs_worker *w, const struct rst_fact *f, struct fl_str role, struct fl_str text)
{
	struct fl_str s = fl_str_sub(text, 0, fl_str_find(text, '#', 0));
	char name[4] = "";
	bool digits = s.n;

	for (size_t i = 0; i < s.n; i++)
		digits &= s.p[i] >= '0' && s.p[i] <= '9';
	for (size_t i = 0; i < role.n && i < 3; i++)
		name[i] = role.p[i] & ~32;
	if (!digits && text.n)
		docs_finding_columns(docs_report(&w->sink, DOCS_ROLE_USE, f->line, f->col, role.n,
						 "invalid %s number %.*s", name,
						 FL_STR_ARG(fl_str_sub(text, 0, 200))));
}

static void role_fact(struct docs_worker *w, const struct rst_fact *f)
{
	struct fl_str role = fl_str_starts(f->name, "std:") ? fl_str_from(f->name, 4) : f->name, name;
	struct docs_fact *u;

	if (fl_str_is(role, "doc")) {
		doc_role(w, f);
	} else if (fl_str_is(role, "download")) {
		docs_asset_named(w, f, role_target(f->extra), "download file not readable: ", "");
	} else if (fl_str_starts(role, "c:")) {
		docs_c_role(w, f, role_target(f->extra));
	} else if (fl_str_is(role, "rfc") || fl_str_is(role, "pep") || fl_str_is(role, "cwe")) {
		number_role(w, f, role, role_target(f->extra));
	} else if (fl_str_is(role, "ref") || fl_str_is(role, "numref")) {
		name = role_target(f->extra);
		u = name.n ? docs_fact_add(w, DOCS_FACT_LABEL_REF, label_name(w, name), f->line, f->col) : NULL;
		if (u && (fl_str_is(role, "numref") || (f->extra.n && f->extra.p[f->extra.n - 1] == '>')))
			u->extra = FL_STR("x");
	}
}

/* White space is a blank, however the text was broken. */
static struct fl_str one_line(struct docs_worker *w, struct fl_str s)
{
	char *out = fl_arena_alloc(&w->scratch, s.n + 1);
	struct fl_str word;
	size_t n = 0;

	while (out && fl_str_word(&s, &word)) {
		if (n)
			out[n++] = ' ';
		memcpy(out + n, word.p, word.n);
		n += word.n;
	}
	return fl_str_n(out ? out : "", n);
}

struct docs_fact *docs_page_name(struct docs_worker *w, const struct rst_fact *f)
{
	struct fl_str name;

	switch (f->kind) {
	case RST_TERM:
		return docs_fact_add(w, DOCS_FACT_TERM, one_line(w, f->name), f->line, f->col);
	case RST_ROLE:
		name = fl_str_is(f->name, "term") || fl_str_is(f->name, "std:term")
			       ? one_line(w, role_target(f->extra))
			       : fl_str_n("", 0);
		return name.n ? docs_fact_add(w, DOCS_FACT_TERM_REF, name, f->line, f->col) : NULL;
	case RST_CITATION:
		return docs_fact_add(w, DOCS_FACT_CITATION, f->name, f->line, f->col);
	case RST_CITATION_REF:
		return docs_fact_add(w, DOCS_FACT_CITATION_REF, f->name, f->line, f->col);
	default:
		return NULL;
	}
}

/* -- toctrees -- */

static bool self_made(struct fl_str entry)
{
	return fl_str_is(entry, "self") || fl_str_is(entry, "genindex") || fl_str_is(entry, "modindex") ||
	       fl_str_is(entry, "search") || fl_str_starts(entry, "http://") ||
	       fl_str_starts(entry, "https://");
}

static void toc_missing(struct docs_worker *w, const struct rst_line *l, struct fl_str name, bool glob)
{
	const char *doc = behind_doc(w, w->path);
	struct fl_str from = folder(w->path);
	char path[1024];

	if (doc)
		from = fl_str_from(from, FL_MIN(from.n, (size_t)(doc - w->path)));
	if (name.n && name.p[0] == '/') {
		from.n = 0;
		name = fl_str_from(name, 1);
	}
	name = within_doc(from, from.p, from.p, name, &from.n);
	snprintf(path, sizeof(path), "%.*s%.*s", FL_STR_ARG(from), FL_STR_ARG(name));
	docs_finding_columns(docs_report(&w->sink, DOCS_TOC_MISSING, l->no, l->off, l->n,
		    glob ? "toctree glob pattern '%s' didn't match any documents" :
			   "toctree contains reference to nonexisting document '%s'", path));
}

static void toc_entry(struct docs_worker *w, const struct rst_line *l, bool glob)
{
	struct fl_str s = role_target(fl_str_n(l->p, l->n));
	char path[1024];
	bool wild = glob && (memchr(s.p, '*', s.n) || memchr(s.p, '?', s.n));

	if (!s.n || fl_str_starts(s, ".. "))
		return;
	if (fl_str_ends(s, ".rst"))
		s.n -= 4;
	if (!docs_page_path(w, w->path, s, ".rst", path, sizeof(path)) ||
	    (self_made(s) && !docs_exists(w, fl_str(path)))) /* a page of such a name is a page */
		return;
	if (!docs_exists(w, fl_str(path)) && !docs_generated(w, fl_str(path)))
		toc_missing(w, l, s, wild);
	docs_fact_add(w, DOCS_FACT_TOC, fl_str(path), l->no, l->off);
}

static void toctree(struct docs_worker *w, const struct rst_fact *f)
{
	_cleanup_map_ struct fl_map seen = {};
	bool glob = false;

	for (uint32_t i = 0; i < f->view.n; i++) {
		const struct rst_line *l = &f->view.v[i];
		bool fresh = true;

		glob |= memchr(l->p, '*', l->n) != NULL;
		if (!l->n || l->p[0] == ' ' || self_made(role_target(fl_str_n(l->p, l->n))))
			continue;
		if (!fl_map_put(&seen, role_target(fl_str_n(l->p, l->n)), &fresh))
			w->sink.error = -ENOMEM;
		if (!fresh)
			docs_finding_columns(docs_report(&w->sink, DOCS_TOC_DUPLICATE, l->no, l->off, l->n,
				    "duplicated entry found in toctree: %.*s", (int)l->n, l->p));
		else
			toc_entry(w, l, glob);
	}
}

/*
 * "maintainers-profile-toc" makes a toctree of the pages that MAINTAINERS names as profiles:
 * "P:\tDocumentation/page.rst".
 */
static void profiles(struct docs_worker *w, const struct rst_fact *f)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_str rest, line, word;

	if (docs_tree_read(w->tree, "MAINTAINERS", &text) < 0)
		return;
	rest = fl_buf_str(&text);
	while (fl_str_line(&rest, &line)) {
		if (!fl_str_starts(line, "P:"))
			continue;
		line = fl_str_from(line, 2);
		if (fl_str_word(&line, &word) && fl_str_ends(word, ".rst"))
			docs_fact_add(w, DOCS_FACT_TOC, word, f->line, f->col);
	}
}

/* -- included files and kernel-doc -- */

#define MOST_INCLUDED (16u << 20) /* bytes a page: files that include others often multiply */

/* The file is being read already: it would include itself for ever. */
static bool is_open(const struct rst *r, const char *page, const char *path)
{
	bool open = !strcmp(page, path);

	for (unsigned int i = 0; i < r->includes; i++)
		open |= !strcmp(r->files[i], path);
	return open;
}

static struct fl_str text_of(struct rst_view v, uint32_t i)
{
	return i < v.n ? fl_str_n(v.v[i].p, v.v[i].n) : fl_str_n("", 0);
}

/* The first line that is neither blank nor of a comment. */
static uint32_t first_element(struct rst_view v)
{
	uint32_t i = 0;

	while (i < v.n && (!v.v[i].n || (i && v.v[i].p[0] == ' ') ||
			   (fl_str_starts(text_of(v, i), "..") && !memmem(v.v[i].p, v.v[i].n, "::", 2))))
		i++;
	return i;
}

/* ":name: ...", but not ":role:`text`". */
static bool is_field(struct fl_str s)
{
	size_t end = s.n > 2 && s.p[0] == ':' && s.p[1] != ' ' && s.p[1] != ':' ? fl_str_find(s, ':', 1) : s.n;

	while (end < s.n && end + 1 < s.n && s.p[end + 1] != ' ')
		end = fl_str_find(s, ':', end + 1);
	return end < s.n;
}

/* The line behind the fields that the text begins with, or 0. */
static uint32_t fields_end(struct rst_view v)
{
	uint32_t i = first_element(v);

	if (!is_field(text_of(v, i)))
		return 0;
	while (i < v.n && (!v.v[i].n || v.v[i].p[0] == ' ' || is_field(text_of(v, i))))
		i++;
	return i;
}

/* ":orphan:" stands among the fields that the text begins with: elsewhere it is a field like others. */
static bool is_orphan(struct rst_view v)
{
	uint32_t end = fields_end(v);

	for (uint32_t i = 0; i < end; i++) {
		if (fl_str_starts(text_of(v, i), ":orphan:"))
			return true;
	}
	return false;
}

/* The labels, terms and citations of the file at hand, from @f on, are the page's too. */
static void included_labels(struct docs_worker *w, const struct rst_fact *f, const char *file)
{
	const char *page = w->path;

	w->path = file;
	for (; f && !(w->tree->kernel && !docs_is_in_doc(w->tree, page)); f = f->next) {
		struct docs_fact *u = f->kind == RST_TARGET && !fl_str_is(f->name, "_") ?
					      docs_label(w, label_name(w, f->name), f) :
					      docs_page_name(w, f);

		if (u)
			u->page = page;
	}
	w->path = page;
}

/*
 * What a page includes is read where it stands, as part of the page: its titles follow the page's
 * styles. Names are judged where the file is a page of its own; of its facts only the labels are kept.
 */
static void read_included(struct rst *r, struct fl_str name, bool titles)
{
	struct docs_worker *w = r->ctx;
	const char *file = w->sink.file;
	struct fl_str outer = w->sink.text;
	_cleanup_buf_ struct fl_buf text = {};
	struct rst_view view;
	struct rst_fact **tail = r->tail ? r->tail : &r->facts;
	bool first;
	char path[1024], *keep;

	if (!name.n || name.p[0] == '<' || r->includes == RST_MAX_INCLUDES ||
	    !docs_page_path(w, file, name, "", path, sizeof(path)) || is_open(r, w->path, path) ||
	    docs_tree_read(w->tree, path, &text) < 0)
		return;
	first = !r->included;
	r->included += text.len;
	if (r->included > MOST_INCLUDED)
		return;
	keep = fl_arena_dup(&w->sink.arena, fl_str(path));
	if (!keep || rst_split(&w->scratch, fl_buf_str(&text), &view) < 0)
		return;
	w->orphan |= first && w->begins_with_file && is_orphan(view);
	r->files[r->includes++] = keep;
	docs_sink_file(&w->sink, keep, fl_buf_str(&text));
	rst_read_within(r, view, titles);
	included_labels(w, *tail, keep);
	*tail = NULL;
	r->tail = tail;
	r->open = NULL; /* what stands behind the file is none of its targets' */
	docs_sink_file(&w->sink, file, outer);
	r->includes--;
}

/* A file of data: its tabs are part of it. */
static bool read_text(struct rst *r, struct fl_str name, struct rst_view *ret)
{
	struct docs_worker *w = r->ctx;
	_cleanup_buf_ struct fl_buf text = {};
	struct rst_view v = {};
	struct fl_str rest, line;
	char path[1024], *keep;

	if (!name.n || !docs_page_path(w, w->sink.file, name, "", path, sizeof(path)) ||
	    docs_tree_read(w->tree, path, &text) < 0 || (r->included += text.len) > MOST_INCLUDED)
		return false;
	keep = fl_arena_dup(&w->scratch, fl_buf_str(&text));
	rest = fl_str_n(keep, keep ? text.len : 0);
	for (size_t i = 0; i < rest.n; i++)
		v.n += rest.p[i] == '\n';
	v.v = fl_arena_array(&w->scratch, (size_t)v.n + 1, sizeof(*v.v));
	if (!keep || !v.v)
		return false;
	for (v.n = 0; fl_str_line(&rest, &line); v.n++) {
		line.n -= fl_str_ends(line, "\r");
		v.v[v.n] = (struct rst_line){ line.p, (uint32_t)line.n, v.n + 1, 0 };
	}
	*ret = v;
	return true;
}

static void no_such_file(struct docs_worker *w, const struct rst_fact *f, const char *path)
{
	docs_report(&w->sink, DOCS_REF_INCLUDE, f->line, 0, 0, "Problems with \"%.*s\" directive path: InputError: "
		    "[Errno 2] No such file or directory: '%s'.", FL_STR_ARG(f->name), path);
}

/* Of a table, say. */
static void read_by_directive(struct docs_worker *w, const struct rst_fact *f)
{
	char path[1024];

	if (f->extra.n && docs_page_path(w, w->path, f->extra, "", path, sizeof(path)) &&
	    !docs_exists(w, fl_str(path)) && !docs_generated(w, fl_str(path)))
		no_such_file(w, f, path);
}

/* "<isonum.txt>": a file that comes with docutils. */
static void own_include(struct docs_worker *w, const struct rst_fact *f)
{
	static const char names[] = "isoamsa isoamsb isoamsc isoamsn isoamso isoamsr isobox isocyr1 isocyr2 isodia "
				    "isogrk1 isogrk2 isogrk3 isogrk4 isolat1 isolat2 isomfrk isomopf isomscr isonum "
				    "isopub isotech mmlalias mmlextra s5defs xhtml1-lat1 xhtml1-special xhtml1-symbol "
				    "html-roles";
	struct fl_str name = fl_str_from(f->extra, 1), rest = fl_str(names), word;
	char path[80];

	name.n -= fl_str_ends(name, ">");
	snprintf(path, sizeof(path), "<%.*s>", FL_STR_ARG(fl_str_sub(name, 0, 60)));
	while (fl_str_word(&rest, &word)) {
		if (name.n > word.n && !memcmp(name.p, word.p, word.n) &&
		    (name.p[word.n] == '.' || fl_str_is(fl_str_from(name, word.n), "-wide.txt")))
			return;
	}
	no_such_file(w, f, path);
}

static void include(struct docs_worker *w, const struct rst_fact *f)
{
	char path[1024];

	if (!f->extra.n || memchr(f->extra.p, '$', f->extra.n))
		return;
	if (f->extra.p[0] == '<') {
		own_include(w, f);
		return;
	}
	if (!docs_page_path(w, w->path, f->extra, "", path, sizeof(path)))
		return;
	docs_fact_add(w, DOCS_FACT_INCLUDED, fl_str(path), f->line, f->col);
	if (!strcmp(path, w->path))
		docs_report(&w->sink, DOCS_REF_INCLUDE, f->line, 0, 0,
			    "circular inclusion in \"include\" directive: %s", path);
	else if (docs_exists(w, fl_str(path)) && f->options.n)
		docs_included_part(w, f, path);
	else if (!docs_exists(w, fl_str(path)) && !docs_generated(w, fl_str(path)))
		no_such_file(w, f, path);
}

static void kernel_doc(struct docs_worker *w, const struct rst_fact *f, bool in_namespace)
{
	_cleanup_buf_ struct fl_buf options = {};
	struct docs_fact *u;

	if (!docs_exists(w, f->extra)) {
		docs_report(&w->sink, DOCS_REF_KDOC, f->line, 0, 0, "Cannot find file %.*s",
			    FL_STR_ARG(f->extra));
		return;
	}
	u = docs_fact_add(w, DOCS_FACT_KDOC, f->extra, f->line, f->col);
	if (!u)
		return;
	for (uint32_t i = 0; i < f->view.n; i++) {
		fl_buf_add(&options, f->view.v[i].p, f->view.v[i].n);
		fl_buf_addc(&options, '\n');
	}
	u->extra = fl_str_n(fl_arena_dup(&w->sink.arena, fl_buf_str(&options)), options.len);
	memcpy(u->styles, f->styles, sizeof(u->styles));
	u->in_namespace = in_namespace;
	u->nr_styles = f->nr_styles;
	u->level = f->level;
}

static void directive_fact(struct docs_worker *w, struct rst_fact *f, struct docs_c_scope *scope)
{
	docs_asset_directive(w, f);
	if (docs_c_directive(w, f, scope))
		return;
	if (fl_str_is(f->name, "toctree"))
		toctree(w, f);
	else if (fl_str_is(f->name, "maintainers-profile-toc"))
		profiles(w, f);
	else if (fl_str_is(f->name, "include"))
		include(w, f);
	else if (fl_str_is(f->name, "kernel-doc"))
		kernel_doc(w, f, scope->path.n > 0);
}

struct docs_fact *docs_label(struct docs_worker *w, struct fl_str name, const struct rst_fact *f)
{
	struct docs_fact *u = docs_fact_add(w, DOCS_FACT_LABEL, name, f->line, f->col);

	if (u && f->titled)
		u->extra = FL_STR("t");
	return u;
}

static bool in_docs(const struct docs_worker *w)
{
	return docs_is_in_doc(w->tree, w->path);
}

/*
 * @from: the line behind the fields that the page begins with. Sphinx takes them for data about the page, and
 * never looks where the references in them lead.
 */
static void use_facts(struct docs_worker *w, const struct rst *r, uint32_t from)
{
	struct docs_c_scope scope = { .domain = docs_words(w) ? docs_words(w)->domain : NULL };
	bool outside = w->tree->kernel && !in_docs(w);

	for (struct rst_fact *f = r->facts; f; f = f->next) {
		if (outside && f->kind != RST_ROLE)
			continue; /* the build does not see it, and so nothing in it is in another's way */
		if (!outside && (f->kind != RST_ROLE || f->line >= from))
			docs_page_name(w, f);
		if (f->kind == RST_ROLE && f->line >= from)
			role_fact(w, f);
		else if (f->kind == RST_DIRECTIVE)
			directive_fact(w, f, &scope);
		else if (f->kind == RST_FILE)
			read_by_directive(w, f);
		else if ((f->kind == RST_TARGET || (f->kind == RST_INDIRECT && f->inside)) && !fl_str_is(f->name, "_"))
			docs_label(w, label_name(w, f->name), f);
	}
}

void docs_read_page(struct docs_worker *w)
{
	struct rst r = { .sink = &w->sink, .arena = &w->scratch, .words = docs_words(w), .family = w->opts->family,
			 .want_facts = true, .include = read_included, .text = read_text, .ctx = w };
	struct fl_str text = w->sink.text;
	struct rst_view view;
	struct docs_fact *u;
	uint32_t end;
	bool excluded;
	int e;

	if (fl_str_starts(text, "\xef\xbb\xbf"))
		text = fl_str_from(text, 3);
	e = rst_split(&w->scratch, text, &view);
	if (e == -ENOMEM)
		w->sink.error = e;
	if (e < 0)
		return;
	u = docs_fact_add(w, DOCS_FACT_PAGE, fl_str(w->path), 0, 0);
	excluded = w->conf && docs_conf_excludes(w->conf, w->tree, w->path);
	w->orphan = excluded || is_orphan(view);
	w->begins_with_file = fl_str_starts(text_of(view, first_element(view)), ".. include::");
	end = fields_end(view);
	w->sink.suppress += w->quiet;
	rst_read(&r, view, true);
	if (u && w->orphan)
		u->extra = FL_STR("o");
	rst_names(&r);
	if (!excluded)
		use_facts(w, &r, end < view.n ? view.v[end].no : UINT32_MAX);
	docs_read_mentions(w);
	rst_fini(&r);
	w->sink.suppress -= w->quiet;
}
