/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --otlp and --spool of the commands that have them. */
#ifndef CLI_PUSH_H
#define CLI_PUSH_H

#include "base/opt.h"
#include "fleet/push/push.h"

struct push_opts {
	const char *otlp, *spool;
};

extern const struct fl_opt fl_push_options[];

/* Where things go, opened; all NULL is nowhere. */
struct push_job {
	struct fl_spool *spool;
	struct fl_sender *sender;
	struct fl_push *push;
};

/**
 * fl_push_open() - the spool and the receiver; what is wrong is said
 *
 * Return: 0, also where none is wanted; an exit status.
 */
int fl_push_open(const struct push_opts *o, struct push_job *j);
/* What @values gives is sent each @interval_ns from now on (0: 10 seconds). The same. */
int fl_push_begin(struct push_job *j, uint64_t interval_ns, int (*values)(void *ctx, struct fl_metrics **ret),
		  void *ctx);
void fl_push_end(struct push_job *j);

#endif
