/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tag space in memory: modules that are loaded and unloaded, as the kernel keeps them. Over one, a
 * file answers requests; tests drive it through its changes.
 */
#ifndef ALLOC_PROCFS_REGISTRY_H
#define ALLOC_PROCFS_REGISTRY_H

#include "alloc/records/record.h"
#include "alloc/procfs/space.h"

struct fl_tag_entry {
	struct fl_tag tag;
	struct fl_tag_counters counters;
};

struct fl_tag_registered {
	uint64_t id, seq;
	struct fl_tag_entry *v; /* borrowed */
	size_t n;
	struct fl_tag_registered *next; /* by id */
};

/* Zero-initialise and call fl_tag_registry_init(). One thread. */
struct fl_tag_registry {
	struct fl_tag_space space;
	struct fl_tag_registered *modules;
	uint64_t content_id;
	uint64_t next_seq;
	struct fl_arena arena;
};

void fl_tag_registry_init(struct fl_tag_registry *reg);
void fl_tag_registry_fini(struct fl_tag_registry *reg);

/*
 * A module comes with its tags, which must stay where they are until it goes; it gets the lowest id
 * that is free. A module without tags is not registered (*@ret_id is untouched) and changes
 * nothing. 0 or -ENOMEM.
 */
int fl_tag_registry_load(struct fl_tag_registry *reg, struct fl_tag_entry *v, size_t n,
			 uint64_t *ret_id);
/* -ENOENT where no module has that id; the content id then stays. */
int fl_tag_registry_unload(struct fl_tag_registry *reg, uint64_t id);

#endif
