/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind the handles of <foreland/probe.h>. The command is its first user, and shows more
 * than others can ask for: it takes the session out of the handle.
 */
#ifndef PROBE_LIB_PRIVATE_H
#define PROBE_LIB_PRIVATE_H

#include <foreland/probe.h>

#include "base/arena.h"
#include "base/buf.h"
#include "probe/event/event.h"
#include "probe/live/session.h"
#include "probe/output/text.h"
#include "probe/target/target.h"

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
	const struct fl_tracing_loop *loop;
	uint64_t lines;
	struct fl_buf line, json;
};

int lib_keep_files(struct fl_system *sys, struct fl_target_opts *opts);

#endif
