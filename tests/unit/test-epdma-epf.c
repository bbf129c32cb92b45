// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The endpoint function, row by row of what the posted driver (pci-epf-dma.c, June 2026) does: each
 * errno is the one its source returns. Where the default differs from --seed-compat, both are said.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/epf.h"

#define MSEC FL_NSEC_PER_MSEC

/* A controller whose resources the test writes, and which remembers what became of the channels. */
struct rig {
	bool compat;
	struct fl_clock_manual clock;
	struct fl_board board;
	struct fl_epc *epc;
	struct fl_epf *epf;
	struct fl_epc_aux aux[40];
	int nr_aux, aux_err, get_err;
	int busy; /* the n-th delegation fails, -1: none */
	int delegated, reclaimed, quiesced;
	bool aux_given;
	bool bars_live_at_reclaim;
	bool no_features;
	struct fl_epf_error err;
	enum fl_epmd_layout layout;
};

static int rig_aux(void *ctx, struct fl_epc_aux *aux, size_t n)
{
	struct rig *g = ctx;

	if (!n)
		return g->aux_err ? g->aux_err : g->nr_aux;
	memcpy(aux, g->aux, n * sizeof(*aux));
	return g->get_err ? g->get_err : g->nr_aux;
}

static int rig_delegate(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, unsigned int func)
{
	struct rig *g = ctx;

	if (g->busy == g->delegated)
		return -EBUSY;
	g->delegated++;
	return 0;
}

static int rig_reclaim(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, bool quiesce)
{
	struct rig *g = ctx;
	struct fl_epc_bar_info info;

	fl_epc_bar_info(g->epc, fl_epf_func(g->epf), 0, &info);
	g->bars_live_at_reclaim = info.size;
	g->reclaimed++;
	g->quiesced += quiesce;
	return 0;
}

static const struct fl_epc_engine_ops rig_engine = { rig_aux, rig_delegate, rig_reclaim };

/* 2 + 2 channels; 4 KiB of descriptors each, one behind the other; everything without a BAR. */
static void default_aux(struct rig *g)
{
	int n = 0;

	g->aux[n] = (struct fl_epc_aux){ FL_AUX_DMA_CTRL_MMIO, 0x50000800, 0x800, FL_NO_BAR, 0 };
	g->aux[n].ctrl.reg_layout = FL_AUX_LAYOUT_DW_EDMA;
	g->aux[n].ctrl.map = FL_EPDMA_UNROLL;
	g->aux[n].ctrl.chans[0] = g->aux[n].ctrl.chans[1] = 2;
	n++;
	for (uint16_t i = 0; i < 4; i++) {
		g->aux[n] = (struct fl_epc_aux){ FL_AUX_DMA_CHAN, 0, 0, FL_NO_BAR, 0 };
		g->aux[n].chan.dir = i / 2;
		g->aux[n].chan.hw_ch = i % 2;
		g->aux[n++].chan.desc_id = 10 + i;
		g->aux[n] = (struct fl_epc_aux){ FL_AUX_DMA_DESC_MEM, 0x60000000 + i * 0x1000ull,
						 0x1000, FL_NO_BAR, 0 };
		g->aux[n++].desc.id = 10 + i;
	}
	g->nr_aux = n;
	g->aux_given = true;
}

static struct fl_epc_aux *chan_aux(struct rig *g, int k)
{
	return &g->aux[1 + 2 * k];
}

static struct fl_epc_aux *desc_aux(struct rig *g, int k)
{
	return &g->aux[2 + 2 * k];
}

static void rig_init(struct rig *g, bool compat)
{
	_cleanup_buf_ struct fl_buf hold = {};

	memset(g, 0, sizeof(*g));
	g->compat = compat;
	g->clock = (struct fl_clock_manual){ { fl_clock_manual_now }, 1000 };
	g->busy = -1;
	assert_int_equal(fl_board_load("generic", &hold, &g->board, NULL), 0);
	default_aux(g);
}

static void rig_make(struct rig *g)
{
	struct fl_epc_config cc = { .board = &g->board, .clock = &g->clock.clock,
				    .seed_compat = g->compat, .no_features = g->no_features };
	struct fl_epf_config fc = { .seed_compat = g->compat, .layout = g->layout };

	assert_int_equal(fl_epc_new(&cc, &g->epc), 0);
	fl_epc_set_engine(g->epc, &rig_engine, g);
	assert_int_equal(fl_epf_new(&fc, &g->epf), 0);
	fl_epf_set(g->epf, FL_EPF_vendorid, 0x1234, NULL);
	fl_epf_set(g->epf, FL_EPF_deviceid, 0x5678, NULL);
	fl_epf_set(g->epf, FL_EPF_msi_interrupts, 4, NULL);
	fl_epf_set(g->epf, FL_EPF_wr_chans, 2, NULL);
	fl_epf_set(g->epf, FL_EPF_rd_chans, 2, NULL);
}

static void rig_free(struct rig *g)
{
	fl_epf_free(g->epf);
	fl_epc_free(g->epc);
}

static void set(struct rig *g, enum fl_epf_attr attr, int64_t v)
{
	assert_int_equal(fl_epf_set(g->epf, attr, v, NULL), 0);
}

static int bind(struct rig *g)
{
	memset(&g->err, 0, sizeof(g->err));
	return fl_epf_bind(g->epf, g->epc, &g->err);
}

static struct fl_epf_view view(struct rig *g)
{
	struct fl_epf_view v;

	assert_int_equal(fl_epf_view(g->epf, &v), 0);
	return v;
}

/* ---- refusals: one change to a rig that binds, and what comes of it ---- */

struct refusal {
	const char *name;
	void (*before)(struct rig *g); /* the controller is made */
	void (*after)(struct rig *g);  /* it is made */
	int seed, fixed;
	const char *why; /* of the fixed mode */
};

static void no_msg(struct rig *g) { g->board.features.msi_capable = g->board.features.msix_capable = false; }
static void no_features(struct rig *g) { g->no_features = true; }
static void no_vectors(struct rig *g) { set(g, FL_EPF_msi_interrupts, 0); }
static void only_msix(struct rig *g) { g->board.features.msi_capable = false; }
static void msix_set(struct rig *g) { set(g, FL_EPF_msi_interrupts, 0); set(g, FL_EPF_msix_interrupts, 3); }
static void aux_fails(struct rig *g) { g->aux_err = -EIO; }
static void get_fails(struct rig *g) { g->get_err = -EREMOTEIO; }
static void aux_none(struct rig *g) { g->nr_aux = 0; }
static void ctrl_twice(struct rig *g) { g->aux[g->nr_aux++] = g->aux[0]; }
static void chan_twice(struct rig *g) { g->aux[g->nr_aux++] = *chan_aux(g, 0); }
static void chan_8(struct rig *g) { g->aux[g->nr_aux] = *chan_aux(g, 0); g->aux[g->nr_aux++].chan.hw_ch = 8; }
static void chan_7(struct rig *g) { g->aux[g->nr_aux] = *chan_aux(g, 0); g->aux[g->nr_aux++].chan.hw_ch = 7; }
static void chan_65535(struct rig *g)
{
	chan_8(g);
	g->aux[g->nr_aux - 1].chan.hw_ch = 65535;
}
static void dir_2(struct rig *g) { chan_aux(g, 3)->chan.dir = 2; }
static void desc_twice(struct rig *g) { g->aux[g->nr_aux++] = *desc_aux(g, 1); }
static void unknown_type(struct rig *g) { g->aux[g->nr_aux++] = (struct fl_epc_aux){ .type = 9, .bar = FL_NO_BAR }; }
static void no_ctrl(struct rig *g) { g->aux[0].type = FL_AUX_DOORBELL_MMIO; }
static void no_chans(struct rig *g) { set(g, FL_EPF_wr_chans, 0); set(g, FL_EPF_rd_chans, 0); }
static void too_many(struct rig *g) { set(g, FL_EPF_rd_chans, 3); }
static void other_layout(struct rig *g) { g->aux[0].ctrl.reg_layout = FL_AUX_LAYOUT_UNKNOWN; }
static void legacy(struct rig *g) { g->aux[0].ctrl.map = FL_EPDMA_LEGACY; }
static void map_3(struct rig *g) { g->aux[0].ctrl.map = 3; }
static void compat_map(struct rig *g) { g->aux[0].ctrl.map = FL_EPDMA_COMPAT; }
static void native(struct rig *g) { g->aux[0].ctrl.map = FL_EPDMA_NATIVE; }
static void part(struct rig *g) { set(g, FL_EPF_wr_chans, 1); }
static void one_direction(struct rig *g) { set(g, FL_EPF_wr_chans, 0); }
static void hole(struct rig *g) { g->aux[0].ctrl.chans[0] = 3; g->aux[0].ctrl.map = FL_EPDMA_NATIVE; }
static void three(struct rig *g) { set(g, FL_EPF_wr_chans, 3); }
static void desc_missing(struct rig *g) { chan_aux(g, 2)->chan.desc_id = 99; }
static void desc_shared(struct rig *g) { chan_aux(g, 2)->chan.desc_id = 10; }
static void busy_0(struct rig *g) { g->busy = 0; }
static void busy_3(struct rig *g) { g->busy = 3; }
static void all_reserved(struct rig *g)
{
	for (int i = 0; i < 6; i++)
		g->board.features.bar[i].type = FL_BAR_RESERVED;
}
static void one_bar(struct rig *g)
{
	for (int i = 1; i < 6; i++)
		g->board.features.bar[i].type = FL_BAR_DISABLED;
}
static void bar_0_reserved(struct rig *g) { g->board.features.bar[0].type = FL_BAR_RESERVED; }
static void bar_0_disabled(struct rig *g) { g->board.features.bar[0].type = FL_BAR_DISABLED; }
static void bar_2_reserved(struct rig *g) { g->board.features.bar[2].type = FL_BAR_RESERVED; }
static void md_0(struct rig *g) { set(g, FL_EPF_metadata_bar, 0); }
static void md_4(struct rig *g) { set(g, FL_EPF_metadata_bar, 4); }
static void win_2(struct rig *g) { set(g, FL_EPF_dma_window_bar, 2); }
static void win_4(struct rig *g) { set(g, FL_EPF_dma_window_bar, 4); }
static void win_0(struct rig *g) { set(g, FL_EPF_dma_window_bar, 0); }
static void ctrl_in_4(struct rig *g) { g->aux[0].bar = 4; }
static void no_subrange(struct rig *g) { g->board.features.subrange_mapping = false; }
static void no_dynamic(struct rig *g) { g->board.features.dynamic_inbound_mapping = false; }
static void all_in_bars(struct rig *g)
{
	g->board.features.subrange_mapping = false;
	for (int i = 0; i < g->nr_aux; i++)
		g->aux[i].bar = 4;
}
static void bar_9(struct rig *g) { g->aux[0].bar = 9; }
static void bar_minus_2(struct rig *g) { g->aux[0].bar = -2; }
static void desc_empty(struct rig *g) { desc_aux(g, 3)->size = 0; }
static void ctrl_wraps(struct rig *g) { g->aux[0].phys = UINT64_MAX - 10; }
static void desc_wraps(struct rig *g) { desc_aux(g, 0)->size = UINT64_MAX - 100; }
static void desc_5g(struct rig *g) { desc_aux(g, 0)->size = 5ull << 30; }
static void ctrl_5g(struct rig *g) { g->aux[0].size = 5ull << 30; g->aux[0].bar = 4; }
static void no_memory(struct rig *g) { g->board.bar_mem_size = 4096; }
static void no_memory_at_all(struct rig *g) { g->board.bar_mem_size = 1; }
static void fixed_small(struct rig *g)
{
	g->board.features.bar[0].type = FL_BAR_FIXED;
	g->board.features.bar[0].fixed_size = 256;
}
static void no_id(struct rig *g) { set(g, FL_EPF_vendorid, 0xffff); }
static void msi_33(struct rig *g) { set(g, FL_EPF_msi_interrupts, 33); }
static void msix_2049(struct rig *g) { set(g, FL_EPF_msix_interrupts, 2049); }
static void no_align(struct rig *g) { g->board.features.align = 0; }
static void doorbell_in_0(struct rig *g)
{
	g->aux[g->nr_aux++] = (struct fl_epc_aux){ FL_AUX_DOORBELL_MMIO, 1, 4, 0, 0 };
}
static void zero_record(struct rig *g) { g->aux[g->nr_aux++] = (struct fl_epc_aux){}; }

static const struct refusal refusals[] = {
	{ "no features", no_features, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_NO_FEATURES" },
	{ "neither MSI nor MSI-X", no_msg, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_NO_MSG" },
	{ "no vectors", NULL, no_vectors, -EINVAL, -EINVAL, "EPF_NO_VECTORS" },
	{ "MSI vectors, MSI-X controller", only_msix, NULL, -EINVAL, -EINVAL, "EPF_NO_VECTORS" },
	{ "MSI-X vectors, MSI-X controller", only_msix, msix_set, 0, 0, "" },
	{ "count fails", aux_fails, NULL, -EIO, -EIO, "EPF_AUX" },
	{ "get fails", get_fails, NULL, -EREMOTEIO, -EREMOTEIO, "EPF_AUX" },
	{ "no resources", aux_none, NULL, -ENODEV, -ENODEV, "EPF_AUX_NONE" },
	{ "two controllers", ctrl_twice, NULL, -EINVAL, -EINVAL, "EPF_AUX_CTRL_TWICE" },
	{ "channel twice", chan_twice, NULL, -EINVAL, -EINVAL, "EPF_AUX_CHAN" },
	{ "channel 8", chan_8, NULL, -EINVAL, -EINVAL, "EPF_AUX_CHAN" },
	{ "channel 65535", chan_65535, NULL, -EINVAL, -EINVAL, "EPF_AUX_CHAN" },
	{ "channel 7", chan_7, NULL, 0, 0, "" },
	{ "direction 2", dir_2, NULL, -EINVAL, -EINVAL, "EPF_AUX_DIR" },
	{ "descriptor id twice", desc_twice, NULL, -EINVAL, -EINVAL, "EPF_AUX_DESC_TWICE" },
	{ "unknown type", unknown_type, NULL, 0, 0, "" },
	{ "no controller", no_ctrl, NULL, -ENODEV, -ENODEV, "EPF_NO_CTRL" },
	{ "no channels", NULL, no_chans, -EINVAL, -EINVAL, "EPF_NO_CHANS" },
	{ "too many", NULL, too_many, -EINVAL, -EINVAL, "EPF_TOO_MANY" },
	{ "other layout", other_layout, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_LAYOUT" },
	{ "legacy", legacy, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_LEGACY" },
	{ "map 3", map_3, NULL, -EINVAL, -EINVAL, "EPF_MAP" },
	{ "unroll, part of a direction", NULL, part, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_WHOLE" },
	{ "compat, part of a direction", compat_map, part, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_WHOLE" },
	{ "native, part of a direction", native, part, 0, 0, "" },
	{ "one direction", NULL, one_direction, 0, 0, "" },
	{ "hole", hole, three, -EINVAL, -EINVAL, "EPF_HOLE" },
	{ "no descriptors", desc_missing, NULL, -EINVAL, -EINVAL, "EPF_NO_DESC" },
	{ "W18 shared descriptors", desc_shared, NULL, 0, -EINVAL, "EPF_DESC_SHARED" },
	{ "first channel busy", busy_0, NULL, -EBUSY, -EBUSY, "EPF_DELEGATE" },
	{ "last channel busy", busy_3, NULL, -EBUSY, -EBUSY, "EPF_DELEGATE" },
	{ "no BAR at all", all_reserved, NULL, -EINVAL, -EINVAL, "EPF_MD_BAR" },
	{ "metadata BAR reserved", bar_0_reserved, md_0, -EINVAL, -EINVAL, "EPF_MD_BAR" },
	{ "metadata BAR disabled", bar_0_disabled, md_0, -EINVAL, -EINVAL, "EPF_MD_BAR" },
	{ "metadata BAR holds registers", ctrl_in_4, md_4, -EINVAL, -EINVAL, "EPF_MD_BAR" },
	{ "no subrange", no_subrange, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_NO_SUBRANGE" },
	{ "no dynamic mapping", no_dynamic, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_NO_SUBRANGE" },
	{ "no window needed", all_in_bars, NULL, 0, 0, "" },
	{ "one BAR", one_bar, NULL, -EOPNOTSUPP, -EOPNOTSUPP, "EPF_NO_WIN_BAR" },
	{ "window BAR reserved", bar_2_reserved, win_2, -EINVAL, -EINVAL, "EPF_WIN_BAR" },
	{ "window BAR holds registers", ctrl_in_4, win_4, -EINVAL, -EINVAL, "EPF_WIN_BAR" },
	{ "window BAR not needed but bad", all_in_bars, win_4, -EINVAL, -EINVAL, "EPF_WIN_BAR" },
	{ "auto metadata takes the window's", NULL, win_0, -EINVAL, -EINVAL, "EPF_WIN_BAR" },
	{ "register BAR 9", bar_9, NULL, -EINVAL, -EINVAL, "EPF_RES_BAR" },
	{ "register BAR -2", bar_minus_2, NULL, -EINVAL, -EINVAL, "EPF_RES_BAR" },
	{ "empty descriptors", desc_empty, NULL, -EINVAL, -EINVAL, "EPF_RES_SIZE" },
	{ "registers wrap", ctrl_wraps, NULL, -EOVERFLOW, -EOVERFLOW, "EPF_OVERFLOW" },
	{ "descriptors wrap", desc_wraps, NULL, -EOVERFLOW, -EOVERFLOW, "EPF_OVERFLOW" },
	{ "5 GiB of descriptors", desc_5g, NULL, -EOVERFLOW, -EOVERFLOW, "EPF_RES_LARGE" },
	{ "5 GiB of registers", ctrl_5g, NULL, -EOVERFLOW, -EOVERFLOW, "EPF_RES_LARGE" },
	{ "no memory for the window", no_memory, NULL, -ENOMEM, -ENOMEM, "EPF_SPACE" },
	{ "no memory for the metadata", no_memory_at_all, NULL, -ENOMEM, -ENOMEM, "EPF_SPACE" },
	{ "fixed BAR is too small, asked for", fixed_small, md_0, -ENOMEM, -ENOMEM, "EPF_SPACE" },
	{ "W12 fixed BAR is too small, chosen", fixed_small, NULL, -ENOMEM, 0, "" },
	{ "W14 no id", NULL, no_id, 0, -EINVAL, "EPF_NO_ID" },
	{ "W15 33 MSI vectors", NULL, msi_33, 0, -EINVAL, "EPF_VECTORS" },
	{ "W15 2049 MSI-X vectors", NULL, msix_2049, 0, -EINVAL, "EPF_VECTORS" },
	{ "W16 no alignment", no_align, NULL, 0, -EINVAL, "EPF_ALIGN" },
	{ "doorbell in BAR 0, metadata there", doorbell_in_0, md_0, -EINVAL, -EINVAL, "EPF_MD_BAR" },
	{ "W17 empty record, metadata in BAR 0", zero_record, md_0, -EINVAL, 0, "" },
};

static void try_refusal(const struct refusal *row, bool compat)
{
	struct rig g;
	int r;

	rig_init(&g, compat);
	if (row->before)
		row->before(&g);
	rig_make(&g);
	if (row->after)
		row->after(&g);
	r = bind(&g);
	print_message("# %s, %s: %d %s\n", row->name, compat ? "posted" : "fixed", r, g.err.text);
	assert_int_equal(r, compat ? row->seed : row->fixed);
	if (!compat)
		assert_string_equal(g.err.kind ? g.err.kind->code : "", row->why);
	if (r) { /* nothing is left behind */
		assert_int_equal(g.delegated, g.reclaimed);
		assert_int_equal(g.quiesced, 0);
		assert_null(fl_epf_epc(g.epf));
		assert_int_equal(fl_epc_next(g.epc), FL_NEVER);
	}
	rig_free(&g);
	assert_int_equal(g.delegated, g.reclaimed);
}

static void refuses(void **state)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(refusals); i++) {
		try_refusal(&refusals[i], true);
		try_refusal(&refusals[i], false);
	}
}

static void no_controller(void **state)
{
	struct rig g;

	rig_init(&g, true);
	rig_make(&g);
	assert_int_equal(fl_epf_bind(g.epf, NULL, &g.err), -EINVAL);
	assert_string_equal(g.err.kind->code, "EPF_NO_EPC");
	assert_int_equal(bind(&g), 0);
	assert_int_equal(bind(&g), -EBUSY);
	rig_free(&g);
}

/* ---- the layout ---- */

static void lays_out(void **state)
{
	struct rig g;
	struct fl_epf_view v;

	rig_init(&g, false);
	rig_make(&g);
	set(&g, FL_EPF_msix_interrupts, 9);
	assert_int_equal(bind(&g), 0);
	v = view(&g);
	assert_int_equal(v.metadata_bar, 0);
	assert_int_equal(v.metadata_len, 0xcc); /* 0x1c + 4 * 0x2c */
	assert_int_equal(v.msix_table, 0xd0);
	assert_int_equal(v.msix_pba, 0xd0 + 9 * 16);
	assert_int_equal(v.msix_end, 0xd0 + 9 * 16 + 8);
	assert_int_equal(v.metadata->size, 0x1000);
	assert_int_equal(v.window_bar, 1);
	/* registers 0x50000000+0x1000, descriptors 0x60000000+0x4000, tail */
	assert_int_equal(v.window->size, 0x8000);
	assert_int_equal(v.submaps->n, 3);
	assert_int_equal(v.submaps->v[0].phys, 0x50000000);
	assert_int_equal(v.submaps->v[1].phys, 0x60000000);
	assert_int_equal(v.submaps->v[1].size, 0x4000);
	assert_int_equal(v.submaps->v[2].phys, v.window->phys + 0x5000);
	assert_int_equal(v.submaps->v[2].size, 0x3000);
	assert_int_equal(v.md.reg.offset, 0x800);
	assert_int_equal(v.md.reg.size, 0x800);
	assert_int_equal(v.md.chan[FL_EPDMA_READ][1].desc.offset, 0x1000 + 3 * 0x1000);
	assert_int_equal(v.md.chan[FL_EPDMA_READ][1].desc.addr, 0x60003000);
	rig_free(&g);
}

/* Vectors of a kind that the controller cannot raise take no room. */
static void no_room_for_msix(void **state)
{
	struct rig g;

	rig_init(&g, false);
	g.board.features.msix_capable = false;
	rig_make(&g);
	set(&g, FL_EPF_msix_interrupts, 2048);
	assert_int_equal(bind(&g), 0);
	assert_int_equal(view(&g).msix_end, 0);
	assert_int_equal(view(&g).metadata->size, 0x1000);
	rig_free(&g);
}

static void fixed_registers(void **state)
{
	struct rig g;
	struct fl_epf_view v;

	rig_init(&g, false);
	g.aux[0].bar = 1;
	g.aux[0].bar_offset = 0x40;
	g.layout = FL_EPMD_B;
	rig_make(&g);
	assert_int_equal(bind(&g), 0);
	v = view(&g);
	assert_int_equal(v.metadata_len, 0xd0);
	assert_int_equal(v.md.layout, FL_EPMD_B);
	assert_int_equal(v.md.reg.bar, 1);
	assert_int_equal(v.md.reg.offset, 0x40);
	assert_int_equal(v.window_bar, 2);
	assert_int_equal(v.submaps->n, 1); /* 4 pages fill the BAR */
	rig_free(&g);
}

/* W13: what was chosen is not what was configured. */
static void chosen_bars(void **state)
{
	struct rig g;

	for (int compat = 0; compat < 2; compat++) {
		rig_init(&g, compat);
		rig_make(&g);
		assert_int_equal(bind(&g), 0);
		fl_epf_unbind(g.epf);
		assert_int_equal(fl_epf_get(g.epf, FL_EPF_metadata_bar), compat ? 0 : -1);
		assert_int_equal(fl_epf_get(g.epf, FL_EPF_dma_window_bar), compat ? 1 : -1);
		assert_int_equal(fl_epf_set(g.epf, FL_EPF_metadata_bar, 1, NULL), compat ? -EINVAL : 0);
		rig_free(&g);
	}
}

/* ---- the handshake ---- */

static void host_ctrl(struct rig *g, uint32_t clear, uint32_t set_)
{
	struct fl_epf_view v = view(g);
	uint8_t *p = v.metadata->ptr;
	unsigned int off = g->layout == FL_EPMD_B ? 0x1c : 0x08;

	fl_put_le32(p + off, (fl_get_le32(p + off) & ~clear) | set_);
	fl_epc_bar_written(g->epc, fl_epf_func(g->epf), v.metadata_bar, off, 4);
}

static void host_req(struct rig *g, bool on)
{
	uint32_t bit = g->layout == FL_EPMD_B ? 1 : 1u << 30;

	host_ctrl(g, on ? 0 : bit, on ? bit : 0);
}

static bool is_ready(struct rig *g)
{
	return fl_get_le32((char *)view(g).metadata->ptr + 8) >> 31;
}

static bool is_requested(struct rig *g)
{
	return fl_get_le32((char *)view(g).metadata->ptr + 8) >> 30 & 1;
}

static void run_until(struct rig *g, uint64_t ms)
{
	uint64_t end = g->clock.t + ms * MSEC;

	while (fl_epc_next(g->epc) <= end) {
		g->clock.t = FL_MAX(g->clock.t, fl_epc_next(g->epc));
		fl_epc_run(g->epc);
	}
	g->clock.t = end;
}

static void enumerate(struct rig *g)
{
	fl_epc_enumerate(g->epc, fl_epf_func(g->epf), 0x80000000);
}

static void started(struct rig *g, bool compat)
{
	rig_init(g, compat);
	rig_make(g);
	assert_int_equal(bind(g), 0);
	fl_epc_start(g->epc);
	fl_epc_link_up(g->epc);
	enumerate(g);
}

static void shakes_hands(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct fl_epf_view v;
		uint64_t phys, run;
		struct rig g;

		started(&g, compat);
		run_until(&g, 3000);
		assert_false(is_ready(&g));
		/* W4: posted polls every 500 ms, fixed sees the store */
		host_req(&g, true);
		run_until(&g, 1);
		assert_int_equal(is_ready(&g), !compat);
		run_until(&g, 500);
		assert_true(is_ready(&g));
		v = view(&g);
		assert_true(v.exposed);
		assert_int_equal(fl_epc_bar_resolve(g.epc, 0, v.window_bar, v.md.reg.offset, &phys, &run), 0);
		assert_int_equal(phys, 0x50000800);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(fl_epc_bar_resolve(g.epc, 0, v.window_bar,
							    v.md.chan[1][i].desc.offset, &phys, &run), 0);
			assert_int_equal(phys, v.md.chan[1][i].desc.addr);
		}
		/* as posted, nobody looks any more; fixed goes on polling */
		if (compat)
			assert_int_equal(fl_epc_next(g.epc), FL_NEVER);
		else
			assert_true(fl_epc_next(g.epc) <= g.clock.t + 500 * MSEC);
		/* quiesced, since it was exposed; the posted order clears the BARs before */
		fl_epf_unbind(g.epf);
		assert_int_equal(g.quiesced, 4);
		assert_int_equal(g.bars_live_at_reclaim, !compat);
		rig_free(&g);
	}
}

static void layout_b_has_a_word_of_its_own(void **state)
{
	struct rig g;

	rig_init(&g, false);
	g.layout = FL_EPMD_B;
	rig_make(&g);
	assert_int_equal(bind(&g), 0);
	fl_epc_link_up(g.epc);
	enumerate(&g);
	host_req(&g, true);
	run_until(&g, 1);
	assert_true(is_ready(&g));
	assert_false(is_requested(&g)); /* bit 30 of CTRL stays 0 */
	host_req(&g, false);
	run_until(&g, 1);
	assert_false(is_ready(&g));
	rig_free(&g);
}

static void without_quiesce_before_ready(void **state)
{
	struct rig g;

	started(&g, true);
	run_until(&g, 1000);
	fl_epf_unbind(g.epf);
	assert_int_equal(g.reclaimed, 4);
	assert_int_equal(g.quiesced, 0);
	rig_free(&g);
}

/* W2, W3: the request's falling edge takes READY back. */
static void request_withdrawn(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct rig g;

		started(&g, compat);
		host_req(&g, true);
		run_until(&g, 600);
		host_req(&g, false);
		run_until(&g, 600);
		assert_int_equal(is_ready(&g), compat);
		host_req(&g, true);
		run_until(&g, 600);
		assert_true(is_ready(&g));
		rig_free(&g);
	}
}

/* W1, W6: a host whose read-modify-write takes READY away. */
static void ready_lost_to_the_host(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct rig g;

		started(&g, compat);
		host_req(&g, true);
		run_until(&g, 600);
		host_ctrl(&g, 1u << 31, 0);
		run_until(&g, 5000);
		assert_int_equal(is_ready(&g), !compat);
		if (compat) { /* not even the next link-up helps */
			fl_epc_link_up(g.epc);
			run_until(&g, 5000);
			assert_false(is_ready(&g));
		}
		rig_free(&g);
	}
}

/* W5: the link is back before the BARs have addresses. */
static void link_lost_and_back(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct rig g;

		started(&g, compat);
		host_req(&g, true);
		run_until(&g, 600);
		fl_epc_link_down(g.epc);
		assert_false(is_ready(&g));
		assert_true(is_requested(&g));
		run_until(&g, 2000);
		assert_false(is_ready(&g));
		fl_epc_link_up(g.epc);
		run_until(&g, 100);
		assert_string_equal(view(&g).last.kind->code, "EPF_SUBMAPS");
		assert_int_equal(view(&g).last.err, -EINVAL);
		enumerate(&g);
		run_until(&g, 1000);
		assert_int_equal(is_ready(&g), !compat);
		rig_free(&g);
	}
}

/* With the addresses there in time, both recover. */
static void link_back_after_the_addresses(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct rig g;

		started(&g, compat);
		host_req(&g, true);
		run_until(&g, 600);
		fl_epc_link_down(g.epc);
		enumerate(&g);
		fl_epc_link_up(g.epc);
		run_until(&g, 1);
		assert_true(is_ready(&g));
		rig_free(&g);
	}
}

/* W19: READY without a link, where no window is needed. */
static void no_window_no_link(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct rig g;

		rig_init(&g, compat);
		all_in_bars(&g);
		rig_make(&g);
		assert_int_equal(bind(&g), 0);
		host_req(&g, true);
		run_until(&g, 1000);
		assert_int_equal(is_ready(&g), compat);
		fl_epc_link_up(g.epc);
		run_until(&g, 1000);
		assert_true(is_ready(&g));
		rig_free(&g);
	}
}

/* While the link is back and the addresses are not, attempts come at growing intervals. */
static void attempts_back_off(void **state)
{
	struct rig g;
	uint64_t up;

	started(&g, false);
	host_req(&g, true);
	run_until(&g, 600);
	fl_epc_link_down(g.epc);
	fl_epc_link_up(g.epc);
	up = g.clock.t;
	run_until(&g, 5);
	assert_int_equal(fl_epc_next(g.epc) - up, 10 * MSEC);
	run_until(&g, 10);
	assert_int_equal(fl_epc_next(g.epc) - up, 30 * MSEC);
	run_until(&g, 85);
	assert_int_equal(fl_epc_next(g.epc) - up, 150 * MSEC);
	run_until(&g, 60000);
	assert_true(fl_epc_next(g.epc) - g.clock.t <= 500 * MSEC);
	rig_free(&g);
}

/* Stores behind the block (an MSI-X table lies there) are nobody's request. */
static void stores_elsewhere(void **state)
{
	struct rig g;
	uint64_t next;

	started(&g, false);
	run_until(&g, 600);
	next = fl_epc_next(g.epc);
	fl_epc_bar_written(g.epc, 0, 0, 0xcc, 4);
	fl_epc_bar_written(g.epc, 0, 1, 8, 4);
	assert_int_equal(fl_epc_next(g.epc), next);
	fl_epc_bar_written(g.epc, 0, 0, 0xc8, 4);
	assert_true(fl_epc_next(g.epc) < next);
	rig_free(&g);
}

/* A request that failed for good waits for the next one, even if it could be served by now. */
static void failed_for_good(void **state)
{
	struct fl_epc_bar other = { .bar = 3, .size = 4096 };
	struct rig g;
	unsigned int func;

	rig_init(&g, false);
	g.board.inbound_windows = 4; /* metadata 1, window 3, and none for the other function's BAR */
	rig_make(&g);
	assert_int_equal(bind(&g), 0);
	assert_int_equal(fl_epc_add_function(g.epc, &(struct fl_epc_event_ops){}, NULL, &func), 0);
	assert_int_equal(fl_epc_set_bar(g.epc, func, &other), 0);
	fl_epc_link_up(g.epc);
	enumerate(&g);
	host_req(&g, true);
	run_until(&g, 3000);
	assert_int_equal(view(&g).last.err, -ENOSPC);
	fl_epc_clear_bar(g.epc, func, 3);
	run_until(&g, 3000);
	assert_false(is_ready(&g));
	host_req(&g, false);
	run_until(&g, 1);
	host_req(&g, true);
	run_until(&g, 1);
	assert_true(is_ready(&g));
	rig_free(&g);
}

/* A failure that time does not mend: logged once, tried again with the next request. */
static void windows_run_out(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct rig g;

		rig_init(&g, compat);
		g.board.inbound_windows = 3; /* 1 for the metadata, 3 wanted for the window */
		rig_make(&g);
		assert_int_equal(bind(&g), 0);
		fl_epc_link_up(g.epc);
		enumerate(&g);
		host_req(&g, true);
		run_until(&g, 3000);
		assert_false(is_ready(&g));
		assert_int_equal(view(&g).last.err, -ENOSPC);
		if (compat)
			assert_int_equal(fl_epc_next(g.epc), FL_NEVER);
		rig_free(&g);
	}
}

static void deinit_and_init(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct fl_epc_bar_info info;
		struct rig g;

		started(&g, compat);
		host_req(&g, true);
		run_until(&g, 600);
		fl_epc_deinit_notify(g.epc);
		assert_false(is_ready(&g));
		assert_false(is_requested(&g));
		fl_epc_bar_info(g.epc, 0, 0, &info);
		assert_int_equal(info.size, 0);
		assert_int_equal(fl_epc_next(g.epc), FL_NEVER);
		fl_epc_init_notify(g.epc);
		fl_epc_bar_info(g.epc, 0, 0, &info);
		assert_int_equal(info.size, 0x1000);
		enumerate(&g);
		host_req(&g, true);
		run_until(&g, 600);
		assert_true(is_ready(&g));
		rig_free(&g);
	}
}

/* W15: what epc_init refuses reaches the user. */
static void init_fails(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		struct fl_epc_bar_info info;
		struct rig g;

		rig_init(&g, compat);
		g.board.inbound_windows = 1; /* for two BARs */
		rig_make(&g);
		assert_int_equal(bind(&g), compat ? 0 : -ENOSPC);
		if (compat) {
			fl_epc_bar_info(g.epc, 0, 0, &info);
			assert_int_equal(info.size, 0); /* undone */
			assert_int_equal(fl_epc_next(g.epc), FL_NEVER);
		} else {
			assert_string_equal(g.err.kind->code, "EPF_INIT");
		}
		rig_free(&g);
	}
}

/* What was set up is taken back where the last step fails, both BARs included. */
static void init_fails_at_the_end(void **state)
{
	struct fl_epc_bar_info info;
	struct rig g;

	rig_init(&g, true);
	rig_make(&g);
	set(&g, FL_EPF_msi_interrupts, 33);
	assert_int_equal(bind(&g), 0);
	for (int bar = 0; bar < 6; bar++) {
		fl_epc_bar_info(g.epc, 0, bar, &info);
		assert_int_equal(info.size, 0);
	}
	assert_int_equal(view(&g).last.err, -EINVAL);
	rig_free(&g);
}

/* Bits that are left in memory mean nothing to the next init, nor before it. */
static void old_bits(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		uint8_t *ctrl;
		struct rig g;

		rig_init(&g, compat);
		all_in_bars(&g); /* no window, whose mapping would fail anyhow */
		rig_make(&g);
		fl_epc_deinit_notify(g.epc);
		assert_int_equal(bind(&g), 0);
		ctrl = (uint8_t *)view(&g).metadata->ptr + 8;
		fl_put_le32(ctrl, fl_get_le32(ctrl) | 1u << 30);
		fl_epc_link_up(g.epc); /* starts the work, before there was an init */
		run_until(&g, 2000);
		assert_false(is_ready(&g));
		fl_put_le32(ctrl, fl_get_le32(ctrl) | 3u << 30);
		fl_epc_init_notify(g.epc);
		assert_false(is_ready(&g));
		assert_false(is_requested(&g));
		rig_free(&g);
	}
}

/* An init that comes late, after binding. */
static void late_init(void **state)
{
	struct rig g;

	rig_init(&g, true);
	rig_make(&g);
	fl_epc_deinit_notify(g.epc);
	assert_int_equal(bind(&g), 0);
	assert_int_equal(fl_epc_cfg_read(g.epc, 0, 0, 4), 0xffffffff);
	fl_epc_init_notify(g.epc);
	assert_int_equal(fl_epc_cfg_read(g.epc, 0, 0, 4), 0x56781234);
	assert_int_equal(fl_epc_cfg_read(g.epc, 0, 8, 4), 0x08010000);
	rig_free(&g);
}

/* ---- random controllers, from binding to what the host reaches ---- */

static unsigned int rnd_state;

static uint64_t rnd(uint64_t n)
{
	return ((uint64_t)rand_r(&rnd_state) << 31 | (uint64_t)rand_r(&rnd_state)) % n;
}

/* Resources here and there, some behind each other, some fixed in BAR 5. */
static void random_aux(struct rig *g, unsigned int wr, unsigned int rd)
{
	uint64_t at = 0x10000000 + rnd(1 << 20) * 8, fixed = 0;
	int n = 0;

	g->aux[n] = (struct fl_epc_aux){ FL_AUX_DMA_CTRL_MMIO, at, 0x2000, FL_NO_BAR, 0 };
	g->aux[n].ctrl.reg_layout = FL_AUX_LAYOUT_DW_EDMA;
	g->aux[n].ctrl.map = FL_EPDMA_NATIVE;
	g->aux[n].ctrl.chans[0] = (uint16_t)wr;
	g->aux[n++].ctrl.chans[1] = (uint16_t)rd;
	at += 0x2000;
	for (unsigned int k = 0; k < wr + rd; k++) {
		uint64_t size = 48 + rnd(200) * 48;

		if (rnd(3) == 0)
			at += rnd(1 << 17) * 8;
		g->aux[n] = (struct fl_epc_aux){ FL_AUX_DMA_CHAN, 0, 0, FL_NO_BAR, 0 };
		g->aux[n].chan.dir = k >= wr;
		g->aux[n].chan.hw_ch = (uint16_t)(k >= wr ? k - wr : k);
		g->aux[n++].chan.desc_id = (uint16_t)(100 + k);
		g->aux[n] = (struct fl_epc_aux){ FL_AUX_DMA_DESC_MEM, at, size, FL_NO_BAR, 0 };
		g->aux[n++].desc.id = (uint16_t)(100 + k);
		if (rnd(6) == 0) {
			g->aux[n - 1].bar = 5;
			g->aux[n - 1].bar_offset = fixed;
			fixed += (size + 7) & ~7ull;
		}
		at += (size + 7) & ~7ull;
	}
	g->nr_aux = n;
}

/* Every byte of a window that is published leads where it says. */
static void check_reach(struct rig *g, const struct fl_epf_view *v, const struct fl_epmd_window *w,
			uint64_t addr)
{
	uint64_t off = 0, phys, run;

	if (w->bar != v->window_bar)
		return;
	while (off < w->size) {
		assert_int_equal(fl_epc_bar_resolve(g->epc, 0, w->bar, w->offset + off, &phys, &run), 0);
		assert_int_equal(phys, addr + off);
		off += run;
	}
}

static bool in_surroundings(const struct rig *g, uint64_t phys)
{
	uint64_t align = g->board.features.align;

	for (int k = 0; k < g->nr_aux; k++) {
		const struct fl_epc_aux *a = &g->aux[k];

		if (a->size && a->bar == FL_NO_BAR && phys >= (a->phys & ~(align - 1)) &&
		    phys < ((a->phys + a->size + align - 1) & ~(align - 1)))
			return true;
	}
	return false;
}

/* And no byte of the window BAR leads anywhere else. */
static void check_exposure(struct rig *g, const struct fl_epf_view *v)
{
	uint64_t phys, run, step = 64;

	for (uint64_t off = 0; v->window_bar != FL_NO_BAR && off < v->window->size; off += step) {
		bool own;

		assert_int_equal(fl_epc_bar_resolve(g->epc, 0, v->window_bar, off, &phys, &run), 0);
		own = phys >= v->window->phys && phys < v->window->phys + v->window->mem_size;
		assert_true(own || in_surroundings(g, phys));
	}
	assert_int_equal(fl_epc_bar_resolve(g->epc, 0, v->window_bar, v->window->size, &phys, &run), -ENXIO);
}

static void check_metadata(struct rig *g, const struct fl_epf_view *v)
{
	struct fl_epmd_policy p = { .need_ready = true, .bar = (uint8_t)v->metadata_bar };
	struct fl_epmd md;

	for (int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		struct fl_epc_bar_info info;

		fl_epc_bar_info(g->epc, 0, bar, &info);
		p.bar_size[bar] = bar == 5 ? FL_EPMD_BAR_UNKNOWN : info.size;
	}
	assert_int_equal(fl_epmd_parse(v->metadata->ptr, v->metadata->size, &p, &md, NULL), 0);
}

static void random_controllers(void **state)
{
	const char *rounds = getenv("FL_EPF_ROUNDS");
	int bound = 0;

	rnd_state = 7;
	for (long round = 0; round < (rounds ? strtol(rounds, NULL, 10) : 1500); round++) {
		unsigned int wr = (unsigned int)rnd(9), rd = (unsigned int)rnd(9);
		struct fl_epf_view v;
		struct rig g;
		int r;

		rig_init(&g, false);
		g.board.features.align = 4096ull << rnd(5);
		g.board.inbound_windows = (uint8_t)(4 + rnd(40));
		for (int i = 0; i < 5; i++)
			g.board.features.bar[i].type = (enum fl_epc_bar_type)(rnd(8) < 4 ? 0 : rnd(5));
		g.board.features.bar[5].type = FL_BAR_RESERVED;
		for (int i = 0; i < 5; i++)
			g.board.features.bar[i].fixed_size = 256ull << rnd(16);
		random_aux(&g, wr, rd);
		rig_make(&g);
		set(&g, FL_EPF_wr_chans, wr);
		set(&g, FL_EPF_rd_chans, rd);
		set(&g, FL_EPF_msix_interrupts, (int64_t)rnd(40));
		r = bind(&g);
		if (r) {
			assert_non_null(g.err.kind);
			assert_int_equal(g.delegated, g.reclaimed);
			rig_free(&g);
			continue;
		}
		fl_epc_link_up(g.epc);
		enumerate(&g);
		host_req(&g, true);
		run_until(&g, 1);
		v = view(&g);
		if (!v.md.ready) { /* pieces, and a window for the metadata */
			assert_int_equal(v.last.err, -ENOSPC);
			assert_true(v.submaps->n + 1 > g.board.inbound_windows);
			rig_free(&g);
			continue;
		}
		bound++;
		check_reach(&g, &v, &v.md.reg, g.aux[0].phys);
		for (unsigned int dir = 0; dir < 2; dir++)
			for (unsigned int i = 0; i < v.md.n[dir]; i++)
				check_reach(&g, &v, &v.md.chan[dir][i].desc, v.md.chan[dir][i].desc.addr);
		check_exposure(&g, &v);
		check_metadata(&g, &v);
		rig_free(&g);
		assert_int_equal(g.delegated, g.reclaimed);
	}
	assert_true(bound > 300);
}

/* ---- attributes ---- */

static void attributes(void **state)
{
	static const struct {
		enum fl_epf_attr attr;
		const char *text;
		int r;
		const char *shows;
	} rows[] = {
		{ FL_EPF_vendorid, "0x1912\n", 0, "0x1912\n" },
		{ FL_EPF_vendorid, "010", 0, "0x0008\n" },
		{ FL_EPF_vendorid, "+7", 0, "0x0007\n" },
		{ FL_EPF_vendorid, "65536", -EINVAL, NULL },
		{ FL_EPF_vendorid, "-1", -EINVAL, NULL },
		{ FL_EPF_vendorid, "", -EINVAL, NULL },
		{ FL_EPF_vendorid, "0x12 \n", -EINVAL, NULL },
		{ FL_EPF_vendorid, "99999999999999999999", -EINVAL, NULL },
		{ FL_EPF_revid, "255", 0, "0x00ff\n" },
		{ FL_EPF_revid, "256", -EINVAL, NULL },
		{ FL_EPF_msi_interrupts, "0x10", 0, "16\n" },
		{ FL_EPF_msi_interrupts, "256", -EINVAL, NULL },
		{ FL_EPF_msix_interrupts, "2048", 0, "2048\n" },
		{ FL_EPF_metadata_bar, "5\n", 0, "5\n" },
		{ FL_EPF_metadata_bar, "-1", 0, "-1\n" },
		{ FL_EPF_metadata_bar, "6", -EINVAL, NULL },
		{ FL_EPF_metadata_bar, "-2", -EINVAL, NULL },
		{ FL_EPF_metadata_bar, "4294967296", -ERANGE, NULL },
		{ FL_EPF_metadata_bar, "two", -EINVAL, NULL },
		{ FL_EPF_metadata_bar, "0x2", 0, "2\n" },
		{ FL_EPF_dma_window_bar, "2", -EINVAL, NULL }, /* the metadata's */
		{ FL_EPF_dma_window_bar, "3", 0, "3\n" },
		{ FL_EPF_metadata_bar, "3", -EINVAL, NULL },
		{ FL_EPF_wr_chans, "8", 0, "8\n" },
		{ FL_EPF_wr_chans, "9", -EINVAL, NULL },
		{ FL_EPF_wr_chans, "65536", -ERANGE, NULL },
		{ FL_EPF_wr_chans, "-1", -EINVAL, NULL },
		{ FL_EPF_wr_chans, "1x", -EINVAL, NULL },
		{ FL_EPF_rd_chans, "0", 0, "0\n" },
		{ FL_EPF_rd_chans, "18446744073709551616", -ERANGE, NULL },
	};
	struct rig g;

	rig_init(&g, false);
	rig_make(&g);
	set(&g, FL_EPF_wr_chans, 0);
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct fl_buf out = {};

		print_message("# %s, row %zu\n", fl_epf_attrs[rows[i].attr].name, i);
		assert_int_equal(fl_epf_store(g.epf, rows[i].attr, fl_str(rows[i].text), &g.err), rows[i].r);
		if (rows[i].r)
			continue;
		fl_epf_show(g.epf, rows[i].attr, &out);
		assert_string_equal(fl_buf_z(&out), rows[i].shows);
	}
	rig_free(&g);
}

static void attributes_while_bound(void **state)
{
	struct rig g;

	rig_init(&g, false);
	rig_make(&g);
	assert_int_equal(bind(&g), 0);
	for (unsigned int a = 0; a < _FL_EPF_ATTR_MAX; a++)
		assert_int_equal(fl_epf_store(g.epf, a, FL_STR("1"), NULL),
				 fl_epf_attrs[a].specific ? -EOPNOTSUPP : 0);
	assert_int_equal(fl_epf_store(g.epf, FL_EPF_wr_chans, FL_STR("rubbish"), NULL), -EOPNOTSUPP);
	rig_free(&g);
}

static void defaults(void **state)
{
	static const struct fl_epf_config config;
	static const char *const shows[] = {
		"0xffff\n", "0xffff\n", "0x0000\n", "0x0000\n", "0x0001\n", "0x0008\n",
		"0x0000\n", "0x0000\n", "0x0000\n", "0x0001\n", "0\n", "0\n",
		"-1\n", "-1\n", "0\n", "0\n",
	};
	struct fl_epf *f;

	assert_int_equal(fl_epf_new(&config, &f), 0);
	for (unsigned int a = 0; a < _FL_EPF_ATTR_MAX; a++) {
		_cleanup_buf_ struct fl_buf out = {};

		fl_epf_show(f, a, &out);
		assert_string_equal(fl_buf_z(&out), shows[a]);
	}
	fl_epf_free(f);
}

/* W14: one header for all instances, as posted. */
static void shared_header(void **state)
{
	struct fl_epc_header shared = fl_epf_default_header;
	const struct fl_epf_config config = { .seed_compat = true, .shared_header = &shared };
	struct fl_epf *a, *b;

	assert_int_equal(fl_epf_new(&config, &a), 0);
	assert_int_equal(fl_epf_new(&config, &b), 0);
	assert_int_equal(fl_epf_set(a, FL_EPF_vendorid, 0x1111, NULL), 0);
	assert_int_equal(fl_epf_get(b, FL_EPF_vendorid), 0x1111);
	fl_epf_free(a);
	fl_epf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(no_controller),
		cmocka_unit_test(lays_out),
		cmocka_unit_test(no_room_for_msix),
		cmocka_unit_test(fixed_registers),
		cmocka_unit_test(chosen_bars),
		cmocka_unit_test(shakes_hands),
		cmocka_unit_test(layout_b_has_a_word_of_its_own),
		cmocka_unit_test(without_quiesce_before_ready),
		cmocka_unit_test(request_withdrawn),
		cmocka_unit_test(ready_lost_to_the_host),
		cmocka_unit_test(link_lost_and_back),
		cmocka_unit_test(link_back_after_the_addresses),
		cmocka_unit_test(no_window_no_link),
		cmocka_unit_test(attempts_back_off),
		cmocka_unit_test(stores_elsewhere),
		cmocka_unit_test(failed_for_good),
		cmocka_unit_test(windows_run_out),
		cmocka_unit_test(deinit_and_init),
		cmocka_unit_test(init_fails),
		cmocka_unit_test(init_fails_at_the_end),
		cmocka_unit_test(old_bits),
		cmocka_unit_test(late_init),
		cmocka_unit_test(random_controllers),
		cmocka_unit_test(attributes),
		cmocka_unit_test(attributes_while_bound),
		cmocka_unit_test(defaults),
		cmocka_unit_test(shared_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
