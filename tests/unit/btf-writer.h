/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF bytes for tests, written type by type. Ids count from 1, or on from a base's.
 *
 *	struct btfw w = {};
 *	uint32_t i = btfw_int(&w, "int", 4, BTF_INT_SIGNED);
 *	uint32_t s = btfw_struct(&w, "pair", 8, 2);
 *	btfw_member(&w, "a", i, 0);
 *	btfw_member(&w, "b", i, 32);
 *	struct fl_str bytes = btfw_finish(&w);	... valid until btfw_fini()
 */
#ifndef TESTS_BTF_WRITER_H
#define TESTS_BTF_WRITER_H

#include <linux/btf.h>
#include <string.h>

#include "base/buf.h"

struct btfw {
	struct fl_buf types, strs, all;
	uint32_t base_types, base_strs; /* of the base: its number of types, its bytes of strings */
	uint32_t n;
};

static inline void btfw_fini(struct btfw *w)
{
	fl_buf_fini(&w->types);
	fl_buf_fini(&w->strs);
	fl_buf_fini(&w->all);
}

static inline void btfw_u32(struct btfw *w, uint32_t v)
{
	fl_buf_add(&w->types, &v, sizeof(v));
}

static inline uint32_t btfw_str(struct btfw *w, const char *s)
{
	uint32_t at;

	if (!w->base_types && !w->strs.len)
		fl_buf_addc(&w->strs, '\0');
	if (!s || !*s)
		return 0;
	at = w->base_strs + w->strs.len;
	fl_buf_add(&w->strs, s, strlen(s) + 1);
	return at;
}

/* @v is the size or the type; entries follow by btfw_u32() */
static inline uint32_t btfw_type(struct btfw *w, const char *name, uint32_t kind, uint32_t vlen,
				 uint32_t kflag, uint32_t v)
{
	btfw_u32(w, btfw_str(w, name));
	btfw_u32(w, kflag << 31 | kind << 24 | vlen);
	btfw_u32(w, v);
	return w->base_types + ++w->n;
}

static inline uint32_t btfw_int(struct btfw *w, const char *name, uint32_t size, uint32_t encoding)
{
	uint32_t id = btfw_type(w, name, BTF_KIND_INT, 0, 0, size);

	btfw_u32(w, encoding << 24 | size * 8);
	return id;
}

static inline uint32_t btfw_ref(struct btfw *w, const char *name, uint32_t kind, uint32_t type)
{
	return btfw_type(w, name, kind, 0, 0, type);
}

static inline uint32_t btfw_array(struct btfw *w, uint32_t type, uint32_t index, uint32_t n)
{
	uint32_t id = btfw_type(w, NULL, BTF_KIND_ARRAY, 0, 0, 0);

	btfw_u32(w, type);
	btfw_u32(w, index);
	btfw_u32(w, n);
	return id;
}

static inline uint32_t btfw_struct(struct btfw *w, const char *name, uint32_t size, uint32_t nr_members)
{
	return btfw_type(w, name, BTF_KIND_STRUCT, nr_members, 0, size);
}

/* Of a struct or union; @offset in bits, with the width << 24 where the kind flag is set. */
static inline void btfw_member(struct btfw *w, const char *name, uint32_t type, uint32_t offset)
{
	uint32_t at = btfw_str(w, name);

	btfw_u32(w, at);
	btfw_u32(w, type);
	btfw_u32(w, offset);
}

static inline uint32_t btfw_proto(struct btfw *w, uint32_t ret, uint32_t nr_params)
{
	return btfw_type(w, NULL, BTF_KIND_FUNC_PROTO, nr_params, 0, ret);
}

/* A parameter, or a value of an enum of 32 bits. */
static inline void btfw_pair(struct btfw *w, const char *name, uint32_t v)
{
	uint32_t at = btfw_str(w, name);

	btfw_u32(w, at);
	btfw_u32(w, v);
}

static inline uint32_t btfw_func(struct btfw *w, const char *name, uint32_t proto)
{
	return btfw_type(w, name, BTF_KIND_FUNC, BTF_FUNC_GLOBAL, 0, proto);
}

static inline uint32_t btfw_var(struct btfw *w, const char *name, uint32_t type)
{
	uint32_t id = btfw_type(w, name, BTF_KIND_VAR, 0, 0, type);

	btfw_u32(w, BTF_VAR_GLOBAL_ALLOCATED);
	return id;
}

static inline struct fl_str btfw_finish(struct btfw *w)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };

	btfw_str(w, NULL);
	h.type_len = h.str_off = w->types.len;
	h.str_len = w->strs.len;
	fl_buf_reset(&w->all);
	fl_buf_add(&w->all, &h, sizeof(h));
	fl_buf_add_str(&w->all, fl_buf_str(&w->types));
	fl_buf_add_str(&w->all, fl_buf_str(&w->strs));
	return fl_buf_str(&w->all);
}

#endif
