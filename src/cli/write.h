/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a command writes where its user says: by the door of "base/safe-write.h", failures are said. */
#ifndef CLI_WRITE_H
#define CLI_WRITE_H

#include "base/buf.h"

/** fl_write_file() - all of @b into @path, at once. Return: 0 or -ECANCELED. */
int fl_write_file(const char *path, const struct fl_buf *b);

/**
 * fl_write_stream() - @path, for what is read while it grows
 *
 * Return: a descriptor, or -ECANCELED.
 */
int fl_write_stream(const char *path);

#endif
