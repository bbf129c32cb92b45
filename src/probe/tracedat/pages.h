/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages of one CPU, one after the other: as they lie in the file, or out of chunks that are
 * unpacked one at a time (chunks:4, then packed:4 unpacked:4 DATA of each).
 */
#ifndef PROBE_TRACEDAT_PAGES_H
#define PROBE_TRACEDAT_PAGES_H

#include "probe/tracedat/datfile.h"

struct fl_dat_pages {
	const struct fl_datfile *file;
	uint32_t page_size;
	bool is_packed;
	uint64_t next, end;   /* what is left of the stream in the file */
	uint32_t chunks_left; /* where it is packed */
	uint8_t *chunk;
	size_t chunk_size, chunk_cap, chunk_at;
};

/* -EINVAL where not even the number of chunks is there. */
int fl_dat_pages_open(const struct fl_datfile *d, const struct fl_dat_buffer *b, const struct fl_dat_stream *s,
		      struct fl_dat_pages *ret);
void fl_dat_pages_close(struct fl_dat_pages *p);

/*
 * 1 and the next page, good until the next call: shorter than page_size where the file ends in it.
 * 0: that was the last one. -EINVAL: a chunk is damaged, and what follows cannot be found.
 */
int fl_dat_pages_next(struct fl_dat_pages *p, struct fl_str *ret);

/* All bytes of a stream in one piece; -E2BIG past @max. */
int fl_dat_whole(const struct fl_datfile *d, const struct fl_dat_stream *s, bool is_packed, size_t max,
		 struct fl_buf *out);

#endif
