// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The submap planner against brute force: a model that keeps, for each unit of the BAR, the unit of
 * the endpoint's address space that it shows, and extends that list by the posted function's rule
 * said in terms of single units. On top come the properties that must hold of any layout.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "epdma/endpoint/submap.h"

#define SPACE 96 /* units of endpoint address space */

struct model {
	int shows[4096]; /* BAR unit -> endpoint unit */
	int piece[4096]; /* and the number of the piece that it belongs to */
	int size, pieces;
};

static bool piece_covers(const struct model *m, int piece, int from, int to, int *ret_at)
{
	int hits = 0;

	for (int u = from; u < to; u++)
		for (int i = 0; i < m->size; i++)
			if (m->piece[i] == piece && m->shows[i] == u) {
				if (u == from)
					*ret_at = i;
				hits++;
			}
	return hits == to - from;
}

static int model_add(struct model *m, int align, int phys, int size)
{
	int from = phys - phys % align, to = phys + size, at = 0, piece;

	while (to % align)
		to++;
	for (piece = 0; piece < m->pieces; piece++) {
		if (piece_covers(m, piece, from, to, &at))
			return at + phys - from;
		if (m->piece[m->size - 1] == piece && m->shows[m->size - 1] == from - 1)
			break;
	}
	if (piece == m->pieces)
		m->pieces++;
	at = m->size;
	for (int u = from; u < to; u++) {
		m->shows[m->size] = u;
		m->piece[m->size++] = piece;
	}
	return at + phys - from;
}

/* What the pieces show, unit by unit. */
static int shown(const struct fl_submaps *s, uint64_t off)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (off >= s->at[i] && off < s->at[i] + s->v[i].size)
			return (int)(s->v[i].phys + (off - s->at[i]));
	return -1;
}

static void check_properties(const struct fl_submaps *s, const int (*res)[3], int n)
{
	uint64_t next = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		assert_int_equal(s->at[i], next); /* neither gap nor overlap */
		assert_int_equal(s->v[i].phys % s->align, 0);
		assert_int_equal(s->v[i].size % s->align, 0);
		next += s->v[i].size;
	}
	assert_int_equal(next, s->size);
	for (int k = 0; k < n; k++)
		for (int i = 0; i < res[k][1]; i++)
			assert_int_equal(shown(s, (uint64_t)res[k][2] + (uint64_t)i), res[k][0] + i);
	for (uint64_t off = 0; off < s->size; off++) { /* nothing but resources and slack */
		int unit = shown(s, off), group = unit / (int)s->align;
		bool wanted = false;

		for (int k = 0; k < n && !wanted; k++)
			wanted = group >= res[k][0] / (int)s->align &&
				 group <= (res[k][0] + res[k][1] - 1) / (int)s->align;
		assert_true(wanted);
	}
}

static void random_layouts(void **state)
{
	const char *rounds = getenv("FL_SUBMAP_ROUNDS");
	unsigned int seed = 1;
	int extended = 0, reused = 0;

	for (long round = 0; round < (rounds ? strtol(rounds, NULL, 10) : 20000); round++) {
		struct model m = { .size = 0 };
		struct fl_submaps s = { .align = 1u << rand_r(&seed) % 4 };
		int res[FL_SUBMAPS_MAX][3], n = 1 + rand_r(&seed) % FL_SUBMAPS_MAX;

		for (int k = 0; k < n; k++) {
			uint64_t off, before = s.size;

			res[k][1] = 1 + rand_r(&seed) % 12;
			res[k][0] = rand_r(&seed) % (SPACE - res[k][1]);
			if (k && rand_r(&seed) % 3 == 0) /* right behind the one before */
				res[k][0] = FL_MIN(res[k - 1][0] + res[k - 1][1], SPACE);
			assert_int_equal(fl_submaps_add(&s, (uint64_t)res[k][0], (uint64_t)res[k][1], &off), 0);
			res[k][2] = (int)off;
			reused += s.size == before;
			extended += s.size > before && s.n < (unsigned int)k + 1;
			assert_int_equal(off, model_add(&m, (int)s.align, res[k][0], res[k][1]));
		}
		assert_int_equal(s.size, m.size);
		assert_int_equal(s.n, m.pieces);
		for (int i = 0; i < m.size; i++)
			assert_int_equal(shown(&s, (uint64_t)i), m.shows[i]);
		check_properties(&s, res, n);
	}
	assert_true(reused > 1000 && extended > 1000);
}

static void ends_of_the_address_space(void **state)
{
	struct fl_submaps s = { .align = 0x1000 };
	uint64_t off = 7;

	assert_int_equal(fl_submaps_add(&s, 0x1000, 0, &off), -EINVAL);
	assert_int_equal(fl_submaps_add(&s, UINT64_MAX, 1, &off), -EOVERFLOW);
	assert_int_equal(fl_submaps_add(&s, 0x10, UINT64_MAX, &off), -EOVERFLOW);
	assert_int_equal(fl_submaps_add(&s, UINT64_MAX - 0xfff, 0x1000, &off), -EOVERFLOW);
	assert_int_equal(s.n, 0);
	assert_int_equal(off, 7);
	assert_int_equal(fl_submaps_add(&s, 0, 1ull << 63, &off), 0);
	assert_int_equal(fl_submaps_add(&s, 1ull << 63, (1ull << 63) - 0x2000, &off), 0);
	assert_int_equal(s.n, 1);
	s = (struct fl_submaps){ .align = 0x1000 };
	assert_int_equal(fl_submaps_add(&s, 0x1000, 1ull << 63, &off), 0);
	assert_int_equal(fl_submaps_add(&s, 0, 1ull << 63, &off), -EOVERFLOW);
}

static void no_alignment(void **state)
{
	struct fl_submaps s = { .align = 0 };
	uint64_t off;

	assert_int_equal(fl_submaps_add(&s, 0x1003, 5, &off), 0);
	assert_int_equal(fl_submaps_add(&s, 0x1008, 8, &off), 0);
	assert_int_equal(off, 5);
	assert_int_equal(s.n, 1);
	fl_submaps_fill(&s, 128, 0x9000);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[1].phys, 0x9000 + 13);
	assert_int_equal(s.v[1].size, 115);
	fl_submaps_fill(&s, 128, 0x9000);
	assert_int_equal(s.n, 2);
}

static void too_many(void **state)
{
	struct fl_submaps s = { .align = 1 };
	uint64_t off;

	for (unsigned int i = 0; i < FL_SUBMAPS_MAX; i++)
		assert_int_equal(fl_submaps_add(&s, i * 10, 1, &off), 0);
	assert_int_equal(fl_submaps_add(&s, 9999, 1, &off), -ENOSPC);
	assert_int_equal(fl_submaps_add(&s, 50, 1, &off), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_layouts),
		cmocka_unit_test(ends_of_the_address_space),
		cmocka_unit_test(no_alignment),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
