/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/stop.h"

#include <stddef.h>

volatile sig_atomic_t fl_stop_asked;

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
