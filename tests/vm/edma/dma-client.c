// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client of the DMAengine interface, for channels that dw-edma-pcie offers: what a driver of some device
 * would do with them, and each time a comparison. The module does its work while it is being loaded and
 * never stays; the result is the line "dma-client: MODE: ok" (or what went wrong) in the kernel's log.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/dmaengine.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

static char *mode = "verify";
module_param(mode, charp, 0);
static char *dev = ""; /* its address; empty: the first that has channels */
module_param(dev, charp, 0);
static ulong ep; /* endpoint memory that may be written */
module_param(ep, ulong, 0);
static uint size = 4096, pieces = 1, count = 1, rounds = 1, channel;
module_param(size, uint, 0);	/* bytes */
module_param(pieces, uint, 0);	/* entries of a scatter list */
module_param(count, uint, 0);	/* descriptors in the queue at once */
module_param(rounds, uint, 0);
module_param(channel, uint, 0); /* which of a direction */

struct side {
	struct dma_chan *chan;
	enum dma_transfer_direction dir;
	enum dma_data_direction map;
	u8 *mem;
	struct sg_table sgt;
	unsigned int mapped;
	struct completion done;
	atomic_t callbacks, failures;
};

struct choice {
	enum dma_transfer_direction dir;
	uint skip;
};

static bool is_ours(struct dma_chan *chan, void *arg)
{
	struct choice *c = arg;
	struct dma_slave_caps caps;
	struct device_driver *drv = chan->device->dev->driver;

	if (!drv || strcmp(drv->name, "dw-edma-pcie") ||
	    (*dev && strcmp(dev, dev_name(chan->device->dev))) || dma_get_slave_caps(chan, &caps) ||
	    !(caps.directions & BIT(c->dir)))
		return false;
	return c->skip-- == 0;
}

static void on_done(void *arg, const struct dmaengine_result *result)
{
	struct side *s = arg;

	atomic_inc(&s->callbacks);
	if (result && result->result != DMA_TRANS_NOERROR)
		atomic_inc(&s->failures);
	complete(&s->done);
}

static int aim(struct side *s, u64 addr)
{
	struct dma_slave_config cfg = {
		.direction = s->dir, .src_addr = addr, .dst_addr = addr,
		.src_addr_width = DMA_SLAVE_BUSWIDTH_4_BYTES, .dst_addr_width = DMA_SLAVE_BUSWIDTH_4_BYTES,
	};

	return dmaengine_slave_config(s->chan, &cfg);
}

static int open_side(struct side *s, enum dma_transfer_direction dir)
{
	struct choice c = { dir, channel };
	struct scatterlist *sg;
	dma_cap_mask_t mask;
	unsigned int i, part = size / pieces;
	int r;

	dma_cap_zero(mask);
	dma_cap_set(DMA_SLAVE, mask);
	s->dir = dir;
	s->map = dir == DMA_MEM_TO_DEV ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
	init_completion(&s->done);
	atomic_set(&s->callbacks, 0);
	s->chan = dma_request_channel(mask, is_ours, &c);
	if (!s->chan)
		return -ENODEV;
	s->mem = kzalloc(size, GFP_KERNEL);
	if (!s->mem)
		return -ENOMEM;
	r = sg_alloc_table(&s->sgt, pieces, GFP_KERNEL);
	if (r)
		return r;
	for_each_sg(s->sgt.sgl, sg, pieces, i)
		sg_set_buf(sg, s->mem + i * part, i + 1 == pieces ? size - i * part : part);
	return 0;
}

static void close_side(struct side *s)
{
	if (s->chan)
		dma_release_channel(s->chan);
	sg_free_table(&s->sgt);
	kfree(s->mem);
}

static struct dma_async_tx_descriptor *prepare(struct side *s)
{
	struct dma_async_tx_descriptor *tx;

	tx = dmaengine_prep_slave_sg(s->chan, s->sgt.sgl, s->mapped, s->dir, DMA_PREP_INTERRUPT | DMA_CTRL_ACK);
	if (tx) {
		tx->callback_result = on_done;
		tx->callback_param = s;
	}
	return tx;
}

/* @count descriptors, each of the whole buffer, waited for one by one. */
static int run(struct side *s, u64 addr)
{
	struct device *d = s->chan->device->dev;
	dma_cookie_t last = 0;
	unsigned int i;
	int r = aim(s, addr);

	s->mapped = dma_map_sg(d, s->sgt.sgl, pieces, s->map);
	if (r || !s->mapped)
		return r ?: -ENOMEM;
	reinit_completion(&s->done);
	atomic_set(&s->failures, 0);
	for (i = 0; i < count; i++) {
		struct dma_async_tx_descriptor *tx = prepare(s);

		if (!tx)
			return -EIO;
		last = dmaengine_submit(tx);
	}
	dma_async_issue_pending(s->chan);
	for (i = 0; !r && i < count; i++)
		if (!wait_for_completion_timeout(&s->done, 20 * HZ))
			r = -ETIMEDOUT;
	if (!r && (dma_async_is_tx_complete(s->chan, last, NULL, NULL) != DMA_COMPLETE ||
		   atomic_read(&s->failures)))
		r = -EIO;
	if (r)
		dmaengine_terminate_sync(s->chan);
	dma_unmap_sg(d, s->sgt.sgl, pieces, s->map);
	return r;
}

static int verify(struct side *out, struct side *in)
{
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < rounds; i++) {
		get_random_bytes(out->mem, size);
		memset(in->mem, 0, size);
		r = run(out, ep) ?: run(in, ep);
		if (!r && memcmp(out->mem, in->mem, size))
			r = -EILSEQ;
	}
	return r;
}

/* Bytes a second through the channels, and of a memcpy() of as many, in one line. */
static int speed(struct side *out, struct side *in)
{
	u64 begun, dma, cpu;
	unsigned int i;
	int r = 0;

	begun = ktime_get_ns();
	for (i = 0; !r && i < rounds; i++)
		r = run(out, ep) ?: run(in, ep);
	dma = ktime_get_ns() - begun;
	begun = ktime_get_ns();
	for (i = 0; i < 2 * rounds * count; i++) {
		memcpy(in->mem, out->mem, size);
		barrier_data(in->mem);
	}
	cpu = ktime_get_ns() - begun;
	pr_info("dma-client: speed: %llu bytes/s by DMA, %llu by memcpy\n",
		div64_u64(2000000000ull * rounds * count * size, dma),
		div64_u64(2000000000ull * rounds * count * size, cpu));
	return r;
}

/* Stopped in flight, again and again; what comes after must be whole. */
static int terminate(struct side *out, struct side *in)
{
	struct device *d = out->chan->device->dev;
	unsigned int i, k;

	for (i = 0; i < rounds; i++) {
		aim(out, ep);
		out->mapped = dma_map_sg(d, out->sgt.sgl, pieces, out->map);
		for (k = 0; k < count; k++) {
			struct dma_async_tx_descriptor *tx = prepare(out);

			if (tx)
				dmaengine_submit(tx);
		}
		dma_async_issue_pending(out->chan);
		udelay(37 * (i % 11));
		dmaengine_terminate_sync(out->chan);
		dma_unmap_sg(d, out->sgt.sgl, pieces, out->map);
	}
	count = 1;
	return verify(out, in);
}

/* Endpoint memory that is not to be had: an error and no hang, and good transfers afterwards. */
static int bad(struct side *out, struct side *in)
{
	int r = run(out, 0x10);

	return r ? verify(out, in) : -EBADE;
}

static int cyclic(struct side *in)
{
	struct device *d = in->chan->device->dev;
	struct dma_async_tx_descriptor *tx;
	dma_addr_t addr;
	void *mem = dma_alloc_coherent(d, size, &addr, GFP_KERNEL);
	int r;

	if (!mem)
		return -ENOMEM;
	r = aim(in, ep);
	tx = dmaengine_prep_dma_cyclic(in->chan, addr, size, size / 4, in->dir, DMA_PREP_INTERRUPT);
	if (!r && tx) {
		tx->callback_result = on_done;
		tx->callback_param = in;
		dmaengine_submit(tx);
		dma_async_issue_pending(in->chan);
		msleep(300);
		r = atomic_read(&in->callbacks) ? 0 : -ETIMEDOUT;
	}
	dmaengine_terminate_sync(in->chan);
	dma_free_coherent(d, size, mem, addr);
	return tx ? r : -EOPNOTSUPP;
}

/* Every second 64 bytes of the endpoint's, gathered. */
static int interleaved(struct side *out, struct side *in)
{
	struct device *d = in->chan->device->dev;
	struct dma_interleaved_template *t = kzalloc(struct_size(t, sgl, 1), GFP_KERNEL);
	struct dma_async_tx_descriptor *tx;
	unsigned int i, frames = size / 128;
	dma_addr_t addr;
	u8 *mem = dma_alloc_coherent(d, size, &addr, GFP_KERNEL);
	int r;

	if (!t || !mem)
		return -ENOMEM;
	get_random_bytes(out->mem, size);
	r = run(out, ep) ?: aim(in, ep);
	*t = (struct dma_interleaved_template){ .src_start = ep, .dst_start = addr, .dir = in->dir,
		.src_inc = true, .dst_inc = true, .src_sgl = true, .numf = frames, .frame_size = 1 };
	t->sgl[0].size = 64;
	t->sgl[0].src_icg = 64;
	tx = r ? NULL : dmaengine_prep_interleaved_dma(in->chan, t, DMA_PREP_INTERRUPT);
	if (tx) {
		tx->callback_result = on_done;
		tx->callback_param = in;
		dmaengine_submit(tx);
		dma_async_issue_pending(in->chan);
		r = wait_for_completion_timeout(&in->done, 20 * HZ) ? 0 : -ETIMEDOUT;
	}
	for (i = 0; !r && tx && i < frames; i++)
		if (memcmp(mem + 64 * i, out->mem + 128 * i, 64))
			r = -EILSEQ;
	dma_free_coherent(d, size, mem, addr);
	kfree(t);
	return tx ? r : -EOPNOTSUPP;
}

static int dispatch(struct side *out, struct side *in)
{
	if (!strcmp(mode, "verify"))
		return verify(out, in);
	if (!strcmp(mode, "speed"))
		return speed(out, in);
	if (!strcmp(mode, "terminate"))
		return terminate(out, in);
	if (!strcmp(mode, "bad"))
		return bad(out, in);
	if (!strcmp(mode, "cyclic"))
		return cyclic(in);
	if (!strcmp(mode, "interleaved"))
		return interleaved(out, in);
	return -EINVAL;
}

static int __init dma_client_init(void)
{
	struct side *s = kcalloc(2, sizeof(*s), GFP_KERNEL);
	int r = -ENOMEM;

	if (s)
		r = open_side(&s[0], DMA_MEM_TO_DEV) ?: open_side(&s[1], DMA_DEV_TO_MEM) ?:
		    dispatch(&s[0], &s[1]);
	pr_info("dma-client: %s %s size %u pieces %u rounds %u channel %u: %s (%d)\n", dev, mode, size, pieces,
		rounds, channel, r ? "failed" : "ok", r);
	if (s) {
		close_side(&s[0]);
		close_side(&s[1]);
	}
	kfree(s);
	return -EAGAIN; /* never stays loaded */
}
module_init(dma_client_init);
MODULE_DESCRIPTION("a DMAengine client that compares what it moves");
MODULE_LICENSE("GPL");
