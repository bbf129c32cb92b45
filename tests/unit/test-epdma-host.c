// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's driver and devices that misbehave: what no endpoint of ours would do is done by a bus of
 * plain memory, which this test bends at chosen moments. Errnos are those of the posted driver's
 * source; where the default differs, both are said.
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
#include "epdma/host/host.h"

#define BAR_SIZE 0x10000

struct device {
	struct fl_bus bus;
	uint8_t config[64];
	uint8_t bar[FL_BUS_BARS][BAR_SIZE];
	uint64_t size[FL_BUS_BARS];
	unsigned int md_bar;
	enum fl_epmd_layout layout;
	bool gone;    /* reads as all ones, takes no write */
	bool honest;  /* READY follows the request */
	void (*asked)(struct device *d); /* the request bit rises */
	int irq;      /* what irq_setup() gives */
	uint32_t msi_data;
	unsigned int requests, withdrawals;
};

static struct device *to_device(struct fl_bus *b)
{
	return FL_CONTAINER_OF(b, struct device, bus);
}

static int dev_cfg_read(struct fl_bus *b, unsigned int off, void *buf, size_t n)
{
	memcpy(buf, to_device(b)->config + off, n);
	return 0;
}

static int dev_cfg_write(struct fl_bus *b, unsigned int off, const void *buf, size_t n)
{
	memcpy(to_device(b)->config + off, buf, n);
	return 0;
}

static int dev_bar_info(struct fl_bus *b, unsigned int bar, struct fl_bus_bar *ret)
{
	ret->size = to_device(b)->size[bar];
	ret->mem = ret->size;
	return 0;
}

static int dev_read32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t *ret)
{
	struct device *d = to_device(b);

	assert_true(off % 4 == 0 && off + 4 <= d->size[bar]); /* never outside of a BAR */
	*ret = d->gone ? 0xffffffff : fl_get_le32(d->bar[bar] + off);
	return 0;
}

static bool requested(const struct device *d)
{
	const uint8_t *md = d->bar[d->md_bar];

	return d->layout == FL_EPMD_B ? fl_get_le32(md + 0x1c) & 1 : fl_get_le32(md + 8) >> 30 & 1;
}

static void set_ready(struct device *d, bool on)
{
	uint8_t *ctrl = d->bar[d->md_bar] + 8;

	fl_put_le32(ctrl, (fl_get_le32(ctrl) & 0x7fffffff) | (on ? 1u << 31 : 0));
}

static int dev_write32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val)
{
	struct device *d = to_device(b);
	bool before = requested(d), after;

	assert_true(off % 4 == 0 && off + 4 <= d->size[bar]);
	if (d->gone)
		return 0;
	fl_put_le32(d->bar[bar] + off, val);
	after = requested(d);
	d->requests += after && !before;
	d->withdrawals += before && !after;
	if (after != before && d->honest)
		set_ready(d, after);
	if (after && !before && d->asked)
		d->asked(d);
	return 0;
}

static int dev_bar_ptr(struct fl_bus *b, unsigned int bar, uint64_t off, uint64_t n, void **ret)
{
	*ret = to_device(b)->bar[bar] + off;
	return 0;
}

static int dev_irq_setup(struct fl_bus *b, unsigned int want, struct fl_bus_msi *ret)
{
	*ret = (struct fl_bus_msi){ 1, 0xfee00000, to_device(b)->msi_data };
	return to_device(b)->irq;
}

static void dev_close(struct fl_bus *b)
{
}

static const struct fl_bus_ops ops = {
	.name = "test", .cfg_read = dev_cfg_read, .cfg_write = dev_cfg_write,
	.bar_info = dev_bar_info, .read32 = dev_read32, .write32 = dev_write32,
	.bar_ptr = dev_bar_ptr, .irq_setup = dev_irq_setup, .close = dev_close,
};

static struct device dev;

#define MD (dev.bar[dev.md_bar])
#define W(off, v) fl_put_le32(MD + (off), (v))

/* One channel of each direction; registers in BAR 2 at 0x8000, whose CTRL tells the same. */
static void good_device(enum fl_epmd_layout layout, unsigned int md_bar)
{
	size_t hdr = layout == FL_EPMD_B ? 0x20 : 0x1c;

	memset(&dev, 0, sizeof(dev));
	dev.bus.ops = &ops;
	dev.md_bar = md_bar;
	dev.layout = layout;
	dev.honest = true;
	fl_put_le32(dev.config, 0x00311912);
	dev.size[md_bar] = 0x1000;
	dev.size[2] = BAR_SIZE;
	W(0x00, 0x4d444550);
	W(0x04, 1 | (uint32_t)(hdr + 2 * 0x2c) << 16);
	W(0x08, 2 | 1 << 3 | 1 << 11 | 0x2c << 19);
	W(0x0c, 0x8000);
	W(0x14, 1 | 1 << 8);
	W(0x18, 0x1000);
	for (unsigned int k = 0; k < 2; k++) {
		W(hdr + k * 0x2c, 2 << 8);
		W(hdr + k * 0x2c + 4, k * 0x1000);
		W(hdr + k * 0x2c + 12, 0x1000);
		W(hdr + k * 0x2c + 16, 0x40000000 + k * 0x1000);
	}
	fl_put_le32(dev.bar[2] + 0x8008, 1 | 1 << 16);
}

static struct fl_host *host;
static struct fl_host_error why;

static int probe(bool compat, enum fl_epmd_layout layout)
{
	struct fl_host_config c = { .seed_compat = compat, .layout = layout, .ready_ms = 20 };

	memset(&why, 0, sizeof(why));
	host = NULL;
	return fl_host_probe(&dev.bus, &c, &host, &why);
}

/* Probes in both modes and lets go. */
static void expect(int seed, int fixed, const char *says)
{
	struct device copy = dev;

	for (int compat = 1; compat >= 0; compat--) {
		int r;

		dev = copy;
		r = probe(compat, FL_EPMD_AUTO);
		print_message("# %s: %d %s\n", compat ? "posted" : "fixed", r, why.text);
		assert_int_equal(r, compat ? seed : fixed);
		if (r && !compat)
			assert_non_null(strstr(why.text, says));
		/* COMMAND: what was refused may not master the bus, nor what was let go. */
		assert_int_equal(dev.config[4] & 4, r ? 0 : 4);
		fl_host_remove(host);
		assert_int_equal(dev.config[4] & 4, 0);
	}
}

static void a_good_device(void **state)
{
	good_device(FL_EPMD_A, 0);
	expect(0, 0, "");
	assert_int_equal(dev.requests, 1);
	assert_int_equal(dev.withdrawals, 1);
	assert_int_equal(dev.config[4] & 6, 2);
	good_device(FL_EPMD_A, 5);
	expect(0, 0, "");
}

/* 1: nothing to be found */
static void no_metadata(void **state)
{
	good_device(FL_EPMD_A, 0);
	memset(MD, 0xff, BAR_SIZE);
	expect(-ENODEV, -ENODEV, "no BAR holds");
	memset(MD, 0, BAR_SIZE);
	expect(-ENODEV, -ENODEV, "no BAR holds");
	good_device(FL_EPMD_A, 0);
	dev.size[0] = 0x18;
	expect(-ENODEV, -ENODEV, "no BAR holds");
}

/* 4 and 59: the length leads out of the BAR, where nothing may be read */
static void length_leaves_the_bar(void **state)
{
	good_device(FL_EPMD_A, 0);
	dev.size[0] = 0x70;
	expect(-EINVAL, -EINVAL, "MD_LEN_BAR");
	good_device(FL_EPMD_A, 0);
	W(0x04, 1 | 0xffffu << 16);
	expect(-EINVAL, -EINVAL, "MD_LEN_BAR");
}

/* 14: READY never comes; the request is taken back, but not as posted (W3) */
static void ready_never_comes(void **state)
{
	good_device(FL_EPMD_A, 0);
	dev.honest = false;
	expect(-ETIMEDOUT, -ETIMEDOUT, "did not set READY within 20 ms");
	assert_int_equal(dev.withdrawals, 1);
	assert_int_equal(probe(true, FL_EPMD_AUTO), -ETIMEDOUT);
	assert_true(requested(&dev));
}

/* 23: between scan and READY the block becomes another */
static void late_layout(struct device *d)
{
	fl_put_le32(d->bar[0] + 0x14, 2);
}

static void late_map(struct device *d)
{
	fl_put_le32(d->bar[0] + 0x14, 1 | 3 << 8);
}

static void late_hw_ch(struct device *d)
{
	fl_put_le32(d->bar[0] + 0x1c, 1 | 2 << 8);
}

static void late_desc(struct device *d)
{
	fl_put_le32(d->bar[0] + 0x1c + 12, 0xffffffff);
}

static void late_len(struct device *d)
{
	fl_put_le32(d->bar[0] + 4, 1 | 0xffffu << 16);
}

static void late_magic(struct device *d)
{
	fl_put_le32(d->bar[0], 0);
}

static void late_overlap(struct device *d)
{
	fl_put_le32(d->bar[0] + 0x1c + 0x2c + 4, 0);
}

/* 24: the device is gone, and everything reads as set */
static void vanishes(struct device *d)
{
	d->gone = true;
}

static void changes_under_the_reader(void **state)
{
	static const struct {
		void (*asked)(struct device *d);
		int seed, fixed;
		const char *says;
	} rows[] = {
		{ late_layout, -EOPNOTSUPP, -EOPNOTSUPP, "MD_LAYOUT_ID" },
		{ late_map, -EINVAL, -EINVAL, "MD_MAP" },
		{ late_hw_ch, -EOPNOTSUPP, -EOPNOTSUPP, "MD_HW_CH" },
		{ late_desc, -EINVAL, -EINVAL, "MD_DESC_RANGE" },
		{ late_len, -EINVAL, -EINVAL, "MD_LEN_BAR" },
		{ late_magic, -ENODEV, -ENODEV, "MD_MAGIC" },
		{ late_overlap, 0, -EINVAL, "MD_DESC_SHARED" },
		{ vanishes, -ENODEV, -ENODEV, "" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		good_device(FL_EPMD_A, 0);
		dev.asked = rows[i].asked;
		expect(rows[i].seed, rows[i].fixed, rows[i].says);
		if (rows[i].fixed && rows[i].asked != vanishes)
			assert_int_equal(dev.withdrawals, 1);
	}
}

/* 25 and 38: what the engine says of itself */
static void engine_counts(void **state)
{
	good_device(FL_EPMD_A, 0);
	fl_put_le32(dev.bar[2] + 0x8008, 2 | 1 << 16);
	expect(-EOPNOTSUPP, -EOPNOTSUPP, "HW_CHANS");
	fl_put_le32(dev.bar[2] + 0x8008, 0);
	expect(-EOPNOTSUPP, -EOPNOTSUPP, "HW_CHANS");
	fl_put_le32(dev.bar[2] + 0x8008, 0xffffffff);
	expect(-EOPNOTSUPP, -ENODEV, "HW_GONE");
	good_device(FL_EPMD_A, 0); /* the native map has no such register */
	W(0x14, 1 | 7 << 8);
	fl_put_le32(dev.bar[2] + 0x8008, 0);
	expect(0, 0, "");
}

/* 26: no vector; 40: message data of more than the engine's 16 bits is cut off as posted, or refused */
static void no_vector(void **state)
{
	good_device(FL_EPMD_A, 0);
	dev.irq = -EPERM;
	expect(-EPERM, -EPERM, "no interrupt vector");
	assert_int_equal(dev.withdrawals, 1);
	good_device(FL_EPMD_A, 0);
	dev.msi_data = 0x10001;
	expect(0, -EINVAL, "16 bits");
	assert_int_equal(probe(true, FL_EPMD_AUTO), 0);
	assert_int_equal(fl_get_le32(dev.bar[2] + 0x8070), 0x0001);
	fl_host_remove(host);
	dev.msi_data = 0xffff;
	expect(0, 0, "");
}

/*
 * 40: bits of other channels, and messages that nothing stands behind. The list has one slot, so that
 * the status bit alone tells of its end; INT_STATUS and CONTROL1 are plain memory here.
 */
static void foreign_bits_and_storms(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct fl_host_seg seg = { 0x40000000, 0x1000, 64 };
		struct fl_host_tx tx = { .segs = &seg, .nr_segs = 1, .bytes = 64 };
		struct fl_host_chan *c;

		good_device(FL_EPMD_A, 0);
		W(0x1c + 12, 48);
		assert_int_equal(probe(compat, FL_EPMD_AUTO), 0);
		c = fl_host_chan(host, FL_EPDMA_WRITE, 0);
		assert_int_equal(fl_host_chan_slots(c), 1);
		fl_host_submit(c, &tx);
		assert_int_equal(fl_host_issue(c), 0);
		fl_put_le32(dev.bar[2] + 0x8200, 0x300 | 1 << 5); /* running */
		fl_put_le32(dev.bar[2] + 0x804c, 0x00fe00fe);
		fl_put_le32(dev.bar[2] + 0x805c, 0x00fe00fe);
		for (unsigned int i = 0; i < 1000; i++) {
			assert_int_equal(fl_host_clear_irq(c), 0);
			assert_int_equal(fl_host_look(c), 0);
		}
		assert_int_equal(tx.state, FL_TX_QUEUED);
		fl_put_le32(dev.bar[2] + 0x804c, 0x00fe00ff);
		assert_int_equal(fl_host_look(c), 1);
		assert_int_equal(tx.state, FL_TX_DONE);
		fl_put_le32(dev.bar[2] + 0x8200, 0);
		fl_host_remove(host);
	}
}

/* 28: a malformed block, and a good one in a later BAR (W10) */
static void the_first_magic(void **state)
{
	good_device(FL_EPMD_A, 3);
	dev.size[1] = 0x1000;
	fl_put_le32(dev.bar[1], 0x4d444550);
	fl_put_le32(dev.bar[1] + 4, 9);
	expect(-EINVAL, 0, "");
	dev.size[3] = 0;
	expect(-EINVAL, -EINVAL, "MD_REVISION");
}

/* 34: READY stands from before (W2): withdrawn and asked anew, or taken at its word */
static void old_ready(void **state)
{
	good_device(FL_EPMD_A, 0);
	W(0x08, fl_get_le32(MD + 8) | 3u << 30);
	assert_int_equal(probe(false, FL_EPMD_AUTO), 0);
	assert_int_equal(dev.withdrawals, 1);
	assert_int_equal(dev.requests, 1);
	fl_host_remove(host);
	good_device(FL_EPMD_A, 0);
	W(0x08, fl_get_le32(MD + 8) | 3u << 30);
	assert_int_equal(probe(true, FL_EPMD_AUTO), 0);
	assert_int_equal(dev.withdrawals, 0);
	fl_host_remove(host);
}

/* 35: READY drops afterwards (W7) */
static void ready_drops(void **state)
{
	good_device(FL_EPMD_A, 0);
	assert_int_equal(probe(false, FL_EPMD_AUTO), 0);
	assert_int_equal(fl_host_alive(host), 0);
	set_ready(&dev, false);
	assert_int_equal(fl_host_alive(host), -ENOLINK);
	dev.gone = true;
	assert_int_equal(fl_host_alive(host), -ENODEV);
	fl_host_remove(host);
}

/* 39: the other layout's endpoint */
static void layouts(void **state)
{
	good_device(FL_EPMD_B, 0);
	expect(-ETIMEDOUT, 0, ""); /* as posted, the request goes to a bit that nobody reads */
	good_device(FL_EPMD_B, 0);
	set_ready(&dev, true); /* ... and with READY the tables are read 4 bytes early */
	dev.honest = false;
	assert_int_equal(probe(true, FL_EPMD_AUTO), -EINVAL);
	good_device(FL_EPMD_A, 0);
	assert_int_equal(probe(false, FL_EPMD_B), -EINVAL);
	good_device(FL_EPMD_B, 0);
	assert_int_equal(probe(false, FL_EPMD_B), 0);
	assert_int_equal(fl_get_le32(MD + 8) >> 30 & 1, 0);
	fl_host_remove(host);
	assert_int_equal(dev.withdrawals, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_device),
		cmocka_unit_test(no_metadata),
		cmocka_unit_test(length_leaves_the_bar),
		cmocka_unit_test(ready_never_comes),
		cmocka_unit_test(changes_under_the_reader),
		cmocka_unit_test(engine_counts),
		cmocka_unit_test(no_vector),
		cmocka_unit_test(foreign_bits_and_storms),
		cmocka_unit_test(the_first_magic),
		cmocka_unit_test(old_ready),
		cmocka_unit_test(ready_drops),
		cmocka_unit_test(layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
