/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The narrow waist: a tree of files with operations. An engine shows itself through the kernel's own
 * file interface (tracefs, configfs, procfs) by giving nodes; a face (script, command line, FUSE)
 * walks them by path. Neither knows the other.
 *
 * Every operation returns 0 (or a byte count) or a negative errno, and means what the system call of
 * that name means on Linux: a face may pass the errno on unchanged.
 *
 * Ownership: nodes are counted. lookup() returns a counted node; fl_node_ref()/fl_node_unref() do the
 * counting; the last unref calls ops->free. A directory that keeps its children in memory uses the
 * generic ops of vfs/dir.h and implements only what is special about it.
 *
 * Threads: a tree is used by one thread at a time; a face that has several takes a lock around it.
 */
#ifndef VFS_NODE_H
#define VFS_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct fl_node;

enum fl_node_type {
	FL_NODE_DIR,
	FL_NODE_FILE,
	FL_NODE_SYMLINK,
};

/* One open file: what read(2) positions and procfs's per-open state live in. */
struct fl_open {
	struct fl_node *node; /* counted */
	int flags;	      /* O_RDONLY, O_WRONLY, O_RDWR | O_APPEND | O_TRUNC, as for open(2) */
	pid_t caller;	      /* who has opened it, or writes now; 0: not known */
	void *state;	      /* the node's, set by ops->open, released by ops->release */
};

/* Called once a directory entry; a non-zero result ends the listing and is returned from readdir. */
typedef int (*fl_readdir_fn)(void *ctx, struct fl_str name, enum fl_node_type type);

/* An operation left NULL answers as the kernel does where a file has none (in brackets). */
struct fl_node_ops {
	/* directories */
	int (*lookup)(struct fl_node *dir, struct fl_str name, struct fl_node **ret); /* [-ENOENT] */
	int (*readdir)(struct fl_node *dir, fl_readdir_fn fn, void *ctx);	     /* [nothing] */
	int (*mkdir)(struct fl_node *dir, struct fl_str name);			     /* [-EPERM] */
	int (*rmdir)(struct fl_node *dir, struct fl_str name);			     /* [-EPERM] */
	/* @target is the text as given; @resolved the node it names, or NULL where it names none */
	int (*symlink)(struct fl_node *dir, struct fl_str name, struct fl_str target,
		       struct fl_node *resolved); /* [-EPERM] */
	int (*unlink)(struct fl_node *dir, struct fl_str name); /* [-EPERM] */

	/* symbolic links: appends nothing, returns a borrowed text */
	int (*readlink)(struct fl_node *link, struct fl_str *ret);

	/* files */
	int (*open)(struct fl_open *o);	    /* [allowed] */
	void (*release)(struct fl_open *o); /* [nothing] */
	ssize_t (*read)(struct fl_open *o, void *buf, size_t n, uint64_t pos);	      /* [-EINVAL] */
	ssize_t (*write)(struct fl_open *o, const void *buf, size_t n, uint64_t pos); /* [-EINVAL] */
	ssize_t (*size)(struct fl_open *o); /* bytes that can be read, where that is known [-1] */
	/* @arg is the caller's memory as the ioctl's structure; -ENOTTY for unknown requests */
	long (*ioctl)(struct fl_open *o, unsigned long request, void *arg); /* [-ENOTTY] */
	int (*poll)(struct fl_open *o, short events); /* ready events; [POLLIN | POLLOUT] */

	void (*free)(struct fl_node *n); /* the last reference is gone */
};

struct fl_node {
	const struct fl_node_ops *ops;
	enum fl_node_type type;
	mode_t mode; /* permission bits: 0444, 0644, 0755 */
	bool open_to_root; /* whatever @mode says, as in tracefs; in configfs and sysfs not even root may */
	bool lasting; /* stays under its name as long as the tree: need not be looked up again */
	unsigned int refs;
	struct fl_node *parent; /* not counted; NULL at the root */
	void *data;		/* the engine's */
	struct fl_node *owner;	/* counted: what @data is part of, and lives as long as this node; NULL: none */
};

struct fl_node *fl_node_ref(struct fl_node *n);
struct fl_node *fl_node_unref(struct fl_node *n); /* returns NULL; NULL is allowed */

/*
 * Path walk from @cwd, or from the root above it for a path that starts with "/". Knows ".", "..",
 * repeated slashes and symbolic links (-ELOOP past 40, as the kernel). The result is counted.
 */
int fl_node_walk(struct fl_node *cwd, struct fl_str path, bool follow_last, struct fl_node **ret);
/* The directory in which @path's last part lies or would lie, and that part. */
int fl_node_walk_parent(struct fl_node *cwd, struct fl_str path, struct fl_node **ret_dir,
			struct fl_str *ret_last);

/*
 * The system calls, by node or by path, with the checks that the VFS makes before it asks the
 * file system: -EISDIR, -ENOTDIR, -EACCES against mode, -EEXIST, -ENAMETOOLONG past 255 bytes.
 */
int fl_vfs_open(struct fl_node *n, int flags, struct fl_open **ret);
void fl_vfs_close(struct fl_open *o);
ssize_t fl_vfs_read(struct fl_open *o, void *buf, size_t n, uint64_t pos);
ssize_t fl_vfs_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos);
ssize_t fl_vfs_size(struct fl_open *o);
long fl_vfs_ioctl(struct fl_open *o, unsigned long request, void *arg);
int fl_vfs_poll(struct fl_open *o, short events);
int fl_vfs_mkdir(struct fl_node *cwd, struct fl_str path);
int fl_vfs_rmdir(struct fl_node *cwd, struct fl_str path);
int fl_vfs_symlink(struct fl_node *cwd, struct fl_str target, struct fl_str path);
int fl_vfs_unlink(struct fl_node *cwd, struct fl_str path);
int fl_vfs_readdir(struct fl_node *dir, fl_readdir_fn fn, void *ctx);

#endif
