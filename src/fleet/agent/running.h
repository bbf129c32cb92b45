/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question that is being asked: its probes are in the kernel, what they count can be read, and its budget is held.
 *
 * A question that is over its budget (budget.h) is first thinned by task: each task may have a sixteenth of the
 * records that there may be, so that a flood of one does not hide the others. Histograms send no records, and stay
 * whole.
 */
#ifndef FLEET_AGENT_RUNNING_H
#define FLEET_AGENT_RUNNING_H

#include <foreland/probe.h>

#include "fleet/agent/budget.h"
#include "fleet/config/config.h"
#include "metrics/metrics.h"
#include "probe/live/rings.h"
#include "probe/output/symbols.h"
#include "probe/record/schema.h"

struct fl_running;

/**
 * fl_running_start() - ask it
 * @q: taken over where it starts
 * @diag: what is wrong, with the file's place and line; @place owns what it refers to
 */
int fl_running_start(struct fl_system *sys, struct fl_question *q, struct fl_running **ret, struct fl_diag *diag,
		     struct fl_arena *place);
/* Takes everything out of the kernel. NULL is allowed. */
void fl_running_free(struct fl_running *r);

const struct fl_question *fl_running_question(const struct fl_running *r);
/* It hands out records: it is to be read often. */
bool fl_running_has_records(const struct fl_running *r);

typedef int (*fl_running_fn)(void *ctx, struct fl_running *r, const struct fl_record *rec, size_t size);

/* What there is up to now. How many, or what @fn returned. */
int64_t fl_running_read(struct fl_running *r, fl_running_fn fn, void *ctx);
/* No more hits are counted from now on, and all that were come out. */
int fl_running_finish(struct fl_running *r, fl_running_fn fn, void *ctx);

/*
 * To be called now and then: 1 where its stage changed, which @ret_why tells in words; 0; -errno. What the probes
 * that go then had still to hand out is given to @fn.
 */
int fl_running_budget(struct fl_running *r, struct fl_system *sys, uint64_t now, fl_running_fn fn, void *ctx,
		      struct fl_buf *ret_why);

int fl_running_metrics(struct fl_running *r, struct fl_metrics *m);

/* What outputs need of a record's event; when it was, in nanoseconds since 1970. */
const struct fl_record_schema *fl_running_schema(const struct fl_running *r, const struct fl_record *rec);
uint64_t fl_running_time(const struct fl_running *r, const struct fl_record *rec);
struct fl_symbols *fl_running_symbols(const struct fl_running *r);

#endif
