/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace -- COMMAND, and -p PID: whose life the trace is about, and ends with. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/say.h"
#include "cli/trace/private.h"

#define PATIENCE_MS 2000 /* for a command that was asked to end */
#define NAP_MS	    10

void trace_raise_files(struct trace_job *s)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &most) < 0 || most.rlim_cur == most.rlim_max)
		return;
	s->files = most;
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
}

/* The errno of execvp(3), or 0 when the program runs: then its end of the pipe is closed by that. */
static int read_failure(int fd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	return n == sizeof(err) ? err : 0;
}

/*
 * What happens between fork and exec is done for the command, and is traced with it where its process is: its
 * name stands there from the first moment, as exec will set it.
 */
static void __attribute__((noreturn)) become(const struct trace_job *s, char **command, int report)
{
	const char *slash = strrchr(command[0], '/');
	int err;

	prctl(PR_SET_NAME, slash ? slash + 1 : command[0]);
	signal(SIGPIPE, SIG_DFL);
	if (s->files.rlim_max)
		setrlimit(RLIMIT_NOFILE, &s->files);
	execvp(command[0], command);
	err = errno;
	while (write(report, &err, sizeof(err)) < 0 && errno == EINTR)
		;
	_exit(127);
}

int trace_command_start(struct trace_job *s, char **command)
{
	_cleanup_close_ int report = -1;
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	report = fds[0];
	s->child = fork();
	if (s->child == 0)
		become(s, command, fds[1]);
	err = errno;
	close(fds[1]);
	if (s->child < 0)
		return -err;
	err = read_failure(report);
	if (!err)
		return 0;
	waitpid(s->child, &s->child_status, 0);
	s->child_status = (err == ENOENT ? 127 : 126) << 8;
	fl_say_failed(command[0], err);
	return -ECANCELED;
}

static bool command_ended(struct trace_job *s)
{
	int status;

	if (s->child > 0 && s->child_status == -1 && waitpid(s->child, &status, WNOHANG) == s->child)
		s->child_status = status;
	return s->child > 0 && s->child_status != -1;
}

/*
 * A command that still runs when the trace is over is ended, as it was started for the trace only, and
 * how it ends says nothing. One that does not listen is killed.
 */
void trace_command_end(struct trace_job *s)
{
	const struct timespec nap = { 0, NAP_MS * 1000000 };

	if (s->child <= 0 || command_ended(s))
		return;
	kill(s->child, SIGTERM);
	for (int ms = 0; ms < PATIENCE_MS && !command_ended(s); ms += NAP_MS)
		nanosleep(&nap, NULL);
	if (!command_ended(s)) {
		fl_say(FL_WARNING, "the command did not end when it was asked to: it is killed");
		kill(s->child, SIGKILL);
		waitpid(s->child, &s->child_status, 0);
	}
	s->child_status = 0;
}

int trace_command_result(const struct trace_job *s, bool failed)
{
	int status = s->child > 0 && s->child_status != -1 ? s->child_status : 0;

	if (WIFSIGNALED(status)) {
		fl_say(FL_NOTE, "the command was ended by signal %d (%s)", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status) ?: failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

/* The number of the kernel's first pid namespace, which every kernel gives it. */
#define INIT_PID_NAMESPACE "pid:[4026531836]"

/* The kernel's own tracer knows the first namespace's numbers alone. */
static bool means_nothing_to_tracefs(const struct trace_job *s)
{
	char name[64] = "";

	if (!s->o->via || strcmp(s->o->via, "tracefs") != 0 ||
	    readlink("/proc/self/ns/pid", name, sizeof(name) - 1) < 0 || strcmp(name, INIT_PID_NAMESPACE) == 0)
		return false;
	fl_say(FL_ERROR, "-p: in this pid namespace %lu is no number that the kernel's events have", s->o->pid);
	fl_say_help("take --comm, or trace from the first namespace");
	return true;
}

int trace_watch_pid(struct trace_job *s)
{
	char path[32];

	if (!s->o->pid)
		return 0;
	if (means_nothing_to_tracefs(s))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%lu", s->o->pid);
	s->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)s->o->pid, 0);
	if (s->pidfd >= 0 || access(path, F_OK) == 0)
		return 0;
	fl_say(FL_ERROR, "-p: there is no process %lu", s->o->pid);
	return -ESRCH;
}

/* A thread has no pidfd: its folder goes with it. */
static bool pid_ended(const struct trace_job *s)
{
	struct pollfd p = { .fd = s->pidfd, .events = POLLIN };
	char path[32];

	if (!s->o->pid)
		return false;
	snprintf(path, sizeof(path), "/proc/%lu", s->o->pid);
	if (s->pidfd >= 0 ? poll(&p, 1, 0) <= 0 : access(path, F_OK) == 0)
		return false;
	return !s->o->follow || !fl_session_follows_any(s->session);
}

bool trace_is_over(struct trace_job *s)
{
	return command_ended(s) || pid_ended(s);
}
