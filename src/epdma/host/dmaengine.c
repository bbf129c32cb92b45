// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The public interface over the host driver: who may call when, what a cookie says, who waits.
 *
 * A descriptor's way: prepared (the caller's), submitted (the channel's, with a cookie), issued (on the
 * list), finished (the host driver calls on_done() under the lock), called back (without the lock), and
 * then kept as a spare for the next prepare, since malloc() would be the dearest part of a transfer of
 * 64 bytes.
 *
 * Cookies count up a channel; what is finished is finished in their order. So a channel need not
 * remember descriptors: the last finished cookie tells of all, and a ring of HISTORY results tells what
 * became of the youngest of them.
 *
 *	last = 5, used = 8:	1..5 finished, 6..8 under way
 *
 * One lock guards a device, because its channels share registers, vectors and the bus. It is let go in
 * two places only. While the bus waits: of several threads that wait, one is inside irq_wait() and the
 * others sleep on a condition; the thread that comes back from the bus looks at all channels that the message
 * may be about and wakes the rest, so that no message is swallowed by a thread that it was not for. And
 * while callbacks run: they may submit and issue, which takes the lock.
 *
 * A message names a vector, not a channel, and may have come for progress that a poll has seen already.
 * It is therefore only a reason to look at the list pointers, never a count of what is done.
 */
#include "epdma/host/dma-device.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nsec.h"
#include "base/util.h"

#define HISTORY	     1024u
#define BUS_SLICE_MS 100
#define MAX_ELEM     0xfffff000u /* of one list element: below 4 GiB, in whole pages */

struct buffer {
	struct buffer *next;
	struct fl_dma_buf mem;
};

struct fl_dma_async_tx {
	struct fl_host_tx tx;
	struct fl_dma_chan *chan;
	fl_dma_cookie_t cookie;
	fl_dma_async_tx_callback callback;
	void *param;
	struct fl_dma_async_tx *next; /* finished, callback to be called */
	struct fl_host_seg one;	      /* the commonest list, without an allocation */
};

struct fl_dma_chan {
	struct fl_dma_device *dev;
	struct fl_host_chan *hc;
	bool taken;
	struct fl_dma_slave_config config;
	fl_dma_cookie_t used, last;
	bool wrapped; /* cookies have begun at 1 again */
	uint32_t nr_finished;
	int results[HISTORY]; /* by the number that were finished before */
};

struct fl_dma_device {
	struct fl_bus *bus;
	struct fl_host *host;
	bool polled;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool somebody_waits;
	bool calling; /* some thread runs callbacks */
	struct buffer *buffers;
	struct fl_dma_async_tx *finished, **finished_tail;
	struct fl_dma_async_tx *spare; /* descriptors to use again */
	struct fl_dma_chan chans[2 * FL_EPDMA_MAX_CHANS];
	unsigned int nr_chans;
};

/* ---- the device ---- */

int fl_dma_device_over(struct fl_bus *bus, const struct fl_host_config *config,
		       struct fl_dma_device **ret, struct fl_host_error *err)
{
	struct fl_dma_device *dev = calloc(1, sizeof(*dev));
	int r = dev ? fl_host_probe(bus, config, &dev->host, err) : -ENOMEM;

	if (r < 0) {
		fl_bus_close(bus);
		free(dev);
		return r;
	}
	dev->bus = bus;
	dev->polled = config->polled;
	dev->finished_tail = &dev->finished;
	pthread_mutex_init(&dev->lock, NULL);
	pthread_cond_init(&dev->woken, NULL);
	dev->nr_chans = fl_host_nr_chans(dev->host);
	for (unsigned int i = 0; i < dev->nr_chans; i++)
		dev->chans[i] = (struct fl_dma_chan){ .dev = dev,
						      .hc = fl_host_chan_at(dev->host, i) };
	*ret = dev;
	return 0;
}

struct fl_host *fl_dma_device_host(struct fl_dma_device *dev)
{
	return dev->host;
}

static int open_bus(const char *where, struct fl_bus **ret, const char **ret_why)
{
	static const char scheme[] = "vfio-user:";

	if (strncmp(where, scheme, sizeof(scheme) - 1) == 0)
		return fl_bus_vfio_user(where + sizeof(scheme) - 1, ret, ret_why);
	return fl_bus_pci(where, ret, ret_why);
}

int fl_dma_device_open(const char *where, const struct fl_dma_device_options *options,
		       struct fl_dma_device **ret, struct fl_dma_error *err)
{
	struct fl_dma_device_options o = {};
	struct fl_host_error why = {};
	const char *said = NULL;
	struct fl_bus *bus;
	int r;

	if (options && options->size > sizeof(o)) {
		if (err)
			snprintf(err->text, sizeof(err->text),
				 "the program was built for a later library: its options have %zu bytes, ours %zu",
				 options->size, sizeof(o));
		return -E2BIG;
	}
	if (options)
		memcpy(&o, options, options->size);
	r = open_bus(where, &bus, &said);
	if (r < 0) {
		snprintf(why.text, sizeof(why.text), "cannot reach the device: %s",
			 said ? said : strerror(-r));
	} else {
		struct fl_host_config cfg = {
			.seed_compat = o.seed_compat, .polled = o.polled, .ready_ms = o.ready_ms,
			.vectors = o.vectors, .stall_ms = o.stall_ms,
		};

		r = fl_dma_device_over(bus, &cfg, ret, &why);
	}
	if (err)
		memcpy(err->text, why.text, sizeof(err->text));
	return r;
}

static void free_list(struct fl_dma_async_tx *tx)
{
	while (tx) {
		struct fl_dma_async_tx *next = tx->next;

		fl_dma_desc_free(tx);
		tx = next;
	}
}

void fl_dma_device_close(struct fl_dma_device *dev)
{
	if (!dev)
		return;
	fl_host_remove(dev->host);
	free_list(dev->finished);
	while (dev->spare) {
		struct fl_dma_async_tx *next = dev->spare->next;

		free(dev->spare);
		dev->spare = next;
	}
	while (dev->buffers) {
		struct buffer *next = dev->buffers->next;

		dev->bus->ops->dma_free(dev->bus, &dev->buffers->mem);
		free(dev->buffers);
		dev->buffers = next;
	}
	fl_bus_close(dev->bus);
	pthread_cond_destroy(&dev->woken);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

void *fl_dma_alloc_coherent(struct fl_dma_device *dev, size_t size, fl_dma_addr_t *ret)
{
	struct buffer *b = calloc(1, sizeof(*b));
	int r = -ENOMEM;

	pthread_mutex_lock(&dev->lock);
	if (b)
		r = dev->bus->ops->dma_alloc(dev->bus, size, &b->mem);
	if (r == 0) {
		b->next = dev->buffers;
		dev->buffers = b;
		*ret = b->mem.addr;
	}
	pthread_mutex_unlock(&dev->lock);
	if (r < 0) {
		free(b);
		errno = -r;
		return NULL;
	}
	return b->mem.ptr;
}

void fl_dma_free_coherent(struct fl_dma_device *dev, void *ptr)
{
	struct buffer **at, *b;

	pthread_mutex_lock(&dev->lock);
	for (at = &dev->buffers; *at && (*at)->mem.ptr != ptr; at = &(*at)->next)
		;
	b = *at;
	if (b) {
		*at = b->next;
		dev->bus->ops->dma_free(dev->bus, &b->mem);
		free(b);
	}
	pthread_mutex_unlock(&dev->lock);
}

/* ---- channels ---- */

static enum fl_epdma_dir engine_dir(enum fl_dma_transfer_direction direction)
{
	return direction == FL_DMA_DEV_TO_MEM ? FL_EPDMA_WRITE : FL_EPDMA_READ;
}

int fl_dma_request_chan(struct fl_dma_device *dev, enum fl_dma_transfer_direction direction,
			int index, struct fl_dma_chan **ret)
{
	int r = -ENODEV;

	if (direction != FL_DMA_DEV_TO_MEM && direction != FL_DMA_MEM_TO_DEV)
		return -EINVAL;
	pthread_mutex_lock(&dev->lock);
	for (unsigned int i = 0; r < 0 && i < dev->nr_chans; i++) {
		struct fl_dma_chan *c = &dev->chans[i];

		if (fl_host_chan_dir(c->hc) != engine_dir(direction))
			continue;
		if (index >= 0 && fl_host_chan_index(c->hc) != (unsigned int)index)
			continue;
		r = -EBUSY;
		if (c->taken)
			continue;
		c->taken = true;
		c->config = (struct fl_dma_slave_config){};
		*ret = c;
		r = 0;
	}
	pthread_mutex_unlock(&dev->lock);
	return r;
}

void fl_dma_release_channel(struct fl_dma_chan *chan)
{
	if (!chan)
		return;
	fl_dmaengine_terminate_sync(chan);
	pthread_mutex_lock(&chan->dev->lock);
	chan->taken = false;
	pthread_mutex_unlock(&chan->dev->lock);
}

unsigned int fl_dma_chan_slots(const struct fl_dma_chan *chan)
{
	return fl_host_chan_slots(chan->hc);
}

int fl_dmaengine_slave_config(struct fl_dma_chan *chan, const struct fl_dma_slave_config *config)
{
	pthread_mutex_lock(&chan->dev->lock);
	chan->config = *config;
	pthread_mutex_unlock(&chan->dev->lock);
	return 0;
}

/* ---- descriptors ---- */

static struct fl_dma_async_tx *new_tx(struct fl_dma_chan *chan)
{
	struct fl_dma_device *dev = chan->dev;
	struct fl_dma_async_tx *tx;

	pthread_mutex_lock(&dev->lock);
	tx = dev->spare;
	if (tx)
		dev->spare = tx->next;
	pthread_mutex_unlock(&dev->lock);
	if (!tx)
		tx = malloc(sizeof(*tx));
	if (!tx)
		return NULL;
	memset(tx, 0, offsetof(struct fl_dma_async_tx, one));
	tx->chan = chan;
	tx->tx.user = tx;
	return tx;
}

static void drop_segs(struct fl_dma_async_tx *tx)
{
	if (tx->tx.segs != &tx->one)
		free(tx->tx.segs);
	tx->tx.segs = NULL;
}

void fl_dma_desc_free(struct fl_dma_async_tx *tx)
{
	if (!tx)
		return;
	drop_segs(tx);
	free(tx);
}

void fl_dma_set_callback(struct fl_dma_async_tx *tx, fl_dma_async_tx_callback callback, void *param)
{
	tx->callback = callback;
	tx->param = param;
}

/* Walks a scatter list from one cut to the next. */
struct cursor {
	const struct fl_dma_sg *sg;
	size_t left;
	uint64_t done; /* of *sg */
};

static uint64_t cursor_left(const struct cursor *c)
{
	return c->left ? c->sg->len - c->done : 0;
}

static void cursor_move(struct cursor *c, uint64_t n)
{
	c->done += n;
	if (c->done == c->sg->len) {
		c->sg++;
		c->left--;
		c->done = 0;
	}
}

/* Entries that are not empty and do not wrap; their sum. */
static int sg_check(const struct fl_dma_sg *sg, size_t n, uint64_t *ret_bytes)
{
	uint64_t end, sum = 0;

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!sg[i].len || __builtin_add_overflow(sg[i].addr, sg[i].len - 1, &end) ||
		    __builtin_add_overflow(sum, sg[i].len, &sum))
			return -EINVAL;
	*ret_bytes = sum;
	return 0;
}

/* Pairs off both lists. With @segs NULL only counts. */
static uint64_t pair_pieces(struct cursor dst, struct cursor src, struct fl_host_seg *segs)
{
	uint64_t n = 0;

	while (cursor_left(&dst) && cursor_left(&src)) {
		uint64_t len = FL_MIN(cursor_left(&dst), cursor_left(&src));

		len = FL_MIN(len, (uint64_t)MAX_ELEM);
		if (segs)
			segs[n] = (struct fl_host_seg){ .src = src.sg->addr + src.done,
							.dst = dst.sg->addr + dst.done,
							.len = (uint32_t)len };
		n++;
		cursor_move(&dst, len);
		cursor_move(&src, len);
	}
	return n;
}

int fl_dmaengine_prep_dma_sg(struct fl_dma_chan *chan, const struct fl_dma_sg *dst, size_t dst_n,
			     const struct fl_dma_sg *src, size_t src_n, struct fl_dma_async_tx **ret)
{
	struct cursor d = { dst, dst_n, 0 }, s = { src, src_n, 0 };
	struct fl_dma_async_tx *tx;
	uint64_t bytes, other, n;
	int r;

	r = sg_check(dst, dst_n, &bytes);
	if (r == 0)
		r = sg_check(src, src_n, &other);
	if (r < 0)
		return r;
	n = pair_pieces(d, s, NULL);
	if (bytes != other || n > UINT32_MAX)
		return -EINVAL;
	tx = new_tx(chan);
	if (!tx)
		return -ENOMEM;
	tx->tx.segs = n == 1 ? &tx->one : reallocarray(NULL, n, sizeof(*tx->tx.segs));
	if (!tx->tx.segs) {
		fl_dma_desc_free(tx);
		return -ENOMEM;
	}
	pair_pieces(d, s, tx->tx.segs);
	tx->tx.nr_segs = (uint32_t)n;
	tx->tx.bytes = bytes;
	*ret = tx;
	return 0;
}

int fl_dmaengine_prep_slave_sg(struct fl_dma_chan *chan, const struct fl_dma_sg *sg, size_t n,
			       struct fl_dma_async_tx **ret)
{
	bool to_host = fl_host_chan_dir(chan->hc) == FL_EPDMA_WRITE;
	struct fl_dma_sg ep = { .addr = to_host ? chan->config.src_addr : chan->config.dst_addr };
	int r = sg_check(sg, n, &ep.len);

	if (r < 0)
		return r;
	return to_host ? fl_dmaengine_prep_dma_sg(chan, sg, n, &ep, 1, ret)
		       : fl_dmaengine_prep_dma_sg(chan, &ep, 1, sg, n, ret);
}

int fl_dmaengine_prep_slave_single(struct fl_dma_chan *chan, fl_dma_addr_t addr, uint64_t len,
				   struct fl_dma_async_tx **ret)
{
	return fl_dmaengine_prep_slave_sg(chan, &(struct fl_dma_sg){ addr, len }, 1, ret);
}

/* The host driver's word that a transfer is over. Lock held: the callback comes later. */
static void on_done(struct fl_host_tx *htx)
{
	struct fl_dma_async_tx *tx = htx->user;
	struct fl_dma_chan *chan = tx->chan;

	chan->results[chan->nr_finished++ % HISTORY] = htx->error;
	chan->last = tx->cookie;
	tx->next = NULL;
	*chan->dev->finished_tail = tx;
	chan->dev->finished_tail = &tx->next;
}

fl_dma_cookie_t fl_dmaengine_submit(struct fl_dma_async_tx *tx)
{
	struct fl_dma_chan *chan = tx->chan;
	fl_dma_cookie_t cookie;

	tx->tx.done = on_done;
	pthread_mutex_lock(&chan->dev->lock);
	chan->wrapped = chan->wrapped || chan->used == INT32_MAX;
	chan->used = chan->used == INT32_MAX ? 1 : chan->used + 1;
	cookie = tx->cookie = chan->used;
	fl_host_submit(chan->hc, &tx->tx);
	pthread_mutex_unlock(&chan->dev->lock);
	return cookie;
}

/* One round of callbacks; the lock is let go meanwhile. */
static void run_callback_round(struct fl_dma_device *dev)
{
	struct fl_dma_async_tx *list = dev->finished, *tx;

	dev->finished = NULL;
	dev->finished_tail = &dev->finished;
	pthread_mutex_unlock(&dev->lock);
	for (tx = list; tx; tx = tx->next) {
		if (tx->callback)
			tx->callback(tx->param, tx->tx.error);
		drop_segs(tx);
	}
	pthread_mutex_lock(&dev->lock);
	while (list) {
		tx = list;
		list = tx->next;
		tx->next = dev->spare;
		dev->spare = tx;
	}
}

/* One thread at a time calls back, in the order in which descriptors were finished. Lock held. */
static void run_callbacks(struct fl_dma_device *dev)
{
	if (dev->calling)
		return;
	dev->calling = true;
	while (dev->finished)
		run_callback_round(dev);
	dev->calling = false;
}

int fl_dma_async_issue_pending(struct fl_dma_chan *chan)
{
	int r;

	pthread_mutex_lock(&chan->dev->lock);
	r = fl_host_issue(chan->hc);
	run_callbacks(chan->dev);
	pthread_mutex_unlock(&chan->dev->lock);
	return r;
}

/* ---- waiting ---- */

/* Looks at the channels of @mask; > 0: something moved. */
static int poll_chans(struct fl_dma_device *dev, uint32_t mask, bool closely)
{
	int moved = 0;

	for (unsigned int i = 0; i < dev->nr_chans; i++) {
		struct fl_host_chan *hc = dev->chans[i].hc;

		if (mask & 1u << i && fl_host_chan_busy(hc))
			moved |= (closely ? fl_host_look(hc) : fl_host_poll(hc)) > 0;
	}
	return moved;
}

/* A message came on these vectors. One that moved nothing may be an abort's. */
static void on_message(struct fl_dma_device *dev, uint64_t vectors)
{
	for (unsigned int v = 0; v < 64; v++) {
		uint32_t mask = vectors & 1ull << v ? fl_host_vector_chans(dev->host, v) : 0;

		for (unsigned int i = 0; i < dev->nr_chans; i++)
			if (mask & 1u << i && fl_host_chan_busy(dev->chans[i].hc))
				fl_host_clear_irq(dev->chans[i].hc);
		if (mask && !poll_chans(dev, mask, false))
			poll_chans(dev, mask, true);
	}
}

/* Sleeps until something may have changed, at most @timeout_ms. Lock held, let go meanwhile. */
static void wait_for_bus(struct fl_dma_device *dev, int timeout_ms)
{
	uint64_t vectors = 0;
	int r;

	if (dev->somebody_waits) {
		struct timespec until = fl_time_in(CLOCK_MONOTONIC,
						   (unsigned int)FL_MIN(timeout_ms, BUS_SLICE_MS));

		fl_cond_wait_until(&dev->woken, &dev->lock, &until);
		return;
	}
	dev->somebody_waits = true;
	pthread_mutex_unlock(&dev->lock);
	r = dev->bus->ops->irq_wait(dev->bus, FL_MIN(timeout_ms, BUS_SLICE_MS), &vectors);
	pthread_mutex_lock(&dev->lock);
	dev->somebody_waits = false;
	if (r == -EAGAIN && dev->bus->ops->attend)
		r = dev->bus->ops->attend(dev->bus);
	if (vectors)
		on_message(dev, vectors);
	else
		poll_chans(dev, UINT32_MAX, r == -ENODEV);
	pthread_cond_broadcast(&dev->woken);
}

static void sleep_briefly(struct fl_dma_device *dev, unsigned int round)
{
	struct timespec ts = { .tv_nsec = 20000 };

	pthread_mutex_unlock(&dev->lock);
	if (round > 64)
		nanosleep(&ts, NULL);
	pthread_mutex_lock(&dev->lock);
}

/*
 * The kernel's rule (dma_async_is_complete()). Those under way are the cookies from last on up to used, and
 * that interval may lead over the end, where cookies begin at 1 again. Everything else is complete.
 */
static bool cookie_done(const struct fl_dma_chan *chan, fl_dma_cookie_t cookie)
{
	if (chan->last <= chan->used)
		return cookie <= chan->last || cookie > chan->used;
	return cookie <= chan->last && cookie > chan->used;
}

/* Of a cookie that is done; how long ago that was decides whether it is still known. */
static int result(const struct fl_dma_chan *chan, fl_dma_cookie_t cookie)
{
	int64_t ago = (int64_t)chan->last - cookie;

	if (ago < 0)
		ago += INT32_MAX;
	if (ago >= HISTORY)
		return 0;
	return chan->results[(chan->nr_finished - 1 - (uint32_t)ago) % HISTORY];
}

/* No descriptor has ever had it. */
static bool never_given(const struct fl_dma_chan *chan, fl_dma_cookie_t cookie)
{
	return cookie <= 0 || (cookie > chan->used && !chan->wrapped);
}

int fl_dma_sync_wait(struct fl_dma_chan *chan, fl_dma_cookie_t cookie, int timeout_ms)
{
	struct fl_dma_device *dev = chan->dev;
	uint64_t until = fl_time_ns(CLOCK_MONOTONIC) + (uint64_t)FL_MAX(timeout_ms, 0) * 1000000u;
	int r = -ETIMEDOUT;

	pthread_mutex_lock(&dev->lock);
	if (never_given(chan, cookie)) {
		pthread_mutex_unlock(&dev->lock);
		return -EINVAL;
	}
	for (unsigned int round = 0;; round++) {
		uint64_t now;

		if (!cookie_done(chan, cookie) && (dev->polled || round == 0))
			fl_host_poll(chan->hc);
		run_callbacks(dev);
		if (cookie_done(chan, cookie)) {
			r = result(chan, cookie);
			break;
		}
		now = fl_time_ns(CLOCK_MONOTONIC);
		if (now >= until)
			break;
		if (dev->polled)
			sleep_briefly(dev, round);
		else
			wait_for_bus(dev, (int)((until - now + 999999) / 1000000));
	}
	pthread_mutex_unlock(&dev->lock);
	return r;
}

int fl_dma_process(struct fl_dma_device *dev, int timeout_ms)
{
	int moved;

	pthread_mutex_lock(&dev->lock);
	moved = poll_chans(dev, UINT32_MAX, false);
	if (!moved && timeout_ms > 0 && !dev->polled)
		wait_for_bus(dev, timeout_ms);
	moved = moved || dev->finished;
	run_callbacks(dev);
	pthread_mutex_unlock(&dev->lock);
	return moved;
}

static bool has_cookie(const struct fl_host_tx *tx, const void *cookie)
{
	return ((const struct fl_dma_async_tx *)tx->user)->cookie == *(const fl_dma_cookie_t *)cookie;
}

static uint64_t residue(const struct fl_dma_chan *chan, fl_dma_cookie_t cookie)
{
	const struct fl_host_tx *tx = fl_host_find(chan->hc, has_cookie, &cookie);

	return tx ? fl_host_residue(chan->hc, tx) : 0;
}

enum fl_dma_status fl_dmaengine_tx_status(struct fl_dma_chan *chan, fl_dma_cookie_t cookie,
					  struct fl_dma_tx_state *state)
{
	struct fl_dma_device *dev = chan->dev;
	enum fl_dma_status status = FL_DMA_IN_PROGRESS;
	struct fl_dma_tx_state st = {};

	pthread_mutex_lock(&dev->lock);
	if (!cookie_done(chan, cookie))
		fl_host_poll(chan->hc);
	if (cookie_done(chan, cookie)) {
		st.error = result(chan, cookie);
		status = st.error ? FL_DMA_ERROR : FL_DMA_COMPLETE;
	} else {
		st.residue = residue(chan, cookie);
	}
	st.last = chan->last;
	st.used = chan->used;
	run_callbacks(dev);
	pthread_mutex_unlock(&dev->lock);
	if (state)
		*state = st;
	return status;
}

int fl_dmaengine_terminate_sync(struct fl_dma_chan *chan)
{
	int r;

	pthread_mutex_lock(&chan->dev->lock);
	r = fl_host_terminate(chan->hc);
	run_callbacks(chan->dev);
	pthread_mutex_unlock(&chan->dev->lock);
	return r;
}
