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
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/util.h"
#include "btf/private.h"

enum { ABSENT, WHOLE, NAMED }; /* NAMED: a forward declaration, which is all that a pointer needs */

struct minimal {
	struct fl_btf *btf;
	uint8_t *state;	  /* by id */
	uint32_t *ids;	  /* by id: the new one */
	uint32_t *names;  /* by place of a string: the new one; 0: not yet there */
	uint32_t *queue;  /* ids that are WHOLE and whose own types are to be added yet */
	size_t queued;
	struct fl_buf types, strs;
};

int fl_btf_watch(struct fl_btf *btf)
{
	if (!btf->used)
		btf->used = calloc(btf->end_id - btf->first_id + 1, 1);
	return btf->used ? 0 : -ENOMEM;
}

/* ---- what belongs to it ---- */

static void add(struct minimal *m, uint32_t id)
{
	if (!id || id >= m->btf->end_id || m->state[id] == WHOLE ||
	    !fl_btf_is_known(fl_btf_own(m->btf, id)->info))
		return;
	m->state[id] = WHOLE;
	m->queue[m->queued++] = id;
}

/* A struct that has no name cannot be declared in advance. */
static void add_pointed(struct minimal *m, uint32_t id)
{
	const struct btf_type *t;

	if (!id || id >= m->btf->end_id || m->state[id])
		return;
	t = fl_btf_own(m->btf, id);
	if (!fl_kind_is_struct(fl_btf_kind(t)) || !fl_btf_str(m->btf, t->name_off)[0])
		add(m, id);
	else
		m->state[id] = NAMED;
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
	uint32_t next = 1;

	for (uint32_t id = m->btf->first_id; id < m->btf->end_id; id++)
		m->ids[id] = m->state[id] ? next++ : 0;
}

/* ---- writing ---- */

static void put(struct minimal *m, uint32_t word)
{
	fl_buf_add(&m->types, &word, sizeof(word));
}

static uint32_t name(struct minimal *m, uint32_t offset)
{
	const char *z = fl_btf_str(m->btf, offset);

	if (!z[0] || offset >= m->btf->strs_len)
		return 0;
	if (!m->names[offset]) {
		m->names[offset] = (uint32_t)m->strs.len;
		fl_buf_add(&m->strs, z, strlen(z) + 1);
	}
	return m->names[offset];
}

static uint32_t type(const struct minimal *m, uint32_t id)
{
	return id < m->btf->end_id ? m->ids[id] : 0;
}

static bool is_whole(const struct minimal *m, uint32_t id)
{
	return id < m->btf->end_id && m->state[id] == WHOLE;
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

	if (m->state[id] == NAMED)
		put_forward(m, t);
	else if (fl_kind_is_struct(fl_btf_kind(t)))
		put_struct(m, t);
	else if (fl_btf_kind(t) == BTF_KIND_DATASEC)
		put_section(m, t);
	else
		put_as_it_is(m, t);
}

static int put_all(struct minimal *m, struct fl_buf *out)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };

	fl_buf_addc(&m->strs, '\0');
	for (uint32_t id = m->btf->first_id; id < m->btf->end_id; id++)
		if (m->state[id])
			put_type(m, id);
	h.type_len = (uint32_t)m->types.len;
	h.str_off = h.type_len;
	h.str_len = (uint32_t)m->strs.len;
	fl_buf_add(out, &h, sizeof(h));
	fl_buf_add_buf(out, &m->types);
	fl_buf_add_buf(out, &m->strs);
	return out->error;
}

int fl_btf_minimal(struct fl_btf *btf, struct fl_buf *out)
{
	struct minimal m = { .btf = btf };
	int r = -ENOMEM;

	if (btf->base || !btf->used)
		return -EINVAL;
	m.state = calloc(btf->end_id, 1);
	m.ids = calloc(btf->end_id, sizeof(*m.ids));
	m.queue = calloc(btf->end_id, sizeof(*m.queue));
	m.names = calloc((size_t)btf->strs_len + 1, sizeof(*m.names));
	if (m.state && m.ids && m.queue && m.names) {
		close_set(&m);
		number(&m);
		r = put_all(&m, out);
	}
	free(m.state);
	free(m.ids);
	free(m.queue);
	free(m.names);
	fl_buf_fini(&m.types);
	fl_buf_fini(&m.strs);
	return r;
}
