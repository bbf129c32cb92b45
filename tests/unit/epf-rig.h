/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A controller whose resources a test writes, an endpoint function on it, and a clock moved by hand. */
#ifndef TESTS_EPF_RIG_H
#define TESTS_EPF_RIG_H

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
#include "epdma/endpoint/epf.h"

#define MSEC FL_NSEC_PER_MSEC

/* It remembers what became of the channels. */
struct rig {
	bool compat;
	struct fl_clocksource_manual clock;
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

static inline int rig_aux(void *ctx, struct fl_epc_aux *aux, size_t n)
{
	struct rig *g = ctx;

	if (!n)
		return g->aux_err ? g->aux_err : g->nr_aux;
	memcpy(aux, g->aux, n * sizeof(*aux));
	return g->get_err ? g->get_err : g->nr_aux;
}

static inline int rig_delegate(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, unsigned int func)
{
	struct rig *g = ctx;

	if (g->busy == g->delegated)
		return -EBUSY;
	g->delegated++;
	return 0;
}

static inline int rig_reclaim(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, bool quiesce)
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
static inline void default_aux(struct rig *g)
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

static inline struct fl_epc_aux *chan_aux(struct rig *g, int k)
{
	return &g->aux[1 + 2 * k];
}

static inline struct fl_epc_aux *desc_aux(struct rig *g, int k)
{
	return &g->aux[2 + 2 * k];
}

static inline void rig_init(struct rig *g, bool compat)
{
	_cleanup_buf_ struct fl_buf hold = {};

	memset(g, 0, sizeof(*g));
	g->compat = compat;
	g->clock = (struct fl_clocksource_manual){ { fl_clocksource_manual_now }, 1000 };
	g->busy = -1;
	assert_int_equal(fl_board_load("generic", &hold, &g->board, NULL), 0);
	default_aux(g);
}

static inline void rig_make(struct rig *g)
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

static inline void rig_free(struct rig *g)
{
	fl_epf_free(g->epf);
	fl_epc_free(g->epc);
}

static inline void set(struct rig *g, enum fl_epf_attr attr, int64_t v)
{
	assert_int_equal(fl_epf_set(g->epf, attr, v, NULL), 0);
}

static inline int bind(struct rig *g)
{
	memset(&g->err, 0, sizeof(g->err));
	return fl_epf_bind(g->epf, g->epc, &g->err);
}

static inline struct fl_epf_view view(struct rig *g)
{
	struct fl_epf_view v;

	assert_int_equal(fl_epf_view(g->epf, &v), 0);
	return v;
}

static inline void host_ctrl(struct rig *g, uint32_t clear, uint32_t set_)
{
	struct fl_epf_view v = view(g);
	uint8_t *p = v.metadata->ptr;
	unsigned int off = g->layout == FL_EPMD_B ? 0x1c : 0x08;

	fl_put_le32(p + off, (fl_get_le32(p + off) & ~clear) | set_);
	fl_epc_bar_written(g->epc, fl_epf_func(g->epf), v.metadata_bar, off, 4);
}

static inline void host_req(struct rig *g, bool on)
{
	uint32_t bit = g->layout == FL_EPMD_B ? 1 : 1u << 30;

	host_ctrl(g, on ? 0 : bit, on ? bit : 0);
}

static inline bool is_ready(struct rig *g)
{
	return fl_get_le32((char *)view(g).metadata->ptr + 8) >> 31;
}

static inline bool is_requested(struct rig *g)
{
	return fl_get_le32((char *)view(g).metadata->ptr + 8) >> 30 & 1;
}

static inline void run_until(struct rig *g, uint64_t ms)
{
	uint64_t end = g->clock.t + ms * MSEC;

	while (fl_epc_next(g->epc) <= end) {
		g->clock.t = FL_MAX(g->clock.t, fl_epc_next(g->epc));
		fl_epc_run(g->epc);
	}
	g->clock.t = end;
}

static inline void enumerate(struct rig *g)
{
	fl_epc_enumerate(g->epc, fl_epf_func(g->epf), 0x80000000);
}

static inline void started(struct rig *g, bool compat)
{
	rig_init(g, compat);
	rig_make(g);
	assert_int_equal(bind(g), 0);
	fl_epc_start(g->epc);
	fl_epc_link_up(g->epc);
	enumerate(g);
}

#endif
