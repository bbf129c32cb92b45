/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms as text: the form is the kernel's (Documentation/trace/histogram.rst, whose lines these
 * are but for the numbers), the bars are ours. Stacks that differ only in what tracing put on them are
 * one entry. What the guest's kernel prints itself is tests/vm/hist.sh's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/output/hist.h"
#include "probe/target/target.h"

#define KSYMS "ffffffff81000000 T _text\n" \
	      "ffffffff81000100 T __traceiter_sys_enter\n" \
	      "ffffffff81000200 T do_syscall_64\n" \
	      "ffffffff81000300 T entry\n" \
	      "ffffffff81000400 T _end\n"

#define ROW "{\"group\":\"kmem\",\"event\":\"kmalloc\",\"keys\":"

struct fixture {
	struct fl_target *target;
	struct fl_symbols *symbols;
	struct fl_probe_arg arg;
	struct fl_probe_event event;
	struct fl_record_schema probe;
	struct fl_triggers set;
	struct fl_trigger_log log;
	struct fl_hist hist;
};

static const struct fl_probe_event *find(void *ctx, const char *system, const char *event, bool synth)
{
	struct fixture *x = ctx;

	return !synth && strcmp(system, "kmem") == 0 && strcmp(event, "kmalloc") == 0 ? &x->event : NULL;
}

static int parse(struct fixture *x, const char *spec)
{
	const char *why = NULL;
	struct fl_trigger *t;
	int r = fl_triggers_write(&x->set, FL_STR("kmem"), FL_STR("kmalloc"), fl_str(spec), &x->log, &t);

	return r < 0 ? r : fl_hist_layout(t, &x->event, &x->hist, &why);
}

static void write_ksyms(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(KSYMS, f);
	fclose(f);
}

static int setup(void **state)
{
	char path[] = "hist-ksyms-XXXXXX";
	struct fixture *x = calloc(1, sizeof(*x));
	struct fl_ksyms *unused;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	write_ksyms(path);
	assert_int_equal(fl_target_open(&(struct fl_target_opts){ .kallsyms = path }, &x->target), 0);
	assert_int_equal(fl_target_ksyms(x->target, &unused), 0);
	assert_int_equal(fl_symbols_new(x->target, &x->symbols), 0);
	unlink(path);
	for (size_t i = 0; i < fl_nr_fetch_types; i++)
		if (strcmp(fl_fetch_types[i].name, "u32") == 0)
			x->arg = (struct fl_probe_arg){ .name = FL_STR("len"), .size = 4, .type = &fl_fetch_types[i] };
	x->event = (struct fl_probe_event){ .group = FL_STR("kmem"), .event = FL_STR("kmalloc"),
					    .args = &x->arg, .nr_args = 1 };
	x->probe = (struct fl_record_schema){ .event = &x->event, .hook = "raw tracepoint", .own_frames = 1 };
	x->set = (struct fl_triggers){ .find = find, .ctx = x, .ours = true };
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

static void test_bars(void **state)
{
	struct fixture *x = *state;
	uint64_t keys[2] = { 64, 8 };
	struct fl_hist_entry entries[] = { { .key = (const uint8_t *)&keys[0], .hits = 1 },
					   { .key = (const uint8_t *)&keys[1], .hits = 4 } };
	struct fl_hist_table t = { .hist = &x->hist, .entries = entries, .n = 2, .hits = 5 };
	_cleanup_buf_ struct fl_buf plain = {}, bars = {}, json = {};

	assert_int_equal(parse(x, "hist:keys=len"), 0);
	fl_hist_text(&x->probe, &t, 0, x->symbols, false, &plain);
	assert_string_equal(fl_buf_z(&plain),
			    "# kmem/kmalloc\n# event histogram\n#\n"
			    "# trigger info: hist:keys=len:vals=hitcount:sort=hitcount:size=2048 [active]\n#\n\n"
			    "{ len:         64 } hitcount:          1\n"
			    "{ len:          8 } hitcount:          4\n"
			    "\nTotals:\n    Hits: 5\n    Entries: 2\n    Dropped: 0\n");
	fl_hist_text(&x->probe, &t, 40 + 3 + 8, x->symbols, false, &bars); /* a row is 40 columns */
	assert_non_null(strstr(fl_buf_z(&bars), "{ len:         64 } hitcount:          1 |@@      |\n"
						"{ len:          8 } hitcount:          4 |@@@@@@@@|\n"));
	fl_buf_reset(&bars);
	fl_hist_text(&x->probe, &t, 40 + 3 + 3, x->symbols, false, &bars); /* a bar of three says nothing */
	assert_string_equal(fl_buf_z(&bars), fl_buf_z(&plain));
	fl_hist_json(&x->probe, &t, x->symbols, &json);
	assert_string_equal(fl_buf_z(&json),
			    ROW "{\"len\":64},\"hitcount\":1,\"vals\":{}}\n"
			    ROW "{\"len\":8},\"hitcount\":4,\"vals\":{}}\n");
}

/* One of the two came through the iterator that calls the program, too. */
static void test_stacks_become_one(void **state)
{
	struct fixture *x = *state;
	uint64_t keys[2][FL_HIST_FRAMES_RAW] = {
		{ 0xffffffff81000110, 0xffffffff81000210, 0xffffffff81000310 },
		{ 0xffffffff81000210, 0xffffffff81000310 },
	};
	struct fl_hist_entry *entries = calloc(2, sizeof(*entries));
	struct fl_hist_table t = { .hist = &x->hist, .entries = entries, .n = 2, .hits = 5 };
	_cleanup_buf_ struct fl_buf out = {};

	assert_int_equal(parse(x, "hist:keys=stacktrace:vals=len"), 0);
	assert_int_equal(x->hist.key_size, sizeof(keys[0]));
	for (int i = 0; i < 2; i++)
		entries[i] = (struct fl_hist_entry){ .key = (const uint8_t *)keys[i], .hits = 2 + i,
						     .sums = { 10 } };
	fl_hist_trim(&t, x->symbols);
	assert_int_equal(t.n, 1);
	fl_hist_text(&x->probe, &t, 0, x->symbols, false, &out);
	assert_non_null(strstr(fl_buf_z(&out), "{ common_stacktrace:\n"
					       "         do_syscall_64+0x10/0x100\n"
					       "         entry+0x10/0x100\n"
					       "} hitcount:          5  len:         20\n"));
	free(entries);
}

/* The kernel's percentage, in hundredths, and its graph, 20 columns wide (trace_events_hist.c). */
static void test_parts(void **state)
{
	struct fixture *x = *state;
	uint64_t keys[2] = { 64, 8 };
	struct fl_hist_entry entries[] = { { .key = (const uint8_t *)&keys[0], .hits = 1, .sums = { 1, 1 } },
					   { .key = (const uint8_t *)&keys[1], .hits = 4, .sums = { 2, 2 } } };
	struct fl_hist_table t = { .hist = &x->hist, .entries = entries, .n = 2, .hits = 5 };
	_cleanup_buf_ struct fl_buf out = {}, json = {};

	assert_int_equal(parse(x, "hist:keys=len:vals=len.percent,len.graph:nohitcount"), 0);
	fl_hist_table_sort(&t);
	fl_hist_text(&x->probe, &t, 0, x->symbols, false, &out);
	assert_non_null(strstr(fl_buf_z(&out), "{ len:         64 }  len (%):  33.33  len: ##########          \n"
					       "{ len:          8 }  len (%):  66.66  len: ####################\n"));
	fl_hist_json(&x->probe, &t, x->symbols, &json);
	assert_non_null(strstr(fl_buf_z(&json), ROW "{\"len\":64},\"vals\":{\"len\":1,\"len\":1}}\n"));
}

static void test_seen(void **state)
{
	struct fixture *x = *state;
	uint64_t key = 64, seen[3] = { 0, 9, 7 };
	struct fl_hist_entry entry = { .key = (const uint8_t *)&key, .hits = 1, .seen = (const uint8_t *)seen };
	struct fl_hist_table t = { .hist = &x->hist, .entries = &entry, .n = 1, .hits = 1 };
	_cleanup_buf_ struct fl_buf out = {}, json = {};

	assert_int_equal(parse(x, "hist:keys=len:v=len*2:onmax($v).save(len)"), 0);
	fl_hist_text(&x->probe, &t, 0, x->symbols, false, &out);
	assert_non_null(strstr(fl_buf_z(&out), "{ len:         64 } hitcount:          1\n"
					       "\tmax:          9  len:          7\n"));
	fl_hist_json(&x->probe, &t, x->symbols, &json);
	assert_string_equal(fl_buf_z(&json), ROW "{\"len\":64},\"hitcount\":1,\"vals\":{},"
					     "\"seen\":[{\"handler\":\"onmax\",\"variable\":\"v\",\"value\":9}],"
					     "\"saved\":{\"len\":7}}\n");
}

static void refused(struct fixture *x, const char *spec, uint32_t column, const char *why)
{
	const struct fl_log_entry *e;

	assert_int_equal(parse(x, spec), -EINVAL);
	e = x->log.n ? &x->log.entry[x->log.n - 1] : NULL;
	if (!e || e->column != column || strcmp(e->kind->message, why) != 0)
		fail_msg("%s: %u %s", spec, e ? e->column : 0, e ? e->kind->message : "nothing was logged");
}

static void test_refusals(void **state)
{
	struct fixture *x = *state;

	refused(x, "hist:keys=other", 10, "Couldn't find field");
	refused(x, "hist:keys=len.what", 14, "Invalid field modifier");
	refused(x, "hist:keys=len:sort=cpu", 19, "Sort field must be a key or a val");
	assert_int_equal(parse(x, "hist:vals=len"), -EINVAL);
	assert_int_equal(parse(x, "hist:keys=len:vals=stacktrace"), -EINVAL);
	assert_int_equal(parse(x, "hist:keys=stacktrace,stacktrace"), -EOPNOTSUPP);
}

/* What trace takes beyond the kernel: a key that is a variable, by its name alone; any size. */
static void test_ours(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(parse(x, "hist:keys=half.log2:vals=half:half=len/2:sort=half:size=3"), 0);
	assert_int_equal(x->hist.size, 3);
	assert_true(x->hist.by_match);
	assert_int_equal(x->hist.keys[0].modifier, FL_HIST_LOG2);
	x->set.ours = false;
	refused(x, "hist:keys=third.log2:third=len/3", 10, "Couldn't find field");
	x->set.ours = true;
}

/* Two texts as long as the kernel keeps them are as long as a map's key may be: what is more, they share. */
static void test_longest_keys(void **state)
{
	struct fixture *x = *state;
	struct fl_probe_arg args[3] = { x->arg, { .name = FL_STR("a"), .size = 4 },
					 { .name = FL_STR("b"), .size = 4 } };

	for (size_t i = 0; i < fl_nr_fetch_types; i++)
		if (strcmp(fl_fetch_types[i].name, "string") == 0)
			args[1].type = args[2].type = &fl_fetch_types[i];
	x->event.args = args;
	x->event.nr_args = FL_ARRAY_SIZE(args);
	assert_int_equal(parse(x, "hist:keys=a,b"), 0);
	assert_int_equal(x->hist.key_size, FL_HIST_MAX_KEY);
	assert_int_equal(parse(x, "hist:keys=b,common_comm,a,len"), 0);
	assert_int_equal(x->hist.key_size, 240 + 16 + 240 + 8);
	for (size_t i = 0; i < x->hist.nr_keys; i++)
		assert_int_equal(x->hist.keys[i].offset, i ? x->hist.keys[i - 1].offset + x->hist.keys[i - 1].size : 0);
	assert_int_equal(x->hist.keys[2].size, 240);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stacks_become_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_keys, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
