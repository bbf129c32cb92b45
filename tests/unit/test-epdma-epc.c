// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The endpoint controller and its boards. Rules and errnos are those of Linux's pci_epc_*() and of
 * its DesignWare endpoint driver; register positions and the BAR sizing protocol are the PCI
 * specification's, written out as numbers here.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "epdma/endpoint/epc.h"

static struct fl_clocksource_manual clock_ = { .clock = { fl_clocksource_manual_now } };

static struct fl_board board(const char *name)
{
	_cleanup_buf_ struct fl_buf hold = {};
	struct fl_board b;

	assert_int_equal(fl_board_load(name, &hold, &b, NULL), 0);
	return b;
}

static struct fl_epc *controller(const struct fl_board *b)
{
	struct fl_epc_config config = { .board = b, .clock = &clock_.clock };
	struct fl_epc *epc;

	assert_int_equal(fl_epc_new(&config, &epc), 0);
	return epc;
}

static const struct fl_epc_event_ops no_events = {};

static unsigned int add(struct fl_epc *epc)
{
	unsigned int func;

	assert_int_equal(fl_epc_add_function(epc, &no_events, NULL, &func), 0);
	return func;
}

static void next_free_bar(void **state)
{
	struct fl_board s4 = board("r-car-s4"), g = board("generic");

	assert_int_equal(fl_epc_next_free_bar(&s4.features, 0), 0);
	assert_int_equal(fl_epc_next_free_bar(&s4.features, 1), 2);
	assert_int_equal(fl_epc_next_free_bar(&s4.features, 3), 4);
	assert_int_equal(fl_epc_next_free_bar(&s4.features, 5), FL_NO_BAR);
	g.features.bar[0].only_64bit = true;
	assert_int_equal(fl_epc_next_free_bar(&g.features, 1), 2);
	g.features.bar[5].type = FL_BAR_DISABLED;
	assert_int_equal(fl_epc_next_free_bar(&g.features, 5), FL_NO_BAR);
}

static void bar_space(void **state)
{
	static const struct {
		const char *board;
		int bar;
		uint64_t want, size, mem;
		int r;
	} rows[] = {
		{ "generic", 0, 1, 128, 4096, 0 },
		{ "generic", 0, 128, 128, 4096, 0 },
		{ "generic", 0, 129, 256, 4096, 0 },
		{ "generic", 0, 4097, 8192, 8192, 0 },
		{ "rk3588", 0, 1, 1 << 20, 1 << 20, 0 },
		{ "rk3588", 0, (1 << 20) + 1, 2 << 20, 2 << 20, 0 },
		{ "rk3588", 4, 1, 0, 0, -EINVAL },
		{ "r-car-s4", 4, 1, 256, 1 << 20, 0 },
		{ "r-car-s4", 4, 256, 256, 1 << 20, 0 },
		{ "r-car-s4", 4, 257, 0, 0, -EINVAL },
		{ "generic", 6, 1, 0, 0, -EINVAL },
		{ "generic", -1, 1, 0, 0, -EINVAL },
		{ "generic", 0, UINT64_MAX, 0, 0, -EINVAL },
		{ "generic", 0, 512ull << 20, 0, 0, -ENOMEM },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		struct fl_board b = board(rows[i].board);
		struct fl_epc *epc = controller(&b);
		struct fl_epc_bar bar = {};

		assert_int_equal(fl_epc_alloc_space(epc, rows[i].bar, rows[i].want, &bar), rows[i].r);
		assert_int_equal(bar.size, rows[i].size);
		assert_int_equal(bar.mem_size, rows[i].mem);
		if (!rows[i].r)
			assert_int_equal(bar.phys % (b.features.align ?: 1), 0);
		fl_epc_free_space(epc, &bar);
		fl_epc_free(epc);
	}
}

/* Two BARs never share memory, and freed memory is used again. */
static void bar_memory(void **state)
{
	struct fl_board b = board("generic");
	struct fl_epc *epc = controller(&b);
	struct fl_epc_bar x, y, z;
	uint64_t first, run;

	assert_int_equal(fl_epc_alloc_space(epc, 0, 8192, &x), 0);
	assert_int_equal(fl_epc_alloc_space(epc, 1, 4096, &y), 0);
	assert_true(x.phys + x.mem_size <= y.phys || y.phys + y.mem_size <= x.phys);
	assert_ptr_equal(fl_epc_bar_memory(epc, x.phys + 100, &run), (char *)x.ptr + 100);
	assert_int_equal(run, 8092);
	assert_null(fl_epc_bar_memory(epc, y.phys + y.mem_size, &run));
	first = x.phys;
	fl_epc_free_space(epc, &x);
	assert_int_equal(fl_epc_alloc_space(epc, 2, 100, &z), 0);
	assert_int_equal(z.phys, first);
	fl_epc_free_space(epc, &z);
	fl_epc_free_space(epc, &y);
	fl_epc_free(epc);
}

static void set_bar_rules(void **state)
{
	struct fl_board b = board("generic");
	struct fl_epc_submap one[] = { { 0x1000, 0x1000 } };
	struct fl_epc_bar bar;
	struct fl_epc *epc;
	unsigned int func;

#define TRY(bar_) fl_epc_set_bar(epc, func, &(bar_))
	b.features.bar[3].type = FL_BAR_FIXED;
	b.features.bar[3].fixed_size = 512;
	b.features.bar[2].type = FL_BAR_RESIZABLE;
	b.features.bar[1].type = FL_BAR_RESERVED;
	epc = controller(&b);
	func = add(epc);
	bar = (struct fl_epc_bar){ .bar = 0, .size = 4096 };
	assert_int_equal(fl_epc_set_bar(epc, func + 1, &bar), -EINVAL);
	bar.size = 4097;
	assert_int_equal(TRY(bar), -EINVAL);
	bar.size = 0;
	assert_int_equal(TRY(bar), -EINVAL);
	bar = (struct fl_epc_bar){ .bar = 6, .size = 4096 };
	assert_int_equal(TRY(bar), -EINVAL);
	bar = (struct fl_epc_bar){ .bar = 1, .size = 4096 };
	assert_int_equal(TRY(bar), -EINVAL);
	bar = (struct fl_epc_bar){ .bar = 2, .size = 1 << 19 };
	assert_int_equal(TRY(bar), -EINVAL);
	bar.size = 1ull << 48;
	bar.flags = FL_BAR_64;
	assert_int_equal(TRY(bar), -EINVAL);
	bar.size = 1ull << 47;
	assert_int_equal(TRY(bar), 0);
	bar = (struct fl_epc_bar){ .bar = 3, .size = 256 };
	assert_int_equal(TRY(bar), -EINVAL);
	bar.size = 512;
	assert_int_equal(TRY(bar), 0);
	bar = (struct fl_epc_bar){ .bar = 5, .size = 4096, .flags = FL_BAR_64 };
	assert_int_equal(TRY(bar), -EINVAL);
	bar = (struct fl_epc_bar){ .bar = 4, .size = 4096, .flags = FL_BAR_IO | FL_BAR_PREFETCH };
	assert_int_equal(TRY(bar), -EINVAL);
	bar = (struct fl_epc_bar){ .bar = 4, .size = 1ull << 33 };
	assert_int_equal(TRY(bar), -EINVAL);
	bar.flags = FL_BAR_64;
	assert_int_equal(TRY(bar), 0);
	bar = (struct fl_epc_bar){ .bar = 0, .size = 4096, .nr_submaps = 1 };
	assert_int_equal(TRY(bar), -EINVAL); /* no list */
	bar.submap = one;
	assert_int_equal(TRY(bar), -EINVAL); /* the first call must be without */
	bar.nr_submaps = 0;
	assert_int_equal(TRY(bar), 0);
	bar.size = 8192;
	assert_int_equal(TRY(bar), -EINVAL); /* a live BAR keeps its size */
	fl_epc_free(epc);
}

static void submap_rules(void **state)
{
	struct fl_board b = board("generic");
	struct fl_epc_submap maps[] = { { 0x10000, 0x2000 }, { 0x50000, 0x1000 }, { 0x80000, 0x1000 } };
	struct fl_epc_bar bar = { .bar = 2, .size = 0x4000, .phys = 0x60000000 };
	struct fl_epc *epc = controller(&b);
	unsigned int func = add(epc);
	uint64_t phys, run;

	assert_int_equal(TRY(bar), 0);
	assert_int_equal(fl_epc_bar_resolve(epc, func, 2, 0x123, &phys, &run), 0);
	assert_int_equal(phys, 0x60000123);
	assert_int_equal(run, 0x4000 - 0x123);
	bar.submap = maps;
	bar.nr_submaps = 3;
	assert_int_equal(TRY(bar), -EINVAL); /* no address yet */
	fl_epc_enumerate(epc, func, 0x80000000);
	maps[1].size = 0x2000;
	assert_int_equal(TRY(bar), -EINVAL); /* more than the BAR */
	maps[1].size = 0x800;
	assert_int_equal(TRY(bar), -EINVAL);
	maps[1].size = 0;
	assert_int_equal(TRY(bar), -EINVAL);
	maps[1].size = 0x1000;
	maps[1].phys = 0x50800;
	assert_int_equal(TRY(bar), -EINVAL);
	maps[1].phys = 0x50000;
	bar.nr_submaps = 2;
	assert_int_equal(TRY(bar), -EINVAL); /* less than the BAR */
	bar.nr_submaps = 3;
	assert_int_equal(TRY(bar), 0);
	assert_int_equal(fl_epc_bar_resolve(epc, func, 2, 0x1fff, &phys, &run), 0);
	assert_int_equal(phys, 0x11fff);
	assert_int_equal(run, 1);
	assert_int_equal(fl_epc_bar_resolve(epc, func, 2, 0x3004, &phys, &run), 0);
	assert_int_equal(phys, 0x80004);
	assert_int_equal(run, 0xffc);
	assert_int_equal(fl_epc_bar_resolve(epc, func, 2, 0x4000, &phys, &run), -ENXIO);
	fl_epc_link_down(epc); /* address and submaps are gone */
	assert_int_equal(fl_epc_bar_resolve(epc, func, 2, 0, &phys, &run), -ENXIO);
	assert_int_equal(TRY(bar), -EINVAL);
	fl_epc_free(epc);

	b.features.align = 0;
	epc = controller(&b);
	func = add(epc);
	bar.nr_submaps = 0;
	assert_int_equal(TRY(bar), 0);
	fl_epc_enumerate(epc, func, 0x80000000);
	bar.nr_submaps = 3;
	assert_int_equal(TRY(bar), -EINVAL); /* submaps without an alignment */
	fl_epc_free(epc);

	b.features.align = 4096;
	b.inbound_windows = 2;
	epc = controller(&b);
	func = add(epc);
	bar.nr_submaps = 0;
	assert_int_equal(TRY(bar), 0);
	fl_epc_enumerate(epc, func, 0x80000000);
	bar.nr_submaps = 3;
	assert_int_equal(TRY(bar), -ENOSPC);
	fl_epc_free(epc);

	b.features.subrange_mapping = false;
	epc = controller(&b);
	func = add(epc);
	assert_int_equal(TRY(bar), -EINVAL);
	fl_epc_free(epc);
}

static void config_space(void **state)
{
	struct fl_board b = board("generic");
	struct fl_epc *epc = controller(&b);
	unsigned int func = add(epc), cap, vector, seen = 0;
	struct fl_epc_header h = { .vendorid = 0x1234, .deviceid = 0x5678, .revid = 9,
				   .progif_code = 1, .subclass_code = 1, .baseclass_code = 8,
				   .subsys_vendor_id = 0xaaaa, .subsys_id = 0xbbbb,
				   .interrupt_pin = 1 };
	struct fl_epc_bar bar = { .bar = 0, .size = 0x1000 }, wide = { .bar = 2, .size = 1ull << 33,
								      .flags = FL_BAR_64 };
	struct fl_epc_bar_info info;

#define RD(off, size) fl_epc_cfg_read(epc, func, off, size)
#define WR(off, size, v) fl_epc_cfg_write(epc, func, off, size, v)
	assert_int_equal(RD(0, 4), 0xffffffff);
	assert_int_equal(fl_epc_write_header(epc, func, &h), 0);
	assert_int_equal(RD(0, 4), 0x56781234);
	assert_int_equal(RD(8, 4), 0x08010109);
	assert_int_equal(RD(0x2c, 4), 0xbbbbaaaa);
	assert_int_equal(RD(0x3d, 1), 1);
	WR(0, 4, 0);
	assert_int_equal(RD(0, 4), 0x56781234);
	assert_int_equal(fl_epc_cfg_read(epc, 1, 0, 4), 0xffffffff);
	assert_int_equal(RD(4094, 4), 0xffffffff);
	assert_int_equal(RD(0, 3), 0xffffffff);

	assert_int_equal(TRY(bar), 0);
	assert_int_equal(TRY(wide), 0);
	WR(0x10, 4, 0xffffffff); /* sizing */
	assert_int_equal(RD(0x10, 4), 0xfffff000);
	WR(0x18, 4, 0xffffffff);
	WR(0x1c, 4, 0xffffffff);
	assert_int_equal(RD(0x18, 4), 0x00000004);
	assert_int_equal(RD(0x1c, 4), 0xfffffffe);
	WR(0x14, 4, 0xffffffff);
	assert_int_equal(RD(0x14, 4), 0);
	WR(0x1c, 4, 4);
	fl_epc_bar_info(epc, func, 2, &info);
	assert_int_equal(info.addr, 0x400000000);

	assert_int_equal(fl_epc_set_msi(epc, func, 0), -EINVAL);
	assert_int_equal(fl_epc_set_msi(epc, func, 33), -EINVAL);
	assert_int_equal(fl_epc_set_msi(epc, func, 3), 0); /* rounded up to 4 */
	assert_int_equal(fl_epc_set_msix(epc, func, 0, 0, 0), -EINVAL);
	assert_int_equal(fl_epc_set_msix(epc, func, 2049, 0, 0), -EINVAL);
	assert_int_equal(fl_epc_set_msix(epc, func, 5, 0, 0x100), 0);
	for (cap = RD(0x34, 1); cap; cap = RD(cap + 1, 1))
		seen |= 1u << RD(cap, 1);
	assert_int_equal(seen, 1u << 0x01 | 1u << 0x05 | 1u << 0x10 | 1u << 0x11);
	for (cap = RD(0x34, 1); RD(cap, 1) != 0x05; cap = RD(cap + 1, 1))
		;
	assert_int_equal(RD(cap + 2, 2), 0x80 | 2 << 1);
	WR(cap + 4, 4, 0xfee00000);
	WR(cap + 12, 2, 0x4020);
	assert_int_equal(fl_epc_msi_match(epc, func, 0xfee00000, 0x4020, &vector), -ENOENT);
	WR(cap + 2, 2, 1 | 2 << 4);
	assert_int_equal(fl_epc_msi_match(epc, func, 0xfee00000, 0x4023, &vector), 0);
	assert_int_equal(vector, 3);
	assert_int_equal(fl_epc_msi_match(epc, func, 0xfee00000, 0x4024, &vector), -ENOENT);
	assert_int_equal(fl_epc_msi_match(epc, func, 0xfee00004, 0x4020, &vector), -ENOENT);
	for (cap = RD(0x34, 1); RD(cap, 1) != 0x11; cap = RD(cap + 1, 1))
		;
	assert_int_equal(RD(cap + 2, 2), 4);
	assert_int_equal(RD(cap + 4, 4), 0x100);
	assert_int_equal(RD(cap + 8, 4), 0x150);
	fl_epc_link_down(epc);
	fl_epc_bar_info(epc, func, 2, &info);
	assert_int_equal(info.addr, 0);
	assert_int_equal(info.size, 1ull << 33);
	assert_int_equal(RD(0, 4), 0x56781234);
	fl_epc_free(epc);
}

static unsigned int find_cap(struct fl_epc *epc, unsigned int func, unsigned int id)
{
	unsigned int cap = RD(0x34, 1);

	while (cap && RD(cap, 1) != id)
		cap = RD(cap + 1, 1);
	return cap;
}

/* PCI Power Management 1.2, 3.2.4: two bits, D0 is 0 and D3hot 3; what is not there is not entered. */
static void power_states(void **state)
{
	struct fl_board b = board("generic");
	struct fl_epc *epc = controller(&b);
	unsigned int func = add(epc), cap;

	cap = find_cap(epc, func, 0x01);
	assert_int_not_equal(cap, 0);
	assert_int_equal(RD(cap + 2, 2) & 0x607, 3); /* version 3, no D1, no D2 */
	WR(0x04, 2, 0x06);
	assert_true(fl_epc_memory_on(epc, func) && fl_epc_master_on(epc, func));
	WR(cap + 4, 2, 2);
	assert_int_equal(RD(cap + 4, 2) & 3, 0);
	WR(cap + 4, 2, 3);
	assert_int_equal(RD(cap + 4, 2) & 3, 3);
	assert_false(fl_epc_memory_on(epc, func) || fl_epc_master_on(epc, func));
	WR(cap + 4, 2, 0);
	assert_true(fl_epc_memory_on(epc, func) && fl_epc_master_on(epc, func));
	WR(0x04, 2, 0x02);
	assert_true(fl_epc_memory_on(epc, func) && !fl_epc_master_on(epc, func));
	WR(0x04, 2, 0x04);
	assert_true(!fl_epc_memory_on(epc, func) && fl_epc_master_on(epc, func));
	fl_epc_free(epc);
}

/* PCI Express Base 6.0, 6.6.2: announced in bit 28 of Device Capabilities, asked for by bit 15 of Control. */
static void function_level_reset(void **state)
{
	struct fl_board b = board("generic");
	struct fl_epc *epc = controller(&b);
	unsigned int func = add(epc), cap;

	fl_epc_link_up(epc);
	cap = find_cap(epc, func, 0x10);
	assert_int_equal(RD(cap + 4, 4) >> 28 & 1, 1);
	for (unsigned int i = 0; i < 3; i++) {
		WR(0x04, 2, 0x06);
		if (i == 0)
			WR(cap + 8, 2, 0x2810);
		assert_int_equal(RD(0x04, 2), 0x06); /* what does not ask does nothing */
		if (i == 1)
			WR(cap + 8, 2, 0xa810);
		if (i == 2)
			WR(cap + 9, 1, 0x80);
		assert_int_equal(RD(0x04, 2), i ? 0 : 0x06);
		assert_int_equal(RD(cap + 8, 2) >> 15, 0);
		assert_true(fl_epc_link(epc)); /* which is not the link's */
	}
	fl_epc_free(epc);
}

static int refuse_to_stop(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, bool quiesce)
{
	return quiesce ? -ETIMEDOUT : 0;
}

static int any_channel(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, unsigned int func)
{
	return 0;
}

static void delegation(void **state)
{
	static const struct fl_epc_engine_ops stubborn = { .delegate = any_channel,
							   .reclaim = refuse_to_stop };
	static const struct fl_epc_engine_ops none = {};
	struct fl_board b = board("rk3588");
	struct fl_epc *epc = controller(&b);
	unsigned int func = add(epc), h;
	struct fl_epc_aux aux[16];

	assert_int_equal(fl_epc_aux_count(epc, func), 1 + 2 * 4);
	assert_int_equal(fl_epc_aux_get(epc, func, aux, 9), 0);
	assert_int_equal(aux[0].bar, 4);
	assert_int_equal(aux[0].ctrl.chans[FL_EPDMA_READ], 2);
	assert_int_equal(fl_epc_delegate(epc, func, 2, 0, &h), -EINVAL);
	assert_int_equal(fl_epc_delegate(epc, func, 0, 0, NULL), -EINVAL);
	assert_int_equal(fl_epc_delegate(epc, func + 1, 0, 0, &h), -EINVAL);
	assert_int_equal(fl_epc_delegate(epc, func, 0, 2, &h), -EINVAL);
	assert_int_equal(fl_epc_delegate(epc, func, 0, 1, &h), 0);
	assert_int_equal(fl_epc_delegate(epc, func, 0, 1, &h), -EBUSY);
	assert_int_equal(fl_epc_claim_local(epc, 0, 1), -EBUSY);
	assert_int_equal(fl_epc_claim_local(epc, 1, 0), 0);
	assert_int_equal(fl_epc_delegate(epc, func, 1, 0, &h), -EBUSY);
	assert_int_equal(fl_epc_chan_owner(epc, 0, 1), 'h');
	fl_epc_reclaim(epc, h, false);
	assert_int_equal(fl_epc_chan_owner(epc, 0, 1), 'f');
	fl_epc_set_engine(epc, &stubborn, NULL);
	assert_int_equal(fl_epc_delegate(epc, func, 0, 1, &h), 0);
	fl_epc_reclaim(epc, h, true);
	assert_int_equal(fl_epc_chan_owner(epc, 0, 1), 'p');
	assert_int_equal(fl_epc_delegate(epc, func, 0, 1, &h), -EBUSY);
	fl_epc_set_engine(epc, &none, NULL);
	assert_int_equal(fl_epc_delegate(epc, func, 0, 0, &h), -EOPNOTSUPP);
	assert_int_equal(fl_epc_aux_count(epc, func), -EOPNOTSUPP);
	fl_epc_free(epc);
}

static void functions_and_start(void **state)
{
	struct fl_board b = board("r-car-s4");
	struct fl_epc *epc = controller(&b);
	unsigned int func;

	assert_int_equal(add(epc), 1); /* 0 is in use on this board */
	assert_int_equal(fl_epc_add_function(epc, &no_events, NULL, &func), -EINVAL);
	fl_epc_remove_function(epc, 1);
	assert_int_equal(add(epc), 1);
	assert_int_equal(fl_epc_stop(epc), -EALREADY);
	assert_int_equal(fl_epc_start(epc), 0);
	assert_int_equal(fl_epc_start(epc), -EALREADY);
	assert_int_equal(fl_epc_stop(epc), 0);
	fl_epc_free(epc);
}

static int count_init(void *ctx)
{
	(*(int *)ctx)++;
	return 0;
}

static void count_deinit(void *ctx)
{
	*(int *)ctx += 100;
}

/* Each epc_init once, whether it was missed or comes again; none after a deinit that was not told. */
static void init_events(void **state)
{
	static const struct fl_epc_event_ops counting = { .epc_init = count_init,
							  .epc_deinit = count_deinit };
	struct fl_board b = board("generic");
	struct fl_epc *epc = controller(&b);
	unsigned int func;
	int n = 0;

	assert_int_equal(fl_epc_add_function(epc, &counting, &n, &func), 0);
	assert_int_equal(n, 0);
	fl_epc_init_notify(epc);
	fl_epc_init_notify(epc);
	assert_int_equal(fl_epc_pending_init(epc, func), 0);
	assert_int_equal(n, 1);
	fl_epc_deinit_notify(epc);
	fl_epc_deinit_notify(epc);
	assert_int_equal(n, 101);
	assert_int_equal(fl_epc_pending_init(epc, func), 0);
	assert_int_equal(n, 101);
	fl_epc_init_notify(epc);
	assert_int_equal(n, 102);
	assert_int_equal(fl_epc_pending_init(epc, func + 1), -EINVAL);
	fl_epc_free(epc);
}

/* ---- timers ---- */

struct tick {
	struct fl_timer t;
	struct fl_timers *ts;
	unsigned int n;
	uint64_t again;
};

static void tick(struct fl_timer *t)
{
	struct tick *k = FL_CONTAINER_OF(t, struct tick, t);

	k->n++;
	if (k->again != FL_NEVER)
		fl_timer_arm(k->ts, t, k->again);
}

static void timers(void **state)
{
	struct fl_timers ts = { .clock = &clock_.clock };
	struct tick a = { { tick }, &ts, 0, 0 }, b = { { tick }, &ts, 0, FL_NEVER };

	clock_.t = 1000;
	fl_timer_arm(&ts, &a.t, 0); /* arms itself at once: must not keep the loop */
	fl_timer_arm(&ts, &b.t, 50);
	fl_timers_run(&ts);
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 0);
	clock_.t = 1050;
	fl_timers_run(&ts);
	assert_int_equal(a.n, 2);
	assert_int_equal(b.n, 1);
	fl_timer_cancel(&ts, &a.t);
	assert_int_equal(fl_timers_next(&ts), FL_NEVER);
	fl_timer_arm(&ts, &b.t, 500);
	fl_timer_arm(&ts, &b.t, 10); /* keeps its deadline */
	assert_int_equal(fl_timers_next(&ts), 1550);
	fl_timer_hurry(&ts, &b.t, 10);
	assert_int_equal(fl_timers_next(&ts), 1060);
	fl_timer_hurry(&ts, &b.t, 100);
	assert_int_equal(fl_timers_next(&ts), 1060);
	fl_timer_cancel(&ts, &b.t);
}

/* ---- boards ---- */

static void presets_print_and_read_again(void **state)
{
	for (size_t i = 0; fl_board_names[i]; i++) {
		struct fl_board a = board(fl_board_names[i]), b;
		_cleanup_buf_ struct fl_buf text = {}, again = {};

		assert_string_equal(a.name, fl_board_names[i]);
		fl_board_print(&a, &text);
		assert_int_equal(fl_board_parse(fl_buf_str(&text), "x", &b, NULL), 0);
		fl_board_print(&b, &again);
		assert_string_equal(fl_buf_z(&text), fl_buf_z(&again));
	}
	assert_int_equal(board("rk3588").features.align, 65536);
	assert_int_equal(board("r-car-s4").features.align, 1048576);
	assert_false(board("r-car-s4").features.msix_capable);
}

static void board_errors_are_located(void **state)
{
	static const struct {
		const char *line, *code;
		unsigned int start, end;
		const char *says;
	} rows[] = {
		{ "vender 1", "BOARD_KEY", 0, 6, "did you mean \"vendor\"?" },
		{ "vendor 0xffff", "BOARD_VALUE", 7, 13, NULL },
		{ "vendor", "BOARD_VALUE", 6, 6, NULL },
		{ "functions 9", "BOARD_VALUE", 10, 11, NULL },
		{ "align 3K", "BOARD_VALUE", 6, 8, NULL },
		{ "features msi wings", "BOARD_VALUE", 13, 18, NULL },
		{ "bar 6 fixed 1", "BOARD_VALUE", 4, 5, NULL },
		{ "bar 0 sticky", "BOARD_VALUE", 6, 12, NULL },
		{ "bar 0 fixed", "BOARD_VALUE", 11, 11, NULL },
		{ "map 3", "BOARD_VALUE", 4, 5, NULL },
		{ "registers 0xffffffffffffffff 2", "BOARD_VALUE", 10, 30, NULL },
		{ "registers 1 2 in 3", "BOARD_VALUE", 14, 16, NULL },
		{ "vendor 1 2", "BOARD_VALUE", 9, 10, NULL },
		{ "about", "BOARD_VALUE", 5, 5, NULL },
		{ "bar 1 reserved", "BOARD_TWICE", 4, 5, NULL },
		{ "board x", "BOARD_TWICE", 0, 5, NULL },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct fl_buf text = {};
		struct fl_board b = {};
		struct fl_diag d = {};

		fl_buf_addf(&text, "bar 1 reserved\nboard y # comment\n%s\n", rows[i].line);
		assert_int_equal(fl_board_parse(fl_buf_str(&text), "f", &b, &d), -EINVAL);
		print_message("# %s\n", rows[i].line);
		assert_string_equal(d.kind->code, rows[i].code);
		assert_int_equal(d.line, 3);
		assert_int_equal(d.span.start, rows[i].start);
		assert_int_equal(d.span.end, rows[i].end);
		if (rows[i].says)
			assert_string_equal(d.help, rows[i].says);
		assert_int_equal(b.name[0], 0);
		fl_diag_fini(&d);
	}
}

/* What no 32-bit size in the metadata and no 32-bit BAR can say; the first never came to an end. */
static void windows_that_cannot_be(void **state)
{
	static const char *const lines[] = {
		"registers 0x0 0x9000000000000000 bar 4 0", "registers 0x0 0x100000000",
		"registers 0x0 8K bar 4 0x7fffffff", "descriptors 0xffffffffffff0000 4K",
		"descriptors 0x0 1G bar 2 0", "descriptors 0x0 0xfffff000 bar 2 0x7fffffffffffffff",
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(lines); i++) {
		struct fl_board full = board("generic"), b = {};
		_cleanup_buf_ struct fl_buf text = {}, changed = {};
		struct fl_str rest, line;
		struct fl_diag d = {};
		unsigned int n = 0, at = 0;

		full.chans[0] = full.chans[1] = 8;
		fl_board_print(&full, &text);
		for (rest = fl_buf_str(&text); fl_str_line(&rest, &line);) {
			bool same = fl_str_starts(line, lines[i][0] == 'r' ? "registers" : "descriptors");

			n++;
			at = same ? n : at;
			fl_buf_add_str(&changed, same ? fl_str(lines[i]) : line);
			fl_buf_addc(&changed, '\n');
		}
		print_message("# %s\n", lines[i]);
		assert_int_equal(fl_board_parse(fl_buf_str(&changed), "f", &b, &d), -EINVAL);
		assert_string_equal(d.kind->code, "BOARD_VALUE");
		assert_int_equal(d.line, at);
		fl_diag_fini(&d);
	}
}

static void a_board_must_be_complete(void **state)
{
	struct fl_board full = board("generic"), b;
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_str rest, line;
	size_t n = 0;

	fl_board_print(&full, &text);
	rest = fl_buf_str(&text);
	while (fl_str_line(&rest, &line)) {
		_cleanup_buf_ struct fl_buf part = {};
		struct fl_diag d = {};
		int r;

		fl_buf_add(&part, text.data, (size_t)(line.p - text.data));
		fl_buf_add_str(&part, rest);
		r = fl_board_parse(fl_buf_str(&part), "f", &b, &d);
		if (fl_str_starts(line, "bar ") || fl_str_starts(line, "functions-taken"))
			assert_int_equal(r, 0);
		else
			assert_string_equal(d.kind->code, "BOARD_MISSING");
		fl_diag_fini(&d);
		n++;
	}
	assert_int_equal(n, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_free_bar),
		cmocka_unit_test(bar_space),
		cmocka_unit_test(bar_memory),
		cmocka_unit_test(set_bar_rules),
		cmocka_unit_test(submap_rules),
		cmocka_unit_test(config_space),
		cmocka_unit_test(power_states),
		cmocka_unit_test(function_level_reset),
		cmocka_unit_test(delegation),
		cmocka_unit_test(functions_and_start),
		cmocka_unit_test(init_events),
		cmocka_unit_test(timers),
		cmocka_unit_test(presets_print_and_read_again),
		cmocka_unit_test(board_errors_are_located),
		cmocka_unit_test(windows_that_cannot_be),
		cmocka_unit_test(a_board_must_be_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
