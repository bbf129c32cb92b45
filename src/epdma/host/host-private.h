/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What host.c (finding and programming the device) and host-chan.c (lists) share. */
#ifndef EPDMA_HOST_HOST_PRIVATE_H
#define EPDMA_HOST_HOST_PRIVATE_H

#include "epdma/host/host.h"

/*
 * The list of a channel is a ring of @ring data slots with a fixed link behind them. Slots are
 * counted from the start of the channel on and never wrap: slot n lies at n % ring, and lap n / ring
 * is live with cycle bit 1 where it is even.
 */
struct fl_host_chan {
	struct fl_host *h;
	enum fl_epdma_dir dir;
	unsigned int hw, vector;
	struct fl_epmd_window desc;
	uint8_t *map; /* of the window, NULL: only by 32-bit accesses */
	uint32_t ring;
	uint64_t head, tail; /* slots written, slots that the engine is through with */
	bool started;
	bool stale; /* needs a fresh start: after an abort, a lost link, terminate */
	bool lost;  /* and the device as a whole with it: after a lost link */
	struct fl_host_tx *first, **last; /* all that are not finished */
	struct fl_host_tx *fill; /* the one whose segments are put onto the list next */
	struct fl_host_tx *unissued; /* from here on: submitted, not issued */
	uint64_t progress_ns; /* when something moved last */
};

struct fl_host {
	struct fl_bus *bus;
	struct fl_host_config cfg;
	struct fl_epmd md;
	unsigned int md_bar;
	struct fl_bus_msi msi;
	struct fl_host_chan chans[2 * FL_EPDMA_MAX_CHANS];
	unsigned int nr_chans;
};

int fl_host_reg_read(struct fl_host *h, enum fl_dw_reg reg, enum fl_epdma_dir dir, unsigned int ch,
		     unsigned int index, uint32_t *ret);
int fl_host_reg_write(struct fl_host *h, enum fl_dw_reg reg, enum fl_epdma_dir dir,
		      unsigned int ch, unsigned int index, uint32_t val);
/* The same, and the question what @ask reads behind it, for the next who reads that. */
struct fl_host_reg {
	enum fl_dw_reg reg;
	enum fl_epdma_dir dir;
	unsigned int ch;
};
int fl_host_reg_write_ask(struct fl_host *h, const struct fl_host_reg *to, uint32_t val, const struct fl_host_reg *ask);
int fl_host_chan_init(struct fl_host_chan *c);
int fl_host_program_irqs(struct fl_host *h);
int fl_host_recover(struct fl_host *h);

static inline bool fl_host_native(const struct fl_host *h)
{
	return h->md.map == FL_EPDMA_NATIVE;
}

#endif
