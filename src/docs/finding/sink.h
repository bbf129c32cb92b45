/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where readers put what they find: one sink a worker. It knows the file that is being read, so
 * that a finding carries its line of text; everything in a finding lives in the sink's arena.
 */
#ifndef DOCS_SINK_H
#define DOCS_SINK_H

#include "base/arena.h"
#include "base/str.h"
#include "base/util.h"
#include "docs/finding/check.h"

/*
 * One right answer: @count lines from @line (1-based) on become @text (whole lines, each ended by
 * "\n"). @count 0 inserts before @line. A fix of several edits is a chain.
 */
struct docs_edit {
	uint32_t line, count;
	struct fl_str text;
	struct docs_edit *next;
};

/*
 * @line is 1-based, 0: the file as a whole. @col and @len are bytes within the line; len 0: none.
 * @docline is where docutils puts the same message when that is another line (cells of tables, a
 * paragraph's first line), else equal to @line.
 */
struct docs_finding {
	enum docs_check check;
	enum fl_level level;
	bool known; /* not new: in the baseline, or there before the patch */
	bool plain; /* a byte of text is a column */
	const char *file;
	uint32_t line, docline, col, len;
	const char *message, *help;
	struct fl_str text;
	const struct docs_edit *fix;
};

struct docs_sink {
	const struct docs_set *want;
	enum fl_level level; /* the mildest that is kept */
	struct fl_arena arena;
	struct docs_finding *v;
	size_t n, cap;
	int error; /* -ENOMEM once something was lost */

	/* the file at hand */
	const char *file;
	struct fl_str text;
	uint32_t *lines; /* offsets of line starts, once many were asked for */
	size_t nr_lines;
	size_t at_off, at_bol; /* where docs_sink_locate() was last, and that line's start */
	uint32_t at_line;
	size_t walked; /* bytes, to find lines */
	uint32_t kept_line; /* of the last finding, and its text: the next may share it */
	struct fl_str kept;
	bool kept_plain;
	int suppress; /* > 0: readers run for their facts alone */
};

void docs_sink_fini(struct docs_sink *s);

/* Begins a file; @file and @text are borrowed until the next call. */
void docs_sink_file(struct docs_sink *s, const char *file, struct fl_str text);

static inline bool docs_wants(const struct docs_sink *s, enum docs_check c)
{
	return docs_set_has(s->want, c) && docs_checks[c].kind.level <= s->level && !s->suppress;
}

/*
 * Records a finding at @line; @col is in bytes, @len 0 where nothing is to be underlined. A NULL
 * @fmt takes the row's own message. The result may be completed until the next call; NULL where
 * nobody wants it.
 */
struct docs_finding *docs_report(struct docs_sink *s, enum docs_check c, uint32_t line, uint32_t col,
				 uint32_t len, const char *fmt, ...) FL_PRINTF(6, 7);

/* For findings in text with tabs: turns the column on screen of @f into bytes of its line. */
void docs_finding_columns(struct docs_finding *f);

char *docs_sink_printf(struct docs_sink *s, const char *fmt, ...) FL_PRINTF(2, 3);

/* Adds an edit to the fix of @f (NULL: does nothing). @text is copied. */
void docs_finding_edit(struct docs_sink *s, struct docs_finding *f, uint32_t line, uint32_t count,
		       struct fl_str text);

/* Line @line (1-based) of the file at hand, without its end. */
struct fl_str docs_sink_line(struct docs_sink *s, uint32_t line);

/* The line that holds byte @off, and the byte's place in it. */
uint32_t docs_sink_locate(struct docs_sink *s, size_t off, uint32_t *ret_col);

#endif
