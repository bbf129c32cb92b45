/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms that are counted here. What must come out is added up beside it, from the same random records, by C's
 * own arithmetic on a plain struct; the form of the file is the kernel's (Documentation/trace/histogram.rst). That a
 * kernel counts the same is tests/vm/mount.sh's.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/count/count.h"
#include "probe/target/target.h"

#define COMMON "format:\n" \
	       "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	       "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	       "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	       "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define FIELDS "\tfield:unsigned int len;\toffset:8;\tsize:4;\tsigned:0;\n" \
	       "\tfield:short change;\toffset:12;\tsize:2;\tsigned:1;\n" \
	       "\tfield:unsigned char kind;\toffset:14;\tsize:1;\tsigned:0;\n" \
	       "\tfield:u64 where;\toffset:16;\tsize:8;\tsigned:0;\n" \
	       "\tfield:char name[8];\toffset:24;\tsize:8;\tsigned:0;\n\n" \
	       "print fmt: \"%u\", REC->len\n"

struct record {
	uint16_t type;
	uint8_t flags, preempt_count;
	int32_t pid;
	uint32_t len;
	int16_t change;
	uint8_t kind, unused;
	uint64_t where;
	char name[8];
};

struct fixture {
	struct fl_target *target;
	struct fl_symbols *symbols;
	struct fl_triggers set;
	struct fl_trigger_log log;
	uint64_t made[2]; /* by an action */
	unsigned int nr_made, nr_snapshots;
};

static const struct fl_probe_event *find(void *ctx, const char *system, const char *event, bool synth)
{
	return NULL;
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_int_equal(fl_target_open(&(struct fl_target_opts){ .kallsyms = "/dev/null" }, &x->target), 0);
	assert_int_equal(fl_target_put_format(x->target, FL_STR("g"),
					      FL_STR("name: first\nID: 1\n" COMMON FIELDS), NULL), 0);
	assert_int_equal(fl_target_put_format(x->target, FL_STR("g"),
					      FL_STR("name: second\nID: 2\n" COMMON FIELDS), NULL), 0);
	assert_int_equal(fl_symbols_new(x->target, &x->symbols), 0);
	x->set = (struct fl_triggers){ .target = x->target, .find = find, .clear_counted = fl_count_clear };
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	fl_triggers_fini(&x->set);
	fl_trigger_log_fini(&x->log);
	fl_symbols_free(x->symbols);
	fl_target_close(x->target);
	free(x);
	return 0;
}

static void write_trigger(struct fixture *x, const char *event, const char *text)
{
	int r = fl_triggers_write(&x->set, FL_STR("g"), fl_str(event), fl_str(text), &x->log, NULL);

	if (r < 0)
		fail_msg("%s: %s: %s", event, text, x->log.n ? x->log.entry[x->log.n - 1].kind->message : strerror(-r));
}

static void snapshot(void *ctx)
{
	struct fixture *x = ctx;

	x->nr_snapshots++;
}

/* @size: less than all of it where the record is cut off. */
static void happen_part(struct fixture *x, const char *event, const struct record *r, size_t size, uint64_t time)
{
	struct fl_trigger_event *e = fl_triggers_event(&x->set, FL_STR("g"), fl_str(event));
	const struct fl_count_actions actions = { .snapshot = snapshot, .ctx = x };
	const struct fl_count_record rec = { .data = (const uint8_t *)r, .size = size, .time = time,
					     .pid = (uint32_t)r->pid, .cpu = 1, .comm = FL_STR("worker") };

	assert_non_null(e);
	assert_int_equal(fl_count(e, &rec, &actions), 0);
}

static void happen(struct fixture *x, const char *event, const struct record *r, uint64_t time)
{
	happen_part(x, event, r, sizeof(*r), time);
}

static void shows(struct fixture *x, const char *event, const char *what)
{
	_cleanup_buf_ struct fl_buf out = {};

	assert_int_equal(fl_count_show(fl_triggers_event(&x->set, FL_STR("g"), fl_str(event)), x->symbols, &out), 0);
	if (!strstr(fl_buf_z(&out), what))
		fail_msg("no '%s' in\n%s", what, fl_buf_z(&out));
}

static uint64_t seed = 88172645463325252u;

static uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static struct record any_record(void)
{
	struct record r = { .pid = (int32_t)(any() % 5), .len = (uint32_t)any(), .change = (int16_t)any(),
			    .kind = (uint8_t)(any() % 3), .where = any() };

	snprintf(r.name, sizeof(r.name), "n%u", (unsigned int)(any() % 4));
	return r;
}

/* ---- sums ---- */

static void test_sums(void **state)
{
	struct fixture *x = *state;
	uint64_t hits[5][3] = {}, len[5][3] = {}, change[5][3] = {};

	write_trigger(x, "first", "hist:keys=common_pid,kind:vals=len,change");
	for (int i = 0; i < 20000; i++) {
		struct record r = any_record();

		hits[r.pid][r.kind]++;
		len[r.pid][r.kind] += r.len;
		change[r.pid][r.kind] += (uint64_t)(int64_t)r.change;
		happen(x, "first", &r, (uint64_t)i);
	}
	for (int pid = 0; pid < 5; pid++)
		for (int kind = 0; kind < 3; kind++) {
			char row[200];

			snprintf(row, sizeof(row), "{ common_pid: %10d, kind: %10d } hitcount: %10" PRIu64
				 "  len: %10" PRIu64
				 "  change: %10" PRIu64 "\n", pid, kind, hits[pid][kind], len[pid][kind], change[pid][kind]);
			shows(x, "first", row);
		}
	shows(x, "first", "\nTotals:\n    Hits: 20000\n    Entries: 15\n    Dropped: 0\n");
	assert_int_equal(fl_count_hits(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("first"))), 20000);
}

/* Text ends at its NUL; a filter lets some pass. */
static void test_text_and_filter(void **state)
{
	struct fixture *x = *state;
	uint64_t hits[4] = {};

	write_trigger(x, "first", "hist:keys=name if change < 0");
	for (int i = 0; i < 5000; i++) {
		struct record r = any_record();

		hits[r.name[1] - '0'] += r.change < 0;
		happen(x, "first", &r, 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		char row[100];

		snprintf(row, sizeof(row), "{ name: n%-49u } hitcount: %10" PRIu64 "\n", i, hits[i]);
		shows(x, "first", row);
	}
}

/* Of a power of two its exponent, rounded up; of a bucket its first number. */
static void test_modifiers(void **state)
{
	struct fixture *x = *state;
	static const struct { uint32_t len; unsigned int log2; } cases[] = {
		{ 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 1025, 11 }, { UINT32_MAX, 32 },
	};

	write_trigger(x, "first", "hist:keys=len.log2");
	write_trigger(x, "second", "hist:keys=len.buckets=10");
	for (size_t i = 0; i < FL_ARRAY_SIZE(cases); i++) {
		const struct record r = { .len = cases[i].len };
		char row[100];

		happen(x, "first", &r, 0);
		happen(x, "second", &r, 0);
		snprintf(row, sizeof(row), "{ len: ~ 2^%-2u ", cases[i].log2);
		shows(x, "first", row);
		snprintf(row, sizeof(row), "{ len: ~ %u-%u } ", cases[i].len / 10 * 10, cases[i].len / 10 * 10 + 9);
		if (cases[i].len != UINT32_MAX) /* whose bucket ends behind it */
			shows(x, "second", row);
	}
}

/* What 7.3 made of len/3, in its hist file; above 2^20 it divides. */
static void test_division(void **state)
{
	struct fixture *x = *state;
	static const struct { uint32_t len, third; } cases[] = {
		{ 0, 0 }, { 12, 4 }, { 89, 30 }, { 217, 73 }, { 218, 73 }, { 257, 86 }, { 302, 101 }, { 318, 106 },
		{ 334, 112 }, { 4096, 1366 }, { 1u << 20, 349525 }, { UINT32_MAX, 1431655765 },
	};

	write_trigger(x, "first", "hist:keys=len:third=len/3:onmax($third).save(kind)");
	for (size_t i = 0; i < FL_ARRAY_SIZE(cases); i++) {
		const struct record r = { .len = cases[i].len };
		char row[100];

		happen(x, "first", &r, 0);
		snprintf(row, sizeof(row), "{ len: %10u } hitcount:          1\n\tmax: %10u ", cases[i].len,
			 cases[i].third);
		shows(x, "first", row);
	}
}

/* ---- room ---- */

static void test_full_table(void **state)
{
	struct fixture *x = *state;

	write_trigger(x, "first", "hist:keys=where:size=128");
	for (uint64_t i = 0; i < 1000; i++)
		happen(x, "first", &(struct record){ .where = i % 500 }, 0);
	shows(x, "first", "\n    Hits: 256\n    Entries: 128\n    Dropped: 744\n");
	fl_count_lost(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("first")), 6);
	shows(x, "first", "\n    Dropped: 750\n");
	write_trigger(x, "first", "hist:keys=where:size=128:clear");
	shows(x, "first", "\n    Hits: 0\n    Entries: 0\n    Dropped: 0\n");
	assert_int_equal(fl_count_hits(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("first"))), 1000);
}

static void test_pause(void **state)
{
	struct fixture *x = *state;
	const struct record r = { .kind = 7 };

	write_trigger(x, "first", "hist:keys=kind:pause");
	happen(x, "first", &r, 0);
	fl_count_lost(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("first")), 3);
	shows(x, "first", "\n    Hits: 0\n    Entries: 0\n    Dropped: 0\n");
	write_trigger(x, "first", "hist:keys=kind:cont");
	happen(x, "first", &r, 0);
	shows(x, "first", "{ kind:          7 } hitcount:          1\n");
}

/* A field that lies outside of its record is 0, whatever the record is cut to. */
static void test_cut_records(void **state)
{
	struct fixture *x = *state;
	struct record all;

	memset(&all, 0xff, sizeof(all));
	write_trigger(x, "first", "hist:keys=where:vals=len,change");
	write_trigger(x, "second", "hist:keys=name");
	for (size_t n = 0; n <= sizeof(all); n++) {
		uint8_t *cut = malloc(n ? n : 1); /* as large as that, so that a sanitizer sees who looks behind it */

		memcpy(cut, &all, n);
		happen_part(x, "first", (const struct record *)(const void *)(n >= 8 ? cut : (uint8_t *)&all), n, 0);
		if (n >= 8)
			happen_part(x, "second", (const struct record *)(const void *)cut, n, 0);
		free(cut);
	}
	/* 24 lengths have no "where"; of these 12 a "len" and 10 a "change", which is -1 */
	shows(x, "first", "{ where:          0 } hitcount:         24  "
			  "len: 51539607540  change: 18446744073709551606\n");
	shows(x, "first", "    Hits: 33\n    Entries: 2\n");
}

/* ---- variables ---- */

static void test_variables(void **state)
{
	struct fixture *x = *state;

	write_trigger(x, "first", "hist:keys=common_pid:start=common_timestamp.usecs,before=len");
	write_trigger(x, "second", "hist:keys=common_pid:took=common_timestamp.usecs-$start,more=len-$before:"
				   "onmax($took).save(len,name):onchange($more).snapshot()");
	happen(x, "second", &(struct record){ .pid = 3, .len = 1 }, 500); /* nothing was set: it is not counted */
	shows(x, "second", "    Hits: 0\n");
	happen(x, "first", &(struct record){ .pid = 3, .len = 10 }, 1000000);
	happen(x, "second", &(struct record){ .pid = 4, .len = 15 }, 1500000); /* another one's */
	shows(x, "second", "    Hits: 0\n");
	happen(x, "second", &(struct record){ .pid = 3, .len = 15, .name = "slow" }, 5000000);
	shows(x, "second", "{ common_pid:          3 } hitcount:          1\n"
			   "\tmax:       4000  len:         15  name: slow ");
	assert_int_equal(x->nr_snapshots, 1);
	happen(x, "second", &(struct record){ .pid = 3, .len = 15 }, 9000000); /* reading has used them up */
	shows(x, "second", "    Hits: 1\n");
	happen(x, "first", &(struct record){ .pid = 3, .len = 20 }, 9000000);
	happen(x, "second", &(struct record){ .pid = 3, .len = 25, .name = "fast" }, 9001000);
	shows(x, "second", "\tmax:       4000  len:         15  name: slow "); /* 1 is less, and 5 no change */
	assert_int_equal(x->nr_snapshots, 1);
	happen(x, "first", &(struct record){ .pid = 3, .len = 20 }, 10000000);
	happen(x, "second", &(struct record){ .pid = 3, .len = 28, .name = "late" }, 19000000);
	shows(x, "second", "\tmax:       9000  len:         28  name: late ");
	shows(x, "second", "triggering value { onchange($more) }:          8\ttriggered by event with key: ");
	assert_int_equal(x->nr_snapshots, 2);
}

/* Two that count in one table. */
static void test_shared(void **state)
{
	struct fixture *x = *state;

	write_trigger(x, "first", "hist:name=both:keys=kind:vals=len");
	write_trigger(x, "second", "hist:name=both:keys=kind:vals=len");
	happen(x, "first", &(struct record){ .kind = 2, .len = 5 }, 0);
	happen(x, "second", &(struct record){ .kind = 2, .len = 6 }, 0);
	shows(x, "first", "{ kind:          2 } hitcount:          2  len:         11\n");
	shows(x, "second", "{ kind:          2 } hitcount:          2  len:         11\n");
	write_trigger(x, "first", "!hist:name=both:keys=kind:vals=len");
	happen(x, "second", &(struct record){ .kind = 2, .len = 7 }, 0);
	shows(x, "second", "{ kind:          2 } hitcount:          3  len:         18\n");
}

static void test_stack_wanted(void **state)
{
	struct fixture *x = *state;

	write_trigger(x, "first", "hist:keys=common_stacktrace");
	write_trigger(x, "second", "hist:keys=kind:s=common_stacktrace");
	assert_true(fl_count_wants_stack(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("first"))));
	assert_true(fl_count_wants_stack(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("second"))));
	write_trigger(x, "first", "!hist:keys=common_stacktrace");
	assert_false(fl_count_wants_stack(fl_triggers_event(&x->set, FL_STR("g"), FL_STR("first"))));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_sums),	    T(test_text_and_filter), T(test_modifiers), T(test_full_table), T(test_pause),
		T(test_division),
		T(test_cut_records), T(test_variables),	     T(test_shared),	T(test_stack_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
