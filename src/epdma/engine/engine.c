// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The channels' states, their queue, and the threads.
 *
 * One lock guards registers and states; it is held for a few instructions and never while bytes
 * move or a callback runs. A channel that has work is queued once; the thread that takes it from the
 * queue (a worker, or a caller of fl_engine_run()) owns it for one slice, then puts it back or stops it:
 *
 *	doorbell -> queued -> busy -(more)-> queued ...
 *			       |`-(list exhausted, no doorbell meanwhile)-> stopped
 *			       `--(bad slot or address)-> halted
 *
 * A doorbell that rings while a slice runs is remembered (rung), and a channel that comes to the end
 * of its list with it set looks once more before it stops: the host writes its slots first and rings
 * then, so no doorbell is lost. Real hardware of the first family does lose one that comes after
 * the stale slot was fetched; that is the lost-doorbell fault.
 *
 * Order that the host can rely on: bytes, list pointer, status bit, message.
 */
#include "epdma/engine/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "base/nsec.h"
#include "base/util.h"
#include "epdma/engine/engine-private.h"

#define SLICE_SLOTS  256
#define SLICE_BYTES  (256u * 1024)
#define CALLER_BYTES (32u * 1024) /* of a thread that has other things to do */
#define QUIESCE_MS   200

/* ---- slices ---- */

static void take_delta(struct chan *c)
{
	c->e->stats.elements += c->delta.elements;
	c->e->stats.links += c->delta.links;
	c->e->stats.bytes += c->delta.bytes;
	c->delta = (struct fl_engine_stats){};
}

/* Where the element in progress stands, for those who read it back. */
static void show_progress(struct chan *c)
{
	enum fl_dw_reg size = is_native(c->e) ? FL_HN_XFER_SIZE : FL_V0CH_XFER_SIZE;
	uint32_t *r = reg(c->e, size, c->dir, c->hw);

	r[0] = c->slot.size - FL_MIN(c->moved, c->slot.size);
	r[1] = (uint32_t)c->slot.src;
	r[2] = (uint32_t)(c->slot.src >> 32);
	r[3] = (uint32_t)c->slot.dst;
	r[4] = (uint32_t)(c->slot.dst >> 32);
}

/*
 * Behind a slice, under the lock. True: the channel goes on. A stop that came while the slice ended by
 * itself is over with it; kept, it would swallow the next doorbell. A doorbell that rang behind the stop
 * (which takes back those before it) starts the channel again.
 */
static bool after_slice(struct chan *c, enum outcome out, struct imwr *msg)
{
	bool rung = c->rung;

	take_delta(c);
	show_progress(c);
	if (c->reset_pending) {
		fl_engine_reset_chan(c);
		return false;
	}
	if (out == OUT_EVENT)
		fl_engine_elem_done(c, msg);
	if (out == OUT_EVENT || out == OUT_MORE || out == OUT_IO)
		return !c->e->frozen;
	c->rung = false;
	__atomic_store_n(&c->stop, false, __ATOMIC_RELAXED);
	switch (out) {
	case OUT_EXHAUSTED:
		if (rung && c->mode == LIST)
			return !c->e->frozen;
		fl_engine_end(c, msg);
		return false;
	case OUT_ABORT:
		fl_engine_abort(c, msg);
		return false;
	case OUT_LINK_LOST:
		c->e->frozen = true;
		return false;
	default:
		break;
	}
	if (rung)
		return !c->e->frozen;
	fl_engine_set_status(c, FL_CS_STOPPED);
	return false;
}

/*
 * One slice of @c, which is off the queue. Called with the lock held, returns with it held.
 * OUT_IO is done here only by a worker; others leave it to one.
 */
static void run_slice(struct chan *c, unsigned int slots, bool worker)
{
	struct fl_engine *e = c->e;
	struct imwr msg = {};
	enum outcome out;
	bool more;

	c->busy = true;
	pthread_mutex_unlock(&e->lock);
	out = fl_walk_slice(c, slots, worker ? SLICE_BYTES : CALLER_BYTES);
	if (out == OUT_IO && worker && fl_walk_io(c) < 0) {
		c->reason = ABORT_IO;
		out = OUT_ABORT;
	}
	pthread_mutex_lock(&e->lock);
	more = after_slice(c, out, &msg);
	c->busy = false;
	c->worker_only = more && out == OUT_IO;
	if (more)
		fl_engine_enqueue(c);
	pthread_cond_broadcast(&e->idle);
	if (!msg.send && !msg.pin && !msg.refused.what && out != OUT_LINK_LOST)
		return;
	/* Told last and without the lock: the host may ring again before this returns. */
	e->telling++;
	pthread_mutex_unlock(&e->lock);
	fl_engine_send(c, &msg);
	if (out == OUT_LINK_LOST && e->cfg.ops->link_lost)
		e->cfg.ops->link_lost(e->cfg.ctx);
	pthread_mutex_lock(&e->lock);
	e->telling--;
	pthread_cond_broadcast(&e->idle);
}

static void *worker_main(void *arg)
{
	struct fl_engine *e = arg;

	pthread_mutex_lock(&e->lock);
	while (!e->quit) {
		struct chan *c = fl_engine_dequeue(e, true);

		if (c) {
			run_slice(c, SLICE_SLOTS, true);
			continue;
		}
		e->sleeping++;
		pthread_cond_wait(&e->work, &e->lock);
		e->sleeping--;
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

bool fl_engine_run(struct fl_engine *e, unsigned int slices)
{
	bool more;

	pthread_mutex_lock(&e->lock);
	while (slices--) {
		struct chan *c = fl_engine_dequeue(e, false);

		if (!c)
			break;
		run_slice(c, SLICE_SLOTS, false);
	}
	more = e->head != NULL;
	pthread_mutex_unlock(&e->lock);
	return more;
}

void fl_engine_lazy(struct fl_engine *e, bool lazy)
{
	pthread_mutex_lock(&e->lock);
	e->lazy = lazy;
	pthread_mutex_unlock(&e->lock);
	if (!lazy)
		fl_engine_kick(e);
}

void fl_engine_kick(struct fl_engine *e)
{
	pthread_mutex_lock(&e->lock);
	if (e->head && e->sleeping)
		pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
}

void fl_engine_drain(struct fl_engine *e)
{
	pthread_mutex_lock(&e->lock);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		for (unsigned int i = 0; i < e->cfg.chans[d]; i++)
			while (e->chans[d][i].busy || e->telling)
				pthread_cond_wait(&e->idle, &e->lock);
	pthread_mutex_unlock(&e->lock);
}

static int one_slot(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch, bool skip)
{
	struct chan *c;
	int r = -EAGAIN;

	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (c && c->queued) {
		fl_engine_unqueue(c);
		c->skip = skip;
		run_slice(c, 1, false);
		r = 0;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

int fl_engine_step(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	return one_slot(e, dir, ch, false);
}

int fl_engine_skip(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	return one_slot(e, dir, ch, true);
}

void fl_engine_force_abort(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch,
			   unsigned int reason, const struct fl_dw_slot *slot)
{
	struct imwr msg = {};
	struct chan *c;

	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (c && reason < _ABORT_MAX) {
		fl_engine_unqueue(c);
		c->reason = reason;
		c->slot = *slot;
		fl_engine_abort(c, &msg);
	}
	pthread_mutex_unlock(&e->lock);
	if (c)
		fl_engine_send(c, &msg);
}

/* ---- ownership ---- */

int fl_engine_claim(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	struct chan *c;
	int r = 0;

	if (dir >= _FL_EPDMA_DIR_MAX)
		return -EINVAL;
	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (!e->cfg.chans[dir])
		r = -ENODEV;
	else if (!c)
		r = -EINVAL;
	else if (c->owned || c->poisoned)
		r = -EBUSY;
	else {
		c->owned = true;
		fl_engine_record_outside(c, FL_EV_OWNER, 1);
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

/* Until no slice of this direction (or of one channel) waits for its reset. Lock held. */
static int wait_reset(struct fl_engine *e, enum fl_epdma_dir dir)
{
	struct timespec until = fl_time_in(CLOCK_MONOTONIC, QUIESCE_MS);

	while (fl_engine_dir_busy(e, dir))
		if (fl_cond_wait_until(&e->idle, &e->lock, &until) == ETIMEDOUT)
			return fl_engine_dir_busy(e, dir) ? -ETIMEDOUT : 0;
	return 0;
}

static void quiesce(struct fl_engine *e, struct chan *c)
{
	uint32_t all = (1u << e->cfg.chans[c->dir]) - 1;

	if (is_native(e)) {
		fl_engine_reset_soon(c);
		return;
	}
	fl_engine_reset_dir(e, c->dir);
	*reg(e, FL_V0_INT_MASK, c->dir, 0) |= all | all << ABORT_SHIFT;
	*reg(e, FL_V0_INT_STATUS, c->dir, 0) = 0;
	if (is_compat(e))
		reg(e, FL_V0_PWR_EN, c->dir, 0)[c->hw] = 0;
}

int fl_engine_release(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch, bool stop)
{
	struct chan *c;
	int r = 0;

	if (dir >= _FL_EPDMA_DIR_MAX)
		return -EINVAL;
	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (c && c->owned)
		fl_engine_record_outside(c, FL_EV_OWNER, stop ? 2 : 0);
	if (!c || !c->owned) {
		r = -EINVAL;
	} else if (stop) {
		quiesce(e, c);
		r = wait_reset(e, dir);
	}
	if (c) {
		c->owned = c->owned && r == -ETIMEDOUT;
		c->poisoned = c->poisoned || r == -ETIMEDOUT;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

void fl_engine_reset(struct fl_engine *e)
{
	struct fl_engine_event ev = { .kind = FL_EV_RESET };

	pthread_mutex_lock(&e->lock);
	fl_engine_record(e, &ev);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		for (unsigned int i = 0; i < e->cfg.chans[d]; i++)
			fl_engine_reset_soon(&e->chans[d][i]);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		while (fl_engine_dir_busy(e, d))
			pthread_cond_wait(&e->idle, &e->lock);
	e->frozen = false;
	fl_engine_set_reset_values(e);
	pthread_mutex_unlock(&e->lock);
}

void fl_engine_set_master(struct fl_engine *e, bool on)
{
	struct fl_engine_event ev = { .kind = FL_EV_MASTER, .val = on };

	pthread_mutex_lock(&e->lock);
	if (e->master != on)
		fl_engine_record(e, &ev);
	__atomic_store_n(&e->master, on, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&e->lock);
}

void fl_engine_note_blocked(struct fl_engine *e, unsigned int bar, uint64_t off, bool write)
{
	struct fl_engine_event ev = { .kind = FL_EV_BLOCKED, .chan = bar, .addr = off, .val = write };

	pthread_mutex_lock(&e->lock);
	fl_engine_record(e, &ev);
	pthread_mutex_unlock(&e->lock);
}

void fl_engine_stats(struct fl_engine *e, struct fl_engine_stats *ret)
{
	pthread_mutex_lock(&e->lock);
	*ret = e->stats;
	pthread_mutex_unlock(&e->lock);
}

/* ---- life ---- */

static int make_chans(struct fl_engine *e)
{
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
		e->chans[d] = calloc(e->cfg.chans[d] + 1, sizeof(*e->chans[d]));
		if (!e->chans[d])
			return -ENOMEM;
		for (unsigned int i = 0; i < e->cfg.chans[d]; i++) {
			struct chan *c = &e->chans[d][i];

			*c = (struct chan){ .e = e, .dir = d, .hw = i };
			c->bounce = malloc(BOUNCE_SIZE);
			if (!c->bounce)
				return -ENOMEM;
		}
	}
	return 0;
}

/* The legacy map's channels are kept as unroll's, whatever the viewport shows of them. */
static int make_window(struct fl_engine *e)
{
	enum fl_epdma_map map = is_legacy(e) ? FL_EPDMA_UNROLL : e->cfg.map;
	unsigned int max = is_native(e) ? FL_DW_NATIVE_CHANS : FL_EPDMA_MAX_CHANS;

	e->nr_words = fl_dw_window_size(map, max) / 4;
	e->regs = calloc(e->nr_words, sizeof(*e->regs));
	e->places = calloc(e->nr_words, sizeof(*e->places));
	if (!e->regs || !e->places)
		return -ENOMEM;
	for (uint32_t i = 0; i < e->nr_words; i++)
		fl_dw_lookup(map, 4 * i, &e->places[i]);
	fl_engine_set_reset_values(e);
	return 0;
}

static int make_threads(struct fl_engine *e)
{
	e->threads = calloc(e->cfg.threads + 1, sizeof(*e->threads));
	if (!e->threads)
		return -ENOMEM;
	while (e->nr_threads < e->cfg.threads) {
		int err = pthread_create(&e->threads[e->nr_threads], NULL, worker_main, e);

		if (err)
			return -err;
		e->nr_threads++;
	}
	return 0;
}

static bool config_ok(const struct fl_engine_config *c)
{
	unsigned int max = c->map == FL_EPDMA_NATIVE ? FL_DW_NATIVE_CHANS : FL_EPDMA_MAX_CHANS;

	if (!fl_dw_map_name(c->map))
		return false;
	return c->chans[0] <= max && c->chans[1] <= max && c->chans[0] + c->chans[1] > 0;
}

int fl_engine_new(const struct fl_engine_config *config, struct fl_engine **ret)
{
	struct fl_engine *e;
	int r;

	if (!config_ok(config))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->cfg = *config;
	e->master = true;
	e->tail = &e->head;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	pthread_cond_init(&e->idle, NULL);
	r = make_chans(e);
	if (r == 0)
		r = make_window(e);
	if (r == 0)
		r = make_threads(e);
	if (r < 0) {
		fl_engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void fl_engine_stop(struct fl_engine *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->quit = true;
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		for (unsigned int i = 0; e->chans[d] && i < e->cfg.chans[d]; i++)
			__atomic_store_n(&e->chans[d][i].stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
	for (unsigned int i = 0; i < e->nr_threads; i++)
		pthread_join(e->threads[i], NULL);
	e->nr_threads = 0;
}

void fl_engine_free(struct fl_engine *e)
{
	if (!e)
		return;
	fl_engine_stop(e);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
		for (unsigned int i = 0; e->chans[d] && i < e->cfg.chans[d]; i++)
			free(e->chans[d][i].bounce);
		free(e->chans[d]);
	}
	pthread_cond_destroy(&e->idle);
	pthread_cond_destroy(&e->work);
	pthread_mutex_destroy(&e->lock);
	free(e->threads);
	free(e->places);
	free(e->regs);
	free(e);
}
