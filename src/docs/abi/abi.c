/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documentation/ABI: blocks of one or more "What:", then Date, KernelVersion, Contact, Description,
 * Users. A tag is a word with a colon at the line's start; what is indented is text of the tag
 * before. The description is reStructuredText behind a margin, which its first line sets.
 */
#include "docs/abi/abi.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum tag {
	TAG_NONE,
	TAG_WHAT,
	TAG_DATE,
	TAG_VERSION,
	TAG_CONTACT,
	TAG_DESCRIPTION,
	TAG_USERS,
	_TAG_MAX,
};

static const char *const tag_names[_TAG_MAX] = {
	[TAG_WHAT] = "What",	   [TAG_DATE] = "Date",		      [TAG_VERSION] = "KernelVersion",
	[TAG_CONTACT] = "Contact", [TAG_DESCRIPTION] = "Description", [TAG_USERS] = "Users",
};

struct abi {
	struct docs_worker *w;
	uint32_t no;
	struct fl_str line;
	enum tag tag;
	bool seen[_TAG_MAX];
	struct fl_str what; /* of the block, the first */
	uint32_t what_line;
	bool any_text, indented; /* the description has text; an indented tag was reported */
	/* the description's lines */
	struct rst_line *v;
	uint32_t n, cap;
	uint32_t margin; /* UINT32_MAX: not known yet */
};

static struct docs_sink *sink(struct abi *a)
{
	return &a->w->sink;
}

/* -- one block -- */

static void report_missing(struct abi *a, enum tag tag)
{
	if (!a->seen[tag])
		docs_report(sink(a), DOCS_ABI_MISSING, a->what_line, 0, 5, "What '%.*s' has no %s",
			    FL_STR_ARG(a->what), tag_names[tag]);
}

static void read_description(struct abi *a)
{
	struct rst r = { .sink = sink(a), .arena = &a->w->scratch, .words = docs_words(a->w),
			.family = a->w->opts->family };

	while (a->n && !a->v[a->n - 1].n)
		a->n--;
	if (a->n)
		rst_read(&r, (struct rst_view){ a->v, a->n }, false);
	rst_fini(&r);
	a->n = 0;
}

static void end_block(struct abi *a)
{
	if (a->what.p) {
		if (!a->any_text && !a->indented)
			docs_report(sink(a), DOCS_ABI_NO_DESCRIPTION, a->what_line, 0, 5,
				    "What '%.*s' doesn't have a description", FL_STR_ARG(a->what));
		report_missing(a, TAG_DATE);
		report_missing(a, TAG_VERSION);
		report_missing(a, TAG_CONTACT);
	}
	read_description(a);
	memset(a->seen, 0, sizeof(a->seen));
	a->what = (struct fl_str){};
	a->any_text = a->indented = false;
}

static void what(struct abi *a, struct fl_str value, uint32_t col)
{
	if (a->tag != TAG_WHAT)
		end_block(a);
	if (value.n && strchr(",.;", value.p[value.n - 1]))
		value.n--;
	if (!a->what.p) {
		a->what = value;
		a->what_line = a->no;
	}
	if (value.n)
		docs_fact_add(a->w, DOCS_FACT_ABI, value, a->no, col);
}

/* -- dates -- */

static bool is_month(struct fl_str w)
{
	static const char *const names[] = { "january", "february", "march", "april", "may", "june", "july",
					     "august", "september", "october", "november", "december" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if ((w.n == 3 || w.n == strlen(names[i])) && !strncasecmp(w.p, names[i], w.n))
			return true;
	}
	return w.n == 4 && !strncasecmp(w.p, "sept", 4);
}

static size_t run(struct fl_str s, bool digits)
{
	size_t n = 0;

	while (n < s.n && (digits ? s.p[n] >= '0' && s.p[n] <= '9' : (s.p[n] | 32) >= 'a' && (s.p[n] | 32) <= 'z'))
		n++;
	return n;
}

static unsigned int number(struct fl_str s)
{
	unsigned int v = 0;

	for (size_t i = 0; i < s.n && v < 100000; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

/* What is wrong with "28 May 2026" and the like; NULL where nothing is, or it is no such date. */
static const char *date_fault(struct fl_str s)
{
	bool month = false, year = false, word = false;
	unsigned int day = 0, numbers = 0;

	for (size_t i = 0; i + 2 < s.n; i++) { /* ", finally removed in v2.6.37" and the like */
		if (s.p[i] == '(' || (s.p[i] == ',' && s.p[i + 1] == ' ' && run(fl_str_from(s, i + 2), false)))
			s.n = i;
	}
	while (s.n) {
		size_t n = run(s, true);

		if (n) {
			unsigned int v = number(fl_str_sub(s, 0, n));

			numbers++;
			if (n == 4 && (v < 1991 || v > 2100))
				return "no year of Linux";
			if (n <= 2 && v > day)
				day = v;
			if (n > 4 && n != 8)
				return "no day and no year";
			year |= n == 4;
		} else {
			n = run(s, false);
			if (n && is_month(fl_str_sub(s, 0, n)))
				month = true;
			else if (n > 2)
				word = true;
			n = n ? n : 1;
		}
		s = fl_str_from(s, n);
	}
	if (month && !year && numbers)
		return "no year";
	if (month && year && day > 31)
		return "no day of a month";
	if (year && !month && word && numbers <= 2)
		return "no month's name";
	return NULL;
}

static void date(struct abi *a, struct fl_str value, uint32_t col)
{
	const char *fault = date_fault(value);

	if (value.n && fault)
		docs_report(sink(a), DOCS_ABI_DATE, a->no, col, value.n, "date '%.*s': %s", FL_STR_ARG(value), fault);
}

/* -- descriptions -- */

static void add_line(struct abi *a, const char *p, uint32_t n, uint32_t off)
{
	if (a->n == a->cap) {
		uint32_t cap = a->cap ? a->cap * 2 : 64;
		struct rst_line *v = fl_arena_array(&a->w->scratch, cap, sizeof(*v));

		if (!v) {
			sink(a)->error = -ENOMEM;
			return;
		}
		if (a->n)
			memcpy(v, a->v, a->n * sizeof(*v));
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n++] = (struct rst_line){ p, n, a->no, off };
}

/* Tabs to blanks, as seen from the line's start. */
static struct fl_str expand(struct abi *a, struct fl_str s)
{
	char *out;
	size_t n = 0;

	if (!memchr(s.p, '\t', s.n))
		return s;
	out = fl_arena_alloc(&a->w->scratch, s.n * 8 + 1);
	for (size_t i = 0; out && i < s.n; i++) {
		do
			out[n++] = s.p[i] == '\t' ? ' ' : s.p[i];
		while (s.p[i] == '\t' && n % 8);
	}
	return out ? fl_str_n(out, n) : s;
}

static bool is_underline(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!strchr("-*=^~", s.p[i]))
			return false;
	}
	return s.n > 0;
}

static void description_line(struct abi *a, struct fl_str s)
{
	uint32_t indent = 0;

	s = expand(a, s);
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	while (indent < s.n && s.p[indent] == ' ')
		indent++;
	if (indent == s.n) {
		add_line(a, s.p, 0, 0);
		return;
	}
	a->any_text = true;
	if (a->margin == UINT32_MAX)
		a->margin = indent;
	if (indent < a->margin) {
		docs_report(sink(a), DOCS_ABI_MARGIN, a->no, 0, 0,
			    "the description's margin is %u columns, this line's %u", a->margin, indent);
		a->margin = 0;
	}
	s = fl_str_from(s, a->margin);
	if (is_underline(s))
		s.n = 0; /* titles are taken out before the text is read */
	add_line(a, s.p, s.n, a->margin);
}

/* Text behind "Description:" has its own column for a margin. */
static void description_start(struct abi *a, size_t at)
{
	struct fl_str s = expand(a, a->line);
	uint32_t col = 0;

	a->margin = UINT32_MAX;
	if (at >= a->line.n)
		return;
	for (size_t i = 0; i < at; i++)
		col = a->line.p[i] == '\t' ? (col | 7) + 1 : col + 1;
	a->margin = col;
	a->any_text = true;
	add_line(a, s.p + col, s.n - col, col);
}

/* -- tags -- */

static enum tag exact_tag(struct fl_str word)
{
	for (enum tag t = TAG_WHAT; t < _TAG_MAX; t++) {
		if (word.n == strlen(tag_names[t]) && !strncasecmp(word.p, tag_names[t], word.n))
			return t;
	}
	return TAG_NONE;
}

/* The kernel's script takes every word that holds a tag's name for that tag. */
static enum tag loose_tag(struct fl_str word)
{
	char lower[64];

	if (word.n >= sizeof(lower))
		return TAG_NONE;
	for (size_t i = 0; i < word.n; i++)
		lower[i] = word.p[i] >= 'A' && word.p[i] <= 'Z' ? word.p[i] | 32 : word.p[i];
	lower[word.n] = '\0';
	for (enum tag t = TAG_WHAT; t < _TAG_MAX; t++) {
		char name[16];

		snprintf(name, sizeof(name), "%s", tag_names[t]);
		for (char *c = name; *c; c++)
			*c |= 32;
		if (strstr(lower, name))
			return t;
	}
	return TAG_NONE;
}

static enum tag near_tag(struct fl_str word)
{
	struct fl_str names[_TAG_MAX];
	size_t at;

	for (enum tag t = TAG_WHAT; t < _TAG_MAX; t++)
		names[t - 1] = fl_str(tag_names[t]);
	at = fl_str_nearest(word, names, _TAG_MAX - 1);
	return at < _TAG_MAX - 1 ? (enum tag)(at + 1) : TAG_NONE;
}

static void fix_tag(struct abi *a, struct docs_finding *f, size_t from, size_t to, const char *name)
{
	char *text;

	if (!f)
		return;
	text = docs_sink_printf(sink(a), "%.*s%s%.*s\n", (int)from, a->line.p, name, (int)(a->line.n - to),
				a->line.p + to);
	if (text)
		docs_finding_edit(sink(a), f, a->no, 1, fl_str(text));
}

/* Which tag a word is that is spelled as none. TAG_NONE: it is text. */
static enum tag odd_tag(struct abi *a, struct fl_str word)
{
	enum tag loose = loose_tag(word), near = loose ? loose : near_tag(word);
	struct docs_finding *f;

	if (word.n == 5 && !strncasecmp(word.p, "where", 5)) {
		f = docs_report(sink(a), DOCS_ABI_TAG, a->no, 0, 5,
				"tag 'Where' is invalid. Should be 'What:' instead");
		fix_tag(a, f, 0, 5, "What");
		return TAG_WHAT;
	}
	if (a->tag == TAG_DESCRIPTION && !loose) {
		docs_report(sink(a), DOCS_ABI_FIELD, a->no, 0, word.n,
			    "'%.*s:' is no tag; it is text of the description", FL_STR_ARG(word));
		return TAG_NONE;
	}
	if (a->tag == TAG_NONE && !near)
		return TAG_NONE; /* the file's head */
	f = docs_report(sink(a), DOCS_ABI_TAG, a->no, 0, word.n,
			near ? "tag '%.*s' is invalid. Should be '%s:' instead" : "tag '%.*s' is invalid",
			FL_STR_ARG(word), tag_names[near ? near : TAG_WHAT]);
	if (near)
		fix_tag(a, f, 0, word.n, tag_names[near]);
	return loose;
}

static void start_tag(struct abi *a, enum tag tag, size_t value)
{
	struct fl_str text = fl_str_trim(fl_str_from(a->line, value));
	bool first = a->tag == TAG_NONE && tag != TAG_WHAT;

	if (first && !a->what.p)
		docs_report(sink(a), DOCS_ABI_ORDER, a->no, 0, 0, "'What:' should come first: %s",
			    tag_names[tag]);
	if (tag == TAG_WHAT)
		what(a, text, value);
	else
		a->seen[tag] = true;
	if (tag == TAG_DATE)
		date(a, text, value);
	if (tag == TAG_DESCRIPTION)
		description_start(a, value);
	a->tag = tag;
}

/* "<blanks>Description:" where that tag is still missing. */
static bool indented_tag(struct abi *a)
{
	size_t from = 0, end;
	struct fl_str word;
	struct docs_finding *f;
	char *text;
	enum tag tag;

	while (from < a->line.n && (a->line.p[from] == ' ' || a->line.p[from] == '\t'))
		from++;
	end = fl_str_find(a->line, ':', from);
	word = fl_str_sub(a->line, from, end - from);
	tag = from && end < a->line.n ? exact_tag(word) : TAG_NONE;
	if (!tag || tag == TAG_WHAT || a->tag == TAG_DESCRIPTION || a->tag == TAG_NONE || a->seen[tag])
		return false;
	f = docs_report(sink(a), DOCS_ABI_INDENT, a->no, from, word.n + 1,
			"What '%.*s'%s: '%s:' is indented and so is text", FL_STR_ARG(a->what),
			tag == TAG_DESCRIPTION ? " doesn't have a description" : "", tag_names[tag]);
	a->indented |= tag == TAG_DESCRIPTION;
	text = f ? docs_sink_printf(sink(a), "%.*s\n", (int)(a->line.n - from), a->line.p + from) : NULL;
	if (text)
		docs_finding_edit(sink(a), f, a->no, 1, fl_str(text));
	a->seen[tag] = true;
	if (tag == TAG_DESCRIPTION) {
		a->tag = tag;
		a->margin = UINT32_MAX;
	}
	return true;
}

static void read_line(struct abi *a)
{
	size_t end = 0, value;
	struct fl_str word;
	enum tag tag;

	while (end < a->line.n && a->line.p[end] != ' ' && a->line.p[end] != '\t')
		end++;
	while (end && a->line.p[end - 1] != ':')
		end--;
	if (end > 1) {
		word = fl_str_sub(a->line, 0, end - 1);
		tag = exact_tag(word);
		if (!tag)
			tag = odd_tag(a, word);
		for (value = end; value < a->line.n && (a->line.p[value] == ' ' || a->line.p[value] == '\t'); value++)
			;
		if (tag) {
			start_tag(a, tag, value);
			return;
		}
	} else if (indented_tag(a)) {
		return;
	}
	if (a->tag == TAG_DESCRIPTION)
		description_line(a, a->line);
}

void docs_read_abi(struct docs_worker *w)
{
	struct abi a = { .w = w, .margin = UINT32_MAX };
	struct fl_str rest = w->sink.text;

	while (fl_str_line(&rest, &a.line)) {
		a.no++;
		if (a.line.n && a.line.p[a.line.n - 1] == '\r')
			a.line.n--;
		read_line(&a);
	}
	end_block(&a);
}
