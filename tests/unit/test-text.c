/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings, numbers, buffers, maps and arenas. The judges are libc's: fnmatch(3) for globs,
 * strtoull(3) for numbers, printf(3) for digits; the rest are counted by hand.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/num.h"
#include "base/utf8.h"

/* All strings of up to four of these letters, as globs and as names, against fnmatch(3). */
static void test_glob_as_fnmatch(void **state)
{
	static const char letters[] = "a*?[]-b\\";
	const size_t base = sizeof(letters), total = base * base * base * base;

	for (size_t g = 0; g < total; g++) {
		char glob[5] = {};
		size_t n = 0;

		for (size_t rest = g; rest; rest /= base)
			if (rest % base)
				glob[n++] = letters[rest % base - 1];
		if (n && glob[n - 1] == '\\')
			continue; /* unspecified by POSIX */
		if (strchr(glob, '[') && (strchr(glob, '\\') || strstr(glob, "[]")))
			continue; /* likewise, and nobody writes it */
		for (size_t i = 0; i < 4; i++) {
			static const char *const names[] = { "a", "ab", "a-b", "" };
			bool want = fnmatch(glob, names[i], 0) == 0;

			if (fl_str_glob(fl_str(glob), fl_str(names[i])) != want)
				fail_msg("'%s' on '%s' should be %d", glob, names[i], want);
		}
	}
}

static void test_glob_is_not_exponential(void **state)
{
	char text[4096];

	memset(text, 'a', sizeof(text));
	assert_false(fl_str_glob(FL_STR("*a*a*a*a*a*a*a*a*a*a*b"), fl_str_n(text, sizeof(text))));
}

static void test_nearest(void **state)
{
	static const struct fl_str names[] = { { "pid", 3 }, { "prio", 4 }, { "static_prio", 11 } };

	assert_int_equal(fl_str_nearest(FL_STR("pido"), names, 3), 0);
	assert_int_equal(fl_str_nearest(FL_STR("statc_prio"), names, 3), 2);
	assert_int_equal(fl_str_nearest(FL_STR("nothing"), names, 3), 3);
	assert_int_equal(fl_str_nearest(FL_STR("pdi"), names, 3), 0); /* changed places: one step */
	assert_int_equal(fl_str_nearest(FL_STR(""), names, 3), 3);
}

static void test_lines_and_words(void **state)
{
	struct fl_str rest = FL_STR("one\n\n two \tthree"), part;

	assert_true(fl_str_line(&rest, &part) && fl_str_is(part, "one"));
	assert_true(fl_str_line(&rest, &part) && fl_str_is(part, ""));
	assert_true(fl_str_word(&rest, &part) && fl_str_is(part, "two"));
	assert_true(fl_str_word(&rest, &part) && fl_str_is(part, "three"));
	assert_false(fl_str_word(&rest, &part));
	/* The empty string that {} is has no bytes to point at. */
	rest = (struct fl_str){};
	assert_false(fl_str_word(&rest, &part));
	assert_false(fl_str_line(&rest, &part));
	assert_true(fl_str_is(fl_str_trim(FL_STR(" \t x y\n")), "x y"));
	assert_true(fl_str_is(fl_str_trim(FL_STR("  ")), ""));
}

static void test_numbers_as_strtoull(void **state)
{
	static const char *const texts[] = {
		"0", "7", "010", "0x10", "0X1f", "18446744073709551615", "18446744073709551616",
		"0xffffffffffffffff", "0x10000000000000000", "08", "", "x", "1x", "0x", "4 ", "00",
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(texts); i++) {
		uint64_t v = 0, want;
		char *end;
		int r;

		errno = 0;
		want = strtoull(texts[i], &end, 0);
		r = fl_parse_u64(fl_str(texts[i]), 0, &v);
		if (!*texts[i] || *end)
			assert_int_equal(r, -EINVAL);
		else if (errno)
			assert_int_equal(r, -ERANGE);
		else
			assert_true(r == 0 && v == want);
	}
}

static void test_signed_sizes_durations(void **state)
{
	uint64_t u;
	int64_t s;

	assert_int_equal(fl_parse_s64(FL_STR("-9223372036854775808"), 0, &s), 0);
	assert_true(s == INT64_MIN);
	assert_int_equal(fl_parse_s64(FL_STR("-9223372036854775809"), 0, &s), -ERANGE);
	assert_int_equal(fl_parse_s64(FL_STR("9223372036854775808"), 0, &s), -ERANGE);
	assert_int_equal(fl_parse_s64(FL_STR("--1"), 0, &s), -EINVAL);
	assert_int_equal(fl_parse_size(FL_STR("16K"), &u), 0);
	assert_true(u == 16384);
	assert_int_equal(fl_parse_size(FL_STR("2MiB"), &u), 0);
	assert_true(u == 2u << 20);
	assert_int_equal(fl_parse_size(FL_STR("16777216T"), &u), -ERANGE);
	assert_int_equal(fl_parse_size(FL_STR("1KK"), &u), -EINVAL);
	assert_int_equal(fl_parse_duration(FL_STR("0.25"), &u), 0);
	assert_true(u == 250000000);
	assert_int_equal(fl_parse_duration(FL_STR("1.5ms"), &u), 0);
	assert_true(u == 1500000);
	assert_int_equal(fl_parse_duration(FL_STR("2m"), &u), 0);
	assert_true(u == 120000000000);
	assert_int_equal(fl_parse_duration(FL_STR("1."), &u), -EINVAL);
	assert_int_equal(fl_parse_duration(FL_STR("1y"), &u), -EINVAL);
}

static void test_digits_as_printf(void **state)
{
	static const uint64_t values[] = { 0, 1, 9, 10, 99, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX };

	for (size_t i = 0; i < FL_ARRAY_SIZE(values); i++) {
		_cleanup_buf_ struct fl_buf ours = {};
		char want[128];

		fl_buf_add_u64(&ours, values[i]);
		fl_buf_addc(&ours, ' ');
		fl_buf_add_s64(&ours, values[i]);
		fl_buf_addc(&ours, ' ');
		fl_buf_add_hex(&ours, values[i]);
		snprintf(want, sizeof(want), "%" PRIu64 " %" PRId64 " 0x%" PRIx64, values[i],
			 (int64_t)values[i], values[i]);
		assert_string_equal(fl_buf_z(&ours), want);
	}
}

static void test_human(void **state)
{
	static const struct {
		int64_t v;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 1023, "1023" }, { 1024, "1.0K" }, { 1536, "1.5K" }, { 102399, "99.9K" },
		{ 102400, "100K" }, { 1048575, "1023K" }, { 1048576, "1.0M" }, { -2048, "-2.0K" },
		{ INT64_MAX, "7.9E" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_buf_add_human(&b, rows[i].v);
		assert_string_equal(fl_buf_z(&b), rows[i].text);
	}
}

static void test_errno_names(void **state)
{
	assert_string_equal(fl_errno_name(-95), "EOPNOTSUPP");
	assert_string_equal(fl_errno_name(11), "EAGAIN");
	assert_string_equal(fl_errno_name(524), "ENOTSUPP");
#ifdef __GLIBC__ /* which knows them, too, but for the one with two names */
	for (int err = 1; err < 200; err++)
		if (err != EOPNOTSUPP && strerrorname_np(err))
			assert_string_equal(fl_errno_name(err), strerrorname_np(err));
	assert_string_equal(fl_errno_name(41), "unknown errno"); /* a hole */
#endif
	assert_string_equal(fl_errno_name(4000), "unknown errno");
}

static void test_buf_grows_and_takes(void **state)
{
	struct fl_buf b = {};
	char *taken;

	for (int i = 0; i < 1000; i++)
		fl_buf_addf(&b, "%d,", i);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen(b.data), b.len);
	assert_null(fl_buf_reserve(&b, SIZE_MAX - 4));
	assert_int_equal(b.error, -ENOMEM);
	fl_buf_addz(&b, "ignored");
	assert_null(fl_buf_take(&b));
	fl_buf_addz(&b, "x");
	taken = fl_buf_take(&b);
	assert_string_equal(taken, "x");
	free(taken);
}

static void test_map_keeps_order(void **state)
{
	_cleanup_map_ struct fl_map m = {};
	_cleanup_arena_ struct fl_arena a = {};
	uint64_t i = 0;

	for (i = 0; i < 5000; i++) {
		char key[24];
		bool fresh;
		int n = snprintf(key, sizeof(key), "key%" PRIu64, i % 4000);
		struct fl_map_entry *e = fl_map_get(&m, fl_str_n(key, n));

		assert_true((e != NULL) == (i >= 4000));
		e = fl_map_put(&m, e ? e->key : fl_str(fl_arena_dup(&a, fl_str_n(key, n))), &fresh);
		assert_true(fresh == (i < 4000));
		e->num += i;
	}
	assert_int_equal(m.count, 4000);
	i = 0;
	fl_map_for_each(e, &m) {
		assert_true(e->num == (i < 1000 ? 2 * i + 4000 : i));
		i++;
	}
	assert_null(fl_map_get(&m, FL_STR("none")));
}

static void test_arena(void **state)
{
	_cleanup_arena_ struct fl_arena a = {};

	for (size_t i = 1; i < 3000; i += 7) {
		uint8_t *p = fl_arena_alloc(&a, i * 13);

		assert_int_equal((uintptr_t)p % 8, 0);
		for (size_t j = 0; j < i * 13; j++)
			assert_int_equal(p[j], 0);
		memset(p, 0xff, i * 13);
	}
	assert_null(fl_arena_array(&a, SIZE_MAX / 2, 3));
}

static void test_utf8(void **state)
{
	assert_int_equal(fl_utf8_len(FL_STR("a")), 1);
	assert_int_equal(fl_utf8_len(FL_STR("\xc3\xa9")), 2);
	assert_int_equal(fl_utf8_len(FL_STR("\xf0\x9f\x90\xa7")), 4);
	assert_int_equal(fl_utf8_len(FL_STR("\xc0\x80")), 0); /* overlong */
	assert_int_equal(fl_utf8_len(FL_STR("\xed\xa0\x80")), 0); /* surrogate */
	assert_int_equal(fl_utf8_len(FL_STR("\xf4\x90\x80\x80")), 0); /* past the last */
	assert_int_equal(fl_utf8_len(FL_STR("\xe2\x82")), 0); /* cut */
	assert_int_equal(fl_utf8_width(0x4e2d), 2);
	assert_int_equal(fl_utf8_width(0x301), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob_as_fnmatch),
		cmocka_unit_test(test_glob_is_not_exponential),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_lines_and_words),
		cmocka_unit_test(test_numbers_as_strtoull),
		cmocka_unit_test(test_signed_sizes_durations),
		cmocka_unit_test(test_digits_as_printf),
		cmocka_unit_test(test_human),
		cmocka_unit_test(test_errno_names),
		cmocka_unit_test(test_buf_grows_and_takes),
		cmocka_unit_test(test_map_keeps_order),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
