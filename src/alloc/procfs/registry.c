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

static const char *text(struct fl_arena *a, struct fl_str s)
{
	return s.n ? fl_arena_dup(a, s) : "";
}

static int set_entry(struct fl_arena *a, const struct fl_alloc_record *r, struct fl_tag_entry *e)
{
	e->tag.module = r->module.n ? fl_arena_dup(a, r->module) : NULL;
	e->tag.function = text(a, r->function);
	e->tag.file = text(a, r->file);
	e->tag.line = r->line;
	e->tag.inaccurate = r->accurate == FL_ACCURATE_NO;
	e->counters = (struct fl_tag_counters){ (uint64_t)r->bytes, r->calls };
	return (r->module.n && !e->tag.module) || !e->tag.function || !e->tag.file ? -ENOMEM : 0;
}

static int add_module(struct fl_tag_registry *reg, const struct fl_alloc_set *set,
		      struct fl_str name, size_t n)
{
	struct fl_tag_entry *v = fl_arena_array(&reg->arena, n, sizeof(*v));
	size_t at = 0;
	uint64_t id;
	int r = v ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < set->n; i++)
		if (fl_str_eq(set->v[i].module, name))
			r = set_entry(&reg->arena, &set->v[i], &v[at++]);
	return r < 0 ? r : fl_tag_registry_load(reg, v, n, &id);
}

int fl_tag_registry_add_set(struct fl_tag_registry *reg, const struct fl_alloc_set *set)
{
	_cleanup_map_ struct fl_map counts = {};
	int r = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct fl_map_entry *e = fl_map_put(&counts, set->v[i].module, NULL);

		if (!e)
			return -ENOMEM;
		e->num++;
	}
	fl_map_for_each(e, &counts)
		if (r == 0)
			r = add_module(reg, set, e->key, e->num);
	return r;
}
