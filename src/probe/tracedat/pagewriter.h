/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of the kernel's ring buffer, written: see ringpage.h for what they are. Each is handed to its
 * owner when it is full. Little endian, 64 bits.
 */
#ifndef PROBE_TRACEDAT_PAGEWRITER_H
#define PROBE_TRACEDAT_PAGEWRITER_H

#include "base/str.h"

/* Larger than the kernel's, so that a record with the longest strings fits. */
#define FL_PAGE_SIZE 65536u
#define FL_PAGE_HEAD 16u /* time, commit */

struct fl_page_writer {
	uint32_t size; /* of a page; 0: FL_PAGE_SIZE */
	uint8_t *page; /* NULL until the first record */
	uint32_t used; /* bytes behind the head */
	uint64_t last; /* time of the record before */
	uint64_t missed; /* records that are lost before the next page's; UINT64_MAX: some */
	/* @page is the used bytes of a page, its head included. 0 or -errno. */
	int (*full)(void *ctx, struct fl_str page);
	void *ctx;
};

void fl_page_writer_fini(struct fl_page_writer *w);

/* Records come in the order of their times. 0, -ENOMEM, -E2BIG (it fits no page), or what full() says. */
int fl_page_writer_add(struct fl_page_writer *w, uint64_t time, struct fl_str record);
/* What stands before and behind this is on pages of their own. */
int fl_page_writer_flush(struct fl_page_writer *w);
/* @n records, UINT64_MAX: some, were lost here. */
int fl_page_writer_lost(struct fl_page_writer *w, uint64_t n);

#endif
