/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/sources/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"

#define ATTEMPTS 10
#define BATCH	 512

enum shape {
	SHAPE_MERGED,
	SHAPE_V7,
	SHAPE_V6,
	_SHAPE_MAX,
};

static struct fl_str field(const char s[FL_ALLOCINFO_STR_SIZE])
{
	return fl_str_n(s, strnlen(s, FL_ALLOCINFO_STR_SIZE));
}

/* An empty file name means that the source knows none; its line is then an address or nothing. */
static int add(struct fl_alloc_set *set, const struct fl_alloc_filter *f,
	       const struct fl_allocinfo_tag_data *data)
{
	struct fl_alloc_record r = {
		.bytes = (int64_t)data->counter.bytes,
		.calls = data->counter.calls,
		.file = field(data->tag.filename),
		.line = data->tag.lineno,
		.module = field(data->tag.modname),
		.function = field(data->tag.function),
		.accurate = data->counter.accurate ? FL_ACCURATE_YES : FL_ACCURATE_NO,
	};

	return fl_alloc_filter_match(f, &r) ? fl_alloc_set_add_copy(set, &r) : 0;
}

static void from_v7(const struct fl_allocinfo_v7_tag_data *v7, struct fl_allocinfo_tag_data *ret)
{
	memcpy(&ret->tag, &v7->tag, sizeof(ret->tag));
	ret->counter = v7->counter;
}

static int first_v7(struct fl_allocinfo_peer *peer, const struct fl_allocinfo_filter *f,
		    struct fl_allocinfo_tag_data *ret)
{
	struct fl_allocinfo_v7_get_at args = { .filter.mask = f->mask };
	int r;

	memcpy(&args.filter.fields, &f->fields, sizeof(f->fields));
	args.filter.fields.inaccurate = f->inaccurate;
	args.filter.min_size = f->min_size;
	args.filter.max_size = f->max_size;
	r = peer->request(peer, FL_ALLOCINFO_V7_GET_AT, &args);
	if (r == 0)
		from_v7(&args.data, ret);
	return r;
}

/* The oldest shape cannot ask for accuracy: that bit is left to the filter on our side. */
static int first_v6(struct fl_allocinfo_peer *peer, const struct fl_allocinfo_filter *f,
		    struct fl_allocinfo_tag_data *ret)
{
	const uint64_t sizes = FL_ALLOCINFO_MIN_SIZE | FL_ALLOCINFO_MAX_SIZE;
	struct fl_allocinfo_v6_get_at args = { .filter.fields = f->fields };
	int r;

	args.filter.mask = (f->mask & ~(sizes | FL_ALLOCINFO_INACCURATE)) | (f->mask & sizes) >> 1;
	args.filter.min_size = f->min_size;
	args.filter.max_size = f->max_size;
	r = peer->request(peer, FL_ALLOCINFO_V6_GET_AT, &args);
	if (r == 0)
		*ret = args.data;
	return r;
}

static int first(struct fl_allocinfo_peer *peer, enum shape shape,
		 const struct fl_allocinfo_filter *f, struct fl_allocinfo_tag_data *ret)
{
	struct fl_allocinfo_get_at args = { .filter = *f };
	int r;

	if (shape == SHAPE_V7)
		return first_v7(peer, f, ret);
	if (shape == SHAPE_V6)
		return first_v6(peer, f, ret);
	r = peer->request(peer, FL_ALLOCINFO_GET_AT, &args);
	if (r == 0)
		*ret = args.data;
	return r;
}

static int next(struct fl_allocinfo_peer *peer, enum shape shape, struct fl_allocinfo_tag_data *v,
		size_t *ret_n)
{
	struct fl_allocinfo_v7_tag_data v7;
	int r;

	*ret_n = 1;
	if (shape == SHAPE_V7) {
		r = peer->request(peer, FL_ALLOCINFO_V7_GET_NEXT, &v7);
		if (r == 0)
			from_v7(&v7, v);
		return r;
	}
	if (peer->batch)
		return peer->batch(peer, v, BATCH, ret_n);
	return peer->request(peer, FL_ALLOCINFO_GET_NEXT, v);
}

static int read_shape(struct fl_allocinfo_peer *peer, enum shape shape,
		      const struct fl_alloc_filter *f, struct fl_alloc_set *set)
{
	_cleanup_free_ struct fl_allocinfo_tag_data *v = reallocarray(NULL, BATCH, sizeof(*v));
	struct fl_allocinfo_filter push;
	bool last = false;
	size_t n = 1;
	int r;

	if (!v)
		return -ENOMEM;
	fl_alloc_filter_push(f, &push);
	r = first(peer, shape, &push, v);
	while (r == 0) {
		for (size_t i = 0; r == 0 && i < n; i++)
			r = add(set, f, &v[i]);
		if (r == 0 && set->n > FL_ALLOC_TAGS_MAX)
			r = -EOVERFLOW;
		if (r == 0 && last)
			break;
		if (r == 0)
			r = next(peer, shape, v, &n);
		last = peer->batch && shape != SHAPE_V7 && n < BATCH;
	}
	return r == -ENOENT ? 0 : r;
}

static int read_any_shape(struct fl_allocinfo_peer *peer, const struct fl_alloc_filter *f,
			  struct fl_alloc_set *set)
{
	int r = -ENOTTY;

	for (enum shape shape = 0; r == -ENOTTY && shape < _SHAPE_MAX; shape++)
		r = read_shape(peer, shape, f, set);
	return r;
}

int fl_allocinfo_read(struct fl_allocinfo_peer *peer, const struct fl_alloc_filter *f,
		      struct fl_alloc_set *set)
{
	struct fl_allocinfo_content_id before, after;
	size_t had = set->n;
	int r;

	for (unsigned int attempt = 0; attempt < ATTEMPTS; attempt++) {
		set->n = had;
		r = peer->request(peer, FL_ALLOCINFO_CONTENT_ID, &before);
		if (r == 0)
			r = read_any_shape(peer, f, set);
		if (r == 0)
			r = peer->request(peer, FL_ALLOCINFO_CONTENT_ID, &after);
		if (r < 0)
			return r;
		set->has_content_id = true;
		set->content_id = after.id;
		set->torn = before.id != after.id;
		if (!set->torn)
			break;
	}
	return 0;
}
