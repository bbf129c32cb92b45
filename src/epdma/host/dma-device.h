/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the program's own commands and tests use beside the public interface. */
#ifndef EPDMA_HOST_DMA_DEVICE_H
#define EPDMA_HOST_DMA_DEVICE_H

#include <foreland/dmaengine.h>

#include "epdma/host/host.h"

/* Over a bus that is there already; it is the device's from then on, also on failure. */
int fl_dma_device_over(struct fl_bus *bus, const struct fl_host_config *config,
		       struct fl_dma_device **ret, struct fl_host_error *err);
struct fl_host *fl_dma_device_host(struct fl_dma_device *dev);

#endif
