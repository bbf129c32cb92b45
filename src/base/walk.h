/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to a file in folders where others have rights. A path is walked once, folder by folder
 * with a descriptor in hand, and what is done then is done in the folder that was reached; a name
 * that somebody exchanges afterwards leads nobody anywhere.
 */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <foreland/diag.h>

#include "base/cleanup.h"

/* Where a path ends: a name in an open folder (O_PATH). The name may not be there yet. */
struct fl_spot {
	int dir;
	char name[NAME_MAX + 1];
	bool magic; /* a link of procfs, which only the kernel can follow */
};

#define FL_SPOT_NONE { .dir = -1 }

void fl_spot_fini(struct fl_spot *p);
#define _cleanup_spot_ _cleanup_(fl_spot_fini)

/*
 * A path that the user typed. A symbolic link on it is followed where it is owned by root or by
 * us, in a folder where nobody else can exchange it; any other is refused with -ELOOP and named in
 * @diag. That is the rule of fs.protected_symlinks, and it holds in every folder, not only in
 * those with the sticky bit.
 */
int fl_walk(const char *path, struct fl_spot *ret, struct fl_diag *diag);

/* A path inside of the folder @tree: no link at all (-ELOOP), and nothing above it (-EXDEV). */
int fl_walk_beneath(int tree, const char *path, struct fl_spot *ret);

/* The folder @path inside of @tree, by the same rule: an O_PATH descriptor or -errno. */
int fl_walk_folder(int tree, const char *path);

/*
 * For what we run or load: 0 where we are not root, or where @path is a file of root's, in a folder that
 * nobody else can write, on a way that nobody else can change. Otherwise -EPERM.
 */
int fl_walk_for_root(const char *path);

/* Whether a thing is root's or ours. */
bool fl_owner_trusted(const struct stat *st);

/* Whether nobody but root and us can put another thing in the place of one of ours in this folder. */
bool fl_folder_closed(const struct stat *dir);

#endif
