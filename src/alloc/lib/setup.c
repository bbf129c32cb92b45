/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Beginning, forking and ending. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/core.h"

struct fl_settings fl_settings;

static volatile sig_atomic_t dump_pending;

static bool word_is(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(s, word, n) == 0;
}

static bool value_of(const char **s, size_t *n, const char *key)
{
	size_t k = strlen(key);

	if (*n <= k || memcmp(*s, key, k))
		return false;
	*s += k;
	*n -= k;
	return true;
}

/* A number, or one of the names that people use for this. */
static int signal_number(const char *s, size_t n)
{
	int v = 0;

	if (word_is(s, n, "USR1"))
		return SIGUSR1;
	if (word_is(s, n, "USR2"))
		return SIGUSR2;
	if (word_is(s, n, "HUP"))
		return SIGHUP;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || v > 64)
			return 0;
		v = v * 10 + (s[i] - '0');
	}
	return v <= 64 ? v : 0;
}

/* Unknown words are for a later version. */
static void set_word(const char *s, size_t n)
{
	if (word_is(s, n, "off"))
		fl_settings.off = true;
	else if (word_is(s, n, "callers"))
		fl_settings.callers = true;
	else if (word_is(s, n, "peak"))
		fl_settings.peak = true;
	else if (word_is(s, n, "total"))
		fl_settings.total = true;
	else if (word_is(s, n, "noserve"))
		fl_settings.serve = false;
	else if (value_of(&s, &n, "signal="))
		fl_settings.signal = signal_number(s, n);
	else if (value_of(&s, &n, "dump=") && n < sizeof(fl_settings.dump))
		memcpy(fl_settings.dump, s, n);
}

static void read_environment(void)
{
	const char *s = getenv("FORELAND_ALLOC");

	fl_settings.serve = true;
	while (s && *s) {
		size_t n = strcspn(s, ",");

		set_word(s, n);
		s += n + (s[n] == ',');
	}
	if (fl_settings.off)
		fl_settings = (struct fl_settings){ .off = true };
}

/* What waits for the lock is done by whoever has it, and again while more comes in. */
static void do_pending(void)
{
	int before = errno;

	while (fl_trylock()) {
		if (dump_pending) {
			dump_pending = 0;
			fl_dump_wanted();
		}
		fl_serve_work();
		if (!fl_unlock_quietly())
			break;
	}
	errno = before;
}

static void on_signal(int sig)
{
	if (sig == fl_settings.signal)
		dump_pending = 1;
	do_pending();
}

/* A handler that is there already stays; false then. */
static bool handle(int sig)
{
	struct sigaction old, sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (sigaction(sig, NULL, &old) < 0 ||
	    (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN))
		return false;
	sigfillset(&sa.sa_mask);
	return sigaction(sig, &sa, NULL) == 0;
}

static void in_child(void)
{
	fl_counters_after_fork();
	if (fl_settings.serve)
		fl_serve_after_fork();
	fl_unlock_after_fork();
}

static void begin(void)
{
	read_environment();
	if (fl_settings.off)
		return;
	fl_lock_pending = do_pending;
	pthread_atfork(fl_lock_for_fork, fl_unlock_after_fork, in_child);
	if (fl_settings.signal)
		handle(fl_settings.signal);
	if (fl_settings.serve) {
		fl_settings.serve = handle(SIGURG);
		if (fl_settings.serve)
			fl_serve_start();
	}
}

void fl_setup(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, begin);
}

__attribute__((constructor)) static void first(void)
{
	fl_setup();
}

__attribute__((destructor)) static void last(void)
{
	if (fl_settings.off)
		return;
	fl_serve_stop();
	fl_lock();
	fl_dump_wanted();
	fl_unlock();
}
