/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/export/profile.h"

#include <errno.h>

#include "base/util.h"

void fl_profile_fini(struct fl_profile *p)
{
	fl_pairs_fini(&p->pairs);
	fl_map_fini(&p->begun);
	fl_map_fini(&p->rows);
	fl_arena_fini(&p->arena);
}

static struct fl_profile_row *row_of(struct fl_profile *p, struct fl_str name)
{
	struct fl_map_entry *e = fl_map_get(&p->rows, name);
	struct fl_profile_row *row;

	if (e)
		return e->ptr;
	row = FL_ARENA_NEW(&p->arena, struct fl_profile_row);
	e = row ? fl_map_put(&p->rows, name, NULL) : NULL;
	if (!e)
		return NULL;
	row->name = name;
	e->ptr = row;
	return row;
}

/* Starts that have not ended, the last one on top: calls of one thread lie within each other. */
struct fl_begin {
	struct fl_begin *outer;
	uint64_t time;
};

static struct fl_map_entry *begun_at(struct fl_profile *p, const struct fl_pair_event *pair,
				     const struct fl_recorded *rec)
{
	struct {
		uint64_t hash, key;
	} id = {fl_hash(pair->name), fl_pair_key(pair, rec)};
	struct fl_str key = {(const char *)&id, sizeof(id)};
	struct fl_map_entry *e = fl_map_get(&p->begun, key);

	if (e)
		return e;
	key.p = fl_arena_dup(&p->arena, key);
	return key.p ? fl_map_put(&p->begun, key, NULL) : NULL;
}

static void end(struct fl_profile *p, struct fl_profile_row *row, struct fl_map_entry *e,
		uint64_t time)
{
	struct fl_begin *b = e->ptr;
	uint64_t took;

	if (!b) {
		row->unmatched++;
		return;
	}
	e->ptr = b->outer;
	b->outer = p->spare;
	p->spare = b;
	took = time - b->time;
	row->open--;
	row->least = row->count ? FL_MIN(row->least, took) : took;
	row->most = FL_MAX(row->most, took);
	row->total += took;
	row->count++;
}

int fl_profile_add(struct fl_profile *p, const struct fl_recorded *rec)
{
	const struct fl_pair_event *pair = NULL;
	struct fl_profile_row *row;
	struct fl_map_entry *e;
	struct fl_begin *b;
	int r = fl_pairs_find(&p->pairs, rec, &pair);

	if (r < 0 || pair->side == FL_PAIR_NONE)
		return r;
	row = row_of(p, pair->name);
	e = row ? begun_at(p, pair, rec) : NULL;
	if (!e)
		return -ENOMEM;
	if (pair->side == FL_PAIR_END) {
		end(p, row, e, rec->time);
		return 0;
	}
	b = p->spare;
	if (b)
		p->spare = b->outer;
	else
		b = FL_ARENA_NEW(&p->arena, struct fl_begin);
	if (!b)
		return -ENOMEM;
	*b = (struct fl_begin){e->ptr, rec->time};
	e->ptr = b;
	row->open++;
	return 0;
}

bool fl_profile_row(const struct fl_profile *p, size_t i, struct fl_profile_row *ret)
{
	if (i >= p->rows.count)
		return false;
	*ret = *(const struct fl_profile_row *)p->rows.entries[i].ptr;
	return true;
}
