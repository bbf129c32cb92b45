/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host driver of an endpoint DMA function, over any bus: finds the metadata, asks for the final
 * layout, waits a bounded time for READY, parses, programs interrupts, and hands out channels. What
 * programs see of it is <foreland/dmaengine.h>; this is what stands behind that.
 *
 * Threads: none is made. One caller at a time, which dmaengine.c sees to.
 */
#ifndef EPDMA_HOST_HOST_H
#define EPDMA_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <foreland/epdma.h>

#include "epdma/host/bus.h"
#include "epdma/regs/dw-regs.h"

struct fl_host;
struct fl_host_chan;

struct fl_host_config {
	bool seed_compat;
	bool polled;		     /* ask for no interrupts */
	enum fl_epmd_layout layout;  /* that is accepted; AUTO: either */
	unsigned int ready_ms;	     /* 0: 2000, as the driver as posted */
	unsigned int vectors;	     /* to ask for; 0: one a channel */
	unsigned int stall_ms;	     /* without progress: look after it; 0: 1000 */
};

/* What went wrong where, in one line for people. */
struct fl_host_error {
	char text[192];
};

/*
 * -ENODEV: no BAR has metadata, or the device is gone; -ETIMEDOUT: READY never came (the request is
 * withdrawn); -EPERM: no vector; -EINVAL, -EOPNOTSUPP: as fl_epmd_parse(). @bus is borrowed.
 */
int fl_host_probe(struct fl_bus *bus, const struct fl_host_config *config, struct fl_host **ret,
		  struct fl_host_error *err);
/* Stops the channels and withdraws the request. */
void fl_host_remove(struct fl_host *h);

const struct fl_epmd *fl_host_metadata(const struct fl_host *h);
unsigned int fl_host_metadata_bar(const struct fl_host *h);
struct fl_bus *fl_host_bus(struct fl_host *h);
unsigned int fl_host_vectors(const struct fl_host *h);
/* NULL: no such channel. Their order: write channels, then read channels. */
struct fl_host_chan *fl_host_chan(struct fl_host *h, enum fl_epdma_dir dir, unsigned int i);
unsigned int fl_host_nr_chans(const struct fl_host *h);
struct fl_host_chan *fl_host_chan_at(struct fl_host *h, unsigned int i);

/* 0 while READY stands; -ENOLINK: it fell; -ENODEV: all ones. */
int fl_host_alive(struct fl_host *h);

/* One piece of a transfer, both addresses as the engine sees them. */
struct fl_host_seg {
	uint64_t src, dst;
	uint32_t len;
};

enum fl_host_tx_state {
	FL_TX_PREPARED,
	FL_TX_QUEUED, /* submitted, and perhaps running */
	FL_TX_DONE,
	FL_TX_FAILED,
};

/* A transfer. The channel refers to it from submit on until its state is DONE or FAILED. */
struct fl_host_tx {
	struct fl_host_seg *segs;
	uint32_t nr_segs;
	uint64_t bytes;
	/* the channel's */
	struct fl_host_tx *next;
	enum fl_host_tx_state state;
	int error; /* of a failed one: -EIO aborted, -ENOLINK, -ENODEV, -ETIMEDOUT, -ECANCELED */
	uint32_t queued; /* segments that were put onto the list */
	uint64_t first_slot; /* of its first segment, counted since the channel was started */
	bool stood;	 /* first_slot is valid */
	void *user;
	void (*done)(struct fl_host_tx *tx);
};

enum fl_epdma_dir fl_host_chan_dir(const struct fl_host_chan *c);
unsigned int fl_host_chan_index(const struct fl_host_chan *c);
/* Elements that its list holds at once. */
unsigned int fl_host_chan_slots(const struct fl_host_chan *c);
bool fl_host_chan_busy(const struct fl_host_chan *c);

void fl_host_submit(struct fl_host_chan *c, struct fl_host_tx *tx); /* queued, not started */
int fl_host_issue(struct fl_host_chan *c);			    /* starts what was queued */
/*
 * Looks how far the engine is: finishes transfers (calls ->done), refills the list, and after a stall
 * finds out why. > 0: something moved; 0: nothing; or -errno of the device as a whole.
 */
int fl_host_poll(struct fl_host_chan *c);
/* The same, and finds out at once why nothing moves: a message came that brought no progress. */
int fl_host_look(struct fl_host_chan *c);
/* Takes back the done bit that a message was about; before looking. */
int fl_host_clear_irq(struct fl_host_chan *c);
uint64_t fl_host_residue(const struct fl_host_chan *c, const struct fl_host_tx *tx);
/* Stops; everything that was queued fails with -ECANCELED. */
int fl_host_terminate(struct fl_host_chan *c);

/* The transfer that @match() says yes to, among those that are not finished; or NULL. */
const struct fl_host_tx *fl_host_find(const struct fl_host_chan *c,
				      bool (*match)(const struct fl_host_tx *tx, const void *arg),
				      const void *arg);
/* Channels that a message on @vector may be about, as bits in the order of fl_host_chan_at(). */
uint32_t fl_host_vector_chans(const struct fl_host *h, unsigned int vector);

#endif
