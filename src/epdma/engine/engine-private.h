/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine's files share, and nobody else sees. Calls go one way: engine.c (threads, owners) calls
 * engine-regs.c (registers) and engine-walk.c (lists, bytes), these call engine-irq.c (what channels
 * tell), and all of them engine-queue.c.
 */
#ifndef EPDMA_ENGINE_ENGINE_PRIVATE_H
#define EPDMA_ENGINE_ENGINE_PRIVATE_H

#include <pthread.h>

#include "epdma/engine/engine.h"
#include "epdma/engine/fault.h"
#include "epdma/engine/log.h"

/* Why a channel aborted. What registers can say of it: engine-irq.c. */
enum abort_reason {
	ABORT_NONE,
	ABORT_LL_RANGE,	 /* list pointer outside descriptor memory, or unaligned */
	ABORT_LL_LOOP,	 /* links that lead nowhere */
	ABORT_EP_ADDR = 4, /* endpoint address refused; 3 stood for what is no fault any more */
	ABORT_HOST_ADDR, /* host address that is not mapped, or not so */
	ABORT_POISONED,
	ABORT_IO,	 /* the host did not answer */
	ABORT_NO_MASTER, /* the function may not master the bus */
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
	enum { LIST, SINGLE, SINGLE_DONE } mode; /* without list mode: one element, out of the registers */
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
	bool master; /* atomic: read by slices */
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
	struct fl_engine_refusal refused; /* .what NULL: nothing was */
};

static inline bool is_native(const struct fl_engine *e)
{
	return e->cfg.map == FL_EPDMA_NATIVE;
}

static inline bool is_compat(const struct fl_engine *e)
{
	return e->cfg.map == FL_EPDMA_COMPAT;
}

static inline bool is_legacy(const struct fl_engine *e)
{
	return e->cfg.map == FL_EPDMA_LEGACY;
}

static inline uint32_t *reg(struct fl_engine *e, enum fl_dw_reg r, enum fl_epdma_dir dir,
			    unsigned int ch)
{
	return &e->regs[fl_dw_offset(r, dir, ch) / 4];
}

static inline uint64_t reg64(struct fl_engine *e, enum fl_dw_reg lo, enum fl_epdma_dir dir,
			     unsigned int ch)
{
	return *reg(e, lo, dir, ch) | (uint64_t)*reg(e, lo + 1, dir, ch) << 32;
}

static inline struct chan *chan_at(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	return ch < e->cfg.chans[dir] ? &e->chans[dir][ch] : NULL;
}

/* Bits of v0's status words: done below, abort above. */
#define ABORT_SHIFT 16

/* Native's, and the field that says why. */
enum native_int {
	NATIVE_STOP = 1u << 0,
	NATIVE_WATERMARK = 1u << 1,
	NATIVE_ABORT = 1u << 2,
};
#define NATIVE_ERROR 0x78u

/* engine-queue.c; lock held */
void fl_engine_record(struct fl_engine *e, const struct fl_engine_event *ev);
void fl_engine_record_outside(struct chan *c, enum fl_engine_event_kind kind, uint32_t val);
void fl_engine_enqueue(struct chan *c);
void fl_engine_unqueue(struct chan *c);
/* A worker takes any channel; a caller leaves those that wait for a peer. NULL: none. */
struct chan *fl_engine_dequeue(struct fl_engine *e, bool worker);

/* engine-regs.c; lock held. A channel that a slice works on is reset when that is over: soon. */
void fl_engine_set_reset_values(struct fl_engine *e);
void fl_engine_reset_chan(struct chan *c);
void fl_engine_reset_soon(struct chan *c);
void fl_engine_reset_dir(struct fl_engine *e, enum fl_epdma_dir dir);
bool fl_engine_dir_busy(struct fl_engine *e, enum fl_epdma_dir dir);

/* engine-irq.c; lock held, but for send */
void fl_engine_set_status(struct chan *c, enum fl_dw_chan_status status);
void fl_engine_elem_done(struct chan *c, struct imwr *ret); /* c->slot is through: publish, latch */
void fl_engine_end(struct chan *c, struct imwr *msg);	    /* the list is exhausted */
void fl_engine_abort(struct chan *c, struct imwr *msg);	    /* for c->reason */
void fl_engine_send(struct chan *c, const struct imwr *msg);

/* engine-walk.c: without the engine's lock, at most @slots slots and @bytes bytes. */
enum outcome fl_walk_slice(struct chan *c, unsigned int slots, uint64_t bytes);
/* The piece that OUT_IO was about; 0 or -errno. */
int fl_walk_io(struct chan *c);

#endif
