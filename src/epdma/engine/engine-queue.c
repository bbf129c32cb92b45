// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Channels that have work, first come first served, and the record of what happened. Everything here is
 * called with the engine's lock held.
 */
#include "epdma/engine/engine-private.h"

void fl_engine_record(struct fl_engine *e, const struct fl_engine_event *ev)
{
	if (e->cfg.log)
		e->cfg.log->emit(e->cfg.log, ev);
}

/* What somebody did to a channel from outside. */
void fl_engine_record_outside(struct chan *c, enum fl_engine_event_kind kind, uint32_t val)
{
	struct fl_engine_event ev = { .kind = kind, .dir = c->dir, .chan = c->hw, .val = val };

	fl_engine_record(c->e, &ev);
}

static void wake_worker(struct fl_engine *e)
{
	if (e->sleeping)
		pthread_cond_signal(&e->work);
}

void fl_engine_enqueue(struct chan *c)
{
	struct fl_engine *e = c->e;

	if (c->queued || c->busy || e->frozen)
		return;
	c->queued = true;
	c->next = NULL;
	*e->tail = c;
	e->tail = &c->next;
	if (!e->lazy || c->worker_only)
		wake_worker(e);
}

/* A worker takes any channel; a caller leaves those that wait for a peer. */
struct chan *fl_engine_dequeue(struct fl_engine *e, bool worker)
{
	struct chan **at = &e->head, *c;

	while (*at && !worker && (*at)->worker_only)
		at = &(*at)->next;
	c = *at;
	if (!c)
		return NULL;
	*at = c->next;
	if (!c->next)
		e->tail = at;
	c->queued = false;
	return c;
}

void fl_engine_unqueue(struct chan *c)
{
	struct chan **at = &c->e->head;

	if (!c->queued)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (!c->next)
		c->e->tail = at;
	c->queued = false;
}
