/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An endpoint controller without the silicon. It has functions 0 to 7, each with a configuration
 * space (header, MSI, MSI-X, PCI Express capability) that a host reads and writes, and BARs behind
 * which an inbound mapping, flat or in submaps, leads to addresses of the endpoint.
 *
 * Two sides use it. An endpoint function calls what Linux's pci_epc_*() offers, with the same errnos
 * (research source: drivers/pci/endpoint, DesignWare backend). A host, or whatever carries one,
 * accesses configuration space and resolves BAR offsets; it moves no bytes here, since memory and
 * registers belong to the owner of the address that comes out.
 *
 * Events (link, init, memory behind a BAR written) are delivered at once, in the caller's context;
 * deferred work runs from fl_epc_run() against the injected clock. One thread at a time.
 */
#ifndef EPDMA_ENDPOINT_EPC_H
#define EPDMA_ENDPOINT_EPC_H

#include "epdma/endpoint/board.h"
#include "epdma/endpoint/timer.h"
#include "epdma/endpoint/config.h"
#include "epdma/endpoint/epc-mem.h"

#define FL_EPC_MAX_FUNCTIONS 8
#define FL_NO_BAR	     (-1)

struct fl_epc;

/* ---- auxiliary resources: what the controller's DMA engine consists of ---- */

enum fl_epc_aux_type {
	FL_AUX_DOORBELL_MMIO,
	FL_AUX_DMA_CTRL_MMIO,
	FL_AUX_DMA_CHAN,
	FL_AUX_DMA_DESC_MEM,
};

enum fl_epc_reg_layout {
	FL_AUX_LAYOUT_UNKNOWN,
	FL_AUX_LAYOUT_DW_EDMA,
};

struct fl_epc_aux {
	enum fl_epc_aux_type type;
	uint64_t phys, size;
	int bar; /* FL_NO_BAR: the host cannot see it by itself */
	uint64_t bar_offset;
	union {
		struct {
			enum fl_epc_reg_layout reg_layout;
			uint32_t map; /* enum fl_epdma_map */
			uint16_t chans[_FL_EPDMA_DIR_MAX];
		} ctrl;
		struct {
			unsigned int dir; /* enum fl_epdma_dir */
			uint16_t hw_ch;
			uint16_t desc_id;
		} chan;
		struct {
			uint16_t id;
		} desc;
	};
};

/* ---- what the controller needs from others ---- */

/*
 * The DMA engine. aux() fills @aux and returns how many there are; with @n too small it fills @n of
 * them (so aux(ctx, NULL, 0) counts). delegate() hands a channel to the host; reclaim() takes it
 * back, stopped where @quiesce, and returns non-zero where the hardware would not stop: the channel
 * then stays unusable. link_down() is told before the functions are.
 * Any member may be NULL (-EOPNOTSUPP).
 */
struct fl_epc_engine_ops {
	int (*aux)(void *ctx, struct fl_epc_aux *aux, size_t n);
	int (*delegate)(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, unsigned int func);
	int (*reclaim)(void *ctx, enum fl_epdma_dir dir, unsigned int hw_ch, bool quiesce);
	void (*link_down)(void *ctx);
};

/* An endpoint function's side of the events: Linux's struct pci_epc_event_ops. */
struct fl_epc_event_ops {
	int (*epc_init)(void *ctx);
	void (*epc_deinit)(void *ctx);
	void (*link_up)(void *ctx);
	void (*link_down)(void *ctx);
	void (*bus_master)(void *ctx);
	/* The host wrote [offset, offset + len) of memory that this function's BAR @bar shows. */
	void (*bar_written)(void *ctx, unsigned int bar, uint64_t offset, uint64_t len);
};

/* @seed_compat: see --seed-compat. @mem NULL: memory of this process, addresses within the board's. */
struct fl_epc_config {
	const struct fl_board *board;
	const struct fl_clocksource *clock;
	const struct fl_epc_mem_ops *mem;
	void *mem_ctx;
	bool seed_compat;
	bool no_features; /* fl_epc_features() gives NULL, for tests of what asks */
};

int fl_epc_new(const struct fl_epc_config *config, struct fl_epc **ret);
void fl_epc_free(struct fl_epc *epc); /* NULL is allowed; functions must have been removed */

const struct fl_board *fl_epc_board(const struct fl_epc *epc);
struct fl_timers *fl_epc_timers(struct fl_epc *epc);
/* The controller's own memory (@mem NULL) at an address of the endpoint; NULL: there is none. */
void *fl_epc_bar_memory(struct fl_epc *epc, uint64_t phys, uint64_t *ret_run);

/* NULL @ops: the board's engine as data alone (resources and delegation, no registers behind it). */
void fl_epc_set_engine(struct fl_epc *epc, const struct fl_epc_engine_ops *ops, void *ctx);

/* ---- the event loop's side ---- */

void fl_epc_run(struct fl_epc *epc);		     /* what is due now */
uint64_t fl_epc_next(const struct fl_epc *epc);	     /* when to call again, or FL_NEVER */

int fl_epc_start(struct fl_epc *epc); /* -EALREADY */
int fl_epc_stop(struct fl_epc *epc);  /* -EALREADY */
bool fl_epc_started(const struct fl_epc *epc);
bool fl_epc_init_complete(const struct fl_epc *epc);

/*
 * The events by hand. A controller starts out with its initialisation complete. Link events reach
 * functions only where the board has a notifier, or without @seed_compat.
 */
void fl_epc_init_notify(struct fl_epc *epc);
void fl_epc_deinit_notify(struct fl_epc *epc);
void fl_epc_link_up(struct fl_epc *epc);
/* Also what a reset of the link undoes: BAR addresses, command register, message enables. */
void fl_epc_link_down(struct fl_epc *epc);
bool fl_epc_link(const struct fl_epc *epc);

/* ---- the endpoint function's side: errnos as in Linux ---- */

struct fl_epc_submap {
	uint64_t phys, size;
};

/* One BAR as a function sets it up: Linux's struct pci_epf_bar. */
struct fl_epc_bar {
	int bar;
	uint32_t flags;
	uint64_t size; /* what the host sees */
	uint64_t phys; /* of its memory */
	void *ptr;
	uint64_t mem_size; /* size rounded to the controller's alignment: what was allocated */
	const struct fl_epc_submap *submap; /* borrowed while the BAR is set */
	unsigned int nr_submaps;
};

const struct fl_epc_features *fl_epc_features(const struct fl_epc *epc);

/* The lowest free function number is given; -EINVAL: all are taken. */
int fl_epc_add_function(struct fl_epc *epc, const struct fl_epc_event_ops *ops, void *ctx,
			unsigned int *ret_func);
void fl_epc_remove_function(struct fl_epc *epc, unsigned int func);
/* Once the function is bound: the epc_init that it missed, if the controller is through with it. */
int fl_epc_pending_init(struct fl_epc *epc, unsigned int func);

int fl_epc_next_free_bar(const struct fl_epc_features *f, int start);
/* What the host will see of a BAR that is to hold @want bytes. -EINVAL: it cannot be made. */
int fl_epc_bar_size(const struct fl_epc_features *f, int bar, uint64_t want, uint64_t *ret);
/* -EINVAL: BAR type or size; -ENOMEM. Fills all of @ret but the submaps. */
int fl_epc_alloc_space(struct fl_epc *epc, int bar, uint64_t size, struct fl_epc_bar *ret);
void fl_epc_free_space(struct fl_epc *epc, struct fl_epc_bar *bar);

int fl_epc_write_header(struct fl_epc *epc, unsigned int func, const struct fl_epc_header *h);
int fl_epc_set_bar(struct fl_epc *epc, unsigned int func, const struct fl_epc_bar *bar);
void fl_epc_clear_bar(struct fl_epc *epc, unsigned int func, int bar);
int fl_epc_set_msi(struct fl_epc *epc, unsigned int func, unsigned int nr);
int fl_epc_set_msix(struct fl_epc *epc, unsigned int func, unsigned int nr, int bar,
		    uint32_t offset);

/* What the board's engine consists of, for an engine's own aux(); conventions as there. */
int fl_epc_board_aux(struct fl_epc *epc, struct fl_epc_aux *aux, size_t n);
int fl_epc_aux_count(struct fl_epc *epc, unsigned int func);
int fl_epc_aux_get(struct fl_epc *epc, unsigned int func, struct fl_epc_aux *aux, size_t n);

/* @ret_handle names the delegation; reclaiming it always ends it. */
int fl_epc_delegate(struct fl_epc *epc, unsigned int func, unsigned int dir, unsigned int hw_ch,
		    unsigned int *ret_handle);
void fl_epc_reclaim(struct fl_epc *epc, unsigned int handle, bool quiesce);
/* Who holds a channel: 'f'ree, 'l'ocal, 'h'ost, or 'p'oisoned (would not stop). */
char fl_epc_chan_owner(const struct fl_epc *epc, enum fl_epdma_dir dir, unsigned int hw_ch);
/* For a client on the endpoint itself. -EBUSY. */
int fl_epc_claim_local(struct fl_epc *epc, enum fl_epdma_dir dir, unsigned int hw_ch);

/* ---- the host's side ---- */

/* Reads past the end, of absent functions, or with a size other than 1, 2 or 4 give all ones. */
uint32_t fl_epc_cfg_read(const struct fl_epc *epc, unsigned int func, uint32_t off,
			 unsigned int size);
void fl_epc_cfg_write(struct fl_epc *epc, unsigned int func, uint32_t off, unsigned int size,
		      uint32_t val);
/* COMMAND and the power state: whether BARs answer, and whether the function may master the bus. */
bool fl_epc_memory_on(const struct fl_epc *epc, unsigned int func);
bool fl_epc_master_on(const struct fl_epc *epc, unsigned int func);

struct fl_epc_bar_info {
	uint64_t size; /* 0: not set up */
	uint32_t flags;
	uint64_t addr; /* what the host wrote; 0: unassigned */
};

void fl_epc_bar_info(const struct fl_epc *epc, unsigned int func, int bar,
		     struct fl_epc_bar_info *ret);

/*
 * Where byte @off of a BAR leads: @ret_phys on the endpoint, and @ret_run bytes from there on that
 * lie in one piece. -ENXIO: nothing is there (the access reads all ones and writes are lost).
 */
int fl_epc_bar_resolve(const struct fl_epc *epc, unsigned int func, int bar, uint64_t off,
		       uint64_t *ret_phys, uint64_t *ret_run);

/* Tells the function that a host store through a BAR hit memory (see bar_written). */
void fl_epc_bar_written(struct fl_epc *epc, unsigned int func, int bar, uint64_t off, uint64_t len);

/* The vector that a write of @data to @addr means by the MSI capability's registers. -ENOENT. */
int fl_epc_msi_match(const struct fl_epc *epc, unsigned int func, uint64_t addr, uint32_t data,
		     unsigned int *ret_vector);

/*
 * What firmware does: sizes the BARs, assigns addresses from @base up, enables memory and bus
 * mastering. Returns the first address behind the last BAR.
 */
uint64_t fl_epc_enumerate(struct fl_epc *epc, unsigned int func, uint64_t base);

#endif
