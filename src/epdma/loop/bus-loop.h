/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus to an endpoint in this very process. */
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
