// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/endpoint/handshake.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/util.h"

static void write_request(struct fl_epf *f, const struct fl_epf_view *v, bool on)
{
	bool b = v->md.layout == FL_EPMD_B;
	unsigned int off = b ? FL_EPMD_HOST_CTRL : FL_EPMD_CTRL;
	uint32_t bit = b ? FL_EPMD_HOST_CTRL_REQ : FL_EPMD_CTRL_HOST_REQ;
	uint8_t *word = (uint8_t *)v->metadata->ptr + off;

	fl_put_le32(word, (fl_get_le32(word) & ~bit) | (on ? bit : 0));
	fl_epc_bar_written(fl_epf_epc(f), fl_epf_func(f), v->metadata_bar, off, 4);
}

void fl_handshake_withdraw(struct fl_epf *f)
{
	struct fl_epf_view v;

	if (fl_epf_view(f, &v) == 0)
		write_request(f, &v, false);
}

/* Runs the controller's next work, if it is due within @limit. */
static bool advance(struct fl_epc *epc, struct fl_clocksource_manual *clock, uint64_t limit)
{
	if (fl_epc_next(epc) > limit)
		return false;
	clock->t = FL_MAX(clock->t, fl_epc_next(epc));
	fl_epc_run(epc);
	return true;
}

void fl_handshake_await_fall(struct fl_epf *f, struct fl_clocksource_manual *clock)
{
	uint64_t limit = clock->t + 2 * FL_NSEC_PER_SEC;
	struct fl_epf_view v;

	while (fl_epf_view(f, &v) == 0 && v.md.ready && !v.md.host_req)
		if (!advance(fl_epf_epc(f), clock, limit))
			return;
}

int fl_handshake_request(struct fl_epf *f, struct fl_clocksource_manual *clock)
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

int fl_handshake_run(struct fl_epf *f, struct fl_clocksource_manual *clock)
{
	struct fl_epc *epc = fl_epf_epc(f);

	if (!epc)
		return -ENODEV;
	fl_epc_link_up(epc);
	fl_epc_enumerate(epc, fl_epf_func(f), 0x80000000);
	return fl_handshake_request(f, clock);
}
