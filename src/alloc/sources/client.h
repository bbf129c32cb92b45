/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of the allocinfo requests: reads all matches from whatever answers them - the
 * kernel's file, a tree.
 */
#ifndef ALLOC_SOURCES_CLIENT_H
#define ALLOC_SOURCES_CLIENT_H

#include <sys/types.h>

#include "alloc/records/filter.h"
#include "alloc/records/record.h"

struct fl_allocinfo_peer {
	/* 0 or the errno that the request ended with, negative. */
	int (*request)(struct fl_allocinfo_peer *peer, unsigned long request, void *arg);
	/*
	 * As many GET_NEXT answers as come in one exchange, 1 to @max; fewer than @max are the
	 * last, and -ENOENT means that there was none.
	 * NULL: one by one through request().
	 */
	int (*batch)(struct fl_allocinfo_peer *peer, struct fl_allocinfo_tag_data *v, size_t max,
		     size_t *ret_n);
};

/*
 * Adds what matches @f to @set: the merged shape is tried first, then the older ones. Read again, 10
 * times at most, while tags come and go meanwhile; @set->torn tells that it never held still.
 * -ENOTTY: there is no such interface behind @peer. -EOVERFLOW: it has more than FL_ALLOC_TAGS_MAX.
 */
#define FL_ALLOC_TAGS_MAX (1u << 24)
int fl_allocinfo_read(struct fl_allocinfo_peer *peer, const struct fl_alloc_filter *f,
		      struct fl_alloc_set *set);

#endif
