/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be sent and has not arrived yet, in order and within a bound: in memory, or on disk, where it outlives
 * this process. On disk an item is a file whose name is its number; it is whole on the disk before it has that
 * name, and is removed when it has arrived. What finds no room pushes the oldest out, which is counted, and on disk
 * the count lives on, too.
 *
 *	SPOOL/0000000000000012		struct head, then the bytes
 *	SPOOL/pushed-out		counts
 *
 * A process that is killed may leave its last item sent and not removed: it is sent again.
 */
#ifndef FLEET_SPOOL_SPOOL_H
#define FLEET_SPOOL_SPOOL_H

#include <stdbool.h>

#include "base/buf.h"
#include "foreland/diag.h"

struct fl_spool;

enum fl_spool_kind { FL_SPOOL_METRICS, FL_SPOOL_LOGS, _FL_SPOOL_KIND_MAX };

struct fl_spool_stats {
	uint64_t items[_FL_SPOOL_KIND_MAX];  /* pushed out: points, records */
	uint64_t batches;		     /* the requests that they were in */
	uint64_t damaged;		     /* files that were not what they should be */
	uint64_t bytes, waiting;	     /* that are there now, and in how many requests */
};

struct fl_spool_item {
	enum fl_spool_kind kind;
	uint64_t items;	 /* that its bytes hold */
	struct fl_buf bytes;
};

/**
 * fl_spool_open() - what is there already is the oldest
 * @dir: made where it is not there; NULL: memory
 * @bound: bytes, of all items together
 *
 * Return: 0; -EBUSY: another process has it; -EPERM: others can write there; -errno.
 */
int fl_spool_open(const char *dir, uint64_t bound, struct fl_spool **ret);
void fl_spool_close(struct fl_spool *s); /* NULL is allowed */

/* 0: it will not be forgotten; -E2BIG: it is larger than the bound; -errno. What fails is counted as pushed out. */
int fl_spool_put(struct fl_spool *s, enum fl_spool_kind kind, uint64_t items, struct fl_str bytes);

/* The oldest, which stays. 0, -ENOENT: there is none, -errno. */
int fl_spool_first(struct fl_spool *s, struct fl_spool_item *ret);
/* The one that fl_spool_first() gave has arrived, or will never: unless it was pushed out meanwhile. */
void fl_spool_done(struct fl_spool *s);

void fl_spool_stats(const struct fl_spool *s, struct fl_spool_stats *ret);

#endif
