/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Beginning, forking and ending. A program that runs with rights which its caller does not have
 * (AT_SECURE) reads no environment here, keeps nothing that others can read, and writes nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "alloc/lib/sample.h"

struct fl_settings fl_settings;

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

static uint64_t number(const char *s, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || v > UINT64_MAX / 10 - 1)
			return 0;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	return v;
}

/* A number, or one of the names that people use for this. */
static int signal_number(const char *s, size_t n)
{
	uint64_t v = number(s, n);

	if (word_is(s, n, "USR1"))
		return SIGUSR1;
	if (word_is(s, n, "USR2"))
		return SIGUSR2;
	if (word_is(s, n, "HUP"))
		return SIGHUP;
	return v <= 64 ? (int)v : 0;
}

/* PID:FD:TOKEN, as the runner writes it. */
static void set_ledger(const char *s, size_t n)
{
	uint64_t v[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		size_t k = 0;

		while (k < n && s[k] != ':')
			k++;
		v[i] = number(s, k);
		k += k < n;
		s += k;
		n -= k;
	}
	fl_settings.runner = v[0] < 1u << 30 ? (int)v[0] : 0;
	fl_settings.runner_fd = v[1] < 1u << 30 ? (int)v[1] : 0;
	fl_settings.token = v[2];
}

static void set_depth(uint64_t v)
{
	fl_settings.depth = v > FL_LEDGER_DEPTH ? FL_LEDGER_DEPTH : (unsigned int)v;
}

/* Unknown words are for a later version. */
static void set_word(const char *s, size_t n)
{
	if (word_is(s, n, "off"))
		fl_settings.off = true;
	else if (word_is(s, n, "callers"))
		set_depth(1);
	else if (value_of(&s, &n, "stack="))
		set_depth(number(s, n));
	else if (word_is(s, n, "peak"))
		fl_settings.peak = true;
	else if (word_is(s, n, "total"))
		fl_settings.total = true;
	else if (word_is(s, n, "noserve"))
		fl_settings.keep = false;
	else if (value_of(&s, &n, "ledger="))
		set_ledger(s, n);
	else if (value_of(&s, &n, "signal="))
		fl_settings.signal = signal_number(s, n);
	else if (value_of(&s, &n, "dump=") && n < sizeof(fl_settings.dump))
		memcpy(fl_settings.dump, s, n);
}

static void read_environment(void)
{
	const char *s = getauxval(AT_SECURE) ? NULL : getenv("FORELAND_ALLOC");

	fl_settings.keep = !getauxval(AT_SECURE);
	while (s && *s) {
		size_t n = strcspn(s, ",");

		set_word(s, n);
		s += n + (s[n] == ',');
	}
	if (fl_settings.off)
		fl_settings = (struct fl_settings){ .off = true };
}

static void on_signal(int sig)
{
	int before = errno;
	struct fl_locked l = fl_lock();

	fl_dump_wanted();
	fl_unlock(l);
	errno = before;
}

/* A handler that is there already stays. */
static void handle(int sig)
{
	struct sigaction old, sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (sigaction(sig, NULL, &old) < 0 ||
	    (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN))
		return;
	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void before_fork(void)
{
	fl_lock_for_fork();
	fl_live_before_fork();
	if (fl_book.process)
		fl_counters_before_fork();
}

static void in_parent(void)
{
	fl_counters_in_parent();
	fl_live_after_fork();
	fl_unlock_after_fork();
}

static void in_child(void)
{
	fl_counters_in_child();
	fl_sample_in_child();
	fl_live_after_fork();
	fl_unlock_after_fork();
}

static void begin(void)
{
	struct fl_locked l;

	read_environment();
	if (fl_settings.off)
		return;
	if (fl_real() >= FL_REAL_SANITIZER)
		fl_settings.depth = 0;
	pthread_atfork(before_fork, in_parent, in_child);
	if (fl_settings.signal)
		handle(fl_settings.signal);
	if (!fl_settings.runner) /* the record is made when something is counted */
		return;
	l = fl_lock();
	fl_book_open();
	fl_unlock(l);
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
	struct fl_locked l;

	if (fl_settings.off)
		return;
	l = fl_lock();
	fl_dump_wanted();
	fl_book_end();
	fl_unlock(l);
}
