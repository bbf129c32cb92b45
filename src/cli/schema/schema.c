/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table is a list, read from top to bottom: an object is the run of rows from its head to its END, a
 * line the run to the next LINE, COMMAND or PART. A level's rows are walked twice, since JSON Schema has
 * what keys are and which must be there apart.
 */
#include "cli/schema/schema.h"

#include <string.h>

#include "base/json.h"
#include "base/util.h"

enum op {
	OP_COMMAND,
	OP_PART,
	OP_LINE,
	OP_KEY,
	OP_LIST,
	OP_OBJECT,
	OP_END,
	OP_USE,
};

enum type {
	TEXT = 1 << 0,
	TEXTS = 1 << 1,
	COUNT = 1 << 2,
	COUNTS = 1 << 3,
	INT = 1 << 4,
	NUMBER = 1 << 5,
	BOOL = 1 << 6,
	VALUES = 1 << 7,
	NONE = 1 << 8,
	MAYBE = 1 << 9,
};

struct row {
	enum op op;
	const char *name;
	unsigned int types;
	const char *about;
};

#define COMMAND(name, about)	   { OP_COMMAND, name, 0, about },
#define PART(name)		   { OP_PART, name, 0, NULL },
#define LINE(type, about)	   { OP_LINE, type, 0, about },
#define KEY(name, types, about)	   { OP_KEY, name, types, about },
#define LIST(name, types, about)   { OP_LIST, name, types, about },
#define OBJECT(name, types, about) { OP_OBJECT, name, types, about },
#define USE(name)		   { OP_USE, name, 0, NULL },
#define END			   { OP_END, NULL, 0, NULL },
static const struct row rows[] = {
#include "cli/schema/lines.def"
};

/* Deeper than any row of the table: parts within lists within lines. */
#define MAX_DEPTH 8

static bool is_head(size_t i)
{
	return i >= FL_ARRAY_SIZE(rows) || rows[i].op == OP_COMMAND || rows[i].op == OP_PART ||
	       rows[i].op == OP_LINE;
}

static bool has_keys(const struct row *r)
{
	return r->op == OP_LIST || r->op == OP_OBJECT;
}

/* The row behind @i on the same level, or that which ends the level. */
static size_t next(size_t i)
{
	unsigned int open = has_keys(&rows[i]);

	for (i++; open && !is_head(i); i++)
		open = open + has_keys(&rows[i]) - (rows[i].op == OP_END);
	return i;
}

static bool ends_level(size_t i)
{
	return is_head(i) || rows[i].op == OP_END;
}

/* The first key of a part. A table that names one that is not there does not come through the test. */
static size_t part(const char *name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++)
		if (rows[i].op == OP_PART && strcmp(rows[i].name, name) == 0)
			return i + 1;
	return FL_ARRAY_SIZE(rows);
}

typedef void key_fn(const struct row *row, size_t i, unsigned int depth, struct fl_buf *out);

/* Calls @fn for each key of a level, those of its parts included. */
static void each_key(size_t i, unsigned int depth, key_fn *fn, struct fl_buf *out)
{
	for (; depth < MAX_DEPTH && !ends_level(i); i = next(i)) {
		if (rows[i].op == OP_USE)
			each_key(part(rows[i].name), depth + 1, fn, out);
		else
			fn(&rows[i], i, depth, out);
	}
}

/* ---- JSON Schema ---- */

static void object(const struct row *line, size_t first, unsigned int depth, struct fl_buf *out);

static const char *plain_type(unsigned int types)
{
	return types & TEXT		  ? "string"
	       : types & (TEXTS | COUNTS) ? "array"
	       : types & (COUNT | INT)	  ? "integer"
	       : types & NUMBER		  ? "number"
	       : types & BOOL		  ? "boolean"
					  : "object";
}

static void type(const char *name, unsigned int types, struct fl_buf *out)
{
	if (!(types & NONE)) {
		fl_json_strz(out, "type", name);
		return;
	}
	fl_json_open(out, "type", '[');
	fl_json_strz(out, NULL, name);
	fl_json_strz(out, NULL, "null");
	fl_json_close(out, ']');
}

static void sub_type(struct fl_buf *out, const char *key, const char *keyword, const char *value)
{
	fl_json_open(out, key, '{');
	fl_json_strz(out, keyword, value);
	fl_json_close(out, '}');
}

/* The bytes of a text that is none, as base/json.h writes them. */
static void hex_property(const char *name, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf key = {};

	fl_buf_addf(&key, "%s_hex", name);
	fl_json_open(out, fl_buf_z(&key), '{');
	fl_json_strz(out, "type", "string");
	fl_json_strz(out, "pattern", "^([0-9a-f]{2})*$");
	fl_json_close(out, '}');
}

static void property(const struct row *row, size_t i, unsigned int depth, struct fl_buf *out)
{
	fl_json_open(out, row->name, '{');
	if (row->about)
		fl_json_strz(out, "description", row->about);
	type(row->op == OP_LIST ? "array" : plain_type(row->types), row->types, out);
	if (row->types & COUNT)
		fl_json_u64(out, "minimum", 0);
	if (row->types & TEXTS)
		sub_type(out, "items", "type", "string");
	if (row->types & COUNTS)
		sub_type(out, "items", "type", "integer");
	if (row->types & VALUES)
		sub_type(out, "additionalProperties", "$ref", "#/$defs/value");
	if (row->op == OP_LIST) {
		fl_json_open(out, "items", '{');
		fl_json_strz(out, "type", "object");
		object(NULL, i + 1, depth + 1, out);
		fl_json_close(out, '}');
	} else if (row->op == OP_OBJECT) {
		object(NULL, i + 1, depth + 1, out);
	}
	fl_json_close(out, '}');
	if (row->types & TEXT)
		hex_property(row->name, out);
}

static void required(const struct row *row, size_t i, unsigned int depth, struct fl_buf *out)
{
	if (!(row->types & MAYBE))
		fl_json_strz(out, NULL, row->name);
}

static bool is_schema(const struct row *line)
{
	return line && strcmp(line->name, "schema") == 0;
}

/* What the first key of a line that is no row says, and who says it. */
static void frame_properties(const struct row *line, const char *command, struct fl_buf *out)
{
	if (!line || !*line->name)
		return;
	sub_type(out, "type", "const", line->name);
	if (!is_schema(line))
		return;
	sub_type(out, "command", "const", command);
	fl_json_open(out, "version", '{');
	fl_json_u64(out, "const", 1);
	fl_json_close(out, '}');
}

static const char *command_of(const struct row *line)
{
	while (line && line->op != OP_COMMAND)
		line--;
	return line ? line->name : NULL;
}

static void object(const struct row *line, size_t first, unsigned int depth, struct fl_buf *out)
{
	fl_json_open(out, "properties", '{');
	frame_properties(line, command_of(line), out);
	each_key(first, depth, property, out);
	fl_json_close(out, '}');
	fl_json_open(out, "required", '[');
	if (line && *line->name)
		fl_json_strz(out, NULL, "type");
	if (is_schema(line)) {
		fl_json_strz(out, NULL, "command");
		fl_json_strz(out, NULL, "version");
	}
	each_key(first, depth, required, out);
	fl_json_close(out, ']');
	fl_json_bool(out, "additionalProperties", false);
}

/* "probe-check": a name that a reference can have as it is. */
static void add_name(const char *command, struct fl_buf *out)
{
	for (const char *p = command; *p; p++)
		fl_buf_addc(out, *p == ' ' ? '-' : *p);
}

static void definition(size_t i, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	add_name(rows[i].name, &name);
	fl_json_open(out, fl_buf_z(&name), '{');
	fl_json_strz(out, "description", rows[i].about);
	fl_json_open(out, "anyOf", '[');
	for (i++; !is_head(i) || (i < FL_ARRAY_SIZE(rows) && rows[i].op == OP_LINE); i = next(i)) {
		if (rows[i].op != OP_LINE)
			continue;
		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "description", rows[i].about);
		fl_json_strz(out, "type", "object");
		object(&rows[i], i + 1, 0, out);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
	fl_json_close(out, '}');
}

/* A value under a name that the user chose. */
static void value_definition(struct fl_buf *out)
{
	static const char *const types[] = { "string", "integer", "boolean", "null", "array", "object" };

	fl_json_open(out, "value", '{');
	fl_json_open(out, "type", '[');
	for (size_t i = 0; i < FL_ARRAY_SIZE(types); i++)
		fl_json_strz(out, NULL, types[i]);
	fl_json_close(out, ']');
	sub_type(out, "items", "$ref", "#/$defs/value");
	sub_type(out, "additionalProperties", "$ref", "#/$defs/value");
	fl_json_close(out, '}');
}

static void reference(const char *command, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf ref = {};

	fl_buf_addz(&ref, "#/$defs/");
	add_name(command, &ref);
	sub_type(out, NULL, "$ref", fl_buf_z(&ref));
}

const char *fl_schema_command(size_t n)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++)
		if (rows[i].op == OP_COMMAND && !n--)
			return rows[i].name;
	return NULL;
}

void fl_schema_write(bool (*takes)(void *ctx, const char *command), void *ctx, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf refs = {}, defs = {};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (rows[i].op != OP_COMMAND || !takes(ctx, rows[i].name))
			continue;
		if (!refs.len) {
			fl_json_open(&refs, NULL, '[');
			fl_json_open(&defs, NULL, '{');
		}
		reference(rows[i].name, &refs);
		definition(i, &defs);
	}
	if (!refs.len)
		return;
	value_definition(&defs);
	fl_json_close(&defs, '}');
	fl_json_close(&refs, ']');
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
	fl_json_strz(out, "title", "A line that foreland prints with --json");
	fl_json_text(out, "anyOf", &refs);
	fl_json_text(out, "$defs", &defs);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* ---- the manual ---- */

/* Dashes as they are typed, for whoever copies one. */
static void man_text(const char *text, struct fl_buf *out)
{
	for (; *text; text++)
		fl_buf_addf(out, *text == '-' ? "\\%c" : "%c", *text);
}

static const char *const words[] = { "text", "list of texts", "number, not negative", "list of numbers",
				     "number", "number", "true or false", "object", "or null", "may be left out" };

static void man_key(const struct row *row, size_t i, unsigned int depth, struct fl_buf *out)
{
	const char *comma = "";

	fl_buf_addf(out, ".TP\n.B %s\n", row->name);
	man_text(row->about, out);
	fl_buf_addz(out, " (");
	if (has_keys(row)) {
		fl_buf_addz(out, row->op == OP_LIST ? "list of objects" : "object");
		comma = ", ";
	}
	for (size_t k = 0; k < FL_ARRAY_SIZE(words); k++) {
		if (!(row->types & 1u << k))
			continue;
		fl_buf_addf(out, "%s%s", comma, words[k]);
		comma = ", ";
	}
	fl_buf_addz(out, ")\n");
	if (!has_keys(row))
		return;
	fl_buf_addz(out, ".RS\n");
	each_key(i + 1, depth + 1, man_key, out);
	fl_buf_addz(out, ".RE\n");
}

static void man_line(size_t i, struct fl_buf *out)
{
	const struct row *line = &rows[i];

	if (*line->name)
		fl_buf_addf(out, ".PP\nType\n.BR %s :\n", line->name);
	else
		fl_buf_addz(out, ".PP\nA row:\n");
	man_text(line->about, out);
	fl_buf_addc(out, '\n');
	each_key(i + 1, 0, man_key, out);
}

void fl_schema_man(struct fl_buf *out)
{
	for (size_t i = 0, of_command = 0; i < FL_ARRAY_SIZE(rows); i = next(i)) {
		if (rows[i].op == OP_COMMAND)
			fl_buf_addf(out, ".SS foreland %s \\-\\-json\n%s\n", rows[i].name, rows[i].about);
		if (rows[i].op == OP_COMMAND || rows[i].op == OP_PART)
			of_command = rows[i].op == OP_COMMAND;
		else if (rows[i].op == OP_LINE && of_command)
			man_line(i, out);
	}
}
