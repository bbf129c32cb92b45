/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels of a PCI endpoint's DMA engine, for programs on the host, in the words of the kernel's
 * DMAengine client API (Documentation/driver-api/dmaengine/client.rst): request a channel, configure
 * it, prepare descriptors, submit, issue pending, ask for the status, terminate.
 *
 *	struct fl_dma_device *dev;
 *	struct fl_dma_chan *chan;
 *	struct fl_dma_async_tx *tx;
 *	fl_dma_cookie_t cookie;
 *	fl_dma_addr_t addr;
 *	void *buf;
 *
 *	fl_dma_device_open("vfio-user:/run/ep.sock", NULL, &dev, NULL);
 *	fl_dma_request_chan(dev, FL_DMA_DEV_TO_MEM, -1, &chan);
 *	buf = fl_dma_alloc_coherent(dev, 4096, &addr);
 *	fl_dmaengine_slave_config(chan, &(struct fl_dma_slave_config){ .src_addr = 0x40000000 });
 *	fl_dmaengine_prep_slave_single(chan, addr, 4096, &tx);
 *	cookie = fl_dmaengine_submit(tx);
 *	fl_dma_async_issue_pending(chan);
 *	fl_dma_sync_wait(chan, cookie, 1000);
 *
 * The direction is the host's view, as in the kernel: DEV_TO_MEM reads endpoint memory into host memory
 * over a write channel of the engine.
 *
 * Threads: every function may be called from any thread; a device has one lock. No thread is made:
 * completions are noticed, and callbacks called, inside fl_dma_sync_wait(), fl_dmaengine_tx_status()
 * and fl_dma_process(). Callbacks of a device run one at a time, in the order in which descriptors were
 * finished, in any of the threads that are inside these functions. A callback may prepare, submit and
 * issue, and may not wait, terminate or close.
 *
 * Every function that returns int returns 0 or a negative errno unless said otherwise. -ENODEV: the
 * device does not answer (its registers read as all ones, or the peer closed). -ENOLINK: it does, and
 * has lost what it knew: the link fell and came back. Descriptors that were under way fail with these;
 * a later issue starts anew, and waits for READY as long as opening does.
 */
#ifndef FORELAND_DMAENGINE_H
#define FORELAND_DMAENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FL_DMA_API __attribute__((visibility("default")))

struct fl_dma_device;
struct fl_dma_chan;
struct fl_dma_async_tx;

/** typedef fl_dma_addr_t - an address as the device uses it. */
typedef uint64_t fl_dma_addr_t;
/** typedef fl_dma_cookie_t - names a submitted descriptor: positive, or a negative errno. */
typedef int32_t fl_dma_cookie_t;

/** enum fl_dma_transfer_direction - as the host sees it; the values are the kernel's. */
enum fl_dma_transfer_direction {
	FL_DMA_MEM_TO_DEV = 1,
	FL_DMA_DEV_TO_MEM = 2,
};

/** enum fl_dma_status - what became of a descriptor. */
enum fl_dma_status {
	FL_DMA_COMPLETE,
	FL_DMA_IN_PROGRESS,
	FL_DMA_ERROR,
};

/**
 * struct fl_dma_device_options - how a device is opened; zero is the default of each member
 * @size: sizeof(struct fl_dma_device_options)
 * @polled: ask for no interrupts, look at the list pointer instead
 * @seed_compat: accept exactly the metadata that the kernel driver as posted accepts
 * @vectors: interrupt vectors to ask for; 0: one a channel
 * @ready_ms: how long READY may take; 0: 2000
 * @stall_ms: without progress for so long, the channel is looked after; 0: 1000
 */
struct fl_dma_device_options {
	size_t size;
	bool polled;
	bool seed_compat;
	unsigned int vectors;
	unsigned int ready_ms;
	unsigned int stall_ms;
};

/** struct fl_dma_error - one line that says what went wrong when a device was opened. */
struct fl_dma_error {
	char text[192];
};

/**
 * fl_dma_device_open() - find and program a device
 * @where: "vfio-user:PATH" for a server's socket, or a PCI address ("0000:01:00.1") for a real device
 * @options: may be NULL
 * @ret: the device
 * @err: filled on failure; may be NULL
 *
 * Return: 0; -ENODEV: no metadata, or gone; -ETIMEDOUT: READY never came; -EPERM: no interrupt vector;
 * -EINVAL, -EOPNOTSUPP: the metadata is refused; or the errno of reaching @where.
 */
FL_DMA_API int fl_dma_device_open(const char *where, const struct fl_dma_device_options *options,
				  struct fl_dma_device **ret, struct fl_dma_error *err);

/**
 * fl_dma_device_close() - stop everything, withdraw the request, let go
 * @dev: NULL is allowed. Channels, descriptors and buffers of the device are gone with it.
 */
FL_DMA_API void fl_dma_device_close(struct fl_dma_device *dev);

/** fl_dma_alloc_coherent() - zeroed memory that both sides see, or NULL; page-aligned. */
FL_DMA_API void *fl_dma_alloc_coherent(struct fl_dma_device *dev, size_t size, fl_dma_addr_t *ret);
/** fl_dma_free_coherent() - @ptr from fl_dma_alloc_coherent(); nothing may be under way to it. */
FL_DMA_API void fl_dma_free_coherent(struct fl_dma_device *dev, void *ptr);

/**
 * fl_dma_request_chan() - take a channel
 * @dev: device
 * @direction: which kind
 * @index: the hardware channel, or -1 for any that is free
 * @ret: the channel
 *
 * Return: 0; -ENODEV: there is no such channel; -EBUSY: it is, or all are, taken.
 */
FL_DMA_API int fl_dma_request_chan(struct fl_dma_device *dev,
				   enum fl_dma_transfer_direction direction, int index,
				   struct fl_dma_chan **ret);
/** fl_dma_release_channel() - terminates what is under way and gives the channel back. */
FL_DMA_API void fl_dma_release_channel(struct fl_dma_chan *chan);
/** fl_dma_chan_slots() - list elements that the channel holds at once; more pieces are fed in turn. */
FL_DMA_API unsigned int fl_dma_chan_slots(const struct fl_dma_chan *chan);

/**
 * struct fl_dma_slave_config - where on the endpoint
 * @src_addr: endpoint address that DEV_TO_MEM reads
 * @dst_addr: endpoint address that MEM_TO_DEV writes
 */
struct fl_dma_slave_config {
	fl_dma_addr_t src_addr, dst_addr;
};

/** fl_dmaengine_slave_config() - for descriptors that are prepared from now on. */
FL_DMA_API int fl_dmaengine_slave_config(struct fl_dma_chan *chan,
					 const struct fl_dma_slave_config *config);

/** struct fl_dma_sg - one entry of a scatter list: @len bytes at @addr. */
struct fl_dma_sg {
	fl_dma_addr_t addr;
	uint64_t len;
};

/**
 * fl_dmaengine_prep_slave_sg() - host memory in pieces, endpoint memory in one
 * @chan: channel
 * @sg: host memory; the endpoint address of the configuration advances over it
 * @n: entries
 * @ret: the descriptor, the caller's until it is submitted
 *
 * Return: 0; -EINVAL: no entry, an empty entry, or an address that wraps; -ENOMEM.
 */
FL_DMA_API int fl_dmaengine_prep_slave_sg(struct fl_dma_chan *chan, const struct fl_dma_sg *sg,
					  size_t n, struct fl_dma_async_tx **ret);
/** fl_dmaengine_prep_slave_single() - the same for one piece. */
FL_DMA_API int fl_dmaengine_prep_slave_single(struct fl_dma_chan *chan, fl_dma_addr_t addr,
					      uint64_t len, struct fl_dma_async_tx **ret);
/**
 * fl_dmaengine_prep_dma_sg() - both sides in pieces
 *
 * @dst and @src describe the same number of bytes (-EINVAL otherwise), cut wherever they like.
 */
FL_DMA_API int fl_dmaengine_prep_dma_sg(struct fl_dma_chan *chan, const struct fl_dma_sg *dst,
					size_t dst_n, const struct fl_dma_sg *src, size_t src_n,
					struct fl_dma_async_tx **ret);

/** typedef fl_dma_async_tx_callback - @error is 0, or why the descriptor failed. */
typedef void (*fl_dma_async_tx_callback)(void *param, int error);
/** fl_dma_set_callback() - called once the descriptor is finished; before it is submitted. */
FL_DMA_API void fl_dma_set_callback(struct fl_dma_async_tx *tx, fl_dma_async_tx_callback callback,
				    void *param);
/** fl_dma_desc_free() - a descriptor that was prepared and never submitted. */
FL_DMA_API void fl_dma_desc_free(struct fl_dma_async_tx *tx);

/** fl_dmaengine_submit() - queue it; the descriptor is the channel's from then on. */
FL_DMA_API fl_dma_cookie_t fl_dmaengine_submit(struct fl_dma_async_tx *tx);
/** fl_dma_async_issue_pending() - start what was submitted. */
FL_DMA_API int fl_dma_async_issue_pending(struct fl_dma_chan *chan);

/**
 * struct fl_dma_tx_state - beside the status
 * @last: the last cookie that is finished, with those before it
 * @used: the last that was given out
 * @residue: bytes of the descriptor that have not moved, in whole list elements
 * @error: of a failed one: -EIO: the engine aborted it, -ENOLINK, -ENODEV, -ECANCELED
 */
struct fl_dma_tx_state {
	fl_dma_cookie_t last, used;
	uint64_t residue;
	int error;
};

/**
 * fl_dmaengine_tx_status() - what became of @cookie; looks at the device first
 *
 * Results of the last 1024 finished descriptors of a channel are kept; older ones read as COMPLETE.
 */
FL_DMA_API enum fl_dma_status fl_dmaengine_tx_status(struct fl_dma_chan *chan,
						     fl_dma_cookie_t cookie,
						     struct fl_dma_tx_state *state);
/**
 * fl_dma_sync_wait() - until @cookie is finished
 *
 * Return: 0; -ETIMEDOUT: it goes on; or why it failed.
 */
FL_DMA_API int fl_dma_sync_wait(struct fl_dma_chan *chan, fl_dma_cookie_t cookie, int timeout_ms);
/**
 * fl_dma_process() - one turn for all channels: waits for a message (0: not at all), then looks
 *
 * Return: > 0: something was finished or moved; 0: nothing.
 */
FL_DMA_API int fl_dma_process(struct fl_dma_device *dev, int timeout_ms);
/** fl_dmaengine_terminate_sync() - stop; whatever is not finished fails with -ECANCELED. */
FL_DMA_API int fl_dmaengine_terminate_sync(struct fl_dma_chan *chan);

#ifdef __cplusplus
}
#endif

#endif
