/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of one page: what its targets, titles, footnotes and substitutions define, and what its
 * references want. docutils does this after reading, and so do we, from the facts.
 */
#include "docs/rst/internal.h"

#include "base/map.h"

struct names {
	struct rst *r;
	struct fl_map explicit_, implicit, footnotes, substs, used;
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

static struct docs_finding *at_fact(struct names *n, enum docs_check c, const struct rst_fact *f,
				    const char *what, struct fl_str name)
{
	struct docs_finding *d = docs_report(n->r->sink, c, f->line, f->col, rst_width(f->name),
					     "%s\"%.*s\".", what, FL_STR_ARG(name));

	docs_finding_columns(d);
	return d;
}

static void define(struct names *n, struct fl_map *m, const struct rst_fact *f, struct fl_str name)
{
	bool fresh;
	struct fl_map_entry *e = fl_map_put(m, name, &fresh);
	const struct rst_fact *old;

	if (!e)
		return;
	old = fresh ? NULL : e->ptr;
	e->ptr = (void *)f;
	if (!old || m == &n->implicit)
		return;
	if (old->kind == RST_URI_TARGET && f->kind == RST_URI_TARGET && fl_str_eq(old->extra, f->extra))
		return;
	if (m == &n->substs)
		at_fact(n, DOCS_TARGET_DUPLICATE, f, "Duplicate substitution definition name: ", name);
	else
		at_fact(n, DOCS_TARGET_DUPLICATE, f, "Duplicate explicit target name: ", name);
}

static void note_definition(struct names *n, const struct rst_fact *f)
{
	struct fl_str name = normal(n->r, f->name, f->kind != RST_SUBST);

	switch (f->kind) {
	case RST_TARGET:
	case RST_URI_TARGET:
	case RST_INDIRECT:
		if (fl_str_is(f->name, "_"))
			n->anonymous_targets++;
		else
			define(n, &n->explicit_, f, name);
		break;
	case RST_SECTION:
		define(n, &n->implicit, f, name);
		break;
	case RST_FOOTNOTE:
		if (fl_str_is(f->name, "#"))
			n->autos++;
		else if (name.n > 1 && name.p[0] == '#') {
			n->autos++;
			define(n, &n->footnotes, f, fl_str_from(name, 1));
		} else if (fl_str_is(name, "*"))
			n->symbols++;
		else
			define(n, &n->footnotes, f, name);
		break;
	case RST_CITATION:
		define(n, &n->footnotes, f, name);
		break;
	case RST_SUBST:
		define(n, &n->substs, f, name);
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

static void footnote_ref(struct names *n, const struct rst_fact *f)
{
	struct fl_str name = normal(n->r, f->name, true);

	if (fl_str_is(name, "#")) {
		n->auto_refs++;
		return;
	}
	if (fl_str_is(name, "*")) {
		n->symbol_refs++;
		return;
	}
	if (name.p[0] == '#')
		name = fl_str_from(name, 1);
	fl_map_put(&n->used, name, NULL);
	if (!fl_map_get(&n->footnotes, name))
		at_fact(n, DOCS_FOOTNOTE_UNKNOWN, f, "Unknown target name: ", name);
}

static void check_reference(struct names *n, const struct rst_fact *f)
{
	struct fl_str name;

	switch (f->kind) {
	case RST_REF:
		if (fl_str_is(f->name, "_")) {
			n->anonymous_refs++;
			break;
		}
		name = normal(n->r, f->name, true);
		if (!fl_map_get(&n->explicit_, name) && !fl_map_get(&n->implicit, name) &&
		    !fl_map_get(&n->footnotes, name) && !n->includes)
			at_fact(n, DOCS_TARGET_UNKNOWN, f, "Unknown target name: ", name);
		break;
	case RST_FOOTNOTE_REF:
		footnote_ref(n, f);
		break;
	case RST_CITATION_REF:
		fl_map_put(&n->used, normal(n->r, f->name, true), NULL);
		break;
	case RST_SUBST_REF:
		name = normal(n->r, f->name, false);
		if (!fl_map_get(&n->substs, name) && !n->includes && !fl_str_is(name, "version") &&
		    !fl_str_is(name, "release") && !fl_str_is(name, "today"))
			at_fact(n, DOCS_SUBST_UNKNOWN, f, "Undefined substitution referenced: ", name);
		break;
	default:
		break;
	}
}

static void unused_footnotes(struct names *n)
{
	fl_map_for_each(e, &n->footnotes) {
		const struct rst_fact *f = e->ptr;

		if (f->kind == RST_FOOTNOTE && is_number(e->key) && !fl_map_get(&n->used, e->key))
			docs_report(n->r->sink, DOCS_FOOTNOTE_UNUSED, f->line, f->col, f->name.n,
				    "Footnote [%.*s] is not referenced.", FL_STR_ARG(e->key));
		else if (f->kind == RST_CITATION && !fl_map_get(&n->used, e->key))
			docs_report(n->r->sink, DOCS_FOOTNOTE_UNUSED, f->line, f->col, f->name.n,
				    "Citation [%.*s] is not referenced.", FL_STR_ARG(f->name));
	}
}

void rst_names(struct rst *r)
{
	struct names n = { .r = r };

	for (const struct rst_fact *f = r->facts; f; f = f->next)
		note_definition(&n, f);
	for (const struct rst_fact *f = r->facts; f; f = f->next)
		check_reference(&n, f);
	if (n.auto_refs > n.autos)
		docs_report(r->sink, DOCS_FOOTNOTE_UNKNOWN, 0, 0, 0,
			    "Too many autonumbered footnote references: only %u corresponding footnotes "
			    "available.", n.autos);
	if (n.symbol_refs > n.symbols)
		docs_report(r->sink, DOCS_FOOTNOTE_UNKNOWN, 0, 0, 0,
			    "Too many symbol footnote references: only %u corresponding footnotes available.",
			    n.symbols);
	if (n.anonymous_refs != n.anonymous_targets && !n.includes)
		docs_report(r->sink, DOCS_TARGET_UNKNOWN, 0, 0, 0,
			    "Anonymous hyperlink mismatch: %u references but %u targets.", n.anonymous_refs,
			    n.anonymous_targets);
	unused_footnotes(&n);
	fl_map_fini(&n.explicit_);
	fl_map_fini(&n.implicit);
	fl_map_fini(&n.footnotes);
	fl_map_fini(&n.substs);
	fl_map_fini(&n.used);
}
