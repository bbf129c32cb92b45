/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record as a chain of frames, for the views that show chains: its callers where it has them,
 * otherwise its function, file and module, each a frame.
 */
#ifndef ALLOC_VIEWS_STACKS_H
#define ALLOC_VIEWS_STACKS_H

#include "alloc/records/record.h"
#include "base/buf.h"

#define FL_ALLOC_CHAIN_MAX 512u

/* Innermost first; returns how many, at most FL_ALLOC_CHAIN_MAX. @v is for those without callers. */
size_t fl_alloc_chain(const struct fl_alloc_record *r, struct fl_alloc_frame v[3],
		      const struct fl_alloc_frame **ret);
/* "function", or "lib.so+0x1234" where that is not known. */
void fl_alloc_frame_name(const struct fl_alloc_frame *f, struct fl_buf *out);

/* "outermost;...;innermost BYTES" a line, as flame graphs and speedscope read it; live bytes. */
void fl_alloc_render_folded(const struct fl_alloc_set *set, struct fl_buf *out);

/* A profile for pprof, gzipped: objects and bytes, in use and (where known) ever allocated. -ENOMEM. */
int fl_alloc_render_pprof(const struct fl_alloc_set *set, struct fl_buf *out);

#endif
