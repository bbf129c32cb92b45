/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that is counted from outside while it runs: before the first line on its standard input it
 * allocates what must not be seen, behind it 1000 blocks of 1000 bytes that stay, others that go, and
 * one that realloc() grows to 100,000 bytes. With an argument it has put a copy of malloc()'s page, which is
 * no file's, in its place, as programs do that move their code to huge pages.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *volatile kept[1000];
static void *volatile early;
static char *volatile grown;

static __attribute__((noinline, noclone)) void leak(int i)
{
	kept[i] = malloc(1000);
}

static __attribute__((noinline, noclone)) void churn(void)
{
	void *volatile p = malloc(77);
	char *volatile s = strdup("hello");

	p = realloc(p, 200);
	free(p);
	free(s);
}

static __attribute__((noinline, noclone)) void grow(int i)
{
	grown = realloc(grown, 100 * (size_t)(i + 1));
}

static int move_malloc(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = (void *)((uintptr_t)malloc & ~(size - 1));
	void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return -1;
	memcpy(copy, page, size);
	if (mprotect(copy, size, PROT_READ | PROT_EXEC) < 0)
		return -1;
	return mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page ? 0 : -1;
}

int main(int argc, char **argv)
{
	void *aligned = NULL;
	char c;

	if (argc > 1 && move_malloc() < 0)
		return 1;
	early = malloc(5000);
	puts("ready");
	fflush(stdout);
	if (read(STDIN_FILENO, &c, 1) < 0)
		return 1;
	for (int i = 0; i < 1000; i++) {
		leak(i);
		churn();
		grow(i);
	}
	free(early);
	if (posix_memalign(&aligned, 64, 333))
		return 1;
	puts("done");
	fflush(stdout);
	return read(STDIN_FILENO, &c, 1) < 0;
}
