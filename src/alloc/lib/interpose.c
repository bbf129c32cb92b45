/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process's malloc family, for what was not rebuilt. Its blocks are counted when the thread
 * charges a site at the moment, or when callers are counted; otherwise they are plain blocks of the
 * C library. Whichever they are, every free() and realloc() of the process ends here, and so a block
 * may be freed by whoever likes.
 *
 * A sanitizer has this place for itself: there the header maps free() to ours. In a static program
 * the linker brings the calls here (__wrap_malloc for malloc).
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/interpose.h"

#if !FL_SANITIZED

#ifdef FL_ALLOC_STATIC_
#define NAME(f) __wrap_##f
#else
#define NAME(f) f
#endif

/*
 * Where the process's malloc() is the program's or a sanitizer's, who calls ours by that name means
 * what comes behind us, and is led there by a jump.
 */
static inline bool passes_on(void)
{
	return unlikely(fl_real() >= FL_REAL_SANITIZER);
}

#define PASS_ON(type, name, parameters, arguments)                                                 \
	do {                                                                                       \
		static type(*next) parameters;                                                     \
                                                                                                   \
		if (passes_on()) {                                                                 \
			if (!__atomic_load_n(&next, __ATOMIC_RELAXED))                             \
				__atomic_store_n(&next, (type(*) parameters)fl_real_next(name),    \
						 __ATOMIC_RELAXED);                                \
			return next arguments;                                                     \
		}                                                                                  \
	} while (0)

void *fl_own_malloc(size_t size);
void *fl_own_malloc(size_t size)
{
	if (passes_on())
		return fl_real_malloc(size);
	return fl_block_malloc(fl_implicit(FL_CALLER), size);
}

extern FL_API void *NAME(malloc)(size_t size) __attribute__((alias("fl_own_malloc")));

FL_API void *NAME(calloc)(size_t n, size_t size);
FL_API void *NAME(calloc)(size_t n, size_t size)
{
	if (passes_on())
		return fl_real_calloc(n, size);
	return fl_block_calloc(fl_implicit(FL_CALLER), n, size);
}

/* A block belongs to whoever allocated it last: grown by getline() it is no longer the caller's. */
FL_API void *NAME(realloc)(void *p, size_t size);
FL_API void *NAME(realloc)(void *p, size_t size)
{
	if (passes_on())
		return fl_real_realloc(p, size);
	return fl_block_realloc(fl_implicit(FL_CALLER), p, size);
}

FL_API void *NAME(reallocarray)(void *p, size_t n, size_t size);
FL_API void *NAME(reallocarray)(void *p, size_t n, size_t size)
{
	size_t bytes;

	PASS_ON(void *, "reallocarray", (void *, size_t, size_t), (p, n, size));
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return fl_block_realloc(fl_implicit(FL_CALLER), p, bytes);
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

FL_API void *NAME(memalign)(size_t alignment, size_t size);
FL_API void *NAME(memalign)(size_t alignment, size_t size)
{
	PASS_ON(void *, "memalign", (size_t, size_t), (alignment, size));
	return aligned(fl_implicit(FL_CALLER), alignment, size);
}

FL_API void *NAME(aligned_alloc)(size_t alignment, size_t size);
FL_API void *NAME(aligned_alloc)(size_t alignment, size_t size)
{
	PASS_ON(void *, "aligned_alloc", (size_t, size_t), (alignment, size));
	return aligned(fl_implicit(FL_CALLER), alignment, size);
}

FL_API int NAME(posix_memalign)(void **ret, size_t alignment, size_t size);
FL_API int NAME(posix_memalign)(void **ret, size_t alignment, size_t size)
{
	int before = errno;
	void *p;

	PASS_ON(int, "posix_memalign", (void **, size_t, size_t), (ret, alignment, size));
	if (!alignment || alignment % sizeof(void *) || alignment & (alignment - 1))
		return EINVAL;
	p = fl_block_memalign(fl_implicit(FL_CALLER), alignment, size);
	errno = before;
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

FL_API void *NAME(valloc)(size_t size);
FL_API void *NAME(valloc)(size_t size)
{
	PASS_ON(void *, "valloc", (size_t), (size));
	return fl_block_memalign(fl_implicit(FL_CALLER), (size_t)sysconf(_SC_PAGESIZE), size);
}

FL_API void *NAME(pvalloc)(size_t size);
FL_API void *NAME(pvalloc)(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	PASS_ON(void *, "pvalloc", (size_t), (size));
	if (size > SIZE_MAX - page) {
		errno = ENOMEM;
		return NULL;
	}
	return fl_block_memalign(fl_implicit(FL_CALLER), page, (size + page - 1) & ~(page - 1));
}

FL_API char *(NAME(strdup))(const char *s);
FL_API char *(NAME(strdup))(const char *s)
{
	size_t n;
	char *p;

	PASS_ON(char *, "strdup", (const char *), (s));
	n = strlen(s) + 1;
	p = fl_block_malloc(fl_implicit(FL_CALLER), n);
	return p ? memcpy(p, s, n) : NULL;
}

FL_API char *(NAME(strndup))(const char *s, size_t n);
FL_API char *(NAME(strndup))(const char *s, size_t n)
{
	size_t len;
	char *p;

	PASS_ON(char *, "strndup", (const char *, size_t), (s, n));
	len = strnlen(s, n);
	p = fl_block_malloc(fl_implicit(FL_CALLER), len + 1);
	if (!p)
		return NULL;
	p[len] = '\0';
	return memcpy(p, s, len);
}

FL_API size_t NAME(malloc_usable_size)(void *p);
FL_API size_t NAME(malloc_usable_size)(void *p)
{
	return fl_block_usable_size(p);
}

#ifndef FL_ALLOC_STATIC_
/*
 * Loaded before a program that has AddressSanitizer, we stand before its runtime, which refuses that
 * since it fears not to see all blocks. It sees ours: they are its own.
 */
FL_API const char *__asan_default_options(void);
FL_API const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}
#endif

#endif
