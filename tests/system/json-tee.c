/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for foreland, for who wants to see what it prints with --json: the program "real" beside it
 * runs in its place, in the same process; where JSON was asked for, a child copies its standard output into
 * a file of the folder "lines" beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wants_json(char **argv)
{
	for (char **p = argv + 1; *p && strcmp(*p, "--"); p++)
		if (!strcmp(*p, "--json") || !strcmp(*p, "--to=json") || !strcmp(*p, "--format=json") ||
		    (p[1] && (!strcmp(*p, "--to") || !strcmp(*p, "--format")) && !strcmp(p[1], "json")))
			return true;
	return false;
}

/* Whose lines stand among ours. */
static bool runs_another(char **argv)
{
	for (char **p = argv + 1; *p; p++)
		if (!strcmp(*p, "--"))
			return true;
	return false;
}

static bool put(int fd, const char *p, ssize_t n)
{
	for (ssize_t w; n > 0; p += w, n -= w) {
		w = write(fd, p, (size_t)n);
		if (w < 0)
			return false;
	}
	return true;
}

/* The reader that has seen enough takes its end away: so do we. */
static void copy(int from, int file)
{
	char buf[1 << 16];
	ssize_t n;

	for (int sig = 1; sig < SIGRTMIN; sig++)
		if (sig != SIGPIPE && sig != SIGKILL)
			signal(sig, SIG_IGN);
	while ((n = read(from, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && (!put(file, buf, n) || !put(STDOUT_FILENO, buf, n)))
			break;
	_exit(0);
}

int main(int argc, char **argv)
{
	char self[4096], real[4200], path[4300];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int p[2];

	if (n < 0)
		return 99;
	self[n] = '\0';
	dirname(self);
	snprintf(real, sizeof(real), "%s/real", self);
	snprintf(path, sizeof(path), "%s/lines/%sXXXXXX", self, runs_another(argv) ? "mixed-" : "");
	if (wants_json(argv) && fcntl(STDOUT_FILENO, F_GETFD) >= 0 && pipe2(p, O_CLOEXEC) == 0) {
		int file = mkostemp(path, O_CLOEXEC);

		if (file < 0)
			return 99;
		if (fork() == 0) {
			close(p[1]);
			copy(p[0], file);
		}
		dup2(p[1], STDOUT_FILENO);
		close(p[1]);
		close(p[0]);
	}
	execv(real, argv);
	return 99;
}
