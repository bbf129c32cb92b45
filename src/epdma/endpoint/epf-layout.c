// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which BARs the function uses and what lies in them.
 *
 * The metadata BAR holds the block, then (8-byte aligned) the MSI-X table and the pending bits. The
 * window BAR, where one is needed, shows the resources that no BAR shows by itself, in the order
 * registers, write channels' descriptors, read channels' descriptors.
 *
 * The posted driver takes the first free BAR, whatever its size; here the sizes are known before the
 * choice, and the first that can hold them is taken.
 */
#include "epdma/endpoint/epf-private.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define MSIX_ENTRY_SIZE 16

/* A resource that is fixed in a BAR makes that BAR unusable; an empty record says nothing. */
static bool holds_fixed(const struct fl_epf *f, int bar)
{
	for (size_t i = 0; i < f->nr_aux; i++)
		if (f->aux[i].bar == bar && (f->aux[i].size || f->config.seed_compat))
			return true;
	return false;
}

static bool usable(const struct fl_epc_features *features, int bar)
{
	return bar >= 0 && bar < FL_EPDMA_NR_BARS &&
	       features->bar[bar].type != FL_BAR_RESERVED &&
	       features->bar[bar].type != FL_BAR_DISABLED;
}

/* @want 0: of any size. */
static int first_free(const struct fl_epf *f, const struct fl_epc_features *features, int but,
		      uint64_t want)
{
	for (int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		uint64_t size;

		bar = fl_epc_next_free_bar(features, bar);
		if (bar == FL_NO_BAR)
			return FL_NO_BAR;
		if (bar == but || holds_fixed(f, bar))
			continue;
		if (!want || fl_epc_bar_size(features, bar, want, &size) == 0)
			return bar;
	}
	return FL_NO_BAR;
}

static uint64_t round_up(uint64_t v, uint64_t align)
{
	return align ? (v + align - 1) & ~(align - 1) : v;
}

/* Where the block ends, and where the message tables behind it lie. */
static void place_metadata(struct fl_epf *f, const struct fl_epc_features *features)
{
	uint64_t vectors = features->msix_capable ? f->vectors[1] : 0;

	f->md_len = fl_epmd_len(fl_epf_layout(f),
				(unsigned int)f->chans[FL_EPDMA_WRITE] + f->chans[FL_EPDMA_READ]);
	f->md_end = f->md_len;
	if (!vectors)
		return;
	f->msix_table = round_up(f->md_len, 8);
	f->msix_pba = f->msix_table + vectors * MSIX_ENTRY_SIZE;
	f->msix_end = f->msix_pba + round_up((vectors + 7) / 8, 8);
	f->md_end = f->msix_end;
}

static int choose_metadata_bar(struct fl_epf *f, const struct fl_epc_features *features,
			       struct fl_epf_error *e)
{
	uint64_t want = f->config.seed_compat ? 0 : round_up(f->md_end, features->align);

	f->md_bar = f->bars[0] != FL_NO_BAR ? f->bars[0] : first_free(f, features, FL_NO_BAR, want);
	if (f->config.seed_compat)
		f->bars[0] = f->md_bar;
	if (!usable(features, f->md_bar) || holds_fixed(f, f->md_bar))
		return fl_epf_refuse(e, FL_EPDMA_EPF_MD_BAR, 0, "metadata_bar is %d", f->md_bar);
	return 0;
}

/* ---- the window ---- */

static bool needs_window(const struct fl_epf *f)
{
	if (f->ctrl->bar == FL_NO_BAR)
		return true;
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++)
		for (unsigned int i = 0; i < f->chans[dir]; i++)
			if (f->chan[dir][i].desc->bar == FL_NO_BAR)
				return true;
	return false;
}

static int plan_one(const struct fl_epf *f, struct fl_submaps *s, const struct fl_epc_aux *res,
		    int *ret_bar, uint64_t *ret_offset, struct fl_epf_error *e)
{
	int r;

	if (!res->size)
		return fl_epf_refuse(e, FL_EPDMA_EPF_RES_SIZE, 0, "at 0x%llx",
				     (unsigned long long)res->phys);
	if (res->bar != FL_NO_BAR) {
		if (res->bar < 0 || res->bar >= FL_EPDMA_NR_BARS || res->bar == f->md_bar ||
		    res->bar == f->win_bar)
			return fl_epf_refuse(e, FL_EPDMA_EPF_RES_BAR, 0, "BAR %d", res->bar);
		*ret_bar = res->bar;
		*ret_offset = res->bar_offset;
		return 0;
	}
	r = fl_submaps_add(s, res->phys, res->size, ret_offset);
	if (r)
		return fl_epf_refuse(e, FL_EPDMA_EPF_OVERFLOW, r, "0x%llx bytes at 0x%llx",
				     (unsigned long long)res->size, (unsigned long long)res->phys);
	*ret_bar = f->win_bar;
	return 0;
}

static int plan(struct fl_epf *f, uint64_t align, struct fl_epf_error *e)
{
	int r;

	f->submaps = (struct fl_submaps){ .align = align };
	r = plan_one(f, &f->submaps, f->ctrl, &f->ctrl_bar, &f->ctrl_offset, e);
	for (unsigned int dir = 0; !r && dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; !r && i < f->chans[dir]; i++) {
			struct fl_epf_chan *c = &f->chan[dir][i];

			r = plan_one(f, &f->submaps, c->desc, &c->bar, &c->offset, e);
		}
	}
	return r;
}

static int choose_window_bar(struct fl_epf *f, const struct fl_epc_features *features,
			     struct fl_epf_error *e)
{
	uint64_t want = 0;

	if (!features->subrange_mapping || !features->dynamic_inbound_mapping)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_SUBRANGE, 0, "%s",
				     features->subrange_mapping ? "no dynamic inbound mapping"
								: "no subrange mapping");
	if (!features->align && !f->config.seed_compat)
		return fl_epf_refuse(e, FL_EPDMA_EPF_ALIGN, 0, "align is 0");
	if (f->win_bar != FL_NO_BAR)
		return 0;
	/* a plan that fails does so again once the BAR is chosen, with its own reason */
	if (!f->config.seed_compat && plan(f, features->align, NULL) == 0)
		want = f->submaps.size;
	f->win_bar = first_free(f, features, f->md_bar, want);
	if (f->config.seed_compat)
		f->bars[1] = f->win_bar;
	if (f->win_bar == FL_NO_BAR)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_WIN_BAR, 0, "beside BAR %d", f->md_bar);
	return 0;
}

static int choose_bars(struct fl_epf *f, const struct fl_epc_features *features,
		       struct fl_epf_error *e)
{
	int r = choose_metadata_bar(f, features, e);

	f->win_bar = f->bars[1];
	if (!r && needs_window(f))
		r = choose_window_bar(f, features, e);
	if (r || f->win_bar == FL_NO_BAR)
		return r;
	if (!usable(features, f->win_bar) || f->win_bar == f->md_bar || holds_fixed(f, f->win_bar))
		return fl_epf_refuse(e, FL_EPDMA_EPF_WIN_BAR, 0, "dma_window_bar is %d", f->win_bar);
	return 0;
}

/* ---- memory and metadata ---- */

static int alloc_bar(struct fl_epf *f, int bar, uint64_t size, struct fl_epc_bar *ret,
		     struct fl_epf_error *e)
{
	if (fl_epc_alloc_space(f->epc, bar, size, ret))
		return fl_epf_refuse(e, FL_EPDMA_EPF_SPACE, 0, "0x%llx bytes in BAR %d",
				     (unsigned long long)size, bar);
	return 0;
}

static struct fl_epmd_window window(const struct fl_epc_aux *res, int bar, uint64_t offset)
{
	return (struct fl_epmd_window){ .bar = (uint8_t)bar, .offset = offset,
					.size = (uint32_t)res->size, .addr = res->phys };
}

static int check_sizes(const struct fl_epf *f, struct fl_epf_error *e)
{
	bool fits = f->ctrl->size <= UINT32_MAX;

	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++)
		for (unsigned int i = 0; i < f->chans[dir]; i++)
			fits = fits && f->chan[dir][i].desc->size <= UINT32_MAX;
	return fits ? 0 : fl_epf_refuse(e, FL_EPDMA_EPF_RES_LARGE, 0, "the limit is 4 GiB");
}

static int write_metadata(struct fl_epf *f, struct fl_epf_error *e)
{
	struct fl_epmd md = {
		.layout = fl_epf_layout(f),
		.reg_layout = 1,
		.map = (uint8_t)f->ctrl->ctrl.map,
		.reg = window(f->ctrl, f->ctrl_bar, f->ctrl_offset),
		.n = { (uint8_t)f->chans[FL_EPDMA_WRITE], (uint8_t)f->chans[FL_EPDMA_READ] },
	};
	size_t len;
	int r = check_sizes(f, e);

	if (r)
		return r;
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < f->chans[dir]; i++) {
			const struct fl_epf_chan *c = &f->chan[dir][i];

			md.chan[dir][i].hw_ch = (uint8_t)i;
			md.chan[dir][i].desc = window(c->desc, c->bar, c->offset);
		}
	}
	r = fl_epmd_build(&md, f->md.ptr, FL_MIN(f->md.mem_size, sizeof(f->block)), &len);
	if (r)
		return fl_epf_refuse(e, FL_EPDMA_EPF_OVERFLOW, r, "metadata");
	memcpy(f->block, f->md.ptr, len);
	return 0;
}

static int make_window(struct fl_epf *f, struct fl_epf_error *e)
{
	int r;

	if (!f->submaps.n)
		return 0;
	r = alloc_bar(f, f->win_bar, f->submaps.size, &f->win, e);
	if (!r)
		fl_submaps_fill(&f->submaps, f->win.size, f->win.phys);
	return r;
}

int fl_epf_lay_out(struct fl_epf *f, struct fl_epf_error *e)
{
	const struct fl_epc_features *features = fl_epc_features(f->epc);
	int r;

	place_metadata(f, features);
	r = choose_bars(f, features, e);
	if (!r)
		r = alloc_bar(f, f->md_bar, round_up(f->md_end, features->align), &f->md, e);
	return r ?: plan(f, features->align, e) ?: write_metadata(f, e) ?: make_window(f, e);
}

void fl_epf_free_layout(struct fl_epf *f)
{
	fl_epc_free_space(f->epc, &f->win);
	fl_epc_free_space(f->epc, &f->md);
	f->submaps = (struct fl_submaps){};
	f->submaps_programmed = false;
	f->msix_table = f->msix_pba = f->msix_end = 0;
}
