/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of one page: what its targets, titles, footnotes and substitutions define, and what its
 * references want. docutils does this after reading, and so do we, from the facts.
 *
 * Of two explicit targets of one name neither can be referred to; a title gives its name away to an explicit
 * target, and of two titles of one name neither has it. An indirect target is followed until something is
 * there, from each in the order of the page, so that of a circle the one is blamed that docutils blames.
 */
#include "docs/rst/internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/map.h"

struct names {
	struct rst *r;
	struct fl_map targets, footnotes, substs, lower_substs, used, numbers;
	unsigned int anonymous_refs, anonymous_targets, auto_refs, autos, symbol_refs, symbols, includes;
};

/* Lower case, white space collapsed, escapes gone: how docutils compares names. */
static struct fl_str normal(struct rst *r, struct fl_str s, bool lower)
{
	char *out = fl_arena_alloc(r->arena, s.n + 1);
	bool blank = false;
	size_t n = 0;

	if (!out)
		return s;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\0' || (c == '\\' && i + 1 < s.n))
			continue;
		if (c == ' ' || c == '\n' || c == '\t') {
			blank = n > 0;
			continue;
		}
		if (blank)
			out[n++] = ' ';
		blank = false;
		out[n++] = lower && c >= 'A' && c <= 'Z' ? c | 32 : c;
	}
	return fl_str_n(out, n);
}

FL_PRINTF(4, 5)
static struct docs_finding *at_fact(struct names *n, enum docs_check c, const struct rst_fact *f, const char *fmt, ...)
{
	struct docs_finding *d;
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d = docs_report(n->r->sink, c, f->line, f->col, rst_width(f->name), "%s", text);
	docs_finding_columns(d);
	return d;
}

static bool is_implicit(const struct rst_fact *f)
{
	return f->kind == RST_SECTION || f->implicit;
}

/* Both lead to one address, or are other names of one target: then the first stays what it is. */
static bool lead_to_one(const struct rst_fact *a, const struct rst_fact *b)
{
	return a->kind == b->kind && (a->kind == RST_URI_TARGET || a->kind == RST_INDIRECT) &&
	       fl_str_eq(a->extra, b->extra);
}

/* Targets and titles; the maps keep the fact that has the name. */
static void define_target(struct names *n, struct rst_fact *f, struct fl_str name)
{
	bool fresh;
	struct fl_map_entry *e = fl_map_put(&n->targets, name, &fresh);
	struct rst_fact *old;

	if (!e)
		return;
	old = fresh ? NULL : e->ptr;
	if (!old || (!is_implicit(f) && is_implicit(old))) {
		e->ptr = f;
	} else if (!old->lost && lead_to_one(old, f)) {
		return;
	} else if (is_implicit(f)) {
		old->lost |= is_implicit(old);
	} else {
		old->lost = true;
		at_fact(n, DOCS_TARGET_DUPLICATE, f, "Duplicate explicit target name: \"%.*s\".", FL_STR_ARG(name));
	}
}

/* Footnotes, citations and substitutions: true where nothing had the name. */
static bool define(struct fl_map *m, struct rst_fact *f, struct fl_str name)
{
	bool fresh = true;
	struct fl_map_entry *e = fl_map_put(m, name, &fresh);

	if (!e)
		return true;
	f->lost = !fresh;
	e->ptr = f;
	return fresh;
}

static void define_footnote(struct names *n, struct rst_fact *f, struct fl_str name)
{
	if (!define(&n->footnotes, f, name))
		at_fact(n, DOCS_TARGET_DUPLICATE, f, "Duplicate explicit target name: \"%.*s\".", FL_STR_ARG(name));
}

static void define_subst(struct names *n, struct rst_fact *f, struct fl_str name)
{
	struct docs_finding *d;

	fl_map_put(&n->lower_substs, normal(n->r, f->name, true), NULL);
	if (define(&n->substs, f, name))
		return;
	d = at_fact(n, DOCS_TARGET_DUPLICATE, f, "Duplicate substitution definition name: \"%.*s\".",
		    FL_STR_ARG(name));
	if (d)
		d->level = FL_ERROR;
}

static void note_definition(struct names *n, struct rst_fact *f)
{
	struct fl_str name = normal(n->r, f->name, f->kind != RST_SUBST);

	switch (f->kind) {
	case RST_TARGET:
	case RST_URI_TARGET:
	case RST_INDIRECT:
	case RST_SECTION:
		if (f->kind != RST_SECTION && fl_str_is(f->name, "_"))
			n->anonymous_targets++;
		else
			define_target(n, f, name);
		break;
	case RST_FOOTNOTE:
		if (fl_str_is(f->name, "#"))
			n->autos++;
		else if (fl_str_is(name, "*"))
			n->symbols++;
		else
			define_footnote(n, f, name.p[0] == '#' ? fl_str_from(name, 1) : name);
		break;
	case RST_CITATION:
		define_footnote(n, f, name);
		break;
	case RST_SUBST:
		define_subst(n, f, name);
		break;
	case RST_DIRECTIVE:
		n->includes += fl_str_is(f->name, "include") || fl_str_is(f->name, "kernel-include");
		break;
	default:
		break;
	}
}

static bool is_number(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

static struct rst_fact *found(const struct fl_map *m, struct fl_str name)
{
	const struct fl_map_entry *e = fl_map_get(m, name);

	return e ? e->ptr : NULL;
}

/* Of "[#]_" and "[*]_", the first that no footnote is left for is told. True where one is left. */
static bool numbered_ref(struct names *n, const struct rst_fact *f, unsigned int *refs, unsigned int notes,
			 const char *what)
{
	if ((*refs)++ == notes)
		at_fact(n, DOCS_FOOTNOTE_UNKNOWN, f, "Too many %s footnote references: only %u corresponding footnotes "
			"available.", what, notes);
	return *refs <= notes;
}

/* The number that a footnote "[#]" gets is a name of it: of those that nothing else has, the next. */
static void number_footnotes(struct names *n)
{
	unsigned int number = 0;
	char text[12], *name;

	for (const struct rst_fact *f = n->r->facts; f; f = f->next) {
		if (f->kind != RST_FOOTNOTE || f->name.p[0] != '#')
			continue;
		do
			snprintf(text, sizeof(text), "%u", ++number);
		while (fl_map_get(&n->footnotes, fl_str(text)) || fl_map_get(&n->targets, fl_str(text)));
		name = f->name.n == 1 ? fl_arena_dup(n->r->arena, fl_str(text)) : NULL;
		if (name)
			fl_map_put(&n->numbers, fl_str(name), NULL);
	}
}

/* A label that no footnote has, or several, takes the next number, as "#" alone does. */
static void footnote_ref(struct names *n, const struct rst_fact *f)
{
	struct fl_str name = normal(n->r, f->name, true);
	bool is_auto = name.p[0] == '#' && name.n > 1;
	const struct rst_fact *to;

	if (fl_str_is(name, "#")) {
		numbered_ref(n, f, &n->auto_refs, n->autos, "autonumbered");
		return;
	}
	if (fl_str_is(name, "*")) {
		numbered_ref(n, f, &n->symbol_refs, n->symbols, "symbol");
		return;
	}
	name = is_auto ? fl_str_from(name, 1) : name;
	fl_map_put(&n->used, name, NULL);
	to = found(&n->footnotes, name);
	if (is_auto && (!to || to->lost) && numbered_ref(n, f, &n->auto_refs, n->autos, "autonumbered"))
		return;
	if (!to && !fl_map_get(&n->numbers, name))
		at_fact(n, DOCS_FOOTNOTE_UNKNOWN, f, "Unknown target name: \"%.*s\".", FL_STR_ARG(name));
	else if (to && to->lost)
		at_fact(n, DOCS_TARGET_AMBIGUOUS, f, "Duplicate target name, cannot be used as a unique reference: "
			"\"%.*s\".", FL_STR_ARG(name));
}

/* The build puts a definition of that name around every page, or something that could not be read. */
static bool is_around(struct names *n, const struct rst_fact *f)
{
	const struct rst_vocabulary *v = n->r->words;

	return v && (v->open_names || fl_map_get(f->kind == RST_SUBST_REF ? &v->substs : &v->targets,
						 normal(n->r, f->name, true)));
}

static void named_ref(struct names *n, const struct rst_fact *f)
{
	struct fl_str name = normal(n->r, f->name, true);
	const struct rst_fact *to = found(&n->targets, name);

	if (to && to->lost)
		at_fact(n, DOCS_TARGET_AMBIGUOUS, f, "Duplicate target name, cannot be used as a unique reference: "
			"\"%.*s\".", FL_STR_ARG(name));
	else if (!to && !fl_map_get(&n->footnotes, name) && !is_around(n, f) && !n->includes)
		at_fact(n, DOCS_TARGET_UNKNOWN, f, "Unknown target name: \"%.*s\".", FL_STR_ARG(name));
}

static void check_reference(struct names *n, const struct rst_fact *f)
{
	struct fl_str name;

	switch (f->kind) {
	case RST_REF:
		if (fl_str_is(f->name, "_"))
			n->anonymous_refs++;
		else
			named_ref(n, f);
		break;
	case RST_FOOTNOTE_REF:
		footnote_ref(n, f);
		break;
	case RST_SUBST_REF:
		name = normal(n->r, f->name, false);
		if (!fl_map_get(&n->substs, name) &&
		    !fl_map_get(&n->lower_substs, normal(n->r, f->name, true)) && !is_around(n, f) && !n->includes &&
		    !fl_str_is(name, "version") && !fl_str_is(name, "release") &&
		    !fl_str_is(name, "today"))
			at_fact(n, DOCS_SUBST_UNKNOWN, f, "Undefined substitution referenced: \"%.*s\".",
				FL_STR_ARG(name));
		break;
	default:
		break;
	}
}

/* -- indirect targets -- */

/* "other" of "other_" and "`other`_". */
static struct fl_str pointed_at(struct names *n, const struct rst_fact *f)
{
	struct fl_str s = fl_str_sub(f->extra, 0, f->extra.n - 1);

	if (s.n > 1 && s.p[0] == '`' && s.p[s.n - 1] == '`')
		s = fl_str_sub(s, 1, s.n - 2);
	return normal(n->r, s, true);
}

static void leads_nowhere(struct names *n, const struct rst_fact *f, struct fl_str to, const char *why)
{
	struct fl_str name = normal(n->r, f->name, true);

	if (fl_str_is(f->name, "_"))
		at_fact(n, DOCS_TARGET_INDIRECT, f, "Indirect hyperlink target refers to target \"%.*s\", %s.",
			FL_STR_ARG(to), why);
	else
		at_fact(n, DOCS_TARGET_INDIRECT, f, "Indirect hyperlink target \"%.*s\" refers to target \"%.*s\", %s.",
			FL_STR_ARG(name), FL_STR_ARG(to), why);
}

/* The indirect target that @f points at and that was not followed yet; what is wrong with @f is told. */
static struct rst_fact *next_indirect(struct names *n, struct rst_fact *f)
{
	struct fl_str to = pointed_at(n, f);
	struct rst_fact *next = found(&n->targets, to);
	bool open = next && next->kind == RST_INDIRECT && next->walk != RST_FOLLOWED;

	if (next && next->lost)
		leads_nowhere(n, f, to, "which is a duplicate, and cannot be used as a unique reference");
	else if (!next && !fl_map_get(&n->footnotes, to) && !n->includes)
		leads_nowhere(n, f, to, "which does not exist");
	else if (open && f->walk == RST_ON_THE_WAY)
		leads_nowhere(n, f, to, "forming a circular reference");
	else if (open)
		return next;
	return NULL;
}

static void follow(struct names *n, struct rst_fact *first)
{
	for (struct rst_fact *f = first, *next; f; f = next) {
		next = next_indirect(n, f);
		if (next)
			f->walk = RST_ON_THE_WAY;
	}
	for (struct rst_fact *f = first; f && f->kind == RST_INDIRECT && f->walk != RST_FOLLOWED;) {
		f->walk = RST_FOLLOWED;
		f = found(&n->targets, pointed_at(n, f));
	}
}

/* What is behind a chain of indirect targets is what :ref: shows for each of them. */
static void follow_indirect(struct names *n, struct rst_fact *f)
{
	const struct rst_fact *to = f;

	for (unsigned int i = 0; to && to->kind == RST_INDIRECT && i < 100; i++)
		to = found(&n->targets, pointed_at(n, to));
	f->inside = !f->implicit && to && (to->kind == RST_TARGET || to->kind == RST_SECTION);
	f->titled = to && (to->kind == RST_SECTION || to->titled);
}

/* -- footnotes that nothing refers to -- */

static void unused(struct names *n, const struct rst_fact *f, struct fl_str what)
{
	docs_report(n->r->sink, DOCS_FOOTNOTE_UNUSED, f->line, f->col, f->name.n, "Footnote [%.*s] is not referenced.",
		    FL_STR_ARG(what));
}

static void unused_footnotes(struct names *n)
{
	unsigned int autos = 0, symbols = 0;

	fl_map_for_each(e, &n->footnotes) {
		const struct rst_fact *f = e->ptr;

		if (f->kind == RST_FOOTNOTE && !f->lost && !fl_map_get(&n->used, e->key))
			unused(n, f, is_number(e->key) ? e->key : FL_STR("#"));
	}
	for (const struct rst_fact *f = n->r->facts; f; f = f->next) {
		if (f->kind == RST_FOOTNOTE && ((fl_str_is(f->name, "#") && ++autos > n->auto_refs) ||
						(fl_str_is(f->name, "*") && ++symbols > n->symbol_refs)))
			unused(n, f, f->name);
	}
}

void rst_names(struct rst *r)
{
	struct names n = { .r = r };

	for (struct rst_fact *f = r->facts; f; f = f->next)
		note_definition(&n, f);
	number_footnotes(&n);
	for (const struct rst_fact *f = r->facts; f; f = f->next)
		check_reference(&n, f);
	for (struct rst_fact *f = r->facts; f; f = f->next) {
		if (f->kind == RST_INDIRECT && f->walk == RST_NEW)
			follow(&n, f);
	}
	for (struct rst_fact *f = r->facts; f; f = f->next) {
		if (f->kind == RST_INDIRECT)
			follow_indirect(&n, f);
	}
	if (n.anonymous_refs != n.anonymous_targets && !n.includes)
		docs_report(r->sink, DOCS_TARGET_UNKNOWN, 0, 0, 0,
			    "Anonymous hyperlink mismatch: %u references but %u targets.", n.anonymous_refs,
			    n.anonymous_targets);
	unused_footnotes(&n);
	fl_map_fini(&n.targets);
	fl_map_fini(&n.footnotes);
	fl_map_fini(&n.numbers);
	fl_map_fini(&n.substs);
	fl_map_fini(&n.lower_substs);
	fl_map_fini(&n.used);
}
