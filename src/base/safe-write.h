/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door for writing a file, in folders where others may have rights.
 *
 * Regular files are replaced and never written into: the new one has no name until it is whole (or,
 * where the file system has no O_TMPFILE, one that cannot be guessed), then takes the old one's
 * name, owner and mode, but no set-user-ID, set-group-ID or sticky bit. Devices, FIFOs and our own
 * descriptors (/dev/stdout) are opened and written. What a path may lead over says "base/walk.h".
 *
 *	_cleanup_out_ struct fl_out out = FL_OUT_NONE;
 *	int r = fl_out_open(path, &out, &diag);
 *
 *	... write to out.fd ...
 *	r = fl_out_commit(&out);		without it nothing has happened
 *
 * A process that is killed leaves nothing, but between two calls of fl_out_commit(): a file with a name
 * cannot be replaced by one that has none, so the new one, whole by then, is given one and renamed.
 */
#ifndef BASE_SAFE_WRITE_H
#define BASE_SAFE_WRITE_H

#include <stddef.h>

#include "base/walk.h"

struct fl_temp;

struct fl_out {
	int fd;
	struct fl_spot spot; /* what is replaced; dir -1: @fd is the thing itself */
	struct fl_temp *temp;  /* its name until then; NULL: it has none */
};

#define FL_OUT_NONE { .fd = -1, .spot = FL_SPOT_NONE }

/* @diag is told of a symbolic link that is not followed; NULL is allowed, here and below. */
int fl_out_open(const char *path, struct fl_out *ret, struct fl_diag *diag);

/* A regular file, or a new one, inside of the folder @tree. Others are refused with -EINVAL. */
int fl_out_open_at(int tree, const char *path, struct fl_out *ret);

/* To the disk, and into its place. The descriptor stays open. */
int fl_out_commit(struct fl_out *o);

/* Closes; what was not committed is gone. */
void fl_out_fini(struct fl_out *o);
#define _cleanup_out_ _cleanup_(fl_out_fini)

/* All at once. */
int fl_out_write(const char *path, const void *data, size_t n, struct fl_diag *diag);
int fl_out_write_at(int tree, const char *path, const void *data, size_t n);

/*
 * For what is read while it grows: the new file is in its place at once, and empty. A descriptor
 * for reading and writing, or -errno.
 */
int fl_out_stream(const char *path, struct fl_diag *diag);

/*
 * For a program's main(): a file that may not grow is an error of write(2) and no signal; names that
 * are not in their place yet are unlinked at exit(3), and when a signal ends the program that it has no
 * handler of its own for.
 */
void fl_out_clean_up_at_end(void);

#endif
