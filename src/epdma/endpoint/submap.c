// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules are the posted function's, since host and endpoint may compare layouts: the pieces are
 * looked at in the order of their making, each first for covering and then for being the BAR's tail
 * that ends where the new range starts.
 *
 * With an alignment of 0x1000, the resources 0x10800+0x100, 0x10a00+0x100 and 0x11000+0x1000 make
 * one piece 0x10000+0x2000: the first one's aligned surroundings, which cover the second, extended
 * by the third.
 */
#include "epdma/endpoint/submap.h"

#include <errno.h>

/* The aligned surroundings of a resource; @ret_delta is how far inside it starts. */
static int surround(uint64_t align, uint64_t phys, uint64_t size, uint64_t *ret_size,
		    uint64_t *ret_delta)
{
	uint64_t delta = align ? phys & (align - 1) : 0, sum, end;

	if (__builtin_add_overflow(size, delta, &sum))
		return -EOVERFLOW;
	if (align) {
		if (__builtin_add_overflow(sum, align - 1, &sum))
			return -EOVERFLOW;
		sum &= ~(align - 1);
	}
	/* also where it would end right behind the last address: that end has no number */
	if (__builtin_add_overflow(phys - delta, sum, &end))
		return -EOVERFLOW;
	*ret_size = sum;
	*ret_delta = delta;
	return 0;
}

static bool covers(const struct fl_epc_submap *m, uint64_t phys, uint64_t size)
{
	return phys >= m->phys && size <= m->size && phys - m->phys <= m->size - size;
}

/* 1: found a place; 0: none; -EOVERFLOW. */
static int reuse(struct fl_submaps *s, uint64_t phys, uint64_t size, uint64_t *ret_at)
{
	for (unsigned int i = 0; i < s->n; i++) {
		struct fl_epc_submap *m = &s->v[i];

		if (covers(m, phys, size)) {
			*ret_at = s->at[i] + (phys - m->phys);
			return 1;
		}
		if (m->phys + m->size == phys && s->at[i] + m->size == s->size) {
			*ret_at = s->size;
			if (__builtin_add_overflow(s->size, size, &s->size))
				return -EOVERFLOW;
			m->size += size;
			return 1;
		}
	}
	return 0;
}

int fl_submaps_add(struct fl_submaps *s, uint64_t phys, uint64_t size, uint64_t *ret_offset)
{
	uint64_t map_size, delta, at, next;
	int r;

	if (!size)
		return -EINVAL;
	r = surround(s->align, phys, size, &map_size, &delta);
	if (r)
		return r;
	r = reuse(s, phys - delta, map_size, &at);
	if (r < 0)
		return r;
	if (r == 0) {
		if (s->n == FL_SUBMAPS_MAX)
			return -ENOSPC;
		at = s->size;
		if (__builtin_add_overflow(at, map_size, &next))
			return -EOVERFLOW;
		s->v[s->n] = (struct fl_epc_submap){ phys - delta, map_size };
		s->at[s->n++] = at;
		s->size = next;
	}
	*ret_offset = at + delta;
	return 0;
}

void fl_submaps_fill(struct fl_submaps *s, uint64_t bar_size, uint64_t scratch)
{
	if (bar_size <= s->size)
		return;
	s->v[s->n] = (struct fl_epc_submap){ scratch + s->size, bar_size - s->size };
	s->at[s->n++] = s->size;
	s->size = bar_size;
}
