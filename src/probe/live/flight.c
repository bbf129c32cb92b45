/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU's room is a ring of entries: a word that says how long one is, and the record. None wraps; where
 * one does not fit before the end, the rest is skipped (length 0, or no room for a word), and it stands
 * at the start.
 */
#include "probe/live/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define HEAD 8 /* of an entry: keeps records aligned */

struct room {
	uint8_t *data; /* NULL: this CPU had no record yet */
	size_t first, next; /* of the oldest entry, and behind the newest */
	size_t n;	/* entries */
};

struct fl_flight {
	size_t bytes; /* a room's */
	struct room *rooms; /* by CPU */
	uint32_t nr_rooms;
	uint64_t *overwritten; /* by event */
	size_t nr_events;
};

int fl_flight_new(size_t bytes, size_t nr_events, struct fl_flight **ret)
{
	struct fl_flight *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->bytes = bytes / HEAD * HEAD;
	f->nr_events = nr_events;
	f->overwritten = calloc(nr_events + 1, sizeof(*f->overwritten));
	if (!f->overwritten) {
		free(f);
		return -ENOMEM;
	}
	*ret = f;
	return 0;
}

void fl_flight_free(struct fl_flight *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->nr_rooms; i++)
		free(f->rooms[i].data);
	free(f->rooms);
	free(f->overwritten);
	free(f);
}

static struct room *room_of(struct fl_flight *f, uint32_t cpu)
{
	struct room *more;

	if (cpu >= f->nr_rooms) {
		more = reallocarray(f->rooms, (size_t)cpu + 1, sizeof(*more));
		if (!more)
			return NULL;
		memset(more + f->nr_rooms, 0, (cpu + 1 - f->nr_rooms) * sizeof(*more));
		f->rooms = more;
		f->nr_rooms = cpu + 1;
	}
	if (!f->rooms[cpu].data)
		f->rooms[cpu].data = malloc(f->bytes);
	return f->rooms[cpu].data ? &f->rooms[cpu] : NULL;
}

static uint32_t size_at(const struct fl_flight *f, const struct room *r, size_t at)
{
	uint32_t size = 0;

	if (f->bytes - at >= HEAD)
		memcpy(&size, r->data + at, sizeof(size));
	return size;
}

static size_t entry_bytes(size_t size)
{
	return HEAD + (size + HEAD - 1) / HEAD * HEAD;
}

/* Where the oldest entry is; there is one. */
static size_t oldest(const struct fl_flight *f, struct room *r)
{
	if (!size_at(f, r, r->first))
		r->first = 0;
	return r->first;
}

static const struct fl_record *record_at(const struct room *r, size_t at)
{
	return (const void *)(r->data + at + HEAD);
}

static void drop_oldest(const struct fl_flight *f, struct room *r)
{
	size_t at = oldest(f, r);

	r->first = at + entry_bytes(size_at(f, r, at));
	r->n--;
}

static void overwrite_oldest(struct fl_flight *f, struct room *r)
{
	uint16_t event = record_at(r, oldest(f, r))->event;

	if (event < f->nr_events)
		f->overwritten[event]++;
	drop_oldest(f, r);
}

/* The oldest entry stands in [@at, @end), or what was skipped behind it reaches into that. */
static bool is_in_the_way(const struct fl_flight *f, struct room *r, size_t at, size_t end)
{
	return r->n && oldest(f, r) >= at && r->first < end;
}

/* Frees @need bytes from @r->next on, or from the start. */
static void make_room(struct fl_flight *f, struct room *r, size_t need)
{
	const uint32_t skip = 0;

	if (f->bytes - r->next < need) {
		while (is_in_the_way(f, r, r->next, f->bytes))
			overwrite_oldest(f, r);
		if (f->bytes - r->next >= HEAD)
			memcpy(r->data + r->next, &skip, sizeof(skip));
		r->next = 0;
	}
	while (is_in_the_way(f, r, r->next, r->next + need))
		overwrite_oldest(f, r);
	if (!r->n)
		r->first = r->next;
}

int fl_flight_add(struct fl_flight *f, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	size_t need = entry_bytes(size);
	uint32_t length = (uint32_t)size;
	struct room *r;

	if (need > f->bytes)
		return -E2BIG;
	r = room_of(f, cpu);
	if (!r)
		return -ENOMEM;
	make_room(f, r, need);
	memcpy(r->data + r->next, &length, sizeof(length));
	memcpy(r->data + r->next + HEAD, rec, size);
	r->next += need;
	r->n++;
	return 0;
}

static struct room *earliest(const struct fl_flight *f)
{
	struct room *first = NULL;
	uint64_t time = 0;

	for (uint32_t i = 0; i < f->nr_rooms; i++) {
		struct room *r = &f->rooms[i];
		uint64_t t;

		if (!r->n)
			continue;
		t = record_at(r, oldest(f, r))->time;
		if (first && t >= time)
			continue;
		first = r;
		time = t;
	}
	return first;
}

int fl_flight_drain(struct fl_flight *f, fl_record_fn fn, void *ctx)
{
	struct room *r;
	int err = 0;

	while (err == 0 && (r = earliest(f))) {
		size_t at = oldest(f, r);

		err = fn(ctx, (uint32_t)(r - f->rooms), record_at(r, at), size_at(f, r, at));
		drop_oldest(f, r);
	}
	return err;
}

uint64_t fl_flight_overwritten(const struct fl_flight *f, size_t event)
{
	return event < f->nr_events ? f->overwritten[event] : 0;
}
