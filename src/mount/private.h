/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a mount share. */
#ifndef MOUNT_PRIVATE_H
#define MOUNT_PRIVATE_H

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#include "mount/inodes.h"
#include "mount/server.h"

/* An open file, or the names in an open directory. */
struct fl_mount_handle {
	struct fl_open *open; /* NULL: a directory */
	bool is_stream;	 /* what is read is gone */
	struct fl_buf partial; /* the start of a line whose end is still to be written */
	struct fl_mount_name *names;
	size_t n;
	struct fuse_pollhandle *poll;
	struct fl_mount_handle *next; /* of those with @poll */
	struct fl_mount_handle *after, **at; /* of the open files */
};

/* A read that waits. */
struct fl_mount_parked {
	struct fl_mount_parked *next;
	struct fl_mount *m;
	struct fl_mount_handle *h;
	fuse_req_t req;
	size_t size;
	uint64_t pos;
};

struct fl_mount {
	struct fuse_session *se;
	struct fuse_buf request;
	struct fl_inodes *inodes;
	struct fl_mount_parked *parked;
	struct fl_mount_handle *polled, *files;

	char *dir;	 /* where it is mounted; NULL: in the command's namespace alone */
	int outside;	 /* the mount namespace that @dir is in, or the one made for the command */
	pid_t helper;	 /* fusermount3, which has mounted it, and unmounts it when @comm is closed; 0: none */
	int comm;	 /* -1: none */
	int mounts;	 /* of the caller's namespace, to see that somebody else has unmounted it; -1: not needed */
	const struct fl_mount_bind *binds; /* as the command sees them */
	size_t nr_binds;
};

extern const struct fuse_lowlevel_ops fl_mount_ops;

/* What is still open when the server ends. */
void fl_mount_close_files(struct fl_mount *m);

/* Reads and polls that could not be answered: those that can be now, are. */
void fl_mount_retry_parked(struct fl_mount *m);

/* Whether somebody has unmounted what fusermount3 had mounted: the server's own copy keeps the connection. */
bool fl_mount_is_gone(struct fl_mount *m);

/* The node that the path @target names for the process @pid; NULL where it is none of ours. */
struct fl_node *fl_mount_resolve(struct fl_mount *m, pid_t pid, const char *target);

#endif
