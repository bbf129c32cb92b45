/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace -- COMMAND: the command's life beside the trace. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/say.h"
#include "cli/trace/private.h"

void trace_raise_files(struct trace_job *s)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &most) < 0 || most.rlim_cur == most.rlim_max)
		return;
	s->files = most;
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
}

int trace_command_start(struct trace_job *s, char **command)
{
	s->child = fork();
	if (s->child < 0)
		return -errno;
	if (s->child == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (s->files.rlim_max)
			setrlimit(RLIMIT_NOFILE, &s->files);
		execvp(command[0], command);
		fl_say(FL_ERROR, "%s: %s", command[0], strerror(errno));
		_exit(127);
	}
	return 0;
}

/* A command that still runs when the trace is over is ended, as it was started for the trace only. */
void trace_command_end(struct trace_job *s)
{
	if (s->child <= 0 || s->child_status != -1)
		return;
	kill(s->child, SIGTERM);
	waitpid(s->child, &s->child_status, 0);
	s->child_status = 0;
}

bool trace_command_ended(struct trace_job *s)
{
	int status;

	if (s->child > 0 && s->child_status == -1 && waitpid(s->child, &status, WNOHANG) == s->child)
		s->child_status = status;
	return s->child > 0 && s->child_status != -1;
}

int trace_command_result(const struct trace_job *s)
{
	if (s->child <= 0 || s->child_status == 0 || s->child_status == -1)
		return 0;
	if (WIFEXITED(s->child_status))
		fl_say(FL_NOTE, "the command exited with status %d", WEXITSTATUS(s->child_status));
	else
		fl_say(FL_NOTE, "the command was ended by signal %d", WTERMSIG(s->child_status));
	return 1;
}
