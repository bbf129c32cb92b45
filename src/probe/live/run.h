/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader's loop: looks into the rings from time to time until something says enough. */
#ifndef PROBE_LIVE_RUN_H
#define PROBE_LIVE_RUN_H

#include <signal.h>

#include "probe/live/session.h"

/**
 * struct fl_session_loop - what to do with a started trace
 * @duration_ns: stop after this long; 0: no limit
 * @stop: set by a signal handler; NULL: none
 * @record: called once a record; -ECANCELED is "enough", other negative errnos are returned
 * @idle: called after each look into the rings, to write what has gathered; 1 ends the run (what is
 *	left is still handed out), negative errnos as above
 * @ctx: theirs
 */
struct fl_session_loop {
	uint64_t duration_ns;
	const volatile sig_atomic_t *stop;
	fl_record_fn record;
	int (*idle)(void *ctx);
	void *ctx;
};

/*
 * Runs, stops the trace, hands out what is left (unless @record said enough) and waits until all
 * hits are accounted for. 0 or what a callback returned.
 */
int fl_session_run(struct fl_session *t, const struct fl_session_loop *run);

#endif
