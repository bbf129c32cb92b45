/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory of the host that a device reaches, of a bus whose device is behind a translation of ours: shared
 * memory, and the addresses that the device is told. Who asks the translation for them is the bus.
 *
 * Addresses begin above what messages and 32-bit windows of platforms take, within any IOMMU's reach. There
 * is a hole behind each piece: a device that runs over its end meets an error and not a neighbour.
 *
 * Threads: one at a time.
 */
#ifndef EPDMA_HOST_BUS_DMA_H
#define EPDMA_HOST_BUS_DMA_H

#include "epdma/host/bus.h"

struct fl_bus_dma_piece {
	struct fl_bus_dma_piece *next;
	struct fl_dma_buf buf;
};

/* Zero-initialise to start. */
struct fl_bus_dma {
	uint64_t used; /* addresses handed out, holes included */
	struct fl_bus_dma_piece *pieces;
};

/**
 * fl_bus_dma_alloc() - a piece of whole pages
 * @size: bytes, rounded up
 * @map: tells the translation of it; what it returns is passed on
 *
 * Return: 0; -EINVAL: no size; -ENOMEM; what @map gave
 */
int fl_bus_dma_alloc(struct fl_bus_dma *m, size_t size, int (*map)(struct fl_bus *, const struct fl_dma_buf *),
		     struct fl_bus *bus, struct fl_dma_buf *ret);
/* @unmap first takes it from the translation; a piece that is none of @m's is left alone. */
void fl_bus_dma_free(struct fl_bus_dma *m, const struct fl_dma_buf *buf,
		     void (*unmap)(struct fl_bus *, const struct fl_dma_buf *), struct fl_bus *bus);
/* All pieces; the translation has gone before. */
void fl_bus_dma_fini(struct fl_bus_dma *m);

/* Where @n bytes at the device's address @addr lie; NULL: nowhere as a whole. */
uint8_t *fl_bus_dma_at(const struct fl_bus_dma *m, uint64_t addr, uint64_t n);

#endif
