/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event filter. Boolean structure: random trees are printed as text and evaluated as trees, so
 * the parser is not asked what its own input means. Comparisons: the C compiler's, on the same
 * types. Messages and columns: recorded from a 6.12 kernel by tests/vm/filter (see there).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "probe/filter/filter.h"

struct record {
	uint8_t u8;
	int8_t s8;
	uint16_t u16;
	int16_t s16;
	uint32_t u32;
	int32_t s32;
	uint64_t u64;
	int64_t s64;
	char text[16];
	uint32_t loc; /* __data_loc of dyn */
	char dyn[12];
} __attribute__((packed));

#define FIELD(n, k, s) { #n, { k, offsetof(struct record, n), sizeof(((struct record *)0)->n), s } }

static const struct {
	const char *name;
	struct fl_filter_field field;
} fields[] = {
	FIELD(u8, FL_FILTER_NUMBER, false),   FIELD(s8, FL_FILTER_NUMBER, true),
	FIELD(u16, FL_FILTER_NUMBER, false),  FIELD(s16, FL_FILTER_NUMBER, true),
	FIELD(u32, FL_FILTER_NUMBER, false),  FIELD(s32, FL_FILTER_NUMBER, true),
	FIELD(u64, FL_FILTER_NUMBER, false),  FIELD(s64, FL_FILTER_NUMBER, true),
	FIELD(text, FL_FILTER_STRING, false), FIELD(loc, FL_FILTER_DYN_STRING, false),
	{ "comm", { FL_FILTER_COMM, 0, 16, false } },
	{ "cpu", { FL_FILTER_CPU, 0, 4, false } },
	/* of sched_switch */
	{ "prev_comm", { FL_FILTER_STRING, 0, 16, false } },
	{ "prev_pid", { FL_FILTER_NUMBER, 0, 4, true } },
	{ "prev_prio", { FL_FILTER_NUMBER, 0, 4, true } },
	{ "prev_state", { FL_FILTER_NUMBER, 0, 8, true } },
};

static bool find(void *ctx, struct fl_str name, struct fl_filter_field *ret)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(fields); i++)
		if (fl_str_is(name, fields[i].name)) {
			*ret = fields[i].field;
			return true;
		}
	return false;
}

/* A kernel with one function. */
static bool function(void *ctx, struct fl_str name, uint64_t *ret_start, uint64_t *ret_end)
{
	*ret_start = 0x1000;
	*ret_end = 0x1100;
	return fl_str_is(name, "vfs_read");
}

static const struct fl_filter_scope scope = { .find = find, .function = function };

static bool passes(const char *text, const struct record *r)
{
	const struct fl_filter_env env = { .comm = FL_STR("swapper/0"), .cpu = 3 };
	_cleanup_filter_ struct fl_filter f = {};
	struct fl_diag d = {};

	if (fl_filter_parse(fl_str(text), &scope, &f, &d) < 0)
		fail_msg("%s: %s at %u", text, fl_diag_text(&d), d.column);
	for (size_t i = 0; i < f.n; i++) {
		assert_true(f.preds[i].on_true > i && f.preds[i].on_false > i);
		assert_true(f.preds[i].on_true < f.n || f.preds[i].on_true >= FL_FILTER_ACCEPT);
	}
	return fl_filter_match(&f, r, sizeof(*r), &env);
}

/* Prints a random expression over the bits of u8 and returns its value. */
static bool random_tree(struct fl_buf *out, uint8_t bits, int depth)
{
	int kind = depth ? rand() % 4 : 0, bit = 1 << rand() % 8;
	bool left, right;

	switch (kind) {
	case 1:
		fl_buf_addz(out, "!(");
		left = random_tree(out, bits, depth - 1);
		fl_buf_addz(out, ")");
		return !left;
	case 2:
	case 3:
		fl_buf_addz(out, kind == 2 ? "(" : "((");
		left = random_tree(out, bits, depth - 1);
		fl_buf_addz(out, kind == 2 ? " && " : ")||(");
		right = random_tree(out, bits, depth - 1);
		fl_buf_addz(out, kind == 2 ? ")" : "))");
		return kind == 2 ? left && right : left || right;
	}
	if (rand() % 2) {
		fl_buf_addf(out, "!u8 & %d", bit);
		return !(bits & bit);
	}
	fl_buf_addf(out, "u8&0x%x", bit);
	return bits & bit;
}

static void test_random_trees(void **state)
{
	srand(1);
	for (int i = 0; i < 20000; i++) {
		_cleanup_buf_ struct fl_buf text = {};
		struct record r = { .u8 = rand() };
		bool want = random_tree(&text, r.u8, i % 7);

		if (passes(fl_buf_z(&text), &r) != want)
			fail_msg("%s with %#x should be %d", fl_buf_z(&text), r.u8, want);
	}
}

/* && binds tighter than ||, without parentheses to help. */
static void test_precedence(void **state)
{
	struct record r = { .u8 = 1 };

	assert_true(passes("u8 == 1 || u8 == 2 && u8 == 3", &r));
	assert_false(passes("u8 == 2 && u8 == 3 || u8 == 4", &r));
	assert_true(passes("u8 == 2 && u8 == 3 || u8 == 1", &r));
	assert_true(passes("!u8 == 2 && u8 == 1", &r));
}

#define CHECK_OP(name, type, op)                                                                   \
	do {                                                                                       \
		type a = lhs, b = rhs;                                                             \
		char t[64];                                                                        \
		snprintf(t, sizeof(t), #name " " #op " %lld", (long long)(type)rhs);               \
		if (passes(t, &r) != !!(a op b))                                                   \
			fail_msg("%s, field %lld", t, (long long)a);                               \
	} while (0)

#define CHECK_TYPE(name, type)                                                                     \
	do {                                                                                       \
		r.name = lhs;                                                                      \
		CHECK_OP(name, type, ==);                                                          \
		CHECK_OP(name, type, !=);                                                          \
		CHECK_OP(name, type, <);                                                           \
		CHECK_OP(name, type, <=);                                                          \
		CHECK_OP(name, type, >);                                                           \
		CHECK_OP(name, type, >=);                                                          \
		CHECK_OP(name, type, &);                                                           \
	} while (0)

static void test_comparisons_as_the_compiler(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 2, 127, 128, 255, 256, 32767, -32768, 65535,
					  INT32_MAX, INT32_MIN, INT64_MAX };
	struct record r = {};

	for (size_t i = 0; i < FL_ARRAY_SIZE(values); i++)
		for (size_t j = 0; j < FL_ARRAY_SIZE(values); j++) {
			int64_t lhs = values[i], rhs = values[j];

			CHECK_TYPE(u8, uint8_t);
			CHECK_TYPE(s8, int8_t);
			CHECK_TYPE(u16, uint16_t);
			CHECK_TYPE(s16, int16_t);
			CHECK_TYPE(u32, uint32_t);
			CHECK_TYPE(s32, int32_t);
			CHECK_TYPE(s64, int64_t);
		}
}

static void test_strings(void **state)
{
	struct record r = { .text = "kworker/0:1", .dyn = "dynamic" };
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ "text == 'kworker/0:1'", true },    { "text == \"kworker\"", false },
		{ "text != 'kworker'", true },	      { "text ~ 'kworker*'", true },
		{ "text ~ '*0:1'", true },	      { "text ~ '*orker*'", true },
		{ "text ~ 'kw*0:?'", true },	      { "text ~ '!kworker*'", false },
		{ "text ~ 'worker'", false },	      { "text ~ '*'", true },
		{ "loc == 'dynamic'", true },	      { "loc ~ '*nam*'", true },
		{ "comm == 'swapper/0' && cpu == 3", true }, { "cpu != 3", false },
		/* Documentation/trace/events.rst: "is one of" and "is the only one of" */
		{ "cpu & CPUS{1,3}", true }, { "cpu & CPUS{0-2}", false }, { "cpu & CPUS{0,2-9}", true },
		{ "cpu == CPUS{3}", true }, { "cpu & CPUS{3}", true }, { "cpu == CPUS{2-3}", false },
		{ "cpu != CPUS{2-3}", true }, { "cpu != CPUS{3}", false }, { "cpu & CPUS{all}", true },
	};

	r.loc = offsetof(struct record, dyn) | sizeof(r.dyn) << 16;
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++)
		if (passes(rows[i].text, &r) != rows[i].want)
			fail_msg("%s", rows[i].text);
	r.loc = 0xffff0000 | offsetof(struct record, dyn); /* runs past the record */
	assert_false(passes("loc == 'dynamic'", &r));
	assert_false(passes("loc != 'dynamic'", &r));
}

/*
 * What Linux 6.12.117 and 7.3.4 wrote into error_log when each of these was written into
 * events/sched/sched_switch/filter: the message, and the caret's column in the filter.
 */
static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		uint32_t column;
		const char *message;
	} rows[] = {
		{ "prev_pid == 1 && nosuch > 1", 24, "Field not found" },
		{ "prev_pid = 1", 10, "Invalid operator" },
		{ "prev_pid == x", 13, "Invalid value (did you forget quotes)?" },
		{ "prev_comm == 1", 14, "Expecting string field" },
		{ "prev_pid == 'x'", 13, "Expecting numeric field" },
		{ "prev_pid ~ 1", 12, "Illegal operation for field type" },
		{ "prev_pid == 99999999999999999999", 13, "Illegal integer value" },
		{ "prev_comm ~ 'abc", 12, "Missing matching quote" },
		{ "(prev_pid == 1", 0, "Too many '('" },
		{ "prev_pid == 1)", 13, "Too few '('" },
		{ "prev_pid == 1 prev_prio", 14, "Too many terms in predicate expression" },
		{ "prev_pid == 1 &&", 16, "Meaningless filter expression" },
		{ "prev_comm > 'a'", 13, "Illegal operation for field type" },
		{ "!!(prev_state.function != 0) && prevprio>=1", 28, "Function not found" },
		{ "prev_state.function == nosuch", 30, "Function not found" },
		{ "prev_state.function == 0123456789012345678901234", 49, "Operand too long" },
		{ "prev_state.function > 0", 23, "Invalid operator" },
		{ "prev_pid.function == vfs_read", 22, "Illegal operation for field type" },
		{ "prev_pid & CPUS{0-}", 19, "Invalid cpulist" },
		{ "prev_pid & CPUS{1", 18, "Missing '}'" },
		{ "prev_pid & CPUS1}", 17, "Missing '{'" },
		{ "prev_pid & CPUS{}", 17, "Invalid cpulist" },
		{ "prev_pid == 1 && prev_pid == 12345678901234567890123456", 56, "Operand too long" },
		{ "()", 0, "Error" },
		{ "!", 1, "No filter found" },
		{ "prev_pid > CPUS{1}", 12, "Illegal operation for field type" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_filter_ struct fl_filter f = {};
		struct fl_diag d = {};

		if (fl_filter_parse(fl_str(rows[i].text), &scope, &f, &d) == 0)
			fail_msg("accepted: %s", rows[i].text);
		if (strcmp(fl_diag_text(&d), rows[i].message) != 0 || d.column != rows[i].column)
			fail_msg("%s: %s at %u", rows[i].text, fl_diag_text(&d), d.column);
		fl_diag_fini(&d);
	}
}

#define ZEROS22 "0000000000000000000000"
#define TEXT255                                                                                                \
	"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"                 \
	"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"                 \
	"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"

/*
 * The last that is accepted, and the first that is not: num_buf[24] and MAX_FILTER_STR_VAL of the kernel's
 * trace_events_filter.c, with the NUL that each holds; CONFIG_NR_CPUS of Debian's kernels.
 */
static void test_limits(void **state)
{
	static const struct {
		const char *good, *bad, *message;
	} rows[] = {
		{ "prev_pid == " ZEROS22 "1", "prev_pid == " ZEROS22 "01", "Operand too long" },
		{ "prev_comm == '" TEXT255 "'", "prev_comm == '" TEXT255 "t'", "Operand too long" },
		{ "prev_pid & CPUS{8191}", "prev_pid & CPUS{8192}", "Invalid cpulist" },
	};

	assert_int_equal(strlen(TEXT255), 255);
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_filter_ struct fl_filter good = {}, bad = {};
		struct fl_diag d = {};

		if (fl_filter_parse(fl_str(rows[i].good), &scope, &good, &d) < 0)
			fail_msg("%s: %s", rows[i].good, fl_diag_text(&d));
		assert_int_not_equal(fl_filter_parse(fl_str(rows[i].bad), &scope, &bad, &d), 0);
		assert_string_equal(fl_diag_text(&d), rows[i].message);
		fl_diag_fini(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_trees),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_comparisons_as_the_compiler),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
