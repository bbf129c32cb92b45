/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What btf.c, btf-open.c and btf-print.c share. */
#ifndef PROBE_TARGET_BTF_PRIVATE_H
#define PROBE_TARGET_BTF_PRIVATE_H

#include "base/file.h"
#include "probe/target/btf.h"

/*
 * Since 2026 a type has seven bits of kind and 24 of count, where it had five and 16 with zeroes beside
 * them, and the header may tell of a third section: for each kind the bytes behind a type (one) and
 * those for each of its entries (one), and two of flags, so that what is not known can be skipped.
 */
#define FL_BTF_KIND(info)  ((info) >> 24 & 0x7f)
#define FL_BTF_VLEN(info)  ((info) & 0xffffff)
#define FL_BTF_KFLAG(info) ((info) >> 31)

#define FL_BTF_LAYOUT_SIZE 4
#define FL_BTF_KINDS	   (BTF_KIND_ENUM64 + 1) /* that we know, whatever the headers here do */

/* A chain of modifiers, of arrays, of declarators: longer ones are cycles. The kernel allows 32. */
#define FL_BTF_MAX_CHAIN 64

struct fl_btf {
	const uint8_t *types;
	const char *strs;
	const uint8_t *layout;	    /* sizes of kinds that we may not know, FL_BTF_LAYOUT_SIZE each */
	uint32_t types_len, strs_len, layout_len;
	uint32_t strs_start;	    /* string offsets below it are the base's */
	uint32_t first_id, end_id;
	uint32_t *offsets;	    /* of type [id - first_id] within @types */
	uint8_t *kinds;		    /* of the same, in the same piece of memory; unknown ones are 0 */

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
	uint32_t *heads, *next;
	uint32_t mask;
};

static inline const struct btf_type *fl_btf_own(const struct fl_btf *btf, uint32_t id)
{
	return (const struct btf_type *)(btf->types + btf->offsets[id - btf->first_id]);
}

/* NULL for void and none; @t is resolved, so its id is its object's own. */
static inline const struct btf_type *fl_btf_raw(struct fl_type t)
{
	return t.btf && t.id ? fl_btf_own(t.btf, t.id) : NULL;
}

static inline const char *fl_btf_str(const struct fl_btf *btf, uint32_t offset)
{
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

/* Fills offsets, first_id and end_id from @types, and checks everything in it. */
int fl_btf_index(struct fl_btf *btf, const char *place, struct fl_diag *diag);

#endif
