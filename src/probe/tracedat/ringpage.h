/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page of the kernel's ring buffer, as trace_pipe_raw hands it out and trace-cmd files it: the
 * time of its first record, the bytes used, then entries of one word or two and their data. Nothing
 * in it is believed.
 */
#ifndef PROBE_TRACEDAT_RINGPAGE_H
#define PROBE_TRACEDAT_RINGPAGE_H

#include "base/str.h"

struct fl_ring_page {
	const uint8_t *data; /* entries */
	uint64_t at, end;
	uint64_t time;	     /* of the entry before @at */
	uint64_t missed;     /* records that were overwritten before this page; UINT64_MAX: unknown */
};

/*
 * Reads a header_page text: where the entries begin in a page, and how large a page is.
 * -EINVAL where it does not say.
 */
int fl_ring_header(struct fl_str text, uint32_t *ret_data_offset, uint32_t *ret_page_size);

/* @data_offset is header_page's of the field "data"; @page_size is larger. */
void fl_ring_page_open(struct fl_ring_page *p, const uint8_t *page, uint32_t page_size,
		       uint32_t data_offset);

/*
 * The next record, its time in p->time: 1 with @ret, at least 8 bytes (the common fields); 0 at the
 * end; -EINVAL where the page contradicts itself, and then at each further call.
 */
int fl_ring_page_next(struct fl_ring_page *p, struct fl_str *ret);

#endif
