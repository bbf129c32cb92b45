/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program to be asked while it runs. Commands on standard input, one a line, each answered with a
 * line: "a N" allocates N bytes, "f" frees the last of them, "k" forks a child that goes on reading,
 * "t N" allocates at N thousand more call sites, at one in ten thousand a larger block, "c" closes all
 * descriptors but the first three; the end of the input ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "foreland/alloc.h"

static void *blocks[1000];
static unsigned int nr_blocks;

static void allocate(size_t n)
{
	if (nr_blocks < 1000)
		blocks[nr_blocks++] = malloc(n);
}

static void release(void)
{
	if (nr_blocks)
		free(blocks[--nr_blocks]);
}

/* Sites as C++ has them, one by one, outside of any section. */
static void many(size_t thousands)
{
	struct fl_alloc_site *v = calloc(thousands * 1000, sizeof(*v));
	char *names = calloc(thousands * 1000, 32);

	if (!v || !names)
		exit(1);
	for (size_t i = 0; i < thousands * 1000; i++) {
		snprintf(names + i * 32, 32, "site_%zu", i);
		v[i] = (struct fl_alloc_site){ 0, (uint32_t)i + 1, names + i * 32, "many.c" };
		if (!fl_alloc_malloc(&v[i], i % 10000 ? 16 + i % 100 : 5000))
			exit(1);
	}
}

static void command(const char *line)
{
	if (line[0] == 'a')
		allocate(strtoul(line + 1, NULL, 10));
	else if (line[0] == 'f')
		release();
	else if (line[0] == 't')
		many(strtoul(line + 1, NULL, 10));
	else if (line[0] == 'c')
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
}

/* The parent answers no more and ends with the child. */
static void become_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid <= 0)
		return;
	waitpid(pid, &status, 0);
	_exit(0);
}

int main(void)
{
	char line[100];
	size_t n = 0;

	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (ssize_t got; (got = read(STDIN_FILENO, line + n, 1)) > 0;) {
		if (line[n++] != '\n' && n < sizeof(line) - 1)
			continue;
		line[n] = '\0';
		n = 0;
		if (line[0] == 'k')
			become_child();
		command(line);
		printf("%d\n", (int)getpid());
		fflush(stdout);
	}
	return 0;
}
