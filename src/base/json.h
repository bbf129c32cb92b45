/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON that is written: one object a line, straight into a buffer, no tree in between. The writer
 * knows the nesting only to place commas; it is the caller who closes what it opens.
 * A @key of NULL stands for "no key": an array's element, or the line's own object.
 *
 * (JSON that is read goes through json-c.)
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

void fl_json_open(struct fl_buf *b, const char *key, char bracket); /* '{' or '[' */
void fl_json_close(struct fl_buf *b, char bracket);		    /* '}' or ']' */
void fl_json_end_line(struct fl_buf *b);			    /* "\n" behind a line's object */

/*
 * Text. Where it is no UTF-8, KEY_hex follows with the bytes that it really is; an array's elements
 * have no key to put that under.
 */
void fl_json_str(struct fl_buf *b, const char *key, struct fl_str v);
/* The text of a buffer, and its error. */
void fl_json_buf(struct fl_buf *b, const char *key, const struct fl_buf *v);
void fl_json_hex(struct fl_buf *b, const char *key, struct fl_str v); /* bytes, as text: "00ff" */
/*
 * The bytes of those elements of an array that are no UTF-8, as KEY_hex: a list of the array's length, with
 * null for the others. Zero-initialise to start; where all are UTF-8 nothing is written.
 */
struct fl_json_hexes {
	struct fl_buf list;
	bool any;
};

void fl_json_hexes_add(struct fl_json_hexes *h, bool is_text, struct fl_str element);
void fl_json_hexes_end(struct fl_json_hexes *h, const char *key, struct fl_buf *b);

void fl_json_strz(struct fl_buf *b, const char *key, const char *v); /* NULL is null */
void fl_json_u64(struct fl_buf *b, const char *key, uint64_t v);
void fl_json_s64(struct fl_buf *b, const char *key, int64_t v);
void fl_json_f64(struct fl_buf *b, const char *key, double v);
void fl_json_bool(struct fl_buf *b, const char *key, bool v);
void fl_json_null(struct fl_buf *b, const char *key);

/* A value that was written into a buffer of its own. */
void fl_json_text(struct fl_buf *b, const char *key, const struct fl_buf *value);

/*
 * The first line of every --json output: {"type":"schema","command":COMMAND,"version":1}. What begins
 * with _open is gone on with, and closed. What lines there are is a row of cli/schema/lines.def each.
 */
void fl_json_schema_open(struct fl_buf *b, const char *command);
void fl_json_schema(struct fl_buf *b, const char *command);

#endif
