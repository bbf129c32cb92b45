/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flight recorder: of each CPU's records the newest, as many as there is room for. What comes out of
 * the rings (rings.h) is kept here until somebody wants to see it; the oldest makes room for the newest.
 * To a probe a record that will be overwritten costs what every record costs, and what the rings could
 * not take is lost here as everywhere: the two are counted apart.
 */
#ifndef PROBE_LIVE_FLIGHT_H
#define PROBE_LIVE_FLIGHT_H

#include "base/cleanup.h"
#include "probe/live/rings.h"

struct fl_flight;

/* @bytes a CPU, taken when it has its first record; @nr_events: whose overwritten records are counted. */
int fl_flight_new(size_t bytes, size_t nr_events, struct fl_flight **ret);
void fl_flight_free(struct fl_flight *f);

/* 0, -ENOMEM, or -E2BIG: one record is larger than a CPU's room. */
int fl_flight_add(struct fl_flight *f, uint32_t cpu, const struct fl_record *rec, size_t size);

/* Hands out all that is kept, by time, and forgets it. Ends with what @fn returns, unless that is 0. */
int fl_flight_drain(struct fl_flight *f, fl_record_fn fn, void *ctx);

uint64_t fl_flight_overwritten(const struct fl_flight *f, size_t event);

#endif
