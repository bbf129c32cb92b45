/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tag space: whatever has call-site tags in modules, as the kernel has. The core is a module too
 * (its name is NULL), with the lowest id. The allocinfo interface (session.h) asks its
 * questions through these operations alone, so that the tree and the tests run the same code over
 * different tags.
 */
#ifndef ALLOC_PROCFS_SPACE_H
#define ALLOC_PROCFS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/tags/tag.h"

/* A module's tags as they are at this moment. */
struct fl_tag_module {
	uint64_t id;  /* the lowest that was free when it came */
	uint64_t seq; /* never the same twice: tells a module from its successor under the same id */
	size_t nr_tags;
};

struct fl_tag_space {
	const struct fl_tag_space_ops *ops;
};

struct fl_tag_space_ops {
	/* The set of modules stands still in between. May be NULL. */
	void (*lock)(struct fl_tag_space *space);
	void (*unlock)(struct fl_tag_space *space);
	uint64_t (*content_id)(struct fl_tag_space *space);
	/* The module with the lowest id that is at least @id; false where there is none. */
	bool (*module)(struct fl_tag_space *space, uint64_t id, struct fl_tag_module *ret);
	void (*tag)(struct fl_tag_space *space, uint64_t id, size_t index, struct fl_tag *ret);
	/* May be dear (a sum over all CPUs); asked at most once for a tag that is looked at. */
	struct fl_tag_counters (*counters)(struct fl_tag_space *space, uint64_t id, size_t index);
};

/*
 * A place in the order of tags that survives modules coming and going: it holds the module's id and
 * seq. Where the module is gone the next higher id follows; where another one took its id, that
 * one is read from its first tag.
 */
struct fl_tag_iter {
	uint64_t id;
	uint64_t seq;
	size_t index;
	size_t nr_tags; /* of the module, as long as it stands still */
	bool inside; /* id, seq and index name the tag that was given last */
};

/* The next tag; false at the end, where a module that comes later is still found. */
bool fl_tag_next(struct fl_tag_space *space, struct fl_tag_iter *it);
/* The same within one module and under one lock; false where fl_tag_next() has to say. */
static inline bool fl_tag_next_inside(struct fl_tag_iter *it)
{
	if (it->index + 1 >= it->nr_tags)
		return false;
	it->index++;
	return true;
}

uint64_t fl_tag_total(struct fl_tag_space *space);

static inline void fl_tag_lock(struct fl_tag_space *space)
{
	if (space->ops->lock)
		space->ops->lock(space);
}

static inline void fl_tag_unlock(struct fl_tag_space *space)
{
	if (space->ops->unlock)
		space->ops->unlock(space);
}

#endif
