/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/event/listing.h"
#include "probe/event/synth.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

const char *const fl_probe_file_names[_FL_FILE_MAX] = {
	[FL_FILE_DYNAMIC_EVENTS] = "dynamic_events",
	[FL_FILE_KPROBE_EVENTS] = "kprobe_events",
	[FL_FILE_UPROBE_EVENTS] = "uprobe_events",
	[FL_FILE_SYNTHETIC_EVENTS] = "synthetic_events",
};

int fl_probe_file_parse(const char *name, enum fl_probe_file *ret)
{
	for (size_t i = 0; i < _FL_FILE_MAX; i++) {
		if (strcmp(fl_probe_file_names[i], name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- the index ---- */

/*
 * Lists grow long (a generator writes 80,000 definitions), and each new event asks: is the name taken, is
 * the same probe there, is its place, who is attached? Each question is a key, and leads to a chain.
 */
enum index {
	BY_NAME,     /* group, event */
	BY_LIKENESS, /* name, place, text of the arguments */
	BY_PLACE,    /* of user probes and tracepoints */
	BY_TARGET,   /* of event probes: what they are attached to, by BY_NAME's key */
	_INDEX_MAX,
};

static void add_part(struct fl_buf *key, struct fl_str part)
{
	fl_buf_add_str(key, part);
	fl_buf_addc(key, '\0');
}

static void name_key(enum index which, struct fl_str group, struct fl_str event, struct fl_buf *key)
{
	fl_buf_addc(key, (char)which);
	add_part(key, group);
	add_part(key, event);
}

/* The counter of a user probe is no part of its place. */
static void add_place(const struct fl_probe_event *e, struct fl_buf *key)
{
	add_part(key, e->place.symbol);
	add_part(key, e->place.module);
	add_part(key, e->place.path);
	fl_buf_add_u64(key, e->place.offset);
}

/* False where such an event is not looked up that way. */
static bool make_key(enum index which, const struct fl_probe_event *e, struct fl_buf *key)
{
	switch (which) {
	case BY_NAME:
		name_key(which, e->group, e->event, key);
		return true;
	case BY_TARGET:
		name_key(which, e->place.system, e->place.event, key);
		return e->kind == FL_PROBE_EPROBE;
	case BY_LIKENESS:
		name_key(which, e->group, e->event, key);
		add_place(e, key);
		for (size_t i = 0; i < e->nr_args; i++)
			add_part(key, e->args[i].body);
		return true;
	case BY_PLACE:
		fl_buf_addc(key, (char)which);
		fl_buf_addc(key, (char)e->kind);
		add_place(e, key);
		return e->kind == FL_PROBE_UPROBE || e->kind == FL_PROBE_TPROBE;
	case _INDEX_MAX:
		break;
	}
	return false;
}

static const struct fl_event_chain *look_up(const struct fl_event_list *l, const struct fl_buf *key)
{
	static const struct fl_event_chain none;
	const struct fl_map_entry *e = key->error ? NULL : fl_map_get(&l->index, fl_buf_str(key));

	return e && e->ptr ? e->ptr : &none;
}

static const struct fl_event_chain *chain_of(const struct fl_event_list *l, enum index which,
					     const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf key = {};

	return make_key(which, e, &key) ? look_up(l, &key) : look_up(l, &(struct fl_buf){ .error = -ENOENT });
}

const struct fl_event_chain *fl_event_list_named(const struct fl_event_list *l, struct fl_str group,
						 struct fl_str event)
{
	_cleanup_buf_ struct fl_buf key = {};

	name_key(BY_NAME, group, event, &key);
	return look_up(l, &key);
}

const struct fl_event_chain *fl_event_list_at(const struct fl_event_list *l, const struct fl_probe_event *e)
{
	return chain_of(l, BY_PLACE, e);
}

const struct fl_event_chain *fl_event_list_like(const struct fl_event_list *l, const struct fl_probe_event *e)
{
	return chain_of(l, BY_LIKENESS, e);
}

static int push(struct fl_event_chain *c, struct fl_probe_event *e)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 4;
		struct fl_probe_event **v = reallocarray(c->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = e;
	return 0;
}

static int index_event(struct fl_event_list *l, enum index which, struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_map_entry *entry;
	struct fl_str key;

	if (!make_key(which, e, &text))
		return 0;
	if (text.error)
		return text.error;
	entry = fl_map_get(&l->index, fl_buf_str(&text));
	if (!entry) {
		key = fl_str_n(fl_arena_dup(&l->keys, fl_buf_str(&text)), text.len);
		entry = key.p ? fl_map_put(&l->index, key, NULL) : NULL;
	}
	if (!entry)
		return -ENOMEM;
	if (!entry->ptr)
		entry->ptr = calloc(1, sizeof(struct fl_event_chain));
	return entry->ptr ? push(entry->ptr, e) : -ENOMEM;
}

/* From its end, where what is removed in one go is found at once. */
static void unlink_event(struct fl_event_list *l, const struct fl_probe_event *e)
{
	for (enum index which = 0; which < _INDEX_MAX; which++) {
		struct fl_event_chain *c = (struct fl_event_chain *)chain_of(l, which, e);

		for (size_t i = c->n; i-- > 0;) {
			if (c->v[i] != e)
				continue;
			memmove(c->v + i, c->v + i + 1, (--c->n - i) * sizeof(*c->v));
			break;
		}
	}
}

void fl_event_list_fini(struct fl_event_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		fl_probe_event_free(l->events[i]);
	if (l->events)
		free(l->events - l->before);
	fl_map_for_each(e, &l->index) {
		struct fl_event_chain *c = e->ptr; /* NULL where there was no memory for it */

		free(c ? c->v : NULL);
		free(c);
	}
	fl_map_fini(&l->index);
	fl_arena_fini(&l->keys);
	l->events = NULL;
	l->n = l->cap = l->before = 0;
}

bool fl_event_in_file(const struct fl_probe_event *e, enum fl_probe_file file)
{
	return file == FL_FILE_DYNAMIC_EVENTS ||
	       (file == FL_FILE_KPROBE_EVENTS && e->kind == FL_PROBE_KPROBE) ||
	       (file == FL_FILE_UPROBE_EVENTS && e->kind == FL_PROBE_UPROBE) ||
	       (file == FL_FILE_SYNTHETIC_EVENTS && e->kind == FL_PROBE_SYNTH);
}

bool fl_event_is(const struct fl_probe_event *e, struct fl_str group, struct fl_str event)
{
	return fl_str_eq(e->group, group) && fl_str_eq(e->event, event);
}

const struct fl_probe_event *fl_event_list_find(const struct fl_event_list *l, struct fl_str group,
						struct fl_str event)
{
	const struct fl_event_chain *c = fl_event_list_named(l, group, event);

	return c->n ? c->v[0] : NULL;
}

static int room_for_one(struct fl_event_list *l)
{
	struct fl_probe_event **first = l->events ? l->events - l->before : NULL;
	size_t cap = l->cap ? l->cap * 2 : 16;

	if (l->before + l->n < l->cap)
		return 0;
	if (l->before > l->n) { /* more gap than events */
		memmove(first, l->events, l->n * sizeof(*first));
	} else {
		struct fl_probe_event **events = calloc(cap, sizeof(*events));

		if (!events)
			return -ENOMEM;
		if (l->n)
			memcpy(events, l->events, l->n * sizeof(*events));
		free(first);
		first = events;
		l->cap = cap;
	}
	l->events = first;
	l->before = 0;
	return 0;
}

int fl_event_list_append(struct fl_event_list *l, struct fl_probe_event *e)
{
	int r = room_for_one(l);

	for (enum index which = 0; which < _INDEX_MAX && r == 0; which++)
		r = index_event(l, which, e);
	if (r == 0)
		l->events[l->n++] = e;
	if (r < 0)
		unlink_event(l, e);
	else
		e->serial = l->serial++;
	return r;
}

static bool is_fprobe(const struct fl_probe_event *e)
{
	return e->kind == FL_PROBE_FPROBE || e->kind == FL_PROBE_TPROBE;
}

static bool can_be_held(const struct fl_probe_event *e)
{
	return is_fprobe(e) || e->kind == FL_PROBE_SYNTH;
}

/* An event probe holds the f, t or s event that it is attached to, down to its last probe. */
static bool in_use(const struct fl_event_list *l, const struct fl_probe_event *e)
{
	const struct fl_event_chain *named, *attached;
	_cleanup_buf_ struct fl_buf key = {};

	if (l->busy && l->busy(l->busy_ctx, e))
		return true;
	if (!can_be_held(e))
		return false;
	name_key(BY_TARGET, e->group, e->event, &key);
	attached = look_up(l, &key);
	named = fl_event_list_named(l, e->group, e->event);
	for (size_t i = 0; attached->n && i < named->n; i++)
		if (named->v[i] != e && can_be_held(named->v[i]))
			return false;
	return attached->n;
}

static size_t place_in_list(const struct fl_event_list *l, const struct fl_probe_event *e)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->events[middle]->serial < e->serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void drop_event(struct fl_event_list *l, struct fl_probe_event *e)
{
	size_t i = place_in_list(l, e);

	unlink_event(l, e);
	l->n--;
	if (i < l->n / 2) { /* the shorter side moves */
		memmove(l->events + 1, l->events, i * sizeof(*l->events));
		l->events++;
		l->before++;
	} else {
		memmove(l->events + i, l->events + i + 1, (l->n - i) * sizeof(*l->events));
	}
	fl_probe_event_free(e);
}

void fl_event_list_take_back(struct fl_event_list *l, struct fl_probe_event *e)
{
	drop_event(l, e);
}

/* Removes of @v what @drop says yes to, up to the first that is in use: -ENOENT, -EBUSY. */
static int remove_if(struct fl_event_list *l, struct fl_probe_event *const *v, size_t n,
		     bool (*drop)(const struct fl_probe_event *e, const void *ctx), const void *ctx)
{
	_cleanup_free_ struct fl_probe_event **all = calloc(n + 1, sizeof(*all));
	size_t dropped = 0;

	if (!all)
		return -ENOMEM;
	if (n)
		memcpy(all, v, n * sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		if (!drop(all[i], ctx))
			continue;
		if (in_use(l, all[i]))
			return -EBUSY;
		drop_event(l, all[i]);
		dropped++;
	}
	return dropped ? 0 : -ENOENT;
}

static bool in_file(const struct fl_probe_event *e, const void *ctx)
{
	return fl_event_in_file(e, *(const enum fl_probe_file *)ctx);
}

int fl_event_list_clear(struct fl_event_list *l, enum fl_probe_file file)
{
	int r;

	for (size_t i = 0; l->busy && i < l->n; i++)
		if (fl_event_in_file(l->events[i], file) && l->busy(l->busy_ctx, l->events[i]))
			return -EBUSY;
	r = remove_if(l, l->events, l->n, in_file, &file);
	return r == -ENOENT ? 0 : r;
}

/* What a removal names; an empty part matches all. */
struct removal {
	enum fl_probe_file file;
	bool has_group;
	struct fl_str group, event;
	struct fl_words rest; /* the place and arguments, as listings show them */
};

static bool place_matches(const struct fl_probe_event *e, struct fl_str text)
{
	_cleanup_buf_ struct fl_buf place = {};
	size_t sep;

	if (e->kind == FL_PROBE_EPROBE) {
		sep = fl_str_find(text, '/', 0);
		if (sep == text.n)
			sep = fl_str_find(text, '.', 0);
		return sep < text.n && fl_str_eq(fl_str_sub(text, 0, sep), e->place.system) &&
		       fl_str_eq(fl_str_from(text, sep + 1), e->place.event);
	}
	fl_probe_place_print(e, &place);
	return fl_str_eq(fl_buf_str(&place), text);
}

/* NAME=BODY for each of the first arguments */
static bool args_match(const struct fl_probe_event *e, const struct fl_word *w, size_t n)
{
	if (e->nr_args < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct fl_str name = e->args[i].name, text = w[i].text;

		if (!fl_str_eq(fl_str_sub(text, 0, name.n), name) || text.n <= name.n ||
		    text.p[name.n] != '=' ||
		    !fl_str_eq(fl_str_from(text, name.n + 1), e->args[i].body))
			return false;
	}
	return true;
}

static bool removal_matches(const struct fl_probe_event *e, const void *ctx)
{
	const struct removal *m = ctx;

	if (!fl_event_in_file(e, m->file) || (m->has_group && !fl_str_eq(m->group, e->group)) ||
	    (m->event.n && !fl_str_eq(m->event, e->event)))
		return false;
	if (e->kind == FL_PROBE_SYNTH)
		return m->event.n; /* its name says it all */
	if (m->rest.n == 0)
		return true;
	return place_matches(e, m->rest.w[0].text) &&
	       args_match(e, m->rest.w + 1, m->rest.n - 1);
}

/* "!NAME", and whatever follows */
static int remove_synth(struct fl_event_list *l, struct fl_str name)
{
	const struct fl_event_chain *c = fl_event_list_named(l, FL_STR(FL_SYNTH_SYSTEM), name);
	struct removal m = { .file = FL_FILE_SYNTHETIC_EVENTS, .event = name };

	return remove_if(l, c->v, c->n, removal_matches, &m);
}

/* "-:" [GROUP "/"] [EVENT] [PLACE [ARG...]], or "!" and a definition as it was written */
int fl_event_list_remove(struct fl_event_list *l, enum fl_probe_file file, struct fl_str def)
{
	_cleanup_arena_ struct fl_arena arena = {};
	struct removal m = { .file = file };
	struct fl_words words;
	size_t colon, slash;
	int r = fl_words_split(def, &arena, &words);

	if (r < 0)
		return r;
	if (words.n == 0)
		return -EINVAL;
	if (file == FL_FILE_SYNTHETIC_EVENTS)
		return remove_synth(l, fl_str_from(words.w[0].text, 1));
	colon = fl_str_find(words.w[0].text, ':', 0);
	if (colon == words.w[0].text.n || (words.w[0].text.p[0] == '-' && colon != 1))
		return -EINVAL;
	m.event = fl_str_from(words.w[0].text, colon + 1);
	slash = fl_str_find(m.event, '/', 0);
	if (slash < m.event.n) {
		m.has_group = true;
		m.group = fl_str_sub(m.event, 0, slash);
		m.event = fl_str_from(m.event, slash + 1);
	}
	if (!m.has_group && m.event.n == 0)
		return -EINVAL;
	m.rest = (struct fl_words){ words.w + 1, words.n - 1 };
	if (m.has_group && m.group.n && m.event.n) {
		const struct fl_event_chain *c = fl_event_list_named(l, m.group, m.event);

		return remove_if(l, c->v, c->n, removal_matches, &m);
	}
	return remove_if(l, l->events, l->n, removal_matches, &m);
}

bool fl_is_removal(enum fl_probe_file file, struct fl_str def)
{
	if (!def.n)
		return false;
	if (file == FL_FILE_SYNTHETIC_EVENTS)
		return fl_at(fl_k_skip(def), 0) == '!';
	return def.p[0] == '-' || (def.p[0] == '!' && file == FL_FILE_DYNAMIC_EVENTS);
}
