/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/procfs/space.h"

bool fl_tag_next(struct fl_tag_space *space, struct fl_tag_iter *it)
{
	struct fl_tag_module m;

	while (space->ops->module(space, it->id, &m)) {
		if (it->inside && it->id == m.id && it->seq == m.seq) {
			it->index++;
		} else {
			it->inside = true;
			it->id = m.id;
			it->seq = m.seq;
			it->index = 0;
		}
		it->nr_tags = m.nr_tags;
		if (it->index < m.nr_tags)
			return true;
		it->id = m.id + 1;
		it->inside = false;
	}
	it->inside = false;
	return false;
}

uint64_t fl_tag_total(struct fl_tag_space *space)
{
	struct fl_tag_module m = {};
	uint64_t total = 0;

	for (uint64_t id = 0; space->ops->module(space, id, &m); id = m.id + 1)
		total += m.nr_tags;
	return total;
}
