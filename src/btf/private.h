/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files btf*.c share. */
#ifndef BTF_PRIVATE_H
#define BTF_PRIVATE_H

#include "base/file.h"
#include "btf/btf.h"

/*
 * Since 2026 a type has seven bits of kind and 24 of count, where it had five and 16 with zeroes beside
 * them, and the header may tell of a third section: for each kind the bytes behind a type (one) and
 * those for each of its entries (one), and two of flags, so that a kind newer than this reader can be skipped.
 */
#define FL_BTF_KIND(info)  ((info) >> 24 & 0x7f)
#define FL_BTF_VLEN(info)  ((info) & 0xffffff)
#define FL_BTF_KFLAG(info) ((info) >> 31)

#define FL_BTF_LAYOUT_SIZE 4
#define FL_BTF_KINDS	   (BTF_KIND_ENUM64 + 1) /* that we know, whatever the headers here do */

/* Types have different lengths: who wants one of them goes there from the last mark before it. */
#define FL_BTF_STEP 8

#define FL_BTF_PIECES 4

struct fl_btf_piece {
	uint32_t first_id, start; /* its first type's id, and place within the types */
	uint32_t *marks;	  /* where type [first_id + n * FL_BTF_STEP] starts */
};

/* A chain of modifiers, of arrays, of declarators: longer ones are cycles. The kernel allows 32. */
#define FL_BTF_MAX_CHAIN 64

struct fl_btf {
	const uint8_t *types;
	const char *strs;
	const uint8_t *layout;	    /* sizes of kinds that we may not know, FL_BTF_LAYOUT_SIZE each */
	uint32_t types_len, strs_len, layout_len;
	uint32_t strs_start;	    /* string offsets below it are the base's */
	uint32_t first_id, end_id;
	uint32_t *marks;	    /* of all pieces */
	struct fl_btf_piece pieces[FL_BTF_PIECES + 1]; /* by ids and by places; unused ones are past all */
	bool is_kernels;	    /* see fl_btf_open_kernel() */
	bool whole_names;	    /* none is the tail of another string */

	struct fl_btf *base;
	const char *name;
	char *own_name;
	struct fl_file file; /* what @types lies in, or nothing */
	void *copy;	     /* the same */

	/*
	 * The index by name is made when there have been several look-ups: a few are cheaper
	 * without, and most programs need no more. heads[hash] and next[id - first_id] are ids, 0 ends; chains ascend.
	 */
	unsigned int scans;
	uint8_t *used; /* by id: what was asked for; NULL: nobody wants to know (minimal.c) */
	uint32_t last_found, last_kinds;
	uint32_t *heads, *next;
	uint32_t mask;
};

/* Past the end of the strings, which only what was not checked has: no name. */
static inline const char *fl_btf_str(const struct fl_btf *btf, uint32_t offset)
{
	if (offset - btf->strs_start >= btf->strs_len && offset >= btf->strs_start)
		return "";
	while (offset < btf->strs_start)
		btf = btf->base;
	return btf->strs + (offset - btf->strs_start);
}

/*
 * How a kind lies in memory: @size bytes, then vlen entries of @words; the masks tell whether the
 * header's third word, an entry's first and an entry's second are a type, a name and a type.
 */
struct fl_btf_layout {
	const char *name;
	uint8_t size;
	uint8_t words;
	uint32_t refers, entry_name, entry_type;
};

extern const struct fl_btf_layout fl_btf_layouts[FL_BTF_KINDS];

static inline bool fl_btf_is_known(uint32_t info)
{
	return FL_BTF_KIND(info) - 1 < FL_BTF_KINDS - 1u;
}

/* BTF_KIND_UNKN where it is unknown. */
static inline unsigned int fl_btf_kind(const struct btf_type *t)
{
	return fl_btf_is_known(t->info) ? FL_BTF_KIND(t->info) : BTF_KIND_UNKN;
}

/* Of a kind that is later than this program: as the object's own layout section says, or 0. */
uint64_t fl_btf_unknown_size(const struct fl_btf *btf, uint32_t info);

/* The size of the type at @t, of which at least its header is there; 0 where the kind is unknown. */
static inline uint64_t fl_btf_size(const struct fl_btf *btf, const struct btf_type *t)
{
	const struct fl_btf_layout *l;

	if (__builtin_expect(!fl_btf_is_known(t->info), 0))
		return fl_btf_unknown_size(btf, t->info);
	l = &fl_btf_layouts[FL_BTF_KIND(t->info)];
	return l->size + 4u * l->words * FL_BTF_VLEN(t->info);
}

static inline const struct btf_type *fl_btf_at(const struct fl_btf *btf, uint32_t offset)
{
	return (const struct btf_type *)(btf->types + offset);
}

static inline uint32_t fl_btf_offset(const struct fl_btf *btf, const struct btf_type *t)
{
	return (uint32_t)((const uint8_t *)t - btf->types);
}

/* The one behind @t, which may be the end. */
static inline const struct btf_type *fl_btf_next(const struct fl_btf *btf, const struct btf_type *t)
{
	return fl_btf_at(btf, fl_btf_offset(btf, t) + (uint32_t)fl_btf_size(btf, t));
}

/* @id is one of the object's own. */
static inline const struct btf_type *fl_btf_own(const struct fl_btf *btf, uint32_t id)
{
	const struct fl_btf_piece *p = btf->pieces;
	const struct btf_type *t;
	uint32_t n;

	while (id >= p[1].first_id)
		p++;
	n = id - p->first_id;
	t = fl_btf_at(btf, p->marks[n / FL_BTF_STEP]);
	for (n %= FL_BTF_STEP; n; n--)
		t = fl_btf_next(btf, t);
	return t;
}

/* It was asked for: see fl_btf_watch(). */
static inline void fl_btf_note(struct fl_type t)
{
	if (t.btf && t.id && __builtin_expect(t.btf->used != NULL, 0))
		t.btf->used[t.id - t.btf->first_id] = 1;
}

/* NULL for void and none; @t is resolved, so its id is its object's own. */
static inline const struct btf_type *fl_btf_raw(struct fl_type t)
{
	fl_btf_note(t);
	return t.btf && t.id ? fl_btf_own(t.btf, t.id) : NULL;
}

/* Fills marks, pieces, first_id and end_id from @types: each kind and length is checked. */
int fl_btf_count(struct fl_btf *btf, const char *place, struct fl_diag *diag);

/*
 * The first type of that name and @kinds, by id; 0: there is none. False where it cannot tell: some name
 * is the tail of another one, @name stands among the strings twice, or the object is split.
 */
bool fl_btf_find_quick(const struct fl_btf *btf, struct fl_str name, uint32_t kinds, uint32_t *ret);

#endif
