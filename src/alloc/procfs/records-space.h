/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tag space made of a source's records, which are read anew as time goes on: so the kernel's requests
 * are answered where the kernel knows none of them.
 *
 * Where records come without file and line (a stock kernel's), what one function holds is one tag:
 * nothing tells its call sites apart. Their file is "?" and their line 0, so that a line still reads
 * FILE:LINE, and the function is named without the offset of the call.
 */
#ifndef ALLOC_PROCFS_RECORDS_SPACE_H
#define ALLOC_PROCFS_RECORDS_SPACE_H

#include "alloc/procfs/space.h"
#include "alloc/records/record.h"

struct fl_records_space;

/* Fills an empty set; -errno leaves the tags as they were. */
typedef int (*fl_records_read_fn)(void *ctx, struct fl_alloc_set *set);

/* Reads once; what that returned, or -ENOMEM. */
int fl_records_space_new(fl_records_read_fn read, void *ctx, struct fl_records_space **ret);
void fl_records_space_free(struct fl_records_space *s); /* NULL is allowed */
struct fl_tag_space *fl_records_space_tags(struct fl_records_space *s);

#endif
