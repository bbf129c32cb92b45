/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gzip/gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define WINDOW_BITS 15
#define WITH_HEADER 16 /* gzip's, and not zlib's own */
#define MEMORY	    8

static int begin(z_stream *z, enum fl_gzip_level level)
{
	int how = level == FL_GZIP_FAST ? Z_BEST_SPEED : Z_DEFAULT_COMPRESSION;
	int r = deflateInit2(z, how, Z_DEFLATED, WINDOW_BITS + WITH_HEADER, MEMORY, Z_DEFAULT_STRATEGY);

	return r == Z_OK ? 0 : -ENOMEM;
}

int fl_gzip(struct fl_str in, enum fl_gzip_level level, struct fl_buf *out)
{
	z_stream z = {};
	uLong bound;
	char *room;
	int r;

	if (in.n > UINT_MAX)
		return -EFBIG;
	if (begin(&z, level) < 0)
		return -ENOMEM;
	bound = deflateBound(&z, in.n);
	room = bound <= UINT_MAX ? fl_buf_reserve(out, bound) : NULL;
	if (!room) {
		deflateEnd(&z);
		return bound > UINT_MAX ? -EFBIG : -ENOMEM;
	}
	z.next_in = (unsigned char *)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (unsigned char *)room;
	z.avail_out = (uInt)bound;
	r = deflate(&z, Z_FINISH);
	if (r == Z_STREAM_END)
		out->len += z.total_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : -ENOMEM;
}
