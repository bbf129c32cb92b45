/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind the handles of <foreland/probe.h>. */
#ifndef PROBE_LIB_PRIVATE_H
#define PROBE_LIB_PRIVATE_H

#include "base/arena.h"
#include "probe/lang/check.h"
#include "probe/lib/engine.h"
#include "probe/output/text.h"

struct fl_system {
	struct fl_target *target;
	struct fl_arena names;
	const char *btf;
};

struct fl_definition {
	struct fl_system *sys; /* borrowed */
	struct fl_probe_event *event;
	struct fl_buf listing, dump, lowered;
	struct fl_arena names;
};

struct fl_tracing {
	struct fl_system *sys; /* borrowed */
	struct fl_session *session;
	struct fl_symbols *symbols;
	struct fl_text *text;
	struct fl_field_names *names; /* where they are wanted */
	bool bytes;
	struct fl_tracing_events events;
	struct fl_probe_event **own; /* those of them that were made here */
	size_t nr_own;
	struct fl_arena texts; /* of definitions, and names of arguments */
	const struct fl_tracing_loop *loop;
	uint64_t lines;
	struct fl_buf line, json;
};

/* The rules that a name stands for; NULL: 7.3's. What fl_definition_check() returns. */
int lib_rules(struct fl_system *sys, const char *dialect, enum fl_dialect *ret);

/* What was wrong becomes @diag, in @text. @diag may be NULL. */
void lib_hand_over(struct fl_probe_verdict *v, struct fl_str text, struct fl_diag *diag);

/* One more event for the session. 0 or -errno. */
int lib_add_event(struct fl_tracing *t, struct fl_probe_event *e, struct fl_str def, struct fl_str filter);

/* Argument @i of @e, whose name is kept in @names. False behind the last. */
bool lib_argument(const struct fl_probe_event *e, size_t i, struct fl_arena *names, struct fl_argument *ret);

#endif
