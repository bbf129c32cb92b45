/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * C++'s new and delete, by their mangled names: every form, since a program that has one of them
 * from us and another from an allocator's library would hand blocks from one to the other.
 *
 * Where the program has an operator new or delete of its own, the forms that it did not define mean,
 * by the language, calls of those that it did; then all of ours are passed on to the C++ library's,
 * which does that. So is memory that cannot be had: the C++ library's own new calls the handler and
 * throws.
 */
#include "alloc/lib/interpose.h"

#if !FL_SANITIZED && !defined(FL_ALLOC_STATIC_)

static bool is_passed_on(void)
{
	fl_real();
	return unlikely(!fl_real_has_cxx);
}

static void *next_new(const char *name, size_t size, uintptr_t second, uintptr_t third)
{
	void *(*next)(size_t, uintptr_t, uintptr_t) =
		(void *(*)(size_t, uintptr_t, uintptr_t))fl_real_next(name);

	return next ? next(size, second, third) : NULL;
}

static void any_delete(const char *name, void *p, uintptr_t second, uintptr_t third)
{
	void (*next)(void *, uintptr_t, uintptr_t) = NULL;

	if (is_passed_on())
		next = (void (*)(void *, uintptr_t, uintptr_t))fl_real_next(name);
	if (next)
		next(p, second, third);
	else
		fl_alloc_free(p);
}

static inline void *any_new(const char *name, void *const *frame, size_t size, size_t alignment,
			    uintptr_t second, uintptr_t third)
{
	uint32_t index;
	void *p;

	if (is_passed_on())
		return next_new(name, size, second, third);
	index = fl_implicit_new(frame);
	if (alignment)
		p = fl_block_memalign(index, alignment, size ? size : 1);
	else
		p = fl_block_malloc(index, size ? size : 1);
	return likely(p) ? p : next_new(name, size, second, third);
}

#define DEFINE_NEW(symbol)                                                                         \
	FL_API void *symbol(size_t size);                                                          \
	FL_API void *symbol(size_t size)                                                           \
	{                                                                                          \
		return any_new(#symbol, FL_CALLER, size, 0, 0, 0);                                 \
	}
#define DEFINE_NEW_NOTHROW(symbol)                                                                 \
	FL_API void *symbol(size_t size, uintptr_t nothrow);                                       \
	FL_API void *symbol(size_t size, uintptr_t nothrow)                                        \
	{                                                                                          \
		return any_new(#symbol, FL_CALLER, size, 0, nothrow, 0);                           \
	}
#define DEFINE_NEW_ALIGNED(symbol)                                                                 \
	FL_API void *symbol(size_t size, size_t alignment);                                        \
	FL_API void *symbol(size_t size, size_t alignment)                                         \
	{                                                                                          \
		return any_new(#symbol, FL_CALLER, size, alignment, alignment, 0);                 \
	}
#define DEFINE_NEW_ALIGNED_NOTHROW(symbol)                                                         \
	FL_API void *symbol(size_t size, size_t alignment, uintptr_t nothrow);                     \
	FL_API void *symbol(size_t size, size_t alignment, uintptr_t nothrow)                      \
	{                                                                                          \
		return any_new(#symbol, FL_CALLER, size, alignment, alignment, nothrow);           \
	}
/* What comes behind the pointer says nothing that its header does not say. */
#define DEFINE_DELETE(symbol)                                                                      \
	FL_API void symbol(void *p, uintptr_t second, uintptr_t third);                            \
	FL_API void symbol(void *p, uintptr_t second, uintptr_t third)                             \
	{                                                                                          \
		any_delete(#symbol, p, second, third);                                             \
	}

#define FORM(kind, symbol, written) DEFINE_##kind(symbol)
#include "alloc/tags/cxx.def"
#undef FORM

extern void *fl_own_new(size_t size) __attribute__((alias("_Znwm"), visibility("hidden")));

extern __typeof(_ZdlPv) fl_own_delete __attribute__((alias("_ZdlPv"), visibility("hidden")));

#endif
