/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record that ends a trace: "FILTER", "EVENT" or "EVENT: FILTER" in the kernel's filter language, on
 * the arguments of the events that are traced.
 */
#ifndef PROBE_LIVE_UNTIL_H
#define PROBE_LIVE_UNTIL_H

#include "base/cleanup.h"
#include "foreland/diag.h"
#include "probe/record/schema.h"
#include "probe/target/target.h"

struct fl_until;

/*
 * A FILTER alone is for each event that has its fields, and one must. @text is borrowed. -EINVAL with @diag,
 * whose text is @text, where there is no such event or the filter is none.
 */
int fl_until_new(struct fl_target *target, struct fl_record_schemas events, struct fl_str text,
		 struct fl_until **ret, struct fl_diag *diag);
void fl_until_free(struct fl_until *u);
FL_DEFINE_CLEANUP(struct fl_until *, fl_until_free);

bool fl_until_match(const struct fl_until *u, uint32_t cpu, const struct fl_record *rec, size_t size);

#endif
