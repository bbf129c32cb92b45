/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To be preloaded: allocation number OOM_AT (from 0) fails, and with OOM_ON all behind it. OOM_COUNT names
 * a file that is given the number of allocations that were asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

static long number = -1, at;
static int on, begun;

static void begin(void)
{
	const char *s = getenv("OOM_AT");

	begun = 1;
	at = s ? strtol(s, NULL, 10) : -1;
	on = getenv("OOM_ON") != NULL;
}

/* What is asked for before main() is libc's own. */
static int fails(void)
{
	long n;

	if (!begun)
		return 0;
	n = __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED);
	if (at < 0 || n < at || (n > at && !on))
		return 0;
	errno = ENOMEM;
	return 1;
}

__attribute__((visibility("default"))) void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

__attribute__((visibility("default"))) void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}

__attribute__((visibility("default"))) int posix_memalign(void **ret, size_t align, size_t n)
{
	if (fails())
		return ENOMEM;
	*ret = __libc_memalign(align, n);
	return *ret ? 0 : ENOMEM;
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __libc_memalign(align, n);
}

__attribute__((constructor)) static void first(void)
{
	begin();
}

__attribute__((destructor)) static void last(void)
{
	const char *path = getenv("OOM_COUNT");
	char text[24], *p = text + sizeof(text);
	long n = number + 1;
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (write(fd, p, (size_t)(text + sizeof(text) - p)) < 0)
		_exit(99);
	close(fd);
}
