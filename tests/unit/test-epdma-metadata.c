// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The metadata codec. Blocks are made here byte by byte, from the format's description (the posted
 * documents; header include/linux/pci-ep-dma.h of the series), not by the code under test. Errnos of
 * the bad inputs are those that the posted host driver's source gives.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/metadata/metadata.h"
#include "epdma/metadata/reason.h"

#define W(blob, off, v) fl_put_le32((blob) + (off), (v))

/* Two write and two read channels, registers in BAR 2 at 0x8000, descriptors in BAR 2 from 0. */
#define GOOD_LEN 0xcc

static void good_entry(uint8_t *e, unsigned int i, unsigned int page)
{
	W(e, 0x00, i | 2 << 8);
	W(e, 0x04, page * 0x1000);
	W(e, 0x0c, 0x1000);
	W(e, 0x10, 0x40000000 + page * 0x1000);
	W(e, 0x14, 0x1);
}

static void good_block(uint8_t *b, enum fl_epmd_layout layout)
{
	size_t hdr = layout == FL_EPMD_B ? 0x20 : 0x1c;

	memset(b, 0, 0x400);
	W(b, 0x00, 0x4d444550);
	W(b, 0x04, 1 | (uint32_t)(hdr + 4 * 0x2c) << 16);
	W(b, 0x08, 2 | 2 << 3 | 2 << 11 | 0x2c << 19);
	W(b, 0x0c, 0x8000);
	W(b, 0x14, 1 | 1 << 8);
	W(b, 0x18, 0x2000);
	for (unsigned int k = 0; k < 4; k++)
		good_entry(b + hdr + k * 0x2c, k % 2, k);
}

static const struct fl_epmd_policy bars = {
	.bar = 0,
	.bar_size = { 0x1000, 0, 0x10000, 0, 0, 0 },
};

struct result {
	int seed, strict;
	const char *why; /* of the strict reader */
};

static struct result read_both(const uint8_t *b, size_t n, struct fl_epmd_policy p)
{
	struct fl_epmd md;
	struct fl_epmd_finding f = {};
	struct result res;

	p.seed_compat = true;
	res.seed = fl_epmd_parse(b, n, &p, &md, NULL);
	p.seed_compat = false;
	res.strict = fl_epmd_parse(b, n, &p, &md, &f);
	res.why = f.kind ? f.kind->code : "";
	return res;
}

static void expect(const uint8_t *b, size_t n, struct fl_epmd_policy p, int seed, int strict,
		   const char *why)
{
	struct result res = read_both(b, n, p);

	assert_string_equal(res.why, why);
	assert_int_equal(res.seed, seed);
	assert_int_equal(res.strict, strict);
}

static void reads_a_good_block(void **state)
{
	uint8_t b[0x400];
	struct fl_epmd md;
	struct fl_epmd_finding f;

	good_block(b, FL_EPMD_A);
	assert_int_equal(fl_epmd_parse(b, sizeof(b), &bars, &md, &f), 0);
	assert_int_equal(md.layout, FL_EPMD_A);
	assert_int_equal(md.len, GOOD_LEN);
	assert_int_equal(md.n[FL_EPDMA_WRITE], 2);
	assert_int_equal(md.n[FL_EPDMA_READ], 2);
	assert_int_equal(md.entry_size, 0x2c);
	assert_int_equal(md.map, FL_EPDMA_UNROLL);
	assert_int_equal(md.reg.bar, 2);
	assert_int_equal(md.reg.offset, 0x8000);
	assert_int_equal(md.reg.size, 0x2000);
	assert_int_equal(md.chan[FL_EPDMA_READ][1].desc.offset, 0x3000);
	assert_int_equal(md.chan[FL_EPDMA_READ][1].desc.addr, 0x140003000);
	assert_int_equal(md.chan[FL_EPDMA_READ][1].hw_ch, 1);
	assert_false(md.ready || md.host_req);
}

static void tells_the_layouts_apart(void **state)
{
	uint8_t b[0x400];
	struct fl_epmd_policy p = bars;
	struct fl_epmd md;

	good_block(b, FL_EPMD_B);
	W(b, 0x1c, 1);
	assert_int_equal(fl_epmd_parse(b, sizeof(b), &p, &md, NULL), 0);
	assert_int_equal(md.layout, FL_EPMD_B);
	assert_true(md.host_req);
	assert_int_equal(md.chan[FL_EPDMA_WRITE][1].desc.offset, 0x1000);

	/* bytes behind the tables: only one of the layouts has plausible entries; the posted driver
	 * takes the request word for the first entry, whose hardware channel is then 1 */
	W(b, 0x04, 1 | (0x20u + 4 * 0x2c + 4) << 16);
	p.layout = FL_EPMD_AUTO;
	expect(b, sizeof(b), p, -EOPNOTSUPP, -EINVAL, "MD_TRAILING");
	W(b, 0x1c, 0);
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_TRAILING");
	memset(b + 0x1c, 0, 0x3e0);
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_DESC_RANGE");
}

/* Where the length says B, B's faults are what is reported, at B's offsets. */
static void layout_b_by_its_length(void **state)
{
	struct fl_epmd_policy p = bars;
	struct fl_epmd_finding f;
	struct fl_epmd md;
	uint8_t b[0x400];

	good_block(b, FL_EPMD_B);
	W(b, 0x20 + 0x2c + 0x0c, 0); /* the second entry's size */
	assert_int_equal(fl_epmd_parse(b, sizeof(b), &p, &md, &f), -EINVAL);
	assert_string_equal(f.kind->code, "MD_DESC_RANGE");
	assert_int_equal(f.chan, 1);
	assert_int_equal(f.offset, 0x20 + 0x2c + 0x0c);
}

/*
 * One channel, bytes behind the table, and a BAR of unknown size: read as A, the entry is at 0x1c,
 * with size 0x1000 and address 0x1000; read as B, it is at 0x20, with these words as the upper half
 * of its offset and as its size.
 */
static void neither_layout_alone(void **state)
{
	struct fl_epmd_policy p = { .bar = 1, .bar_size = { FL_EPMD_BAR_UNKNOWN, 0x1000, 0x10000 } };
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	memset(b + 0x1c, 0, sizeof(b) - 0x1c);
	W(b, 0x04, 1 | 0x50 << 16);
	W(b, 0x08, 2 | 1 << 3 | 0x2c << 19);
	W(b, 0x28, 0x1000);
	W(b, 0x2c, 0x1000);
	expect(b, sizeof(b), p, 0, -EINVAL, "MD_AMBIGUOUS");
	p.bar_size[0] = 0x10000; /* now B's offset is out of the BAR */
	expect(b, sizeof(b), p, 0, -EINVAL, "MD_TRAILING");
	p.layout = FL_EPMD_B;
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_DESC_RANGE");
}

/* Field, value, errno of the posted driver, and the strict reader's reason. */
struct bad_word {
	int row; /* of the list of bad inputs */
	uint16_t offset;
	uint32_t clear, set;
	int seed;
	const char *why;
};

#define ENTRY(k, off) (0x1c + (k)*0x2c + (off))

static const struct bad_word bad_words[] = {
	{ 1, 0x00, ~0u, 0xffffffff, -ENODEV, "MD_MAGIC" },
	{ 1, 0x00, ~0u, 0x00000000, -ENODEV, "MD_MAGIC" },
	{ 1, 0x00, ~0u, 0x5045444d, -ENODEV, "MD_MAGIC" },
	{ 2, 0x04, 0xff, 0, -EINVAL, "MD_REVISION" },
	{ 2, 0x04, 0xff, 2, -EINVAL, "MD_REVISION" },
	{ 2, 0x04, 0xff, 255, -EINVAL, "MD_REVISION" },
	{ 3, 0x04, 0xffff0000, 0x1bu << 16, -EINVAL, "MD_LEN_HEADER" },
	{ 3, 0x04, 0xffff0000, 0, -EINVAL, "MD_LEN_HEADER" },
	{ 4, 0x04, 0xffff0000, 0x1001u << 16, -EINVAL, "MD_LEN_BAR" },
	{ 4, 0x04, 0xffff0000, 0xffffu << 16, -EINVAL, "MD_LEN_BAR" },
	{ 5, 0x14, 0xff, 0, -EOPNOTSUPP, "MD_LAYOUT_ID" },
	{ 5, 0x14, 0xff, 2, -EOPNOTSUPP, "MD_LAYOUT_ID" },
	{ 5, 0x14, 0xff, 255, -EOPNOTSUPP, "MD_LAYOUT_ID" },
	{ 6, 0x14, 0xff00, 0, -EOPNOTSUPP, "MD_MAP_LEGACY" },
	{ 7, 0x14, 0xff00, 2 << 8, -EINVAL, "MD_MAP" },
	{ 7, 0x14, 0xff00, 3 << 8, -EINVAL, "MD_MAP" },
	{ 7, 0x14, 0xff00, 4 << 8, -EINVAL, "MD_MAP" },
	{ 7, 0x14, 0xff00, 6 << 8, -EINVAL, "MD_MAP" },
	{ 7, 0x14, 0xff00, 8 << 8, -EINVAL, "MD_MAP" },
	{ 7, 0x14, 0xff00, 255 << 8, -EINVAL, "MD_MAP" },
	{ 8, 0x08, 7, 6, -EINVAL, "MD_REG_BAR" },
	{ 8, 0x08, 7, 7, -EINVAL, "MD_REG_BAR" },
	{ 9, 0x08, 0xff << 3 | 0xff << 11, 0, -EINVAL, "MD_NO_CHANS" },
	{ 10, 0x08, 0xff << 3, 9 << 3, -EINVAL, "MD_CHANS" },
	{ 10, 0x08, 0xff << 3, 255 << 3, -EINVAL, "MD_CHANS" },
	{ 10, 0x08, 0xff << 11, 9 << 11, -EINVAL, "MD_CHANS" },
	{ 10, 0x08, 0xff << 11, 255 << 11, -EINVAL, "MD_CHANS" },
	{ 11, 0x08, 0xffu << 19, 0, -EINVAL, "MD_ENTRY_SIZE" },
	{ 11, 0x08, 0xffu << 19, 0x28u << 19, -EINVAL, "MD_ENTRY_SIZE" },
	{ 11, 0x08, 0xffu << 19, 0x2bu << 19, -EINVAL, "MD_ENTRY_SIZE" },
	{ 12, 0x08, 0xffu << 19, 0x2du << 19, -EINVAL, "MD_ENTRY_SIZE" },
	{ 12, 0x08, 0xffu << 19, 0xffu << 19, -EINVAL, "MD_ENTRY_SIZE" },
	{ 13, 0x04, 0xffff0000, 0xcbu << 16, -EINVAL, "MD_TABLES" },
	{ 13, 0x08, 0xff << 3, 3 << 3, -EINVAL, "MD_TABLES" },
	{ 13, 0x08, 0xffu << 19, 0x30u << 19, -EINVAL, "MD_TABLES" },
	{ 15, 0x10, ~0u, 0x80000000, -EINVAL, "MD_REG_OFFSET" },
	{ 16, 0x18, ~0u, 0, -EINVAL, "MD_REG_RANGE" },
	{ 16, 0x0c, ~0u, 0x10001, -EINVAL, "MD_REG_RANGE" },
	{ 16, 0x0c, ~0u, 0xe004, -EINVAL, "MD_REG_RANGE" },
	{ 16, 0x18, ~0u, 0x8001, -EINVAL, "MD_REG_RANGE" },
	{ 16, 0x18, ~0u, ~0u, -EINVAL, "MD_REG_RANGE" },
	{ 17, 0x08, 7, 1, -EINVAL, "MD_REG_RANGE" },
	{ 18, ENTRY(1, 0), 0xff, 0, -EOPNOTSUPP, "MD_HW_CH" },
	{ 18, ENTRY(1, 0), 0xff, 2, -EOPNOTSUPP, "MD_HW_CH" },
	{ 18, ENTRY(2, 0), 0xff, 1, -EOPNOTSUPP, "MD_HW_CH" },
	{ 19, ENTRY(0, 0), 7 << 8, 6 << 8, -EINVAL, "MD_DESC_BAR" },
	{ 19, ENTRY(3, 0), 7 << 8, 7 << 8, -EINVAL, "MD_DESC_BAR" },
	{ 20, ENTRY(0, 0x0c), ~0u, 0, -EINVAL, "MD_DESC_RANGE" },
	{ 20, ENTRY(0, 0x04), ~0u, 0xf008, -EINVAL, "MD_DESC_RANGE" },
	{ 20, ENTRY(0, 0x08), ~0u, 0x7fffffff, -EINVAL, "MD_DESC_RANGE" },
	{ 20, ENTRY(3, 0x0c), ~0u, 0xd001, -EINVAL, "MD_DESC_RANGE" },
	{ 21, ENTRY(1, 0x08), ~0u, 0x80000000, -EINVAL, "MD_DESC_OFFSET" },
	{ 22, ENTRY(1, 0), 7 << 12, 1 << 16 | 6 << 12, -EINVAL, "MD_AUX_BAR" },
	{ 22, ENTRY(1, 0), 7 << 12, 1 << 16 | 2 << 12, -EINVAL, "MD_AUX_RANGE" },
	/* what only the strict reader refuses: the posted driver accepts (errno 0) */
	{ 29, ENTRY(0, 0x0c), ~0u, 47, 0, "MD_DESC_SMALL" },
	{ 29, ENTRY(0, 0x04), ~0u, 0x4004, 0, "MD_DESC_ALIGN" },
	{ 30, 0x18, ~0u, 0x5ff, 0, "MD_REG_SMALL" },
	{ 31, 0x0c, ~0u, 0x2000, 0, "MD_OVERLAP" },
	{ 31, ENTRY(0, 0), 7 << 8, 0, 0, "MD_OVERLAP" },
	{ 32, ENTRY(1, 0x04), ~0u, 0, 0, "MD_DESC_SHARED" },
	{ 32, ENTRY(1, 0x10), ~0u, 0x40000000, 0, "MD_DESC_SHARED" },
	{ 33, ENTRY(2, 0x10), ~0u, 0x40002004, 0, "MD_DESC_ADDR" },
	{ 34, 0x08, 0, 1u << 31, 0, "MD_READY_UNASKED" },
	{ 36, 0x04, 0, 1 << 8, 0, "MD_RESERVED" },
	{ 36, 0x08, 0, 1 << 27, 0, "MD_RESERVED" },
	{ 36, 0x14, 0, 1u << 31, 0, "MD_RESERVED" },
	{ 36, ENTRY(3, 0), 0, 1 << 11, 0, "MD_RESERVED" },
	{ 36, ENTRY(3, 0), 0, 1u << 31, 0, "MD_RESERVED" },
	{ 36, ENTRY(3, 0x20), 0, 1, 0, "MD_AUX_UNEXPECTED" },
	{ 36, ENTRY(3, 0), 0, 1 << 12, 0, "MD_AUX_UNEXPECTED" },
	{ 37, 0x04, 0xffff0000, 0xcdu << 16, 0, "MD_TRAILING" },
};

static void refuses_bad_words(void **state)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(bad_words); i++) {
		const struct bad_word *w = &bad_words[i];
		uint8_t b[0x400];

		good_block(b, FL_EPMD_A);
		W(b, w->offset, (fl_get_le32(b + w->offset) & ~w->clear) | w->set);
		print_message("# row %d, word 0x%x, %s\n", w->row, w->offset, w->why);
		expect(b, sizeof(b), bars, w->seed, w->seed ? w->seed : -EINVAL, w->why);
	}
}

static void refuses_what_is_not_there(void **state)
{
	struct fl_epmd_policy p = bars;
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	expect(b, 0x1b, p, -ENODEV, -ENODEV, "MD_SHORT"); /* 1: a BAR shorter than the header */
	p.bar_size[0] = 0x1b;
	expect(b, sizeof(b), p, -ENODEV, -ENODEV, "MD_SHORT");
	p = bars;
	expect(b, GOOD_LEN - 1, p, -EINVAL, -EINVAL, "MD_TRUNCATED"); /* 59 */
	expect(b, GOOD_LEN + 1, p, 0, 0, "");
	p.bar_size[2] = 0; /* 17: the BAR is I/O or unassigned */
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_REG_RANGE");
	memset(b, 0xff, sizeof(b)); /* 24: the device is gone */
	expect(b, sizeof(b), bars, -ENODEV, -ENODEV, "MD_MAGIC");
}

static void offsets_stop_at_what_can_be_mapped(void **state)
{
	struct fl_epmd_policy p = bars;
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	p.off_max = INT32_MAX; /* 15 and 21 on a 32-bit host */
	p.bar_size[2] = 1ull << 40;
	W(b, 0x0c, 0x7ffffffc);
	expect(b, sizeof(b), p, 0, 0, "");
	W(b, 0x0c, 0x80000000);
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_REG_OFFSET");
	W(b, 0x0c, 0x8000);
	W(b, ENTRY(2, 4), 0x80000000);
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_DESC_OFFSET");
}

static void aux_windows(void **state)
{
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	W(b, ENTRY(1, 0), 1 | 2 << 8 | 2 << 12 | 1 << 16);
	W(b, ENTRY(1, 0x18), 0xb000);
	W(b, ENTRY(1, 0x20), 0x1000);
	expect(b, sizeof(b), bars, 0, 0, "");
	W(b, ENTRY(1, 0x24), 0xfffff001);
	W(b, ENTRY(1, 0x28), 0xffffffff);
	expect(b, sizeof(b), bars, 0, -EINVAL, "MD_AUX_ADDR");
	W(b, ENTRY(1, 0x24), 0);
	W(b, ENTRY(1, 0x1c), 0x80000000); /* 22 */
	expect(b, sizeof(b), bars, -EINVAL, -EINVAL, "MD_AUX_OFFSET");
	W(b, ENTRY(1, 0x1c), 0);
	W(b, ENTRY(1, 0x18), 0x9fff); /* 31: into the registers */
	expect(b, sizeof(b), bars, 0, -EINVAL, "MD_OVERLAP");
	W(b, ENTRY(1, 0x18), 0xf001);
	expect(b, sizeof(b), bars, -EINVAL, -EINVAL, "MD_AUX_RANGE");
}

static void handshake_bits(void **state)
{
	struct fl_epmd_policy p = bars;
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	W(b, 0x08, fl_get_le32(b + 8) | 3u << 30);
	expect(b, sizeof(b), p, 0, 0, "");
	p.need_ready = true;
	expect(b, sizeof(b), p, 0, 0, "");
	W(b, 0x08, fl_get_le32(b + 8) & ~(1u << 31)); /* 35 */
	expect(b, sizeof(b), p, 0, -EINVAL, "MD_READY_LOST");
}

static void one_layouts_reader_on_the_others_block(void **state)
{
	struct fl_epmd_policy p = bars;
	uint8_t b[0x400];

	/* 39: B's word stands where A has its first entry, so that every field is read early */
	good_block(b, FL_EPMD_B);
	W(b, 0x08, fl_get_le32(b + 8) | 1u << 31);
	p.layout = FL_EPMD_A;
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_DESC_RANGE");
	good_block(b, FL_EPMD_A);
	p.layout = FL_EPMD_B;
	expect(b, sizeof(b), p, -EINVAL, -EINVAL, "MD_TABLES");
}

static void message_tables_are_in_the_way(void **state)
{
	const struct fl_epmd_range msix[] = { { .bar = 2, .offset = 0xa000, .size = 0x40 } };
	struct fl_epmd_policy p = bars;
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	p.busy = msix;
	p.nr_busy = 1;
	expect(b, sizeof(b), p, 0, 0, "");
	W(b, 0x18, 0x2001);
	expect(b, sizeof(b), p, 0, -EINVAL, "MD_OVERLAP");
}

static void larger_entries(void **state)
{
	struct fl_epmd_policy p = bars;
	uint8_t b[0x400], a[0x400];

	good_block(b, FL_EPMD_A);
	memset(a, 0, sizeof(a));
	memcpy(a, b, 0x1c);
	for (unsigned int k = 0; k < 4; k++)
		memcpy(a + 0x1c + k * 0x34, b + ENTRY(k, 0), 0x2c);
	W(a, 0x04, 1 | (0x1cu + 4 * 0x34) << 16);
	W(a, 0x08, 2 | 2 << 3 | 2 << 11 | 0x34 << 19);
	expect(a, sizeof(a), p, 0, -EINVAL, "MD_ENTRY_LARGER"); /* 37 */
}

static void engine_counts(void **state)
{
	struct fl_epmd md = { .map = FL_EPDMA_UNROLL, .n = { 2, 2 } };
	struct fl_epmd_finding f;

	/* 25 and 38 */
	assert_int_equal(fl_epmd_check_engine(&md, 0x00020002, false, &f), 0);
	assert_int_equal(fl_epmd_check_engine(&md, 0x00020004, false, &f), -EOPNOTSUPP);
	assert_int_equal(fl_epmd_check_engine(&md, 0x00020004, true, &f), -EOPNOTSUPP);
	assert_int_equal(fl_epmd_check_engine(&md, 0, false, &f), -EOPNOTSUPP);
	assert_int_equal(fl_epmd_check_engine(&md, ~0u, false, &f), -ENODEV);
	assert_string_equal(f.kind->code, "HW_GONE");
	md.n[FL_EPDMA_READ] = 0; /* a direction that is not handed over may have any number */
	assert_int_equal(fl_epmd_check_engine(&md, 0x00070002, false, &f), 0);
	md.n[FL_EPDMA_WRITE] = 8; /* the posted driver takes 15 for 8 */
	assert_int_equal(fl_epmd_check_engine(&md, 0x0000000f, true, &f), 0);
	assert_int_equal(fl_epmd_check_engine(&md, 0x0000000f, false, &f), -EOPNOTSUPP);
	md.map = FL_EPDMA_NATIVE;
	assert_int_equal(fl_epmd_check_engine(&md, 0, false, &f), 0);
}

static void builds_what_it_reads(void **state)
{
	struct fl_epmd md;
	uint8_t b[0x400], out[0x400];
	size_t len;

	for (enum fl_epmd_layout layout = FL_EPMD_A; layout <= FL_EPMD_B; layout++) {
		good_block(b, layout);
		W(b, 0x08, fl_get_le32(b + 8) | 1u << 31);
		W(b, layout == FL_EPMD_A ? 0x08 : 0x1c,
		  fl_get_le32(b + (layout == FL_EPMD_A ? 0x08 : 0x1c)) |
			  (layout == FL_EPMD_A ? 1u << 30 : 1));
		assert_int_equal(fl_epmd_parse(b, sizeof(b), &bars, &md, NULL), 0);
		assert_int_equal(fl_epmd_build(&md, out, sizeof(out), &len), 0);
		assert_int_equal(len, layout == FL_EPMD_A ? 0xcc : 0xd0);
		assert_memory_equal(out, b, len);
	}
}

static void builder_keeps_to_the_format(void **state)
{
	struct fl_epmd md = { .layout = FL_EPMD_A, .n = { 1, 0 } };
	uint8_t out[0x400];
	size_t len = 7;

	assert_int_equal(fl_epmd_build(&md, out, 0x47, &len), -ENOSPC);
	assert_int_equal(fl_epmd_build(&md, out, 0x48, &len), 0);
	assert_int_equal(len, 0x48);
	len = 7;
	md.chan[0][0].desc.bar = 8;
	assert_int_equal(fl_epmd_build(&md, out, sizeof(out), &len), -EOVERFLOW);
	md.chan[0][0].desc.bar = 0;
	md.n[0] = 9;
	assert_int_equal(fl_epmd_build(&md, out, sizeof(out), &len), -EOVERFLOW);
	md.n[0] = 1;
	md.entry_size = 0x2d;
	assert_int_equal(fl_epmd_build(&md, out, sizeof(out), &len), -EINVAL);
	md.entry_size = 0;
	md.layout = FL_EPMD_AUTO;
	assert_int_equal(fl_epmd_build(&md, out, sizeof(out), &len), -EINVAL);
	assert_int_equal(len, 7);
	/* the sizes that the format's description gives */
	assert_int_equal(fl_epmd_len(FL_EPMD_A, 16), 0x2dc);
	assert_int_equal(fl_epmd_len(FL_EPMD_B, 16), 0x2e0);
}

static void results_only_on_success(void **state)
{
	struct fl_epmd md = { .len = 77 };
	uint8_t b[0x400];

	good_block(b, FL_EPMD_A);
	W(b, 0x14, 0);
	assert_int_equal(fl_epmd_parse(b, sizeof(b), &bars, &md, NULL), -EOPNOTSUPP);
	assert_int_equal(md.len, 77);
}

/* Every bit of the block belongs to exactly one row of the table. */
static void the_table_has_no_hole(void **state)
{
	const struct {
		unsigned int where;
		size_t len;
	} parts[] = { { FL_MD_IN_A, 0x1c }, { FL_MD_IN_B, 0x20 }, { FL_MD_IN_CH, 0x2c } };

	for (size_t p = 0; p < FL_ARRAY_SIZE(parts); p++) {
		uint8_t seen[0x20 * 8 + 0x2c * 8] = {};

		for (unsigned int f = 0; f < _FL_MD_FIELD_MAX; f++) {
			const struct fl_epmd_field_info *i = &fl_epmd_fields[f];

			if (!(i->where & parts[p].where))
				continue;
			for (unsigned int bit = i->lo; bit <= i->hi; bit++)
				seen[i->offset * 8 + bit]++;
		}
		for (size_t bit = 0; bit < parts[p].len * 8; bit++)
			assert_int_equal(seen[bit], 1);
		for (size_t bit = parts[p].len * 8; bit < sizeof(seen); bit++)
			assert_int_equal(seen[bit], 0);
	}
}

static void count(void *ctx, const struct fl_epmd_finding *f)
{
	assert_non_null(f->kind);
	(*(unsigned int *)ctx)++;
}

static void examines_to_the_end(void **state)
{
	uint8_t b[0x400];
	struct fl_epmd md;
	unsigned int n = 0;

	good_block(b, FL_EPMD_A);
	W(b, 0x18, 0);				  /* MD_REG_RANGE and MD_REG_SMALL */
	W(b, ENTRY(0, 0x0c), 0);		  /* MD_DESC_RANGE and MD_DESC_SMALL */
	W(b, ENTRY(3, 0), 5 | 6 << 8 | 1u << 31); /* MD_HW_CH, MD_DESC_BAR, MD_RESERVED */
	assert_int_equal(fl_epmd_examine(b, sizeof(b), &bars, count, &n, &md), -EINVAL);
	assert_int_equal(n, 7);
	assert_int_equal(md.chan[FL_EPDMA_WRITE][1].desc.offset, 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_good_block),
		cmocka_unit_test(tells_the_layouts_apart),
		cmocka_unit_test(layout_b_by_its_length),
		cmocka_unit_test(neither_layout_alone),
		cmocka_unit_test(refuses_bad_words),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(offsets_stop_at_what_can_be_mapped),
		cmocka_unit_test(aux_windows),
		cmocka_unit_test(handshake_bits),
		cmocka_unit_test(one_layouts_reader_on_the_others_block),
		cmocka_unit_test(message_tables_are_in_the_way),
		cmocka_unit_test(larger_entries),
		cmocka_unit_test(engine_counts),
		cmocka_unit_test(builds_what_it_reads),
		cmocka_unit_test(builder_keeps_to_the_format),
		cmocka_unit_test(results_only_on_success),
		cmocka_unit_test(the_table_has_no_hole),
		cmocka_unit_test(examines_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
