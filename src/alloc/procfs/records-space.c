/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tag keeps its place as long as it is there, for the sake of those who have read up to it: what is new
 * stands behind what was known. Where a tag with a file is gone - its module was unloaded - the table is made
 * anew, and the content id says so; a function of which nothing is known but what it holds stays, holding
 * nothing.
 */
#include "alloc/procfs/records-space.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/nsec.h"
#include "base/util.h"

/* Who reads the text asks for a page at a time, and wants one moment rather than many. */
#define GOOD_FOR_NS 50000000u

struct entry {
	struct fl_tag tag;
	struct fl_tag_counters counters;
	uint64_t seen; /* in which reading */
};

struct module {
	const char *name; /* NULL: the core */
	struct entry **v;
	size_t n, cap;
};

struct fl_records_space {
	struct fl_tag_space space;
	fl_records_read_fn read;
	void *ctx;
	struct module *modules; /* the core first */
	size_t nr_modules;
	struct fl_map by_key; /* -> struct entry */
	struct fl_arena arena; /* entries and strings */
	uint64_t content_id, seq, readings, read_at;
};

/* ---- what it is made of ---- */

static void forget_all(struct fl_records_space *s)
{
	for (size_t i = 0; i < s->nr_modules; i++)
		free(s->modules[i].v);
	free(s->modules);
	fl_map_fini(&s->by_key);
	fl_arena_fini(&s->arena);
	s->modules = NULL;
	s->nr_modules = 0;
	s->by_key = (struct fl_map){};
	s->arena = (struct fl_arena){};
	s->seq++;
}

static struct module *module_of(struct fl_records_space *s, struct fl_str name)
{
	struct module *more;
	const char *copy;

	for (size_t i = 0; i < s->nr_modules; i++)
		if (fl_str_eq(name, fl_str(s->modules[i].name)))
			return &s->modules[i];
	copy = name.n ? fl_arena_dup(&s->arena, name) : NULL;
	more = reallocarray(s->modules, s->nr_modules + 1, sizeof(*more));
	if (!more || (name.n && !copy))
		return NULL;
	s->modules = more;
	s->modules[s->nr_modules] = (struct module){ .name = copy };
	return &s->modules[s->nr_modules++];
}

static int push(struct module *m, struct entry *e)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 64;
		struct entry **v = reallocarray(m->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n++] = e;
	return 0;
}

static struct fl_str without_offset(struct fl_str function)
{
	return fl_str_sub(function, 0, fl_str_find(function, '+', 0));
}

/* @again: which of several with the same words, as an inline function of a header has them. */
static void make_key(const struct fl_alloc_record *r, unsigned int again, struct fl_buf *key)
{
	fl_buf_addf(key, "%.*s%c%.*s%c", FL_STR_ARG(r->module), '\0',
		    FL_STR_ARG(r->file.p ? r->function : without_offset(r->function)), '\0');
	if (r->file.p)
		fl_buf_addf(key, "%.*s%c%llu%c%u", FL_STR_ARG(r->file), '\0', (unsigned long long)r->line, '\0',
			    again);
}

static int add_entry(struct fl_records_space *s, const struct fl_alloc_record *r, struct fl_str key,
		     struct entry **ret)
{
	struct module *m = module_of(s, r->module);
	struct entry *e = FL_ARENA_NEW(&s->arena, struct entry);
	char *copy = fl_arena_dup(&s->arena, key);
	struct fl_map_entry *at = copy ? fl_map_put(&s->by_key, fl_str_n(copy, key.n), NULL) : NULL;

	if (!m || !e || !at || push(m, e) < 0)
		return -ENOMEM;
	at->ptr = e;
	e->tag = (struct fl_tag){ .module = m->name, .line = r->file.p ? r->line : 0 };
	e->tag.function = fl_arena_dup(&s->arena, r->file.p ? r->function : without_offset(r->function));
	e->tag.file = r->file.p ? fl_arena_dup(&s->arena, r->file) : "?";
	*ret = e;
	return e->tag.function && e->tag.file ? 0 : -ENOMEM;
}

/* ---- a reading ---- */

static int find_entry(struct fl_records_space *s, const struct fl_alloc_record *r, bool *is_new,
		      struct entry **ret)
{
	for (unsigned int again = 0;; again++) {
		_cleanup_buf_ struct fl_buf key = {};
		const struct fl_map_entry *at;

		make_key(r, again, &key);
		if (key.error)
			return key.error;
		at = fl_map_get(&s->by_key, fl_buf_str(&key));
		*is_new |= !at;
		if (!at)
			return add_entry(s, r, fl_buf_str(&key), ret);
		*ret = at->ptr;
		if (!r->file.p || (*ret)->seen != s->readings)
			return 0;
	}
}

static int add_record(struct fl_records_space *s, const struct fl_alloc_record *r, bool *is_new)
{
	struct entry *e = NULL;
	int n = find_entry(s, r, is_new, &e);

	if (n < 0)
		return n;
	if (e->seen != s->readings)
		e->counters = (struct fl_tag_counters){};
	e->seen = s->readings;
	e->counters.bytes += (uint64_t)r->bytes;
	e->counters.calls += r->calls;
	e->tag.inaccurate = r->accurate == FL_ACCURATE_NO;
	return 0;
}

static bool settle_missing(struct fl_records_space *s)
{
	for (size_t i = 0; i < s->nr_modules; i++)
		for (size_t k = 0; k < s->modules[i].n; k++) {
			struct entry *e = s->modules[i].v[k];

			if (e->seen == s->readings)
				continue;
			if (e->tag.line)
				return false;
			e->counters = (struct fl_tag_counters){};
		}
	return true;
}

static int take(struct fl_records_space *s, const struct fl_alloc_set *set, bool *is_new)
{
	int r = module_of(s, FL_STR("")) ? 0 : -ENOMEM;

	s->readings++;
	for (size_t i = 0; i < set->n && r == 0; i++)
		r = add_record(s, &set->v[i], is_new);
	return r;
}

static int refresh(struct fl_records_space *s)
{
	_cleanup_alloc_set_ struct fl_alloc_set set = {};
	bool is_new = false;
	int r = s->read(s->ctx, &set);

	if (r == 0)
		r = take(s, &set, &is_new);
	if (r == 0 && !settle_missing(s)) {
		forget_all(s);
		is_new = true;
		r = take(s, &set, &is_new);
	}
	s->content_id += is_new;
	s->read_at = fl_time_ns(CLOCK_MONOTONIC);
	return r;
}

/* ---- the space ---- */

static struct fl_records_space *of(struct fl_tag_space *space)
{
	return FL_CONTAINER_OF(space, struct fl_records_space, space);
}

static void lock(struct fl_tag_space *space)
{
	if (fl_time_ns(CLOCK_MONOTONIC) - of(space)->read_at > GOOD_FOR_NS)
		refresh(of(space));
}

static uint64_t content_id(struct fl_tag_space *space)
{
	return of(space)->content_id;
}

static bool module(struct fl_tag_space *space, uint64_t id, struct fl_tag_module *ret)
{
	const struct fl_records_space *s = of(space);

	if (id >= s->nr_modules)
		return false;
	*ret = (struct fl_tag_module){ id, s->seq, s->modules[id].n };
	return true;
}

static void tag(struct fl_tag_space *space, uint64_t id, size_t index, struct fl_tag *ret)
{
	*ret = of(space)->modules[id].v[index]->tag;
}

static struct fl_tag_counters counters(struct fl_tag_space *space, uint64_t id, size_t index)
{
	return of(space)->modules[id].v[index]->counters;
}

static const struct fl_tag_space_ops ops = {
	.lock = lock,
	.content_id = content_id,
	.module = module,
	.tag = tag,
	.counters = counters,
};

int fl_records_space_new(fl_records_read_fn read, void *ctx, struct fl_records_space **ret)
{
	struct fl_records_space *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->space.ops = &ops;
	s->read = read;
	s->ctx = ctx;
	r = refresh(s);
	if (r < 0)
		fl_records_space_free(s);
	else
		*ret = s;
	return r;
}

void fl_records_space_free(struct fl_records_space *s)
{
	if (!s)
		return;
	forget_all(s);
	free(s);
}

struct fl_tag_space *fl_records_space_tags(struct fl_records_space *s)
{
	return &s->space;
}
