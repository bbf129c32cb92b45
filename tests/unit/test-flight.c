/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder against a model: of each CPU, the newest that fit. */
#include "probe/live/flight.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM	4096
#define CPUS	3
#define RECORDS 20000

struct big {
	struct fl_record head;
	uint8_t rest[600];
};

/* What came back, and what is expected next. */
struct seen {
	uint64_t last;
	uint64_t of[CPUS], first[CPUS], n;
	size_t bytes[CPUS];
};

static int look(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	const struct big *b = (const void *)rec;
	struct seen *s = ctx;
	uint8_t sum = (uint8_t)rec->pid;

	assert_true(rec->time > s->last);
	s->last = rec->time;
	assert_int_equal(rec->cpu, cpu);
	for (size_t i = 0; i < size - sizeof(b->head); i++)
		assert_int_equal(b->rest[i], sum);
	if (!s->of[cpu])
		s->first[cpu] = rec->pid;
	else
		assert_int_equal(rec->pid, s->of[cpu] + 1); /* none is left out between */
	s->of[cpu] = rec->pid;
	s->bytes[cpu] += 8 + (size + 7) / 8 * 8;
	s->n++;
	return 0;
}

static size_t make(struct big *b, uint32_t cpu, uint32_t number, uint64_t time)
{
	size_t rest = (size_t)rand() % sizeof(b->rest);

	memset(b, 0, sizeof(*b));
	b->head.time = time;
	b->head.cpu = cpu;
	b->head.pid = number;
	b->head.event = cpu == 1;
	memset(b->rest, (int)(uint8_t)number, rest);
	return sizeof(b->head) + rest;
}

static void keeps_the_newest(void **state)
{
	struct fl_flight *f;

	srand(9);
	assert_int_equal(fl_flight_new(ROOM, 2, &f), 0);
	for (int round = 0; round < 50; round++) {
		uint64_t before[2] = { fl_flight_overwritten(f, 0), fl_flight_overwritten(f, 1) };
		uint32_t n[CPUS] = {}, total = (uint32_t)rand() % 400 + 60;
		struct seen s = {};
		struct big b;

		for (uint32_t i = 0; i < total; i++) {
			uint32_t cpu = i < CPUS ? i : (uint32_t)rand() % CPUS;
			size_t size = make(&b, cpu, ++n[cpu], i + 1);

			assert_int_equal(fl_flight_add(f, cpu, &b.head, size), 0);
		}
		assert_int_equal(fl_flight_drain(f, look, &s), 0);
		for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
			assert_int_equal(s.of[cpu], n[cpu]); /* the last one is there */
			assert_true(s.bytes[cpu] <= ROOM);
			/* and as many as there is room for: but for the largest, and what was skipped for one */
			assert_true(s.first[cpu] == 1 || s.bytes[cpu] > ROOM - 2 * sizeof(struct big) - 16);
		}
		assert_int_equal(s.n + fl_flight_overwritten(f, 0) + fl_flight_overwritten(f, 1),
				 total + before[0] + before[1]);
		assert_int_equal(s.of[1] - s.first[1] + 1 + fl_flight_overwritten(f, 1), n[1] + before[1]);
	}
	fl_flight_free(f);
}

static void refuses_what_is_larger_than_all(void **state)
{
	struct fl_flight *f;
	struct big b;

	assert_int_equal(fl_flight_new(64, 1, &f), 0);
	make(&b, 0, 1, 1);
	assert_int_equal(fl_flight_add(f, 0, &b.head, sizeof(b)), -E2BIG);
	assert_int_equal(fl_flight_add(f, 0, &b.head, 56), 0);
	assert_int_equal(fl_flight_add(f, 0, &b.head, 56), 0);
	assert_int_equal(fl_flight_overwritten(f, 0), 1);
	fl_flight_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_newest),
		cmocka_unit_test(refuses_what_is_larger_than_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
