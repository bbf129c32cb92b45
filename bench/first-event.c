/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * first-event FORELAND RAW-LOADER [ROUNDS [BPFTRACE-ROUNDS]]: from starting a tracer to the first
 * byte of its first event, in one interleaved run:
 *
 *	foreland trace -n 1 't sched_switch pid=next->pid'
 *	raw-loader (bench/raw-loader.c)
 *	bpftrace, where it is installed: sched_switch, printf() of one member of a task_struct
 *
 * Prints medians in milliseconds, and the ratios of medians. No verdict.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 1001

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* The first line with a "=" in it: bpftrace says "Attaching" first. Negative: there was none. */
static double first_event(char *const argv[])
{
	int fds[2], status;
	double start, took = -1;
	char byte;
	pid_t pid;

	/* A tracepoint just left makes the kernel wait for a grace period before it is taken again. */
	usleep(60000);
	if (pipe(fds) < 0)
		return -1;
	start = now_ms();
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(fds[1], 1);
		dup2(null, 2);
		close(fds[0]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	while (took < 0 && read(fds[0], &byte, 1) == 1)
		if (byte == '=')
			took = now_ms() - start;
	while (read(fds[0], &byte, 1) == 1)
		;
	close(fds[0]);
	waitpid(pid, &status, 0);
	return took;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n ? v[n / 2] : 0;
}

int main(int argc, char **argv)
{
	char *foreland[] = { argv[1], "trace", "-n", "1", "t sched_switch pid=next->pid", NULL };
	char *raw[] = { argv[2], NULL };
	char *bpftrace[] = { "bpftrace", "-e",
			     "tracepoint:sched:sched_switch { printf(\"pid=%d\\n\", "
			     "((struct task_struct *)curtask)->pid); exit(); }", NULL };
	size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 0) : 101;
	size_t slow_rounds = argc > 4 ? strtoul(argv[4], NULL, 0) : 11;
	static double a[MAX_ROUNDS], b[MAX_ROUNDS], c[MAX_ROUNDS];
	size_t n = 0, nc = 0;

	if (argc < 3 || rounds > MAX_ROUNDS || slow_rounds > rounds) {
		fputs("usage: first-event FORELAND RAW-LOADER [ROUNDS [BPFTRACE-ROUNDS]]\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < rounds; i++) {
		a[n] = first_event(foreland);
		b[n] = first_event(raw);
		if (a[n] < 0 || b[n] < 0) {
			fputs("first-event: a tracer printed no event\n", stderr);
			return 1;
		}
		n++;
		if (slow_rounds && i % (rounds / slow_rounds) == 0) {
			c[nc] = first_event(bpftrace);
			nc += c[nc] > 0;
		}
	}
	double ours = median(a, n), least = median(b, n), theirs = median(c, nc);

	printf("foreland    %8.2f ms\nraw-loader  %8.2f ms   foreland/raw-loader %.2f\n", ours, least,
	       ours / least);
	if (nc)
		printf("bpftrace    %8.2f ms   bpftrace/foreland   %.1f\n", theirs, theirs / ours);
	return 0;
}
