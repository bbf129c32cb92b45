/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"
#include "cli/say.h"

static bool missing;

static void *noted(void *p, size_t n)
{
	if (!p && n)
		__atomic_store_n(&missing, true, __ATOMIC_RELAXED);
	return p;
}

/* The names are the linker's: __wrap_X is what is called as X, and __real_X what X was. */
#define WRAP(ret, name, size, parameters, arguments)                                               \
	ret __real_##name parameters;                                                              \
	ret __wrap_##name parameters;                                                              \
	ret __wrap_##name parameters                                                               \
	{                                                                                          \
		return noted(__real_##name arguments, size);                                       \
	}

WRAP(void *, malloc, n, (size_t n), (n))
WRAP(void *, calloc, n && size, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, n, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, n && size, (void *p, size_t n, size_t size), (p, n, size))
WRAP(void *, aligned_alloc, n, (size_t align, size_t n), (align, n))
WRAP(char *, strdup, 1, (const char *s), (s))
WRAP(char *, strndup, 1, (const char *s, size_t n), (s, n))

/* What libc takes for itself: these fail for many reasons, and for want of memory as well. */
static void *noted_errno(void *p)
{
	return noted(p, errno == ENOMEM);
}

#define WRAP_LIBC(ret, name, parameters, arguments)                                                \
	ret __real_##name parameters;                                                              \
	ret __wrap_##name parameters;                                                              \
	ret __wrap_##name parameters                                                               \
	{                                                                                          \
		return noted_errno(__real_##name arguments);                                       \
	}

WRAP_LIBC(FILE *, fopen, (const char *path, const char *mode), (path, mode))
WRAP_LIBC(FILE *, fdopen, (int fd, const char *mode), (fd, mode))
WRAP_LIBC(DIR *, opendir, (const char *path), (path))
WRAP_LIBC(DIR *, fdopendir, (int fd), (fd))

int fl_memory_verdict(int code)
{
	if (!__atomic_load_n(&missing, __ATOMIC_RELAXED))
		return code;
	fl_say_failed("foreland", ENOMEM);
	return code == FL_EXIT_DONE || code == FL_EXIT_USAGE ? FL_EXIT_FINDINGS : code;
}
