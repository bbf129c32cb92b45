/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Titles and transitions. A style is an adornment character, or a pair of them where there is an
 * overline; the order of first use gives the levels.
 */
#include <stdio.h>

#include "docs/rst/internal.h"

#define ADORN_MIN 4 /* shorter ones may be text */

/* One punctuation character, repeated, and nothing else. */
bool rst_is_line(struct fl_str s)
{
	if (!s.n || !rst_is_punct(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] != s.p[0])
			return false;
	}
	return true;
}

static uint16_t style_of(char over, char under)
{
	return (uint16_t)((unsigned char)over << 8 | (unsigned char)under);
}

static unsigned int find_style(const struct rst *r, uint16_t style)
{
	unsigned int i = 0;

	while (i < r->nr_styles && r->styles[i] != style)
		i++;
	return i;
}

/* "=/= = -": the styles in use, as docutils lists them. */
static void list_styles(const struct rst *r, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < r->nr_styles && n + 8 < size; i++) {
		char over = r->styles[i] >> 8, under = r->styles[i] & 0xff;

		if (over)
			n += snprintf(out + n, size - n, "%s%c/%c", i ? " " : "", over, under);
		else
			n += snprintf(out + n, size - n, "%s%c", i ? " " : "", under);
	}
}

static void inconsistent(struct rst *r, struct rst_block *b, uint32_t at, unsigned int level)
{
	char styles[RST_MAX_STYLES * 4 + 8];
	struct docs_finding *f;

	list_styles(r, styles, sizeof(styles));
	if (r->family == DOCUTILS_21) {
		rst_report(r, b, DOCS_TITLE_LEVEL, at, "Title level inconsistent:");
		return;
	}
	f = rst_report(r, b, DOCS_TITLE_LEVEL, at,
		       "Inconsistent title style: skip from level %u to %u.", r->level, level);
	if (f)
		f->help = docs_sink_printf(r->sink, "Established title styles: %s", styles);
}

/* The character that a title one below the current section may have. */
static char free_style(const struct rst *r, bool *ret_known)
{
	static const char usual[] = "-~^\"'.:*+#";

	*ret_known = r->base_level < r->nr_styles;
	if (*ret_known && !(r->styles[r->base_level] >> 8))
		return (char)(r->styles[r->base_level] & 0xff);
	for (const char *c = usual; *c; c++) {
		if (find_style(r, style_of(0, *c)) == r->nr_styles)
			return *c;
	}
	return '-';
}

/* A kernel-doc body may not end the section of the page that includes it. */
static void not_here(struct rst *r, struct rst_block *b, uint32_t at, uint32_t under,
		     unsigned int level)
{
	char styles[RST_MAX_STYLES * 4 + 8];
	struct docs_finding *f;
	bool known;

	f = rst_report(r, b, DOCS_TITLE_HERE, at, "A level %u section cannot be used here.", level);
	if (!f)
		return;
	list_styles(r, styles, sizeof(styles));
	f->help = docs_sink_printf(r->sink, "Established title styles: %s%s%s", styles,
				   r->page ? ", of " : "", r->page ? r->page : "");
	if (under < b->n) {
		struct fl_str file = docs_sink_line(r->sink, b->v[under].no);
		char fresh = free_style(r, &known), old = b->v[under].p[0];
		char *text = docs_sink_printf(r->sink, "%.*s\n", FL_STR_ARG(file));

		for (size_t i = file.n; text && i > 0 && text[i - 1] == old; i--)
			text[i - 1] = fresh;
		if (text)
			docs_finding_edit(r->sink, f, b->v[under].no, 1, fl_str(text));
	}
}

/* Whether an earlier section has that name, in any case. */
static void note_title(struct rst *r, const struct rst_fact *f)
{
	char *lower = f ? fl_arena_dup(r->arena, f->name) : NULL;
	bool fresh = true;

	for (size_t i = 0; lower && i < f->name.n; i++)
		lower[i] = lower[i] >= 'A' && lower[i] <= 'Z' ? lower[i] | 32 : lower[i];
	if (lower)
		fl_map_put(&r->titles, fl_str_n(lower, f->name.n), &fresh);
	r->doubled = !fresh;
}

/* A title at line @at, its underline at @under. Level bookkeeping as in docutils' check_subsection. */
static void section(struct rst *r, struct rst_block *b, uint32_t at, uint32_t under, uint16_t style,
		    bool is_short)
{
	unsigned int level = find_style(r, style) + 1, problems = r->nr_problems;
	struct fl_str title = rst_str(&b->v[at]);
	struct rst_fact *f;

	if (level > r->level + 1) {
		inconsistent(r, b, at, level);
		return;
	}
	if (level <= r->base_level) {
		not_here(r, b, at, under, level);
		return;
	}
	if (level > r->nr_styles) {
		if (r->nr_styles == RST_MAX_STYLES)
			return;
		r->styles[r->nr_styles++] = style;
	}
	if (b->last == RST_TRANSITION)
		b->transition = 0;
	r->level = level;
	b->last = RST_EMPTY;
	while (title.n && title.p[0] == ' ')
		title = fl_str_from(title, 1);
	rst_settle_targets(r, true);
	f = rst_add_fact(r, RST_SECTION, &b->v[at], rst_title_text(r, &b->v[at], b->bias));
	if (f)
		f->level = level;
	note_title(r, f);
	/* docutils' message about it is the section's first element */
	r->doubled |= is_short || r->nr_problems > problems;
	if (title.n > 1 && title.p[title.n - 1] == ':' && title.p[title.n - 2] != ':')
		rst_report(r, b, DOCS_TITLE_COLON, at, NULL);
}

/* Edits the adornment at @at to be @width long. */
static void lengthen(struct rst *r, struct docs_finding *f, const struct rst_line *l, uint32_t width)
{
	struct fl_str file;
	char *text;
	size_t keep;

	if (!f)
		return;
	file = docs_sink_line(r->sink, l->no);
	keep = file.n;
	while (keep && file.p[keep - 1] != l->p[0])
		keep--;
	text = fl_arena_alloc(&r->sink->arena, keep + width + 2);
	if (!text || width < l->n)
		return;
	memcpy(text, file.p, keep);
	memset(text + keep, l->p[0], width - l->n);
	text[keep + width - l->n] = '\n';
	docs_finding_edit(r->sink, f, l->no, 1, fl_str_n(text, keep + width - l->n + 1));
}

bool rst_underline(struct rst *r, struct rst_block *b)
{
	uint32_t at = b->i, under = at + 1;
	uint32_t width = rst_width(rst_str(&b->v[at]));
	const struct rst_line *u = &b->v[under];
	struct docs_finding *f;

	if (width > u->n && u->n < ADORN_MIN)
		return false;
	if (width > u->n)
		lengthen(r, rst_report(r, b, DOCS_UNDERLINE_SHORT, under, NULL), u, width);
	b->i = under + 1;
	if (!b->titles) {
		b->nr_other++;
		f = rst_report(r, b, DOCS_TITLE_UNEXPECTED, under, "Unexpected section title.");
		if (f)
			f->docline = f->line;
		return true;
	}
	section(r, b, at, under, style_of(0, u->p[0]), width > u->n);
	return true;
}

/* Since 0.22 docutils has other words for it, and no error. */
static void misplaced(struct rst *r, struct rst_block *b, uint32_t at, const char *old, const char *fresh)
{
	struct docs_finding *f;

	if (r->family != DOCUTILS_21 && r->sink->level < FL_WARNING)
		return;
	f = rst_report(r, b, DOCS_TRANSITION, at, "%s", r->family == DOCUTILS_21 ? old : fresh);
	if (f && r->family != DOCUTILS_21)
		f->level = FL_WARNING;
}

static void transition(struct rst *r, struct rst_block *b)
{
	if (b->last == RST_EMPTY && r->doubled) /* docutils has a note in front of the section's text then */
		b->last = RST_BODY;
	if (b->last == RST_EMPTY)
		misplaced(r, b, b->i, "Document or section may not begin with a transition.", r->level ?
			  "Transition at the start of the section." :
			  "Transition at the start of the document.");
	else if (b->last == RST_TRANSITION)
		misplaced(r, b, b->i, "At least one body element must separate transitions; adjacent transitions "
			  "are not allowed.", "At least one body element should separate transitions.");
	rst_settle_targets(r, false);
	b->last = RST_TRANSITION;
	b->transition = b->i + 1;
	b->i++;
}

void rst_transitions_end(struct rst *r, struct rst_block *b)
{
	if (b->last == RST_TRANSITION && b->transition)
		misplaced(r, b, b->transition - 1, "Document may not end with a transition.",
			  "Transition at the end of the document.");
}

/* A bad overline: what stands in its lines is lost to docutils, and so it is to us. */
static void bad_overline(struct rst *r, struct rst_block *b, const char *message, uint32_t lines)
{
	rst_report(r, b, DOCS_TITLE_OVERLINE, b->i, "%s", message);
	b->i = FL_MIN(b->i + lines, b->n);
	b->last = RST_BODY;
}

/* False: an overline so short that it may be text. */
static bool overlined(struct rst *r, struct rst_block *b)
{
	uint32_t at = b->i;
	struct fl_str over = rst_str(&b->v[at]), under;
	bool is_short = over.n < ADORN_MIN;
	uint32_t width;
	struct docs_finding *f;

	if (at + 2 >= b->n) {
		if (!is_short)
			bad_overline(r, b, "Incomplete section title.", 2);
		return !is_short;
	}
	under = rst_str(&b->v[at + 2]);
	if (!rst_is_line(under) || !fl_str_eq(over, under)) {
		if (!is_short)
			bad_overline(r, b, rst_is_line(under) ?
				     "Title overline & underline mismatch." :
				     "Missing matching underline for section title overline.", 3);
		return !is_short;
	}
	width = rst_width(rst_str(&b->v[at + 1]));
	if (width > over.n) {
		if (is_short)
			return false;
		f = rst_report(r, b, DOCS_OVERLINE_SHORT, at, NULL);
		lengthen(r, f, &b->v[at], width);
		lengthen(r, f, &b->v[at + 2], width);
	}
	b->i = at + 3;
	section(r, b, at + 1, UINT32_MAX, style_of(over.p[0], under.p[0]), width > over.n);
	return true;
}

bool rst_overline(struct rst *r, struct rst_block *b)
{
	const struct rst_line *l = &b->v[b->i], *next = b->i + 1 < b->n ? l + 1 : NULL;

	if (!next || !next->n) {
		if (l->n < ADORN_MIN)
			return false;
		transition(r, b);
		return true;
	}
	if (rst_is_line(rst_str(next))) {
		if (l->n < ADORN_MIN)
			return false;
		bad_overline(r, b, "Invalid section title or transition marker.", 2);
		return true;
	}
	return overlined(r, b);
}
