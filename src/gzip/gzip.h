/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes out compressed: profiles, requests. A folder of its own, so that what compresses nothing needs no zlib. */
#ifndef GZIP_GZIP_H
#define GZIP_GZIP_H

#include "base/buf.h"
#include "base/str.h"

enum fl_gzip_level {
	FL_GZIP_FAST,  /* for what is sent once and soon */
	FL_GZIP_SMALL, /* for what is kept */
};

/**
 * fl_gzip() - appends @in as one member of a gzip file
 *
 * Return: 0; -EFBIG: it is more than zlib takes at once (4 GiB); -ENOMEM. @out is as before where it fails.
 */
int fl_gzip(struct fl_str in, enum fl_gzip_level level, struct fl_buf *out);

#endif
