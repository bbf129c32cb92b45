/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process's malloc family, for what was not rebuilt. Its blocks are counted when the thread
 * charges a site at the moment, or when callers are counted by their address; otherwise they are
 * plain blocks of the C library. Whichever they are, every free() and realloc() of the process ends
 * here, and so a block may be freed by whoever likes.
 *
 * A sanitizer has this place for itself: there the header maps free() to ours.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/core.h"

#if !FL_SANITIZED

static inline uint32_t implicit(const void *caller)
{
	if (unlikely(fl_charged))
		return fl_site_index(fl_charged);
	return unlikely(fl_settings.callers) ? fl_site_of_caller(caller) : 0;
}

#define IMPLICIT implicit(__builtin_return_address(0))

FL_API void *malloc(size_t size)
{
	return fl_block_malloc(IMPLICIT, size);
}

FL_API void *calloc(size_t n, size_t size)
{
	return fl_block_calloc(IMPLICIT, n, size);
}

/* A block belongs to whoever allocated it last: grown by getline() it is no longer the caller's. */
FL_API void *realloc(void *p, size_t size)
{
	return fl_block_realloc(IMPLICIT, p, size);
}

FL_API void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return fl_block_realloc(IMPLICIT, p, bytes);
}

static void *aligned(uint32_t index, size_t alignment, size_t size)
{
	if (alignment > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	if (alignment & (alignment - 1))
		alignment = (size_t)2 << (63 - __builtin_clzl(alignment));
	return fl_block_memalign(index, alignment, size);
}

FL_API void *memalign(size_t alignment, size_t size)
{
	return aligned(IMPLICIT, alignment, size);
}

FL_API void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(IMPLICIT, alignment, size);
}

FL_API int posix_memalign(void **ret, size_t alignment, size_t size)
{
	int before = errno;
	void *p;

	if (!alignment || alignment % sizeof(void *) || alignment & (alignment - 1))
		return EINVAL;
	p = fl_block_memalign(IMPLICIT, alignment, size);
	errno = before;
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

FL_API void *valloc(size_t size)
{
	return fl_block_memalign(IMPLICIT, (size_t)sysconf(_SC_PAGESIZE), size);
}

FL_API void *pvalloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size > SIZE_MAX - page) {
		errno = ENOMEM;
		return NULL;
	}
	return fl_block_memalign(IMPLICIT, page, (size + page - 1) & ~(page - 1));
}

FL_API char *(strdup)(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = fl_block_malloc(IMPLICIT, n);

	return p ? memcpy(p, s, n) : NULL;
}

FL_API char *(strndup)(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = fl_block_malloc(IMPLICIT, len + 1);

	if (!p)
		return NULL;
	p[len] = '\0';
	return memcpy(p, s, len);
}

/* A counted block gives what was asked for, as that is what is counted. */
FL_API size_t malloc_usable_size(void *p)
{
	static size_t (*_Atomic next)(void *);
	size_t (*real)(void *) = next;

	if (!p || fl_block_is_counted(p))
		return fl_block_usable_size(p);
	if (!real) {
		real = (size_t(*)(void *))dlsym(RTLD_NEXT, "malloc_usable_size");
		next = real;
	}
	return real ? real(p) : 0;
}

/*
 * C++'s new, by its mangled names. Memory that cannot be had is left to the C++ library's own new,
 * which calls the handler and throws.
 */
static inline uint32_t implicit_new(const void *caller)
{
	if (unlikely(fl_charged))
		return fl_site_index(fl_charged);
	return fl_settings.callers || fl_settings.news ? fl_site_of_caller(caller) : 0;
}

static void *next_new(const char *name, size_t size)
{
	void *(*next)(size_t) = (void *(*)(size_t))dlsym(RTLD_NEXT, name);

	return next ? next(size) : NULL;
}

static void *next_aligned_new(const char *name, size_t size, size_t alignment)
{
	void *(*next)(size_t, size_t) = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, name);

	return next ? next(size, alignment) : NULL;
}

#define DEFINE_NEW(symbol)                                                                         \
	FL_API void *symbol(size_t size);                                                          \
	FL_API void *symbol(size_t size)                                                           \
	{                                                                                          \
		void *p = fl_block_malloc(implicit_new(__builtin_return_address(0)),               \
					  size ? size : 1);                                        \
                                                                                                   \
		return likely(p) ? p : next_new(#symbol, size);                                    \
	}

#define DEFINE_ALIGNED_NEW(symbol)                                                                 \
	FL_API void *symbol(size_t size, size_t alignment);                                        \
	FL_API void *symbol(size_t size, size_t alignment)                                         \
	{                                                                                          \
		void *p = fl_block_memalign(implicit_new(__builtin_return_address(0)), alignment,  \
					    size ? size : 1);                                      \
                                                                                                   \
		return likely(p) ? p : next_aligned_new(#symbol, size, alignment);                 \
	}

#define DEFINE_NOTHROW_NEW(symbol)                                                                 \
	FL_API void *symbol(size_t size, const void *nothrow);                                     \
	FL_API void *symbol(size_t size, const void *nothrow)                                      \
	{                                                                                          \
		return fl_block_malloc(implicit_new(__builtin_return_address(0)),                  \
				       size ? size : 1);                                           \
	}

DEFINE_NEW(_Znwm)
DEFINE_NEW(_Znam)
DEFINE_ALIGNED_NEW(_ZnwmSt11align_val_t)
DEFINE_ALIGNED_NEW(_ZnamSt11align_val_t)
DEFINE_NOTHROW_NEW(_ZnwmRKSt9nothrow_t)
DEFINE_NOTHROW_NEW(_ZnamRKSt9nothrow_t)

#endif
