/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files as memory. Files that the user named are opened as they are; those that somebody else
 * named (a process by its maps, an ELF file by its debug link, a tree by its sources) by
 * fl_file_open_named(), or as "base/mapping.h" does. What is written goes through "base/safe-write.h".
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * A file's bytes, read-only: mapped where it can be and nobody else can cut it short, else read.
 */
struct fl_file {
	const uint8_t *data;
	size_t size;
	_Bool mapped;
};

/* -EFBIG past @max bytes; otherwise open's, fstat's or read's errno. @path "-" is standard input. */
int fl_file_open(const char *path, size_t max, struct fl_file *ret);
int fl_file_open_fd(int fd, size_t max, struct fl_file *ret);
/* The same from byte @from of a regular file on, which becomes the beginning of its page. */
int fl_file_open_rest(int fd, uint64_t *from, size_t max, struct fl_file *ret);
void fl_file_close(struct fl_file *f);
#define _cleanup_file_ __attribute__((cleanup(fl_file_close)))

/*
 * A regular file at once, or -EINVAL (-EISDIR): no FIFO is waited for, no device started. @flags
 * are more of open(2)'s, O_NOFOLLOW for one. A descriptor.
 */
int fl_open_regular(int dir, const char *path, int flags);

/* The same, its bytes. */
int fl_file_open_named(const char *path, size_t max, struct fl_file *ret);

/* The file that execvp(3) would find for @name; false where there is none. */
bool fl_find_program(const char *name, char path[PATH_MAX]);

static inline struct fl_str fl_file_str(const struct fl_file *f)
{
	return (struct fl_str){ (const char *)f->data, f->size };
}

#endif
