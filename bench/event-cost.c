/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event-cost FORELAND [ROUNDS [CALLS]]: what one event costs the thread that it happens to. A loop of
 * getppid() is timed by its own CPU clock, in turns: alone; with foreland on raw tracepoint sys_enter,
 * reading through three pointers into its ring; with the kernel's own event raw_syscalls/sys_enter
 * into the kernel's ring. Both look at this thread alone. Prints medians of the cost over the bare
 * loop, and of the ratio in each turn. Needs root and tracefs. No verdict.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACEFS "/sys/kernel/tracing/"
#define MAX_ROUNDS 501

static double thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double loop(long calls)
{
	double start = thread_ns();

	for (long i = 0; i < calls; i++)
		syscall(SYS_getppid);
	return (thread_ns() - start) / calls;
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		perror(file);
		exit(1);
	}
	close(fd);
}

static double with_kernel(const char *pid, long calls)
{
	double ns;

	put(TRACEFS "set_event_pid", pid);
	put(TRACEFS "events/raw_syscalls/sys_enter/enable", "1");
	loop(1000);
	ns = loop(calls);
	put(TRACEFS "events/raw_syscalls/sys_enter/enable", "0");
	put(TRACEFS "set_event_pid", " ");
	return ns;
}

/* Its summary tells how many of the events it could not keep. */
static double with_foreland(char *foreland, char *pid, long calls, double *lost)
{
	char *argv[] = { foreland, "trace", "-o", "/dev/null", "-p", pid,
			 "t sys_enter id who=$current->real_parent->group_leader->pid", NULL };
	unsigned long hits = 0, records = 0, filtered = 0, gone = 0;
	char line[512] = "";
	int fds[2];
	double ns;
	pid_t child;
	FILE *f;

	if (pipe(fds) < 0)
		exit(1);
	child = fork();
	if (child == 0) {
		dup2(fds[1], 2);
		execv(foreland, argv);
		_exit(127);
	}
	close(fds[1]);
	usleep(300000);
	loop(1000);
	ns = loop(calls);
	kill(child, SIGINT);
	f = fdopen(fds[0], "r");
	if (!f || !fgets(line, sizeof(line), f) ||
	    sscanf(line, "%*[^:]: %lu hits, %lu records, %lu filtered, %lu lost", &hits, &records,
		   &filtered, &gone) != 4 || records + gone < (unsigned long)calls) {
		fprintf(stderr, "event-cost: no events: %s\n", line);
		exit(1);
	}
	fclose(f);
	waitpid(child, NULL, 0);
	*lost = (double)gone / (records + gone);
	return ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 11;
	long calls = argc > 3 ? strtol(argv[3], NULL, 0) : 300000;
	static double bare[MAX_ROUNDS], ours[MAX_ROUNDS], kernel[MAX_ROUNDS], ratio[MAX_ROUNDS];
	static double lost[MAX_ROUNDS];
	char pid[16];

	if (argc < 2 || rounds == 0 || rounds > MAX_ROUNDS || calls <= 0) {
		fputs("usage: event-cost FORELAND [ROUNDS [CALLS]]\n", stderr);
		return 2;
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	for (size_t i = 0; i < rounds; i++) {
		bare[i] = loop(calls);
		ours[i] = with_foreland(argv[1], pid, calls, &lost[i]) - bare[i];
		kernel[i] = with_kernel(pid, calls) - bare[i];
		ratio[i] = ours[i] / kernel[i];
	}
	printf("getppid alone         %6.0f ns\n", median(bare, rounds));
	printf("+ foreland, 3 derefs  %6.0f ns\n", median(ours, rounds));
	printf("  of these were lost  %6.2f %%\n", 100 * median(lost, rounds));
	printf("+ kernel's own event  %6.0f ns\n", median(kernel, rounds));
	printf("foreland/kernel       %6.2f\n", median(ratio, rounds));
	return 0;
}
