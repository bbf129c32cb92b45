/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/lang/parse.h"

const char *const fl_probe_file_names[_FL_FILE_MAX] = {
	[FL_FILE_DYNAMIC_EVENTS] = "dynamic_events",
	[FL_FILE_KPROBE_EVENTS] = "kprobe_events",
	[FL_FILE_UPROBE_EVENTS] = "uprobe_events",
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

void fl_event_list_fini(struct fl_event_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		fl_probe_event_free(l->events[i]);
	free(l->events);
	l->events = NULL;
	l->n = l->cap = 0;
}

bool fl_event_in_file(const struct fl_probe_event *e, enum fl_probe_file file)
{
	return file == FL_FILE_DYNAMIC_EVENTS ||
	       (file == FL_FILE_KPROBE_EVENTS && e->kind == FL_PROBE_KPROBE) ||
	       (file == FL_FILE_UPROBE_EVENTS && e->kind == FL_PROBE_UPROBE);
}

bool fl_event_is(const struct fl_probe_event *e, struct fl_str group, struct fl_str event)
{
	return fl_str_eq(e->group, group) && fl_str_eq(e->event, event);
}

const struct fl_probe_event *fl_event_list_find(const struct fl_event_list *l, struct fl_str group,
						struct fl_str event)
{
	for (size_t i = 0; i < l->n; i++) {
		if (fl_event_is(l->events[i], group, event))
			return l->events[i];
	}
	return NULL;
}

int fl_event_list_append(struct fl_event_list *l, struct fl_probe_event *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct fl_probe_event **events = reallocarray(l->events, cap, sizeof(*events));

		if (!events)
			return -ENOMEM;
		l->events = events;
		l->cap = cap;
	}
	l->events[l->n++] = e;
	return 0;
}

static bool is_fprobe(const struct fl_probe_event *e)
{
	return e->kind == FL_PROBE_FPROBE || e->kind == FL_PROBE_TPROBE;
}

/* An event probe holds the f or t event that it is attached to, down to its last probe. */
static bool in_use(const struct fl_event_list *l, const struct fl_probe_event *e)
{
	bool attached = l->busy && l->busy(l->busy_ctx, e);

	if (attached)
		return true;
	for (size_t i = 0; is_fprobe(e) && i < l->n; i++) {
		const struct fl_probe_event *other = l->events[i];

		if (!other || other == e)
			continue;
		if (is_fprobe(other) && fl_event_is(other, e->group, e->event))
			return false;
		attached |= other->kind == FL_PROBE_EPROBE &&
			    fl_str_eq(other->place.system, e->group) &&
			    fl_str_eq(other->place.event, e->event);
	}
	return attached;
}

/* Closes the gaps of what was removed; returns how much that was. */
static size_t compact(struct fl_event_list *l)
{
	size_t kept = 0, n = l->n;

	for (size_t i = 0; i < n; i++) {
		if (l->events[i])
			l->events[kept++] = l->events[i];
	}
	l->n = kept;
	return n - kept;
}

/* Removes what @drop says yes to, up to the first that is in use: -ENOENT, -EBUSY. */
static int remove_if(struct fl_event_list *l,
		     bool (*drop)(const struct fl_probe_event *e, const void *ctx), const void *ctx)
{
	bool busy = false;

	for (size_t i = 0; i < l->n && !busy; i++) {
		if (!drop(l->events[i], ctx))
			continue;
		busy = in_use(l, l->events[i]);
		if (busy)
			break;
		fl_probe_event_free(l->events[i]);
		l->events[i] = NULL;
	}
	return !compact(l) && !busy ? -ENOENT : busy ? -EBUSY : 0;
}

static bool in_file(const struct fl_probe_event *e, const void *ctx)
{
	return fl_event_in_file(e, *(const enum fl_probe_file *)ctx);
}

int fl_event_list_clear(struct fl_event_list *l, enum fl_probe_file file)
{
	for (size_t i = 0; l->busy && i < l->n; i++)
		if (fl_event_in_file(l->events[i], file) && l->busy(l->busy_ctx, l->events[i]))
			return -EBUSY;
	return remove_if(l, in_file, &file) == -EBUSY ? -EBUSY : 0;
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
	if (m->rest.n == 0)
		return true;
	return place_matches(e, m->rest.w[0].text) &&
	       args_match(e, m->rest.w + 1, m->rest.n - 1);
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
	return remove_if(l, removal_matches, &m);
}

bool fl_is_removal(enum fl_probe_file file, struct fl_str def)
{
	return def.n && (def.p[0] == '-' || (def.p[0] == '!' && file == FL_FILE_DYNAMIC_EVENTS));
}
