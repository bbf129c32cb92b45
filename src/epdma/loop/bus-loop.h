/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus to an endpoint in this very process: the host's driver and the device without a socket between them.
 * Reads and writes of BARs are calls into the endpoint's model, by the thread that makes them; memory for DMA is
 * the process's own, at addresses that this bus gives out; a vector is a bit, and an eventfd wakes the thread that
 * waits for one. So what fails here fails without the wire.
 */
#ifndef EPDMA_LOOP_BUS_LOOP_H
#define EPDMA_LOOP_BUS_LOOP_H

#include "epdma/host/bus.h"
#include "epdma/wire/device.h"

/*
 * @d is borrowed and has one loopback at a time. @map_lists: descriptor memory is written directly, as
 * through a mapped BAR; otherwise word by word through the BAR model.
 */
int fl_bus_loopback(struct fl_device *d, bool map_lists, struct fl_bus **ret);

#endif
