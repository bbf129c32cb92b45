/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction builder against encodings of RFC 9669 (written out by hand), the record's layout
 * against its own rules, and number output against printf.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/insn.h"
#include "probe/record/layout.h"
#include "probe/output/put.h"

/* op, dst | src << 4, offset, immediate: little endian, as the RFC's figure 1 */
static uint64_t word(uint8_t op, uint8_t regs, int16_t off, int32_t imm)
{
	return op | (uint64_t)regs << 8 | (uint64_t)(uint16_t)off << 16 |
	       (uint64_t)(uint32_t)imm << 32;
}

static void expect(const struct fl_insns *p, const uint64_t *want, size_t n)
{
	assert_int_equal(p->n, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t got;

		memcpy(&got, &p->v[i], 8);
		assert_int_equal(got, want[i]);
	}
}

static void test_encodings(void **state)
{
	const uint64_t want[] = {
		word(0xbf, 0x16, 0, 0),	       /* r6 = r1 */
		word(0xbc, 0x21, 0, 0),	       /* w1 = w2 */
		word(0xb7, 0x02, 0, -5),       /* r2 = -5 */
		word(0x18, 0x03, 0, 0x55667788), /* r3 = 0x1122334455667788 ll */
		word(0x00, 0x00, 0, 0x11223344),
		word(0x18, 0x11, 0, 7),	       /* r1 = map of descriptor 7 */
		word(0, 0, 0, 0),
		word(0x18, 0x21, 0, 7),	       /* r1 = value of map 7, byte 24 */
		word(0, 0, 0, 24),
		word(0x0f, 0x98, 0, 0),	       /* r8 += r9 */
		word(0x67, 0x09, 0, 12),       /* r9 <<= 12 */
		word(0x71, 0x10, 3, 0),	       /* r0 = *(u8 *)(r1 + 3) */
		word(0x69, 0x10, -2, 0),       /* u16 */
		word(0x61, 0x10, 4, 0),	       /* u32 */
		word(0x79, 0x10, 8, 0),	       /* u64 */
		word(0x7b, 0x9a, -8, 0),       /* *(u64 *)(r10 - 8) = r9 */
		word(0x62, 0x0a, -4, 9),       /* *(u32 *)(r10 - 4) = 9 */
		word(0xdb, 0x21, 16, 0),       /* lock *(u64 *)(r1 + 16) += r2 */
		word(0xc3, 0x21, 16, 0xe1),    /* w2 = xchg32(r1 + 16, w2) */
		word(0x85, 0x00, 0, 113),      /* call helper 113 */
		word(0x85, 0x20, 0, 999),      /* call kernel function 999 */
		word(0x95, 0x00, 0, 0),	       /* exit */
	};
	_cleanup_insns_ struct fl_insns p = {};

	fl_emit_mov(&p, 6, 1);
	fl_emit_mov32(&p, 1, 2);
	fl_emit_imm64(&p, 2, (uint64_t)-5);
	fl_emit_imm64(&p, 3, 0x1122334455667788);
	fl_emit_map_fd(&p, 1, 7);
	fl_emit_map_value(&p, 1, 7, 24);
	fl_emit_alu(&p, BPF_ADD, 8, 9);
	fl_emit_alui(&p, BPF_LSH, 9, 12);
	fl_emit_load(&p, 1, 0, 1, 3);
	fl_emit_load(&p, 2, 0, 1, -2);
	fl_emit_load(&p, 4, 0, 1, 4);
	fl_emit_load(&p, 8, 0, 1, 8);
	fl_emit_store(&p, 8, 10, -8, 9);
	fl_emit_storei(&p, 4, 10, -4, 9);
	fl_emit_atomic_add(&p, 8, 1, 16, 2);
	fl_emit_atomic_xchg(&p, 4, 1, 16, 2);
	fl_emit_call(&p, 113);
	fl_emit_kfunc(&p, 999);
	fl_emit_exit(&p);
	assert_int_equal(fl_insns_finish(&p), 0);
	expect(&p, want, FL_ARRAY_SIZE(want));
}

static void test_jumps(void **state)
{
	const uint64_t want[] = {
		word(0x15, 0x01, 2, 0), /* if r1 == 0 goto +2 */
		word(0x7d, 0x21, 1, 0), /* if r1 s>= r2 goto +1 */
		word(0x05, 0x00, -3, 0), /* goto -3 */
		word(0x95, 0x00, 0, 0),
	};
	_cleanup_insns_ struct fl_insns p = {}, lost = {}, far = {};
	uint32_t top = fl_label_new(&p), end = fl_label_new(&p), label;

	fl_label_place(&p, top);
	fl_emit_jmpi(&p, BPF_JEQ, 1, 0, end);
	fl_emit_jmpr(&p, BPF_JSGE, 1, 2, end);
	fl_emit_jmp(&p, top);
	fl_label_place(&p, end);
	fl_emit_exit(&p);
	assert_true(fl_label_used(&p, end));
	assert_int_equal(fl_insns_finish(&p), 0);
	expect(&p, want, FL_ARRAY_SIZE(want));

	label = fl_label_new(&lost);
	assert_false(fl_label_used(&lost, label));
	fl_emit_jmp(&lost, label);
	assert_int_equal(fl_insns_finish(&lost), -EINVAL);

	label = fl_label_new(&far);
	fl_emit_jmp(&far, label);
	for (int i = 0; i < 32768; i++)
		fl_emit_exit(&far);
	fl_label_place(&far, label);
	assert_int_equal(fl_insns_finish(&far), -ERANGE);
}

static const struct fl_fetch_type u8_type = { "u8", 1, false, FL_PRINT_UNSIGNED, 0 };
static const struct fl_fetch_type s64_type = { "s64", 8, true, FL_PRINT_SIGNED, 0 };
static const struct fl_fetch_type string_type = { "string", 4, false, FL_PRINT_STRING,
						  FL_TYPE_STRING };

static void test_layout(void **state)
{
	struct fl_probe_arg args[] = {
		{ .type = &u8_type, .count = 3 },
		{ .type = &s64_type },
		{ .type = &string_type },
		{ .type = &string_type, .count = 4 },
	};
	struct fl_probe_event e = { .args = args, .nr_args = FL_ARRAY_SIZE(args) };
	struct fl_record_layout l;
	uint32_t end = sizeof(struct fl_record);

	assert_int_equal(fl_record_layout(&e, (struct fl_layout_options){ .faults = true }, &l), 0);
	assert_int_equal(l.faults_offset, end);
	for (size_t i = 0; i < l.nr_slots; i++) { /* nothing overlaps, all is aligned */
		assert_true(l.slots[i].offset >= end);
		assert_int_equal(l.slots[i].offset % FL_MIN(l.slots[i].size, 8), 0);
		end = l.slots[i].offset + l.slots[i].size * l.slots[i].count;
	}
	assert_true(l.fixed_size >= end && l.fixed_size % 8 == 0);
	assert_int_equal(l.nr_strings, 5);
	assert_int_equal(l.string_max, FL_STRING_MAX);
	assert_int_equal(l.max_size, l.fixed_size + 5 * FL_STRING_MAX);

	args[3].count = 64; /* too many for the full length each, not too many for a record */
	assert_int_equal(fl_record_layout(&e, (struct fl_layout_options){}, &l), 0);
	assert_true(l.string_max < FL_STRING_MAX && l.max_size <= FL_RECORD_MAX);
}

/* A record of exactly the most bytes is one, and one byte more is none. */
static void test_longest_layout(void **state)
{
	struct fl_probe_arg arg = { .type = &u8_type, .count = FL_RECORD_MAX - sizeof(struct fl_record) };
	struct fl_probe_event e = { .args = &arg, .nr_args = 1 };
	struct fl_record_layout l;

	assert_int_equal(fl_record_layout(&e, (struct fl_layout_options){}, &l), 0);
	assert_int_equal(l.max_size, FL_RECORD_MAX);
	arg.count++;
	assert_int_equal(fl_record_layout(&e, (struct fl_layout_options){}, &l), -E2BIG);
}

static void test_values(void **state)
{
	struct fl_record_slot s = { FL_SLOT_VALUE, 40, 1, 3 };
	struct fl_record_slot str = { FL_SLOT_STRING, 48, 4, 2 };
	struct {
		struct fl_record head;
		uint8_t bytes[8];
		struct fl_strloc loc[2];
		char text[8];
	} r = { .bytes = { 1, 0x80, 0xff }, .loc = { { 56, 4 }, { 56, 9 } }, .text = "abc" };
	struct fl_str got;

	assert_int_equal(sizeof(struct fl_record), 40);
	assert_int_equal(fl_record_value(&s, &r.head, 1, false), 0x80);
	assert_int_equal((int64_t)fl_record_value(&s, &r.head, 1, true), -128);
	assert_true(fl_record_string(&str, &r.head, sizeof(r), 0, &got));
	assert_true(fl_str_is(got, "abc"));
	assert_false(fl_record_string(&str, &r.head, sizeof(r), 1, &got)); /* past the record */
	r.loc[0].len = 0;
	assert_false(fl_record_string(&str, &r.head, sizeof(r), 0, &got)); /* faulted */
}

static void test_put(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 99, 100, 999, 1000, 9999, 10000, 4294967296u,
					    9999999999999999999u, UINT64_MAX, 1ull << 63 };
	char got[64], want[64];

	for (size_t i = 0; i < FL_ARRAY_SIZE(numbers); i++) {
		*fl_put_u64(got, numbers[i]) = '\0';
		snprintf(want, sizeof(want), "%" PRIu64, numbers[i]);
		assert_string_equal(got, want);
		*fl_put_s64(got, (int64_t)numbers[i]) = '\0';
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)numbers[i]);
		assert_string_equal(got, want);
		*fl_put_hex(got, numbers[i]) = '\0';
		snprintf(want, sizeof(want), "0x%" PRIx64, numbers[i]);
		assert_string_equal(got, want);
	}
	*fl_put_digits(got, 1234, 6) = '\0';
	assert_string_equal(got, "001234");
	*fl_put_digits(got, 7, 3) = '\0';
	assert_string_equal(got, "007");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings), cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_longest_layout),
		cmocka_unit_test(test_layout),	  cmocka_unit_test(test_values),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
