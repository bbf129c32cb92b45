/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One histogram: how it is made of its spec, compared with others, and shown. */
#include "probe/hist/hist.h"

#include <errno.h>
#include <string.h>

#include "probe/event/scope.h"
#include "probe/hist/private.h"
#include "probe/lang/ktext.h"

const struct fl_diag_kind fl_hist_faults[_FL_HIST_FAULT_MAX] = {
#define D(code, err, message) [FL_HIST_##code] = { "HIST_" #code, FL_ERROR, err, message },
#include "probe/hist/errors.def"
};

/* ---- what is wrong ---- */

void fl_trigger_log_fini(struct fl_trigger_log *log)
{
	fl_arena_fini(&log->arena);
	log->n = 0;
}

/* As many as the kernel's log holds, the last ones. */
static void keep_entry(struct fl_trigger_log *log, const struct fl_log_entry *e)
{
	if (log->n == FL_TRIGGER_LOG_MAX)
		memmove(log->entry, log->entry + 1, --log->n * sizeof(*e));
	log->entry[log->n++] = *e;
}

int hist_fault(const struct hist_parse *p, enum fl_hist_fault fault, const char *at)
{
	const char *found = at ? strstr(p->command, at) : NULL;
	uint32_t column = found ? (uint32_t)(found - p->command) : 0, length = at && found ? (uint32_t)strlen(at) : 1;
	char *command = fl_arena_dup(&p->log->arena, fl_str(p->command));
	char *place = fl_arena_dup(&p->log->arena, fl_str(p->place));

	if (command && place)
		keep_entry(p->log, &(struct fl_log_entry){
			.kind = &fl_hist_faults[fault], .subsystem = place, .command = fl_str(command),
			.column = column, .span = { column, column + length }, .place = column });
	return -fl_hist_faults[fault].err;
}

char *hist_copy(const struct hist_parse *p, const char *z)
{
	return fl_arena_dup(&p->t->arena, fl_str(z));
}

/* ---- the filter ---- */

/* Cuts "if FILTER" off @text; *@filter stays NULL where there is none. */
static int split_filter(char *text, char **filter)
{
	size_t n = strlen(text);
	char *at = text;

	while ((at = strstr(at, "if"))) {
		if (at == text)
			return -EINVAL;
		if (at[-1] != ' ' && at[-1] != '\t') {
			at++;
			continue;
		}
		if (at + 3 >= text + n)
			return -EINVAL;
		if (at[2] != ' ' && at[2] != '\t') {
			at++;
			continue;
		}
		at[-1] = '\0';
		*filter = at;
		return 0;
	}
	return 0;
}

char *hist_strip(char *text)
{
	size_t n = strlen(text);

	while (n && fl_k_isspace(text[n - 1]))
		text[--n] = '\0';
	while (fl_k_isspace(*text))
		text++;
	return text;
}

static int bad_filter(const struct hist_parse *p, const char *text, const struct fl_diag *d)
{
	char *command = fl_arena_dup(&p->log->arena, fl_str(text));
	char *message = d->message ? fl_arena_dup(&p->log->arena, fl_str(d->message)) : NULL;

	if (d->kind && command)
		keep_entry(p->log, &(struct fl_log_entry){
			.kind = d->kind, .message = message, .subsystem = "event filter parse error",
			.command = fl_str(command), .column = d->column, .span = { d->column, d->column + 1 },
			.place = d->column });
	return d->kind && d->kind->err ? -d->kind->err : -EINVAL;
}

/* @text: "if FILTER" */
static int read_filter(const struct hist_parse *p, char *text)
{
	struct fl_event_scope scope = { .target = p->set->target, .format = p->event->format };
	struct fl_filter_scope names = fl_event_filter_scope(&scope);
	_cleanup_filter_ struct fl_filter filter = {};
	struct fl_diag diag = {};
	int r;

	strsep(&text, " \t");
	if (!text)
		return -EINVAL;
	r = fl_filter_parse(fl_str(text), &names, &filter, &diag);
	if (r == 0)
		p->t->filter = text;
	else if (r != -ENOMEM)
		r = bad_filter(p, text, &diag);
	fl_diag_fini(&diag);
	return r;
}

/* ---- making ---- */

/* ".sym-offset" is no subtraction. */
static void hide_minus(char *text)
{
	static const char written[] = ".sym-offset";

	while ((text = strstr(text, written))) {
		text[4] = 'X';
		text += sizeof(written) - 1;
	}
}

/* Variables have their numbers in the order of their values. */
static int number_variables(struct fl_trigger *t)
{
	for (size_t i = 0; i < t->nr_values; i++) {
		if (!(t->value[i]->flags & FL_HV_VAR))
			continue;
		if (t->nr_slots == FL_HIST_VARS)
			return -EINVAL;
		t->value[i]->slot = t->nr_slots++;
	}
	return 0;
}

int hist_read(const struct hist_parse *p, const char *spec)
{
	struct fl_trigger *t = p->t;
	char *text = hist_copy(p, spec), *filter = NULL;
	int r = text ? split_filter(text, &filter) : -ENOMEM;

	if (r < 0)
		return r;
	if (filter) {
		filter = hist_strip(filter);
		text = hist_strip(text);
	}
	hide_minus(text);
	t->spec = hist_copy(p, text);
	r = t->spec ? hist_read_attrs(p, text, &t->attrs) : -ENOMEM;
	if (r == 0)
		r = hist_read_actions(p);
	if (r == 0)
		r = hist_read_fields(p);
	if (r == 0)
		r = hist_read_sort(p);
	if (r == 0)
		r = number_variables(t);
	return r == 0 && filter ? read_filter(p, filter) : r;
}

/* ---- comparing ---- */

static bool same_field(const struct fl_hist_event_field *a, const struct fl_hist_event_field *b)
{
	if (a == b)
		return true;
	return a && b && strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 && a->size == b->size &&
	       a->is_signed == b->is_signed;
}

static bool same_name(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_value(const struct fl_hist_value *a, const struct fl_hist_value *b)
{
	return a->flags == b->flags && same_field(a->field, b->field) && a->offset == b->offset &&
	       a->size == b->size && a->is_signed == b->is_signed && same_name(a->variable, b->variable);
}

bool hist_same(const struct fl_trigger *a, const struct fl_trigger *b, bool with_filter)
{
	if (a->nr_vals != b->nr_vals || a->nr_values != b->nr_values || a->nr_sort != b->nr_sort)
		return false;
	if (with_filter && !same_name(a->filter, b->filter))
		return false;
	for (size_t i = 0; i < a->nr_values; i++)
		if (!same_value(a->value[i], b->value[i]))
			return false;
	for (size_t i = 0; i < a->nr_sort; i++)
		if (a->sort[i].value != b->sort[i].value || a->sort[i].descending != b->sort[i].descending)
			return false;
	return hist_same_actions(a, b);
}

/* ---- showing ---- */

/* A key common_cpu is named twice by 7.3. */
static bool is_twice(const struct fl_trigger *t)
{
	return !t->event->set->is_6 && !t->event->set->ours;
}

static void print_key(const struct fl_trigger *t, const struct fl_hist_value *v, struct fl_arena *arena,
		      struct fl_buf *out)
{
	if (!(v->flags & FL_HV_STACK))
		fl_hist_value_print(v, is_twice(t), arena, out);
	else if (v->field)
		fl_buf_addf(out, "%s.stacktrace", v->field->name);
	else
		fl_buf_addz(out, "common_stacktrace");
}

static void print_sums(const struct fl_trigger *t, bool variables, struct fl_arena *arena, struct fl_buf *out)
{
	const char *between = variables ? ":" : "";

	if (!variables)
		fl_buf_addz(out, ":vals=");
	for (size_t i = 0; i < t->nr_vals; i++) {
		const struct fl_hist_value *v = t->value[i];

		if (!!(v->flags & FL_HV_VAR) != variables || (i == 0 && t->attrs.nohitcount))
			continue;
		fl_buf_addz(out, between);
		between = ",";
		if (i == 0)
			fl_buf_addz(out, "hitcount");
		else
			fl_hist_value_print(v, is_twice(t), arena, out);
	}
}

/* The value that a sort key means: counted without variables. */
const struct fl_hist_value *hist_sorted_by(const struct fl_trigger *t, const struct fl_hist_sort_key *s)
{
	size_t sums = t->nr_vals - t->nr_vars;

	return t->value[s->value >= sums ? s->value + t->nr_vars : s->value];
}

static void print_sort(const struct fl_trigger *t, struct fl_arena *arena, struct fl_buf *out)
{
	fl_buf_addz(out, ":sort=");
	for (size_t i = 0; i < t->nr_sort; i++) {
		const struct fl_hist_sort_key *s = &t->sort[i];

		fl_buf_addz(out, i ? "," : "");
		if (s->value)
			fl_hist_value_print(hist_sorted_by(t, s), is_twice(t), arena, out);
		else
			fl_buf_addz(out, "hitcount");
		fl_buf_addz(out, s->descending ? ".descending" : "");
	}
}

static void print_spec(const struct fl_trigger *t, struct fl_arena *arena, struct fl_buf *out)
{
	fl_buf_addz(out, "keys=");
	for (size_t i = t->nr_vals; i < t->nr_values; i++) {
		fl_buf_addz(out, i > t->nr_vals ? "," : "");
		print_key(t, t->value[i], arena, out);
	}
	print_sums(t, false, arena, out);
	print_sums(t, true, arena, out);
	print_sort(t, arena, out);
	fl_buf_addf(out, ":size=%u", t->attrs.entries ? t->attrs.entries : 1u << t->attrs.bits);
	if (t->has_time)
		fl_buf_addf(out, ":clock=%s", t->attrs.clock);
	if (t->attrs.nohitcount)
		fl_buf_addz(out, ":nohitcount");
	hist_print_actions(t, out);
}

void fl_trigger_print(const struct fl_trigger *t, struct fl_buf *out)
{
	_cleanup_arena_ struct fl_arena arena = {};

	fl_buf_addz(out, "hist:");
	if (t->attrs.name)
		fl_buf_addf(out, "%s:", t->attrs.name);
	print_spec(t->shared ? t->shared : t, &arena, out);
	if (t->filter)
		fl_buf_addf(out, " if %s", t->filter);
	fl_buf_addz(out, t->paused ? " [paused]\n" : " [active]\n");
}
