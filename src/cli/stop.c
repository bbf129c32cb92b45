/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/stop.h"

#include <stddef.h>

volatile sig_atomic_t fl_stop_asked;

volatile sig_atomic_t fl_reopen_asked;

static void ask_stop(int sig)
{
	fl_stop_asked = 1;
}

void fl_stop_on_signals(void)
{
	struct sigaction sa = { .sa_handler = ask_stop, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void ask_reopen(int sig)
{
	fl_reopen_asked = 1;
}

void fl_reopen_on_hup(void)
{
	struct sigaction sa = { .sa_handler = ask_reopen };

	sigaction(SIGHUP, &sa, NULL);
}
