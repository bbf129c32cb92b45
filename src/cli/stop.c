/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/stop.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/util.h"

/* timeout(1) signals its child, and then its whole group: two signals that mean one thing. */
#define ONE_NS 1000000000

volatile sig_atomic_t fl_stop_asked;

volatile sig_atomic_t fl_reopen_asked;

static void ask_stop(int sig)
{
	static int64_t first;
	struct timespec ts = {};
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
	if (!fl_stop_asked) {
		first = now;
	} else if (now - first >= ONE_NS) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	fl_stop_asked = 1;
}

void fl_stop_on_signals(void)
{
	struct sigaction sa = { .sa_handler = ask_stop };
	static const int asks[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < FL_ARRAY_SIZE(asks); i++)
		sigaddset(&sa.sa_mask, asks[i]);
	for (size_t i = 0; i < FL_ARRAY_SIZE(asks); i++)
		sigaction(asks[i], &sa, NULL);
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
