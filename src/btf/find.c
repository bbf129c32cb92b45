/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A type by its name, without an index and without looking at each type: the name is searched for
 * among the strings, and its place there among the words of the types. A word that is equal may be
 * anything (the name of a member, an offset): it is a type's where the words that follow look like one
 * and counting from the last mark before it arrives at just this place.
 *
 *	strings  \0task_struct\0		found at byte 794
 *	types    ... 794 | 0x040000f3 | 9536 ...	a word 794; behind it a struct with 243 members
 *
 * A handful of look-ups is all that a trace of one event needs, and this costs a fifth of going over
 * the types. It needs a name to stand among the strings only once, and not as the tail of another. So
 * pahole writes them. Of other files opening has found out the one, and the other is looked for here.
 */
#include <stdlib.h>

#include "base/util.h"
#include "btf/private.h"

#define MAX_NAME 512 /* KSYM_NAME_LEN */
#define LANES	 16  /* words compared at a time */

typedef uint32_t words4 __attribute__((vector_size(16)));

/* Where it stands among the strings, 0: nowhere. False: in two places. */
static bool find_string(const struct fl_btf *btf, struct fl_str name, uint32_t *ret)
{
	const char *end = btf->strs + btf->strs_len, *found;
	char whole[MAX_NAME + 2] = "";

	memcpy(whole + 1, name.p, name.n);
	whole[name.n + 1] = '\0';
	found = memmem(btf->strs, btf->strs_len, whole, name.n + 2);
	*ret = found ? (uint32_t)(found + 1 - btf->strs) : 0;
	return !found || btf->is_kernels ||
	       !memmem(found + 1, (size_t)(end - found - 1), whole, name.n + 2);
}

static bool any_equal(const uint32_t *p, words4 want)
{
	words4 v[LANES / 4], equal;
	uint64_t half[2];

	memcpy(v, p, sizeof(v));
	equal = (words4)((v[0] == want) | (v[1] == want) | (v[2] == want) | (v[3] == want));
	memcpy(half, &equal, sizeof(half));
	return half[0] | half[1];
}

/* The next word that is @want, from @i on; @n where there is none. */
static uint32_t find_word(const uint32_t *p, uint32_t i, uint32_t n, uint32_t want)
{
	words4 all = { want, want, want, want };

	while (n - i >= LANES && !any_equal(p + i, all))
		i += LANES;
	while (i < n && p[i] != want)
		i++;
	return i;
}

/* The id of the type that starts there; 0 where that is inside of one. */
static uint32_t id_at(const struct fl_btf *btf, uint32_t offset)
{
	const struct fl_btf_piece *p = btf->pieces;
	uint32_t low = 0, high, id, end;
	const struct btf_type *t;

	while (offset >= p[1].start)
		p++;
	end = FL_MIN(p[1].first_id, btf->end_id);
	high = (end - p->first_id + FL_BTF_STEP - 1) / FL_BTF_STEP;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (p->marks[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	t = fl_btf_at(btf, p->marks[low]);
	id = p->first_id + low * FL_BTF_STEP;
	for (; id < end && fl_btf_offset(btf, t) < offset; id++)
		t = fl_btf_next(btf, t);
	return id < end && fl_btf_offset(btf, t) == offset ? id : 0;
}

bool fl_btf_find_quick(const struct fl_btf *btf, struct fl_str name, uint32_t kinds, uint32_t *ret)
{
	const uint32_t *words = (const uint32_t *)btf->types;
	uint32_t n = btf->types_len / 4, want;

	if (btf->base || !btf->whole_names || name.n > MAX_NAME || !find_string(btf, name, &want))
		return false;
	*ret = 0;
	for (uint32_t i = 0; want && !*ret && (i = find_word(words, i, n, want)) + 2 < n; i++)
		if (FL_KIND(fl_btf_kind((const struct btf_type *)(words + i))) & kinds)
			*ret = id_at(btf, i * 4);
	return true;
}
