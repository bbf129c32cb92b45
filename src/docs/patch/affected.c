/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a patch changes is the difference between two checks of the whole tree, one without it and one
 * with it. Most patches touch no name that another file uses, and then the files of the patch alone make
 * that difference, in milliseconds. The others are told by their facts: those that one of the two
 * states has and the other has not. Each puts a name at stake (a label, a C name, a What, a page that
 * a toctree named, a file that is gone, a comment that pages include), and a file that does not hold that
 * name as bytes can neither have won nor lost a finding by it. So the files that can hold it are
 * searched, once, for all names together:
 *
 *   labels, C names       pages, and then the C files whose comments pages include
 *   a What                Documentation/ABI
 *   pages, comments       pages
 *   a path that is gone   every file
 *
 * What is found is checked in both states, beside the patch's own files. A session over these files alone
 * is wrong about names that are not at stake (it has not read who defines them), but in both states in
 * the same way, so that nothing of it is new.
 *
 * A path is written from the top, from the pages' folder or from the file's own: what is looked for is its
 * last part, which counts where the folder before it fits, or where the file lies in that folder. A
 * pattern ("*", "?", "[") behind the path's first folder may be it, too.
 *
 * conf.py, its extensions and the allow list can change every finding, and then both states are checked
 * whole.
 */
#include "docs/patch/affected.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "docs/read/assets.h"

enum kind {
	WORD,	 /* as it is, between what is no word */
	PATH,	 /* the last part of a path whose folder is @dir */
	PATTERN, /* a path's first folder, where a wildcard follows */
	TEXT,	 /* as it is */
};

static bool word_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct fl_str own_copy(struct docs_affected *a, struct fl_str s)
{
	char *copy = fl_arena_dup(&a->arena, s);

	if (!copy)
		a->error = -ENOMEM;
	return fl_str_n(copy ? copy : "", copy ? s.n : 0);
}

static void look_for(struct docs_affected *a, struct docs_needles *in, struct fl_str text, enum kind kind,
		     struct fl_str dir)
{
	if (docs_needles_add(in, own_copy(a, text), kind, own_copy(a, dir)) < 0)
		a->error = -ENOMEM;
}

static void affect(struct docs_affected *a, struct fl_str path)
{
	if (!fl_map_get(&a->paths, path) && !fl_map_put(&a->paths, own_copy(a, path), NULL))
		a->error = -ENOMEM;
}

/* -- names at stake -- */

/* The longest run without blanks: names are written with blanks and line ends between their words. */
static struct fl_str longest_word(struct fl_str s)
{
	struct fl_str best = {}, word;

	while (fl_str_word(&s, &word)) {
		if (word.n > best.n)
			best = word;
	}
	return best;
}

static struct fl_str last_word(struct fl_str s)
{
	size_t from = s.n;

	while (from && s.p[from - 1] != ' ')
		from--;
	return fl_str_from(s, from);
}

/* The folder's path, without its "/". */
static struct fl_str folder(struct fl_str path)
{
	size_t n = path.n - fl_str_base_name(path).n;

	return fl_str_sub(path, 0, n ? n - 1 : 0);
}

static struct fl_str without_end(struct fl_str base)
{
	size_t dot = base.n;

	while (dot > 1 && base.p[dot - 1] != '.')
		dot--;
	return dot > 1 ? fl_str_sub(base, 0, dot - 1) : base;
}

static void stake_path(struct docs_affected *a, struct docs_needles *in, struct fl_str path)
{
	look_for(a, in, without_end(fl_str_base_name(path)), PATH, folder(path));
}

static void stake_page(struct docs_affected *a, struct fl_str path)
{
	stake_path(a, &a->pages, path);
	look_for(a, &a->pages, FL_STR(":glob:"), TEXT, fl_str_n("", 0));
}

/* A toctree's entry that is gone: the pages that it named may be named by no other. */
static void stake_entry(struct docs_affected *a, struct fl_str entry)
{
	if (!memchr(entry.p, '*', entry.n) && !memchr(entry.p, '?', entry.n)) {
		stake_page(a, entry);
		affect(a, entry);
		return;
	}
	if (docs_tree_list(a->after) < 0)
		a->error = -ENOMEM;
	for (size_t i = docs_tree_lower(a->after, a->after->doc); i < a->after->nr_paths; i++) {
		struct fl_str page = fl_str(a->after->paths[i]);

		if (strncmp(page.p, a->after->doc.p, a->after->doc.n))
			break;
		if (docs_is_page(page.p) && fl_str_glob(entry, page)) {
			stake_page(a, page);
			affect(a, page);
		}
	}
}

static void stake_fact(struct docs_affected *a, enum docs_fact_kind kind, const struct docs_fact *f, bool added)
{
	switch (kind) {
	case DOCS_FACT_LABEL:
		a->whole |= f->page != NULL; /* who else includes its file is not known */
		look_for(a, &a->sources, longest_word(f->name), TEXT, fl_str_n("", 0));
		break;
	case DOCS_FACT_LABEL_REF:
		if (added)
			look_for(a, &a->sources, longest_word(f->name), TEXT, fl_str_n("", 0));
		break;
	case DOCS_FACT_TERM:
	case DOCS_FACT_TERM_REF:
	case DOCS_FACT_CITATION:
	case DOCS_FACT_CITATION_REF:
		look_for(a, &a->sources, longest_word(f->name), TEXT, fl_str_n("", 0));
		break;
	case DOCS_FACT_C:
		look_for(a, &a->sources, last_word(f->name), WORD, fl_str_n("", 0));
		break;
	case DOCS_FACT_ABI:
		look_for(a, &a->abi, longest_word(f->name), TEXT, fl_str_n("", 0));
		break;
	case DOCS_FACT_TOC:
		if (!added)
			stake_entry(a, f->name);
		break;
	case DOCS_FACT_PAGE:
	case DOCS_FACT_INCLUDED:
		if (added)
			stake_page(a, f->name);
		break;
	case DOCS_FACT_KDOC:
		if (added)
			look_for(a, &a->pages, f->name, WORD, fl_str_n("", 0));
		break;
	case DOCS_FACT_CONFIG:
		a->whole |= added; /* every Kconfig file must be read */
		break;
	default:
		break;
	}
}

/* Facts are the same whatever lines they stand in; labels of two files are two. */
static struct fl_str fact_key(struct docs_affected *a, enum docs_fact_kind kind, const struct docs_fact *f)
{
	_cleanup_buf_ struct fl_buf b = {};

	fl_buf_addf(&b, "%d\n%.*s\n%s\n%s\n", (int)kind, FL_STR_ARG(f->name), f->file, docs_fact_page(f));
	if (kind == DOCS_FACT_C) /* "page:line" */
		fl_buf_add_str(&b, fl_str_sub(f->extra, 0, fl_str_find(f->extra, ':', 0)));
	else
		fl_buf_add_str(&b, f->extra);
	if (b.error)
		a->error = b.error;
	return own_copy(a, fl_buf_str(&b));
}

static void count_facts(struct docs_affected *a, const struct docs_session *s, struct fl_map *m, int64_t step)
{
	for (unsigned int i = 0; i < s->nr_workers; i++) {
		for (size_t k = 0; k < _DOCS_FACT_MAX; k++) {
			for (const struct docs_fact *f = s->workers[i].facts[k]; f; f = f->next) {
				struct fl_map_entry *e = fl_map_put(m, fact_key(a, k, f), NULL);

				if (e)
					e->num += (uint64_t)step;
			}
		}
	}
}

static void stake_facts(struct docs_affected *a, const struct docs_session *s, const struct fl_map *m, bool added)
{
	for (unsigned int i = 0; i < s->nr_workers; i++) {
		for (size_t k = 0; k < _DOCS_FACT_MAX; k++) {
			for (const struct docs_fact *f = s->workers[i].facts[k]; f; f = f->next) {
				const struct fl_map_entry *e = fl_map_get(m, fact_key(a, k, f));

				if (e && (added ? (int64_t)e->num > 0 : (int64_t)e->num < 0))
					stake_fact(a, k, f, added);
			}
		}
	}
}

/* -- files at stake -- */

/* All kernel-doc comments and exports of a C file, one after the other. */
static void comments_of(struct fl_str text, struct fl_buf *out)
{
	const char *p, *end;

	for (size_t at = 0; (p = memmem(text.p + at, text.n - at, "/**", 3)); at = (size_t)(end - text.p)) {
		end = memmem(p + 3, text.n - (size_t)(p - text.p) - 3, "*/", 2);
		end = end ? end : text.p + text.n;
		fl_buf_add(out, p, (size_t)(end - p));
	}
	for (size_t at = 0; (p = memmem(text.p + at, text.n - at, "EXPORT_SYMBOL", 13)); at = (size_t)(end - text.p)) {
		end = memchr(p, '\n', text.n - (size_t)(p - text.p));
		end = end ? end : text.p + text.n;
		fl_buf_add(out, p, (size_t)(end - p));
	}
}

/* What the comment that begins at @s is about: "struct name - ..." or "name() - ...". */
static struct fl_str comment_name(struct fl_str s)
{
	static const char *const words[] = { "struct", "union", "enum", "typedef" };
	struct fl_str word = {};
	size_t n = 0;

	while (fl_str_word(&s, &word) && (word.p[0] == '*' || word.p[0] == '/'))
		;
	for (size_t i = 0; i < FL_ARRAY_SIZE(words); i++) {
		if (fl_str_is(word, words[i]) && !fl_str_word(&s, &word))
			return fl_str_n("", 0);
	}
	while (n < word.n && word_char(word.p[n]))
		n++;
	return fl_str_sub(word, 0, n);
}

static void count_names(struct docs_affected *a, struct fl_str text, struct fl_map *m, int64_t step)
{
	const char *p = text.p;

	for (; (p = memmem(p, (size_t)(text.p + text.n - p), "/**", 3)); p += 3) {
		struct fl_str name = comment_name(fl_str_sub(text, (size_t)(p - text.p), 400));
		struct fl_map_entry *e = name.n ? fl_map_put(m, own_copy(a, name), NULL) : NULL;

		if (e)
			e->num += (uint64_t)step;
	}
}

/* C names that pages get or lose through comments: others may declare them, too. */
static void stake_comments(struct docs_affected *a, struct fl_str was, struct fl_str is)
{
	_cleanup_map_ struct fl_map names = {};

	count_names(a, was, &names, -1);
	count_names(a, is, &names, 1);
	fl_map_for_each(e, &names) {
		if (e->num)
			look_for(a, &a->sources, e->key, WORD, fl_str_n("", 0));
	}
}

/* The lines that make titles of others: what a page that includes this one can see differently. */
static void adornments_of(struct fl_str text, struct fl_buf *out)
{
	struct fl_str line;

	while (fl_str_line(&text, &line)) {
		size_t i = 1;

		line = fl_str_trim(line);
		while (i < line.n && line.p[i] == line.p[0])
			i++;
		if (line.n > 2 && i == line.n && !word_char(line.p[0]))
			fl_buf_addc(out, line.p[0]);
	}
}

/* The lines that make labels: what a page that includes this one has of them. */
static void labels_of(struct fl_str text, struct fl_buf *out)
{
	struct fl_str line;

	while (fl_str_line(&text, &line)) {
		line = fl_str_trim(line);
		if (fl_str_starts(line, ".. _") || fl_str_starts(line, ":name:") ||
		    fl_str_starts(line, ":orphan:") || memmem(line.p, line.n, "_`", 2))
			fl_buf_add_str(out, line);
	}
}

static void profiles_of(struct fl_str text, struct fl_buf *out)
{
	struct fl_str line;

	while (fl_str_line(&text, &line)) {
		if (fl_str_starts(line, "P:"))
			fl_buf_add_str(out, line);
	}
}

static bool differ(struct docs_affected *a, struct fl_str was, struct fl_str is,
		   void (*part)(struct fl_str text, struct fl_buf *out))
{
	_cleanup_buf_ struct fl_buf x = {}, y = {};

	part(was, &x);
	part(is, &y);
	if (x.error || y.error)
		a->error = -ENOMEM;
	return !fl_str_eq(fl_buf_str(&x), fl_buf_str(&y));
}

static bool is_in_docs(const struct docs_affected *a, struct fl_str path)
{
	return path.n > a->after->doc.n && !memcmp(path.p, a->after->doc.p, a->after->doc.n);
}

static void stake_text(struct docs_affected *a, const char *path, struct fl_str was, struct fl_str is)
{
	struct fl_str p = fl_str(path);

	if (docs_is_c(path)) {
		if (differ(a, was, is, comments_of)) {
			look_for(a, &a->pages, p, WORD, fl_str_n("", 0));
			stake_comments(a, was, is);
		}
	} else if (!strcmp(path, "MAINTAINERS")) {
		if (differ(a, was, is, profiles_of))
			look_for(a, &a->pages, FL_STR("maintainers-profile-toc"), TEXT, fl_str_n("", 0));
	} else if (is_in_docs(a, p) && (!docs_is_page(path) || differ(a, was, is, adornments_of) ||
					differ(a, was, is, labels_of))) {
		a->whole |= !docs_is_page(path) && differ(a, was, is, labels_of);
		stake_path(a, &a->pages, p); /* pages may include it */
	}
}

static void stake_gone(struct docs_affected *a, struct fl_str path)
{
	char top[300];

	stake_path(a, &a->everywhere, path);
	look_for(a, &a->everywhere, fl_str_base_name(path), PATH, folder(path)); /* with its end, for what has two */
	if (docs_is_page(path.p))
		look_for(a, &a->pages, FL_STR(":glob:"), TEXT, fl_str_n("", 0));
	if (fl_str_ends(path, ".yaml")) /* the build makes a page of it */
		look_for(a, &a->everywhere, without_end(fl_str_base_name(path)), PATH, FL_STR("netlink_spec"));
	if (snprintf(top, sizeof(top), "%.*s/", (int)fl_str_find(path, '/', 0), path.p) < (int)sizeof(top))
		look_for(a, &a->everywhere, fl_str(top), PATTERN, fl_str_n("", 0));
	for (struct fl_str dir = folder(path); dir.n && !docs_tree_has(a->after, dir); dir = folder(dir))
		look_for(a, &a->everywhere, fl_str_base_name(dir), PATH, folder(dir));
	affect(a, FL_STR("MAINTAINERS"));
}

/* conf.py puts the text of @path around every page. */
static bool surrounds_all(const struct docs_affected *a, struct fl_str path)
{
	static const char include[] = ".. include::";
	_cleanup_buf_ struct fl_buf text = {};
	struct docs_conf conf;
	char name[PATH_MAX];
	bool does;

	if (snprintf(name, sizeof(name), "%.*sconf.py", FL_STR_ARG(a->before->doc)) >= (int)sizeof(name) ||
	    docs_tree_read(a->before, name, &text) < 0 || !memmem(fl_buf_z(&text), text.len, include, strlen(include)))
		return false;
	docs_conf_read(&conf, a->before);
	does = fl_map_get(&conf.read, path);
	docs_conf_fini(&conf);
	return does;
}

/* Files whose change can change every finding. */
static bool rules_all(const struct docs_affected *a, struct fl_str path)
{
	return fl_str_is(path, ".foreland-docs-allow") ||
	       (is_in_docs(a, path) && (fl_str_ends(path, ".py") || fl_str_ends(path, "/.gitignore") ||
					surrounds_all(a, path))) ||
	       fl_str_starts(path, "tools/lib/python/kdoc/") || fl_str_is(path, "scripts/kernel-doc") ||
	       (fl_str_starts(fl_str_base_name(path), "Kconfig") && docs_set_has(&a->opts.want, DOCS_CONFIG_UNKNOWN) &&
		a->opts.level >= FL_STYLE);
}

static void stake_file(struct docs_affected *a, const char *path)
{
	_cleanup_buf_ struct fl_buf was = {}, is = {};
	bool before = docs_tree_read(a->before, path, &was) == 0, after = docs_tree_read(a->after, path, &is) == 0;

	if (before && after && fl_str_eq(fl_buf_str(&was), fl_buf_str(&is)))
		return;
	a->whole |= rules_all(a, fl_str(path));
	if (before && !after)
		stake_gone(a, fl_str(path));
	stake_text(a, path, fl_buf_str(&was), fl_buf_str(&is));
}

/* -- the search -- */

struct place {
	struct docs_affected *a;
	struct docs_worker *w;
	bool found;
};

/* What stands before @at is "DIR/", or "./", or "/" that begins the path. */
static bool behind_folder(struct fl_str text, size_t at, struct fl_str dir)
{
	struct fl_str part = fl_str_base_name(dir);

	if (!at || text.p[at - 1] != '/')
		return false;
	if (at >= part.n + 1 && !memcmp(text.p + at - 1 - part.n, part.p, part.n))
		return true;
	return at < 2 || text.p[at - 2] == '.' || text.p[at - 2] == '/' || !word_char(text.p[at - 2]);
}

static bool lies_beneath(const char *file, struct fl_str dir)
{
	return !dir.n || (!strncmp(file, dir.p, dir.n) && (file[dir.n] == '/' || !file[dir.n]));
}

static bool is_pattern(struct fl_str text, size_t at)
{
	for (; at < text.n && (word_char(text.p[at]) || strchr("-./*?[]+,~", text.p[at])); at++) {
		if (strchr("*?[", text.p[at]))
			return true;
	}
	return false;
}

static bool counts(const struct docs_needle *n, struct fl_str text, size_t at, const char *file)
{
	size_t end = at + n->text.n;
	char before = at ? text.p[at - 1] : ' ', after = end < text.n ? text.p[end] : ' ';

	switch (n->kind) {
	case WORD:
		return !word_char(before) && !word_char(after);
	case PATTERN:
		return is_pattern(text, end);
	case PATH:
		return !word_char(before) && before != '-' && !word_char(after) && after != '-' &&
		       (behind_folder(text, at, n->dir) || lies_beneath(file, n->dir));
	default:
		return true;
	}
}

/* The place of a path that is written whole, for the report of what still names it. */
static void note_place(struct docs_worker *w, struct fl_str text, size_t at, const struct docs_needle *n)
{
	char path[1024];
	size_t from;
	uint32_t col, no;

	if (n->kind != PATH || snprintf(path, sizeof(path), "%.*s%s%.*s", FL_STR_ARG(n->dir), n->dir.n ? "/" : "",
					FL_STR_ARG(n->text)) >= (int)sizeof(path))
		return;
	from = at >= n->dir.n + (n->dir.n > 0) ? at - n->dir.n - (n->dir.n > 0) : at;
	if (strlen(path) != at + n->text.n - from || memcmp(text.p + from, path, strlen(path)) ||
	    (from && word_char(text.p[from - 1])))
		return;
	no = docs_sink_locate(&w->sink, from, &col);
	docs_fact_add(w, DOCS_FACT_NAMED, fl_str(path), no, col);
}

static bool hit(void *ctx, struct fl_str text, size_t at, const struct docs_needle *n)
{
	struct place *p = ctx;

	if (!counts(n, text, at, p->w->path))
		return false;
	p->found = true;
	note_place(p->w, text, at, n);
	return n->kind != PATH; /* of those, all places are told */
}

/* The arguments of "@word" in the text at hand, each a fact of @kind; of files, their path. */
static void note_directive(struct docs_worker *w, const char *word, enum docs_fact_kind kind)
{
	struct fl_str text = w->sink.text, rest, name;
	size_t n = strlen(word);
	char path[1024];

	for (const char *p = text.p; (p = memmem(p, (size_t)(text.p + text.n - p), word, n)); p++) {
		rest = fl_str_from(text, (size_t)(p - text.p) + n);
		if (!fl_str_word(&rest, &name))
			continue;
		if (kind == DOCS_FACT_KDOC)
			docs_fact_add(w, kind, name, 0, 0);
		else if (docs_page_path(w, w->path, name, "", path, sizeof(path)))
			docs_fact_add(w, kind, fl_str(path), 0, 0);
	}
}

/* What brings other files into a page. */
static void note_directives(struct docs_worker *w)
{
	note_directive(w, "kernel-doc::", DOCS_FACT_KDOC);
	note_directive(w, " include::", DOCS_FACT_TOC);
}

static void search_file(void *ctx, struct docs_worker *w)
{
	struct docs_affected *a = ctx;
	struct place p = { .a = a, .w = w };
	bool page = docs_is_page(w->path);

	docs_needles_find(&a->everywhere, w->sink.text, hit, &p);
	if (page) {
		docs_needles_find(&a->pages, w->sink.text, hit, &p);
		docs_needles_find(&a->sources, w->sink.text, hit, &p);
		note_directives(w);
	} else if (docs_is_abi(w->path)) {
		docs_needles_find(&a->abi, w->sink.text, hit, &p);
	} else if (is_in_docs(a, fl_str(w->path))) {
		note_directives(w);
		docs_needles_find(&a->pages, w->sink.text, hit, &p); /* text that pages include */
		docs_needles_find(&a->sources, w->sink.text, hit, &p);
	}
	if (p.found)
		docs_fact_add(w, DOCS_FACT_SOURCE, fl_str(w->path), 0, 0);
}

static void search_source(void *ctx, struct docs_worker *w)
{
	struct docs_affected *a = ctx;
	struct place p = { .a = a, .w = w };

	docs_needles_find(&a->sources, w->sink.text, hit, &p);
	if (p.found)
		docs_fact_add(w, DOCS_FACT_INCLUDED, fl_str(w->path), 0, 0);
}

/* The C files that pages include, each once. */
static int search_sources(struct docs_affected *a)
{
	_cleanup_map_ struct fl_map seen = {}, found = {};
	const char **paths = NULL;
	int r;

	for (unsigned int i = 0; i < a->find.nr_workers; i++) {
		for (const struct docs_fact *f = a->find.workers[i].facts[DOCS_FACT_KDOC]; f; f = f->next)
			fl_map_put(&seen, f->name, NULL);
	}
	paths = calloc(seen.count + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	for (uint32_t i = 0; i < seen.count; i++)
		paths[i] = seen.entries[i].key.p;
	r = docs_session_each(&a->find, paths, seen.count, search_source, a);
	free(paths);
	for (unsigned int i = 0; i < a->find.nr_workers; i++) {
		for (const struct docs_fact *f = a->find.workers[i].facts[DOCS_FACT_INCLUDED]; f; f = f->next)
			fl_map_put(&found, f->name, NULL);
	}
	for (unsigned int i = 0; i < a->find.nr_workers; i++) { /* the pages that include them */
		for (const struct docs_fact *f = a->find.workers[i].facts[DOCS_FACT_KDOC]; f; f = f->next) {
			if (fl_map_get(&found, f->name))
				affect(a, fl_str(f->file));
		}
	}
	return r;
}

/* What is found in a file is said by the pages that include it, too, through however many files. */
static void affect_including(struct docs_affected *a)
{
	_cleanup_map_ struct fl_map found = {};
	uint32_t before = 0;

	for (unsigned int i = 0; i < a->find.nr_workers; i++) {
		for (const struct docs_fact *f = a->find.workers[i].facts[DOCS_FACT_SOURCE]; f; f = f->next)
			fl_map_put(&found, f->name, NULL);
	}
	while (found.count != before) {
		before = found.count;
		for (unsigned int i = 0; i < a->find.nr_workers; i++) {
			for (const struct docs_fact *f = a->find.workers[i].facts[DOCS_FACT_TOC]; f; f = f->next) {
				if (fl_map_get(&found, f->name))
					fl_map_put(&found, fl_str(f->file), NULL);
			}
		}
	}
	fl_map_for_each(e, &found)
		affect(a, e->key);
}

static int search(struct docs_affected *a)
{
	const char *top = a->everywhere.n ? "" : NULL;
	char doc[300];
	int r;

	snprintf(doc, sizeof(doc), "%.*s", (int)(a->after->doc.n - 1), a->after->doc.p);
	if (!top)
		top = a->pages.n || a->sources.n || a->abi.n ? doc : NULL;
	if (!top)
		return 0;
	if (!docs_tree_has(a->after, fl_str(top)))
		top = "";
	r = docs_needles_ready(&a->everywhere);
	r = r ? r : docs_needles_ready(&a->pages);
	r = r ? r : docs_needles_ready(&a->sources);
	r = r ? r : docs_needles_ready(&a->abi);
	if (!r)
		r = docs_session_each(&a->find, &top, 1, search_file, a);
	if (!r && a->sources.n)
		r = search_sources(a);
	affect_including(a);
	return r;
}

int docs_affected_find(struct docs_affected *a, const struct docs_session *was, const struct docs_session *is,
		       char *const *touched, size_t n)
{
	_cleanup_map_ struct fl_map facts = {};
	int r;

	*a = (struct docs_affected){ .before = was->tree, .after = is->tree, .opts = *is->opts };
	a->opts.progress = NULL;
	r = docs_session_init(&a->find, is->tree, &a->opts);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		stake_file(a, touched[i]);
	count_facts(a, was, &facts, -1);
	count_facts(a, is, &facts, 1);
	stake_facts(a, was, &facts, false);
	stake_facts(a, is, &facts, true);
	if (!a->error && !a->whole)
		a->error = search(a);
	return a->error;
}

void docs_affected_fini(struct docs_affected *a)
{
	docs_session_fini(&a->find);
	docs_needles_fini(&a->everywhere);
	docs_needles_fini(&a->pages);
	docs_needles_fini(&a->sources);
	docs_needles_fini(&a->abi);
	fl_map_fini(&a->paths);
	fl_arena_fini(&a->arena);
}
