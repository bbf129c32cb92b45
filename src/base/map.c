/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include <stdlib.h>

#include "base/bytes.h"

void fl_map_fini(struct fl_map *m)
{
	free(m->entries);
	free(m->slots);
	*m = (struct fl_map){};
}

/* Multiply and fold, 8 bytes a step: names are short, and the keys' spread is all that counts. */
uint32_t fl_hash(struct fl_str s)
{
	const uint64_t k = 0x9e3779b97f4a7c15ULL;
	uint64_t h = s.n * k;

	while (s.n >= 8) {
		h = (h ^ fl_get_le64(s.p)) * k;
		h ^= h >> 32;
		s.p += 8;
		s.n -= 8;
	}
	if (s.n) {
		uint64_t tail = 0;

		memcpy(&tail, s.p, s.n);
		h = (h ^ le64toh(tail)) * k;
		h ^= h >> 32;
	}
	return h * k >> 32;
}

/* The slot that holds @key, or the free one where it belongs. nr_slots is a power of two. */
static uint32_t *find_slot(const struct fl_map *m, struct fl_str key, uint32_t hash)
{
	uint32_t mask = m->nr_slots - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		const struct fl_map_entry *e;

		if (!m->slots[i])
			return &m->slots[i];
		e = &m->entries[m->slots[i] - 1];
		if (e->hash == hash && fl_str_eq(e->key, key))
			return &m->slots[i];
	}
}

struct fl_map_entry *fl_map_get(const struct fl_map *m, struct fl_str key)
{
	uint32_t *slot;

	if (!m->count)
		return NULL;
	slot = find_slot(m, key, fl_hash(key));
	return *slot ? &m->entries[*slot - 1] : NULL;
}

/* Twice as many slots as entries at least, so that a probe sequence stays short. */
static bool grow(struct fl_map *m)
{
	uint32_t cap = m->cap ? m->cap * 2 : 16, nr_slots = cap * 2;
	struct fl_map_entry *entries;
	uint32_t *slots;

	if (m->cap > UINT32_MAX / 4)
		return false;
	entries = realloc(m->entries, (size_t)cap * sizeof(*entries));
	if (!entries)
		return false;
	m->entries = entries;
	slots = calloc(nr_slots, sizeof(*slots));
	if (!slots)
		return false;
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	m->nr_slots = nr_slots;
	for (uint32_t i = 0; i < m->count; i++)
		*find_slot(m, entries[i].key, entries[i].hash) = i + 1;
	return true;
}

struct fl_map_entry *fl_map_put(struct fl_map *m, struct fl_str key, bool *ret_new)
{
	uint32_t hash = fl_hash(key), *slot;

	if (m->count == m->cap && !grow(m))
		return NULL;
	slot = find_slot(m, key, hash);
	if (ret_new)
		*ret_new = !*slot;
	if (!*slot) {
		m->entries[m->count] = (struct fl_map_entry){ .key = key, .hash = hash };
		*slot = ++m->count;
	}
	return &m->entries[*slot - 1];
}
