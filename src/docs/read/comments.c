/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel-doc comments that pages include. A comment's form is judged where the C file is read;
 * here its text is read as the page has it: with the page's title styles, and for the labels and C
 * names that the page gets from it.
 */
#include "docs/read/comments.h"

#include <strings.h>

#include "docs/kdoc/kdoc.h"
#include "docs/read/read.h"

struct body {
	struct docs_worker *w;
	const struct docs_fact *use;
	struct rst rst;
	struct fl_str doc, names, without; /* what the directive chooses; p NULL: everything */
	bool no_docs, export, internal;
	struct fl_map exported;
	unsigned int found;
	struct fl_map seen; /* names that were found */
};

static struct fl_str option(const struct docs_fact *u, const char *name)
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

		if (path && docs_tree_read(b->w->tree, path, &text) == 0) {
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
					     [KDOC_UNION] = "union", [KDOC_ENUM] = "enum", [KDOC_TYPEDEF] = "type",
					     [KDOC_VAR] = "macro" };
	struct body *b = ctx;

	if (k->kind != KDOC_DOC && k->name.n && !b->use->in_namespace)
		docs_fact_c(b->w, kinds[k->kind], k->name, b->use->file, b->use->line, k->line, k->col);
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
		docs_report_fact(&b->w->sink, DOCS_REF_KDOC, b->use, "%.*s: '%.*s' not found", FL_STR_ARG(b->use->name),
				FL_STR_ARG(b->doc));
	while (!b->doc.n && fl_str_word(&rest, &word)) {
		if (!fl_map_get(&b->seen, word) && !is_keyword(word))
			docs_report_fact(&b->w->sink, DOCS_REF_KDOC, b->use, "%.*s: '%.*s' not found",
					FL_STR_ARG(b->use->name), FL_STR_ARG(word));
	}
	if (!b->doc.n && !b->names.n && !b->found)
		docs_report_fact(&b->w->sink, DOCS_REF_KDOC, b->use, "%.*s: no structured comments found",
				FL_STR_ARG(b->use->name));
}

/* The next line behind @at that begins with "/", or the end; 16 bytes at a time. */
static size_t next_slash(struct fl_str text, size_t at)
{
	typedef uint8_t v16 __attribute__((vector_size(16)));
	union {
		v16 v;
		uint64_t half[2];
	} found;
	v16 ends, first;

	for (; text.n - at > 16; at += 16) {
		memcpy(&ends, text.p + at, sizeof(ends));
		memcpy(&first, text.p + at + 1, sizeof(first));
		found.v = (v16)(ends == '\n') & (v16)(first == '/');
		if (found.half[0] | found.half[1])
			break;
	}
	for (; at + 1 < text.n; at++) {
		if (text.p[at] == '\n' && text.p[at + 1] == '/')
			return at + 1;
	}
	return text.n;
}

/* Comments of a file that was not read as a whole: each line that begins with "/" "**". */
static void find_comments(struct docs_worker *w, struct fl_str text)
{
	w->nr_kdoc = 0;
	for (size_t at = 0; at < text.n; at = next_slash(text, at)) {
		if (text.n - at >= 3 && !memcmp(text.p + at, "/**", 3))
			docs_note_comment(w, at);
	}
}

/* Labels may stand in comments too. */
static void body_labels(struct body *b)
{
	for (const struct rst_fact *f = b->rst.facts; f; f = f->next) {
		if (f->kind == RST_TARGET || f->kind == RST_INDIRECT)
			docs_label(b->w, f->name, f);
		docs_page_name(b->w, f);
	}
}

/* The comments speak for themselves in another pass (kdoc.c); here only their text is read. */
static void read_included(struct body *b)
{
	static const struct docs_set nothing;
	static const struct kdoc_reader reader = { chosen, read_body };
	const struct docs_fact *u = b->use;
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
			       .words = docs_words(b->w),
			       .family = b->w->opts->family, .nr_styles = u->nr_styles, .level = u->level,
			       .base_level = u->level, .page = u->file };
	memcpy(b->rst.styles, u->styles, sizeof(u->styles));
	kdoc_read(&mute, &b->w->scratch, b->w->kernel_doc, b->w->kdoc, b->w->nr_kdoc, &reader, b);
	free(mute.lines);
	body_labels(b);
	not_found(b);
	rst_fini(&b->rst);
	fl_map_fini(&b->seen);
	fl_map_fini(&b->exported);
}

void docs_read_comments(struct docs_worker *w, const struct docs_fact *const *v, size_t n)
{
	char *path = fl_arena_dup(&w->sink.arena, v[0]->name);

	if (!path || docs_tree_read(w->tree, path, &w->text) < 0)
		return;
	find_comments(w, fl_buf_str(&w->text));
	w->path = path;
	docs_sink_file(&w->sink, path, fl_buf_str(&w->text));
	w->sink.suppress += w->quiet;
	for (size_t i = 0; i < n; i++) {
		struct body b = { .w = w, .use = v[i] };

		read_included(&b);
		fl_arena_reset(&w->scratch);
	}
	w->sink.suppress -= w->quiet;
	docs_sink_file(&w->sink, NULL, fl_str_n("", 0));
}
