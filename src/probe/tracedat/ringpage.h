/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page of the kernel's ring buffer, as trace_pipe_raw hands it out and trace-cmd files it: the
 * time of its first record, the bytes used, then entries of one word or two and their data. Nothing
 * in it is believed.
 */
#ifndef PROBE_TRACEDAT_RINGPAGE_H
#define PROBE_TRACEDAT_RINGPAGE_H

#include "base/str.h"
#include "probe/record/abi.h"

struct fl_ring_page {
	const uint8_t *data; /* entries */
	struct fl_abi abi;
	bool is_cut;	     /* more was written into it than there is */
	uint64_t at, end;
	uint64_t time;	     /* of the entry before @at */
	uint64_t missed;     /* records that were overwritten before this page; UINT64_MAX: unknown */
};

/* What the kernel's header_page says. */
struct fl_ring_format {
	uint32_t data_offset; /* where the entries begin in a page */
	uint32_t page_size;
	uint8_t long_size; /* the kernel's */
};

/* -EINVAL where the text does not say it. */
int fl_ring_format_parse(struct fl_str text, struct fl_ring_format *ret);

/* @page is perhaps cut short; @data_offset is the format's. */
void fl_ring_page_open(struct fl_ring_page *p, struct fl_str page, uint32_t data_offset, struct fl_abi abi);

/*
 * The next record, its time in p->time: 1 with @ret, at least 8 bytes (the common fields); 0 at the
 * end; -EINVAL where the page contradicts itself, and then at each further call.
 */
int fl_ring_page_next(struct fl_ring_page *p, struct fl_str *ret);

#endif
