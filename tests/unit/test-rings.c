/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading rings that lie in plain memory, as the kernel lays them out (BPF_MAP_TYPE_RINGBUF of linux/bpf.h: a
 * header of 8 bytes, whose first word is the length with the bits BUSY and DISCARD, then the record, to 8 bytes).
 */
#include "probe/live/rings.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 16384
#define CPUS  7

static struct {
	struct fl_rings set;
	struct ring rings[CPUS], *v[CPUS], *heap[CPUS];
	uint64_t consumer[CPUS], producer[CPUS];
	uint8_t data[CPUS][2 * BYTES];
	char said[256]; /* what was handed out: "CPU:TIME " each */
	size_t limit;	/* records that are taken; 0: all */
} t;

static int setup(void **state)
{
	memset(&t, 0, sizeof(t));
	t.set = (struct fl_rings){ .fd = -1, .bytes = BYTES, .n = CPUS, .v = t.v, .heap = t.heap };
	for (uint32_t i = 0; i < CPUS; i++) {
		t.rings[i].cpu = i;
		t.rings[i].consumer = &t.consumer[i];
		t.rings[i].producer = &t.producer[i];
		t.rings[i].data = t.data[i];
		t.v[i] = &t.rings[i];
	}
	return 0;
}

/* As a program on @cpu would; a record that wraps is there twice, as the kernel's mapping has it. */
static void put(uint32_t cpu, uint64_t time, uint32_t flags)
{
	struct fl_record rec = { .time = time, .cpu = cpu };
	uint32_t len = sizeof(rec) | flags;
	uint8_t bytes[(BPF_RINGBUF_HDR_SZ + sizeof(rec) + 7) / 8 * 8] = {};

	memcpy(bytes, &len, sizeof(len));
	memcpy(bytes + BPF_RINGBUF_HDR_SZ, &rec, sizeof(rec));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		size_t at = (t.producer[cpu] + i) % BYTES;

		t.data[cpu][at] = t.data[cpu][at + BYTES] = bytes[i];
	}
	t.producer[cpu] += sizeof(bytes);
}

static int say(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	size_t n = strlen(t.said);

	assert_int_equal(size, sizeof(*rec));
	snprintf(t.said + n, sizeof(t.said) - n, "%u:%lu ", cpu, rec->time);
	return t.limit && --t.limit == 0 ? -ECANCELED : 0;
}

static void reads(uint64_t before, int64_t n, const char *want)
{
	t.said[0] = '\0';
	assert_int_equal(fl_rings_read(&t.set, before, say, NULL), n);
	assert_string_equal(t.said, want);
}

static void test_before(void **state)
{
	put(0, 10, 0);
	put(0, 11, 0);
	put(0, 12, 0);
	reads(10, 0, "");
	reads(12, 2, "0:10 0:11 ");
	reads(13, 1, "0:12 ");
	reads(UINT64_MAX, 0, "");
}

static void test_order(void **state)
{
	put(0, 10, 0);
	put(0, 40, 0);
	put(0, 30, 0); /* what had interrupted the program is first in the ring's order, not in time */
	put(1, 20, 0);
	put(1, 35, 0);
	reads(100, 5, "0:10 1:20 0:30 1:35 0:40 ");
}

static int follows(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	uint64_t *last = ctx;

	assert_int_equal(rec->time, ++*last);
	assert_int_equal(rec->cpu, cpu);
	return 0;
}

/* Each is on some CPU, and they come out as they were made. */
static void test_merge(void **state)
{
	unsigned int random = 1;
	uint64_t last = 0;

	for (uint64_t time = 1; time <= 300; time++) {
		random = random * 1103515245 + 12345;
		put((random >> 16) % CPUS, time, 0);
	}
	assert_int_equal(fl_rings_read(&t.set, UINT64_MAX, follows, &last), 300);
}

static void test_busy(void **state)
{
	put(0, 10, 0);
	put(0, 11, BPF_RINGBUF_BUSY_BIT);
	put(0, 12, 0);
	put(1, 50, 0);
	reads(100, 2, "0:10 1:50 ");
	t.data[0][t.consumer[0] + 3] = 0; /* the program is done with it: the length's upper byte */
	reads(100, 2, "0:11 0:12 ");
}

static void test_discarded(void **state)
{
	put(0, 10, BPF_RINGBUF_DISCARD_BIT);
	put(0, 11, 0);
	reads(100, 1, "0:11 ");
}

/* What a callback did not want is still there, and space goes back behind what was looked at alone. */
static void test_enough(void **state)
{
	put(0, 10, 0);
	put(0, 11, 0);
	t.limit = 1;
	reads(100, -ECANCELED, "0:10 ");
	assert_int_equal(t.consumer[0], 0);
	reads(100, 1, "0:11 ");
	reads(100, 0, "");
	assert_int_equal(t.consumer[0], t.producer[0]);
}

static void test_around(void **state)
{
	char want[16];

	for (uint64_t time = 1; time < 1000; time++) {
		put(0, time, 0);
		snprintf(want, sizeof(want), "0:%lu ", time);
		reads(time + 1, 1, want);
	}
	assert_true(t.producer[0] > 2 * BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_before, setup), cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_merge, setup),  cmocka_unit_test_setup(test_busy, setup),
		cmocka_unit_test_setup(test_discarded, setup), cmocka_unit_test_setup(test_enough, setup),
		cmocka_unit_test_setup(test_around, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
