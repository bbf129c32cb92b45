/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps, filters and growth. The good lines are in the forms that the kernel's documentation shows
 * (Documentation/filesystems/proc.rst, "allocinfo"); the rules for bad ones and for filters are the
 * interface's: strings cut to their last 63 characters, sizes inclusive and unsigned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/views/diff.h"
#include "alloc/records/filter.h"
#include "alloc/views/group.h"
#include "alloc/records/order.h"
#include "alloc/views/render.h"
#include "alloc/sources/text.h"
#include "base/util.h"

struct result {
	struct fl_alloc_set set;
	const char *codes[8];
	uint32_t lines[8], starts[8];
	size_t findings;
	struct fl_alloc_text_info info;
};

static int take(void *ctx, const struct fl_alloc_record *r)
{
	struct result *res = ctx;

	return fl_alloc_set_add(&res->set, r);
}

static void find(void *ctx, const struct fl_diag *d)
{
	struct result *res = ctx;

	assert_true(res->findings < FL_ARRAY_SIZE(res->codes));
	res->codes[res->findings] = d->kind->code;
	res->lines[res->findings] = d->line;
	res->starts[res->findings++] = d->column;
}

static void read_n(const char *text, size_t n, struct result *res)
{
	struct fl_alloc_reader reader = { .record = take, .finding = find, .ctx = res };

	*res = (struct result){};
	assert_int_equal(fl_alloc_text_read(fl_str_n(text, n), "t", &reader, &res->info), 0);
}

static void read_text(const char *text, struct result *res)
{
	read_n(text, strlen(text), res);
}

#define HEAD "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"

static void reads_both_versions(void **state)
{
	struct result res;

	read_text("allocinfo - version: 1.0\n#     <size>  <calls> <tag info>\n"
		  "    14643200    3575 mm/filemap.c:1951 func:__filemap_get_folio \n"
		  "     4206592       4 net/netfilter/nf_conntrack_core.c:2567 [nf_conntrack] "
		  "func:nf_ct_alloc_hashtable \n",
		  &res);
	assert_int_equal(res.set.n, 2);
	assert_int_equal(res.findings, 0);
	assert_int_equal(res.set.v[0].bytes, 14643200);
	assert_int_equal(res.set.v[0].calls, 3575);
	assert_int_equal(res.set.v[0].line, 1951);
	assert_true(fl_str_is(res.set.v[0].file, "mm/filemap.c"));
	assert_int_equal(res.set.v[0].module.n, 0);
	assert_int_equal(res.set.v[0].accurate, FL_ACCURATE_UNKNOWN);
	assert_true(fl_str_is(res.set.v[1].module, "nf_conntrack"));
	assert_true(fl_str_is(res.set.v[1].function, "nf_ct_alloc_hashtable"));
	fl_alloc_set_fini(&res.set);

	read_text(HEAD "  -4096 1 ./include/linux/mm.h:7 func:f accurate:no node:3 later:x \n"
		       "18014398509481984 1234567890123 a.c:1 [m] func:g \n",
		  &res);
	assert_int_equal(res.set.n, 2);
	assert_int_equal(res.set.v[0].bytes, -4096);
	assert_int_equal(res.set.v[0].accurate, FL_ACCURATE_NO);
	assert_true(fl_str_is(res.set.v[0].extra, "node:3 later:x"));
	assert_int_equal(res.set.v[1].accurate, FL_ACCURATE_YES);
	assert_int_equal(res.set.v[1].calls, 1234567890123);
	fl_alloc_set_fini(&res.set);
}

/* One line each: the code and the column where it points, or NULL for a line that is fine. */
static void each_bad_line_has_its_complaint(void **state)
{
	static const struct {
		const char *line, *code;
		uint32_t column;
	} rows[] = {
		{ "1 1 a.c:1 func:f \n", NULL, 0 },
		{ "1 1 a b/c.c:1 func:f \n", NULL, 0 }, /* a blank in a file name */
		{ "1 1 a b/c.c:1 [m] func:f \n", NULL, 0 },
		{ "9223372036854775807 18446744073709551615 a.c:1 func:f \n", NULL, 0 },
		{ "-9223372036854775808 1 a.c:1 func:f \n", NULL, 0 },
		{ "          12       34 a.c:1 func:f \n", NULL, 0 }, /* in columns */
		{ "        x12       34 a.c:1 func:f \n", "BYTES", 8 },
		{ "          12      3x4 a.c:1 func:f \n", "CALLS", 18 },
		{ "   123456789 12345678 a.c:1 func:f \n", NULL, 0 },
		{ "x 1 a.c:1 func:f \n", "BYTES", 0 },
		{ "1x 1 a.c:1 func:f \n", "BYTES", 0 },
		{ "-\n", "BYTES", 1 },
		{ "9223372036854775808 1 a.c:1 func:f \n", "BYTES_RANGE", 0 },
		{ "-9223372036854775809 1 a.c:1 func:f \n", "BYTES_RANGE", 0 },
		{ "99999999999999999999999 1 a.c:1 func:f \n", "BYTES_RANGE", 0 },
		{ "1\n", "BYTES", 0 },
		{ "1 \n", "CALLS", 2 },
		{ "1 -1 a.c:1 func:f \n", "CALLS", 2 },
		{ "1 18446744073709551616 a.c:1 func:f \n", "CALLS_RANGE", 2 },
		{ "1 1 \n", "PLACE", 4 },
		{ "1 1 a.c func:f \n", "PLACE", 4 },
		{ "1 1 a.c: func:f \n", "LINE_NUMBER", 8 },
		{ "1 1 a.c:x func:f \n", "LINE_NUMBER", 4 },
		{ "1 1 :1 func:f \n", "LINE_NUMBER", 4 },
		{ "1 1 a.c:12345678901234567890 func:f \n", "LINE_NUMBER", 8 },
		{ "1 1 a.c:1 [m func:f \n", "MODULE", 10 },
		{ "1 1 a.c:1 [] func:f \n", "MODULE", 10 },
		{ "1 1 a.c:1 \n", "FUNCTION", 10 },
		{ "1 1 a.c:1 [m] \n", "FUNCTION", 14 },
		{ "1 1 a.c:1 func: \n", "FUNCTION", 10 },
		{ "1 1 a.c:1 func:f ", "CUT", 17 },
		{ "allocinfo - version: 3.0\n", "VERSION", 21 },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		struct result res;
		bool left_out = rows[i].code && strcmp(rows[i].code, "CUT");

		read_text(rows[i].line, &res);
		if (!rows[i].code != !res.findings)
			fail_msg("%s: %s", rows[i].line, res.findings ? res.codes[0] : "no finding");
		if (rows[i].code) {
			assert_string_equal(res.codes[0], rows[i].code);
			assert_int_equal(res.starts[0], rows[i].column);
		}
		assert_int_equal(res.set.n, !left_out);
		fl_alloc_set_fini(&res.set);
	}
}

static void the_rest_is_read(void **state)
{
	static const char text[] = HEAD "1 1 a.c:1 func:f \nnonsense\n2 1 b\0c.c:1 func:f \n"
					"3 1 c.c:1 func:f \n";
	struct result res;

	read_n(text, sizeof(text) - 1, &res);
	assert_int_equal(res.set.n, 2);
	assert_int_equal(res.set.v[1].bytes, 3);
	assert_int_equal(res.findings, 2);
	assert_int_equal(res.info.bad, 2);
	assert_int_equal(res.lines[0], 4);
	assert_string_equal(res.codes[1], "NUL");
	assert_int_equal(res.lines[1], 5);
	fl_alloc_set_fini(&res.set);
}

static void a_line_of_ten_megabytes_is_one_complaint(void **state)
{
	size_t n = 10 << 20;
	char *text = malloc(n);
	struct result res;

	memset(text, '7', n);
	memcpy(text + n - 19, "\n1 1 a.c:1 func:f \n", 19);
	read_n(text, n, &res);
	assert_int_equal(res.findings, 1);
	assert_string_equal(res.codes[0], "TOO_LONG");
	assert_int_equal(res.set.n, 1);
	fl_alloc_set_fini(&res.set);
	free(text);
}

static struct fl_alloc_record record(int64_t bytes, uint64_t calls, const char *module,
				     const char *file, uint64_t line, const char *function)
{
	return (struct fl_alloc_record){ .bytes = bytes, .calls = calls, .module = fl_str(module),
					 .file = fl_str(file), .line = line,
					 .function = fl_str(function), .accurate = FL_ACCURATE_YES };
}

#define DIGITS63 "123456789012345678901234567890123456789012345678901234567890123"

/*
 * Whether a line is of the usual form or not it means the same: as the last of a text, where nothing can be
 * taken for granted, and among others.
 */
static void no_form_of_a_line_means_something_else(void **state)
{
	static const char usual[] = "        4096        1 mm/filemap.c:1951 func:__filemap_get_folio \n";
	static const char *const lines[] = {
		usual,
		"     4206592        4 net/netfilter/a.c:2567 [nf_conntrack] func:nf_ct_alloc_hashtable \n",
		"     4206592        4 net/netfilter/a.c:2567 [nf_conntrack] func:nf_ct_alloc_hashtable\n",
		"     4206592        4 net/netfilter/a.c:2567 [nf_conntrack] func:f accurate:no \n",
		"     4206592        4 net/a.c:2567 [nf_conntrack_of_more_than_32_characters] func:f \n",
		"     4206592        4 net/a.c:2567 func:a_function_of_more_than_thirty_two_characters \n",
		"     4206592        4 a/path/of/more/than/sixty_four/characters/in/one/directory/a.c:1 func:f \n",
		"     4206592        4 a/path/that/with/its/number/has/sixty/four/characters/in_a/a.c:1 func:f \n",
		"     4206592        4 a.c:1234567 [a] func:f \n",
		"     4206592        4 a.c:12345678 [a] func:f \n",
		"     4206592        4 a.c: [a] func:f \n",
		"     4206592        4 :12 [a] func:f \n",
		"     4206592        4 a.c12 [a] func:f \n",
		"     4206592        4 a.c:12 [] func:f \n",
		"     4206592        4 a.c:12 [a func:f \n",
		"     4206592        4 a.c:12 [a\nb] func:f \n",
		"     4206592        4 a\nb.c:12 [a] func:f \n",
		"     4206592        4 a.c:12 func:f\ng \n",
		"     4206592        4 a.c:12 func: \n",
		"     4206592        4 a b.c:12 func:f \n",
		"     4206592        4 a\tb.c:12 func:f \n",
		"     4206592        4 a.c:12\tfunc:f \n",
		"     4206592        4 a.c:12 func:a\\040b \n",
		"     4206592        4 a\\b.c:12 func:f \n",
		"    -4206592        4 a.c:12 func:f \n",
		"99999999999999        4 a.c:12 func:f \n",
		"     42 6592        4 a.c:12 func:f \n",
		"     4206592        x a.c:12 func:f \n",
		"     4206592 12345678 a.c:12 func:f \n",
		"     4206592          a.c:12 func:f \n",
		"     4206592        4  a.c:12 func:f \n",
		"     4206592        4 a.c:12  func:f \n",
		"     4206592        4 a.c:12 func:f  \n",
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(lines); i++) {
		char text[1024];
		struct result alone, among;

		read_text(lines[i], &alone);
		snprintf(text, sizeof(text), "%s%s%s%s", lines[i], usual, usual, usual);
		read_text(text, &among);
		assert_int_equal(among.set.n, alone.set.n + 3);
		assert_int_equal(among.findings, alone.findings);
		for (size_t k = 0; k < alone.findings; k++)
			assert_string_equal(among.codes[k], alone.codes[k]);
		for (size_t k = 0; k < alone.set.n; k++) {
			const struct fl_alloc_record *a = &alone.set.v[k], *b = &among.set.v[k];

			assert_int_equal(a->bytes, b->bytes);
			assert_int_equal(a->calls, b->calls);
			assert_int_equal(a->line, b->line);
			assert_int_equal(a->accurate, b->accurate);
			assert_true(fl_str_eq(a->file, b->file) && fl_str_eq(a->module, b->module));
			assert_true(fl_str_eq(a->function, b->function) && fl_str_eq(a->extra, b->extra));
		}
		fl_alloc_set_fini(&alone.set);
		fl_alloc_set_fini(&among.set);
	}
}

static void filters_follow_the_interface(void **state)
{
	struct fl_alloc_record r = record(100, 4, "", "mm/slub.c", 7, "f" DIGITS63);
	struct fl_alloc_record negative = record(-1, 1, "ext4", "fs/a.c", 1, "g");
	struct fl_alloc_filter f = {};

	assert_true(fl_alloc_filter_match(&f, &r));
	fl_alloc_filter_module(&f, FL_STR(""));
	assert_true(fl_alloc_filter_match(&f, &r));
	assert_false(fl_alloc_filter_match(&f, &negative));

	/* 64 characters: the first is cut off, on either side */
	f = (struct fl_alloc_filter){};
	fl_alloc_filter_function(&f, FL_STR(DIGITS63));
	assert_true(fl_alloc_filter_match(&f, &r));
	fl_alloc_filter_function(&f, FL_STR("g" DIGITS63));
	assert_true(fl_alloc_filter_match(&f, &r));
	fl_alloc_filter_function(&f, FL_STR("23"));
	assert_false(fl_alloc_filter_match(&f, &r));

	/* inclusive on both ends; a negative sum is large */
	f = (struct fl_alloc_filter){ .mask = FL_ALLOCINFO_MIN_SIZE, .min_size = 100 };
	assert_true(fl_alloc_filter_match(&f, &r));
	assert_true(fl_alloc_filter_match(&f, &negative));
	f.min_size = 101;
	assert_false(fl_alloc_filter_match(&f, &r));
	f = (struct fl_alloc_filter){ .mask = FL_ALLOCINFO_MAX_SIZE, .max_size = 100 };
	assert_true(fl_alloc_filter_match(&f, &r));
	assert_false(fl_alloc_filter_match(&f, &negative));
	f.max_size = 99;
	assert_false(fl_alloc_filter_match(&f, &r));
}

static void filters_of_ours(void **state)
{
	struct fl_alloc_record r = record(100, 4, "ext4", "fs/ext4/super.c", 7, "ext4_fill");
	struct fl_alloc_filter f = {};

	fl_alloc_filter_file(&f, FL_STR("fs/"));
	assert_true(fl_alloc_filter_match(&f, &r));
	fl_alloc_filter_file(&f, FL_STR("fs/ext/"));
	assert_false(fl_alloc_filter_match(&f, &r));
	fl_alloc_filter_file(&f, FL_STR("fs/*/super.c"));
	assert_true(fl_alloc_filter_match(&f, &r));
	fl_alloc_filter_file(&f, FL_STR("super.c"));
	assert_false(fl_alloc_filter_match(&f, &r));
	f = (struct fl_alloc_filter){ .more = FL_ALLOC_MIN_AVERAGE, .min_average = 25 };
	assert_true(fl_alloc_filter_match(&f, &r));
	f.min_average = 26;
	assert_false(fl_alloc_filter_match(&f, &r));
	f = (struct fl_alloc_filter){ .more = FL_ALLOC_MIN_CALLS | FL_ALLOC_MAX_CALLS,
				      .min_calls = 4, .max_calls = 3 };
	assert_true(fl_alloc_filter_check(&f) < 0);
}

/* The first N of a sort are the same whether all are sorted or only N are kept. */
static void a_limit_keeps_the_right_ones(void **state)
{
	struct fl_alloc_order o = {};
	struct fl_alloc_set all = {}, some = {};
	uint64_t x = 12345;

	for (unsigned int i = 0; i < 1000; i++) {
		struct fl_alloc_record r;

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		r = record((int64_t)(x >> 54), i, "", "a.c", i, "f");
		assert_int_equal(fl_alloc_set_add(&all, &r), 0);
		assert_int_equal(fl_alloc_set_add(&some, &r), 0);
	}
	fl_alloc_sort(&all, &o, 0);
	fl_alloc_sort(&some, &o, 37);
	assert_int_equal(some.n, 37);
	for (size_t i = 0; i < 37; i++)
		assert_int_equal(some.v[i].line, all.v[i].line);
	assert_true(all.v[0].bytes >= all.v[1].bytes && all.v[998].bytes >= all.v[999].bytes);
	fl_alloc_set_fini(&all);
	fl_alloc_set_fini(&some);
}

static void moved_lines_still_match(void **state)
{
	struct result before, after;
	struct fl_alloc_change *v;
	size_t n, news = 0, gone = 0, moved = 0;

	read_text("10 1 a.c:10 func:f \n20 1 a.c:20 func:f \n30 1 b.c:1 func:g \n5 1 z.c:1 func:z \n",
		  &before);
	read_text("11 1 a.c:12 func:f \n20 1 a.c:20 func:f \n7 1 a.c:25 func:f \n"
		  "30 1 b.c:1 [m] func:g \n5 1 z.c:1 func:z \n",
		  &after);
	assert_int_equal(fl_alloc_diff(&before.set, &after.set, &v, &n), 0);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++) {
		news += !v[i].before;
		gone += !v[i].after;
		moved += fl_alloc_change_moved(&v[i]);
		if (fl_alloc_change_moved(&v[i])) {
			assert_int_equal(v[i].before->line, 10);
			assert_int_equal(v[i].after->line, 12);
			assert_int_equal(v[i].bytes, 1);
		}
	}
	assert_int_equal(moved, 1);
	assert_int_equal(news, 2); /* a.c:25, and g in a module */
	assert_int_equal(gone, 1); /* g outside */
	free(v);
	fl_alloc_set_fini(&before.set);
	fl_alloc_set_fini(&after.set);
}

static void trees_add_up(void **state)
{
	struct fl_arena arena = {};
	struct fl_alloc_order o = {};
	struct fl_alloc_group *root, *mm;
	struct result res;

	read_text("1 1 mm/a.c:1 func:f \n2 1 mm/a.c:2 func:f \n4 1 mm/k/b.c:1 func:g \n"
		  "8 1 ./mm/a.c:3 func:h \n16 1 fs/x.c:1 func:f \n",
		  &res);
	assert_int_equal(fl_alloc_group(&res.set, FL_ALLOC_TREE_DIR, &o, &arena, &root), 0);
	assert_int_equal(root->bytes, 31);
	assert_int_equal(root->tags, 5);
	assert_true(fl_str_is(root->children->name, "fs"));
	mm = root->children->next;
	assert_true(fl_str_is(mm->name, "mm"));
	assert_int_equal(mm->bytes, 15);
	assert_true(fl_str_is(mm->children->name, "a.c"));
	assert_int_equal(mm->children->bytes, 11);
	assert_null(mm->next);
	fl_arena_fini(&arena);
	fl_alloc_set_fini(&res.set);
}

static void a_dump_reads_back(void **state)
{
	static const char text[] = HEAD "       -4096        1 a.c:7 [m] func:f accurate:no node:3 \n"
					"          12        2 d/b.c:9 func:g \n";
	struct fl_buf out = {};
	struct result res;

	read_text(text, &res);
	fl_alloc_render_dump(&res.set, &out);
	assert_string_equal(fl_buf_z(&out), text);
	fl_buf_fini(&out);
	fl_alloc_set_fini(&res.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_versions),
		cmocka_unit_test(each_bad_line_has_its_complaint),
		cmocka_unit_test(the_rest_is_read),
		cmocka_unit_test(a_line_of_ten_megabytes_is_one_complaint),
		cmocka_unit_test(no_form_of_a_line_means_something_else),
		cmocka_unit_test(filters_follow_the_interface),
		cmocka_unit_test(filters_of_ours),
		cmocka_unit_test(a_limit_keeps_the_right_ones),
		cmocka_unit_test(moved_lines_still_match),
		cmocka_unit_test(trees_add_up),
		cmocka_unit_test(a_dump_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
