/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>

#include "alloc/lib/core.h"

static atomic_int word;

/* The thread that forks holds the lock over it, while others' fork handlers may allocate. */
static FL_TLS bool forking;
static struct fl_locked over_fork;

struct fl_locked fl_lock(void)
{
	struct fl_locked l = { .is_outer = !forking };
	sigset_t all;

	if (!l.is_outer)
		return l;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &l.before);
	while (atomic_exchange_explicit(&word, 1, memory_order_acquire))
		sched_yield();
	return l;
}

void fl_unlock(struct fl_locked l)
{
	if (!l.is_outer)
		return;
	atomic_store_explicit(&word, 0, memory_order_release);
	pthread_sigmask(SIG_SETMASK, &l.before, NULL);
}

void fl_lock_for_fork(void)
{
	over_fork = fl_lock();
	forking = true;
}

void fl_unlock_after_fork(void)
{
	struct fl_locked l = over_fork;

	forking = false;
	fl_unlock(l);
}
