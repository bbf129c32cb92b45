/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a recording that are compressed: one zlib stream or one zstd frame each. */
#ifndef PROBE_TRACEDAT_UNPACK_H
#define PROBE_TRACEDAT_UNPACK_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum fl_packing {
	FL_PACKING_NONE,
	FL_PACKING_ZLIB,
	FL_PACKING_ZSTD,
	_FL_PACKING_MAX,
};

/* "none", "zlib", "zstd", as a file's header says it. */
extern const char *const fl_packing_names[_FL_PACKING_MAX];

/* -EPROTONOSUPPORT: no packing of ours has that name. */
int fl_packing_find(struct fl_str name, enum fl_packing *ret);

/* What is kept from block to block: to begin with a frame costs as much as to unpack some pages. Zero to start. */
struct fl_unpacker {
	struct ZSTD_DCtx_s *zstd;
};

void fl_unpacker_fini(struct fl_unpacker *u);

/* Up to @size bytes are made (trace-cmd claims more than there are of the last block); or -EINVAL. */
int fl_unpack(struct fl_unpacker *u, enum fl_packing packing, struct fl_str block, void *out, size_t size,
	      size_t *ret_made);

/* Appends @data, packed. 0 or -ENOMEM. */
int fl_pack(enum fl_packing packing, struct fl_str data, struct fl_buf *out);

#endif
