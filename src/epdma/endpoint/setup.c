// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/endpoint/setup.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/util.h"

int fl_model_open(const struct fl_model_options *o, struct fl_model *ret, struct fl_diag *diag)
{
	struct fl_epc_config config = {
		.board = &ret->board,
		.clock = o->clock ? o->clock : &fl_clock_monotonic,
		.mem = o->mem,
		.mem_ctx = o->mem_ctx,
		.seed_compat = o->seed_compat,
	};
	int r;

	*ret = (struct fl_model){};
	r = fl_board_load(o->board ? o->board : "generic", &ret->board_text, &ret->board, diag);
	return r ?: fl_epc_new(&config, &ret->epc);
}

static uint64_t number(const struct fl_model_number *n, uint64_t otherwise)
{
	return n->given ? n->v : otherwise;
}

/* Where neither kind is asked for: a vector for each channel, of the kind that the engine knows. */
static void default_vectors(const struct fl_model *m, const struct fl_model_options *o,
			    uint64_t chans, uint64_t *msi, uint64_t *msix)
{
	bool any = o->msi.given || o->msix.given;

	chans = FL_MAX(chans, (uint64_t)1);
	*msi = number(&o->msi, !any && m->board.features.msi_capable ? FL_MIN(chans, (uint64_t)32) : 0);
	*msix = number(&o->msix, !any && !m->board.features.msi_capable ? chans : 0);
}

int fl_model_configure(struct fl_model *m, const struct fl_model_options *o,
		       struct fl_epf_error *e)
{
	const struct fl_epf_config config = { .seed_compat = o->seed_compat, .layout = o->layout };
	uint64_t wr = number(&o->chans[FL_EPDMA_WRITE], m->board.chans[FL_EPDMA_WRITE]);
	uint64_t rd = number(&o->chans[FL_EPDMA_READ], m->board.chans[FL_EPDMA_READ]);
	uint64_t msi, msix;
	int r = fl_epf_new(&config, &m->epf);

	if (r)
		return r;
	default_vectors(m, o, wr + rd, &msi, &msix);
	const struct {
		enum fl_epf_attr attr;
		uint64_t v;
	} values[] = {
		{ FL_EPF_vendorid, number(&o->vendor, m->board.vendor) },
		{ FL_EPF_deviceid, number(&o->device, m->board.device) },
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

void fl_model_close(struct fl_model *m)
{
	fl_epf_free(m->epf);
	fl_epc_free(m->epc);
	fl_buf_fini(&m->board_text);
	*m = (struct fl_model){};
}

static void write_request(struct fl_epf *f, const struct fl_epf_view *v, bool on)
{
	bool b = v->md.layout == FL_EPMD_B;
	unsigned int off = b ? FL_EPMD_HOST_CTRL : FL_EPMD_CTRL;
	uint32_t bit = b ? FL_EPMD_HOST_CTRL_REQ : FL_EPMD_CTRL_HOST_REQ;
	uint8_t *word = (uint8_t *)v->metadata->ptr + off;

	fl_put_le32(word, (fl_get_le32(word) & ~bit) | (on ? bit : 0));
	fl_epc_bar_written(fl_epf_epc(f), fl_epf_func(f), v->metadata_bar, off, 4);
}

void fl_model_withdraw(struct fl_epf *f)
{
	struct fl_epf_view v;

	if (fl_epf_view(f, &v) == 0)
		write_request(f, &v, false);
}

/* Runs the controller's next work, if it is due within @limit. */
static bool advance(struct fl_epc *epc, struct fl_clock_manual *clock, uint64_t limit)
{
	if (fl_epc_next(epc) > limit)
		return false;
	clock->t = FL_MAX(clock->t, fl_epc_next(epc));
	fl_epc_run(epc);
	return true;
}

void fl_model_settle(struct fl_epf *f, struct fl_clock_manual *clock)
{
	uint64_t limit = clock->t + 2 * FL_NSEC_PER_SEC;
	struct fl_epf_view v;

	while (fl_epf_view(f, &v) == 0 && v.md.ready && !v.md.host_req)
		if (!advance(fl_epf_epc(f), clock, limit))
			return;
}

int fl_model_request(struct fl_epf *f, struct fl_clock_manual *clock)
{
	struct fl_epc *epc = fl_epf_epc(f);
	uint64_t limit = clock->t + 2 * FL_NSEC_PER_SEC;
	struct fl_epf_view v;
	int r = fl_epf_view(f, &v);

	if (!r)
		write_request(f, &v, true);
	while (!r && !v.md.ready) {
		if (!advance(epc, clock, limit))
			return v.last.kind ? v.last.err : -ETIMEDOUT;
		r = fl_epf_view(f, &v);
	}
	return r;
}

int fl_model_handshake(struct fl_epf *f, struct fl_clock_manual *clock)
{
	struct fl_epc *epc = fl_epf_epc(f);

	if (!epc)
		return -ENODEV;
	fl_epc_link_up(epc);
	fl_epc_enumerate(epc, fl_epf_func(f), 0x80000000);
	return fl_model_request(f, clock);
}
