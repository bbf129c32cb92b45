/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one open of /proc/allocinfo remembers, and its three requests. Results are 0 or the errno
 * that the kernel gives, negative.
 */
#ifndef ALLOC_PROCFS_SESSION_H
#define ALLOC_PROCFS_SESSION_H

#include "alloc/procfs/space.h"
#include "foreland/allocinfo.h"

/* Zero-initialise to open. */
struct fl_allocinfo_session {
	struct fl_allocinfo_filter filter; /* as the last accepted GET_AT set it */
	struct fl_tag_iter iter;
	bool positioned; /* GET_NEXT goes on from iter; otherwise it begins at the first tag */
};

/* -EFAULT where the caller's memory cannot be had. */
struct fl_user_copy {
	int (*from)(void *dst, const void *user, size_t n);
	int (*to)(void *user, const void *src, size_t n);
};

int fl_allocinfo_get_at(struct fl_allocinfo_session *s, struct fl_tag_space *space,
			struct fl_allocinfo_get_at *args);
int fl_allocinfo_get_next(struct fl_allocinfo_session *s, struct fl_tag_space *space,
			  struct fl_allocinfo_tag_data *ret);

/* Any of the requests of foreland/allocinfo.h, in all three shapes; -ENOTTY for others. */
int fl_allocinfo_ioctl(struct fl_allocinfo_session *s, struct fl_tag_space *space,
		       unsigned long request, void *arg, const struct fl_user_copy *copy);

/* A string as the interface gives it: its last 63 characters where it has 64 or more. */
const char *fl_allocinfo_str(const char *s);

#endif
