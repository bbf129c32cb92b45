// SPDX-License-Identifier: LGPL-2.1-or-later
#include "epdma/mem/guard.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* The innermost guard of this thread. A signal handler has no other way to find it. */
static _Thread_local struct fl_guard *volatile current;

void fl_guard_push(struct fl_guard *g)
{
	g->outer = current;
	current = g;
}

void fl_guard_leave(struct fl_guard *g)
{
	current = g->outer;
}

static void on_sigbus(int sig, siginfo_t *info, void *ctx)
{
	if (current) {
		current->addr = info->si_addr;
		siglongjmp(current->env, 1);
	}
	signal(SIGBUS, SIG_DFL); /* not ours: the access runs again and ends the program */
}

int fl_guard_install(void)
{
	/* Not deferred: the handler does not return, so the signal must not stay blocked. */
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER };

	return sigaction(SIGBUS, &sa, NULL) < 0 ? -errno : 0;
}
