/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session has counted, as metrics: its events' hits and what became of them, and its histograms. */
#ifndef FLEET_METER_METER_H
#define FLEET_METER_METER_H

#include "metrics/metrics.h"
#include "probe/live/session.h"
#include "probe/output/symbols.h"

struct fl_meter;

/*
 * Of a started session, which with @symbols is borrowed. @question: whose it is, copied; empty: there is one
 * alone, and metrics do not name it.
 */
int fl_meter_new(struct fl_session *session, struct fl_symbols *symbols, struct fl_str question,
		 struct fl_meter **ret);
void fl_meter_free(struct fl_meter *m); /* NULL is allowed */

/*
 * The session is about to go: what it has counted stays, and so do the names of its events. 0 or -ENOMEM. Then, or
 * never, another one of the same events in its place, whose counts go on from there. (Histograms begin anew.)
 */
int fl_meter_keep(struct fl_meter *m);
void fl_meter_again(struct fl_meter *m, struct fl_session *session, struct fl_symbols *symbols);

/* A record was handed out. */
void fl_meter_record(struct fl_meter *m, const struct fl_record *rec, size_t size);

/* 0 or -errno. */
int fl_meter_add(struct fl_meter *m, struct fl_metrics *to);

#endif
