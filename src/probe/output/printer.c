/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/printer.h"

#include <errno.h>

#include "base/buf.h"
#include "base/util.h"
#include "probe/output/put.h"

static bool is_place(const struct fl_field *f)
{
	return fl_str_is(f->name, "__probe_ip") || fl_str_is(f->name, "__probe_func") ||
	       fl_str_is(f->name, "__probe_ret_ip");
}

/* What stands behind " NAME=" in the format string, braces and quotes taken off. */
static struct fl_str conversion_of(struct fl_str fmt, struct fl_str name, uint32_t *ret_count)
{
	struct fl_str conversion = {};

	for (size_t at = 0; at + name.n + 2 < fmt.n; at++) {
		struct fl_str rest = fl_str_from(fmt, at + 1);
		size_t end;

		if (fmt.p[at] != ' ' || !fl_str_eq(fl_str_sub(rest, 0, name.n), name) ||
		    rest.p[name.n] != '=')
			continue;
		rest = fl_str_from(rest, name.n + 1);
		end = fl_str_find(rest, ' ', 0);
		conversion = fl_str_sub(rest, 0, end);
		break;
	}
	*ret_count = 0;
	if (!fl_str_starts(conversion, "{"))
		return conversion;
	for (size_t i = 0; i < conversion.n; i++)
		*ret_count += conversion.p[i] == '%';
	return fl_str_from(conversion, 1);
}

/* The size of a dynamic array's elements, by the words of its type; 0 of characters, which are text. */
static uint8_t dynamic_size(const struct fl_field *f)
{
	static const struct {
		const char *word;
		uint8_t size;
	} words[] = {
		{ "u8", 1 },  { "s8", 1 },   { "unsigned char", 1 }, { "16", 2 },  { "short", 2 }, { "32", 4 },
		{ "int", 4 }, { "64", 8 },   { "long", 8 },	     { "char", 0 },
	};

	if (f->loc == FL_FIELD_INLINE || !f->is_array)
		return 0;
	for (size_t i = 0; i < FL_ARRAY_SIZE(words); i++)
		if (memmem(f->type.p, f->type.n, words[i].word, strlen(words[i].word)))
			return words[i].size;
	return 1;
}

/* A stack that a synthetic event has for a field. */
static bool is_stack(const struct fl_format *format, const struct fl_field *f)
{
	return fl_str_is(format->system, "synthetic") && f->loc != FL_FIELD_INLINE &&
	       fl_str_ends(f->type, "long[]");
}

static enum fl_print print_of(const struct fl_format *format, struct fl_str conversion, const struct fl_field *f)
{
	if (is_stack(format, f))
		return FL_PRINT_SYMBOL;
	if (dynamic_size(f))
		return f->is_signed ? FL_PRINT_SIGNED : FL_PRINT_UNSIGNED;
	if (f->loc != FL_FIELD_INLINE)
		return FL_PRINT_STRING;
	if (fl_str_starts(conversion, "0x%"))
		return FL_PRINT_HEX;
	if (fl_str_starts(conversion, "'%c'"))
		return FL_PRINT_CHAR;
	if (fl_str_starts(conversion, "%pS"))
		return FL_PRINT_SYMBOL;
	if (f->is_array && fl_str_is(f->type, "char"))
		return FL_PRINT_STRING;
	return f->is_signed ? FL_PRINT_SIGNED : FL_PRINT_UNSIGNED;
}

/* The format string: between the first quote and the last. */
static struct fl_str quoted(struct fl_str print_fmt)
{
	size_t start = fl_str_find(print_fmt, '"', 0), end = start + 1;

	while (end < print_fmt.n && print_fmt.p[end] != '"')
		end += print_fmt.p[end] == '\\' ? 2 : 1;
	return fl_str_sub(print_fmt, start + 1, end > start + 1 ? end - start - 1 : 0);
}

bool fl_event_is_probe(const struct fl_format *format)
{
	struct fl_str fmt = quoted(format->print_fmt), label = {};

	for (size_t i = 0; i < format->nr_fields && !label.n; i++) {
		if (is_place(&format->fields[i]))
			return true;
		if (!format->fields[i].is_common)
			label = format->fields[i].name;
	}
	/* A probe on an event has no place, but begins with a space before its first value. */
	return fl_str_starts(fmt, " ") && label.n && fl_str_eq(fl_str_sub(fl_str_from(fmt, 1), 0, label.n), label) &&
	       fl_str_starts(fl_str_from(fmt, 1 + label.n), "=");
}

static int make_label(struct fl_arena *arena, const char *before, struct fl_str name, const char *after,
		      struct fl_event_printer *p, struct fl_str *ret)
{
	_cleanup_buf_ struct fl_buf b = {};
	size_t n;
	char *copy;

	fl_buf_addf(&b, "%s%.*s%s", before, FL_STR_ARG(name), after);
	n = b.len;
	fl_buf_fill(&b, ' ', FL_PUT_PADDING);
	copy = b.error ? NULL : fl_arena_dup(arena, fl_buf_str(&b));
	if (!copy)
		return -ENOMEM;
	p->room += n + FL_PUT_PADDING + FL_PUT_NUMBER;
	*ret = fl_str_n(copy, n);
	return 0;
}

int fl_event_printer_make(const struct fl_format *format, struct fl_arena *arena,
			  struct fl_event_printer *ret)
{
	struct fl_event_printer p = { .values = fl_arena_array(arena, format->nr_fields + 1,
							       sizeof(*p.values)) };
	struct fl_str fmt = quoted(format->print_fmt);

	if (!p.values || make_label(arena, "", format->name, ":", &p, &p.title) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < format->nr_fields; i++) {
		const struct fl_field *f = &format->fields[i];
		struct fl_printed *v = &p.values[p.n];
		struct fl_str conversion;

		if (fl_str_is(f->name, "__probe_ret_ip"))
			p.ret_ip = f;
		else if (is_place(f))
			p.ip = f;
		if (f->is_common || is_place(f))
			continue;
		v->name = f->name;
		if (make_label(arena, " ", f->name, "=", &p, &v->label) < 0)
			return -ENOMEM;
		v->field = f;
		conversion = conversion_of(fmt, f->name, &v->count);
		v->print = print_of(format, conversion, f);
		v->dynamic_size = v->print == FL_PRINT_STRING ? 0 : dynamic_size(f);
		if (!conversion.n && f->is_array && v->print != FL_PRINT_STRING)
			v->count = f->array_len;
		p.n++;
	}
	*ret = p;
	return 0;
}
