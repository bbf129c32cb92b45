/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a variable of a name: the histogram itself, the event, another event, any event. */
#include <errno.h>
#include <string.h>

#include "probe/hist/private.h"

struct fl_hist_value *hist_own_variable(const struct fl_trigger *t, const char *name)
{
	for (size_t i = 0; i < t->nr_values; i++)
		if (t->value[i]->flags & FL_HV_VAR && strcmp(t->value[i]->variable, name) == 0)
			return t->value[i];
	return NULL;
}

static struct fl_hist_value *of_event(const struct fl_trigger_event *e, const char *name)
{
	struct fl_hist_value *v = NULL;

	for (size_t i = 0; i < e->n && !v; i++)
		v = hist_own_variable(e->trigger[i], name);
	return v;
}

struct fl_hist_value *hist_variable_here(const struct hist_parse *p, const char *name)
{
	struct fl_hist_value *v = hist_own_variable(p->t, name);

	return v ? v : of_event(p->event, name);
}

/* An event's that an onmatch() of this histogram names; @many: two have one. */
static struct fl_hist_value *of_matches(const struct hist_parse *p, const char *name, bool *many)
{
	struct fl_hist_value *found = NULL;

	*many = false;
	for (size_t i = 0; i < p->t->nr_actions; i++) {
		const struct fl_hist_action *a = p->t->action[i];
		struct fl_trigger_event *e;
		struct fl_hist_value *v;

		if (a->handler != FL_HIST_ONMATCH)
			continue;
		e = hist_event(p->set, a->system, a->event);
		v = e ? of_event(e, name) : NULL;
		if (v && found) {
			*many = true;
			hist_fault(p, FL_HIST_VAR_NOT_UNIQUE, name);
			return NULL;
		}
		found = v ? v : found;
	}
	return found;
}

/* The one event of all that has such a variable. */
static const struct fl_trigger_event *only_event(const struct hist_parse *p, const char *name)
{
	const struct fl_trigger_event *found = NULL;

	for (size_t i = p->set->nr_with_variables; i-- > 0;) {
		const struct fl_trigger *t = p->set->with_variables[i];

		if (t->event == found || !hist_own_variable(t, name))
			continue;
		if (found) {
			hist_fault(p, FL_HIST_VAR_NOT_UNIQUE, name);
			return NULL;
		}
		found = t->event;
	}
	return found;
}

struct fl_hist_value *hist_find_variable(const struct hist_parse *p, const char *system, const char *event,
					 const char *name)
{
	const struct fl_trigger_event *e;
	struct fl_hist_value *v = NULL;
	bool many = false;

	if (!system || !event)
		v = of_matches(p, name, &many);
	if (v || many)
		return v;
	e = system ? hist_event(p->set, system, event) : only_event(p, name);
	return e ? of_event(e, name) : NULL;
}

bool hist_uses_variables(const struct fl_hist_value *v, unsigned int level)
{
	if (level > 3 || !v)
		return false;
	return v->flags & (FL_HV_VAR | FL_HV_REF) || hist_uses_variables(v->operand[0], level + 1) ||
	       hist_uses_variables(v->operand[1], level + 1);
}

bool hist_has_variables(const struct fl_trigger *t)
{
	for (size_t i = 0; i < t->nr_values; i++)
		if (hist_uses_variables(t->value[i], 0))
			return true;
	return t->nr_refs > 0;
}

bool fl_trigger_is_referred_to(const struct fl_trigger *t)
{
	const struct fl_triggers *set = t->event->set;

	for (size_t i = 0; i < set->nr_with_variables; i++) {
		const struct fl_trigger *other = set->with_variables[i];

		for (size_t k = 0; other != t && k < other->nr_refs; k++) {
			const struct fl_hist_value *v = other->ref[k]->target;

			for (size_t n = 0; n < t->nr_values; n++)
				if (t->value[n] == v)
					return true;
		}
	}
	return false;
}
