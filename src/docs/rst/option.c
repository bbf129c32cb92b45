/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values that options of docutils' and Sphinx's directives take, as their conversion functions do: a number is
 * what Python's int() takes.
 */
#include "base/utf8.h"
#include "docs/rst/internal.h"

enum value {
	FLAG,
	NUMBER,	      /* may be negative */
	NUMBER_OR_NONE,
	COUNT,	      /* may not be negative */
	COUNT_OR_NONE,
	POSITIVE,
	PERCENTAGE,
	LENGTH,
	HEIGHT,	      /* a length that is no percentage */
	FIGURE_WIDTH, /* or "image" */
	WIDTHS,	      /* numbers, or a word */
	WIDTHS_GRID,  /* or one word more */
	SIDE,	      /* left, center, right */
	PLACE,	      /* the same, and those of a line */
	BACKLINKS,
	LOADING,
	HEADING,
	CHARACTER,
	CLASSES,
	SOMETHING,
};

static const struct {
	const char *option;
	const char *directives; /* "": every one that has it */
	enum value value;
} rows[] = {
	{ "header-rows", "", COUNT },
	{ "stub-columns", "", COUNT },
	{ "widths", "csv-table list-table", WIDTHS },
	{ "widths", "table", WIDTHS_GRID },
	{ "delim", "csv-table", CHARACTER },
	{ "quote", "csv-table", CHARACTER },
	{ "escape", "csv-table", CHARACTER },
	{ "keepspace", "csv-table", FLAG },
	{ "file", "csv-table raw", SOMETHING },
	{ "url", "csv-table raw", SOMETHING },
	{ "target", "image figure", SOMETHING },
	{ "tab-width", "include", NUMBER },
	{ "start-line", "", NUMBER },
	{ "end-line", "", NUMBER },
	{ "start-after", "", SOMETHING },
	{ "end-before", "", SOMETHING },
	{ "number-lines", "code include", NUMBER_OR_NONE },
	{ "maxdepth", "toctree", NUMBER },
	{ "numbered", "toctree", NUMBER_OR_NONE },
	{ "depth", "contents", COUNT },
	{ "backlinks", "contents", BACKLINKS },
	{ "depth", "sectnum section-numbering", NUMBER },
	{ "start", "sectnum section-numbering", NUMBER },
	{ "columns", "hlist", NUMBER },
	{ "linenothreshold", "highlight", POSITIVE },
	{ "lineno-start", "", NUMBER },
	{ "dedent", "code-block sourcecode literalinclude", COUNT_OR_NONE },
	{ "emphasize-lines", "", SOMETHING },
	{ "heading-level", "rubric", HEADING },
	{ "scale", "", PERCENTAGE },
	{ "height", "", HEIGHT },
	{ "width", "", LENGTH },
	{ "figwidth", "figure kernel-figure", FIGURE_WIDTH },
	{ "align", "image kernel-image", PLACE },
	{ "align", "figure kernel-figure table csv-table list-table", SIDE },
	{ "loading", "image figure", LOADING },
	{ "class", "", CLASSES },
	{ "figclass", "", CLASSES },
	{ "glob", "toctree", FLAG },
	{ "hidden", "toctree", FLAG },
	{ "includehidden", "toctree", FLAG },
	{ "titlesonly", "toctree", FLAG },
	{ "reversed", "toctree", FLAG },
	{ "local", "contents", FLAG },
	{ "sorted", "glossary", FLAG },
	{ "linenos", "", FLAG },
	{ "lineno-match", "", FLAG },
	{ "force", "", FLAG },
	{ "literal", "include", FLAG },
	{ "nowrap", "math", FLAG },
	{ "no-wrap", "math", FLAG },
	{ "trim", "unicode", FLAG },
	{ "ltrim", "unicode", FLAG },
	{ "rtrim", "unicode", FLAG },
	{ "no-index", "", FLAG },
	{ "noindex", "", FLAG },
	{ "noindexentry", "", FLAG },
	{ "no-index-entry", "", FLAG },
	{ "nocontentsentry", "", FLAG },
	{ "no-contents-entry", "", FLAG },
	{ "no-typesetting", "", FLAG },
	{ "single-line-parameter-list", "", FLAG },
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

/* The same for what is compared in lower case. */
static bool is_choice(const char *list, struct fl_str s)
{
	char low[16];

	s = fl_str_trim(s);
	if (s.n >= sizeof(low))
		return false;
	for (size_t i = 0; i < s.n; i++)
		low[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 32 : s.p[i];
	return has_word(list, fl_str_n(low, s.n));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12", "+1_000", " -3 ". *ret_sign: -1, 0 or 1. */
static bool is_int(struct fl_str s, int *ret_sign)
{
	bool negative = false, zero = true;

	s = fl_str_trim(s);
	if (s.n && (s.p[0] == '+' || s.p[0] == '-')) {
		negative = s.p[0] == '-';
		s = fl_str_from(s, 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		bool between = i && i + 1 < s.n && is_digit(s.p[i - 1]) && is_digit(s.p[i + 1]);

		if (!is_digit(s.p[i]) && !(s.p[i] == '_' && between))
			return false;
		zero &= s.p[i] == '0' || s.p[i] == '_';
	}
	*ret_sign = zero ? 0 : negative ? -1 : 1;
	return s.n > 0;
}

static bool is_at_least(struct fl_str s, int least)
{
	int sign;

	return is_int(s, &sign) && sign >= least;
}

/* Numbers between commas, or between blanks where there is no comma. */
static bool is_widths(struct fl_str s)
{
	bool commas = memchr(s.p, ',', s.n) != NULL;
	struct fl_str word;

	while (commas) {
		size_t end = fl_str_find(s, ',', 0);

		if (!is_at_least(fl_str_sub(s, 0, end), 1))
			return false;
		if (end == s.n)
			return true;
		s = fl_str_from(s, end + 1);
	}
	while (fl_str_word(&s, &word)) {
		if (!is_at_least(word, 1))
			return false;
	}
	return true;
}

static bool is_length(struct fl_str s)
{
	static const char units[] = "em ex px in cm mm pt pc % ch rem vw vh vmin vmax Q";
	size_t n = 0;

	while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.'))
		n++;
	s = fl_str_trim(fl_str_from(s, n));
	return n && (!s.n || has_word(units, s));
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool code_of(struct fl_str s, int base, uint32_t *ret)
{
	uint32_t c = 0;

	for (size_t i = 0; i < s.n; i++) {
		int d = hex_digit(s.p[i]);

		if (d < 0 || d >= base)
			return false;
		c = c > 0xffffff ? c : c * (uint32_t)base + (uint32_t)d;
	}
	*ret = c;
	return s.n > 0;
}

bool rst_char_code(struct fl_str s, uint32_t *ret)
{
	static const char *const before[] = { "0x", "0X", "\\x", "\\X", "\\u", "\\U", "U+", "u+", "x", "X", "U", "u" };

	if (code_of(s, 10, ret))
		return true;
	if (s.n > 4 && (fl_str_starts(s, "&#x") || fl_str_starts(s, "&#X")) && s.p[s.n - 1] == ';')
		return code_of(fl_str_sub(s, 3, s.n - 4), 16, ret);
	for (size_t i = 0; i < FL_ARRAY_SIZE(before); i++) {
		if (fl_str_starts(s, before[i]))
			return code_of(fl_str_from(s, strlen(before[i])), 16, ret);
	}
	return false;
}

static bool is_character(struct fl_str option, struct fl_str s)
{
	uint32_t code;

	if (fl_str_is(option, "delim") && (fl_str_is(s, "tab") || fl_str_is(s, "space")))
		return true;
	if (rst_char_code(s, &code))
		return code <= 0x10ffff;
	return s.n && fl_utf8_len(s) == s.n;
}

/* Each word must make a name: one that has a letter. */
static bool is_classes(struct fl_str s)
{
	struct fl_str word;

	if (!s.n)
		return false;
	while (fl_str_word(&s, &word)) {
		bool letter = false;

		for (size_t i = 0; i < word.n; i++)
			letter |= (unsigned char)word.p[i] >= 0x80 ||
				  ((word.p[i] | 32) >= 'a' && (word.p[i] | 32) <= 'z');
		if (!letter)
			return false;
	}
	return true;
}

static bool fits(enum value value, struct fl_str s)
{
	switch (value) {
	case FLAG:
		return !s.n;
	case NUMBER:
		return is_at_least(s, -1);
	case NUMBER_OR_NONE:
		return !s.n || is_at_least(s, -1);
	case COUNT:
		return is_at_least(s, 0);
	case COUNT_OR_NONE:
		return !s.n || is_at_least(s, 0);
	case POSITIVE:
		return is_at_least(s, 1);
	case PERCENTAGE:
		while (s.n && (s.p[s.n - 1] == '%' || s.p[s.n - 1] == ' '))
			s.n--;
		return is_at_least(s, 0);
	case FIGURE_WIDTH:
		return is_choice("image", s) || is_length(s);
	case LENGTH:
		return is_length(s);
	case HEIGHT:
		return is_length(s) && !memchr(s.p, '%', s.n);
	case WIDTHS:
		return s.n && (fl_str_is(s, "auto") || is_widths(s));
	case WIDTHS_GRID:
		return s.n && (fl_str_is(s, "auto") || fl_str_is(s, "grid") || is_widths(s));
	case SIDE:
		return is_choice("left center right", s);
	case PLACE:
		return is_choice("top middle bottom left center right", s);
	case BACKLINKS:
		return is_choice("top entry none", s);
	case LOADING:
		return is_choice("embed link lazy", s);
	case HEADING:
		return is_choice("1 2 3 4 5 6", s);
	case CLASSES:
		return is_classes(s);
	default:
		return s.n;
	}
}

bool rst_option_fits(struct fl_str directive, struct fl_str option, struct fl_str value)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (!fl_str_is(option, rows[i].option) ||
		    (rows[i].directives[0] && !has_word(rows[i].directives, directive)))
			continue;
		return rows[i].value == CHARACTER ? is_character(option, value) : fits(rows[i].value, value);
	}
	return true;
}

struct fl_str rst_option(struct rst_view options, const char *name)
{
	size_t n = strlen(name);

	for (uint32_t i = 0; i < options.n; i++) {
		struct fl_str s = rst_str(&options.v[i]);

		if (s.n > n + 1 && s.p[0] == ':' && !memcmp(s.p + 1, name, n) && s.p[n + 1] == ':')
			return fl_str_trim(fl_str_from(s, n + 2));
	}
	return fl_str_n(NULL, 0);
}
