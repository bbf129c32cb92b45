/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The histograms of all events: adding, removing, pausing, and who holds whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/event/format.h"
#include "probe/hist/private.h"
#include "probe/lang/ktext.h"

/* ---- events ---- */

/* What @e has for fields; made anew while it has no histogram, for it may be another event by then. */
static int learn_fields(struct fl_trigger_event *e)
{
	const struct fl_probe_event *own = hist_find_event(e->set, e->system, e->event);
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_format *format;
	int r;

	fl_arena_fini(&e->arena);
	e->synth = own && own->kind == FL_PROBE_SYNTH ? own : NULL;
	if (own) {
		fl_format_print(own, 0, &text);
		format = FL_ARENA_NEW(&e->arena, struct fl_format);
		r = !format ? -ENOMEM : text.error ? text.error
		    : fl_format_parse(own->group, fl_buf_str(&text), &e->arena, NULL, format);
		e->format = format;
	} else {
		r = e->set->target ? fl_target_format(e->set->target, fl_str(e->system), fl_str(e->event),
						      &e->format) : -ENOENT;
	}
	return r < 0 ? r : fl_hist_event_fields(e->format, e->synth, &e->arena, &e->fields);
}

static void event_free(struct fl_trigger_event *e)
{
	free(e->system);
	free(e->event);
	free(e->trigger);
	fl_arena_fini(&e->arena);
	free(e);
}

/* Ours: an event probe goes by the name of what it is on, too, and has its histograms under its own. */
static struct fl_trigger_event *by_other_name(struct fl_triggers *set, const char *system, const char *event)
{
	const struct fl_probe_event *own = set->ours ? hist_find_event(set, system, event) : NULL;
	struct fl_trigger_event *e = set->events;

	if (!own || own->kind != FL_PROBE_EPROBE || fl_str_is(own->group, system))
		return NULL;
	while (e && !(fl_str_is(own->group, e->system) && fl_str_is(own->event, e->event)))
		e = e->next;
	return e;
}

struct fl_trigger_event *hist_event(struct fl_triggers *set, const char *system, const char *event)
{
	struct fl_trigger_event *other = by_other_name(set, system, event), *e = set->events;

	if (other)
		return other;
	while (e && (strcmp(e->system, system) != 0 || strcmp(e->event, event) != 0))
		e = e->next;
	if (e)
		return e->n || learn_fields(e) == 0 ? e : NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	*e = (struct fl_trigger_event){ .set = set, .system = strdup(system), .event = strdup(event) };
	if (!e->system || !e->event || learn_fields(e) < 0) {
		event_free(e);
		return NULL;
	}
	e->next = set->events;
	set->events = e;
	return e;
}

static struct fl_trigger_event *find_event(const struct fl_triggers *set, struct fl_str system, struct fl_str event)
{
	struct fl_trigger_event *e = set->events;

	while (e && !(fl_str_is(system, e->system) && fl_str_is(event, e->event)))
		e = e->next;
	return e;
}

/* ---- lists ---- */

static int push(struct fl_trigger ***v, size_t *n, size_t *cap, struct fl_trigger *t)
{
	if (*n == *cap) {
		size_t want = *cap ? *cap * 2 : 4;
		struct fl_trigger **bigger = reallocarray(*v, want, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		*v = bigger;
		*cap = want;
	}
	(*v)[(*n)++] = t;
	return 0;
}

static void drop(struct fl_trigger **v, size_t *n, const struct fl_trigger *t)
{
	for (size_t i = 0; i < *n; i++) {
		if (v[i] != t)
			continue;
		memmove(v + i, v + i + 1, (--*n - i) * sizeof(*v));
		return;
	}
}

static void trigger_free(struct fl_trigger *t)
{
	struct fl_arena arena = t->arena; /* which it lies in */
	struct fl_triggers *set = t->event->set;

	if (set->snapshot == t)
		set->snapshot = NULL;
	drop(set->with_variables, &set->nr_with_variables, t);
	if (set->free_counted)
		set->free_counted(t->counted);
	fl_arena_fini(&arena);
}

/* The histogram whose table those of that name count in, while one of them is there. */
static struct fl_trigger *named(const struct fl_triggers *set, const char *name)
{
	for (const struct fl_trigger_event *e = set->events; e && name; e = e->next)
		for (size_t i = 0; i < e->n; i++) {
			struct fl_trigger *t = e->trigger[i];

			if (t->attrs.name && strcmp(t->attrs.name, name) == 0)
				return t->shared ? t->shared : t;
		}
	return NULL;
}

static void remove_helpers(struct fl_triggers *set, const struct hist_parse *p, const struct fl_trigger *t,
			   struct fl_trigger_log *log)
{
	for (size_t i = 0; i < t->nr_helpers; i++)
		hist_add(set, t->helper[i].event, p, true, t->helper[i].spec, log, NULL);
}

/* A table's owner stays, out of any list, as long as others count in it. */
static void release(const struct hist_parse *p, struct fl_trigger *t)
{
	struct fl_trigger *owner = t->shared;

	if (t->users) {
		t->is_orphan = true;
		return;
	}
	drop(p->set->with_variables, &p->set->nr_with_variables, t); /* it refers to nobody any more */
	remove_helpers(p->set, p, t, p->log);
	trigger_free(t);
	if (owner && --owner->users == 0 && owner->is_orphan)
		release(p, owner);
}

static void take_off(const struct hist_parse *p, struct fl_trigger *t)
{
	drop(t->event->trigger, &t->event->n, t);
	release(p, t);
}

/* ---- one line ---- */

/* Histograms of a name are like each other alone, and those without one too. */
static bool like(const struct fl_trigger *t, const struct fl_trigger *other, const struct fl_trigger *owner)
{
	if (owner && owner != other && owner != other->shared)
		return false;
	if (!owner && other->attrs.name)
		return false;
	return hist_same(t, other->shared && owner ? other->shared : other, false) &&
	       ((!t->filter && !other->filter) ||
		(t->filter && other->filter && strcmp(t->filter, other->filter) == 0));
}

static struct fl_trigger *find_like(const struct hist_parse *p, const struct fl_trigger *owner)
{
	for (size_t i = 0; i < p->event->n; i++)
		if (like(p->t, p->event->trigger[i], owner))
			return p->event->trigger[i];
	return NULL;
}

static int remove_like(const struct hist_parse *p)
{
	struct fl_trigger *there = find_like(p, named(p->set, p->t->attrs.name));

	if (!there)
		return 0;
	if (fl_trigger_is_referred_to(there))
		return -EBUSY;
	take_off(p, there);
	return 0;
}

/* "pause", "cont" or "clear" of one that is there; false: there is none. */
static bool update(const struct hist_parse *p, struct fl_trigger **ret)
{
	const struct fl_hist_attrs *a = &p->t->attrs;
	struct fl_trigger *owner = named(p->set, a->name), *there;

	if ((!a->pause && !a->cont && !a->clear) || (a->name && !owner) ||
	    (owner && !hist_same(p->t, owner, false)))
		return false;
	there = find_like(p, owner);
	if (!there)
		return false;
	if (a->pause)
		there->paused = true;
	else if (a->cont)
		there->paused = false;
	else if (p->set->clear_counted)
		p->set->clear_counted(there);
	*ret = there;
	return true;
}

static bool is_clock(const char *name)
{
	static const char *const clocks[] = { "local", "global", "counter", "uptime", "perf", "mono", "mono_raw",
					      "boot", "tai", "x86-tsc" };

	for (size_t i = 0; i < FL_ARRAY_SIZE(clocks); i++)
		if (strcmp(name, clocks[i]) == 0)
			return true;
	return false;
}

/* The kernel's order: a name's table, one like it, what is there to continue, the clock. */
static int admit(const struct hist_parse *p)
{
	struct fl_trigger *t = p->t, *owner = named(p->set, t->attrs.name);

	if (owner && !hist_same(t, owner, false))
		return hist_fault(p, FL_HIST_NAMED_MISMATCH, t->attrs.name);
	if ((!t->attrs.name || owner) && find_like(p, owner))
		return hist_fault(p, FL_HIST_TRIGGER_EEXIST, NULL);
	if (t->attrs.cont || t->attrs.clear)
		return hist_fault(p, FL_HIST_TRIGGER_ENOENT_CLEAR, NULL);
	if (t->has_time && !is_clock(t->attrs.clock))
		return hist_fault(p, FL_HIST_SET_CLOCK_FAIL, t->attrs.clock);
	t->paused = t->attrs.pause;
	t->shared = owner;
	if (owner) {
		owner->users++;
		drop(p->set->with_variables, &p->set->nr_with_variables, t);
	}
	return 0;
}

static int insert(const struct hist_parse *p)
{
	struct fl_triggers *set = p->set;
	struct fl_trigger *t = p->t;
	int r = hist_make_actions(p);

	if (r == 0 && hist_has_variables(t))
		r = push(&set->with_variables, &set->nr_with_variables, &set->cap_with_variables, t);
	if (r == 0)
		r = admit(p);
	if (r < 0)
		return r;
	return push(&t->event->trigger, &t->event->n, &t->event->cap, t);
}

static struct fl_trigger *trigger_new(struct fl_trigger_event *e, bool removing)
{
	struct fl_arena arena = {};
	struct fl_trigger *t = FL_ARENA_NEW(&arena, struct fl_trigger);

	if (!t)
		return NULL;
	t->arena = arena;
	t->event = e;
	t->removing = removing;
	return t;
}

int hist_add(struct fl_triggers *set, struct fl_trigger_event *event, const struct hist_parse *quiet, bool removing,
	     const char *spec, struct fl_trigger_log *log, struct fl_trigger **ret)
{
	_cleanup_buf_ struct fl_buf command = {}, place = {};
	struct hist_parse p = { .set = set, .event = event, .log = log, .t = trigger_new(event, removing) };
	struct fl_trigger *there = NULL;
	int r;

	if (!p.t)
		return -ENOMEM;
	fl_buf_addf(&command, "hist:%s", spec);
	fl_buf_addf(&place, "hist:%s:%s", event->system, event->event);
	p.command = quiet ? quiet->command : fl_buf_z(&command);
	p.place = quiet ? quiet->place : fl_buf_z(&place);
	r = command.error || place.error ? -ENOMEM : hist_read(&p, spec);
	if (r == 0 && !removing && !update(&p, &there)) {
		r = insert(&p);
		there = r == 0 ? p.t : NULL;
	} else if (r == 0 && removing) {
		r = remove_like(&p);
	}
	if (there != p.t)
		release(&p, p.t);
	if (ret)
		*ret = there;
	return r;
}

/* "hist[:SPEC]", with "!" in front where it is taken away; -EINVAL for any other command. */
int fl_triggers_write(struct fl_triggers *t, struct fl_str system, struct fl_str event, struct fl_str text,
		      struct fl_trigger_log *log, struct fl_trigger **ret)
{
	_cleanup_free_ char *sys = fl_str_dup(system), *ev = fl_str_dup(event), *line = NULL;
	struct fl_trigger_event *e = sys && ev ? hist_event(t, sys, ev) : NULL;
	struct fl_str spec;
	bool removing;
	size_t end;

	if (ret)
		*ret = NULL;
	if (!e)
		return -ENODEV;
	text = fl_str_sub(text, 0, fl_str_find(text, '\0', 0));
	while (text.n && fl_k_isspace(text.p[text.n - 1]))
		text.n--;
	text = fl_k_skip(text);
	removing = text.n && text.p[0] == '!';
	end = fl_str_any(text, ": \t");
	if (!fl_str_is(fl_str_sub(text, removing, end - removing), "hist"))
		return -EINVAL;
	spec = fl_k_skip(fl_str_from(text, end + 1));
	if (!spec.n)
		return -EINVAL;
	line = fl_str_dup(spec);
	return line ? hist_add(t, e, NULL, removing, line, log, ret) : -ENOMEM;
}

/* ---- all of an event ---- */

void fl_triggers_clear(struct fl_triggers *t, struct fl_str system, struct fl_str event)
{
	struct fl_trigger_event *e = find_event(t, system, event);
	_cleanup_trigger_log_ struct fl_trigger_log log = {};
	struct hist_parse p = { .set = t, .event = e, .command = "", .place = "", .log = &log };

	for (size_t i = 0; e && i < e->n; i++)
		if (fl_trigger_is_referred_to(e->trigger[i]))
			return;
	while (e && e->n)
		take_off(&p, e->trigger[0]);
}

struct fl_trigger_event *fl_triggers_event(const struct fl_triggers *t, struct fl_str system, struct fl_str event)
{
	return find_event(t, system, event);
}

void fl_triggers_show(const struct fl_triggers *t, struct fl_str system, struct fl_str event, struct fl_buf *out)
{
	const struct fl_trigger_event *e = find_event(t, system, event);

	for (size_t i = 0; e && i < e->n; i++)
		fl_trigger_print(e->trigger[i], out);
}

bool fl_triggers_hold(const struct fl_triggers *t, const struct fl_probe_event *event)
{
	for (const struct fl_trigger_event *e = t->events; e; e = e->next) {
		if (e->n && fl_str_is(event->group, e->system) && fl_str_is(event->event, e->event))
			return true;
		for (size_t i = 0; i < e->n; i++)
			for (size_t k = 0; k < e->trigger[i]->nr_actions; k++)
				if (e->trigger[i]->action[k]->synth == event)
					return true;
	}
	return false;
}

void fl_triggers_fini(struct fl_triggers *t)
{
	_cleanup_trigger_log_ struct fl_trigger_log log = {};
	struct hist_parse p = { .set = t, .command = "", .place = "", .log = &log };

	for (struct fl_trigger_event *e = t->events; e; e = e->next)
		while (e->n)
			take_off(&p, e->trigger[0]);
	while (t->events) {
		struct fl_trigger_event *e = t->events;

		t->events = e->next;
		event_free(e);
	}
	free(t->with_variables);
	t->with_variables = NULL;
}
