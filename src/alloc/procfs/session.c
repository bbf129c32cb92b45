/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of /proc/allocinfo.
 *
 * GET_AT is not atomic in what it leaves behind, and clients depend on how: a request that is
 * refused (mask, size range, position past the last tag) changes nothing; one that is accepted has
 * replaced the filter and moved the iterator even when nothing matches. It then ends with -ENOENT,
 * the iterator stands behind the last tag, and "positioned" stays what it was: if a GET_AT before
 * had succeeded, the next GET_NEXT finds the end (and only the one after it wraps to the first
 * match); if none had, GET_NEXT begins at the first match at once.
 *
 * The position is checked against the number of all tags, matches or not, before it is counted in
 * matches. The size filter compares the sum as an unsigned number, so a sum that is negative for a
 * moment is large: it passes a minimum and fails a maximum.
 *
 * The merged shape is what the functions speak; the older two are translated at the border.
 */
#include <errno.h>
#include <string.h>

#include "alloc/procfs/session.h"

#define SIZE_BITS (FL_ALLOCINFO_MIN_SIZE | FL_ALLOCINFO_MAX_SIZE)

/* One tag under examination; what it is and its counters are asked when first needed, and kept. */
struct candidate {
	struct fl_tag tag;
	struct fl_tag_counters counters;
	bool named, counted;
};

const char *fl_allocinfo_str(const char *s)
{
	size_t n = strlen(s);

	return n < FL_ALLOCINFO_STR_SIZE ? s : s + n - (FL_ALLOCINFO_STR_SIZE - 1);
}

static bool same(const char *s, const char field[FL_ALLOCINFO_STR_SIZE])
{
	return strncmp(fl_allocinfo_str(s), field, FL_ALLOCINFO_STR_SIZE) == 0;
}

static void name(struct fl_tag_space *space, const struct fl_tag_iter *it, struct candidate *c)
{
	if (!c->named)
		space->ops->tag(space, it->id, it->index, &c->tag);
	c->named = true;
}

static void count(struct fl_tag_space *space, const struct fl_tag_iter *it, struct candidate *c)
{
	if (!c->counted)
		c->counters = space->ops->counters(space, it->id, it->index);
	c->counted = true;
}

static bool names_match(const struct fl_tag *tag, const struct fl_allocinfo_filter *f)
{
	if (f->mask & FL_ALLOCINFO_MODNAME) {
		if (!tag->module && f->fields.modname[0])
			return false;
		if (tag->module && !same(tag->module, f->fields.modname))
			return false;
	}
	if (f->mask & FL_ALLOCINFO_FUNCTION && tag->function &&
	    !same(tag->function, f->fields.function))
		return false;
	if (f->mask & FL_ALLOCINFO_FILENAME && tag->file && !same(tag->file, f->fields.filename))
		return false;
	return !(f->mask & FL_ALLOCINFO_LINENO) || tag->line == f->fields.lineno;
}

static bool matches(struct fl_tag_space *space, const struct fl_tag_iter *it,
		    const struct fl_allocinfo_filter *f, struct candidate *c)
{
	if (f->mask & ~(uint64_t)SIZE_BITS) {
		name(space, it, c);
		if (!names_match(&c->tag, f))
			return false;
		if (f->mask & FL_ALLOCINFO_INACCURATE && c->tag.inaccurate != !!f->inaccurate)
			return false;
	}
	if (!(f->mask & SIZE_BITS))
		return true;
	count(space, it, c);
	if (f->mask & FL_ALLOCINFO_MIN_SIZE && c->counters.bytes < f->min_size)
		return false;
	return !(f->mask & FL_ALLOCINFO_MAX_SIZE) || c->counters.bytes <= f->max_size;
}

static bool next_match(struct fl_allocinfo_session *s, struct fl_tag_space *space,
		       struct candidate *ret)
{
	while (fl_tag_next(space, &s->iter)) {
		do {
			ret->named = ret->counted = false;
			if (matches(space, &s->iter, &s->filter, ret))
				return true;
		} while (fl_tag_next_inside(&s->iter));
	}
	return false;
}

static void put_str(char field[FL_ALLOCINFO_STR_SIZE], const char *s)
{
	memset(field, 0, FL_ALLOCINFO_STR_SIZE);
	if (!s)
		return;
	s = fl_allocinfo_str(s);
	memcpy(field, s, strlen(s));
}

static void fill(struct fl_tag_space *space, const struct fl_tag_iter *it, struct candidate *c,
		 struct fl_allocinfo_tag_data *data)
{
	name(space, it, c);
	count(space, it, c);
	memset(data, 0, sizeof(*data));
	put_str(data->tag.modname, c->tag.module);
	put_str(data->tag.function, c->tag.function);
	put_str(data->tag.filename, c->tag.file);
	data->tag.lineno = c->tag.line;
	data->counter.bytes = c->counters.bytes;
	data->counter.calls = c->counters.calls;
	data->counter.accurate = !c->tag.inaccurate;
}

static int seek(struct fl_allocinfo_session *s, struct fl_tag_space *space,
		struct fl_allocinfo_get_at *args)
{
	struct candidate c;
	uint64_t skip = args->pos;

	if (args->pos >= fl_tag_total(space))
		return -ENOENT;
	if (args->filter.mask)
		s->filter = args->filter;
	else
		s->filter.mask = 0;
	s->iter = (struct fl_tag_iter){};
	do {
		if (!next_match(s, space, &c))
			return -ENOENT;
	} while (skip--);
	fill(space, &s->iter, &c, &args->data);
	s->positioned = true;
	return 0;
}

int fl_allocinfo_get_at(struct fl_allocinfo_session *s, struct fl_tag_space *space,
			struct fl_allocinfo_get_at *args)
{
	const struct fl_allocinfo_filter *f = &args->filter;
	int r;

	if (f->mask & ~(uint64_t)FL_ALLOCINFO_MASKS)
		return -EINVAL;
	if ((f->mask & SIZE_BITS) == SIZE_BITS && f->min_size > f->max_size)
		return -EINVAL;
	fl_tag_lock(space);
	r = seek(s, space, args);
	fl_tag_unlock(space);
	return r;
}

int fl_allocinfo_get_next(struct fl_allocinfo_session *s, struct fl_tag_space *space,
			  struct fl_allocinfo_tag_data *ret)
{
	struct candidate c;

	fl_tag_lock(space);
	if (!s->positioned)
		s->iter = (struct fl_tag_iter){};
	s->positioned = next_match(s, space, &c);
	if (s->positioned)
		fill(space, &s->iter, &c, ret);
	fl_tag_unlock(space);
	return s->positioned ? 0 : -ENOENT;
}

/* The borders: caller's memory in one of the shapes, and back. */

static int ask_content_id(struct fl_tag_space *space, void *arg, const struct fl_user_copy *copy)
{
	struct fl_allocinfo_content_id id;

	fl_tag_lock(space);
	id.id = space->ops->content_id(space);
	fl_tag_unlock(space);
	return copy->to(arg, &id, sizeof(id));
}

static int ask_get_at(struct fl_allocinfo_session *s, struct fl_tag_space *space, void *arg,
		      const struct fl_user_copy *copy)
{
	struct fl_allocinfo_get_at args;
	int r = copy->from(&args, arg, sizeof(args));

	if (r == 0)
		r = fl_allocinfo_get_at(s, space, &args);
	return r < 0 ? r : copy->to(arg, &args, sizeof(args));
}

static int ask_get_next(struct fl_allocinfo_session *s, struct fl_tag_space *space, void *arg,
			const struct fl_user_copy *copy)
{
	struct fl_allocinfo_tag_data data;
	int r = fl_allocinfo_get_next(s, space, &data);

	return r < 0 ? r : copy->to(arg, &data, sizeof(data));
}

static int ask_v6_get_at(struct fl_allocinfo_session *s, struct fl_tag_space *space, void *arg,
			 const struct fl_user_copy *copy)
{
	const uint64_t names = FL_ALLOCINFO_V6_MIN_SIZE - 1;
	struct fl_allocinfo_v6_get_at v6;
	struct fl_allocinfo_get_at args = {};
	int r = copy->from(&v6, arg, sizeof(v6));

	if (r < 0)
		return r;
	if (v6.filter.mask & ~(uint64_t)FL_ALLOCINFO_V6_MASKS)
		return -EINVAL;
	args.pos = v6.pos;
	args.filter.mask = (v6.filter.mask & names) | (v6.filter.mask & ~names) << 1;
	args.filter.fields = v6.filter.fields;
	args.filter.min_size = v6.filter.min_size;
	args.filter.max_size = v6.filter.max_size;
	r = fl_allocinfo_get_at(s, space, &args);
	if (r < 0)
		return r;
	v6.data = args.data;
	return copy->to(arg, &v6, sizeof(v6));
}

/* Names and line come first in both tags and are the same; what follows them is not. */
static void to_v7(const struct fl_allocinfo_tag_data *data, struct fl_allocinfo_v7_tag_data *v7)
{
	memset(v7, 0, sizeof(*v7));
	memcpy(&v7->tag, &data->tag, sizeof(data->tag));
	v7->counter = data->counter;
}

static int ask_v7_get_at(struct fl_allocinfo_session *s, struct fl_tag_space *space, void *arg,
			 const struct fl_user_copy *copy)
{
	struct fl_allocinfo_v7_get_at v7;
	struct fl_allocinfo_get_at args = {};
	int r = copy->from(&v7, arg, sizeof(v7));

	if (r < 0)
		return r;
	args.pos = v7.pos;
	args.filter.mask = v7.filter.mask;
	memcpy(&args.filter.fields, &v7.filter.fields, sizeof(args.filter.fields));
	args.filter.inaccurate = v7.filter.fields.inaccurate;
	args.filter.min_size = v7.filter.min_size;
	args.filter.max_size = v7.filter.max_size;
	r = fl_allocinfo_get_at(s, space, &args);
	if (r < 0)
		return r;
	to_v7(&args.data, &v7.data);
	return copy->to(arg, &v7, sizeof(v7));
}

static int ask_v7_get_next(struct fl_allocinfo_session *s, struct fl_tag_space *space, void *arg,
			   const struct fl_user_copy *copy)
{
	struct fl_allocinfo_tag_data data;
	struct fl_allocinfo_v7_tag_data v7;
	int r = fl_allocinfo_get_next(s, space, &data);

	if (r < 0)
		return r;
	to_v7(&data, &v7);
	return copy->to(arg, &v7, sizeof(v7));
}

int fl_allocinfo_ioctl(struct fl_allocinfo_session *s, struct fl_tag_space *space,
		       unsigned long request, void *arg, const struct fl_user_copy *copy)
{
	switch (request) {
	case FL_ALLOCINFO_CONTENT_ID:
		return ask_content_id(space, arg, copy);
	case FL_ALLOCINFO_GET_AT:
		return ask_get_at(s, space, arg, copy);
	case FL_ALLOCINFO_GET_NEXT:
		return ask_get_next(s, space, arg, copy);
	case FL_ALLOCINFO_V6_GET_AT:
		return ask_v6_get_at(s, space, arg, copy);
	case FL_ALLOCINFO_V7_GET_AT:
		return ask_v7_get_at(s, space, arg, copy);
	case FL_ALLOCINFO_V7_GET_NEXT:
		return ask_v7_get_next(s, space, arg, copy);
	default:
		return -ENOTTY;
	}
}
