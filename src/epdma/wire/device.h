/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An endpoint as its host sees it: configuration space, BARs, message interrupts and the host's memory
 * around one controller with its engine. This is what transports drive (vfio-user, QEMU's remote
 * protocol, the loopback bus); they add a wire and nothing else.
 *
 * Threads: any function from any thread; the controller and its functions run under the device's lock.
 * The interrupt sink is called from engine workers, without the lock.
 */
#ifndef EPDMA_WIRE_DEVICE_H
#define EPDMA_WIRE_DEVICE_H

#include "epdma/endpoint/epc.h"
#include "epdma/endpoint/epf.h"
#include "epdma/endpoint/setup.h"
#include "epdma/engine/engine.h"
#include "epdma/engine/fault.h"

struct fl_device;

struct fl_device_config {
	const struct fl_board *board;
	const struct fl_clocksource *clock; /* NULL: CLOCK_MONOTONIC */
	unsigned int threads;	      /* that move bytes */
	bool seed_compat;
	bool trusted;
	struct fl_engine_log *log; /* borrowed, may be NULL */
	struct fl_fault fault;
	/* An address was refused; may be NULL. Called by the thread that moves bytes. */
	void (*refused)(void *ctx, const struct fl_engine_refusal *r);
	void *ctx;
};

int fl_device_new(const struct fl_device_config *config, struct fl_device **ret);
void fl_device_free(struct fl_device *d);

/*
 * Makes the endpoint function that @o describes (its board and clock were decided already), binds it
 * and starts the controller: the link is up when this returns.
 */
int fl_device_start(struct fl_device *d, const struct fl_setup_options *o,
		    struct fl_epf_error *err);
/* The same for a function that was bound by other means (configfs) to fl_device_epc(). Borrowed. */
int fl_device_adopt(struct fl_device *d, struct fl_epf *f);
/* The adopted function goes, and no host is there any more. With the device's lock held. */
void fl_device_forget(struct fl_device *d);

struct fl_epc *fl_device_epc(struct fl_device *d);
struct fl_engine *fl_device_engine(struct fl_device *d);
struct fl_mem *fl_device_host_mem(struct fl_device *d);
struct fl_mem *fl_device_ep_mem(struct fl_device *d);
const struct fl_board *fl_device_board(const struct fl_device *d);
/* For callers into the controller or the function from outside. */
void fl_device_lock(struct fl_device *d);
void fl_device_unlock(struct fl_device *d);

/* ---- the host's side ---- */

/* Any range of configuration space; past its end reads give all ones. */
void fl_device_cfg_read(struct fl_device *d, uint32_t off, void *buf, size_t n);
void fl_device_cfg_write(struct fl_device *d, uint32_t off, const void *buf, size_t n);

uint64_t fl_device_bar_size(struct fl_device *d, unsigned int bar);
/*
 * Registers take aligned words only (longer accesses are split, lower word first). What reaches
 * nothing reads as all ones and is dropped when written, as on a bus.
 */
void fl_device_bar_read(struct fl_device *d, unsigned int bar, uint64_t off, void *buf, size_t n);
void fl_device_bar_write(struct fl_device *d, unsigned int bar, uint64_t off, const void *buf,
			 size_t n);

/* Bytes of a BAR that may be mapped: they lie in @fd at @fd_offset. */
struct fl_device_area {
	uint64_t offset, size;
	int fd;
	uint64_t fd_offset;
};

/* At most @n areas; how many there are. Only descriptor memory is ever offered. */
unsigned int fl_device_areas(struct fl_device *d, unsigned int bar, struct fl_device_area *areas,
			     unsigned int n);

unsigned int fl_device_msi_vectors(struct fl_device *d);
unsigned int fl_device_msix_vectors(struct fl_device *d);

/* A message of the engine. @vector -1: which one, the host alone knows; it is about this channel. */
struct fl_device_message {
	int vector;
	enum fl_epdma_dir dir;
	unsigned int chan;
	uint8_t n[2]; /* channels that are handed over, by direction */
};

typedef void (*fl_device_irq_fn)(void *ctx, const struct fl_device_message *m);
/* NULL: none. After it returns the old sink is not called any more. */
void fl_device_set_sink(struct fl_device *d, fl_device_irq_fn fn, void *ctx);

/*
 * Where a peer's interrupts go. Only eventfds are taken (-> false), and signalling one never waits: what
 * else could be written to may make us wait, and nobody shall.
 */
bool fl_device_is_eventfd(int fd);
void fl_device_signal(int fd); /* -1: nobody */

/* As a function-level reset: registers, enables and BAR addresses go back to their start. */
void fl_device_reset(struct fl_device *d);
/* The host is gone: its memory is forgotten, and what moved stops. Registers stay. */
void fl_device_host_gone(struct fl_device *d);

/* Runs what is due; returns in how many milliseconds to come again (at most 500). */
unsigned int fl_device_tick(struct fl_device *d);
/* Moves bytes for the doorbells that were just rung; see fl_engine_run(). */
void fl_device_pump(struct fl_device *d);

/* By hand; the link-loss fault does the same and brings the link up again after 200 ms. */
void fl_device_link(struct fl_device *d, bool up);

#endif
