/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trigger of an event of ours: where its keys, sums and variables lie in our maps. */
#ifndef PROBE_HIST_CONVERT_H
#define PROBE_HIST_CONVERT_H

#include "probe/hist/hist.h"
#include "probe/hist/trigger.h"

/* Variables of all histograms of one event: they have the same keys, and are kept in one map. */
#define FL_HIST_EVENT_VARS (2 * FL_HIST_VARS)

struct fl_hist_var_place {
	const struct fl_hist_value *value;
	uint16_t offset, size; /* in the map's value; the first word tells which are set */
};

struct fl_hist_vars {
	struct fl_hist_var_place v[FL_HIST_EVENT_VARS];
	size_t n;
	uint16_t size; /* 0: there are none */
};

/* -E2BIG: more than one map keeps. */
int fl_hist_vars(const struct fl_trigger_event *e, struct fl_hist_vars *ret);
/* SIZE_MAX: it is no variable of that event. */
size_t fl_hist_var(const struct fl_hist_vars *vars, const struct fl_hist_value *v);

/* Bytes of a value in a map: a string's 64, else 8. */
uint16_t fl_hist_value_room(const struct fl_hist_value *v);

/* The argument of that name; SIZE_MAX: none. */
size_t fl_hist_arg(const struct fl_probe_event *e, const char *name);

/*
 * Its table: the keys, the sums, the order. -EOPNOTSUPP where something in it cannot be counted by us,
 * and *@why says what.
 */
int fl_hist_convert(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *ret, const char **why);

/* It counts nothing that anybody asked for: its variables and actions are all. */
bool fl_hist_counts_nothing(const struct fl_trigger *t);

#endif
