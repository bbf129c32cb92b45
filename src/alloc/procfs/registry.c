/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As in the kernel, the content id counts a load before the allocation that may fail: an equal id
 * means that nothing has changed, a different one that something may have.
 */
#include "alloc/procfs/registry.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/util.h"

static struct fl_tag_registry *registry(struct fl_tag_space *space)
{
	return FL_CONTAINER_OF(space, struct fl_tag_registry, space);
}

static struct fl_tag_registered *at_or_after(struct fl_tag_space *space, uint64_t id)
{
	struct fl_tag_registered *m = registry(space)->modules;

	while (m && m->id < id)
		m = m->next;
	return m;
}

static uint64_t content_id(struct fl_tag_space *space)
{
	return registry(space)->content_id;
}

static bool module(struct fl_tag_space *space, uint64_t id, struct fl_tag_module *ret)
{
	struct fl_tag_registered *m = at_or_after(space, id);

	if (!m)
		return false;
	*ret = (struct fl_tag_module){ m->id, m->seq, m->n };
	return true;
}

static void tag(struct fl_tag_space *space, uint64_t id, size_t index, struct fl_tag *ret)
{
	*ret = at_or_after(space, id)->v[index].tag;
}

static struct fl_tag_counters counters(struct fl_tag_space *space, uint64_t id, size_t index)
{
	return at_or_after(space, id)->v[index].counters;
}

static const struct fl_tag_space_ops registry_ops = {
	.content_id = content_id,
	.module = module,
	.tag = tag,
	.counters = counters,
};

void fl_tag_registry_init(struct fl_tag_registry *reg)
{
	reg->space.ops = &registry_ops;
}

void fl_tag_registry_fini(struct fl_tag_registry *reg)
{
	while (reg->modules) {
		struct fl_tag_registered *m = reg->modules;

		reg->modules = m->next;
		free(m);
	}
	fl_arena_fini(&reg->arena);
}

int fl_tag_registry_load(struct fl_tag_registry *reg, struct fl_tag_entry *v, size_t n,
			 uint64_t *ret_id)
{
	struct fl_tag_registered **at = &reg->modules, *m;
	uint64_t id = 0;

	if (n == 0)
		return 0;
	reg->content_id++;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	for (; *at && (*at)->id == id; at = &(*at)->next)
		id++;
	*m = (struct fl_tag_registered){ id, ++reg->next_seq, v, n, *at };
	*at = m;
	*ret_id = id;
	return 0;
}

int fl_tag_registry_unload(struct fl_tag_registry *reg, uint64_t id)
{
	struct fl_tag_registered **at = &reg->modules, *m;

	while (*at && (*at)->id < id)
		at = &(*at)->next;
	m = *at;
	if (!m || m->id != id)
		return -ENOENT;
	*at = m->next;
	free(m);
	reg->content_id++;
	return 0;
}
