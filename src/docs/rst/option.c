/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values that options of docutils' and Sphinx's directives take, as their conversion functions do. */
#include "docs/rst/internal.h"

enum value {
	FLAG,
	NUMBER,	    /* may be negative */
	COUNT,	    /* may not */
	PERCENTAGE,
	LENGTH,
	WIDTHS,	    /* numbers, or a word */
	SIDE,	    /* left, center, right */
	PLACE,	    /* the same, and those of a line */
};

static const struct {
	const char *option;
	const char *directives; /* "": every one that has it */
	enum value value;
} rows[] = {
	{ "header-rows", "", COUNT },
	{ "stub-columns", "", COUNT },
	{ "widths", "table csv-table list-table", WIDTHS },
	{ "tab-width", "include", NUMBER },
	{ "start-line", "", NUMBER },
	{ "end-line", "", NUMBER },
	{ "maxdepth", "toctree", NUMBER },
	{ "lineno-start", "", NUMBER },
	{ "scale", "", PERCENTAGE },
	{ "height", "", LENGTH },
	{ "width", "", LENGTH },
	{ "align", "image kernel-image", PLACE },
	{ "align", "figure kernel-figure table csv-table list-table", SIDE },
	{ "glob", "toctree", FLAG },
	{ "hidden", "toctree", FLAG },
	{ "includehidden", "toctree", FLAG },
	{ "titlesonly", "toctree", FLAG },
	{ "reversed", "toctree", FLAG },
	{ "local", "contents", FLAG },
	{ "sorted", "glossary", FLAG },
	{ "linenos", "", FLAG },
	{ "force", "", FLAG },
	{ "no-index", "", FLAG },
	{ "noindex", "", FLAG },
};

static bool has_word(const char *list, struct fl_str word)
{
	struct fl_str rest = fl_str(list), w;

	while (fl_str_word(&rest, &w)) {
		if (fl_str_eq(w, word))
			return true;
	}
	return false;
}

/* The digits that @s begins with are taken off; false where it begins with none. */
static bool digits(struct fl_str *s, bool point)
{
	size_t n = 0;

	while (n < s->n && ((s->p[n] >= '0' && s->p[n] <= '9') || (point && s->p[n] == '.')))
		n++;
	*s = fl_str_from(*s, n);
	return n > 0;
}

static bool is_number(struct fl_str s, bool negative)
{
	if (s.n && (s.p[0] == '+' || (negative && s.p[0] == '-')))
		s = fl_str_from(s, 1);
	return digits(&s, false) && !fl_str_trim(s).n;
}

/* "3 4", "3, 4" or "auto". */
static bool is_widths(struct fl_str s)
{
	if (fl_str_is(s, "auto") || fl_str_is(s, "grid"))
		return true;
	while (s.n) {
		struct fl_str rest = s;
		bool zero = true;

		if (!digits(&rest, false))
			return false;
		for (size_t i = 0; i < s.n - rest.n; i++)
			zero &= s.p[i] == '0';
		if (zero)
			return false;
		s = rest;
		s = fl_str_trim(s);
		if (s.n && s.p[0] == ',')
			s = fl_str_trim(fl_str_from(s, 1));
	}
	return true;
}

static bool is_length(struct fl_str s)
{
	static const char units[] = "em ex px in cm mm pt pc % ch rem vw vh vmin vmax Q";

	if (!digits(&s, true))
		return false;
	s = fl_str_trim(s);
	return !s.n || has_word(units, s);
}

static bool fits(enum value value, struct fl_str s)
{
	switch (value) {
	case FLAG:
		return !s.n;
	case NUMBER:
		return is_number(s, true);
	case COUNT:
		return is_number(s, false);
	case PERCENTAGE:
		return is_number(s.n && s.p[s.n - 1] == '%' ? fl_str_sub(s, 0, s.n - 1) : s, false);
	case LENGTH:
		return is_length(s);
	case WIDTHS:
		return s.n && is_widths(s);
	case SIDE:
		return has_word("left center right", s);
	default:
		return has_word("top middle bottom left center right", s);
	}
}

bool rst_option_fits(struct fl_str directive, struct fl_str option, struct fl_str value)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (fl_str_is(option, rows[i].option) &&
		    (!rows[i].directives[0] || has_word(rows[i].directives, directive)))
			return fits(rows[i].value, value);
	}
	return true;
}
