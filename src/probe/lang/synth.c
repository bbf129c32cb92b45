/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * s:[synthetic/]NAME FIELD[; FIELD]... with FIELD: [unsigned] TYPE NAME[[N]]
 *
 * The kernel's carets stand where the word at fault is first found in the command, wherever it was
 * read: find_column().
 */
#include <errno.h>
#include <string.h>

#include "probe/event/synth.h"
#include "probe/lang/ktext.h"
#include "probe/lang/list.h"
#include "probe/lang/parse.h"

/* The command as it is logged: all but blanks in front and a comment. */
static struct fl_str command_of(const struct fl_parse *p)
{
	return fl_k_skip(fl_str_sub(p->log.def, 0, fl_k_find(p->log.def, '#', 0)));
}

static uint32_t find_column(struct fl_str command, struct fl_str word)
{
	const char *at = word.n ? memmem(command.p, command.n, word.p, word.n) : NULL;

	return at ? (uint32_t)(at - command.p) : 0;
}

/* @at: what is at fault, a piece of the command; empty: all of it, with the caret in front. */
static int fault(struct fl_parse *p, enum fl_probe_fault fault, struct fl_str at)
{
	struct fl_str command = command_of(p);
	uint32_t start = (uint32_t)(command.p - p->log.def.p), column = find_column(command, at);
	uint32_t where = at.n ? (uint32_t)(at.p - p->log.def.p) : start;

	fl_log_add(&p->log, &(struct fl_log_entry){
		.kind = &fl_probe_faults[fault],
		.subsystem = p->log.subsystem,
		.command = command,
		.column = column,
		.span = { where, where + (uint32_t)(at.n ? at.n : command.n) },
		.place = start + column,
	});
	return -fl_probe_faults[fault].err;
}

static int invalid(struct fl_parse *p)
{
	return fault(p, FL_FAULT_INVALID_CMD, (struct fl_str){});
}

/* "unsigned TYPE NAME" or "TYPE NAME", from its words */
struct field {
	bool is_unsigned;
	struct fl_str type, name, array;
};

static int parse_words(struct fl_parse *p, const struct fl_word *w, size_t n, struct field *f)
{
	struct fl_str name;

	f->is_unsigned = fl_str_is(w[0].text, "unsigned");
	if (f->is_unsigned && n < 3)
		return fault(p, FL_FAULT_INCOMPLETE_TYPE, w[0].text);
	w += f->is_unsigned;
	f->type = w[0].text;
	if (n < 2)
		return fault(p, FL_FAULT_INVALID_FIELD, f->type);
	name = w[1].text;
	f->name = fl_str_sub(name, 0, fl_k_find(name, '[', 0));
	f->array = fl_str_from(name, f->name.n);
	return fl_is_good_name(f->name, false) ? 0 : fault(p, FL_FAULT_BAD_NAME, name);
}

/* Its type as it is listed: the words, with the brackets of the name. */
static int make_type(struct fl_parse *p, const struct field *f, struct fl_probe_arg *a)
{
	_cleanup_buf_ struct fl_buf text = {};
	char *copy;
	int r;

	fl_buf_addf(&text, "%s%.*s%.*s", f->is_unsigned ? "unsigned " : "", FL_STR_ARG(f->type),
		    FL_STR_ARG(f->array));
	copy = text.error ? NULL : fl_arena_dup(&p->event->arena, fl_buf_str(&text));
	if (!copy)
		return -ENOMEM;
	a->body = fl_str_n(copy, text.len);
	r = fl_synth_type(a->body, &a->type, &a->size);
	if (r == 0)
		return 0;
	if (r == -ENOENT || !f->array.n)
		return fault(p, FL_FAULT_INVALID_TYPE, f->type);
	return fault(p, FL_FAULT_INVALID_ARRAY_SPEC, fl_str_n(f->name.p, f->name.n + f->array.n));
}

static int add_field(struct fl_parse *p, const struct field *f, struct fl_span span)
{
	struct fl_probe_event *e = p->event;
	struct fl_probe_arg a = { .name = f->name, .span = span, .offset = e->record_size };
	int r = make_type(p, f, &a);

	if (r < 0)
		return r;
	if (e->nr_args == FL_SYNTH_FIELDS_MAX)
		return fault(p, FL_FAULT_TOO_MANY_FIELDS, (struct fl_str){});
	e->record_size += fl_synth_room(&a);
	e->args[e->nr_args++] = a;
	return 0;
}

/* What stands between semicolons: one field, or in the older form several. */
static int parse_part(struct fl_parse *p, struct fl_str part)
{
	uint32_t start = (uint32_t)(part.p - p->log.def.p);
	struct fl_words words;
	int r = fl_words_split(part, &p->event->arena, &words);

	for (size_t i = 0; r == 0 && i < words.n;) {
		struct field f = {};

		r = parse_words(p, words.w + i, words.n - i, &f);
		if (r == 0) {
			size_t last = i + 1 + f.is_unsigned;

			r = add_field(p, &f, (struct fl_span){ start + words.w[i].span.start,
							       start + words.w[last].span.end });
			i = last + 1;
		}
	}
	return r;
}

/* The name and a field must stand in front of the first semicolon. */
static bool has_field(struct fl_parse *p, struct fl_str text)
{
	struct fl_str first = fl_str_sub(text, 0, fl_k_find(text, ';', 0));
	struct fl_words words;

	if (first.n && first.p[0] == '!')
		return true;
	return fl_words_split(first, &p->event->arena, &words) == 0 && words.n >= 3;
}

static const struct fl_probe_event *synth_named(const struct fl_parse *p, struct fl_str name)
{
	const struct fl_event_chain *c;

	if (!p->list)
		return NULL;
	c = fl_event_list_named(p->list, FL_STR(FL_SYNTH_SYSTEM), name);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i]->kind == FL_PROBE_SYNTH)
			return c->v[i];
	return NULL;
}

static int parse_synth(struct fl_parse *p, struct fl_str name, struct fl_str rest)
{
	struct fl_probe_event *e = p->event;
	int r = 0;

	if (!name.n)
		return invalid(p);
	if (!fl_is_good_name(name, false))
		return fault(p, FL_FAULT_BAD_NAME, name);
	if (synth_named(p, name))
		return fault(p, FL_FAULT_EVENT_EXISTS, name);
	e->kind = FL_PROBE_SYNTH;
	e->group = FL_STR(FL_SYNTH_SYSTEM);
	e->event = name;
	e->args = fl_arena_array(&e->arena, FL_SYNTH_FIELDS_MAX, sizeof(*e->args));
	if (!e->args)
		return -ENOMEM;
	for (bool more = true; more && r == 0;) {
		size_t end = fl_k_find(rest, ';', 0);

		more = end < rest.n;
		r = parse_part(p, fl_str_sub(rest, 0, end));
		rest = fl_str_from(rest, end + 1);
	}
	return r == 0 && !e->nr_args ? invalid(p) : r;
}

/* @text: "NAME FIELD..." */
static int split_name(struct fl_parse *p, struct fl_str text)
{
	size_t end = fl_str_any(text, " \t");

	return parse_synth(p, fl_str_sub(text, 0, end), fl_str_from(text, end));
}

int fl_check_synth(struct fl_parse *p)
{
	static const char prefix[] = FL_SYNTH_SYSTEM "/";
	struct fl_str command = command_of(p), text;

	if (!fl_str_starts(command, "s:"))
		return -ECANCELED;
	p->log.subsystem = "synthetic_events";
	text = fl_str_from(command, 2);
	if (fl_str_any(command, " \t") == command.n)
		return invalid(p);
	if (fl_k_find(text, '/', 0) < text.n) {
		if (!fl_str_starts(text, prefix))
			return fault(p, FL_FAULT_INVALID_DYN_CMD, (struct fl_str){});
		text = fl_str_from(text, sizeof(prefix) - 1);
	}
	return has_field(p, text) ? split_name(p, text) : invalid(p);
}

int fl_check_plain_synth(struct fl_parse *p)
{
	struct fl_str command = command_of(p);

	p->log.subsystem = "synthetic_events";
	if (!has_field(p, command) || fl_str_any(command, " \t") == command.n)
		return invalid(p);
	return split_name(p, command);
}
