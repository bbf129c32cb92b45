/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ftrace/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/target/owner.h"

#define GOODBYE 'q'

#define TRIES	100
#define WAIT_US 50000

static int count_failures(void *ctx, struct fl_str what, int err)
{
	*(unsigned int *)ctx += err < 0;
	return 0;
}

/* A dying process lets go of the pipe before it lets go of the instance's files. */
static void remove_all(const char *tracefs, struct fl_str owner)
{
	unsigned int failures = 1;

	for (int i = 0; i < TRIES && failures; i++) {
		if (i)
			usleep(WAIT_US);
		failures = 0;
		fl_owner_remove(tracefs, owner, count_failures, &failures);
	}
}

/* Holds nothing of ours open but the pipe: a pager or a pipeline must not wait for it. */
static void detach(int fd)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	int null = open("/dev/null", O_RDWR);

	setsid();
	prctl(PR_SET_NAME, "foreland-clean");
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
	for (int std = 0; std < 3 && null >= 0; std++)
		dup2(null, std);
	if (fd != 3) {
		dup2(fd, 3);
		close(fd);
	}
	syscall(SYS_close_range, 4, ~0u, 0); /* not each C library has it */
	if (chdir("/") < 0)
		return; /* a folder stays in use a little longer */
}

static void __attribute__((noreturn)) reap(int fd, const char *tracefs, struct fl_str owner)
{
	char byte = 0;
	ssize_t n;

	detach(fd);
	do
		n = read(3, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1 || byte != GOODBYE)
		remove_all(tracefs, owner);
	_exit(0);
}

int fl_reaper_start(struct fl_reaper *k, const char *tracefs, struct fl_str owner)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	k->pid = fork();
	if (k->pid < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (k->pid == 0) {
		close(fds[1]);
		reap(fds[0], tracefs, owner);
	}
	close(fds[0]);
	k->fd = fds[1];
	return 0;
}

void fl_reaper_stop(struct fl_reaper *k)
{
	const char byte = GOODBYE;

	if (k->fd < 0)
		return;
	if (write(k->fd, &byte, 1) < 0)
		kill(k->pid, SIGKILL);
	close(k->fd);
	waitpid(k->pid, NULL, 0);
	k->fd = -1;
}
