/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question's budget by a clock that stands still between the looks: the rule is the manual's (over it: thinned, then
 * off for a minute; back one step at a time). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/agent/budget.h"

#define SECOND 1000000000ull

struct life {
	struct fl_budget b;
	struct fl_use used;
	uint64_t now;
};

static struct life begin(struct fl_use limit)
{
	struct life l = { .now = 77 * SECOND };

	fl_budget_begin(&l.b, limit, l.now);
	return l;
}

/* @n seconds of so much each. Which stage it is in then. */
static enum fl_stage live(struct life *l, unsigned int n, uint64_t records, uint64_t cpu_ns)
{
	struct fl_use rate;

	for (unsigned int i = 0; i < n; i++) {
		enum fl_stage to;

		l->now += SECOND;
		if (l->b.stage != FL_STAGE_OFF) {
			l->used.records += records;
			l->used.cpu_ns += cpu_ns;
		}
		to = fl_budget_judge(&l->b, l->used, l->now, &rate);
		if (to != l->b.stage)
			fl_budget_stage(&l->b, to, l->now);
	}
	return l->b.stage;
}

static void test_within(void **state)
{
	struct life l = begin((struct fl_use){ .records = 100 });

	assert_int_equal(live(&l, 1000, 100, SECOND), FL_STAGE_WHOLE); /* CPU has no limit here */
	assert_int_equal(l.b.over, 0);
	l = begin((struct fl_use){});
	assert_int_equal(live(&l, 10, 1u << 30, SECOND), FL_STAGE_WHOLE);
}

static void test_down_and_back(void **state)
{
	struct life l = begin((struct fl_use){ .records = 100 });

	assert_int_equal(live(&l, 1, 101, 0), FL_STAGE_THINNED);
	assert_int_equal(live(&l, 1, 101, 0), FL_STAGE_OFF);
	assert_int_equal(l.b.over, 2);
	assert_int_equal(live(&l, 59, 0, 0), FL_STAGE_OFF);
	assert_int_equal(live(&l, 1, 0, 0), FL_STAGE_THINNED);
	assert_int_equal(live(&l, 59, 50, 0), FL_STAGE_THINNED);
	assert_int_equal(live(&l, 1, 50, 0), FL_STAGE_WHOLE);
	assert_int_equal(l.b.over, 2);
}

/* More than half of it in the last minute: it would be over it again soon. */
static void test_stays_thinned(void **state)
{
	struct life l = begin((struct fl_use){ .records = 100 });

	live(&l, 1, 500, 0);
	assert_int_equal(live(&l, 119, 51, 0), FL_STAGE_THINNED);
	assert_int_equal(live(&l, 60, 50, 0), FL_STAGE_THINNED); /* the minute in which there was one of 51 */
	assert_int_equal(live(&l, 60, 50, 0), FL_STAGE_WHOLE);
}

static void test_cpu(void **state)
{
	struct life l = begin((struct fl_use){ .records = 1000, .cpu_ns = SECOND / 50 });

	assert_int_equal(live(&l, 5, 1, SECOND / 50), FL_STAGE_WHOLE);
	assert_int_equal(live(&l, 1, 1, SECOND / 50 + 1), FL_STAGE_THINNED);
	assert_int_equal(live(&l, 60, 1, SECOND / 50), FL_STAGE_THINNED);
	assert_int_equal(live(&l, 60, 1, SECOND / 100), FL_STAGE_WHOLE);
}

/* A look that comes early says nothing, and one that comes late is of the whole time. */
static void test_looks(void **state)
{
	struct life l = begin((struct fl_use){ .records = 100 });
	struct fl_use rate = {};

	assert_int_equal(fl_budget_judge(&l.b, (struct fl_use){ .records = 5000 }, l.now + SECOND - 1, &rate),
			 FL_STAGE_WHOLE);
	assert_int_equal(fl_budget_judge(&l.b, (struct fl_use){ .records = 1000 }, l.now + 10 * SECOND, &rate),
			 FL_STAGE_WHOLE);
	assert_int_equal(rate.records, 100);
	assert_int_equal(fl_budget_judge(&l.b, (struct fl_use){ .records = 3000 }, l.now + 20 * SECOND, &rate),
			 FL_STAGE_THINNED);
	assert_int_equal(rate.records, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within),	      cmocka_unit_test(test_down_and_back),
		cmocka_unit_test(test_stays_thinned), cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
