/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the reStructuredText reader share. */
#ifndef DOCS_RST_INTERNAL_H
#define DOCS_RST_INTERNAL_H

#include "docs/rst/rst.h"

#define RST_MAX_DEPTH 100

/*
 * A block that is being read. @i is the next line. @bias: docutils counts (up to 0.22) the lines of table cells
 * one too far for messages that it places by count; kept beside the true line.
 */
struct rst_block {
	struct rst_line *v;
	uint32_t n, i;
	bool titles;
	uint32_t bias;
	enum { RST_EMPTY, RST_BODY, RST_TRANSITION } last; /* what stands before, in this section */
	uint32_t transition; /* line of the last transition */
	/* what was read, for directives that demand a shape (list-table) */
	uint32_t nr_bullet_lists, nr_other, nr_unseen; /* unseen: comments, targets, definitions */
	/* two-level lists: rows, the first without list, the first of another length than row 1 */
	uint32_t rows, row_bad, row_uneven, row1_items, row_items;
	uint32_t nr_tables, nr_messages, table_columns;
};

/* Indented lines that belong to one element. In: how they are found; out: the lines. */
struct rst_grab {
	int32_t known;	  /* columns that each further line must be indented by, -1: found out */
	int32_t cut;	  /* bytes of the first line that are the marker, -1: it has none */
	bool until_blank; /* stop at the first blank line */
	bool keep_top;	  /* do not drop blank lines in front */
	bool keep_indent;
	struct rst_view view;
	uint32_t end; /* the line behind */
	bool blank_finish;
};

enum rst_kind {
	RST_K_BLANK,
	RST_K_INDENT,
	RST_K_BULLET,
	RST_K_ENUM,
	RST_K_FIELD,
	RST_K_OPTION,
	RST_K_DOCTEST,
	RST_K_LINE_BLOCK,
	RST_K_GRID,
	RST_K_SIMPLE,
	RST_K_EXPLICIT,
	RST_K_ANONYMOUS,
	RST_K_LINE,
	RST_K_TEXT,
};

struct rst_match {
	enum rst_kind kind;
	uint32_t end;  /* bytes of the marker with the blanks behind it */
	uint32_t cols; /* the same in characters */
};

static inline struct fl_str rst_str(const struct rst_line *l)
{
	return fl_str_n(l->p, l->n);
}

static inline bool rst_is_punct(unsigned char c)
{
	return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
	       (c >= '{' && c <= '~');
}

static inline bool rst_is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* The line number that line @i of the block has, also past its end. */
static inline uint32_t rst_no(const struct rst_block *b, uint32_t i)
{
	if (i < b->n)
		return b->v[i].no;
	return b->n ? b->v[b->n - 1].no + 1 : 1;
}

/* rst.c */
void rst_grab(struct rst *r, const struct rst_block *b, uint32_t start, struct rst_grab *g);
void rst_body(struct rst *r, struct rst_block *b);
void rst_nested(struct rst *r, struct rst_view view, uint32_t bias, bool titles);
struct rst_match rst_classify(const struct rst_line *l);
struct rst_fact *rst_add_fact(struct rst *r, enum rst_fact_kind kind, const struct rst_line *l,
			      struct fl_str name);
/* The element that the open targets stand before is here. */
void rst_settle_targets(struct rst *r, bool titled);
struct docs_finding *rst_report(struct rst *r, struct rst_block *b, enum docs_check c,
				uint32_t i, const char *fmt, ...) FL_PRINTF(5, 6);
void rst_indentation(struct rst *r, struct rst_block *b, uint32_t i);
void rst_unindent(struct rst *r, struct rst_block *b, enum docs_check c, const char *what);
uint32_t rst_width(struct fl_str s);

/* rst-list.c */
void rst_bullet_list(struct rst *r, struct rst_block *b, struct rst_match m);
bool rst_enum_list(struct rst *r, struct rst_block *b, struct rst_match m);
void rst_field_list(struct rst *r, struct rst_block *b, struct rst_match m);
bool rst_option_list(struct rst *r, struct rst_block *b, struct rst_match m);
void rst_line_block(struct rst *r, struct rst_block *b, struct rst_match m);
void rst_definition_list(struct rst *r, struct rst_block *b);

/* rst-title.c */
bool rst_overline(struct rst *r, struct rst_block *b);
bool rst_underline(struct rst *r, struct rst_block *b);
bool rst_is_line(struct fl_str s);
void rst_transitions_end(struct rst *r, struct rst_block *b);

/* rst-table.c */
bool rst_is_grid_top(struct fl_str s);
bool rst_is_simple_top(struct fl_str s);
void rst_grid_table(struct rst *r, struct rst_block *b);
void rst_simple_table(struct rst *r, struct rst_block *b);

/* rst-explicit.c */
void rst_explicit(struct rst *r, struct rst_block *b, struct rst_match m);
void rst_literal(struct rst *r, struct rst_block *b);

/* directive.c: @blank: a blank line stands behind it */
bool rst_directive(struct rst *r, struct rst_block *b, struct rst_match m, bool *blank);
void rst_unknown_directive(struct rst *r, struct rst_block *b, uint32_t at, struct fl_str name);
size_t rst_directive_name(struct fl_str s); /* its length in "name::", or 0 */

/* rst-csv.c: the content of a csv-table, whose directive stands in line @at of @b */
void rst_csv_table(struct rst *r, struct rst_block *b, uint32_t at, struct rst_view content,
		   struct rst_view options);

/* option.c: docutils' conversion of the option takes the value */
bool rst_option_fits(struct fl_str directive, struct fl_str option, struct fl_str value);
/* The code point that "59", "U+3B", "&#x3b;" name. */
bool rst_char_code(struct fl_str s, uint32_t *ret);
/* The value of option @name; p NULL where it is not there. */
struct fl_str rst_option(struct rst_view options, const char *name);

/* csv.c: what the options of a table ask for, against its size: rows, and fewest and most fields of one */
bool rst_table_size(struct rst *r, struct rst_block *b, uint32_t at, const char *name, struct rst_view options,
		    const uint32_t size[3]);
/* Numbers in ":widths:", 0 where there are none. */
uint32_t rst_count_widths(struct rst_view options);

/* glossary.c */
void rst_glossary(struct rst *r, struct rst_block *b, struct rst_view content);

/* rst-inline.c: the text of lines [from, to), the first cut at @cut; @b for its bias */
void rst_inline(struct rst *r, const struct rst_block *b, uint32_t from, uint32_t to, uint32_t cut);
void rst_inline_line(struct rst *r, const struct rst_line *l, uint32_t from, uint32_t to, uint32_t bias);
/* Reads a title; its text without markup, which is the name that it can be referred to by. */
struct fl_str rst_title_text(struct rst *r, const struct rst_line *l, uint32_t bias);
size_t rst_simplename(struct fl_str s);

/* rst-uni.c */
bool rst_is_space(uint32_t c);
bool rst_is_word(uint32_t c);
bool rst_before_start(uint32_t c); /* an inline start-string may follow it */
bool rst_after_end(uint32_t c);	   /* may follow an inline end-string */
bool rst_is_pair(uint32_t open, uint32_t close);

#endif
