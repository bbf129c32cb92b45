/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directives: "name::" with arguments, options and content, divided as docutils divides them and held against
 * the row of directives.def.
 */
#include <stdio.h>

#include "docs/rst/internal.h"

struct use {
	const struct rst_directive *d;
	struct fl_str name;
	uint32_t at; /* line within the block */
	struct rst_view args, options, content;
	unsigned int nr_args;
	struct fl_str first; /* the first argument */
};

static bool is_field(const struct rst_line *l)
{
	return l->n && l->p[0] == ':' && rst_classify(l).kind == RST_K_FIELD;
}

static struct rst_view from(struct rst_view v, uint32_t i)
{
	i = FL_MIN(i, v.n);
	return (struct rst_view){ v.v + i, v.n - i };
}

static struct rst_view join(struct rst *r, struct rst_view a, struct rst_view b)
{
	struct rst_line *v = fl_arena_array(r->arena, (size_t)a.n + b.n, sizeof(*v));

	if (!v)
		return a;
	memcpy(v, a.v, a.n * sizeof(*v));
	if (b.n)
		memcpy(v + a.n, b.v, b.n * sizeof(*v));
	return (struct rst_view){ v, a.n + b.n };
}

/* Divides a directive's lines into arguments, options and content, as docutils does. */
static void divide(struct rst *r, struct use *u, struct rst_view all)
{
	const struct rst_directive *d = u->d;
	bool takes_args = d->required || d->optional;
	uint32_t i = 0, opts;

	if (all.n && !all.v[0].n)
		all = from(all, 1);
	while (all.n && !all.v[all.n - 1].n)
		all.n--;
	u->content = all;
	if (all.n && (takes_args || d->options[0])) {
		while (i < all.n && all.v[i].n)
			i++;
		u->args = (struct rst_view){ all.v, i };
		u->content = from(all, i + 1);
	}
	for (opts = 0; opts < u->args.n && d->options[0] && !is_field(&u->args.v[opts]); opts++)
		;
	if (d->options[0] && opts < u->args.n) {
		u->options = from(u->args, opts);
		u->args.n = opts;
	}
	if (u->args.n && !takes_args) {
		/* text at once is content; options in it are dropped from its lines */
		u->content = u->options.n ? join(r, u->args, from(all, i)) : all;
		u->args.n = 0;
	}
	while (u->content.n && !u->content.v[0].n)
		u->content = from(u->content, 1);
}

static void count_args(struct use *u)
{
	for (uint32_t i = 0; i < u->args.n; i++) {
		struct fl_str rest = rst_str(&u->args.v[i]), word;

		while (fl_str_word(&rest, &word)) {
			if (!u->nr_args++)
				u->first = word;
		}
	}
}

static bool has_option(const char *options, struct fl_str name)
{
	struct fl_str rest = fl_str(options), word;

	while (fl_str_word(&rest, &word)) {
		bool same = word.n == name.n;

		for (size_t i = 0; same && i < word.n; i++)
			same = (name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 32 : name.p[i]) == word.p[i];
		if (same)
			return true;
	}
	return options[0] == '*';
}

static struct fl_str field_name(const struct rst_line *l)
{
	struct fl_str s = fl_str_from(rst_str(l), 1);
	uint32_t end = rst_classify(l).end - 1;

	while (end && s.p[end - 1] != ':')
		end--;
	return fl_str_sub(s, 0, end ? end - 1 : 0);
}

/* The value of the option in line @i, as far as it stands in one line. */
static struct fl_str field_value(const struct use *u, uint32_t i)
{
	const struct rst_line *l = &u->options.v[i];

	if (i + 1 < u->options.n && u->options.v[i + 1].n && u->options.v[i + 1].p[0] == ' ')
		return fl_str_n(NULL, 0);
	return fl_str_trim(fl_str_from(rst_str(l), field_name(l).n + 2));
}

#define MOST_OPTIONS 40 /* no directive has more */

static bool is_before(const struct use *u, uint32_t end, struct fl_str name)
{
	for (uint32_t i = end > MOST_OPTIONS ? end - MOST_OPTIONS : 0; i < end; i++) {
		if (is_field(&u->options.v[i]) && fl_str_eq(field_name(&u->options.v[i]), name))
			return true;
	}
	return false;
}

/* Every line is a field, or goes on with one. */
static bool is_option_block(const struct use *u)
{
	for (uint32_t i = 0; i < u->options.n; i++) {
		const struct rst_line *l = &u->options.v[i];

		if (!is_field(l) && !(i && l->n && l->p[0] == ' '))
			return false;
	}
	return true;
}

/* The complaint about the options, or NULL. @name and @value get those in question. */
static const char *bad_options(const struct use *u, struct fl_str *name, struct fl_str *value)
{
	if (!is_option_block(u))
		return "invalid option block";
	for (uint32_t i = 0; i < u->options.n; i++) {
		const struct rst_line *l = &u->options.v[i];

		if (l->n && l->p[0] == ' ' && i)
			continue;
		*name = field_name(l);
		if (is_before(u, i, *name))
			return "duplicate option";
		if (!has_option(u->d->options, *name))
			return memchr(name->p, ' ', name->n) ?
				       "invalid option data: extension option field name may not "
				       "contain multiple words" :
				       "unknown option";
		*value = field_value(u, i);
		if (value->p && !rst_option_fits(u->name, *name, *value))
			return "invalid option value";
	}
	return NULL;
}

/* Where the directive may not stand at all. */
static bool misplaced(struct rst *r, struct rst_block *b, const struct use *u)
{
	static const char *const definitions[] = { "replace", "unicode", "date" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(definitions); i++) {
		if (fl_str_is(u->name, definitions[i])) {
			rst_report(r, b, DOCS_DIRECTIVE_USE, u->at,
				   "Invalid context: the \"%.*s\" directive can only be "
				   "used within a substitution definition.",
				   FL_STR_ARG(u->name));
			return true;
		}
	}
	if (b->titles || (!fl_str_is(u->name, "sidebar") && !fl_str_is(u->name, "topic")))
		return false;
	rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "The \"%.*s\" directive may not be used within topics or body "
		   "elements.", FL_STR_ARG(u->name));
	return true;
}

/* True where an option is wrong, which is told. */
static bool misused_option(struct rst *r, struct rst_block *b, const struct use *u)
{
	struct fl_str name = {}, value = {};
	const char *what = bad_options(u, &name, &value), *mark = value.n ? "'" : "";

	if (!what)
		return false;
	if (fl_str_is(fl_str(what), "unknown option"))
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "Error in \"%.*s\" directive: unknown option: \"%.*s\".",
			   FL_STR_ARG(u->name), FL_STR_ARG(name));
	else if (fl_str_is(fl_str(what), "duplicate option"))
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at,
			   "Error in \"%.*s\" directive: invalid option data: duplicate "
			   "option \"%.*s\".",
			   FL_STR_ARG(u->name), FL_STR_ARG(name));
	else if (fl_str_is(fl_str(what), "invalid option value"))
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "Error in \"%.*s\" directive: invalid option value: "
			   "(option: \"%.*s\"; value: %s%.*s%s)", FL_STR_ARG(u->name), FL_STR_ARG(name), mark,
			   FL_STR_ARG(value.n ? value : FL_STR("None")), mark);
	else
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "Error in \"%.*s\" directive: %s.",
			   FL_STR_ARG(u->name), what);
	return true;
}

/* Reports what is wrong with how the directive is written; true where something was. */
static bool misused(struct rst *r, struct rst_block *b, const struct use *u)
{
	const struct rst_directive *d = u->d;

	if (misused_option(r, b, u))
		return true;
	if (u->nr_args < d->required)
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at,
			   "Error in \"%.*s\" directive: %u argument(s) required, %u supplied.",
			   FL_STR_ARG(u->name), d->required, u->nr_args);
	else if (u->nr_args > d->required + d->optional && !d->blanks)
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at,
			   "Error in \"%.*s\" directive: maximum %u argument(s) allowed, %u supplied.",
			   FL_STR_ARG(u->name), d->required + d->optional, u->nr_args);
	else if (u->content.n && d->content == RST_CONTENT_NONE)
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at,
			   "Error in \"%.*s\" directive: no content permitted.", FL_STR_ARG(u->name));
	else
		return misplaced(r, b, u);
	return true;
}

static void bad_content(struct rst *r, struct rst_block *b, const struct use *u, const char *what)
{
	rst_report(r, b, DOCS_DIRECTIVE_CONTENT, u->at,
		   "Error parsing content block for the \"%.*s\" directive: %s", FL_STR_ARG(u->name), what);
}

static void check_list(struct rst *r, struct rst_block *b, const struct use *u, const struct rst_block *body)
{
	char text[200];

	if (body->row_bad && (u->d->content == RST_CONTENT_FLAT || !body->row_uneven ||
			      body->row_bad < body->row_uneven)) {
		snprintf(text, sizeof(text), "two-level bullet list expected, but row %u does not "
			 "contain a second-level bullet list.", body->row_bad);
		bad_content(r, b, u, text);
	} else if (body->row_uneven && u->d->content == RST_CONTENT_LIST) {
		snprintf(text, sizeof(text), "uniform two-level bullet list expected, but row %u does "
			 "not contain the same number of items as row 1 (%u vs %u).", body->row_uneven,
			 body->row_items, body->row1_items);
		bad_content(r, b, u, text);
	} else if (u->d->content == RST_CONTENT_LIST) {
		rst_table_size(r, b, u->at, "list-table", u->options,
			       (uint32_t[]){ body->rows, body->row1_items, body->row1_items });
	}
}

static void check_table(struct rst *r, struct rst_block *b, const struct use *u, const struct rst_block *body)
{
	uint32_t widths = rst_count_widths(u->options);

	if (body->nr_tables != 1 || body->nr_other != 1 || body->nr_unseen ||
	    body->nr_bullet_lists || body->nr_messages)
		bad_content(r, b, u, "exactly one table expected.");
	else if (widths && body->table_columns && widths != body->table_columns)
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, u->at, "\"table\" widths do not match the number of columns "
			   "in table (%u).", body->table_columns);
}

static void check_shape(struct rst *r, struct rst_block *b, const struct use *u,
			const struct rst_block *body)
{
	bool one_list = body->nr_bullet_lists == 1 && !body->nr_other && !body->nr_unseen && !body->nr_messages;

	if (u->d->content == RST_CONTENT_TABLE)
		check_table(r, b, u, body);
	else if (one_list && u->d->content != RST_CONTENT_ITEMS)
		check_list(r, b, u, body);
	else if (!one_list && u->d->content != RST_CONTENT_ITEMS)
		bad_content(r, b, u, "exactly one bullet list expected.");
	else if (!one_list)
		rst_report(r, b, DOCS_DIRECTIVE_SHAPE, u->at, ".. %.*s content is not a list", FL_STR_ARG(u->name));
}

/* "raw" takes its text from one place, and must have one. */
static void check_raw(struct rst *r, struct rst_block *b, const struct use *u)
{
	bool elsewhere = rst_option(u->options, "file").p || rst_option(u->options, "url").p;

	if (elsewhere && u->content.n)
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, u->at,
			   "\"raw\" directive may not both specify an external file "
			   "and have content.");
	else if (!elsewhere && !u->content.n)
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, u->at,
			   "Content block expected for the \"raw\" directive; none "
			   "found.");
}

static void no_content(struct rst *r, struct rst_block *b, const struct use *u)
{
	struct docs_finding *f = NULL;

	switch (u->d->content) {
	case RST_CONTENT_TABLE:
	case RST_CONTENT_NEED:
	case RST_CONTENT_LINES:
	case RST_CONTENT_TEXT:
		f = rst_report(r, b, DOCS_DIRECTIVE_CONTENT, u->at,
			       "Content block expected for the \"%.*s\" directive; none found.", FL_STR_ARG(u->name));
		break;
	case RST_CONTENT_LIST:
	case RST_CONTENT_FLAT:
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, u->at,
			   "The \"%.*s\" directive is empty; content required.", FL_STR_ARG(u->name));
		break;
	case RST_CONTENT_ITEMS:
		rst_report(r, b, DOCS_DIRECTIVE_SHAPE, u->at, ".. %.*s content is not a list", FL_STR_ARG(u->name));
		break;
	default:
		break;
	}
	if (f && u->d->content == RST_CONTENT_TABLE)
		f->level = FL_WARNING;
}

/* Below the picture a paragraph is the caption; what is no paragraph cannot be one. */
static void check_caption(struct rst *r, struct rst_block *b, const struct use *u)
{
	const struct rst_line *l = u->content.v;
	enum rst_kind kind;

	if (!u->content.n || (!fl_str_is(u->name, "figure") && !fl_str_is(u->name, "kernel-figure")))
		return;
	kind = rst_classify(l).kind;
	if (kind == RST_K_BULLET || kind == RST_K_FIELD || kind == RST_K_OPTION || kind == RST_K_LINE_BLOCK ||
	    kind == RST_K_DOCTEST || kind == RST_K_INDENT || (kind == RST_K_EXPLICIT && l->n > 2))
		rst_report(r, b, DOCS_DIRECTIVE_SHAPE, u->at, "Figure caption must be a paragraph or empty comment.");
}

static void read_content(struct rst *r, struct rst_block *b, const struct use *u)
{
	struct rst_block body = { .v = u->content.v, .n = u->content.n, .bias = b->bias };

	if (fl_str_is(u->name, "raw"))
		check_raw(r, b, u);
	if (!u->content.n) {
		no_content(r, b, u);
		return;
	}
	if (u->d->content == RST_CONTENT_TEXT) { /* told at the directive's line */
		body.bias += b->v[u->at].no - body.v[0].no;
		rst_inline(r, &body, 0, body.n, 0);
		return;
	}
	if (u->d->content < RST_CONTENT_BODY)
		return;
	body.titles = b->titles && fl_str_is(u->name, "only");
	check_caption(r, b, u);
	rst_body(r, &body);
	if (u->d->content >= RST_CONTENT_ITEMS)
		check_shape(r, b, u, &body);
}

/* Kinds of entries that Sphinx 9 does not know any more: it dies of them. */
static void check_index(struct rst *r, struct rst_block *b, const struct use *u)
{
	static const char *const old[] = {"module",    "keyword",   "operator", "object",
					  "exception", "statement", "builtin"};

	for (uint32_t i = 0; i < u->args.n; i++) {
		struct fl_str s = rst_str(&u->args.v[i]), kind = fl_str_trim(fl_str_sub(s, 0, fl_str_find(s, ':', 0)));

		for (size_t k = 0; k < FL_ARRAY_SIZE(old) && kind.n < s.n; k++) {
			if (fl_str_is(kind, old[k]))
				rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "'%s' is no longer supported for index entries "
					   "(from entry '%.*s').", old[k], FL_STR_ARG(s));
		}
	}
}

/* Arguments and options that are text with inline markup. */
static void read_titles(struct rst *r, const struct rst_block *b, const struct use *u)
{
	static const char *const by_argument[] = { "table", "list-table", "csv-table", "topic", "sidebar", "admonition",
						   "rubric", "centered" };
	static const char *const versions[] = { "versionadded", "versionchanged", "versionremoved", "deprecated" };
	static const char *const by_option[] = { "caption", "subtitle" };
	struct rst_block args = { .v = u->args.v, .n = u->args.n, .bias = b->bias };

	for (size_t i = 0; i < FL_ARRAY_SIZE(by_argument) && args.n; i++) {
		if (fl_str_is(u->name, by_argument[i]))
			rst_inline(r, &args, 0, args.n, 0);
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(versions) && args.n; i++) {
		uint32_t n = (uint32_t)fl_str_find(rst_str(&args.v[0]), ' ', 0); /* the version itself is none */

		if (!fl_str_is(u->name, versions[i]) || n == args.v[0].n)
			continue;
		args.bias++; /* Sphinx counts one line more */
		rst_inline(r, &args, 0, args.n, n + 1);
	}
	for (uint32_t i = 0; i < u->options.n; i++) {
		const struct rst_line *l = &u->options.v[i];

		for (size_t k = 0; k < FL_ARRAY_SIZE(by_option) && !fl_str_is(u->name, "toctree"); k++) {
			if (is_field(l) && fl_str_is(field_name(l), by_option[k]))
				rst_inline_line(r, l, (uint32_t)field_name(l).n + 2, l->n, b->bias + b->v[u->at].no - l->no);
		}
	}
}

/* The directive's element has a title or a caption. */
static bool has_title(const struct use *u)
{
	static const char *const by_argument[] = { "table", "list-table", "csv-table", "flat-table", "rubric" };
	static const char *const by_content[] = { "figure", "kernel-figure" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(by_argument); i++) {
		if (u->args.n && fl_str_is(u->name, by_argument[i]))
			return true;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(by_content); i++) {
		if (u->content.n && fl_str_is(u->name, by_content[i]))
			return true;
	}
	for (uint32_t i = 0; i < u->options.n; i++) {
		if (is_field(&u->options.v[i]) && fl_str_is(field_name(&u->options.v[i]), "caption"))
			return true;
	}
	return false;
}

/* It says something of the next element, and a target before it belongs to that one. */
static bool is_transparent(const struct use *u)
{
	static const char *const names[] = { "class", "cssclass", "rst-class", "tabularcolumns" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(names); i++) {
		if (!u->content.n && fl_str_is(u->name, names[i]))
			return true;
	}
	return false;
}

/* ":target: name_" of an image is a reference like others. */
static void image_target(struct rst *r, const struct rst_line *l, struct fl_str s)
{
	if (s.n < 2 || s.p[s.n - 1] != '_' || memchr(s.p, ':', s.n))
		return;
	s.n--;
	if (s.n > 2 && s.p[0] == '`' && s.p[s.n - 1] == '`')
		rst_add_fact(r, RST_REF, l, fl_str_sub(s, 1, s.n - 2));
	else if (rst_simplename(s) == s.n)
		rst_add_fact(r, RST_REF, l, s);
}

static struct rst_fact *directive_fact(struct rst *r, struct rst_block *b, const struct use *u)
{
	struct rst_fact *f = rst_add_fact(r, RST_DIRECTIVE, &b->v[u->at], u->name);

	if (!f)
		return NULL;
	f->outer = r->outer;
	f->args = u->args;
	f->options = u->options;
	for (uint32_t i = 0; i < u->options.n; i++) { /* ":name:" is a target */
		const struct rst_line *l = &u->options.v[i];

		if (is_field(l) && fl_str_is(field_name(l), "target"))
			image_target(r, l, field_value(u, i));
		if (is_field(l) && fl_str_is(field_name(l), "name") && !fl_str_is(u->name, "toctree")) {
			struct rst_fact *name = rst_add_fact(r, RST_TARGET, l,
							     fl_str_trim(fl_str_from(rst_str(l), 6)));

			if (name)
				name->titled = has_title(u);
		}
	}
	f->extra = u->args.n ? fl_str_trim(rst_str(&u->args.v[0])) : fl_str_n("", 0);
	f->view = u->d->content == RST_CONTENT_NONE ? u->options : u->content;
	f->nr_styles = r->nr_styles;
	f->level = r->level;
	memcpy(f->styles, r->styles, sizeof(f->styles));
	return f;
}

size_t rst_directive_name(struct fl_str s)
{
	size_t n = rst_simplename(s), i;

	/* "c:function::" could be read as one name too long */
	while (n) {
		i = n + (n < s.n && s.p[n] == ' ');
		if (i + 1 < s.n && s.p[i] == ':' && s.p[i + 1] == ':' &&
		    (i + 2 == s.n || s.p[i + 2] == ' '))
			return n;
		n--;
		while (n && (s.p[n - 1] == ':' || s.p[n - 1] == '.' || s.p[n - 1] == '-'))
			n--;
	}
	return 0;
}

/* Nothing is said of how much of the file is meant, or that it is no markup. */
static bool is_whole(const struct use *u)
{
	for (uint32_t i = 0; i < u->options.n; i++) {
		const struct rst_line *l = &u->options.v[i];

		if (is_field(l) && !fl_str_is(field_name(l), "encoding") && !fl_str_is(field_name(l), "tab-width"))
			return false;
	}
	return true;
}

/*
 * An extension of the tree that could not be read may have it; then it is no error, if it is not a
 * known name misspelt.
 */
void rst_unknown_directive(struct rst *r, struct rst_block *b, uint32_t at, struct fl_str name)
{
	struct fl_str near = rst_near_directive(r->words, name);
	bool foreign = r->words && r->words->foreign && !near.n;
	struct docs_finding *f = rst_report(r, b, foreign ? DOCS_DIRECTIVE_FOREIGN : DOCS_DIRECTIVE_UNKNOWN, at,
					    "Unknown directive type \"%.*s\".", FL_STR_ARG(name));

	if (f && near.n)
		f->help = docs_sink_printf(r->sink, "did you mean '%.*s'?", FL_STR_ARG(near));
}

static bool unknown_role(struct rst *r, struct rst_block *b, const struct use *u, struct fl_str name)
{
	if (rst_find_role(r->words, name) || fl_map_get(&r->own_roles, name))
		return false;
	rst_report(r, b, r->words && r->words->foreign ? DOCS_ROLE_FOREIGN : DOCS_ROLE_UNKNOWN, u->at,
		   "Unknown interpreted text role \"%.*s\".", FL_STR_ARG(name));
	return true;
}

/* ".. role:: name(base)": the text may use it from here on. */
static void own_role(struct rst *r, struct rst_block *b, const struct use *u)
{
	struct fl_str s = u->content.n && u->content.v[0].no == b->v[u->at].no ? rst_str(&u->content.v[0]) :
										fl_str_n("", 0);
	size_t open = fl_str_find(s, '(', 0), close = fl_str_find(s, ')', open);
	struct fl_str name = fl_str_trim(fl_str_sub(s, 0, open)), base = {};

	if (open < close)
		base = fl_str_trim(fl_str_sub(s, open + 1, close - open - 1));
	if (!s.n)
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "\"role\" directive requires arguments on the first line.");
	else if (!name.n || rst_simplename(name) != name.n || rst_simplename(base) != base.n ||
		 (open < s.n && (!base.n || close + 1 != s.n)))
		rst_report(r, b, DOCS_DIRECTIVE_USE, u->at, "\"role\" directive arguments not valid role names: "
			   "\"%.*s\".", FL_STR_ARG(s));
	else if (!base.n || !unknown_role(r, b, u, base))
		fl_map_put(&r->own_roles, name, NULL);
}

/*
 * True where what is included takes the directive's place in the text: docutils puts blank lines around it, so
 * that no blank line is due behind the directive.
 */
static bool include(struct rst *r, const struct rst_block *b, const struct use *u)
{
	static const char *const others[] = { "literal", "code", "parser" };
	bool text = true;

	for (uint32_t i = 0; i < u->options.n; i++) {
		for (size_t k = 0; k < FL_ARRAY_SIZE(others); k++)
			text &= !is_field(&u->options.v[i]) || !fl_str_is(field_name(&u->options.v[i]), others[k]);
	}
	if (r->include && is_whole(u))
		r->include(r, u->first, b->titles);
	return text;
}

bool rst_directive(struct rst *r, struct rst_block *b, struct rst_match m, bool *blank)
{
	const struct rst_line *l = &b->v[b->i];
	struct fl_str s = fl_str_from(rst_str(l), m.end);
	size_t n = rst_directive_name(s), end;
	struct rst_grab g = { .known = -1, .keep_top = true };
	struct use u = { .at = b->i };
	struct rst_fact *outer;

	if (!n)
		return false;
	u.name = fl_str_sub(s, 0, n);
	end = m.end + n + (s.p[n] == ' ') + 2;
	while (end < l->n && l->p[end] == ' ')
		end++;
	g.cut = end;
	u.d = rst_find_directive(r->words, u.name);
	rst_grab(r, b, b->i, &g);
	b->i = g.end;
	*blank = g.blank_finish;
	b->nr_other++;
	if (!u.d) {
		rst_unknown_directive(r, b, u.at, u.name);
		return true;
	}
	divide(r, &u, g.view);
	count_args(&u);
	if (misused(r, b, &u))
		return true;
	read_titles(r, b, &u);
	if (!is_transparent(&u))
		rst_settle_targets(r, has_title(&u));
	outer = r->outer;
	r->outer = directive_fact(r, b, &u);
	if (fl_str_is(u.name, "role"))
		own_role(r, b, &u);
	else if (fl_str_is(u.name, "default-role") && u.args.n)
		unknown_role(r, b, &u, u.first);
	else if (fl_str_is(u.name, "index"))
		check_index(r, b, &u);
	else if (fl_str_is(u.name, "include"))
		*blank |= include(r, b, &u);
	else if (fl_str_is(u.name, "glossary") && u.content.n)
		rst_glossary(r, b, u.content);
	else if (fl_str_is(u.name, "csv-table"))
		rst_csv_table(r, b, u.at, u.content, u.options);
	else
		read_content(r, b, &u);
	r->outer = outer;
	return true;
}
