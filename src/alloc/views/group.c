/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every heading is found by its whole path in one map ("mm", "mm/kasan", "mm/kasan/common.c"), so a
 * tag costs as many look-ups as it has path components and the tree needs no search of its own.
 */
#include "alloc/views/group.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc/views/stacks.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"

static const char *const tree_names[_FL_ALLOC_TREE_MAX] = {
	[FL_ALLOC_TREE_DIR] = "dir",
	[FL_ALLOC_TREE_MODULE] = "module",
	[FL_ALLOC_TREE_FUNCTION] = "function",
	[FL_ALLOC_TREE_CALLERS] = "callers",
	[FL_ALLOC_TREE_CALLEES] = "callees",
};

struct grouping {
	enum fl_alloc_tree kind;
	const struct fl_alloc_order *order;
	struct fl_arena *arena;
	struct fl_map by_path;
	struct fl_alloc_group *root;
	struct fl_buf path, name; /* of a chain */
};

int fl_alloc_tree_parse(const char *text, enum fl_alloc_tree *ret)
{
	for (unsigned int i = 0; i < _FL_ALLOC_TREE_MAX; i++) {
		if (fl_str_is(fl_str(text), tree_names[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static void sum(struct fl_alloc_group *g, const struct fl_alloc_record *r)
{
	g->bytes = (int64_t)((uint64_t)g->bytes + (uint64_t)r->bytes);
	g->calls += r->calls;
	g->tags++;
}

static struct fl_alloc_group *add_child(struct grouping *gr, struct fl_alloc_group *parent,
					struct fl_str name)
{
	struct fl_alloc_group *g = FL_ARENA_NEW(gr->arena, struct fl_alloc_group);

	if (!g)
		return NULL;
	g->name = name;
	g->next = parent->children;
	parent->children = g;
	return g;
}

static struct fl_alloc_group *heading(struct grouping *gr, struct fl_alloc_group *parent,
				      struct fl_str path, struct fl_str name)
{
	bool is_new;
	struct fl_map_entry *e = fl_map_put(&gr->by_path, path, &is_new);

	if (!e)
		return NULL;
	if (is_new)
		e->ptr = add_child(gr, parent, name);
	return e->ptr;
}

/* The headings of a tag's path, each summed; returns the innermost, under which the tag belongs. */
static struct fl_alloc_group *dir_headings(struct grouping *gr, const struct fl_alloc_record *r)
{
	struct fl_alloc_group *g = gr->root;
	struct fl_str path = fl_str_starts(r->file, "./") ? fl_str_from(r->file, 2) : r->file;
	size_t from = 0;

	for (unsigned int depth = 0; g && from < path.n; depth++) {
		size_t end = fl_str_find(path, '/', from + 1);

		if (depth + 1 == FL_ALLOC_TREE_DEPTH)
			end = path.n;
		g = heading(gr, g, fl_str_sub(path, 0, end), fl_str_sub(path, from, end - from));
		if (g)
			sum(g, r);
		from = end + 1;
	}
	return g;
}

static struct fl_alloc_group *headings(struct grouping *gr, const struct fl_alloc_record *r)
{
	struct fl_str name = gr->kind == FL_ALLOC_TREE_MODULE ? r->module : r->function;
	struct fl_alloc_group *g;

	if (gr->kind == FL_ALLOC_TREE_DIR)
		return dir_headings(gr, r);
	if (!name.n)
		name = gr->kind == FL_ALLOC_TREE_MODULE ? FL_STR("(built in)") : FL_STR("(unknown)");
	g = heading(gr, gr->root, name, name);
	if (g)
		sum(g, r);
	return g;
}

/* Where who asked stands in the chain: wrappers before it are left out. */
static size_t first_frame(const struct fl_alloc_record *r, const struct fl_alloc_frame *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].function.n && (fl_str_eq(v[i].function, r->function) ||
					(r->function.n > v[i].function.n &&
					 r->function.p[v[i].function.n] == '+' &&
					 fl_str_eq(fl_str_sub(r->function, 0, v[i].function.n),
						   v[i].function))))
			return i;
	return 0;
}

/* A heading is found by all names that lead to it. */
static struct fl_alloc_group *chain_heading(struct grouping *gr, struct fl_alloc_group *parent,
					    const struct fl_alloc_frame *f)
{
	struct fl_str path, name;

	fl_buf_reset(&gr->name);
	fl_alloc_frame_name(f, &gr->name);
	fl_buf_addc(&gr->path, '\0');
	fl_buf_add_str(&gr->path, fl_buf_str(&gr->name));
	if (gr->path.error || gr->name.error)
		return NULL;
	if (fl_map_get(&gr->by_path, fl_buf_str(&gr->path)))
		return heading(gr, parent, fl_buf_str(&gr->path), (struct fl_str){});
	path = fl_str_n(fl_arena_dup(gr->arena, fl_buf_str(&gr->path)), gr->path.len);
	name = fl_str_n(fl_arena_dup(gr->arena, fl_buf_str(&gr->name)), gr->name.len);
	return path.p && name.p ? heading(gr, parent, path, name) : NULL;
}

static int add_chain(struct grouping *gr, const struct fl_alloc_record *r)
{
	struct fl_alloc_frame own[3];
	const struct fl_alloc_frame *v;
	size_t n = fl_alloc_chain(r, own, &v), first = first_frame(r, v, n);
	struct fl_alloc_group *g = gr->root;

	n = FL_MIN(n, first + FL_ALLOC_CHAIN_DEPTH);
	fl_buf_reset(&gr->path);
	sum(gr->root, r);
	for (size_t i = first; i < n; i++) {
		size_t k = gr->kind == FL_ALLOC_TREE_CALLERS ? i : n - 1 - (i - first);

		g = chain_heading(gr, g, &v[k]);
		if (!g)
			return -ENOMEM;
		sum(g, r);
	}
	return 0;
}

static int add_tag(struct grouping *gr, const struct fl_alloc_record *r)
{
	struct fl_alloc_group *g = headings(gr, r);

	if (g)
		g = add_child(gr, g, r->function);
	if (!g)
		return -ENOMEM;
	sum(g, r);
	sum(gr->root, r);
	g->record = r;
	return 0;
}

static struct fl_alloc_record as_record(const struct fl_alloc_group *g)
{
	if (g->record)
		return *g->record;
	return (struct fl_alloc_record){ .bytes = g->bytes, .calls = g->calls, .file = g->name,
					 .module = g->name, .function = g->name };
}

static int compare(const void *a, const void *b, void *order)
{
	const struct fl_alloc_group *const *x = a, *const *y = b;
	struct fl_alloc_record ra = as_record(*x), rb = as_record(*y);

	return fl_alloc_compare(order, &ra, &rb);
}

static int sort_children(struct grouping *gr, struct fl_alloc_group *g)
{
	struct fl_alloc_group **v, **tail = &g->children;
	size_t n = 0;

	for (struct fl_alloc_group *c = g->children; c; c = c->next)
		n++;
	if (n < 2)
		return 0;
	v = reallocarray(NULL, n, sizeof(struct fl_alloc_group *));
	if (!v)
		return -ENOMEM;
	n = 0;
	for (struct fl_alloc_group *c = g->children; c; c = c->next)
		v[n++] = c;
	qsort_r(v, n, sizeof(*v), compare, (void *)gr->order);
	for (size_t i = 0; i < n; i++) {
		*tail = v[i];
		tail = &v[i]->next;
	}
	*tail = NULL;
	free(v);
	return 0;
}

static int build(struct grouping *gr, const struct fl_alloc_set *set)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++)
		r = gr->kind >= FL_ALLOC_TREE_CALLERS ? add_chain(gr, &set->v[i]) :
							add_tag(gr, &set->v[i]);
	if (r == 0)
		r = sort_children(gr, gr->root);
	fl_map_for_each(e, &gr->by_path)
		if (r == 0 && e->ptr)
			r = sort_children(gr, e->ptr);
	return r;
}

int fl_alloc_group(const struct fl_alloc_set *set, enum fl_alloc_tree kind,
		   const struct fl_alloc_order *o, struct fl_arena *arena,
		   struct fl_alloc_group **ret)
{
	struct grouping gr = { .kind = kind, .order = o, .arena = arena };
	int r;

	gr.root = FL_ARENA_NEW(arena, struct fl_alloc_group);
	if (!gr.root)
		return -ENOMEM;
	r = build(&gr, set);
	fl_map_fini(&gr.by_path);
	fl_buf_fini(&gr.path);
	fl_buf_fini(&gr.name);
	if (r == 0)
		*ret = gr.root;
	return r;
}
