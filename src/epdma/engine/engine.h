/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DesignWare engine itself: a register file, a linked-list walker for each channel, and threads
 * that move the bytes between endpoint memory and host memory. It knows nothing of BARs, PCI or
 * transports: registers are 32-bit words at an offset, memory is two struct fl_mem, and a message
 * interrupt is a function that is told address and data.
 *
 * Threads: any function may be called from any thread. Callbacks are made without a lock held, from
 * a worker or from the thread that is inside fl_engine_write(), fl_engine_run() or fl_engine_step();
 * they may read registers but not stop, reset or free the engine.
 */
#ifndef EPDMA_ENGINE_ENGINE_H
#define EPDMA_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "epdma/mem/mem.h"
#include "epdma/regs/dw-regs.h"

struct fl_engine;
struct fl_engine_log;
struct fl_fault;

/* An element, or a list, that reached for what it may not. */
struct fl_engine_refusal {
	enum fl_epdma_dir dir;
	unsigned int chan;
	const char *what; /* "endpoint address", "host address", "list pointer" */
	uint64_t addr;
	uint32_t size; /* bytes that were still to move; 0: a list pointer */
};

struct fl_engine_ops {
	/* A remote write of 4 bytes: a message interrupt, or a word of host memory. @chan: whose, write
	 * channels first. */
	void (*imwr)(void *ctx, uint64_t addr, uint32_t data, unsigned int chan);
	/* The local interrupt pin; may be NULL. */
	void (*pin)(void *ctx, enum fl_epdma_dir dir, unsigned int chan, bool abort);
	/* The channel was aborted for it; may be NULL. */
	void (*refused)(void *ctx, const struct fl_engine_refusal *r);
	/* The link-loss fault struck; may be NULL. Called from the thread that moves bytes. */
	void (*link_lost)(void *ctx);
};

struct fl_engine_config {
	enum fl_epdma_map map;
	unsigned int chans[2]; /* hardware channels by direction */
	unsigned int threads;  /* 0: nothing moves but in fl_engine_run() and fl_engine_step() */
	bool trusted;	       /* any endpoint memory, not the allow-list alone */
	struct fl_mem *ep, *host; /* borrowed */
	const struct fl_engine_ops *ops;
	void *ctx;
	struct fl_engine_log *log; /* borrowed, may be NULL */
	struct fl_fault *fault; /* borrowed, may be NULL */
};

/* -EINVAL: a map or a count that there is not; -ENOMEM, -EAGAIN (no thread). */
int fl_engine_new(const struct fl_engine_config *config, struct fl_engine **ret);
/* Workers end, and call no more; registers and channels can still be spoken to. NULL ok */
void fl_engine_stop(struct fl_engine *e);
void fl_engine_free(struct fl_engine *e); /* stops everything first; NULL ok */

/*
 * The host's view of the register window. An offset that is not a multiple of 4, or where nothing
 * lies, or of a channel that was not delegated: reads as 0, writes do nothing; both are counted.
 */
uint32_t fl_engine_read(struct fl_engine *e, uint32_t off);
void fl_engine_write(struct fl_engine *e, uint32_t off, uint32_t val);

/*
 * Whether the function may master the bus (COMMAND's bit); true at first. Without it no byte moves to or
 * from the host, an element that would is an abort, and messages are dropped: as on silicon.
 */
void fl_engine_set_master(struct fl_engine *e, bool on);
/* For the log alone: somebody reached for @bar at @off while nobody answers there. */
void fl_engine_note_blocked(struct fl_engine *e, unsigned int bar, uint64_t off, bool write);

/*
 * Ownership. fl_engine_claim() reserves a channel for the host: -ENODEV no such direction, -EINVAL no
 * such channel, -EBUSY taken. fl_engine_release() gives it back; with @quiesce it is stopped first
 * (v0: its whole direction), and -ETIMEDOUT tells that it would not: it then stays taken for good.
 */
int fl_engine_claim(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int chan);
int fl_engine_release(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int chan, bool quiesce);

/* Every channel stops where it is; registers go back to their reset values. Waits for the workers. */
void fl_engine_reset(struct fl_engine *e);

/*
 * Moves bytes in the calling thread until no channel has work or @slices are used up; true: there is
 * more. Channels whose host memory is reached by functions are left to the workers.
 *
 * With fl_engine_lazy(e, true) a doorbell wakes no worker: the caller promises to come by with
 * fl_engine_run() and to pass on what is left with fl_engine_kick(). A transport's thread, which has
 * the list in its cache, saves a wake-up a doorbell that way.
 */
bool fl_engine_run(struct fl_engine *e, unsigned int slices);
void fl_engine_lazy(struct fl_engine *e, bool lazy);
void fl_engine_kick(struct fl_engine *e);

/*
 * Waits until every slice and callback that runs now is over. After host memory was taken away: until
 * nobody uses it any more.
 */
void fl_engine_drain(struct fl_engine *e);

/* One slot of one channel; for replay. -EAGAIN: the channel has nothing to do. */
int fl_engine_step(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int chan);
/* Replay only: the same, but a data element is over without its bytes being looked at. */
int fl_engine_skip(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int chan);
/* Replay only: the abort that was recorded, for @reason, with the slot that it was about. */
struct fl_dw_slot;
void fl_engine_force_abort(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int chan,
			   unsigned int reason, const struct fl_dw_slot *slot);

struct fl_engine_stats {
	uint64_t elements, links, bytes;
	uint64_t doorbells, doorbells_lost;
	uint64_t imwrs;
	uint64_t aborts;
	uint64_t refused_regs;	/* register accesses that reached nothing */
	uint64_t refused_addrs; /* elements that the allow-list or the memory map stopped */
};
void fl_engine_stats(struct fl_engine *e, struct fl_engine_stats *ret);

const char *fl_engine_abort_name(unsigned int reason); /* "list fetch", "host address", ... */

#endif
