// SPDX-License-Identifier: GPL-2.0-or-later
/* What the controller's engine consists of, and which of it the host gets. */
#include "epdma/endpoint/epf-private.h"

#include <errno.h>
#include <stdlib.h>

static const char *const dir_names[] = { [FL_EPDMA_WRITE] = "write", [FL_EPDMA_READ] = "read" };

/* The channels that the controller lists, by direction and hardware number. */
struct found {
	const struct fl_epc_aux *chan[_FL_EPDMA_DIR_MAX][FL_EPDMA_MAX_CHANS];
};

static const struct fl_epc_aux *find_desc(const struct fl_epc_aux *aux, size_t n, uint16_t id)
{
	for (size_t i = 0; i < n; i++)
		if (aux[i].type == FL_AUX_DMA_DESC_MEM && aux[i].desc.id == id)
			return &aux[i];
	return NULL;
}

static int note_chan(struct found *found, const struct fl_epc_aux *a, struct fl_epf_error *e)
{
	if (a->chan.dir >= _FL_EPDMA_DIR_MAX)
		return fl_epf_refuse(e, FL_EPDMA_EPF_AUX_DIR, 0, "direction %u", a->chan.dir);
	if (a->chan.hw_ch >= FL_EPDMA_MAX_CHANS || found->chan[a->chan.dir][a->chan.hw_ch])
		return fl_epf_refuse(e, FL_EPDMA_EPF_AUX_CHAN, 0, "%s channel %u",
				     dir_names[a->chan.dir], a->chan.hw_ch);
	found->chan[a->chan.dir][a->chan.hw_ch] = a;
	return 0;
}

/* Kinds that are not known, and doorbells, are none of this function's business. */
static int note(struct fl_epf *f, struct found *found, size_t i, struct fl_epf_error *e)
{
	const struct fl_epc_aux *a = &f->aux[i];

	switch (a->type) {
	case FL_AUX_DMA_CTRL_MMIO:
		if (f->ctrl)
			return fl_epf_refuse(e, FL_EPDMA_EPF_AUX_CTRL_TWICE, 0, "resource %zu", i);
		f->ctrl = a;
		return 0;
	case FL_AUX_DMA_CHAN:
		return note_chan(found, a, e);
	case FL_AUX_DMA_DESC_MEM:
		if (find_desc(f->aux, i, a->desc.id))
			return fl_epf_refuse(e, FL_EPDMA_EPF_AUX_DESC_TWICE, 0, "id %u", a->desc.id);
		return 0;
	default:
		return 0;
	}
}

static int read_aux(struct fl_epf *f, struct found *found, struct fl_epf_error *e)
{
	int count = fl_epc_aux_count(f->epc, f->func), r;

	if (count < 0)
		return fl_epf_refuse(e, FL_EPDMA_EPF_AUX, count, "counting");
	if (count == 0)
		return fl_epf_refuse(e, FL_EPDMA_EPF_AUX_NONE, 0, "0 resources");
	f->aux = calloc((size_t)count, sizeof(*f->aux));
	if (!f->aux)
		return -ENOMEM;
	f->nr_aux = (size_t)count;
	r = fl_epc_aux_get(f->epc, f->func, f->aux, f->nr_aux);
	if (r)
		return fl_epf_refuse(e, FL_EPDMA_EPF_AUX, r, "reading %d", count);
	for (size_t i = 0; i < f->nr_aux; i++) {
		r = note(f, found, i, e);
		if (r)
			return r;
	}
	return 0;
}

/* One register block for a whole direction cannot be shared between host and endpoint. */
static int check_whole(const struct fl_epf *f, struct fl_epf_error *e)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++)
		if (f->chans[dir] && f->chans[dir] != f->ctrl->ctrl.chans[dir])
			return fl_epf_refuse(e, FL_EPDMA_EPF_WHOLE, 0,
					     "%u of %u %s channels were asked for", f->chans[dir],
					     f->ctrl->ctrl.chans[dir], dir_names[dir]);
	return 0;
}

static int check_map(const struct fl_epf *f, struct fl_epf_error *e)
{
	if (f->ctrl->ctrl.reg_layout != FL_AUX_LAYOUT_DW_EDMA)
		return fl_epf_refuse(e, FL_EPDMA_EPF_LAYOUT, 0, "register layout %d",
				     f->ctrl->ctrl.reg_layout);
	switch (f->ctrl->ctrl.map) {
	case FL_EPDMA_LEGACY:
		/* Not handed over, but told of by a capability: a driver that reads that needs no more. */
		if (fl_epc_board(f->epc)->vsec_dma)
			return check_whole(f, e);
		return fl_epf_refuse(e, FL_EPDMA_EPF_LEGACY, 0, "register map 0");
	case FL_EPDMA_UNROLL:
	case FL_EPDMA_COMPAT:
		return check_whole(f, e);
	case FL_EPDMA_NATIVE:
		return 0;
	default:
		return fl_epf_refuse(e, FL_EPDMA_EPF_MAP, 0, "register map %u", f->ctrl->ctrl.map);
	}
}

static int check_ctrl(const struct fl_epf *f, struct fl_epf_error *e)
{
	if (!f->ctrl)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_CTRL, 0, "%zu resources", f->nr_aux);
	if (!f->chans[FL_EPDMA_WRITE] && !f->chans[FL_EPDMA_READ])
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_CHANS, 0, "set at least one of them");
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++)
		if (f->chans[dir] > f->ctrl->ctrl.chans[dir])
			return fl_epf_refuse(e, FL_EPDMA_EPF_TOO_MANY, 0, "%u of %u %s channels",
					     f->chans[dir], f->ctrl->ctrl.chans[dir],
					     dir_names[dir]);
	return check_map(f, e);
}

static int pick_chans(struct fl_epf *f, const struct found *found, struct fl_epf_error *e)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < f->chans[dir]; i++) {
			f->chan[dir][i].chan = found->chan[dir][i];
			if (!f->chan[dir][i].chan)
				return fl_epf_refuse(e, FL_EPDMA_EPF_HOLE, 0,
						     "%s channel %u is missing", dir_names[dir], i);
		}
	}
	return 0;
}

static bool desc_used(const struct fl_epf *f, const struct fl_epc_aux *desc)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++)
		for (unsigned int i = 0; i < f->chans[dir]; i++)
			if (f->chan[dir][i].desc == desc)
				return true;
	return false;
}

/* The posted driver lets two channels walk lists in the same memory. */
static int pick_descs(struct fl_epf *f, struct fl_epf_error *e)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < f->chans[dir]; i++) {
			uint16_t id = f->chan[dir][i].chan->chan.desc_id;
			const struct fl_epc_aux *desc = find_desc(f->aux, f->nr_aux, id);

			if (!desc)
				return fl_epf_refuse(e, FL_EPDMA_EPF_NO_DESC, 0,
						     "%s channel %u wants memory %u", dir_names[dir],
						     i, id);
			if (!f->config.seed_compat && desc_used(f, desc))
				return fl_epf_refuse(e, FL_EPDMA_EPF_DESC_SHARED, 0, "memory %u", id);
			f->chan[dir][i].desc = desc;
		}
	}
	return 0;
}

static int delegate(struct fl_epf *f, struct fl_epf_error *e)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < f->chans[dir]; i++) {
			struct fl_epf_chan *c = &f->chan[dir][i];
			int r = fl_epc_delegate(f->epc, f->func, dir, i, &c->handle);

			if (r)
				return fl_epf_refuse(e, FL_EPDMA_EPF_DELEGATE, r, "%s channel %u",
						     dir_names[dir], i);
			c->delegated = true;
		}
	}
	return 0;
}

int fl_epf_collect(struct fl_epf *f, struct fl_epf_error *e)
{
	struct found found = {};

	return read_aux(f, &found, e) ?: check_ctrl(f, e) ?: pick_chans(f, &found, e)
	       ?: pick_descs(f, e) ?: delegate(f, e);
}

/* The host may still be driving what it was once told of, and only then need channels be stopped. */
void fl_epf_release(struct fl_epf *f)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < FL_EPDMA_MAX_CHANS; i++) {
			if (f->chan[dir][i].delegated)
				fl_epc_reclaim(f->epc, f->chan[dir][i].handle, f->exposed);
			f->chan[dir][i] = (struct fl_epf_chan){};
		}
	}
	f->exposed = false;
	f->ctrl = NULL;
	free(f->aux);
	f->aux = NULL;
	f->nr_aux = 0;
}
