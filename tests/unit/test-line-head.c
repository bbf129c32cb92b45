/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and the beginning of lines, which are put together by hand, against printf() with the
 * formats of the kernel's own (trace_print_context(): "%16s-%-7d ", "[%03d] ", " %5lu.%06lu: "); and what jiffies say.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "probe/output/linehead.h"
#include "probe/output/meaning.h"
#include "probe/output/put.h"

static void assert_number(uint64_t v)
{
	char ours[FL_PUT_NUMBER + 1] = "", theirs[32];

	*fl_put_u64(ours, v) = '\0';
	snprintf(theirs, sizeof(theirs), "%" PRIu64, v);
	assert_string_equal(ours, theirs);
	*fl_put_s64(ours, (int64_t)v) = '\0';
	snprintf(theirs, sizeof(theirs), "%" PRId64, (int64_t)v);
	assert_string_equal(ours, theirs);
	*fl_put_hex(ours, v) = '\0';
	snprintf(theirs, sizeof(theirs), "0x%" PRIx64, v);
	assert_string_equal(ours, theirs);
}

static void test_numbers(void **state)
{
	uint64_t v = 1;

	for (uint64_t i = 0; i < 20000; i++)
		assert_number(i);
	for (int digits = 0; digits < 20; digits++, v *= 10)
		for (int64_t off = -2; off <= 2; off++)
			assert_number(v + (uint64_t)off);
	assert_number(UINT64_MAX);
	assert_number(1ull << 63);
	assert_number((1ull << 63) - 1);
}

static void assert_head(struct fl_line_heads *heads, uint32_t cpu, const struct fl_record *rec)
{
	char ours[FL_LINE_HEAD_ROOM], theirs[FL_LINE_HEAD_ROOM];
	uint64_t time = rec->time > UINT64_MAX - 500 ? rec->time : rec->time + 500;
	snprintf(theirs, sizeof(theirs), "%16.16s-%-7" PRIu32 " [%03" PRIu32 "] %c.... %5" PRIu64 ".%06" PRIu64 ": ",
		 !rec->pid ? "<idle>" : rec->comm, rec->pid, cpu,
		 rec->flags & FL_RECORD_IRQS_OFF ? 'd' : '.', time / 1000000000, time % 1000000000 / 1000);
	*fl_line_head(heads, ours, cpu, rec, NULL) = '\0';
	assert_string_equal(ours, theirs);
	*fl_line_head_once(ours, cpu, rec) = '\0';
	assert_string_equal(ours, theirs);
}

/* What was kept of an earlier line must not show in one that differs in one thing only. */
static void test_heads(void **state)
{
	static const uint64_t times[] = { 0, 499, 500, 999999499, 999999500, 1000000000, 1999999999,
					  99999999999999, 100000000000000, 5, UINT64_MAX - 500, UINT64_MAX };
	static const uint32_t pids[] = { 0, 1, 999999, 1000000, 9999999, 4194304, UINT32_MAX };
	static const uint32_t cpus[] = { 0, 1, 64, 65, 128, 999, 1000, 8191, UINT32_MAX };
	static const char *const comms[] = { "", "a", "sixteen-letters", "x y", "sixteen-letter", "swapper/3" };
	static struct fl_line_heads heads;

	srandom(1);
	for (int i = 0; i < 20000; i++) {
		struct fl_record rec = {
			.time = times[random() % (long)FL_ARRAY_SIZE(times)],
			.pid = pids[random() % (long)FL_ARRAY_SIZE(pids)],
			.flags = random() % 2 ? FL_RECORD_IRQS_OFF : 0,
		};

		strncpy(rec.comm, comms[random() % (long)FL_ARRAY_SIZE(comms)], sizeof(rec.comm) - 1);
		assert_head(&heads, cpus[random() % (long)FL_ARRAY_SIZE(cpus)], &rec);
	}
}

/* The letters are those of the kernel's trace_print_lat_fmt(). */
static void test_contexts(void **state)
{
	static const struct {
		struct fl_context context;
		const char *want;
	} rows[] = { { { 0, 0 }, "] ..... " }, { { 0, 1 }, "] ...1. " }, { { 0x10, 0 }, "] ..s.. " },
		     { { 0x08, 0 }, "] ..h.. " }, { { 0x18, 1 }, "] ..H1. " }, { { 0x48, 0 }, "] ..Z.. " },
		     { { 0x40, 0 }, "] ..z.. " }, { { 0x24, 0 }, "] .N... " }, { { 0x04, 0 }, "] .n... " },
		     { { 0x20, 0 }, "] .p... " }, { { 0x80, 0 }, "] b.... " }, { { 0x81, 0 }, "] D.... " },
		     { { 0x01, 0x2f }, "] d..f2 " }, { { 0x26, 0 }, "] .B... " }, { { 0x02, 0 }, "] .l... " } };
	static struct fl_line_heads heads;

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		struct fl_record rec = { .pid = 7 };
		char head[FL_LINE_HEAD_ROOM];

		*fl_line_head(&heads, head, 3, &rec, &rows[i].context) = '\0';
		if (!strstr(head, rows[i].want))
			fail_msg("'%s' has no '%s'", head, rows[i].want);
	}
}

/* The kernel's INITIAL_JIFFIES: (unsigned long)(unsigned int)(-300 * HZ). */
static void test_jiffies(void **state)
{
	static const struct {
		uint64_t v;
		uint32_t hz;
		const char *text;
	} rows[] = {
		{ 4294892296, 250, "@0.000s" },	 { 4294892546, 250, "@1.000s" },
		{ 4294892295, 250, "17179569.180s" },
		{ 4294667296, 1000, "@0.000s" }, { 4294967296, 1000, "@300.000s" }, { 4294937297, 100, "@0.010s" },
		{ 0, 1000, "0.000s" },		 { 1, 300, "0.003s" },		    { 90000, 300, "300.000s" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_meaning_jiffies(rows[i].v, rows[i].hz, &b);
		assert_string_equal(fl_buf_z(&b), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_jiffies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
