/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access to memory that somebody else may take away: a file that a peer shares with us and then
 * truncates gives SIGBUS on the next touch. Between enter and leave such a fault makes enter return
 * a second time, with -EFAULT.
 *
 *	if (fl_guard_enter(&g) == 0)
 *		memcpy(...);
 *	else
 *		it faulted;
 *	fl_guard_leave(&g);
 *
 * Then @addr says where. Nothing else than the copy may stand in between: what it allocated or locked
 * stays so. Guards nest.
 * A program that wants them calls fl_guard_install() once, at its start; without, SIGBUS ends it.
 */
#ifndef EPDMA_MEM_GUARD_H
#define EPDMA_MEM_GUARD_H

#include <setjmp.h>

struct fl_guard {
	sigjmp_buf env;
	void *volatile addr; /* where it faulted */
	struct fl_guard *outer;
};

int fl_guard_install(void);

void fl_guard_push(struct fl_guard *g);
void fl_guard_leave(struct fl_guard *g);

/* A macro, since sigsetjmp() returns twice into the frame that called it. */
#define fl_guard_enter(g) (fl_guard_push(g), sigsetjmp((g)->env, 0) ? -EFAULT : 0)

#endif
