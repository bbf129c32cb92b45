/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's order (event_hist_trigger()): the key is made; others' variables are looked up under it, and where
 * one is missing nothing more is done; the entry is counted and the histogram's own variables are set; then come
 * the actions, where its own variables that they name are set, too.
 */
#include "probe/count/count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/count/private.h"
#include "probe/event/format.h"
#include "probe/event/scope.h"

/* ---- what hangs on a trigger ---- */

static void forget_entries(struct counted *c)
{
	fl_map_for_each(m, &c->entries) {
		struct entry *e = m->ptr;

		for (size_t i = 0; i < FL_HIST_VARS; i++)
			free(e->var[i].data);
	}
	fl_map_fini(&c->entries);
	fl_arena_fini(&c->arena);
	c->hits = c->dropped = 0;
	c->shot = NULL;
}

void fl_count_free(void *counted)
{
	struct counted *c = counted;

	if (!c)
		return;
	forget_entries(c);
	fl_filter_fini(&c->filter);
	free(c);
}

void fl_count_clear(struct fl_trigger *t)
{
	struct counted *c = counting(t)->counted;

	if (c)
		forget_entries(c);
}

static struct counted *counted_of(struct fl_trigger *t)
{
	if (!t->counted)
		t->counted = calloc(1, sizeof(struct counted));
	t->event->set->free_counted = fl_count_free;
	return t->counted;
}

uint64_t fl_count_hits(const struct fl_trigger_event *e)
{
	uint64_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct counted *c = counting(e->trigger[i])->counted;

		n += c ? c->seen : 0;
	}
	return n;
}

void fl_count_lost(struct fl_trigger_event *e, uint64_t n)
{
	for (size_t i = 0; i < e->n && n; i++) {
		struct counted *c = counted_of((struct fl_trigger *)counting(e->trigger[i]));

		if (c && !e->trigger[i]->paused)
			c->dropped += n;
	}
}

static bool wants_stack(const struct fl_hist_value *v, unsigned int depth)
{
	if (!v || depth > 3)
		return false;
	return (v->flags & FL_HV_STACK && !v->field && !(v->flags & (FL_HV_REF | FL_HV_ALIAS))) ||
	       wants_stack(v->operand[0], depth + 1);
}

bool fl_count_wants_stack(const struct fl_trigger_event *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct fl_trigger *t = e->trigger[i];

		for (size_t k = 0; k < t->nr_values; k++)
			if (wants_stack(t->value[k], 0))
				return true;
		for (size_t k = 0; k < t->nr_field_vars; k++)
			if (wants_stack(t->field_var[k].val, 0))
				return true;
		for (size_t k = 0; k < t->nr_save_vars; k++)
			if (wants_stack(t->save_var[k].val, 0))
				return true;
	}
	return false;
}

/* ---- the filter ---- */

static bool passes(struct fl_trigger *t, struct counted *c, const struct fl_count_record *rec)
{
	struct fl_event_scope scope = { .target = t->event->set->target, .format = t->event->format };
	struct fl_filter_scope names = fl_event_filter_scope(&scope);
	const struct fl_filter_env env = { .comm = rec->comm, .cpu = rec->cpu };

	if (!t->filter)
		return true;
	if (!c->has_filter && fl_filter_parse(fl_str(t->filter), &names, &c->filter, NULL) < 0)
		return false;
	c->has_filter = true;
	return fl_filter_match(&c->filter, rec->data, rec->size, &env);
}

/* ---- keys and entries ---- */

/* Others' tables are looked into by the same key, whose sizes may differ. */
#define KEY_MAX (FL_HIST_KEYS_MAX * FL_HV_STRING)

static void put_key(const struct fl_hist_value *v, struct fl_count_value x, uint8_t *key)
{
	if (!x.text.p) {
		memcpy(key + v->offset, &x.number, FL_MIN(v->size, 8u));
		return;
	}
	if (!(v->flags & FL_HV_STACK) && v->size) /* with a NUL behind it */
		x.text.n = FL_MIN(x.text.n, (size_t)v->size - 1);
	memcpy(key + v->offset, x.text.p, FL_MIN(x.text.n, (size_t)v->size));
}

static void make_key(struct work *w, uint8_t key[static KEY_MAX])
{
	memset(key, 0, KEY_MAX);
	for (size_t i = w->t->nr_vals; i < w->t->nr_values; i++)
		put_key(w->t->value[i], count_value(w, w->t->value[i]), key);
}

static struct entry *find(const struct fl_trigger *t, const uint8_t *key)
{
	const struct counted *c = t->counted;
	struct fl_map_entry *m = c ? fl_map_get(&c->entries, fl_str_n((const char *)key, t->key_size)) : NULL;

	return m ? m->ptr : NULL;
}

/* NULL: there is no room, which is counted. */
static struct entry *insert(const struct fl_trigger *t, struct counted *c, const uint8_t *key)
{
	struct entry *e = find(t, key);
	struct fl_map_entry *m = NULL;

	if (!e && c->entries.count < 1u << t->attrs.bits) {
		e = FL_ARENA_NEW(&c->arena, struct entry);
		if (e)
			e->key = (uint8_t *)fl_arena_dup(&c->arena, fl_str_n((const char *)key, t->key_size));
		if (e && e->key)
			m = fl_map_put(&c->entries, fl_str_n((const char *)e->key, t->key_size), NULL);
		if (m)
			m->ptr = e;
		else
			e = NULL;
	}
	if (e)
		c->hits++;
	else
		c->dropped++;
	c->seen++;
	return e;
}

/* ---- variables ---- */

static int keep_variable(struct kept *k, struct fl_count_value v)
{
	char *copy = NULL;

	if (v.text.p) {
		v.text.n = FL_MIN(v.text.n, (size_t)FL_HV_STRING - 1);
		copy = fl_str_dup(v.text);
		if (!copy)
			return -ENOMEM;
	}
	free(k->data);
	*k = (struct kept){ true, v.number, copy, v.text.n };
	return 0;
}

static struct fl_count_value kept_value(const struct kept *k)
{
	return k->data ? (struct fl_count_value){ .text = fl_str_n(k->data, k->n) }
		       : (struct fl_count_value){ .number = k->number };
}

/* @own: those of this histogram; else those of others. False: one is missing. */
static bool resolve(struct work *w, const uint8_t *key, bool own)
{
	for (size_t i = 0; i < w->t->nr_refs; i++) {
		const struct fl_hist_value *ref = w->t->ref[i];
		const struct fl_trigger *other = ref->target->owner;
		struct entry *e;

		if ((counting(other) == counting(w->t)) != own)
			continue;
		e = find(counting(other), key);
		if (!e || !e->var[ref->target->slot].is_set)
			return false;
		w->ref[ref->slot] = kept_value(&e->var[ref->target->slot]);
		if (!own && ref->read_once)
			e->var[ref->target->slot].is_set = false;
	}
	return true;
}

static int set_variables(struct work *w, const struct fl_hist_field_var *v, size_t n, struct entry *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = keep_variable(&e->var[v[i].var->slot], count_value(w, v[i].val));
	return r;
}

static int update(struct work *w, struct entry *e)
{
	const struct fl_trigger *t = w->t;
	size_t sum = 1;
	int r = 0;

	if (!e->hits++)
		memcpy(e->comm, w->rec->comm.p, FL_MIN(w->rec->comm.n, sizeof(e->comm) - 1));
	for (size_t i = 1; i < t->nr_values && r == 0; i++) {
		const struct fl_hist_value *v = t->value[i];

		if (v->flags & FL_HV_VAR)
			r = keep_variable(&e->var[v->slot], count_value(w, v));
		else if (i < t->nr_vals)
			e->sum[sum++] += count_value(w, v).number;
	}
	return r < 0 ? r : set_variables(w, t->field_var, t->nr_field_vars, e);
}

/* ---- actions ---- */

static int trace(struct work *w, const struct fl_hist_action *a, const struct fl_count_actions *actions)
{
	struct fl_count_value v[FL_HIST_PARAMS];

	if (!a->synth || !actions->trace)
		return 0;
	for (size_t i = 0; i < a->nr_params; i++)
		v[i] = a->ref[i] ? w->ref[a->ref[i]->slot] : (struct fl_count_value){};
	return actions->trace(actions->ctx, a->synth, w->rec, v, a->nr_params);
}

/* Whether onmax() or onchange() has something to do; what it saw is kept. */
static bool is_tracked(struct work *w, const struct fl_hist_action *a, struct entry *e)
{
	struct kept *best = &e->var[a->best->slot];
	uint64_t now = w->ref[a->tracked->slot].number;

	if (a->handler == FL_HIST_ONMAX ? now <= best->number : now == best->number)
		return false;
	return keep_variable(best, (struct fl_count_value){ .number = now }) == 0;
}

static int act(struct work *w, const struct fl_hist_action *a, struct counted *c, struct entry *e,
	       const struct fl_count_actions *actions)
{
	if (a->handler != FL_HIST_ONMATCH && !is_tracked(w, a, e))
		return 0;
	switch (a->kind) {
	case FL_HIST_TRACE:
		return trace(w, a, actions);
	case FL_HIST_SAVE:
		return set_variables(w, w->t->save_var, w->t->nr_save_vars, e);
	case FL_HIST_SNAPSHOT:
		c->shot = e;
		c->shot_value = w->ref[a->tracked->slot].number;
		if (actions->snapshot)
			actions->snapshot(actions->ctx);
	}
	return 0;
}

static int count(struct fl_trigger *t, const struct fl_count_record *rec, const struct fl_count_actions *actions)
{
	const struct fl_trigger *owner = counting(t);
	struct counted *own = counted_of(t), *c = counted_of((struct fl_trigger *)owner);
	struct work w = { .t = t, .rec = rec, .base = t->event->synth ? FL_FORMAT_COMMON_SIZE : 0 };
	uint8_t key[KEY_MAX];
	struct entry *e;
	int r;

	if (!own || !c)
		return -ENOMEM;
	if (t->paused || !passes(t, own, rec))
		return 0;
	make_key(&w, key);
	if (!resolve(&w, key, false))
		return 0;
	e = insert(owner, c, key);
	r = e ? update(&w, e) : 0;
	if (!e || r < 0 || !resolve(&w, key, true))
		return r;
	for (size_t i = 0; i < t->nr_actions && r == 0; i++)
		r = act(&w, t->action[i], c, e, actions);
	return r;
}

int fl_count(struct fl_trigger_event *e, const struct fl_count_record *rec, const struct fl_count_actions *actions)
{
	int r = 0;

	for (size_t i = 0; i < e->n && r == 0; i++)
		r = count(e->trigger[i], rec, actions);
	return r;
}
