// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/endpoint/setup.h"

#include <errno.h>

#include "base/util.h"

int fl_setup_open(const struct fl_setup_options *o, struct fl_setup *ret, struct fl_diag *diag)
{
	struct fl_epc_config config = {
		.board = &ret->board,
		.clock = o->clock ? o->clock : &fl_clocksource_monotonic,
		.mem = o->mem,
		.mem_ctx = o->mem_ctx,
		.seed_compat = o->seed_compat,
	};
	int r;

	*ret = (struct fl_setup){};
	r = fl_board_load(o->board ? o->board : "generic", &ret->board_text, &ret->board, diag);
	return r ?: fl_epc_new(&config, &ret->epc);
}

static uint64_t given_or(const struct fl_setup_number *n, uint64_t otherwise)
{
	return n->given ? n->v : otherwise;
}

/* Where neither kind is asked for: a vector for each channel, of the kind that the engine knows. */
static void default_vectors(const struct fl_setup *m, const struct fl_setup_options *o,
			    uint64_t chans, uint64_t *msi, uint64_t *msix)
{
	bool any = o->msi.given || o->msix.given;

	chans = FL_MAX(chans, (uint64_t)1);
	*msi = given_or(&o->msi, !any && m->board.features.msi_capable ? FL_MIN(chans, (uint64_t)32) : 0);
	*msix = given_or(&o->msix, !any && !m->board.features.msi_capable ? chans : 0);
}

/* A function hands over eight of a direction at most, however many a native engine has. */
static uint64_t on_offer(const struct fl_setup *m, enum fl_epdma_dir dir)
{
	return FL_MIN(m->board.chans[dir], FL_EPDMA_MAX_CHANS);
}

int fl_setup_function(struct fl_setup *m, const struct fl_setup_options *o,
		       struct fl_epf_error *e)
{
	const struct fl_epf_config config = { .seed_compat = o->seed_compat, .layout = o->layout };
	uint64_t wr = given_or(&o->chans[FL_EPDMA_WRITE], on_offer(m, FL_EPDMA_WRITE));
	uint64_t rd = given_or(&o->chans[FL_EPDMA_READ], on_offer(m, FL_EPDMA_READ));
	uint64_t msi, msix;
	int r = fl_epf_new(&config, &m->epf);

	if (r)
		return r;
	default_vectors(m, o, wr + rd, &msi, &msix);
	const struct {
		enum fl_epf_attr attr;
		uint64_t v;
	} values[] = {
		{ FL_EPF_vendorid, given_or(&o->vendor, m->board.vendor) },
		{ FL_EPF_deviceid, given_or(&o->device, m->board.device) },
		{ FL_EPF_msi_interrupts, msi },
		{ FL_EPF_msix_interrupts, msix },
		{ FL_EPF_wr_chans, wr },
		{ FL_EPF_rd_chans, rd },
	};
	for (size_t i = 0; !r && i < FL_ARRAY_SIZE(values); i++)
		r = fl_epf_set(m->epf, values[i].attr,
			       (int64_t)FL_MIN(values[i].v, (uint64_t)INT64_MAX), e);
	return r;
}

void fl_setup_close(struct fl_setup *m)
{
	fl_epf_free(m->epf);
	fl_epc_free(m->epc);
	fl_buf_fini(&m->board_text);
	*m = (struct fl_setup){};
}
