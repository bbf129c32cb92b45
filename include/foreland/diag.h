/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diagnostics: what an engine found wrong in a text, and where. Engines fill these and never print;
 * a face renders them (fl_diag_render() for people, fl_diag_json() for programs).
 *
 * Each engine has one table, errors.def, of rows
 *
 *	D(NO_BTF_FIELD, ERROR, EINVAL, "This field is not found.")
 *
 * (code, level, errno or 0, message) from which its enum and its array of struct fl_diag_kind are
 * made. The message may be overridden for one diagnostic where it carries a value.
 */
#ifndef FORELAND_DIAG_H
#define FORELAND_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_buf;

/** enum fl_level - how bad a finding is, worst first. */
enum fl_level {
	FL_ERROR,
	FL_WARNING,
	FL_STYLE,
	FL_NOTE,
	_FL_LEVEL_MAX,
};

/** struct fl_span - bytes [start, end) of the text that a diagnostic is about. */
struct fl_span {
	uint32_t start, end;
};

/**
 * struct fl_diag_kind - one row of an engine's table
 * @code: its stable name, printed in brackets and given as JSON "code"
 * @level: how bad it is
 * @err: the positive errno value that goes with it, or 0
 * @message: the text, in the words of the kernel or tool that people know it from
 */
struct fl_diag_kind {
	const char *code;
	enum fl_level level;
	int err;
	const char *message;
};

/**
 * struct fl_diag - one finding
 * @kind: its row; NULL while nothing was found
 * @place: file name, or what stands for it ("definition 3"); NULL: none. Borrowed.
 * @line: 1-based line within @place, 0 where lines mean nothing
 * @column: 0-based column of the caret within the line, in bytes
 * @span: what to underline within the line; empty: @column alone
 * @text: the line itself (not NUL-terminated), NULL where there is none. Borrowed.
 * @text_len: its length
 * @message: replaces kind->message where that needs a value; malloc()ed or NULL
 * @help: the one right next step, malloc()ed or NULL
 *
 * Zero-initialise to start; fl_diag_fini() releases what it owns. @place and @text must outlive it.
 */
struct fl_diag {
	const struct fl_diag_kind *kind;
	const char *place;
	uint32_t line;
	uint32_t column;
	struct fl_span span;
	const char *text;
	size_t text_len;
	char *message;
	char *help;
};

__attribute__((visibility("default"))) void fl_diag_fini(struct fl_diag *d);

/**
 * fl_diag_set() - record a finding, replacing an earlier one
 * @d: where; NULL is allowed, and only the errno is then made
 * @kind: the row
 * @span: in bytes of the text that is being parsed; @column is set to its start
 *
 * Return: -kind->err (-EINVAL where that is 0), for use as "return fl_diag_set(...)".
 */
int fl_diag_set(struct fl_diag *d, const struct fl_diag_kind *kind, struct fl_span span);

/** fl_diag_message() - replace the row's message by a formatted one. */
void fl_diag_message(struct fl_diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** fl_diag_help() - add the next step, formatted. */
void fl_diag_help(struct fl_diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** fl_diag_text() - the message that is to be shown. */
const char *fl_diag_text(const struct fl_diag *d);

/** fl_level_name() - "error", "warning", "style", "note". */
const char *fl_level_name(enum fl_level level);

/**
 * fl_diag_render() - append the form for people to @out
 *
 *	place:line:column: level: message [CODE]
 *	the line of text
 *	     ^~~~
 *	help: next step
 *
 * Columns are printed 1-based. Tabs and wide characters in the line keep the caret under its
 * character; bytes that a terminal would act upon are shown as "?"; a line longer than 200 bytes
 * is shown in part, around the caret.
 */
void fl_diag_render(const struct fl_diag *d, struct fl_buf *out);

/**
 * fl_diag_json() - append {"code","message","column","span"} as the value of @key (NULL: none)
 *
 * The object stays open when @open is true, so that an engine can add keys of its own.
 */
void fl_diag_json(const struct fl_diag *d, const char *key, bool open, struct fl_buf *out);

#endif
