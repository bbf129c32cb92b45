/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files as memory. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* A file's bytes, read-only: mapped where the file can be, read where it cannot (proc, pipes). */
struct fl_file {
	const uint8_t *data;
	size_t size;
	_Bool mapped;
};

/* -EFBIG past @max bytes; otherwise open's, fstat's or read's errno. @path "-" is standard input. */
int fl_file_open(const char *path, size_t max, struct fl_file *ret);
int fl_file_open_fd(int fd, size_t max, struct fl_file *ret);
void fl_file_close(struct fl_file *f);
#define _cleanup_file_ __attribute__((cleanup(fl_file_close)))

static inline struct fl_str fl_file_str(const struct fl_file *f)
{
	return (struct fl_str){ (const char *)f->data, f->size };
}

/* Writes a new file beside @path and renames it over, so that a reader sees the old or the new. */
int fl_file_replace(const char *path, const void *data, size_t n);

#endif
