/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of files (vfs/node.h) as a FUSE mount. The server is one thread: it takes a request, has the
 * tree do it, answers, and between requests lets the tree work (tick). What cannot be answered yet - a
 * read of a pipe that has nothing (-EAGAIN of the node's read), a poll - is parked and tried again at
 * each tick, and is gone when the reader is interrupted. So one write is one critical section, and a
 * tree needs no lock.
 *
 * A server that walks into its own mount waits for itself, in a sleep that nothing ends. So it leaves
 * the mount behind: after mounting it moves into a mount namespace of its own, from which the mount is
 * taken away. Whatever path it looks at afterwards leads to the system's own files.
 */
#ifndef MOUNT_SERVER_H
#define MOUNT_SERVER_H

#include <signal.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "vfs/node.h"

struct fl_mount;

/*
 * Mounts @root (borrowed) over the folder @dir; with @dir NULL at a new folder in /tmp that only the
 * mount namespace which fl_mount_enter() makes can see. -errno with @why in words:
 * -EPERM where this user may not mount, -ENOTEMPTY and the like of mount(2).
 */
int fl_mount_new(struct fl_node *root, const char *dir, struct fl_mount **ret, struct fl_buf *why);
/* Unmounts, also where files are still open. NULL is allowed. */
void fl_mount_free(struct fl_mount *m);
FL_DEFINE_CLEANUP(struct fl_mount *, fl_mount_free);
#define _cleanup_mount_ _cleanup_(fl_mount_freep)

/* A folder or file of the tree that is shown over a path of the system to a command. */
struct fl_mount_bind {
	const char *from; /* in the tree: "tracing" */
	const char *over; /* "/sys/kernel/tracing" */
	/* Tools look for a mount of this type in /proc/mounts; it is made beneath, where it is not. NULL: none */
	const char *type;
};

/*
 * What the server does besides requests. tick() is called at least every 20 ms while the server runs;
 * a non-zero result ends it and is returned by fl_mount_run() (positive: a good end).
 */
struct fl_mount_loop {
	const volatile sig_atomic_t *stop; /* NULL: none */
	int (*tick)(void *ctx);		   /* NULL: none */
	void *ctx;
	int wake_fd; /* readable: tick() at once; -1: none */
	/* Around each use of the tree, where other threads use what lies behind it. NULL: none do. */
	void (*enter)(void *ctx);
	void (*leave)(void *ctx);
};

/* Serves until it is unmounted, stopped, or tick() ends it: 0, what tick() returned, or -errno. */
int fl_mount_run(struct fl_mount *m, const struct fl_mount_loop *loop);

/*
 * Starts @argv in a mount namespace of its own in which each bind stands over its path. The names in
 * @binds must outlive the mount. The child stops with status 126 or 127 when the program cannot be
 * started, and 125 when a bind cannot be made; it says why on stderr. Return: its pid, or -errno.
 */
pid_t fl_mount_start(struct fl_mount *m, const struct fl_mount_bind *binds, size_t n, char **argv);

#endif
