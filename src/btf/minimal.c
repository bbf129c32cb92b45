/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF of the few types that some definitions need, for kernels that have none of their own.
 *
 * Nobody lists what is needed: a watched object notes each type that is looked at while the definitions are
 * checked, and what was looked at is what must be there to check them again. From there on it is closed: an
 * array is nothing without its element, a function without its parameters, a variable without its section.
 * Pointers end it. What they lead to was looked at or is not needed, and becomes a forward declaration.
 *
 *	looked at	task_struct, its member comm, char[16]
 *	written		struct task_struct { char comm[16]; } of 13,504 bytes, char, char[16], and the array's index
 *
 * Types keep their order, so that the first one of a name is the first one still.
 *
 * A module's types go on from vmlinux's, and may need some of those; vmlinux's never need a module's. So modules are
 * closed first, and written last, when it is known where vmlinux's ids and strings end. A module may name a type by a
 * string of vmlinux's, which is not there any more: it gets one of its own.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/util.h"
#include "btf/private.h"

enum { ABSENT, WHOLE, NAMED }; /* NAMED: a forward declaration, which is all that a pointer needs */

struct minimal {
	struct fl_btf *btf;
	struct minimal *base; /* vmlinux's, where this is a module's */
	uint8_t *state;	  /* by id, from the first of its own on; as are the next two */
	uint32_t *ids;	  /* the new one */
	uint32_t *queue;  /* ids that are WHOLE and whose own types are to be added yet */
	uint32_t *names;  /* by place of a string, the base's too: the new one; 0: not yet there */
	size_t queued;
	uint32_t end_id, strs_start; /* new: where the ids end, and the strings begin */
	struct fl_buf types, strs;
};

int fl_btf_watch(struct fl_btf *btf)
{
	if (!btf->used)
		btf->used = calloc(btf->end_id - btf->first_id + 1, 1);
	return btf->used ? 0 : -ENOMEM;
}

/* ---- what belongs to it ---- */

/* Whose type it is: @m's or its base's. NULL: there is none of that number. */
static struct minimal *owner_of(struct minimal *m, uint32_t id)
{
	if (m->base && id < m->btf->first_id)
		m = m->base;
	return id && id < m->btf->end_id ? m : NULL;
}

static uint8_t *state_of(const struct minimal *m, uint32_t id)
{
	return &m->state[id - m->btf->first_id];
}

static void add(struct minimal *m, uint32_t id)
{
	m = owner_of(m, id);
	if (!m || *state_of(m, id) == WHOLE || !fl_btf_is_known(fl_btf_own(m->btf, id)->info))
		return;
	*state_of(m, id) = WHOLE;
	m->queue[m->queued++] = id;
}

/* A struct that has no name cannot be declared in advance. */
static void add_pointed(struct minimal *m, uint32_t id)
{
	const struct btf_type *t;

	m = owner_of(m, id);
	if (!m || *state_of(m, id))
		return;
	t = fl_btf_own(m->btf, id);
	if (!fl_kind_is_struct(fl_btf_kind(t)) || !fl_btf_str(m->btf, t->name_off)[0])
		add(m, id);
	else
		*state_of(m, id) = NAMED;
}

static void add_entries(struct minimal *m, const struct btf_type *t)
{
	const struct btf_param *p = (const struct btf_param *)(t + 1);

	for (uint32_t i = 0; i < FL_BTF_VLEN(t->info); i++)
		add(m, p[i].type);
}

/* Which section a variable is in, nothing of its own says. */
static void add_section(struct minimal *m, uint32_t var)
{
	const struct btf_type *t = fl_btf_at(m->btf, 0);

	for (uint32_t id = m->btf->first_id; id < m->btf->end_id; id++, t = fl_btf_next(m->btf, t)) {
		const struct btf_var_secinfo *v = (const struct btf_var_secinfo *)(t + 1);

		for (uint32_t i = 0; fl_btf_kind(t) == BTF_KIND_DATASEC && i < FL_BTF_VLEN(t->info); i++)
			if (v[i].type == var)
				add(m, id);
	}
}

static void add_parts(struct minimal *m, uint32_t id)
{
	const struct btf_type *t = fl_btf_own(m->btf, id);
	const struct btf_array *a = (const struct btf_array *)(t + 1);

	switch (fl_btf_kind(t)) {
	case BTF_KIND_ARRAY:
		add(m, a->type);
		add(m, a->index_type);
		break;
	case BTF_KIND_PTR:
		add_pointed(m, t->type);
		break;
	case BTF_KIND_FUNC_PROTO:
		add_entries(m, t);
		add(m, t->type);
		break;
	case BTF_KIND_VAR:
		add(m, t->type);
		add_section(m, id);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
		break; /* of which only what was looked at is there */
	default:
		if (fl_btf_is_known(t->info) && fl_btf_layouts[fl_btf_kind(t)].refers)
			add(m, t->type);
	}
}

static void close_set(struct minimal *m)
{
	for (uint32_t id = m->btf->first_id; id < m->btf->end_id; id++)
		if (m->btf->used[id - m->btf->first_id])
			add(m, id);
	while (m->queued)
		add_parts(m, m->queue[--m->queued]);
}

static void number(struct minimal *m)
{
	m->end_id = m->base ? m->base->end_id : 1;
	for (uint32_t id = m->btf->first_id; id < m->btf->end_id; id++)
		m->ids[id - m->btf->first_id] = *state_of(m, id) ? m->end_id++ : 0;
}

/* ---- writing ---- */

static void put(struct minimal *m, uint32_t word)
{
	fl_buf_add(&m->types, &word, sizeof(word));
}

static uint32_t name(struct minimal *m, uint32_t offset)
{
	const char *z = fl_btf_str(m->btf, offset);

	if (!z[0])
		return 0;
	if (!m->names[offset]) {
		m->names[offset] = m->strs_start + (uint32_t)m->strs.len;
		fl_buf_add(&m->strs, z, strlen(z) + 1);
	}
	return m->names[offset];
}

static uint32_t type(struct minimal *m, uint32_t id)
{
	m = owner_of(m, id);
	return m ? m->ids[id - m->btf->first_id] : 0;
}

static bool is_whole(struct minimal *m, uint32_t id)
{
	m = owner_of(m, id);
	return m && *state_of(m, id) == WHOLE;
}

static uint32_t with_count(uint32_t info, uint32_t n)
{
	return (info & ~0xffffffu) | n;
}

static void put_forward(struct minimal *m, const struct btf_type *t)
{
	bool is_union = fl_btf_kind(t) == BTF_KIND_UNION;

	put(m, name(m, t->name_off));
	put(m, (uint32_t)BTF_KIND_FWD << 24 | (uint32_t)is_union << 31);
	put(m, 0);
}

static void put_struct(struct minimal *m, const struct btf_type *t)
{
	const struct btf_member *e = (const struct btf_member *)(t + 1);
	uint32_t n = 0;

	for (uint32_t i = 0; i < FL_BTF_VLEN(t->info); i++)
		n += is_whole(m, e[i].type);
	put(m, name(m, t->name_off));
	put(m, with_count(t->info, n));
	put(m, t->size);
	for (uint32_t i = 0; i < FL_BTF_VLEN(t->info); i++) {
		if (!is_whole(m, e[i].type))
			continue;
		put(m, name(m, e[i].name_off));
		put(m, type(m, e[i].type));
		put(m, e[i].offset);
	}
}

static void put_section(struct minimal *m, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const struct btf_var_secinfo *)(t + 1);
	uint32_t n = 0;

	for (uint32_t i = 0; i < FL_BTF_VLEN(t->info); i++)
		n += is_whole(m, v[i].type);
	put(m, name(m, t->name_off));
	put(m, with_count(t->info, n));
	put(m, t->size);
	for (uint32_t i = 0; i < FL_BTF_VLEN(t->info); i++) {
		if (!is_whole(m, v[i].type))
			continue;
		put(m, type(m, v[i].type));
		put(m, v[i].offset);
		put(m, v[i].size);
	}
}

/* All other kinds: the same words, with names and types that are new. */
static void put_as_it_is(struct minimal *m, const struct btf_type *t)
{
	const struct fl_btf_layout *l = &fl_btf_layouts[fl_btf_kind(t)];
	const uint32_t *words = (const uint32_t *)t;
	uint32_t end = (uint32_t)fl_btf_size(m->btf, t) / 4, first = l->size / 4;

	put(m, name(m, words[0]));
	put(m, words[1]);
	put(m, l->refers ? type(m, words[2]) : words[2]);
	for (uint32_t i = 3; i < first; i++)
		put(m, fl_btf_kind(t) == BTF_KIND_ARRAY && i < 5 ? type(m, words[i]) : words[i]);
	for (uint32_t i = first; i < end; i++) {
		uint32_t in_entry = (i - first) % l->words;

		if (in_entry == 0 && l->entry_name)
			put(m, name(m, words[i]));
		else
			put(m, in_entry == 1 && l->entry_type ? type(m, words[i]) : words[i]);
	}
}

static void put_type(struct minimal *m, uint32_t id)
{
	const struct btf_type *t = fl_btf_own(m->btf, id);

	if (*state_of(m, id) == NAMED)
		put_forward(m, t);
	else if (fl_kind_is_struct(fl_btf_kind(t)))
		put_struct(m, t);
	else if (fl_btf_kind(t) == BTF_KIND_DATASEC)
		put_section(m, t);
	else
		put_as_it_is(m, t);
}

/* Of a module nothing may be needed: then nothing is written. */
static int put_all(struct minimal *m, struct fl_buf *out)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };

	m->strs_start = m->base ? m->base->strs_start + (uint32_t)m->base->strs.len : 0;
	if (m->base && m->end_id == m->base->end_id)
		return 0;
	if (!m->base)
		fl_buf_addc(&m->strs, '\0');
	for (uint32_t id = m->btf->first_id; id < m->btf->end_id; id++)
		if (*state_of(m, id))
			put_type(m, id);
	h.type_len = (uint32_t)m->types.len;
	h.str_off = h.type_len;
	h.str_len = (uint32_t)m->strs.len;
	fl_buf_add(out, &h, sizeof(h));
	fl_buf_add_buf(out, &m->types);
	fl_buf_add_buf(out, &m->strs);
	return out->error;
}

static void fini(struct minimal *m)
{
	free(m->state);
	free(m->ids);
	free(m->queue);
	free(m->names);
	fl_buf_fini(&m->types);
	fl_buf_fini(&m->strs);
}

static int init(struct minimal *m, struct fl_btf *btf, struct minimal *base)
{
	size_t n = btf->end_id - btf->first_id + 1;

	*m = (struct minimal){ .btf = btf, .base = base };
	if (!btf->used || btf->base != (base ? base->btf : NULL))
		return -EINVAL;
	m->state = calloc(n, 1);
	m->ids = calloc(n, sizeof(*m->ids));
	m->queue = calloc(n, sizeof(*m->queue));
	m->names = calloc((size_t)btf->strs_start + btf->strs_len + 1, sizeof(*m->names));
	return m->state && m->ids && m->queue && m->names ? 0 : -ENOMEM;
}

/* [0] is vmlinux's. */
static int make(struct minimal *all, size_t n, struct fl_buf *out)
{
	int r = 0;

	for (size_t i = n; i-- > 0;)
		close_set(&all[i]);
	for (size_t i = 0; i < n && r == 0; i++) {
		number(&all[i]);
		r = put_all(&all[i], &out[i]);
	}
	return r;
}

int fl_btf_minimal(struct fl_btf *const *objects, size_t n, struct fl_buf *out)
{
	struct minimal *all = calloc(n + 1, sizeof(*all));
	int r = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = init(&all[i], objects[i], i ? all : NULL);
	if (r == 0)
		r = make(all, n, out);
	for (size_t i = 0; all && i < n; i++)
		fini(&all[i]);
	free(all);
	return r;
}
