// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The endpoint controller.
 *
 * A BAR goes through three states. set_bar() without submaps gives it a size and a flat mapping onto
 * its memory. set_bar() again, with submaps, replaces that mapping by pieces of the endpoint's
 * address space; since the hardware then matches by address and not by BAR number, the host must
 * have assigned one. A loss of the link takes addresses and submaps away, while the flat mapping of a
 * BAR that has no submaps stays. What a BAR shows in between is nothing (-ENXIO).
 *
 * Inbound windows are counted: one a flat BAR, one a submap.
 */
#include "epdma/endpoint/epc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/endpoint/config.h"
#include "epdma/endpoint/epc-mem.h"

#define MAX_HW_CHANS 64

struct bar {
	bool set;
	bool mapped; /* false between a link loss and the next set_bar() of a BAR with submaps */
	struct fl_epc_bar b;
	struct fl_epc_submap *submaps; /* our copy of b.submap */
};

struct function {
	bool used;
	bool init_done; /* epc_init was delivered */
	const struct fl_epc_event_ops *ops;
	void *ctx;
	struct fl_config config;
	struct bar bars[FL_EPDMA_NR_BARS];
};

struct fl_epc {
	struct fl_board board;
	bool seed_compat, no_features;
	struct fl_timers timers;
	const struct fl_epc_mem_ops *mem;
	void *mem_ctx;
	struct fl_epc_mem own_mem;
	const struct fl_epc_engine_ops *engine;
	void *engine_ctx;
	bool started, init_complete, link;
	struct function functions[FL_EPC_MAX_FUNCTIONS];
	char owners[_FL_EPDMA_DIR_MAX][MAX_HW_CHANS]; /* 0 stands for 'f' */
};

/* ---- the board's engine as data ---- */

static struct fl_epc_aux window_aux(enum fl_epc_aux_type type, const struct fl_board_window *w,
				    uint64_t index)
{
	return (struct fl_epc_aux){ .type = type,
				    .phys = w->phys + index * w->size,
				    .size = w->size,
				    .bar = w->bar,
				    .bar_offset = w->bar < 0 ? 0 : w->bar_offset + index * w->size };
}

/*
 * Controller first, then the channels (of many those that a function can hand over), then their descriptor
 * memories: as the DesignWare backend.
 */
static size_t list_board_aux(const struct fl_board *b, struct fl_epc_aux *aux)
{
	size_t n = 0;

	aux[n] = window_aux(FL_AUX_DMA_CTRL_MMIO, &b->regs, 0);
	aux[n].ctrl.reg_layout = FL_AUX_LAYOUT_DW_EDMA;
	aux[n].ctrl.map = b->map;
	aux[n].ctrl.chans[FL_EPDMA_WRITE] = b->chans[FL_EPDMA_WRITE];
	aux[n++].ctrl.chans[FL_EPDMA_READ] = b->chans[FL_EPDMA_READ];
	for (unsigned int dir = 0, id = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < FL_MIN(b->chans[dir], (unsigned int)FL_EPDMA_MAX_CHANS); i++) {
			id = i + (dir == FL_EPDMA_READ ? b->chans[FL_EPDMA_WRITE] : 0u);
			aux[n] = (struct fl_epc_aux){ .type = FL_AUX_DMA_CHAN, .bar = FL_NO_BAR };
			aux[n].chan.dir = dir;
			aux[n].chan.hw_ch = (uint16_t)i;
			aux[n++].chan.desc_id = (uint16_t)id;
			aux[n] = window_aux(FL_AUX_DMA_DESC_MEM, &b->desc, id);
			aux[n++].desc.id = (uint16_t)id;
		}
	}
	return n;
}

#define BOARD_AUX_MAX (1 + 2 * _FL_EPDMA_DIR_MAX * FL_EPDMA_MAX_CHANS)

static int board_aux(void *ctx, struct fl_epc_aux *aux, size_t n)
{
	const struct fl_epc *epc = ctx;
	struct fl_epc_aux all[BOARD_AUX_MAX];
	size_t count = list_board_aux(&epc->board, all);

	if (n)
		memcpy(aux, all, FL_MIN(n, count) * sizeof(*aux));
	return (int)count;
}

static int board_delegate(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, unsigned int func)
{
	const struct fl_epc *epc = ctx;

	return hw_ch < epc->board.chans[dir] ? 0 : -EINVAL;
}

static int board_reclaim(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, bool quiesce)
{
	return 0;
}

static const struct fl_epc_engine_ops board_engine = {
	.aux = board_aux,
	.delegate = board_delegate,
	.reclaim = board_reclaim,
};

/* ---- making one ---- */

int fl_epc_new(const struct fl_epc_config *config, struct fl_epc **ret)
{
	struct fl_epc *epc = calloc(1, sizeof(*epc));

	if (!epc)
		return -ENOMEM;
	epc->board = *config->board;
	epc->seed_compat = config->seed_compat;
	epc->no_features = config->no_features;
	epc->timers.clock = config->clock;
	epc->own_mem = (struct fl_epc_mem){ epc->board.bar_mem, epc->board.bar_mem_size };
	epc->mem = config->mem ? config->mem : &fl_epc_mem_ops;
	epc->mem_ctx = config->mem ? config->mem_ctx : &epc->own_mem;
	epc->init_complete = true;
	fl_epc_set_engine(epc, NULL, NULL);
	*ret = epc;
	return 0;
}

static void drop_submaps(struct bar *bar)
{
	free(bar->submaps);
	bar->submaps = NULL;
	bar->b.submap = NULL;
	bar->b.nr_submaps = 0;
}

void fl_epc_free(struct fl_epc *epc)
{
	if (!epc)
		return;
	for (unsigned int i = 0; i < FL_EPC_MAX_FUNCTIONS; i++)
		fl_epc_remove_function(epc, i);
	fl_epc_mem_fini(&epc->own_mem);
	free(epc);
}

const struct fl_board *fl_epc_board(const struct fl_epc *epc)
{
	return &epc->board;
}

const struct fl_epc_features *fl_epc_features(const struct fl_epc *epc)
{
	return epc->no_features ? NULL : &epc->board.features;
}

struct fl_timers *fl_epc_timers(struct fl_epc *epc)
{
	return &epc->timers;
}

void *fl_epc_bar_memory(struct fl_epc *epc, uint64_t phys, uint64_t *ret_run)
{
	return fl_epc_mem_at(&epc->own_mem, phys, ret_run);
}

void fl_epc_set_engine(struct fl_epc *epc, const struct fl_epc_engine_ops *ops, void *ctx)
{
	epc->engine = ops ? ops : &board_engine;
	epc->engine_ctx = ops ? ctx : epc;
}

/* ---- events ---- */

void fl_epc_run(struct fl_epc *epc)
{
	fl_timers_run(&epc->timers);
}

uint64_t fl_epc_next(const struct fl_epc *epc)
{
	return fl_timers_next(&epc->timers);
}

int fl_epc_start(struct fl_epc *epc)
{
	if (epc->started)
		return -EALREADY;
	epc->started = true;
	return 0;
}

int fl_epc_stop(struct fl_epc *epc)
{
	if (!epc->started)
		return -EALREADY;
	if (epc->link)
		fl_epc_link_down(epc);
	epc->started = false;
	return 0;
}

bool fl_epc_started(const struct fl_epc *epc)
{
	return epc->started;
}

bool fl_epc_init_complete(const struct fl_epc *epc)
{
	return epc->init_complete;
}

bool fl_epc_link(const struct fl_epc *epc)
{
	return epc->link;
}

int fl_epc_pending_init(struct fl_epc *epc, unsigned int func)
{
	struct function *f;

	if (func >= FL_EPC_MAX_FUNCTIONS || !epc->functions[func].used)
		return -EINVAL;
	f = &epc->functions[func];
	if (!epc->init_complete || f->init_done)
		return 0;
	f->init_done = true;
	return f->ops->epc_init ? f->ops->epc_init(f->ctx) : 0;
}

/* A function that fails here stays as it is: as in Linux, nobody is there to be told. */
void fl_epc_init_notify(struct fl_epc *epc)
{
	epc->init_complete = true;
	for (unsigned int i = 0; i < FL_EPC_MAX_FUNCTIONS; i++)
		if (epc->functions[i].used)
			(void)fl_epc_pending_init(epc, i);
}

void fl_epc_deinit_notify(struct fl_epc *epc)
{
	epc->init_complete = false;
	for (unsigned int i = 0; i < FL_EPC_MAX_FUNCTIONS; i++) {
		struct function *f = &epc->functions[i];

		if (f->used && f->init_done && f->ops->epc_deinit)
			f->ops->epc_deinit(f->ctx);
		f->init_done = false;
	}
}

static bool tells_link(const struct fl_epc *epc)
{
	return epc->board.features.linkup_notifier || !epc->seed_compat;
}

void fl_epc_link_up(struct fl_epc *epc)
{
	epc->link = true;
	for (unsigned int i = 0; i < FL_EPC_MAX_FUNCTIONS; i++) {
		struct function *f = &epc->functions[i];

		if (!f->used)
			continue;
		fl_config_link(&f->config, &epc->board, true);
		if (tells_link(epc) && f->ops->link_up)
			f->ops->link_up(f->ctx);
	}
}

/* What the host wrote is gone, and with the BARs' addresses the windows behind them. */
static void reset_function(struct fl_epc *epc, struct function *f)
{
	fl_config_reset(&f->config);
	for (unsigned int k = 0; k < FL_EPDMA_NR_BARS; k++)
		if (f->bars[k].b.nr_submaps)
			f->bars[k].mapped = false;
	if (tells_link(epc) && f->ops->link_down)
		f->ops->link_down(f->ctx);
}

static void reset_engine(struct fl_epc *epc)
{
	if (epc->engine->link_down)
		epc->engine->link_down(epc->engine_ctx);
}

void fl_epc_link_down(struct fl_epc *epc)
{
	epc->link = false;
	reset_engine(epc);
	for (unsigned int i = 0; i < FL_EPC_MAX_FUNCTIONS; i++) {
		struct function *f = &epc->functions[i];

		if (!f->used)
			continue;
		reset_function(epc, f);
		fl_config_link(&f->config, &epc->board, false);
	}
}

/* A function-level reset, as far as a function is concerned a link that was lost and is back. */
static void function_level_reset(struct fl_epc *epc, struct function *f)
{
	reset_engine(epc);
	reset_function(epc, f);
	if (tells_link(epc) && f->ops->link_up)
		f->ops->link_up(f->ctx);
}

/* ---- functions ---- */

static struct function *function(const struct fl_epc *epc, unsigned int func)
{
	if (func >= epc->board.max_functions || !epc->functions[func].used)
		return NULL;
	return (struct function *)&epc->functions[func];
}

/* The BAR in which the controller shows a window of its own, whatever a function does. */
static void fixed_bar(struct function *f, const struct fl_board_window *w, uint64_t size)
{
	struct bar *b;
	uint64_t want = 16;

	if (w->bar < 0 || w->bar >= FL_EPDMA_NR_BARS || f->bars[w->bar].set)
		return;
	b = &f->bars[w->bar];
	while (want < w->bar_offset + size)
		want *= 2;
	b->b = (struct fl_epc_bar){ .bar = w->bar, .size = want, .phys = w->phys - w->bar_offset };
	b->set = b->mapped = true;
	fl_config_bar(&f->config, w->bar, 0, want);
}

int fl_epc_add_function(struct fl_epc *epc, const struct fl_epc_event_ops *ops, void *ctx,
			unsigned int *ret_func)
{
	for (unsigned int i = 0; i < epc->board.max_functions; i++) {
		struct function *f = &epc->functions[i];

		if (f->used || epc->board.functions_taken & 1u << i)
			continue;
		memset(f, 0, sizeof(*f));
		f->used = true;
		f->ops = ops;
		f->ctx = ctx;
		fl_config_init(&f->config, &epc->board, epc->board.max_functions > 1);
		fl_config_link(&f->config, &epc->board, epc->link);
		fixed_bar(f, &epc->board.regs, epc->board.regs.size);
		fixed_bar(f, &epc->board.desc, epc->board.desc.size * (epc->board.chans[0] +
								       epc->board.chans[1]));
		*ret_func = i;
		return 0;
	}
	return -EINVAL;
}

void fl_epc_remove_function(struct fl_epc *epc, unsigned int func)
{
	struct function *f = function(epc, func);

	if (!f)
		return;
	for (unsigned int i = 0; i < FL_EPDMA_NR_BARS; i++)
		drop_submaps(&f->bars[i]);
	f->used = false;
}

int fl_epc_write_header(struct fl_epc *epc, unsigned int func, const struct fl_epc_header *h)
{
	struct function *f = function(epc, func);

	if (!f)
		return -EINVAL;
	fl_config_header(&f->config, h);
	return 0;
}

int fl_epc_set_msi(struct fl_epc *epc, unsigned int func, unsigned int nr)
{
	struct function *f = function(epc, func);
	unsigned int log2 = 0;

	if (!f || nr < 1 || nr > 32)
		return -EINVAL;
	while (1u << log2 < nr)
		log2++;
	fl_config_msi(&f->config, log2);
	return 0;
}

static uint32_t msix_pba_offset(unsigned int nr, uint32_t table)
{
	return table + nr * PCI_MSIX_ENTRY_SIZE;
}

int fl_epc_set_msix(struct fl_epc *epc, unsigned int func, unsigned int nr, int bar,
		    uint32_t offset)
{
	struct function *f = function(epc, func);

	if (!f || nr < 1 || nr > 2048 || bar < 0 || bar >= FL_EPDMA_NR_BARS || offset % 8)
		return -EINVAL;
	fl_config_msix(&f->config, nr, bar, offset, msix_pba_offset(nr, offset));
	return 0;
}

/* ---- BARs ---- */

int fl_epc_next_free_bar(const struct fl_epc_features *f, int start)
{
	if (start > 0 && start <= FL_EPDMA_NR_BARS && f->bar[start - 1].only_64bit)
		start++;
	for (int i = start; i < FL_EPDMA_NR_BARS; i++)
		if (f->bar[i].type != FL_BAR_RESERVED && f->bar[i].type != FL_BAR_DISABLED)
			return i;
	return FL_NO_BAR;
}

/* 0 where there is no such power of two. */
static uint64_t power_of_two(uint64_t v)
{
	uint64_t p = 1;

	while (p && p < v)
		p <<= 1;
	return p;
}

int fl_epc_bar_size(const struct fl_epc_features *f, int bar, uint64_t want, uint64_t *ret)
{
	uint64_t size = FL_MAX(want, (uint64_t)128);

	if (bar < 0 || bar >= FL_EPDMA_NR_BARS)
		return -EINVAL;
	switch (f->bar[bar].type) {
	case FL_BAR_RESERVED:
	case FL_BAR_DISABLED:
		return -EINVAL;
	case FL_BAR_FIXED:
		if (want > f->bar[bar].fixed_size)
			return -EINVAL;
		*ret = f->bar[bar].fixed_size;
		return 0;
	case FL_BAR_RESIZABLE:
		size = FL_MAX(size, (uint64_t)1 << 20);
		break;
	case FL_BAR_PROGRAMMABLE:
		break;
	}
	size = power_of_two(size);
	*ret = size;
	return size ? 0 : -EINVAL;
}

int fl_epc_alloc_space(struct fl_epc *epc, int bar, uint64_t size, struct fl_epc_bar *ret)
{
	const struct fl_epc_features *f = &epc->board.features;
	uint64_t align = FL_MAX(f->align, (uint64_t)4096);
	struct fl_epc_bar b = { .bar = bar };
	int r;

	r = fl_epc_bar_size(f, bar, size, &b.size);
	if (r)
		return r;
	if (__builtin_add_overflow(b.size, align - 1, &b.mem_size))
		return -EINVAL;
	b.mem_size &= ~(align - 1);
	if (b.size > 1ull << 32 || f->bar[bar].only_64bit)
		b.flags |= FL_BAR_64;
	r = epc->mem->alloc(epc->mem_ctx, b.mem_size, align, &b.phys, &b.ptr);
	if (!r)
		*ret = b;
	return r;
}

void fl_epc_free_space(struct fl_epc *epc, struct fl_epc_bar *bar)
{
	if (bar->ptr)
		epc->mem->free(epc->mem_ctx, bar->phys, bar->mem_size, bar->ptr);
	*bar = (struct fl_epc_bar){ .bar = bar->bar };
}

static int check_bar_type(const struct fl_epc_features *f, const struct fl_epc_bar *b)
{
	switch (f->bar[b->bar].type) {
	case FL_BAR_RESERVED:
	case FL_BAR_DISABLED:
		return -EINVAL;
	case FL_BAR_FIXED:
		return b->size == f->bar[b->bar].fixed_size ? 0 : -EINVAL;
	case FL_BAR_RESIZABLE:
		return b->size >= 1ull << 20 && b->size <= 1ull << 47 ? 0 : -EINVAL;
	case FL_BAR_PROGRAMMABLE:
		break;
	}
	return 0;
}

/* What Linux's pci_epc_set_bar() asks of any controller. */
static int check_bar(const struct fl_epc_features *f, const struct fl_epc_bar *b)
{
	if (b->bar < 0 || b->bar >= FL_EPDMA_NR_BARS)
		return -EINVAL;
	if (b->nr_submaps && (!b->submap || !f->subrange_mapping || !f->dynamic_inbound_mapping))
		return -EINVAL;
	if (!b->size || b->size & (b->size - 1))
		return -EINVAL;
	if (b->bar == FL_EPDMA_NR_BARS - 1 && b->flags & FL_BAR_64)
		return -EINVAL;
	if (b->flags & FL_BAR_IO && b->flags & (FL_BAR_64 | FL_BAR_PREFETCH))
		return -EINVAL;
	if (b->size > 1ull << 32 && !(b->flags & FL_BAR_64))
		return -EINVAL;
	return check_bar_type(f, b);
}

/* What the DesignWare controller asks of submaps: see the essay above. */
static int check_submaps(const struct fl_epc_features *f, const struct fl_epc_bar *b)
{
	uint64_t off = 0;

	if (!f->align)
		return -EINVAL;
	for (unsigned int i = 0; i < b->nr_submaps; i++) {
		const struct fl_epc_submap *s = &b->submap[i];

		if (!s->size || s->size % f->align || s->phys % f->align)
			return -EINVAL;
		if (__builtin_add_overflow(off, s->size, &off) || off > b->size)
			return -EINVAL;
	}
	return off == b->size ? 0 : -EINVAL;
}

static unsigned int windows_used(const struct fl_epc *epc, const struct bar *but)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FL_EPC_MAX_FUNCTIONS; i++) {
		for (unsigned int k = 0; k < FL_EPDMA_NR_BARS; k++) {
			const struct bar *bar = &epc->functions[i].bars[k];

			if (epc->functions[i].used && bar->set && bar != but)
				n += FL_MAX(bar->b.nr_submaps, 1u);
		}
	}
	return n;
}

static bool same_bar(const struct fl_epc_bar *a, const struct fl_epc_bar *b)
{
	return a->bar == b->bar && a->size == b->size && a->flags == b->flags;
}

static int check_live_bar(const struct fl_epc *epc, const struct function *f,
			  const struct bar *bar, const struct fl_epc_bar *b)
{
	int r;

	if (bar->set && !same_bar(&bar->b, b))
		return -EINVAL;
	if (b->nr_submaps) {
		if (!bar->set)
			return -EINVAL;
		r = check_submaps(&epc->board.features, b);
		if (r)
			return r;
		if (!fl_config_bar_addr(&f->config, b->bar, b->flags))
			return -EINVAL;
	}
	if (windows_used(epc, bar) + FL_MAX(b->nr_submaps, 1u) > epc->board.inbound_windows)
		return -ENOSPC;
	return 0;
}

static int copy_submaps(const struct fl_epc_bar *b, struct fl_epc_submap **ret)
{
	*ret = NULL;
	if (!b->nr_submaps)
		return 0;
	*ret = calloc(b->nr_submaps, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, b->submap, b->nr_submaps * sizeof(**ret));
	return 0;
}

int fl_epc_set_bar(struct fl_epc *epc, unsigned int func, const struct fl_epc_bar *b)
{
	struct function *f = function(epc, func);
	struct fl_epc_submap *submaps;
	struct bar *bar;
	int r;

	if (!f)
		return -EINVAL;
	r = check_bar(&epc->board.features, b);
	if (r)
		return r;
	bar = &f->bars[b->bar];
	r = check_live_bar(epc, f, bar, b) ?: copy_submaps(b, &submaps);
	if (r)
		return r;
	if (!bar->set)
		fl_config_bar(&f->config, b->bar, b->flags, b->size);
	drop_submaps(bar);
	bar->b = *b;
	bar->submaps = submaps;
	bar->b.submap = submaps;
	bar->set = true;
	bar->mapped = true;
	return 0;
}

void fl_epc_clear_bar(struct fl_epc *epc, unsigned int func, int bar)
{
	struct function *f = function(epc, func);

	if (!f || bar < 0 || bar >= FL_EPDMA_NR_BARS || !f->bars[bar].set)
		return;
	fl_config_bar(&f->config, bar, f->bars[bar].b.flags, 0);
	drop_submaps(&f->bars[bar]);
	f->bars[bar] = (struct bar){};
}

/* ---- auxiliary resources and channels ---- */

int fl_epc_board_aux(struct fl_epc *epc, struct fl_epc_aux *aux, size_t n)
{
	return board_aux(epc, aux, n);
}

int fl_epc_aux_count(struct fl_epc *epc, unsigned int func)
{
	if (!function(epc, func))
		return -EINVAL;
	if (!epc->engine->aux)
		return -EOPNOTSUPP;
	return epc->engine->aux(epc->engine_ctx, NULL, 0);
}

int fl_epc_aux_get(struct fl_epc *epc, unsigned int func, struct fl_epc_aux *aux, size_t n)
{
	int r;

	if (!function(epc, func) || !aux || !n)
		return -EINVAL;
	if (!epc->engine->aux)
		return -EOPNOTSUPP;
	memset(aux, 0, n * sizeof(*aux));
	r = epc->engine->aux(epc->engine_ctx, aux, n);
	return r < 0 ? r : 0;
}

static int claim(struct fl_epc *epc, unsigned int dir, unsigned int hw_ch, unsigned int func,
		 char owner)
{
	int r;

	if (dir >= _FL_EPDMA_DIR_MAX)
		return -EINVAL;
	if (!epc->engine->delegate || !epc->engine->reclaim)
		return -EOPNOTSUPP;
	if (hw_ch >= MAX_HW_CHANS)
		return -EINVAL;
	if (epc->owners[dir][hw_ch])
		return -EBUSY;
	r = epc->engine->delegate(epc->engine_ctx, dir, hw_ch, func);
	if (!r)
		epc->owners[dir][hw_ch] = owner;
	return r;
}

int fl_epc_delegate(struct fl_epc *epc, unsigned int func, unsigned int dir, unsigned int hw_ch,
		    unsigned int *ret_handle)
{
	int r;

	if (!function(epc, func) || !ret_handle)
		return -EINVAL;
	r = claim(epc, dir, hw_ch, func, 'h');
	if (!r)
		*ret_handle = dir * MAX_HW_CHANS + hw_ch;
	return r;
}

/* A channel that would not stop is never given out again: the host may still be driving it. */
void fl_epc_reclaim(struct fl_epc *epc, unsigned int handle, bool quiesce)
{
	unsigned int dir = handle / MAX_HW_CHANS, hw_ch = handle % MAX_HW_CHANS;

	if (dir >= _FL_EPDMA_DIR_MAX || epc->owners[dir][hw_ch] != 'h')
		return;
	if (epc->engine->reclaim(epc->engine_ctx, dir, hw_ch, quiesce))
		epc->owners[dir][hw_ch] = 'p';
	else
		epc->owners[dir][hw_ch] = 0;
}

char fl_epc_chan_owner(const struct fl_epc *epc, enum fl_epdma_dir dir, unsigned int hw_ch)
{
	char owner = hw_ch < MAX_HW_CHANS ? epc->owners[dir][hw_ch] : 0;

	return owner ? owner : 'f';
}

/* The engine is not asked: a client on the endpoint programs it by itself. */
int fl_epc_claim_local(struct fl_epc *epc, enum fl_epdma_dir dir, unsigned int hw_ch)
{
	if (hw_ch >= MAX_HW_CHANS)
		return -EINVAL;
	if (epc->owners[dir][hw_ch])
		return -EBUSY;
	epc->owners[dir][hw_ch] = 'l';
	return 0;
}

/* ---- the host's side ---- */

uint32_t fl_epc_cfg_read(const struct fl_epc *epc, unsigned int func, uint32_t off,
			 unsigned int size)
{
	const struct function *f = function(epc, func);

	return f ? fl_config_read(&f->config, off, size) : UINT32_MAX;
}

void fl_epc_cfg_write(struct fl_epc *epc, unsigned int func, uint32_t off, unsigned int size,
		      uint32_t val)
{
	struct function *f = function(epc, func);
	bool master;

	if (!f)
		return;
	master = fl_config_master_on(&f->config);
	fl_config_write(&f->config, off, size, val);
	if (fl_config_asks_reset(off, size, val))
		function_level_reset(epc, f);
	if (!master && fl_config_master_on(&f->config) && f->ops->bus_master)
		f->ops->bus_master(f->ctx);
}

bool fl_epc_memory_on(const struct fl_epc *epc, unsigned int func)
{
	const struct function *f = function(epc, func);

	return f && fl_config_memory_on(&f->config);
}

bool fl_epc_master_on(const struct fl_epc *epc, unsigned int func)
{
	const struct function *f = function(epc, func);

	return f && fl_config_master_on(&f->config);
}

void fl_epc_bar_info(const struct fl_epc *epc, unsigned int func, int bar,
		     struct fl_epc_bar_info *ret)
{
	const struct function *f = function(epc, func);

	*ret = (struct fl_epc_bar_info){};
	if (!f || bar < 0 || bar >= FL_EPDMA_NR_BARS || !f->bars[bar].set)
		return;
	ret->size = f->bars[bar].b.size;
	ret->flags = f->bars[bar].b.flags;
	ret->addr = fl_config_bar_addr(&f->config, bar, ret->flags);
}

int fl_epc_bar_resolve(const struct fl_epc *epc, unsigned int func, int bar, uint64_t off,
		       uint64_t *ret_phys, uint64_t *ret_run)
{
	const struct function *f = function(epc, func);
	const struct bar *b;

	if (!f || bar < 0 || bar >= FL_EPDMA_NR_BARS)
		return -ENXIO;
	b = &f->bars[bar];
	if (!b->set || !b->mapped || off >= b->b.size)
		return -ENXIO;
	if (!b->b.nr_submaps) {
		*ret_phys = b->b.phys + off;
		*ret_run = b->b.size - off;
		return 0;
	}
	for (unsigned int i = 0; i < b->b.nr_submaps; i++) {
		if (off < b->submaps[i].size) {
			*ret_phys = b->submaps[i].phys + off;
			*ret_run = b->submaps[i].size - off;
			return 0;
		}
		off -= b->submaps[i].size;
	}
	return -ENXIO;
}

void fl_epc_bar_written(struct fl_epc *epc, unsigned int func, int bar, uint64_t off, uint64_t len)
{
	struct function *f = function(epc, func);

	if (f && f->ops->bar_written)
		f->ops->bar_written(f->ctx, (unsigned int)bar, off, len);
}

int fl_epc_msi_match(const struct fl_epc *epc, unsigned int func, uint64_t addr, uint32_t data,
		     unsigned int *ret_vector)
{
	const struct function *f = function(epc, func);

	return f ? fl_config_msi_match(&f->config, addr, data, ret_vector) : -ENOENT;
}

uint64_t fl_epc_enumerate(struct fl_epc *epc, unsigned int func, uint64_t base)
{
	for (int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		unsigned int at = PCI_BASE_ADDRESS_0 + 4 * (unsigned int)bar;
		struct fl_epc_bar_info info;

		fl_epc_bar_info(epc, func, bar, &info);
		if (!info.size)
			continue;
		base = (base + info.size - 1) & ~(info.size - 1);
		fl_epc_cfg_write(epc, func, at, 4, (uint32_t)base);
		if (info.flags & FL_BAR_64)
			fl_epc_cfg_write(epc, func, at + 4, 4, (uint32_t)(base >> 32));
		base += info.size;
	}
	fl_epc_cfg_write(epc, func, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return base;
}
