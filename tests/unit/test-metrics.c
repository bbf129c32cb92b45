/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms are OpenMetrics 1.0's (its ABNF and its rules of counters, histograms and exemplars) and Prometheus's
 * text exposition format 0.0.4; what is expected was written by hand from these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "metrics/text.h"

static void label(struct fl_labels *l, const char *name, const char *value)
{
	fl_labels_add(l, fl_str(name), fl_str(value));
}

static void expect(struct fl_metrics *m, enum fl_metrics_form form, const char *want)
{
	_cleanup_buf_ struct fl_buf out = {};

	fl_metrics_text(m, form, &out);
	assert_int_equal(out.error, 0);
	assert_string_equal(fl_buf_z(&out), want);
}

static void test_counter(void **state)
{
	_cleanup_labels_ struct fl_labels l = {};
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	struct fl_series *s;

	assert_int_equal(fl_metrics_new(0, &m), 0);
	label(&l, "event", "a\"b\\c\nd\xff");
	s = fl_metrics_add(m, FL_METRIC_RECORDS, &l, FL_U64(UINT64_MAX));
	s->exemplar = (struct fl_exemplar){ true, 7, "cat\xff", 1500000001000000005 };
	expect(m, FL_METRICS_OPENMETRICS,
	       "# HELP foreland_probe_records Records that a probe handed out.\n"
	       "# TYPE foreland_probe_records counter\n"
	       "foreland_probe_records_total{event=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 18446744073709551615"
	       " # {pid=\"7\",comm=\"cat\xef\xbf\xbd\"} 1 1500000001.000000005\n# EOF\n");
	expect(m, FL_METRICS_PROMETHEUS,
	       "# HELP foreland_probe_records_total Records that a probe handed out.\n"
	       "# TYPE foreland_probe_records_total counter\n"
	       "foreland_probe_records_total{event=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 18446744073709551615\n");
}

static void test_gauge(void **state)
{
	_cleanup_metrics_ struct fl_metrics *m = NULL;

	assert_int_equal(fl_metrics_new(0, &m), 0);
	fl_metrics_add(m, FL_METRIC_ALLOC_BYTES, NULL, FL_S64(-5));
	expect(m, FL_METRICS_OPENMETRICS,
	       "# HELP foreland_alloc_bytes Live bytes by call site.\n# TYPE foreland_alloc_bytes gauge\n"
	       "# UNIT foreland_alloc_bytes bytes\nforeland_alloc_bytes -5\n# EOF\n");
}

/* Buckets add up, the last is +Inf; OpenMetrics has _count only where there is a _sum. */
static void test_histogram(void **state)
{
	_cleanup_labels_ struct fl_labels l = {};
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	struct fl_metric_bucket b[] = { { 1, 2 }, { 4, 3 } };
	struct fl_distribution d = { .buckets = b, .n = 2, .above = 1 };

	assert_int_equal(fl_metrics_new(0, &m), 0);
	label(&l, "event", "e");
	fl_metrics_distribution(m, FL_METRIC_HIST, &l, &d);
	d.has_sum = true;
	d.sum = 99;
	fl_metrics_distribution(m, FL_METRIC_HIST, NULL, &d);
	expect(m, FL_METRICS_PROMETHEUS,
	       "# HELP foreland_hist_distribution Distribution by a key with .log2 or .buckets.\n"
	       "# TYPE foreland_hist_distribution histogram\n"
	       "foreland_hist_distribution_bucket{event=\"e\",le=\"1.0\"} 2\n"
	       "foreland_hist_distribution_bucket{event=\"e\",le=\"4.0\"} 5\n"
	       "foreland_hist_distribution_bucket{event=\"e\",le=\"+Inf\"} 6\n"
	       "foreland_hist_distribution_bucket{le=\"1.0\"} 2\n"
	       "foreland_hist_distribution_bucket{le=\"4.0\"} 5\n"
	       "foreland_hist_distribution_bucket{le=\"+Inf\"} 6\n"
	       "foreland_hist_distribution_count 6\nforeland_hist_distribution_sum 99\n");
}

/* A name twice makes a scraper refuse the whole answer. */
static void test_labels(void **state)
{
	static const char *const rows[][2] = {
		{ "event", "event" }, { "event", "event_" }, { "event", "event__" }, { "le", "le_" },
		{ "quantile", "quantile_" }, { "__name__", "key__name__" }, { "2nd", "_nd" }, { "a.b-c", "a_b_c" },
		{ "", "_" },
	};
	_cleanup_labels_ struct fl_labels l = {};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		label(&l, rows[i][0], "v");
		assert_int_equal(l.n, i + 1);
		assert_int_equal(l.v[i].name.n, strlen(rows[i][1]));
		assert_memory_equal(l.v[i].name.p, rows[i][1], l.v[i].name.n);
	}
	for (size_t i = 0; i < 100; i++)
		label(&l, "x", "v");
	assert_int_equal(l.n, FL_LABELS_MAX);
}

/* What the budget cuts is told; what is no key's does not count. */
static void test_budget(void **state)
{
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	_cleanup_buf_ struct fl_buf out = {};

	assert_int_equal(fl_metrics_new(3, &m), 0);
	fl_metrics_add(m, FL_METRIC_HITS, NULL, FL_U64(1));
	for (int i = 0; i < 5; i++) {
		_cleanup_labels_ struct fl_labels l = {};

		label(&l, "n", (char[]){ (char)('0' + i), '\0' });
		fl_metrics_add(m, FL_METRIC_HIST_HITS, &l, FL_U64(1));
	}
	assert_null(fl_metrics_add(m, FL_METRIC_HIST_SUM, NULL, FL_U64(1)));
	fl_metrics_finish(m);
	fl_metrics_text(m, FL_METRICS_PROMETHEUS, &out);
	assert_non_null(strstr(fl_buf_z(&out), "foreland_series_cut{metric=\"foreland_hist_hits\"} 2\n"));
	assert_non_null(strstr(fl_buf_z(&out), "foreland_series_cut{metric=\"foreland_hist_sum\"} 1\n"));
	assert_non_null(strstr(fl_buf_z(&out), "foreland_probe_hits_total 1\n"));
}

/* Keys that read alike are one series: Prometheus takes nothing of an answer that has one twice. */
static void test_same(void **state)
{
	_cleanup_labels_ struct fl_labels l = {};
	_cleanup_metrics_ struct fl_metrics *m = NULL;
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_metric_bucket a[] = { { 1, 2 }, { 4, 3 } }, b[] = { { 2, 5 }, { 4, 1 }, { 8, 1 } };
	struct fl_distribution d = { .buckets = a, .n = 2, .has_sum = true, .sum = 5 };

	assert_int_equal(fl_metrics_new(2, &m), 0);
	label(&l, "f", "x\xfe");
	fl_metrics_add(m, FL_METRIC_HIST_HITS, &l, FL_U64(40));
	fl_metrics_distribution(m, FL_METRIC_HIST, &l, &d);
	fl_labels_fini(&l);
	label(&l, "f", "x\xff");
	fl_metrics_add(m, FL_METRIC_HIST_HITS, &l, FL_U64(2));
	d = (struct fl_distribution){ .buckets = b, .n = 3, .above = 9, .has_sum = true, .sum = 7 };
	fl_metrics_distribution(m, FL_METRIC_HIST, &l, &d);
	fl_metrics_text(m, FL_METRICS_PROMETHEUS, &out);
	assert_non_null(strstr(fl_buf_z(&out), "foreland_hist_hits_total{f=\"x\xef\xbf\xbd\"} 42\n"));
	assert_null(strstr(strstr(fl_buf_z(&out), "} 42\n") + 1, "foreland_hist_hits_total"));
	assert_non_null(strstr(fl_buf_z(&out), "le=\"1.0\"} 2\n"));
	assert_non_null(strstr(fl_buf_z(&out), "le=\"2.0\"} 7\n"));
	assert_non_null(strstr(fl_buf_z(&out), "le=\"4.0\"} 11\n"));
	assert_non_null(strstr(fl_buf_z(&out), "le=\"+Inf\"} 21\n"));
	assert_non_null(strstr(fl_buf_z(&out), "distribution_sum{f=\"x\xef\xbf\xbd\"} 12\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter),	  cmocka_unit_test(test_gauge),	 cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_labels),	  cmocka_unit_test(test_budget), cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
