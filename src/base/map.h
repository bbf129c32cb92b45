/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash map from byte strings to one 64-bit value (a pointer or a number). Keys are referred to
 * and not copied: they must outlive the map. Open addressing, no removal; iteration is in the order
 * of insertion, so that output made from a map is stable.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct fl_map_entry {
	struct fl_str key;
	union {
		uint64_t num;
		void *ptr;
	};
	uint32_t hash;
};

struct fl_map {
	struct fl_map_entry *entries; /* in order of insertion */
	uint32_t *slots;	      /* index into entries + 1; 0 is free */
	uint32_t count, cap, nr_slots;
};

void fl_map_fini(struct fl_map *m);
#define _cleanup_map_ __attribute__((cleanup(fl_map_fini)))

uint32_t fl_hash(struct fl_str s);

/* NULL where there is none. The entry stays valid until the next fl_map_put(). */
struct fl_map_entry *fl_map_get(const struct fl_map *m, struct fl_str key);

/*
 * The entry of @key, made (with value 0) where there was none; @ret_new may be NULL.
 * NULL when out of memory.
 */
struct fl_map_entry *fl_map_put(struct fl_map *m, struct fl_str key, bool *ret_new);

#define fl_map_for_each(e, m)                                                                      \
	for (struct fl_map_entry *e = (m)->entries; e && e < (m)->entries + (m)->count; e++)

#endif
