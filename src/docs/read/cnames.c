/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name is known to Sphinx by its path: that of the declaration in whose content it stands, or else of the
 * namespace, and behind it what the directive says. Two members of one name are two where their structs are. An
 * enumerator is known beside its enum, too, unless the name is taken there. Each line of a directive's argument
 * declares something, unless a backslash joins it with the next.
 */
#include "docs/read/cnames.h"

#include <stdio.h>

#include "docs/read/cdecl.h"

static const char *const kinds[] = {"function", "member", "var",	"macro", "struct",
				    "union",	"enum",	  "enumerator", "type"};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Where the page's words are not known: the last word before "(" or the end. */
static struct fl_str declared(struct fl_str s)
{
	size_t end = fl_str_find(s, '(', 0), from;

	while (end && !is_word(s.p[end - 1]))
		end--;
	for (from = end; from && is_word(s.p[from - 1]); from--)
		;
	return fl_str_sub(s, from, end - from);
}

static bool can_be_read(struct docs_worker *w, const struct rst_fact *f, struct fl_str sig, const char *kind,
			struct fl_str *name)
{
	struct cdecl_words words = { &w->conf->c_attributes, &w->conf->c_calls };
	const char *bad;
	size_t at;

	bad = cdecl_read(sig, kind, words, name, &at);
	if (bad && !strcmp(kind, "type"))
		docs_report(&w->sink, DOCS_C_DECLARATION, f->line, 0, 0,
			    "Type must be either just a name or a typedef-like declaration.");
	else if (bad)
		docs_report(&w->sink, DOCS_C_DECLARATION, f->line, 0, 0,
			    "Invalid C declaration: %s [error at %zu]", bad, at);
	return !bad;
}

static struct fl_str joined(struct docs_worker *w, struct fl_str path, struct fl_str name)
{
	char *p;

	if (!path.n)
		return name;
	p = docs_sink_printf(&w->sink, "%.*s.%.*s", FL_STR_ARG(path), FL_STR_ARG(name));
	return p ? fl_str(p) : name;
}

/* What @f stands within: another declaration, or the namespace. */
static struct fl_str around(const struct rst_fact *f, const struct docs_c_scope *s)
{
	for (const struct rst_fact *o = f->outer; o; o = o->outer) {
		if (o->path.n)
			return o->path;
	}
	return s->path;
}

/* The path without its last name. */
static struct fl_str parent(struct fl_str path)
{
	size_t n = path.n;

	while (n && path.p[n - 1] != '.')
		n--;
	return fl_str_sub(path, 0, n ? n - 1 : 0);
}

static bool is_within_enum(const struct rst_fact *f)
{
	return f->outer && (fl_str_is(f->outer->name, "c:enum") || fl_str_is(f->outer->name, "enum"));
}

static void declare(struct docs_worker *w, struct rst_fact *f, struct fl_str sig, const char *kind,
		    struct fl_str outer, uint32_t col)
{
	struct fl_str name = declared(sig);
	struct docs_fact *u;

	if (w->conf && w->conf->present && !can_be_read(w, f, sig, kind, &name))
		return;
	if (!name.n)
		return;
	f->path = joined(w, outer, name);
	docs_fact_c(w, kind, f->path, w->path, f->line, f->line, col);
	if (strcmp(kind, "enumerator") || !is_within_enum(f))
		return;
	u = docs_fact_c(w, kind, joined(w, parent(outer), name), w->path, f->line, f->line, col);
	if (u)
		u->weak = true;
}

/* Lines that a backslash joins are one. */
static void declare_all(struct docs_worker *w, struct rst_fact *f, const char *kind, struct fl_str outer)
{
	_cleanup_buf_ struct fl_buf sig = {};

	for (uint32_t i = 0; i < f->args.n; i++) {
		struct fl_str line = fl_str_trim(fl_str_n(f->args.v[i].p, f->args.v[i].n));
		bool more = fl_str_ends(line, "\\");
		char *keep;

		line.n -= more;
		fl_buf_add_str(&sig, line);
		if (more && i + 1 < f->args.n)
			continue;
		keep = fl_arena_dup(&w->scratch, fl_buf_str(&sig));
		if (keep)
			declare(w, f, fl_str_n(keep, sig.len), kind, outer, f->col + i);
		sig.len = 0;
	}
}

static bool choose_namespace(struct docs_worker *w, struct docs_c_scope *s, struct fl_str how, struct fl_str name)
{
	bool none = fl_str_is(name, "NULL") || fl_str_is(name, "0") || fl_str_is(name, "nullptr");

	if (fl_str_is(how, "namespace")) {
		s->path = none ? fl_str_n("", 0) : name;
		s->depth = 0;
	} else if (fl_str_is(how, "namespace-push")) {
		if (s->depth < DOCS_C_SCOPES)
			s->outer[s->depth++] = s->path;
		s->path = none ? s->path : joined(w, s->path, name);
	} else if (fl_str_is(how, "namespace-pop")) {
		s->path = s->depth ? s->outer[--s->depth] : fl_str_n("", 0);
	} else {
		return fl_str_is(how, "alias");
	}
	return true;
}

static bool has_option(struct docs_worker *w, const struct rst_fact *f)
{
	struct fl_str next = fl_str_trim(docs_sink_line(&w->sink, f->line + 1));

	return fl_str_starts(next, ":noindex:") || fl_str_starts(next, ":no-index:");
}

bool docs_c_directive(struct docs_worker *w, struct rst_fact *f, struct docs_c_scope *s)
{
	struct fl_str kind = f->name;

	if (fl_str_is(kind, "default-domain")) {
		s->domain = fl_str_is(f->extra, "c") ? "c" : "";
		return true;
	}
	if (fl_str_starts(kind, "c:"))
		kind = fl_str_from(kind, 2);
	else if (!s->domain || strcmp(s->domain, "c"))
		return false;
	if (choose_namespace(w, s, kind, f->extra))
		return true;
	for (size_t i = 0; i < FL_ARRAY_SIZE(kinds); i++) {
		if (!fl_str_is(kind, kinds[i]))
			continue;
		if (!has_option(w, f))
			declare_all(w, f, kinds[i], around(f, s));
		return true;
	}
	return false;
}

void docs_c_role(struct docs_worker *w, const struct rst_fact *f, struct fl_str target)
{
	static const char roles[] = "c:member c:data c:var c:func c:macro c:struct c:union c:enum c:enumerator c:type";
	struct fl_str rest = fl_str(roles), word;

	while (fl_str_word(&rest, &word)) {
		if (!fl_str_eq(word, f->name) || !target.n || memchr(target.p, '\n', target.n))
			continue;
		if (target.p[0] == '~')
			target = fl_str_from(target, 1);
		if (!cdecl_is_reference(target))
			docs_finding_columns(docs_report(&w->sink, DOCS_C_DECLARATION, f->line, f->col, f->name.n,
					     "Unparseable C cross-reference: '%.*s'", FL_STR_ARG(fl_str_sub(target, 0, 200))));
		return;
	}
}
