/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/export/pairs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

struct row {
	const char *system, *begin, *end, *name, *key, *label;
	bool on_cpu;
};

static const struct row rows[] = {
#define P(system, begin, end, name, key, label, on_cpu)                                            \
	{system, begin, end, name, key, label, on_cpu},
#include "probe/export/pairs.def"
#undef P
};

void fl_pairs_fini(struct fl_pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free((char *)p->events[i]->name.p);
		free(p->events[i]);
	}
	free(p->events);
	*p = (struct fl_pairs){};
}

/* Whether @name is @pattern, and what stands for its star. */
static bool match(struct fl_str name, const char *pattern, struct fl_str *ret_star)
{
	struct fl_str p = fl_str(pattern);
	size_t star = fl_str_find(p, '*', 0), tail = star < p.n ? p.n - star - 1 : 0;

	*ret_star = FL_STR("");
	if (star == p.n)
		return fl_str_eq(name, p);
	if (name.n < star + tail || memcmp(name.p, pattern, star) != 0 ||
	    memcmp(name.p + name.n - tail, pattern + star + 1, tail) != 0)
		return false;
	*ret_star = fl_str_sub(name, star, name.n - star - tail);
	return true;
}

static const struct fl_field *field_of(const struct fl_format *f, const char *name)
{
	return *name ? fl_format_field(f, fl_str(name)) : NULL;
}

static int set_name(struct fl_pair_event *e, const char *pattern, struct fl_str star)
{
	struct fl_str p = fl_str(pattern);
	size_t at = fl_str_find(p, '*', 0);
	struct fl_buf name = {};

	fl_buf_add_str(&name, fl_str_sub(p, 0, at));
	if (at < p.n)
		fl_buf_add_str(&name, star);
	fl_buf_add_str(&name, fl_str_from(p, at + 1));
	if (name.error)
		return name.error;
	e->name = fl_buf_str(&name);
	return 0;
}

static int describe(const struct fl_format *f, struct fl_pair_event *e)
{
	struct fl_str star;

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		if (!fl_str_is(f->system, r->system))
			continue;
		if (match(f->name, r->begin, &star))
			e->side = FL_PAIR_BEGIN;
		else if (match(f->name, r->end, &star))
			e->side = FL_PAIR_END;
		else
			continue;
		e->key = field_of(f, r->key);
		e->label = field_of(f, r->label);
		e->on_cpu = r->on_cpu;
		return set_name(e, r->name, star);
	}
	return 0;
}

int fl_pairs_find(struct fl_pairs *p, const struct fl_recorded *rec,
		  const struct fl_pair_event **ret)
{
	struct fl_pair_event **more, *e;
	int r;

	if (p->last && p->last->format == rec->format) {
		*ret = p->last;
		return 0;
	}
	for (size_t i = 0; i < p->n; i++) {
		if (p->events[i]->format == rec->format) {
			p->last = *ret = p->events[i];
			return 0;
		}
	}
	more = reallocarray(p->events, p->n + 1, sizeof(*more));
	e = more ? calloc(1, sizeof(*e)) : NULL;
	if (more)
		p->events = more;
	if (!e)
		return -ENOMEM;
	e->format = rec->format;
	r = rec->format ? describe(rec->format, e) : 0;
	if (r < 0) {
		free(e);
		return r;
	}
	p->events[p->n++] = e;
	p->last = *ret = e;
	return 0;
}

uint64_t fl_pair_key(const struct fl_pair_event *e, const struct fl_recorded *rec)
{
	uint64_t v = rec->pid;

	if (e->key && !fl_recorded_number(rec, e->key, 0, 1, &v))
		v = 0;
	return e->on_cpu && e->key ? v ^ (uint64_t)rec->cpu << 48 : v;
}
