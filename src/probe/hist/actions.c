/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action	  = handler "." ( ("trace" "(" SYNTH {"," param} | SYNTH "(" param {"," param}) ")"
 *		  | "save" "(" FIELD {"," FIELD} ")" | "snapshot" "(" ")" )
 * handler = "onmatch" "(" SYSTEM "." EVENT ")" | ("onmax" | "onchange") "(" "$" VARIABLE ")"
 * param	  = [SYSTEM "." EVENT "."] ("$" VARIABLE | FIELD)
 *
 * Actions are read before the fields of their histogram, whose references may be to events that they
 * name; they are made after them, as they name its variables.
 */
#include <errno.h>
#include <string.h>

#include "probe/hist/private.h"
#include "probe/lang/ktext.h"

static const char *const handler_names[] = {
	[FL_HIST_ONMATCH] = "onmatch(",
	[FL_HIST_ONMAX] = "onmax(",
	[FL_HIST_ONCHANGE] = "onchange(",
};

/* ---- reading ---- */

static int read_params(const struct hist_parse *p, char *list, struct fl_hist_action *a)
{
	bool first = true;

	while (list) {
		char *param;

		if (a->nr_params >= FL_HIST_PARAMS)
			return hist_fault(p, FL_HIST_TOO_MANY_PARAMS, NULL);
		param = hist_strip(strsep(&list, ","));
		if (strlen(param) < (p->set->ours ? 1 : 2))
			return hist_fault(p, FL_HIST_INVALID_PARAM, param);
		if (first && a->keyword)
			a->synth_name = param;
		else
			a->param[a->nr_params++] = param;
		first = false;
	}
	return 0;
}

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ".ACTION(PARAMS)" */
static int read_action(const struct hist_parse *p, char *text, struct fl_hist_action *a)
{
	char *params;
	int r;

	strsep(&text, ".");
	a->name = text ? strsep(&text, "(") : NULL;
	if (!text)
		return hist_fault(p, FL_HIST_ACTION_NOT_FOUND, NULL);
	params = strsep(&text, ")");
	if (starts(a->name, "snapshot")) {
		a->kind = FL_HIST_SNAPSHOT;
		if (!text)
			return hist_fault(p, FL_HIST_NO_CLOSING_PAREN, params);
	} else {
		a->kind = starts(a->name, "save") ? FL_HIST_SAVE : FL_HIST_TRACE;
		a->keyword = a->kind == FL_HIST_TRACE && starts(a->name, "trace");
		r = read_params(p, params, a);
		if (r < 0)
			return r;
	}
	if (a->kind != FL_HIST_TRACE && a->handler == FL_HIST_ONMATCH)
		return hist_fault(p, FL_HIST_ACTION_MISMATCH, a->name);
	return 0;
}

static int read_match(const struct hist_parse *p, char **text, struct fl_hist_action *a)
{
	char *event = strsep(text, ")"), *system;

	if (!*text)
		return hist_fault(p, FL_HIST_NO_CLOSING_PAREN, event);
	system = strsep(&event, ".");
	if (!event)
		return hist_fault(p, FL_HIST_SUBSYS_NOT_FOUND, system);
	if (!hist_event(p->set, system, event))
		return hist_fault(p, FL_HIST_INVALID_SUBSYS_EVENT, event);
	a->system = system;
	a->event = event;
	return 0;
}

static int read_one(const struct hist_parse *p, char *text, struct fl_hist_action *a)
{
	int r = 0;

	for (size_t i = 0; i < FL_ARRAY_SIZE(handler_names); i++)
		if (starts(text, handler_names[i]))
			a->handler = (enum fl_hist_handler)i;
	text += strlen(handler_names[a->handler]);
	if (a->handler == FL_HIST_ONMATCH) {
		r = read_match(p, &text, a);
	} else {
		a->variable = strsep(&text, ")");
		r = text ? 0 : -EINVAL;
	}
	return r < 0 ? r : read_action(p, text, a);
}

int hist_read_actions(const struct hist_parse *p)
{
	struct fl_trigger *t = p->t;

	for (size_t i = 0; i < t->attrs.nr_actions; i++) {
		struct fl_hist_action *a = fl_arena_array(&t->arena, 1, sizeof(*a));
		int r = a ? read_one(p, t->attrs.action[i], a) : -ENOMEM;

		if (r < 0)
			return r;
		t->action[t->nr_actions++] = a;
	}
	return 0;
}

/* ---- variables that actions make ---- */

/* NULL: there is one of that name, or as many as there can be. */
static struct fl_hist_value *make_variable(const struct hist_parse *p, const char *name, uint32_t size,
					   const char *type)
{
	struct fl_trigger *t = p->t;
	struct fl_hist_value *v;

	if ((hist_variable_here(p, name) && !t->removing) || t->nr_slots >= FL_HIST_VARS)
		return NULL;
	v = fl_hist_value_new(&t->arena, NULL, FL_HV_VAR);
	if (!v)
		return NULL;
	v->variable = name;
	v->size = size;
	v->type = type;
	v->owner = t;
	v->slot = t->nr_slots++;
	return v;
}

static int make_field_var(const struct hist_parse *p, const char *name, struct fl_hist_field_var *ret)
{
	char *text = hist_copy(p, name);
	unsigned int flags = FL_HV_VAR;
	int r;

	if (!text)
		return -ENOMEM;
	if (p->t->nr_field_vars >= FL_HIST_PARAMS)
		return hist_fault(p, FL_HIST_TOO_MANY_FIELD_VARS, name);
	r = hist_read_atom(p, text, &flags, NULL, &ret->val);
	if (r < 0) {
		hist_fault(p, FL_HIST_FIELD_VAR_PARSE_FAIL, text);
		return r;
	}
	ret->var = make_variable(p, text, ret->val->size, ret->val->type);
	if (!ret->var)
		return hist_fault(p, FL_HIST_VAR_CREATE_FIND_FAIL, text);
	ret->var->flags |= ret->val->flags & FL_HV_STACK;
	return 0;
}

static bool is_this_event(const struct hist_parse *p, const char *system, const char *event)
{
	return !system || (strcmp(system, p->event->system) == 0 && strcmp(event, p->event->event) == 0);
}

/* ---- a field of another event ---- */

static bool same_keys(const struct fl_trigger *a, const struct fl_trigger *b)
{
	if (a->nr_keys != b->nr_keys)
		return false;
	for (size_t i = 0; i < a->nr_keys; i++) {
		const struct fl_hist_value *x = a->value[a->nr_vals + i], *y = b->value[b->nr_vals + i];

		if (strcmp(x->type, y->type) != 0 || x->size != y->size || x->is_signed != y->is_signed)
			return false;
	}
	return true;
}

/* A spec with the keys of @like, which keeps @field. */
static int helper_spec(const struct hist_parse *p, const struct fl_trigger *like, const char *field, char **ret)
{
	_cleanup_buf_ struct fl_buf spec = {};

	fl_buf_addz(&spec, "keys=");
	for (size_t i = like->nr_vals; i < like->nr_values; i++) {
		fl_buf_addz(&spec, i > like->nr_vals ? "," : "");
		fl_hist_value_operand(like->value[i], &p->t->arena, &spec);
	}
	fl_buf_addf(&spec, ":synthetic_%s=%s", field, field);
	if (like->filter)
		fl_buf_addf(&spec, " if %s", like->filter);
	if (spec.error || spec.len >= FL_HV_STRING)
		return spec.error ? spec.error : -E2BIG;
	*ret = fl_arena_dup(&p->t->arena, fl_buf_str(&spec));
	return *ret ? 0 : -ENOMEM;
}

static struct fl_hist_value *made_by_helper(const struct hist_parse *p, const char *system, const char *event,
					    const char *field)
{
	_cleanup_buf_ struct fl_buf name = {};

	fl_buf_addf(&name, "synthetic_%s", field);
	return name.error ? NULL : hist_find_variable(p, system, event, fl_buf_z(&name));
}

static const struct fl_trigger *like_this(const struct hist_parse *p, const struct fl_trigger_event *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (same_keys(p->t, e->trigger[i]))
			return e->trigger[i];
	return NULL;
}

/* Another histogram there, with the keys of one like this, keeps the field. NULL: it was logged. */
static struct fl_hist_value *make_helper(const struct hist_parse *p, const char *system, const char *event,
					 const char *field)
{
	struct fl_trigger *t = p->t;
	struct fl_trigger_event *e = hist_event(p->set, system, event);
	const struct fl_trigger *like = e ? like_this(p, e) : NULL;
	struct fl_hist_value *v;
	char *spec = NULL;

	if (t->nr_helpers >= FL_HIST_PARAMS || !like) {
		hist_fault(p, t->nr_helpers >= FL_HIST_PARAMS ? FL_HIST_TOO_MANY_FIELD_VARS
			      : e			       ? FL_HIST_HIST_NOT_FOUND
							       : FL_HIST_EVENT_FILE_NOT_FOUND, field);
		return NULL;
	}
	v = made_by_helper(p, system, event, field);
	if (v || helper_spec(p, like, field, &spec) < 0)
		return v;
	if (hist_add(p->set, e, p, false, spec, p->log, NULL) < 0) {
		hist_fault(p, FL_HIST_HIST_CREATE_FAIL, field);
		return NULL;
	}
	t->helper[t->nr_helpers++] = (struct fl_hist_helper){ e, spec };
	v = made_by_helper(p, system, event, field);
	if (!v)
		hist_fault(p, FL_HIST_SYNTH_VAR_NOT_FOUND, field);
	return v;
}

/* ---- trace() ---- */

static struct fl_hist_value *field_param(const struct hist_parse *p, const struct fl_hist_action *a,
					 const char *system, const char *event, const char *field)
{
	struct fl_hist_field_var *v = &p->t->field_var[p->t->nr_field_vars];

	if (is_this_event(p, system, event) && make_field_var(p, field, v) == 0) {
		p->t->nr_field_vars++;
		return v->var;
	}
	if (!system && a->handler == FL_HIST_ONMATCH) {
		system = a->system;
		event = a->event;
	}
	return event ? make_helper(p, system, event, field) : NULL;
}

static struct fl_hist_value *variable_param(const struct hist_parse *p, const struct fl_hist_action *a,
					    const char *system, const char *event, const char *name)
{
	struct fl_hist_value *v = is_this_event(p, system, event) ? hist_own_variable(p->t, name) : NULL;

	if (!v && !system && a->handler == FL_HIST_ONMATCH) {
		system = a->system;
		event = a->event;
	}
	if (!v)
		v = hist_find_variable(p, system, event, name);
	if (!v)
		hist_fault(p, FL_HIST_PARAM_NOT_FOUND, name);
	return v;
}

/*
 * A parameter fits a field of its type, or of its size and sign; text of any kind fits "char[]". Ours: a sign is as
 * good as the other, for the kernel's "long" is the "s64" of an event probe.
 */
static bool fits(const struct hist_parse *p, const struct fl_hist_value *v, const struct fl_probe_arg *f)
{
	bool is_text = f->type->flags & FL_TYPE_STRING, is_stack = f->type->flags & FL_TYPE_STACK;

	if (strstr(v->type, "char[") && is_text && !(f->type->flags & FL_TYPE_FIXED))
		return true;
	if (!!(v->flags & FL_HV_STACK) != is_stack)
		return false;
	if (is_stack || fl_str_is(f->body, v->type))
		return true;
	return f->size == v->size && (is_text || p->set->ours || f->type->is_signed == v->is_signed);
}

/* "[SYSTEM.EVENT.]NAME": -EINVAL for one dot alone. */
static int split_param(char *text, char **system, char **event, char **name)
{
	*event = NULL;
	*system = strsep(&text, ".");
	if (!text) {
		*name = *system;
		*system = NULL;
		return 0;
	}
	*event = strsep(&text, ".");
	*name = text;
	return text ? 0 : -EINVAL;
}

static int make_param(const struct hist_parse *p, struct fl_hist_action *a, size_t i)
{
	char *text = hist_copy(p, a->param[i]), *system, *event, *name;
	struct fl_hist_value *v;
	int r = text ? split_param(text, &system, &event, &name) : -ENOMEM;

	if (r < 0)
		return r;
	v = name[0] == '$' ? variable_param(p, a, system, event, name + 1)
			   : field_param(p, a, system, event, name);
	if (!v)
		return -EINVAL;
	if (i >= a->synth->nr_args || !fits(p, v, &a->synth->args[i]))
		return hist_fault(p, FL_HIST_SYNTH_TYPE_MISMATCH, name);
	a->ref[i] = hist_refer(p, v, system, event);
	return a->ref[i] ? 0 : -ENOMEM;
}

static int make_trace(const struct hist_parse *p, struct fl_hist_action *a)
{
	const char *name = a->keyword ? a->synth_name : a->name;
	int r = 0;

	a->synth = hist_find_synth(p->set, name);
	if (!a->synth)
		return hist_fault(p, FL_HIST_SYNTH_EVENT_NOT_FOUND, name);
	for (size_t i = 0; i < a->nr_params && r == 0; i++)
		r = make_param(p, a, i);
	if (r == 0 && a->nr_params != a->synth->nr_args)
		r = hist_fault(p, FL_HIST_SYNTH_COUNT_MISMATCH, name);
	return r;
}

/* ---- the others ---- */

static int make_save(const struct hist_parse *p, struct fl_hist_action *a)
{
	struct fl_trigger *t = p->t;

	if (t->nr_save_vars)
		return hist_fault(p, FL_HIST_TOO_MANY_SAVE_ACTIONS, NULL);
	for (size_t i = 0; i < a->nr_params; i++) {
		int r = make_field_var(p, a->param[i], &t->save_var[t->nr_save_vars]);

		if (r < 0) {
			hist_fault(p, FL_HIST_FIELD_VAR_CREATE_FAIL, a->param[i]);
			return r;
		}
		t->nr_save_vars++;
	}
	return 0;
}

/* There is one snapshot, which one histogram may take. */
static int make_snapshot(const struct hist_parse *p)
{
	if (p->set->snapshot)
		return -EBUSY;
	p->set->snapshot = p->t;
	return 0;
}

static int make_tracked(const struct hist_parse *p, struct fl_hist_action *a)
{
	struct fl_hist_value *v;

	if (a->variable[0] != '$')
		return hist_fault(p, FL_HIST_ONX_NOT_VAR, a->variable);
	v = hist_own_variable(p->t, a->variable + 1);
	if (!v)
		return hist_fault(p, FL_HIST_ONX_VAR_NOT_FOUND, a->variable + 1);
	a->tracked = hist_refer(p, v, NULL, NULL);
	if (!a->tracked)
		return -ENOMEM;
	a->best = make_variable(p, a->handler == FL_HIST_ONMAX ? "__max" : "__change", 8, "u64");
	return a->best ? 0 : hist_fault(p, FL_HIST_ONX_VAR_CREATE_FAIL, NULL);
}

int hist_make_actions(const struct hist_parse *p)
{
	for (size_t i = 0; i < p->t->nr_actions; i++) {
		struct fl_hist_action *a = p->t->action[i];
		int r = a->handler == FL_HIST_ONMATCH ? 0 : make_tracked(p, a);

		if (r == 0)
			r = a->kind == FL_HIST_TRACE  ? make_trace(p, a)
			    : a->kind == FL_HIST_SAVE ? make_save(p, a)
						      : make_snapshot(p);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- comparing and showing ---- */

static const char *shown_name(const struct fl_hist_action *a)
{
	return a->keyword ? a->synth_name : a->name;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_action(const struct fl_hist_action *a, const struct fl_hist_action *b)
{
	if (a->handler != b->handler || a->kind != b->kind || a->nr_params != b->nr_params)
		return false;
	for (size_t i = 0; i < a->nr_params; i++)
		if (strcmp(a->param[i], b->param[i]) != 0)
			return false;
	return same_text(shown_name(a), shown_name(b)) && same_text(a->system, b->system) &&
	       same_text(a->event, b->event) && same_text(a->variable, b->variable);
}

bool hist_same_actions(const struct fl_trigger *a, const struct fl_trigger *b)
{
	if (a->nr_actions != b->nr_actions)
		return false;
	for (size_t i = 0; i < a->nr_actions; i++)
		if (!same_action(a->action[i], b->action[i]))
			return false;
	return true;
}

static void print_params(const struct fl_trigger *t, const struct fl_hist_action *a, struct fl_buf *out)
{
	size_t n = a->kind == FL_HIST_SAVE ? t->nr_save_vars : a->kind == FL_HIST_TRACE ? a->nr_params : 0;

	if (a->keyword)
		fl_buf_addz(out, a->synth_name);
	for (size_t i = 0; i < n; i++)
		fl_buf_addf(out, "%s%s", i || a->keyword ? "," : "",
			    a->kind == FL_HIST_SAVE ? t->save_var[i].var->variable : a->param[i]);
}

void hist_print_actions(const struct fl_trigger *t, struct fl_buf *out)
{
	for (size_t i = 0; i < t->nr_actions; i++) {
		const struct fl_hist_action *a = t->action[i];

		fl_buf_addf(out, ":%s", handler_names[a->handler]);
		if (a->handler == FL_HIST_ONMATCH)
			fl_buf_addf(out, "%s.%s", a->system, a->event);
		else
			fl_buf_addz(out, a->variable);
		fl_buf_addf(out, ").%s(", a->name);
		print_params(t, a, out);
		fl_buf_addc(out, ')');
	}
}
