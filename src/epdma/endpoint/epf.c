// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The endpoint function as a state machine.
 *
 *	unbound --bind--> laid out --epc_init--> waiting for HOST_REQ --work--> READY
 *
 * "Work" is one timer. It looks at HOST_REQ, maps the window's pieces and sets READY. In the posted
 * driver it polls every 500 ms until it has set READY once and is then started again only by link-up
 * or epc_init; from this follow most of the ways in which endpoint and host can miss each other.
 * Here it goes on polling, acts at once when the host's store to the metadata is seen, and holds to
 * one rule: READY stands exactly while HOST_REQ stands, the link is up and the window is mapped. So
 *
 *  - a host that withdraws its request sees READY fall, and can ask anew without taking an old READY
 *    for the answer;
 *  - READY that a host's read-modify-write took away comes back;
 *  - after a link loss, when HOST_REQ still stands but no BAR has an address yet, mapping fails for
 *    the time being and is tried again, at growing intervals;
 *  - any other failure to map stands until the next request, since trying again would not help.
 *
 * CTRL is changed by both sides. The function changes single bits with atomic operations, so that
 * over memory that is shared with the host nothing of the host's is lost.
 */
#include "epdma/endpoint/epf.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "epdma/endpoint/epf-private.h"

#define POLL	    (500 * FL_NSEC_PER_MSEC)
#define BACKOFF_MIN (10 * FL_NSEC_PER_MSEC)

const struct fl_epc_header fl_epf_default_header = {
	.vendorid = 0xffff,
	.deviceid = 0xffff,
	.baseclass_code = 0x08,
	.subclass_code = 0x01,
	.interrupt_pin = 1,
};

static void poll_request(struct fl_timer *t);

int fl_epf_new(const struct fl_epf_config *config, struct fl_epf **ret)
{
	struct fl_epf *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->own_header = fl_epf_default_header;
	f->header = config->shared_header ? config->shared_header : &f->own_header;
	f->bars[0] = f->bars[1] = FL_NO_BAR;
	f->request_timer.fn = poll_request;
	*ret = f;
	return 0;
}

void fl_epf_free(struct fl_epf *f)
{
	if (!f)
		return;
	fl_epf_unbind(f);
	free(f);
}

struct fl_epc *fl_epf_epc(const struct fl_epf *f)
{
	return f->epc;
}

unsigned int fl_epf_func(const struct fl_epf *f)
{
	return f->func;
}

/* ---- the words that both sides change ---- */

static uint32_t *word_ptr(const struct fl_epf *f, unsigned int off)
{
	return (uint32_t *)((char *)f->md.ptr + off);
}

static uint32_t read_word(const struct fl_epf *f, unsigned int off)
{
	return le32toh(__atomic_load_n(word_ptr(f, off), __ATOMIC_ACQUIRE));
}

static void change_bits(struct fl_epf *f, unsigned int off, uint32_t clear, uint32_t set)
{
	if (clear)
		__atomic_fetch_and(word_ptr(f, off), htole32(~clear), __ATOMIC_RELEASE);
	if (set)
		__atomic_fetch_or(word_ptr(f, off), htole32(set), __ATOMIC_RELEASE);
}

static bool requested(const struct fl_epf *f)
{
	if (fl_epf_layout(f) == FL_EPMD_B)
		return read_word(f, FL_EPMD_HOST_CTRL) & FL_EPMD_HOST_CTRL_REQ;
	return read_word(f, FL_EPMD_CTRL) & FL_EPMD_CTRL_HOST_REQ;
}

static bool ready(const struct fl_epf *f)
{
	return read_word(f, FL_EPMD_CTRL) & FL_EPMD_CTRL_READY;
}

static void set_ready(struct fl_epf *f, bool on)
{
	change_bits(f, FL_EPMD_CTRL, on ? 0 : FL_EPMD_CTRL_READY, on ? FL_EPMD_CTRL_READY : 0);
	f->exposed = f->exposed || on;
}

static void clear_status(struct fl_epf *f)
{
	if (fl_epf_layout(f) == FL_EPMD_B)
		change_bits(f, FL_EPMD_HOST_CTRL, FL_EPMD_HOST_CTRL_REQ, 0);
	else
		change_bits(f, FL_EPMD_CTRL, FL_EPMD_CTRL_HOST_REQ, 0);
	set_ready(f, false);
}

/* The bits of a word of the block that change while it is shown. */
static uint32_t shared_bits(const struct fl_epf *f, unsigned int off)
{
	if (fl_epf_layout(f) == FL_EPMD_B && off == FL_EPMD_HOST_CTRL)
		return FL_EPMD_HOST_CTRL_REQ;
	if (off != FL_EPMD_CTRL)
		return 0;
	return FL_EPMD_CTRL_READY | (fl_epf_layout(f) == FL_EPMD_A ? FL_EPMD_CTRL_HOST_REQ : 0);
}

/* What a host has overwritten of the block would keep the next one from finding us. */
static void restore_block(struct fl_epf *f)
{
	for (unsigned int off = 0; off < f->md_len; off += 4) {
		uint32_t own = le32toh(f->block[off / 4]), wrong = read_word(f, off) ^ own;

		wrong &= ~shared_bits(f, off);
		if (wrong)
			change_bits(f, off, wrong & ~own, wrong & own);
	}
}

/* ---- the deferred work ---- */

static struct fl_timers *timers(const struct fl_epf *f)
{
	return fl_epc_timers(f->epc);
}

static int map_window(struct fl_epf *f)
{
	struct fl_epc_bar bar = f->win;
	int r;

	if (!f->win.size || f->submaps_programmed)
		return 0;
	bar.submap = f->submaps.v;
	bar.nr_submaps = f->submaps.n;
	r = fl_epc_set_bar(f->epc, f->func, &bar);
	if (r)
		return fl_epf_refuse(&f->last, FL_EPDMA_EPF_SUBMAPS, r, "BAR %d", f->win_bar);
	f->submaps_programmed = true;
	f->last.kind = NULL;
	return 0;
}

/* As posted: what is programmed stays without READY, and after READY nobody looks again. */
static void poll_request_as_posted(struct fl_epf *f)
{
	if (!fl_epc_init_complete(f->epc) || !requested(f)) {
		fl_timer_arm(timers(f), &f->request_timer, POLL);
		return;
	}
	if (f->win.size && f->submaps_programmed)
		return;
	if (map_window(f) == 0)
		set_ready(f, true);
}

static bool window_unassigned(const struct fl_epf *f)
{
	struct fl_epc_bar_info info;

	fl_epc_bar_info(f->epc, f->func, f->win_bar, &info);
	return !info.addr;
}

/* The host's BARs come back some time after the link does. */
static uint64_t retry_delay(struct fl_epf *f)
{
	if (!window_unassigned(f)) {
		f->refused = true;
		return POLL;
	}
	f->backoff = f->backoff ? FL_MIN(f->backoff * 2, (uint64_t)POLL) : BACKOFF_MIN;
	return f->backoff;
}

static uint64_t answer_request(struct fl_epf *f)
{
	if (!fl_epc_init_complete(f->epc) || !fl_epc_link(f->epc))
		return POLL;
	if (!requested(f)) {
		f->refused = false;
		f->backoff = 0;
		if (ready(f))
			set_ready(f, false);
		return POLL;
	}
	if (f->refused)
		return POLL;
	if (map_window(f))
		return retry_delay(f);
	f->backoff = 0;
	if (!ready(f))
		set_ready(f, true);
	return POLL;
}

static void poll_request(struct fl_timer *t)
{
	struct fl_epf *f = FL_CONTAINER_OF(t, struct fl_epf, request_timer);

	if (f->config.seed_compat) {
		poll_request_as_posted(f);
		return;
	}
	restore_block(f);
	fl_timer_arm(timers(f), &f->request_timer, answer_request(f));
}

/* ---- the controller's events ---- */

static int set_up(struct fl_epf *f, bool *metadata, bool *window)
{
	const struct fl_epc_features *features = fl_epc_features(f->epc);
	int r;

	r = fl_epc_write_header(f->epc, f->func, f->header);
	if (r)
		return r;
	r = fl_epc_set_bar(f->epc, f->func, &f->md);
	*metadata = !r;
	if (!r && f->win.size) {
		r = fl_epc_set_bar(f->epc, f->func, &f->win);
		*window = !r;
	}
	if (!r && features->msi_capable && f->vectors[0])
		r = fl_epc_set_msi(f->epc, f->func, f->vectors[0]);
	if (!r && features->msix_capable && f->vectors[1])
		r = fl_epc_set_msix(f->epc, f->func, f->vectors[1], f->md_bar,
				    (uint32_t)f->msix_table);
	return r;
}

static int epc_init(void *ctx)
{
	struct fl_epf *f = ctx;
	bool metadata = false, window = false;
	int r;

	clear_status(f);
	r = set_up(f, &metadata, &window);
	if (!r) {
		fl_timer_arm(timers(f), &f->request_timer, 0);
		return 0;
	}
	if (window)
		fl_epc_clear_bar(f->epc, f->func, f->win_bar);
	if (metadata)
		fl_epc_clear_bar(f->epc, f->func, f->md_bar);
	clear_status(f);
	return fl_epf_refuse(&f->last, FL_EPDMA_EPF_INIT, r, "%u MSI, %u MSI-X vectors",
			     f->vectors[0], f->vectors[1]);
}

static void epc_deinit(void *ctx)
{
	struct fl_epf *f = ctx;

	fl_timer_cancel(timers(f), &f->request_timer);
	clear_status(f);
	if (f->win.size)
		fl_epc_clear_bar(f->epc, f->func, f->win_bar);
	fl_epc_clear_bar(f->epc, f->func, f->md_bar);
	f->submaps_programmed = false;
}

static void link_up(void *ctx)
{
	struct fl_epf *f = ctx;

	f->backoff = 0;
	if (f->config.seed_compat)
		fl_timer_arm(timers(f), &f->request_timer, 0);
	else
		fl_timer_hurry(timers(f), &f->request_timer, 0);
}

/* The mapping is lost without a clear_bar(): the next request, or this one, has to map anew. */
static void link_down(void *ctx)
{
	struct fl_epf *f = ctx;

	fl_timer_cancel(timers(f), &f->request_timer);
	set_ready(f, false);
	f->submaps_programmed = false;
	f->refused = false;
}

/* The posted driver would find out within half a second. */
static void bar_written(void *ctx, unsigned int bar, uint64_t offset, uint64_t len)
{
	struct fl_epf *f = ctx;

	if (f->config.seed_compat || (int)bar != f->md_bar || offset >= f->md_len)
		return;
	fl_timer_hurry(timers(f), &f->request_timer, 0);
}

static const struct fl_epc_event_ops events = {
	.epc_init = epc_init,
	.epc_deinit = epc_deinit,
	.link_up = link_up,
	.link_down = link_down,
	.bar_written = bar_written,
};

/* ---- binding ---- */

static int check_vectors(const struct fl_epf *f, const struct fl_epc_features *features,
			 struct fl_epf_error *e)
{
	bool msi = features->msi_capable && f->vectors[0];
	bool msix = features->msix_capable && f->vectors[1];

	if (!features->msi_capable && !features->msix_capable)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_MSG, 0, "neither is among its features");
	if (!msi && !msix)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_VECTORS, 0,
				     "msi_interrupts %u, msix_interrupts %u", f->vectors[0],
				     f->vectors[1]);
	if (f->config.seed_compat)
		return 0;
	if ((msi && f->vectors[0] > FL_EPF_MAX_MSI) || (msix && f->vectors[1] > FL_EPF_MAX_MSIX))
		return fl_epf_refuse(e, FL_EPDMA_EPF_VECTORS, 0, "at most %d MSI, %d MSI-X",
				     FL_EPF_MAX_MSI, FL_EPF_MAX_MSIX);
	return 0;
}

static int lay_claim(struct fl_epf *f, struct fl_epf_error *e)
{
	const struct fl_epc_features *features = fl_epc_features(f->epc);
	int r;

	if (!features)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_FEATURES, 0, "function %u", f->func);
	r = check_vectors(f, features, e);
	if (!r && !f->config.seed_compat && f->header->vendorid == 0xffff)
		r = fl_epf_refuse(e, FL_EPDMA_EPF_NO_ID, 0, "set vendorid");
	return r ?: fl_epf_collect(f, e) ?: fl_epf_lay_out(f, e);
}

static void give_all_back(struct fl_epf *f)
{
	fl_epf_release(f);
	fl_epf_free_layout(f);
	fl_epc_remove_function(f->epc, f->func);
	f->epc = NULL;
}

int fl_epf_bind(struct fl_epf *f, struct fl_epc *epc, struct fl_epf_error *e)
{
	int r;

	if (f->epc)
		return fl_epf_refuse(e, FL_EPDMA_EPF_BOUND, 0, "function %u", f->func);
	if (!epc)
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_EPC, 0, "nothing to bind to");
	if (fl_epc_add_function(epc, &events, f, &f->func))
		return fl_epf_refuse(e, FL_EPDMA_EPF_NO_FUNCTION, 0, "%u functions",
				     fl_epc_board(epc)->max_functions);
	f->epc = epc;
	f->last = (struct fl_epf_error){};
	f->refused = false;
	f->backoff = 0;
	r = lay_claim(f, e);
	if (!r && fl_epc_pending_init(epc, f->func) && !f->config.seed_compat) {
		if (e)
			*e = f->last;
		r = f->last.err;
	}
	if (r)
		give_all_back(f);
	return r;
}

/*
 * Channels are taken back while the window still shows them, so that a host that is driving one
 * finds it stopped and not gone. The posted driver clears the BARs first.
 */
void fl_epf_unbind(struct fl_epf *f)
{
	if (!f->epc)
		return;
	fl_timer_cancel(timers(f), &f->request_timer);
	if (!f->config.seed_compat)
		fl_epf_release(f);
	if (fl_epc_init_complete(f->epc))
		epc_deinit(f);
	give_all_back(f);
}

#define REG_LAYOUT_DATA 0x15 /* a byte of the block: the map */

int fl_epf_view(const struct fl_epf *f, struct fl_epf_view *ret)
{
	bool legacy = f->ctrl && f->ctrl->ctrl.map == FL_EPDMA_LEGACY;
	int r;

	struct fl_epmd_policy policy = { .layout = fl_epf_layout(f), .seed_compat = true,
					 .bar = UINT8_MAX };
	uint8_t snapshot[FL_EPMD_HDR_LEN_B +
			 _FL_EPDMA_DIR_MAX * FL_EPDMA_MAX_CHANS * FL_EPMD_ENTRY_LEN];

	if (!f->epc)
		return -ENODEV;
	memcpy(snapshot, f->md.ptr, f->md_len);
	*ret = (struct fl_epf_view){
		.metadata_bar = f->md_bar,
		.metadata = &f->md,
		.metadata_len = f->md_len,
		.msix_table = f->msix_table,
		.msix_pba = f->msix_pba,
		.msix_end = f->msix_end,
		.window_bar = f->win.size ? f->win_bar : FL_NO_BAR,
		.window = &f->win,
		.submaps = &f->submaps,
		.exposed = f->exposed,
		.last = f->last,
	};
	for (unsigned int i = 0; i < FL_EPDMA_NR_BARS; i++)
		policy.bar_size[i] = FL_EPMD_BAR_UNKNOWN;
	/* Readers refuse the legacy map, which stands there for those who look at a capability instead. */
	if (legacy)
		snapshot[REG_LAYOUT_DATA] = FL_EPDMA_UNROLL;
	r = fl_epmd_parse(snapshot, f->md_len, &policy, &ret->md, NULL);
	if (r == 0 && legacy)
		ret->md.map = FL_EPDMA_LEGACY;
	return r;
}
