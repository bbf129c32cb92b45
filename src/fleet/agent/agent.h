/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: a folder's questions, asked until the end, and what they find out sent and served. One thread, which
 * never waits for anybody but the clock.
 *
 * A request that is in the spool will not be forgotten: what a kill takes with it is the last second's records, and
 * the next run's first metrics say so by beginning anew.
 */
#ifndef FLEET_AGENT_AGENT_H
#define FLEET_AGENT_AGENT_H

#include <signal.h>

#include "base/buf.h"
#include "fleet/listen/listen.h"
#include "fleet/push/push.h"
#include "foreland/diag.h"

struct fl_target;

/**
 * struct fl_agent_opts - all borrowed
 * @config: the folder
 * @found: what is wrong with a question, or with the folder
 * @said: what happens, in words
 * @opened: before any question is asked of it, the running kernel; may be NULL. -errno, of which it has told, ends it
 */
struct fl_agent_opts {
	const char *config;
	void (*found)(void *ctx, const struct fl_diag *d, int err);
	void (*said)(void *ctx, enum fl_level level, const char *text);
	int (*opened)(void *ctx, struct fl_target *t);
	void *ctx;
};

struct fl_agent;

/* The questions are asked then. 0 or -errno, of which @found was told. */
int fl_agent_new(const struct fl_agent_opts *o, struct fl_agent **ret);
void fl_agent_free(struct fl_agent *a); /* NULL is allowed */

/* For fl_listen_open() and fl_push_new(). */
int fl_agent_values(void *agent, struct fl_metrics **ret);

/* Until @stop. @push, @listen: NULL: nothing is sent, or served. 0 or -errno. */
int fl_agent_run(struct fl_agent *a, struct fl_push *push, struct fl_listen *listen, const volatile sig_atomic_t *stop);

#endif
