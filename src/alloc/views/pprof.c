/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pprof's profile.proto, as far as a heap profile uses it: messages of numbered fields, a number as
 * a varint, text and messages with their length in front. Strings, functions, mappings and locations
 * are tables, referred to by number; a location is an address in a mapping with one line for each
 * function that was inlined there, innermost first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc/views/stacks.h"
#include "base/map.h"
#include "base/util.h"
#include "gzip/gzip.h"

/* Field numbers, by message. */
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE = 2, PROFILE_MAPPING = 3, PROFILE_LOCATION = 4,
       PROFILE_FUNCTION = 5, PROFILE_STRING = 6, PROFILE_TIME = 9, PROFILE_DEFAULT_TYPE = 14 };
enum { TYPE_TYPE = 1, TYPE_UNIT = 2 };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_STR = 2, LABEL_NUM = 3 };
enum { MAPPING_ID = 1, MAPPING_LIMIT = 3, MAPPING_FILE = 5, MAPPING_BUILD_ID = 6,
       MAPPING_HAS_FUNCTIONS = 7, MAPPING_HAS_FILES = 8, MAPPING_HAS_LINES = 9,
       MAPPING_HAS_INLINES = 10 };
enum { LOCATION_ID = 1, LOCATION_MAPPING = 2, LOCATION_ADDRESS = 3, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3, FUNCTION_FILE = 4 };

struct profile {
	struct fl_buf out;     /* all but the strings */
	struct fl_buf strings;
	struct fl_buf scrap, message, inner;
	struct fl_map string_ids, function_ids, mapping_ids, location_ids;
	struct fl_arena arena;
	bool has_totals;
};

static void put_varint(struct fl_buf *b, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		fl_buf_addc(b, (char)(v | 0x80));
	fl_buf_addc(b, (char)v);
}

static void put_number(struct fl_buf *b, unsigned int field, uint64_t v)
{
	if (!v)
		return;
	put_varint(b, field << 3);
	put_varint(b, v);
}

static void put_bytes(struct fl_buf *b, unsigned int field, struct fl_str s)
{
	put_varint(b, field << 3 | 2);
	put_varint(b, s.n);
	fl_buf_add_str(b, s);
}

/* The number of what the key stands for; *@ret_new where it is a new one. 0: no memory. */
static uint64_t id_of(struct profile *p, struct fl_map *m, struct fl_str key, bool *ret_new)
{
	struct fl_map_entry *e = fl_map_get(m, key);
	struct fl_str own;

	*ret_new = !e;
	if (e)
		return e->num;
	own = fl_str_n(fl_arena_dup(&p->arena, key), key.n);
	e = own.p ? fl_map_put(m, own, NULL) : NULL;
	if (!e) {
		p->out.error = -ENOMEM;
		return 0;
	}
	e->num = m->count;
	return e->num;
}

/* String 0 is the empty one. */
static uint64_t string_id(struct profile *p, struct fl_str s)
{
	bool is_new;
	uint64_t id;

	if (!s.n)
		return 0;
	id = id_of(p, &p->string_ids, s, &is_new);
	if (is_new && id)
		put_bytes(&p->strings, PROFILE_STRING, s);
	return id;
}

static void put_type(struct profile *p, const char *type, const char *unit)
{
	fl_buf_reset(&p->message);
	put_number(&p->message, TYPE_TYPE, string_id(p, fl_str(type)));
	put_number(&p->message, TYPE_UNIT, string_id(p, fl_str(unit)));
	put_bytes(&p->out, PROFILE_SAMPLE_TYPE, fl_buf_str(&p->message));
}

static uint64_t function_id(struct profile *p, const struct fl_alloc_frame *f)
{
	struct fl_buf *m = &p->inner;
	uint64_t name, file, id;
	struct {
		uint64_t name, file;
	} key;
	bool is_new;

	fl_buf_reset(&p->scrap);
	fl_alloc_frame_name(f, &p->scrap);
	name = string_id(p, fl_buf_str(&p->scrap));
	file = string_id(p, f->file);
	key.name = name;
	key.file = file;
	id = id_of(p, &p->function_ids, fl_str_n((const char *)&key, sizeof(key)), &is_new);
	if (!is_new)
		return id;
	fl_buf_reset(m);
	put_number(m, FUNCTION_ID, id);
	put_number(m, FUNCTION_NAME, name);
	put_number(m, FUNCTION_SYSTEM_NAME, name);
	put_number(m, FUNCTION_FILE, file);
	put_bytes(&p->out, PROFILE_FUNCTION, fl_buf_str(m));
	return id;
}

static uint64_t mapping_id(struct profile *p, const struct fl_alloc_frame *f)
{
	struct fl_buf *m = &p->inner;
	uint64_t id, file, build_id;
	bool is_new;

	if (!f->module.n)
		return 0;
	fl_buf_reset(&p->scrap);
	fl_buf_add_hex_bytes(&p->scrap, f->build_id);
	build_id = string_id(p, fl_buf_str(&p->scrap));
	fl_buf_addc(&p->scrap, '\0');
	fl_buf_add_str(&p->scrap, f->module);
	id = id_of(p, &p->mapping_ids, fl_buf_str(&p->scrap), &is_new);
	if (!is_new)
		return id;
	file = string_id(p, f->module);
	fl_buf_reset(m);
	put_number(m, MAPPING_ID, id);
	put_number(m, MAPPING_LIMIT, UINT64_MAX >> 1); /* addresses are the file's own */
	put_number(m, MAPPING_FILE, file);
	put_number(m, MAPPING_BUILD_ID, build_id);
	for (unsigned int k = MAPPING_HAS_FUNCTIONS; k <= MAPPING_HAS_INLINES; k++)
		put_number(m, k, 1);
	put_bytes(&p->out, PROFILE_MAPPING, fl_buf_str(m));
	return id;
}

/* Frames up to the first that was not inlined are one location; *@ret_n is how many. */
static uint64_t location_id(struct profile *p, const struct fl_alloc_frame *v, size_t n,
			    size_t *ret_n)
{
	uint64_t functions[64], id, mapping;
	struct fl_buf *m = &p->message;
	size_t k = 1;
	bool is_new;

	while (k < n && k < FL_ARRAY_SIZE(functions) && v[k - 1].inlined)
		k++;
	*ret_n = k;
	mapping = mapping_id(p, &v[0]);
	fl_buf_reset(m);
	put_number(m, LOCATION_MAPPING, mapping);
	put_number(m, LOCATION_ADDRESS, mapping || v[0].offset ? v[0].offset : 0);
	for (size_t i = 0; i < k; i++)
		functions[i] = function_id(p, &v[i]);
	for (size_t i = 0; i < k; i++) {
		fl_buf_reset(&p->inner);
		put_number(&p->inner, LINE_FUNCTION, functions[i]);
		put_number(&p->inner, LINE_LINE, v[i].line);
		put_bytes(m, LOCATION_LINE, fl_buf_str(&p->inner));
	}
	id = id_of(p, &p->location_ids, fl_buf_str(m), &is_new);
	if (!is_new)
		return id;
	put_number(m, LOCATION_ID, id);
	put_bytes(&p->out, PROFILE_LOCATION, fl_buf_str(m));
	return id;
}

static void put_label(struct profile *p, struct fl_buf *sample, const char *key, const char *text,
		      uint64_t number)
{
	fl_buf_reset(&p->inner);
	put_number(&p->inner, LABEL_KEY, string_id(p, fl_str(key)));
	put_number(&p->inner, LABEL_STR, string_id(p, fl_str(text)));
	put_number(&p->inner, LABEL_NUM, number);
	put_bytes(sample, SAMPLE_LABEL, fl_buf_str(&p->inner));
}

/* Packed: zeroes among values must stand. */
static void put_values(struct profile *p, struct fl_buf *sample, const struct fl_alloc_record *r)
{
	const struct fl_alloc_more *more = r->more;

	fl_buf_reset(&p->inner);
	if (p->has_totals) {
		put_varint(&p->inner, more ? more->total_calls : r->calls);
		put_varint(&p->inner, more ? more->total_bytes : (uint64_t)r->bytes);
	}
	put_varint(&p->inner, r->calls);
	put_varint(&p->inner, (uint64_t)r->bytes);
	put_bytes(sample, SAMPLE_VALUE, fl_buf_str(&p->inner));
}

static void put_sample(struct profile *p, const struct fl_alloc_record *r, struct fl_buf *sample)
{
	_cleanup_buf_ struct fl_buf ids = {};
	struct fl_alloc_frame v[3];
	const struct fl_alloc_frame *chain;
	size_t n = fl_alloc_chain(r, v, &chain), k;

	for (size_t i = 0; i < n; i += k)
		put_varint(&ids, location_id(p, chain + i, n - i, &k));
	fl_buf_reset(sample);
	put_bytes(sample, SAMPLE_LOCATION, fl_buf_str(&ids));
	put_values(p, sample, r);
	if (r->more && r->more->pid)
		put_label(p, sample, "pid", NULL, (uint64_t)r->more->pid);
	if (r->accurate == FL_ACCURATE_NO)
		put_label(p, sample, "accurate", "no", 0);
	put_bytes(&p->out, PROFILE_SAMPLE, fl_buf_str(sample));
	if (ids.error)
		p->out.error = ids.error;
}

static void profile_fini(struct profile *p)
{
	fl_buf_fini(&p->out);
	fl_buf_fini(&p->strings);
	fl_buf_fini(&p->scrap);
	fl_buf_fini(&p->message);
	fl_buf_fini(&p->inner);
	fl_map_fini(&p->string_ids);
	fl_map_fini(&p->function_ids);
	fl_map_fini(&p->mapping_ids);
	fl_map_fini(&p->location_ids);
	fl_arena_fini(&p->arena);
}

int fl_alloc_render_pprof(const struct fl_alloc_set *set, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf sample = {};
	_cleanup_(profile_fini) struct profile p = {};
	struct timespec now;

	for (size_t i = 0; i < set->n; i++)
		p.has_totals |= set->v[i].more && set->v[i].more->has_total;
	put_bytes(&p.strings, PROFILE_STRING, (struct fl_str){ "", 0 });
	if (p.has_totals) {
		put_type(&p, "alloc_objects", "count");
		put_type(&p, "alloc_space", "bytes");
	}
	put_type(&p, "inuse_objects", "count");
	put_type(&p, "inuse_space", "bytes");
	for (size_t i = 0; i < set->n; i++)
		put_sample(&p, &set->v[i], &sample);
	clock_gettime(CLOCK_REALTIME, &now);
	put_number(&p.out, PROFILE_TIME, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	put_number(&p.out, PROFILE_DEFAULT_TYPE, string_id(&p, FL_STR("inuse_space")));
	fl_buf_add_str(&p.out, fl_buf_str(&p.strings));
	if (p.out.error || p.strings.error || sample.error)
		return -ENOMEM;
	return fl_gzip(fl_buf_str(&p.out), FL_GZIP_SMALL, out);
}
