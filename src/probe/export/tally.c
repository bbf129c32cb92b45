/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/export/tally.h"

#include <errno.h>

void fl_tally_fini(struct fl_tally *t)
{
	fl_map_fini(&t->counts);
	fl_arena_fini(&t->arena);
	fl_buf_fini(&t->name);
}

static int count(struct fl_tally *t, struct fl_str name, uint64_t n)
{
	struct fl_map_entry *e = fl_map_get(&t->counts, name);

	if (!e) {
		name.p = fl_arena_dup(&t->arena, name);
		e = name.p ? fl_map_put(&t->counts, name, NULL) : NULL;
	}
	if (!e)
		return -ENOMEM;
	e->num += n;
	return 0;
}

int fl_tally_add(struct fl_tally *t, const struct fl_recorded *rec)
{
	int r = 0;

	if (rec->missed)
		r = count(t,
			  rec->missed == UINT64_MAX ? FL_STR("(lost, more than these)")
						    : FL_STR("(lost)"),
			  rec->missed == UINT64_MAX ? 1 : rec->missed);
	fl_buf_reset(&t->name);
	if (rec->source.n)
		fl_buf_addf(&t->name, "%.*s: ", FL_STR_ARG(rec->source));
	if (rec->format)
		fl_buf_addf(&t->name, "%.*s:%.*s", FL_STR_ARG(rec->format->system),
			    FL_STR_ARG(rec->format->name));
	else
		fl_buf_addf(&t->name, "%u", rec->type);
	if (r == 0)
		r = t->name.error;
	return r < 0 ? r : count(t, fl_buf_str(&t->name), 1);
}

bool fl_tally_row(const struct fl_tally *t, size_t i, struct fl_tally_row *ret)
{
	if (i >= t->counts.count)
		return false;
	*ret = (struct fl_tally_row){t->counts.entries[i].key, t->counts.entries[i].num};
	return true;
}
