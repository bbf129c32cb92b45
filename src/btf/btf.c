/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading types. Opening (count.c) has checked that every type lies within its object. Where a name
 * or a reference leads outside, which only what the kernel says of itself could have, there is no name
 * and no type. Walks are bounded, since references may form circles.
 */
#include "btf/btf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"
#include "btf/private.h"

#define SCANS_BEFORE_INDEX 8    /* about what making the index costs */
#define MAX_ANONYMOUS	   16   /* pending ones, as in the kernel */
#define MAX_SEARCHED	   4096 /* structs looked into for one name: more is a circle */

/* ---- objects ---- */

const char *fl_btf_name(const struct fl_btf *btf)
{
	return btf->name;
}

struct fl_btf *fl_btf_base(const struct fl_btf *btf)
{
	return btf->base;
}

uint32_t fl_btf_first_id(const struct fl_btf *btf)
{
	return btf->first_id;
}

uint32_t fl_btf_end_id(const struct fl_btf *btf)
{
	return btf->end_id;
}

struct fl_type fl_btf_type(const struct fl_btf *btf, uint32_t id)
{
	if (id >= btf->end_id)
		return FL_TYPE_NONE;
	while (btf->base && id < btf->first_id)
		btf = btf->base;
	return (struct fl_type){ btf, id };
}

/* ---- look-up ---- */

static bool has_name(const struct fl_btf *btf, const struct btf_type *t, struct fl_str name)
{
	const char *z = fl_btf_str(btf, t->name_off);

	return z[0] == name.p[0] && !strncmp(z, name.p, name.n) && !z[name.n];
}

static bool is_kind(const struct btf_type *t, uint32_t kinds)
{
	return FL_KIND(fl_btf_kind(t)) & kinds;
}

static struct fl_type scan(const struct fl_btf *btf, uint32_t from, struct fl_str name, uint32_t kinds)
{
	const struct btf_type *t = from < btf->end_id ? fl_btf_own(btf, from) : NULL;

	for (uint32_t id = from; id < btf->end_id; id++, t = fl_btf_next(btf, t))
		if (is_kind(t, kinds) && has_name(btf, t, name))
			return (struct fl_type){ btf, id };
	return FL_TYPE_NONE;
}

static struct fl_type follow(const struct fl_btf *btf, uint32_t id, struct fl_str name, uint32_t kinds)
{
	for (; id; id = btf->next[id - btf->first_id]) {
		const struct btf_type *t = fl_btf_own(btf, id);

		if (is_kind(t, kinds) && has_name(btf, t, name))
			return (struct fl_type){ btf, id };
	}
	return FL_TYPE_NONE;
}

static struct fl_type look_up(const struct fl_btf *btf, struct fl_str name, uint32_t kinds)
{
	uint32_t id;

	if (!fl_btf_find_quick(btf, name, kinds, &id))
		return scan(btf, btf->first_id, name, kinds);
	return id ? (struct fl_type){ btf, id } : FL_TYPE_NONE;
}

/* Without memory for it, look-ups go on by scanning. */
static void build_index(struct fl_btf *btf)
{
	uint32_t n = btf->end_id - btf->first_id, size = 16;
	const struct btf_type *t = fl_btf_at(btf, 0);

	while (size < n && size < 1u << 31)
		size *= 2;
	btf->heads = calloc(size, sizeof(*btf->heads));
	btf->next = calloc(n ? n : 1, sizeof(*btf->next));
	if (!btf->heads || !btf->next) {
		free(btf->heads);
		free(btf->next);
		btf->heads = btf->next = NULL;
		return;
	}
	btf->mask = size - 1;
	/* Types are gone through forwards, and chained backwards, so that each chain ascends. */
	for (uint32_t i = 0; i < n; i++, t = fl_btf_next(btf, t))
		btf->next[i] = t->name_off;
	while (n-- > 0) {
		uint32_t name = btf->next[n], *head;

		head = &btf->heads[fl_hash(fl_str(fl_btf_str(btf, name))) & btf->mask];
		btf->next[n] = name ? *head : 0;
		*head = name ? btf->first_id + n : *head;
	}
}

/* What was just found is often asked for again, by who goes on with it. */
static bool is_last(const struct fl_btf *btf, struct fl_str name, uint32_t kinds)
{
	return btf->last_found && btf->last_kinds == kinds &&
	       has_name(btf, fl_btf_own(btf, btf->last_found), name);
}

static struct fl_type find(const struct fl_btf *btf, struct fl_str name, uint32_t kinds)
{
	struct fl_btf *cache = (struct fl_btf *)btf; /* the index is no part of what it stands for */
	struct fl_type t;

	if (!name.n || memchr(name.p, '\0', name.n))
		return FL_TYPE_NONE;
	if (is_last(btf, name, kinds))
		return (struct fl_type){ btf, btf->last_found };
	if (!btf->heads && cache->scans++ >= SCANS_BEFORE_INDEX)
		build_index(cache);
	if (btf->heads)
		return follow(btf, btf->heads[fl_hash(name) & btf->mask], name, kinds);
	t = look_up(btf, name, kinds);
	cache->last_found = t.id;
	cache->last_kinds = kinds;
	return t;
}

struct fl_type fl_btf_find(const struct fl_btf *btf, struct fl_str name, uint32_t kinds)
{
	struct fl_type t = find(btf, name, kinds);

	fl_btf_note(t);
	return t;
}

struct fl_type fl_btf_find_next(struct fl_type t, uint32_t kinds)
{
	struct fl_str name = fl_type_name(t);

	if (!name.n)
		return FL_TYPE_NONE;
	if (!t.btf->heads)
		return scan(t.btf, t.id + 1, name, kinds);
	return follow(t.btf, t.btf->next[t.id - t.btf->first_id], name, kinds);
}

int fl_btf_each(const struct fl_btf *btf, struct fl_str glob, uint32_t kinds,
		int (*fn)(void *ctx, struct fl_type t), void *ctx)
{
	const struct btf_type *t = fl_btf_at(btf, 0);
	int r = 0;

	for (uint32_t id = btf->first_id; id < btf->end_id && !r; id++, t = fl_btf_next(btf, t))
		if (is_kind(t, kinds) && fl_str_glob(glob, fl_str(fl_btf_str(btf, t->name_off))))
			r = fn(ctx, (struct fl_type){ btf, id });
	return r;
}

/* ---- any type ---- */

unsigned int fl_type_kind(struct fl_type t)
{
	const struct btf_type *raw = fl_btf_raw(t);

	return raw ? fl_btf_kind(raw) : BTF_KIND_UNKN;
}

struct fl_str fl_type_name(struct fl_type t)
{
	const struct btf_type *raw = fl_btf_raw(t);

	return raw ? fl_str(fl_btf_str(t.btf, raw->name_off)) : FL_STR("");
}

bool fl_type_kflag(struct fl_type t)
{
	const struct btf_type *raw = fl_btf_raw(t);

	return raw && FL_BTF_KFLAG(raw->info);
}

/* What stands behind the twelve bytes. */
static const void *extra(const struct btf_type *raw)
{
	return raw + 1;
}

struct fl_type fl_type_target(struct fl_type t)
{
	const struct btf_type *raw = fl_btf_raw(t);

	if (!raw)
		return FL_TYPE_NONE;
	if (fl_type_kind(t) == BTF_KIND_ARRAY)
		return fl_btf_type(t.btf, ((const struct btf_array *)extra(raw))->type);
	if (!fl_btf_layouts[fl_type_kind(t)].refers)
		return FL_TYPE_NONE;
	return fl_btf_type(t.btf, raw->type);
}

static bool is_modifier(unsigned int kind)
{
	switch (kind) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return true;
	}
	return false;
}

struct fl_type fl_type_strip(struct fl_type t)
{
	for (int i = 0; is_modifier(fl_type_kind(t)); i++) {
		if (i >= FL_BTF_MAX_CHAIN)
			return FL_TYPE_NONE;
		t = fl_type_target(t);
	}
	return t;
}

int fl_type_size(struct fl_type t, uint64_t *ret)
{
	uint64_t n = 1;

	for (int i = 0; i < FL_BTF_MAX_CHAIN; i++) {
		t = fl_type_strip(t);
		switch (fl_type_kind(t)) {
		case BTF_KIND_PTR:
			return __builtin_mul_overflow(n, 8, ret) ? -EOVERFLOW : 0;
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			return __builtin_mul_overflow(n, fl_btf_raw(t)->size, ret) ? -EOVERFLOW : 0;
		case BTF_KIND_ARRAY:
			if (__builtin_mul_overflow(n, fl_type_array_len(t), &n))
				return -EOVERFLOW;
			/* fall through */
		case BTF_KIND_VAR:
			t = fl_type_target(t);
			continue;
		default:
			return fl_type_ok(t) ? -ENOENT : -ELOOP;
		}
	}
	return -ELOOP;
}

uint32_t fl_type_vlen(struct fl_type t)
{
	const struct btf_type *raw = fl_btf_raw(t);

	return raw && fl_btf_layouts[fl_type_kind(t)].words ? FL_BTF_VLEN(raw->info) : 0;
}

/* ---- int, array ---- */

int fl_type_int(struct fl_type t, struct fl_int *ret)
{
	const struct btf_type *raw = fl_btf_raw(t);
	uint32_t v, encoding;

	if (fl_type_kind(t) != BTF_KIND_INT)
		return -EINVAL;
	v = *(const uint32_t *)extra(raw);
	encoding = BTF_INT_ENCODING(v);
	*ret = (struct fl_int){
		.size = raw->size,
		.bits = BTF_INT_BITS(v),
		.bit_offset = BTF_INT_OFFSET(v),
		.is_signed = encoding & BTF_INT_SIGNED,
		.is_char = encoding & BTF_INT_CHAR,
		.is_bool = encoding & BTF_INT_BOOL,
	};
	return 0;
}

uint32_t fl_type_array_len(struct fl_type t)
{
	if (fl_type_kind(t) != BTF_KIND_ARRAY)
		return 0;
	return ((const struct btf_array *)extra(fl_btf_raw(t)))->nelems;
}

/* ---- struct and union ---- */

bool fl_type_member(struct fl_type t, uint32_t i, struct fl_member *ret)
{
	const struct btf_type *raw = fl_btf_raw(t);
	const struct btf_member *m;
	bool kflag;

	if (!fl_kind_is_struct(fl_type_kind(t)) || i >= FL_BTF_VLEN(raw->info))
		return false;
	m = (const struct btf_member *)extra(raw) + i;
	kflag = FL_BTF_KFLAG(raw->info);
	*ret = (struct fl_member){
		.name = fl_str(fl_btf_str(t.btf, m->name_off)),
		.type = fl_btf_type(t.btf, m->type),
		.parent = t,
		.bit_offset = kflag ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset,
		.bits = kflag ? BTF_MEMBER_BITFIELD_SIZE(m->offset) : 0,
	};
	return true;
}

struct pending {
	struct fl_type type;
	uint32_t bit_offset;
};

/* Looks through the members of one struct. 1: found; 0: not here, anonymous ones put aside. */
static int search_one(struct pending at, struct fl_str name, struct pending *aside, size_t *nr_aside,
		      struct fl_member *ret)
{
	struct fl_member m;

	for (uint32_t i = 0; fl_type_member(at.type, i, &m); i++) {
		if (__builtin_add_overflow(m.bit_offset, at.bit_offset, &m.bit_offset))
			return -EOVERFLOW;
		if (m.name.n) {
			if (!fl_str_eq(m.name, name))
				continue;
			fl_btf_note(m.type);
			*ret = m;
			return 1;
		}
		m.type = fl_type_strip(m.type);
		if (fl_kind_is_struct(fl_type_kind(m.type)) && *nr_aside < MAX_ANONYMOUS)
			aside[(*nr_aside)++] = (struct pending){ m.type, m.bit_offset };
	}
	return 0;
}

int fl_type_find_member(struct fl_type t, struct fl_str name, struct fl_member *ret)
{
	struct pending aside[MAX_ANONYMOUS], at = { t, 0 };
	size_t nr_aside = 0;

	if (!fl_kind_is_struct(fl_type_kind(t)))
		return -EINVAL;
	for (int i = 0; i < MAX_SEARCHED; i++) {
		int r = search_one(at, name, aside, &nr_aside, ret);

		if (r)
			return r < 0 ? r : 0;
		if (!nr_aside)
			return -ENOENT;
		at = aside[--nr_aside];
	}
	return -ELOOP;
}

/* ---- functions ---- */

static struct fl_type proto_of(struct fl_type t)
{
	if (fl_type_kind(t) == BTF_KIND_FUNC)
		t = fl_type_target(t);
	return fl_type_kind(t) == BTF_KIND_FUNC_PROTO ? t : FL_TYPE_NONE;
}

struct fl_type fl_type_return(struct fl_type t)
{
	return fl_type_target(proto_of(t));
}

uint32_t fl_type_nr_params(struct fl_type t)
{
	return fl_type_vlen(proto_of(t));
}

bool fl_type_param(struct fl_type t, uint32_t i, struct fl_param *ret)
{
	const struct btf_param *p;

	t = proto_of(t);
	if (i >= fl_type_vlen(t))
		return false;
	p = (const struct btf_param *)extra(fl_btf_raw(t)) + i;
	*ret = (struct fl_param){
		.name = fl_str(fl_btf_str(t.btf, p->name_off)),
		.type = fl_btf_type(t.btf, p->type),
	};
	return true;
}

/* ---- enum and enum64 ---- */

bool fl_type_enum_signed(struct fl_type t)
{
	unsigned int kind = fl_type_kind(t);

	return (kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64) && fl_type_kflag(t);
}

bool fl_type_enum_value(struct fl_type t, uint32_t i, struct fl_enum_value *ret)
{
	const struct btf_type *raw = fl_btf_raw(t);
	unsigned int kind = fl_type_kind(t);
	uint32_t name_off;

	if ((kind != BTF_KIND_ENUM && kind != BTF_KIND_ENUM64) || i >= FL_BTF_VLEN(raw->info))
		return false;
	if (kind == BTF_KIND_ENUM) {
		const struct btf_enum *e = (const struct btf_enum *)extra(raw) + i;

		name_off = e->name_off;
		ret->value = FL_BTF_KFLAG(raw->info) ? (uint64_t)(int64_t)e->val : (uint32_t)e->val;
	} else {
		const struct btf_enum64 *e = (const struct btf_enum64 *)extra(raw) + i;

		name_off = e->name_off;
		ret->value = (uint64_t)e->val_hi32 << 32 | e->val_lo32;
	}
	ret->name = fl_str(fl_btf_str(t.btf, name_off));
	return true;
}

static bool is_flags(struct fl_type t)
{
	struct fl_enum_value v;

	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++)
		if (v.value & (v.value - 1))
			return false;
	return true;
}

static void print_flags(struct fl_type t, uint64_t value, struct fl_buf *out)
{
	struct fl_enum_value v;
	bool first = true;

	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++) {
		if (!(v.value & value))
			continue;
		if (!first)
			fl_buf_addc(out, '|');
		first = false;
		fl_buf_add_str(out, v.name);
		value &= ~v.value;
	}
	if (value) {
		if (!first)
			fl_buf_addc(out, '|');
		fl_buf_add_hex(out, value);
	}
}

void fl_type_print_enum(struct fl_type t, uint64_t value, struct fl_buf *out)
{
	struct fl_enum_value v;

	t = fl_type_strip(t);
	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++) {
		if (v.value != value)
			continue;
		fl_buf_add_str(out, v.name);
		return;
	}
	if (value && !fl_type_enum_signed(t) && is_flags(t))
		print_flags(t, value, out);
	else if (fl_type_enum_signed(t))
		fl_buf_add_s64(out, value);
	else
		fl_buf_add_u64(out, value);
}

/* ---- variables ---- */

bool fl_type_section_var(struct fl_type datasec, uint32_t i, struct fl_var *ret)
{
	const struct btf_var_secinfo *s;
	struct fl_type var;

	if (fl_type_kind(datasec) != BTF_KIND_DATASEC || i >= fl_type_vlen(datasec))
		return false;
	s = (const struct btf_var_secinfo *)extra(fl_btf_raw(datasec)) + i;
	var = fl_btf_type(datasec.btf, s->type);
	*ret = (struct fl_var){
		.var = var,
		.type = fl_type_target(var),
		.section = fl_type_name(datasec),
		.offset = s->offset,
		.size = s->size,
	};
	if (fl_type_kind(var) == BTF_KIND_VAR)
		ret->linkage = ((const struct btf_var *)extra(fl_btf_raw(var)))->linkage;
	return true;
}

/* Sections stand behind all else, and there are few: the search goes from the end. */
int fl_btf_find_var(const struct fl_btf *btf, struct fl_str name, struct fl_var *ret)
{
	struct fl_type var = fl_btf_find(btf, name, FL_KIND(BTF_KIND_VAR));

	if (!fl_type_ok(var))
		return -ENOENT;
	for (uint32_t id = btf->end_id; id-- > btf->first_id;) {
		struct fl_type t = { btf, id };
		struct fl_var v;

		if (fl_btf_kind(fl_btf_own(btf, id)) != BTF_KIND_DATASEC) /* which asks for none of them */
			continue;
		for (uint32_t i = 0; fl_type_section_var(t, i, &v); i++) {
			if (v.var.id != var.id)
				continue;
			*ret = v;
			return 0;
		}
	}
	return -ENOENT;
}

const char *fl_kind_name(unsigned int kind)
{
	return kind < FL_BTF_KINDS ? fl_btf_layouts[kind].name : "unknown";
}
