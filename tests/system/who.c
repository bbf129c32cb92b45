/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * who: a tree of processes that write down what they did. Each calls getppid() a number of times of its own,
 * the first ones straight after its fork, and mark() as often; then a line "PID N" tells.
 *
 *	who tree		a process, its 2 children and their 2 each, one of them by a thread
 *	who listen		reads commands: p (one call), a (an own child that listens to SIGUSR1), g (the tree), q
 *	who flood N		N calls, and a line
 *	who burn MS		uses so much time of a CPU, and tells how many microseconds it were
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pings;

void mark(int n);
__attribute__((noinline)) void mark(int n)
{
	__asm__ volatile("" : : "r"(n) : "memory");
}

static void call(int n)
{
	for (int i = 0; i < n; i++) {
		syscall(SYS_getppid);
		mark(i);
	}
}

static void tell(int n)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%d %d\n", (int)syscall(SYS_getpid), n);

	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		_exit(1);
}

static void tree(int depth, int n);

static void child(int depth, int n)
{
	if (fork() == 0) {
		call(1); /* at once */
		tree(depth, n);
		_exit(0);
	}
}

static int thread_depth;

static void *fork_in_thread(void *arg)
{
	child(thread_depth, *(int *)arg);
	return NULL;
}

static void tree(int depth, int n)
{
	int in_thread = n * 2 + 1;
	pthread_t t;

	call(n - 1);
	if (depth) {
		child(depth - 1, n * 2);
		thread_depth = depth - 1;
		if (pthread_create(&t, NULL, fork_in_thread, &in_thread) == 0)
			pthread_join(t, NULL);
	}
	while (wait(NULL) > 0)
		;
	tell(n);
}

static void on_signal(int sig __attribute__((unused)))
{
}

/* It waits for its turn, works, and ends. */
static pid_t waiting_child(void)
{
	pid_t pid;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, on_signal);
	pid = fork();
	if (pid == 0) {
		int sig;

		sigwait(&set, &sig);
		call(1);
		tree(1, 5);
		_exit(0);
	}
	return pid;
}

static void listen_to(FILE *in)
{
	pid_t waiting = 0;
	int c;

	while ((c = getc(in)) != EOF && c != 'q') {
		if (c == 'p') {
			call(1);
			pings++;
		} else if (c == 'a') {
			waiting = waiting_child();
		} else if (c == 'g') {
			if (waiting)
				kill(waiting, SIGUSR1);
			call(1);
			tree(2, 3);
		}
	}
}

static long used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void burn(long us)
{
	while (used() < us)
		for (int i = 0; i < 100000; i++)
			mark(i);
	tell((int)used());
}

int main(int argc, char **argv)
{
	setvbuf(stdin, NULL, _IONBF, 0);
	if (argc > 2 && strcmp(argv[1], "flood") == 0) {
		int n = (int)strtol(argv[2], NULL, 10);

		call(n);
		tell(n);
	} else if (argc > 2 && strcmp(argv[1], "burn") == 0) {
		burn(strtol(argv[2], NULL, 10) * 1000);
	} else if (argc > 1 && strcmp(argv[1], "listen") == 0) {
		listen_to(stdin);
	} else {
		call(1);
		tree(2, 1);
	}
	return 0;
}
