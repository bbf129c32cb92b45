/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX's ustar, as much of it as a bundle needs: regular files with names of up to 99 bytes. */
#ifndef PROBE_BUNDLE_TAR_H
#define PROBE_BUNDLE_TAR_H

#include "base/buf.h"
#include "base/str.h"

/* Appends a file; the time is 1970, so that the same content makes the same bytes. -ENAMETOOLONG, -ENOMEM. */
int fl_tar_add(struct fl_buf *out, const char *name, struct fl_str content);
/* The two empty blocks behind the last. */
void fl_tar_end(struct fl_buf *out);

/*
 * The next file of @rest, which goes on behind it. 1; 0 at the end; -EINVAL where these bytes are no archive, or
 * one that is cut off. What is no regular file is passed over.
 */
int fl_tar_next(struct fl_str *rest, struct fl_str *ret_name, struct fl_str *ret_content);

#endif
