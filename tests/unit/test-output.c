/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is shown: JSON (read back by json-c), tables and diagnostics (drawn by hand), and the options
 * of the command table.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/opt.h"
#include "base/protobuf.h"
#include "base/table.h"
#include "foreland/diag.h"

static void test_json_reads_back(void **state)
{
	_cleanup_buf_ struct fl_buf b = {};
	char hostile[256];
	json_object *o, *list;

	for (size_t i = 0; i < sizeof(hostile); i++)
		hostile[i] = i;
	fl_json_open(&b, NULL, '{');
	fl_json_str(&b, "ascii", fl_str_n(hostile, 128));
	fl_json_str(&b, "bytes", fl_str_n(hostile, 256));
	fl_json_strz(&b, "utf8", "\xe2\x82\xac");
	fl_json_open(&b, "list", '[');
	fl_json_u64(&b, NULL, UINT64_MAX);
	fl_json_s64(&b, NULL, INT64_MIN);
	fl_json_bool(&b, NULL, true);
	fl_json_null(&b, NULL);
	fl_json_f64(&b, NULL, 0.5);
	fl_json_close(&b, ']');
	fl_json_close(&b, '}');
	fl_json_end_line(&b);
	o = json_tokener_parse(fl_buf_z(&b));
	assert_non_null(o);
	assert_int_equal(json_object_get_string_len(json_object_object_get(o, "ascii")), 128);
	assert_memory_equal(json_object_get_string(json_object_object_get(o, "ascii")), hostile, 128);
	assert_int_equal(json_object_get_string_len(json_object_object_get(o, "bytes")), 128 + 3 * 128);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "utf8")), "\xe2\x82\xac");
	list = json_object_object_get(o, "list");
	assert_int_equal(json_object_array_length(list), 5);
	assert_true(json_object_get_uint64(json_object_array_get_idx(list, 0)) == UINT64_MAX);
	assert_true(json_object_get_int64(json_object_array_get_idx(list, 1)) == INT64_MIN);
	assert_true(json_object_get_double(json_object_array_get_idx(list, 4)) == 0.5);
	json_object_put(o);
}

static void test_table(void **state)
{
	static const struct fl_column columns[] = { { "NAME" }, { "BYTES", true }, { "WHERE" } };
	_cleanup_table_ struct fl_table t;
	_cleanup_buf_ struct fl_buf out = {};

	fl_table_init(&t, columns, 3);
	fl_table_cell(&t, FL_STR("\xc3\xa9t\xc3\xa9"));
	fl_table_cellf(&t, "%d", 7);
	fl_table_cell(&t, FL_STR("a.c"));
	fl_table_cell(&t, FL_STR("x"));
	fl_table_cellf(&t, "%d", 1234567);
	fl_table_cell(&t, FL_STR("longer.c"));
	assert_int_equal(fl_table_print(&t, &out), 0);
	assert_string_equal(fl_buf_z(&out), "NAME    BYTES  WHERE\n"
					    "\xc3\xa9t\xc3\xa9         7  a.c\n"
					    "x     1234567  longer.c\n");
}

static const struct fl_diag_kind kind = { "BAD_THING", FL_ERROR, EINVAL, "This thing is bad." };

static void expect_render(struct fl_diag d, const char *want)
{
	_cleanup_buf_ struct fl_buf out = {};

	fl_diag_render(&d, &out);
	assert_string_equal(fl_buf_z(&out), want);
	free(d.message);
	free(d.help);
}

static struct fl_diag diag_at(const char *text, uint32_t column, uint32_t start, uint32_t end)
{
	return (struct fl_diag){ .kind = &kind, .place = "f", .line = 3, .column = column,
				 .span = { start, end }, .text = text, .text_len = strlen(text) };
}

static void test_diag_render(void **state)
{
	struct fl_diag d = diag_at("p:x vfs_read a=b", 13, 13, 16);

	expect_render(d, "f:3:14: error: This thing is bad. [BAD_THING]\n"
			 "p:x vfs_read a=b\n"
			 "             ^~~\n");
	fl_diag_message(&d, "'%s' is bad", "b");
	fl_diag_help(&d, "did you mean '%s'?", "c");
	expect_render(d, "f:3:14: error: 'b' is bad [BAD_THING]\n"
			 "p:x vfs_read a=b\n"
			 "             ^~~\n"
			 "help: did you mean 'c'?\n");
	expect_render(diag_at("\ta\tb", 3, 3, 4), "f:3:4: error: This thing is bad. [BAD_THING]\n"
						    "        a       b\n"
						    "                ^\n");
	expect_render(diag_at("\xe4\xb8\xad\xe4\xb8\xad!", 3, 3, 7),
		      "f:3:4: error: This thing is bad. [BAD_THING]\n"
		      "\xe4\xb8\xad\xe4\xb8\xad!\n"
		      "  ^~~\n");
	expect_render(diag_at("a\033[31m\xff", 1, 1, 2), "f:3:2: error: This thing is bad. [BAD_THING]\n"
							   "a\\x1b[31m\\xff\n"
							   " ^~~~\n");
	expect_render(diag_at("a\033b", 2, 2, 3), "f:3:3: error: This thing is bad. [BAD_THING]\n"
						     "a\\x1bb\n"
						     "     ^\n");
	expect_render(diag_at("e\xcc\x81x", 3, 3, 4), "f:3:4: error: This thing is bad. [BAD_THING]\n"
							"e\xcc\x81x\n"
							" ^\n");
	expect_render(diag_at("short", 9, 9, 9), "f:3:10: error: This thing is bad. [BAD_THING]\n"
						 "short\n"
						 "         ^\n");
}

static void escapes(const char *in, size_t n, const char *want)
{
	_cleanup_buf_ struct fl_buf out = {}, line = {};

	fl_escape(&out, fl_str_n(in, n));
	assert_string_equal(fl_buf_z(&out), want);
	fl_buf_addz(&line, "ours\n");
	fl_buf_add(&line, in, n);
	fl_buf_addc(&line, '\n');
	fl_escape_from(&line, 5);
	assert_int_equal(line.len, 5 + out.len + 1);
	assert_memory_equal(line.data, "ours\n", 5);
	assert_memory_equal(line.data + 5, want, out.len);
	assert_int_equal(line.data[line.len - 1], '\n');
}

/* The characters are those of Unicode's Cc, Zl and Zp, and of its property Bidi_Control. */
static void test_escape(void **state)
{
	static const struct { const char *in, *want; } rows[] = {
		{ "plain text, 8 and more \\ bytes", "plain text, 8 and more \\ bytes" },
		{ "\xc3\xa9t\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x90\xa7",
		  "\xc3\xa9t\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x90\xa7" },
		{ "A\nB\t\r\033]0;t\a\177", "A\\x0aB\\x09\\x0d\\x1b]0;t\\x07\\x7f" },
		{ "\xc2\x9b" "31m\xc2\xa0", "\\xc2\\x9b31m\xc2\xa0" },
		{ "\x9b\xff\xc3", "\\x9b\\xff\\xc3" },
		{ "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8e\xd8\x9c",
		  "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\x8e\\xd8\\x9c" },
		{ "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9\xe2\x80\xaf" },
		{ "\xed\xa0\x80\xc0\xaf", "\\xed\\xa0\\x80\\xc0\\xaf" }, /* surrogate, overlong */
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++)
		escapes(rows[i].in, strlen(rows[i].in), rows[i].want);
	escapes("a\0b", 3, "a\\x00b");
}

/* Each byte at each place of a text, so that no lane of the eight is blind. */
static void test_escape_at_each_place(void **state)
{
	for (unsigned int place = 0; place < 24; place++)
		for (unsigned int c = 1; c < 256; c++) {
			char text[24 + 1] = "abcdefghijklmnopqrstuvwx", want[24 + 4];

			text[place] = (char)c;
			snprintf(want, sizeof(want), c < 0x20 || c >= 0x7f ? "%.*s\\x%02x%s" : "%.*s%c%s",
				 (int)place, text, c, text + place + 1);
			escapes(text, 24, want);
		}
}

static void test_diag_long_line(void **state)
{
	_cleanup_buf_ struct fl_buf line = {}, out = {};
	struct fl_diag d;

	fl_buf_fill(&line, 'x', 1000);
	fl_buf_addc(&line, '!');
	fl_buf_fill(&line, 'x', 1000);
	d = diag_at(fl_buf_z(&line), 1000, 1000, 1001);
	fl_diag_render(&d, &out);
	assert_true(out.len < 500);
	assert_true(strstr(fl_buf_z(&out), "x!x") != NULL);
	/* the caret's column in its line is the column of the "!" in the line above */
	{
		struct fl_str rest = fl_buf_str(&out), head, text = {}, marks = {};

		assert_true(fl_str_line(&rest, &head) && fl_str_line(&rest, &text) &&
			    fl_str_line(&rest, &marks));
		assert_int_equal(fl_str_find(text, '!', 0), fl_str_find(marks, '^', 0));
	}
}

static void test_diag_json(void **state)
{
	struct fl_diag d = diag_at("abc", 1, 1, 3);
	_cleanup_buf_ struct fl_buf out = {};

	fl_diag_json(&d, NULL, false, &out);
	assert_string_equal(fl_buf_z(&out), "{\"code\":\"BAD_THING\",\"message\":\"This thing is bad.\","
					    "\"column\":1,\"span\":[1,3]}");
}

struct inner {
	const char *arch;
};

struct opts {
	bool json;
	const char *dialect;
	struct fl_strv btf;
	uint64_t n, size, time;
	struct inner inner;
	const char *vm;
};

static const struct fl_opt inner_options[] = {
	FL_OPT_STR(struct inner, arch, 0, "arch", "ARCH", "the architecture"),
	{}
};

static const struct fl_opt options[] = {
	FL_OPT_FLAG(struct opts, json, 'j', "json", "JSON"),
	FL_OPT_STR(struct opts, dialect, 0, "dialect", "7.3|v6|6.12|kernel|mainline", "rules"),
	FL_OPT_LIST(struct opts, btf, 0, "btf", "FILE", "types"),
	FL_OPT_U64(struct opts, n, 'n', NULL, "N", "stop after N lines"),
	FL_OPT_SIZE(struct opts, size, 0, "min-size", "N", "least size"),
	FL_OPT_DURATION(struct opts, time, 't', NULL, "SECONDS", "stop then"),
	FL_OPT_GROUP(struct opts, inner, inner_options),
	FL_OPT_STR_BARE(struct opts, vm, "vm", "KERNEL", "in a guest"),
	{}
};

static const struct fl_cmd cmd = {
	.name = "test", .summary = "A test", .args = "DEF... [-- COMMAND]", .size = sizeof(struct opts),
	.options = options, .min_args = 1, .max_args = 2, .takes_command = true,
};

static int parse(struct opts *o, struct fl_args *args, struct fl_buf *err, const char *line)
{
	static char words[16][64];
	static char *argv[17];
	struct fl_str rest = fl_str(line), word;
	int argc = 0;
	bool help;

	*o = (struct opts){};
	fl_buf_reset(err);
	while (fl_str_word(&rest, &word)) {
		snprintf(words[argc], sizeof(words[0]), "%.*s", FL_STR_ARG(word));
		argv[argc] = words[argc];
		argc++;
	}
	argv[argc] = NULL;
	return fl_opt_parse(&cmd, argc, argv, o, args, &help, err);
}

static void test_options(void **state)
{
	_cleanup_buf_ struct fl_buf err = {};
	struct fl_args args;
	struct opts o;

	assert_int_equal(parse(&o, &args, &err,
			       "a --btf one -jn5 --btf=two b --min-size 4K -t 1.5 --arch=arm64 -- ls -l"), 0);
	assert_true(o.json && o.n == 5 && o.size == 4096 && o.time == 1500000000);
	assert_string_equal(o.inner.arch, "arm64");
	assert_true(o.btf.n == 2 && !strcmp(o.btf.v[1], "two"));
	assert_true(args.n == 2 && !strcmp(args.v[1], "b"));
	assert_true(!strcmp(args.command[0], "ls") && !strcmp(args.command[1], "-l") && !args.command[2]);
	assert_null(o.vm);
	fl_opt_release(&cmd, &o);
	assert_int_equal(parse(&o, &args, &err, "--vm a"), 0);
	assert_true(args.n == 1 && !strcmp(o.vm, ""));
	assert_int_equal(parse(&o, &args, &err, "--vm=7.3 a"), 0);
	assert_true(args.n == 1 && !strcmp(o.vm, "7.3"));
}

static void test_option_errors(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{ "", "DEF... [-- COMMAND] is missing" },
		{ "a b c", "unexpected argument 'c'" },
		{ "a --jsn", "unknown option '--jsn', did you mean '--json'?" },
		{ "a -z", "unknown option '-z'" },
		{ "a --json=1", "--json takes no value" },
		{ "a --vm=", "--vm needs a value (KERNEL)" },
		{ "a --btf", "--btf needs a value (FILE)" },
		{ "a -n", "-n needs a value (N)" },
		{ "a -n five", "-n: 'five' is not a number" },
		{ "a -n 99999999999999999999", "-n: '99999999999999999999' is out of range" },
		{ "a --min-size 4X", "--min-size: '4X' is not a size such as 4096, 16K or 2M" },
		{ "a --dialect v7", "--dialect: 'v7' is none of 7.3|v6|6.12|kernel|mainline, did you mean 'v6'?" },
		{ "a --", "a command is expected behind '--'" },
	};
	_cleanup_buf_ struct fl_buf err = {};
	struct fl_args args;
	struct opts o;

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(&o, &args, &err, rows[i].line),
				 strstr(rows[i].text, "out of range") ? -ERANGE : -EINVAL);
		assert_string_equal(fl_buf_z(&err), rows[i].text);
		fl_opt_release(&cmd, &o);
	}
}

/* Numbers as "Encoding" of the Protocol Buffers documentation has them (150, 300, -1), and where a byte is full. */
static void test_varints(void **state)
{
	static const struct {
		uint64_t v;
		const char *bytes;
		size_t n;
	} rows[] = {
		{ 1, "\x08\x01", 2 },	      { 127, "\x08\x7f", 2 },	   { 128, "\x08\x80\x01", 3 },
		{ 150, "\x08\x96\x01", 3 },    { 300, "\x08\xac\x02", 3 }, { 16383, "\x08\xff\x7f", 3 },
		{ 16384, "\x08\x80\x80\x01", 4 }, { UINT64_MAX, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct fl_buf b = {};

		fl_pb_u64(&b, 1, rows[i].v);
		assert_int_equal(b.len, rows[i].n);
		assert_memory_equal(b.data, rows[i].bytes, rows[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_reads_back),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_diag_render),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_at_each_place),
		cmocka_unit_test(test_diag_long_line),
		cmocka_unit_test(test_diag_json),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_option_errors),
		cmocka_unit_test(test_varints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
