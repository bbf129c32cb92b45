// SPDX-License-Identifier: GPL-2.0-or-later
/* What a vfio-user server may answer to our host: while it opens the bus, finds the device, transfers. */
#include "epdma-wire.h"
#include "epdma/host/dma-device.h"
#include "fuzz.h"

static void transfer(struct fl_dma_device *dev)
{
	struct fl_dma_async_tx *tx;
	struct fl_dma_chan *chan;
	fl_dma_cookie_t cookie;
	fl_dma_addr_t addr;

	if (fl_dma_request_chan(dev, FL_DMA_DEV_TO_MEM, -1, &chan) < 0)
		return;
	if (!fl_dma_alloc_coherent(dev, 4096, &addr))
		return;
	if (fl_dmaengine_prep_slave_single(chan, addr, 4096, &tx) < 0)
		return;
	cookie = fl_dmaengine_submit(tx);
	fl_dma_async_issue_pending(chan);
	fl_dma_sync_wait(chan, cookie, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_host_config hc = { .ready_ms = 1, .stall_ms = 1 };
	struct fl_host_error why;
	struct fl_dma_device *dev;
	struct fl_bus *bus;
	struct wire w;

	if (!size)
		return 0;
	hc.polled = data[0] & 1;
	hc.seed_compat = data[0] & 2;
	if (fl_bus_vfio_user_fd(wire_start(&w, data + 1, size - 1), &bus, NULL) == 0 &&
	    fl_dma_device_over(bus, &hc, &dev, &why) == 0) {
		transfer(dev);
		fl_dma_device_close(dev);
	}
	wire_end(&w);
	return 0;
}
