/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of a recording, counted. The kernel files a kernel's and a user's stack as two records behind
 * the event's; those of one thread that follow each other are one stack here, the user's outside.
 */
#ifndef PROBE_EXPORT_STACKS_H
#define PROBE_EXPORT_STACKS_H

#include "base/arena.h"
#include "base/map.h"
#include "probe/export/export.h"
#include "probe/tracedat/recorded.h"

struct fl_stacks {
	struct fl_map counts;	/* "comm;outermost;...;innermost" -> how often */
	struct fl_arena arena;	/* its keys */
	struct fl_buf kernel;	/* of the stack that waits for its other half, ";outermost;...;innermost" */
	struct fl_buf comm;
	uint32_t pid, cpu;
	bool waits;
	uint64_t others; /* records that are no stacks */
};

/* As a form has them (private.h): those who write stacks differ in how they end. */
void *fl_stacks_create(const struct fl_export_opts *opts);
void fl_stacks_destroy(void *stacks);
int fl_stacks_record(void *stacks, const struct fl_recorded *rec, struct fl_buf *out);
/* What still waits is counted. */
int fl_stacks_end(struct fl_stacks *s);

#endif
