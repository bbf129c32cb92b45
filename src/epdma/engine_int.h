/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What engine.c (registers, threads) and engine_walk.c (lists, bytes) share, and nobody else sees. */
#ifndef EPDMA_ENGINE_INT_H
#define EPDMA_ENGINE_INT_H

#include <pthread.h>

#include "epdma/engine.h"
#include "epdma/fault.h"
#include "epdma/trace.h"

/* Why a channel aborted. What a register can say of it is err_bits() of engine.c. */
enum abort_reason {
	ABORT_NONE,
	ABORT_LL_RANGE,	 /* list pointer outside descriptor memory, or unaligned */
	ABORT_LL_LOOP,	 /* links that lead nowhere */
	ABORT_NOT_LIST,	 /* started without linked-list mode */
	ABORT_EP_ADDR,	 /* endpoint address refused */
	ABORT_HOST_ADDR, /* host address that is not mapped, or not so */
	ABORT_POISONED,
	ABORT_IO,	 /* the host did not answer */
	_ABORT_MAX,
};

/* How a slice ended. */
enum outcome {
	OUT_MORE,      /* budget used up */
	OUT_EVENT,     /* an element is through that has to be told of */
	OUT_EXHAUSTED, /* the next slot is not this lap's */
	OUT_ABORT,
	OUT_STOPPED,   /* somebody asked for it */
	OUT_IO,	       /* the next piece is reached by functions: to be done without locks */
	OUT_LINK_LOST, /* the fault */
};

struct chan {
	struct fl_engine *e;
	enum fl_epdma_dir dir;
	unsigned int hw;

	/* under the engine's lock */
	bool owned, poisoned;
	enum fl_dw_chan_status status;
	bool busy;	    /* a slice walks */
	bool queued;
	bool rung;	    /* doorbell while a slice ran */
	bool reset_pending; /* once the slice is over */
	bool worker_only;   /* waits for a peer: not for fl_engine_run() */
	struct chan *next;  /* in the queue */

	/* read anywhere, written under the lock or by the slice */
	uint64_t llp; /* atomic */
	bool stop;    /* atomic: leave at the next pause point */

	/* the slice's */
	bool ccs; /* atomic: shown by registers */
	bool in_elem;
	struct fl_dw_slot slot;
	uint32_t moved;
	unsigned int links_idle; /* links since the last byte */
	bool after_link;
	enum abort_reason reason;
	bool skip; /* replay: elements move nothing */
	size_t hint_ll, hint[2]; /* [0] endpoint, [1] host */
	uint8_t *bounce;
	struct fl_engine_stats delta; /* of this slice */
};

#define BOUNCE_SIZE 65536u

struct fl_engine {
	struct fl_engine_config cfg;
	pthread_mutex_t lock;
	pthread_cond_t work; /* the queue has something, or quit */
	pthread_cond_t idle; /* a slice ended */
	struct chan *chans[2];
	uint32_t *regs; /* the window, word by word */
	struct fl_dw_place *places; /* what each word is */
	uint32_t nr_words;
	struct chan *head, **tail;
	bool lazy, quit, frozen;
	pthread_t *threads;
	unsigned int nr_threads, sleeping;
	unsigned int telling; /* threads inside a callback behind a slice */
	struct fl_engine_stats stats;
};

/* A message that a latched event asks for; sent when the lock is gone. */
struct imwr {
	bool send, pin, abort;
	uint64_t addr;
	uint32_t data;
};

/* engine_walk.c: without the engine's lock, at most @slots slots and @bytes bytes. */
enum outcome fl_walk_slice(struct chan *c, unsigned int slots, uint64_t bytes);
/* The piece that OUT_IO was about; 0 or -errno. */
int fl_walk_io(struct chan *c);

/* engine.c: the element in c->slot is through: publish, record, latch. Lock held. */
void fl_engine_elem_done(struct chan *c, struct imwr *ret);

#endif
