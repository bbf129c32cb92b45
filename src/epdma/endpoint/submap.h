/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The planner of a DMA window: which pieces of the endpoint's address space it shows, and where. */
#ifndef EPDMA_ENDPOINT_SUBMAP_H
#define EPDMA_ENDPOINT_SUBMAP_H

#include "epdma/endpoint/epc.h"

#define FL_SUBMAPS_MAX (1 + _FL_EPDMA_DIR_MAX * FL_EPDMA_MAX_CHANS)

struct fl_submaps {
	uint64_t align; /* 0 or a power of two */
	uint64_t size;	/* bytes laid out so far: the next piece's offset in the BAR */
	unsigned int n;
	struct fl_epc_submap v[FL_SUBMAPS_MAX + 1]; /* one more for the BAR's tail */
	uint64_t at[FL_SUBMAPS_MAX + 1];
};

/*
 * Makes [phys, phys + size) visible, and gives its offset in the BAR. A piece that covers it is used
 * again; the last piece is extended where it ends at this one's start; otherwise a piece is added.
 * -EINVAL: no size; -EOVERFLOW; -ENOSPC: FL_SUBMAPS_MAX pieces are there.
 */
int fl_submaps_add(struct fl_submaps *s, uint64_t phys, uint64_t size, uint64_t *ret_offset);

/* Covers what is left of a BAR of @bar_size with its own memory at @scratch. */
void fl_submaps_fill(struct fl_submaps *s, uint64_t bar_size, uint64_t scratch);

#endif
