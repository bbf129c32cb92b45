// SPDX-License-Identifier: GPL-2.0-or-later
/* Address spaces: which ranges may stand side by side. Bounds are worked out by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "epdma/mem/mem.h"

static int add(struct fl_mem *m, uint64_t base, uint64_t size)
{
	static uint8_t bytes[256];
	struct fl_mem_range r = { .base = base, .size = size, .ptr = bytes, .fd = -1 };

	return fl_mem_add(m, &r);
}

/* Around [100, 200): what shares one byte with it is refused, what touches it is not. */
static void overlap_by_one_byte(void **state)
{
	static const struct {
		uint64_t base, size;
		int want;
	} rows[] = {
		{ 199, 1, -EEXIST }, { 199, 50, -EEXIST }, { 100, 1, -EEXIST }, { 50, 51, -EEXIST },
		{ 90, 120, -EEXIST }, { 200, 1, 0 },	   { 50, 50, 0 },	{ 201, 10, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_mem *m;

		assert_int_equal(fl_mem_new(&m), 0);
		assert_int_equal(add(m, 100, 100), 0);
		assert_int_equal(add(m, rows[i].base, rows[i].size), rows[i].want);
		assert_int_equal(fl_mem_count(m), rows[i].want ? 1 : 2);
		fl_mem_free(m);
	}
}

static void both_ends(void **state)
{
	struct fl_mem *m;

	assert_int_equal(fl_mem_new(&m), 0);
	assert_int_equal(add(m, UINT64_MAX, 1), 0);
	assert_int_equal(add(m, UINT64_MAX - 9, 10), -EEXIST);
	assert_int_equal(add(m, UINT64_MAX - 10, 10), 0);
	assert_int_equal(add(m, UINT64_MAX - 10, 12), -EINVAL);
	assert_int_equal(add(m, 0, 0), -EINVAL);
	assert_non_null(fl_mem_find(m, UINT64_MAX - 1, NULL));
	assert_null(fl_mem_find(m, UINT64_MAX - 11, NULL));
	fl_mem_free(m);
}

/* A peer maps what it likes, as much as the header says and no more; what it takes back has room again. */
static void so_many_ranges(void **state)
{
	struct fl_mem *m;

	assert_int_equal(fl_mem_new(&m), 0);
	for (uint64_t i = 0; i < FL_MEM_MAX_RANGES; i++)
		assert_int_equal(add(m, i * 2, 1), 0);
	assert_int_equal(fl_mem_count(m), FL_MEM_MAX_RANGES);
	assert_int_equal(add(m, FL_MEM_MAX_RANGES * 2ull, 1), -ENOSPC);
	assert_int_equal(fl_mem_del(m, 0, 1), 0);
	assert_int_equal(add(m, FL_MEM_MAX_RANGES * 2ull, 1), 0);
	fl_mem_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlap_by_one_byte),
		cmocka_unit_test(both_ends),
		cmocka_unit_test(so_many_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
