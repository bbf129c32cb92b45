/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text is
 *
 *	name: sched_switch
 *	ID: 316
 *	format:
 *		field:unsigned short common_type;	offset:0;	size:2;	signed:0;
 *		...
 *
 *		field:char prev_comm[16];	offset:8;	size:16;	signed:0;
 *
 *	print fmt: "prev_comm=%s ...", REC->prev_comm
 *
 * The empty line within the fields separates the common ones from the event's own. Lines that a
 * later kernel adds between fields are refused, since a record's layout is not to be guessed at.
 */
#include "probe/target/formats.h"

#include <errno.h>

#include "base/num.h"
#include "base/place.h"
#include "base/util.h"

#define MAX_RECORD (1u << 20) /* far above any; keeps sums small */

enum {
#define D(code, ...) code,
#include "probe/target/format-errors.def"
};

static const struct fl_diag_kind kinds[] = {
#define D(code, level, err, message) [code] = { #code, FL_##level, err, message },
#include "probe/target/format-errors.def"
};

struct parser {
	struct fl_str rest;
	struct fl_line line;
	struct fl_arena *arena;
	struct fl_diag *diag;
	struct fl_format *out;
	bool common; /* until the empty line */
};

static bool next_line(struct parser *p)
{
	if (!fl_str_line(&p->rest, &p->line.text))
		return false;
	p->line.number++;
	return true;
}

/* The line's value behind "KEY: "; false where it has another form. */
static bool value_of(const struct parser *p, const char *key, struct fl_str *ret)
{
	if (!fl_str_starts(p->line.text, key))
		return false;
	*ret = fl_str_trim(fl_str_from(p->line.text, strlen(key)));
	return ret->n;
}

/* Cuts "KEY:VALUE;" off @rest. */
static bool take_value(struct fl_str *rest, const char *key, struct fl_str *ret)
{
	struct fl_str s = fl_str_trim(*rest);
	size_t end;

	if (!fl_str_starts(s, key))
		return false;
	s = fl_str_from(s, strlen(key));
	end = fl_str_find(s, ';', 0);
	if (end == s.n)
		return false;
	*ret = fl_str_sub(s, 0, end);
	*rest = fl_str_from(s, end + 1);
	return true;
}

static struct fl_str copy_text(struct parser *p, struct fl_str s)
{
	char *copy = fl_arena_dup(p->arena, s);

	return fl_str_n(copy, copy ? s.n : 0);
}

/*
 * "unsigned long args[6]", "__data_loc char[] name", "struct foo * p": the name is the last word,
 * an array's length stands behind it, or in a dynamic one's type.
 */
static bool split_declaration(struct fl_str decl, struct fl_field *f)
{
	size_t open, start;
	uint64_t len = 0;

	decl = fl_str_trim(decl);
	if (fl_str_ends(decl, "]")) {
		open = decl.n;
		while (open && decl.p[open - 1] != '[')
			open--;
		if (!open)
			return false;
		f->is_array = true;
		/* A length that is a name ("[TASK_COMM_LEN]") is found from the size. */
		if (fl_parse_u64(fl_str_sub(decl, open, decl.n - open - 1), 0, &len) == 0 &&
		    len <= MAX_RECORD)
			f->array_len = len;
		decl = fl_str_trim(fl_str_sub(decl, 0, open - 1));
	}
	start = decl.n;
	while (start && decl.p[start - 1] != ' ' && decl.p[start - 1] != '*' &&
	       decl.p[start - 1] != '\t')
		start--;
	f->name = fl_str_from(decl, start);
	f->type = fl_str_trim(fl_str_sub(decl, 0, start));
	if (fl_str_starts(f->type, "__data_loc"))
		f->loc = FL_FIELD_DATA_LOC;
	else if (fl_str_starts(f->type, "__rel_loc"))
		f->loc = FL_FIELD_REL_LOC;
	f->is_array = f->is_array || fl_str_ends(f->type, "[]");
	return f->name.n && f->type.n;
}

static int parse_field(struct parser *p, struct fl_field *f)
{
	struct fl_str rest = p->line.text, decl, offset, size, sign = FL_STR("0");
	uint64_t off, len, is_signed = 0;

	*f = (struct fl_field){ .is_common = p->common };
	if (!take_value(&rest, "field:", &decl) && !take_value(&rest, "field special:", &decl))
		return fl_fail_at_line(p->diag, &kinds[FORMAT_FIELD], &p->line, p->line.text);
	if (!take_value(&rest, "offset:", &offset) || !take_value(&rest, "size:", &size) ||
	    !split_declaration(decl, f))
		return fl_fail_at_line(p->diag, &kinds[FORMAT_FIELD], &p->line, p->line.text);
	take_value(&rest, "signed:", &sign); /* kernels before 2.6.33 did not say */
	if (fl_parse_u64(offset, 10, &off) < 0 || fl_parse_u64(size, 10, &len) < 0 ||
	    fl_parse_u64(sign, 10, &is_signed) < 0)
		return fl_fail_at_line(p->diag, &kinds[FORMAT_FIELD], &p->line, p->line.text);
	if (off > MAX_RECORD || len > MAX_RECORD)
		return fl_fail_at_line(p->diag, &kinds[FORMAT_RANGE], &p->line,
					 off > MAX_RECORD ? offset : size);
	f->offset = off;
	f->size = len;
	f->is_signed = is_signed;
	f->name = copy_text(p, f->name);
	f->type = copy_text(p, f->type);
	return f->name.p && f->type.p ? 0 : -ENOMEM;
}

static int add_field(struct parser *p, size_t *cap)
{
	struct fl_format *out = p->out;

	if (out->nr_fields == *cap) {
		size_t n = *cap ? *cap * 2 : 32;
		struct fl_field *more = fl_arena_array(p->arena, n, sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (out->nr_fields)
			memcpy(more, out->fields, out->nr_fields * sizeof(*more));
		out->fields = more;
		*cap = n;
	}
	return parse_field(p, &out->fields[out->nr_fields]);
}

/* It is the last thing in the file, and may have line breaks in its strings. */
static int keep_print_fmt(struct parser *p)
{
	const char *start = p->line.text.p + strlen("print fmt:");
	struct fl_str s = fl_str_trim(fl_str_n(start, p->rest.p + p->rest.n - start));

	p->out->print_fmt = copy_text(p, s);
	return p->out->print_fmt.p ? 0 : -ENOMEM;
}

static int parse_fields(struct parser *p)
{
	struct fl_format *out = p->out;
	size_t cap = 0;
	int r;

	p->common = true;
	while (next_line(p)) {
		const struct fl_field *f;

		if (!fl_str_trim(p->line.text).n) {
			p->common = out->nr_fields ? false : p->common;
			continue;
		}
		if (fl_str_starts(p->line.text, "print fmt:"))
			return keep_print_fmt(p);
		r = add_field(p, &cap);
		if (r < 0)
			return r;
		f = &out->fields[out->nr_fields++];
		out->size = FL_MAX(out->size, f->offset + f->size);
	}
	return 0;
}

static int parse_head(struct parser *p)
{
	struct fl_str v;
	uint64_t id;

	if (!next_line(p) || !value_of(p, "name:", &v))
		return fl_fail_at_line(p->diag, &kinds[FORMAT_NO_NAME], &p->line, p->line.text);
	p->out->name = copy_text(p, v);
	if (!next_line(p) || !value_of(p, "ID:", &v) || fl_parse_u64(v, 10, &id) < 0 ||
	    id > UINT32_MAX)
		return fl_fail_at_line(p->diag, &kinds[FORMAT_NO_NAME], &p->line, p->line.text);
	p->out->id = id;
	if (!next_line(p) || !fl_str_is(fl_str_trim(p->line.text), "format:"))
		return fl_fail_at_line(p->diag, &kinds[FORMAT_LINE], &p->line, p->line.text);
	return p->out->name.p ? 0 : -ENOMEM;
}

int fl_format_parse(struct fl_str system, struct fl_str text, struct fl_arena *arena,
		    struct fl_diag *diag, struct fl_format *ret)
{
	struct fl_format out = { .print_fmt = FL_STR("") };
	struct parser p = {
		.rest = text,
		.line = { .place = diag ? diag->place : NULL, .text = FL_STR("") },
		.arena = arena,
		.diag = diag,
		.out = &out,
	};
	int r;

	out.system = copy_text(&p, system);
	r = parse_head(&p);
	if (r == 0)
		r = parse_fields(&p);
	if (r < 0)
		return r;
	*ret = out;
	return out.system.p ? 0 : -ENOMEM;
}

const struct fl_field *fl_format_field(const struct fl_format *f, struct fl_str name)
{
	for (size_t i = 0; i < f->nr_fields; i++)
		if (fl_str_eq(f->fields[i].name, name))
			return &f->fields[i];
	return NULL;
}
