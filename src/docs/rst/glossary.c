/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A glossary, as Sphinx reads it: entries of one or more terms, a line each, and below them, indented, a
 * definition, which is a document part of its own. Between entries stands a blank line, between the terms
 * of one entry none. What stands behind " : " in a term's line is its class, not its name.
 */
#include "docs/rst/internal.h"

struct glossary {
	struct rst *r;
	struct rst_block *b;
	struct rst_line *text; /* of the definition at hand */
	uint32_t n, cut;
};

static void complain(struct glossary *g, const struct rst_line *l, const char *what)
{
	struct docs_finding *f = docs_report(g->r->sink, DOCS_GLOSSARY, l->no, l->off, l->n, "%s", what);

	if (f)
		f->docline = l->no - 1 + g->b->bias; /* Sphinx counts from the line above */
	docs_finding_columns(f);
}

static void read_definition(struct glossary *g)
{
	if (g->n)
		rst_nested(g->r, (struct rst_view){ g->text, g->n }, g->b->bias, false);
	g->text += g->n;
	g->n = 0;
}

static void term(struct glossary *g, const struct rst_line *l)
{
	struct rst_line name = *l;
	const char *colon = memmem(l->p, l->n, " : ", 3);

	if (colon)
		name.n = (uint32_t)(colon - l->p);
	rst_add_fact(g->r, RST_TERM, l, rst_title_text(g->r, &name, g->b->bias));
}

static void definition_line(struct glossary *g, const struct rst_line *l)
{
	uint32_t cut = FL_MIN(g->cut, l->n);

	g->text[g->n++] = (struct rst_line){ l->p + cut, l->n - cut, l->no, l->off + cut };
}

static uint32_t indent(const struct rst_line *l)
{
	uint32_t n = 0;

	while (n < l->n && l->p[n] == ' ')
		n++;
	return n;
}

void rst_glossary(struct rst *r, struct rst_block *b, struct rst_view content)
{
	struct glossary g = { .r = r, .b = b, .text = fl_arena_array(r->arena, content.n + 1, sizeof(*g.text)) };
	bool defining = true, commented = false, was_blank = true, begun = false;

	for (uint32_t i = 0; i < content.n && g.text; i++) {
		const struct rst_line *l = &content.v[i];

		if (!l->n) {
			if (defining && begun)
				definition_line(&g, l);
			was_blank = true;
		} else if (l->p[0] != ' ') {
			commented = fl_str_starts(rst_str(l), ".. ");
			if (commented)
				continue;
			if (defining && !was_blank)
				complain(&g, l, "glossary term must be preceded by empty line");
			else if (!defining && was_blank)
				complain(&g, l, "glossary terms must not be separated by empty lines");
			read_definition(&g);
			term(&g, l);
			defining = was_blank = false;
			begun = true;
		} else if (!commented) {
			if (!begun)
				complain(&g, l, "glossary seems to be misformatted, check indentation");
			g.cut = defining ? g.cut : indent(l);
			defining = true;
			was_blank = false;
			if (begun)
				definition_line(&g, l);
		}
	}
	if (g.text)
		read_definition(&g);
}
