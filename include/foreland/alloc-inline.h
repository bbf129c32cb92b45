/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to libforeland-alloc and <foreland/alloc.h>: what a block and a thread's counters look
 * like, and malloc's usual case, which becomes a part of the program. A call into the library less
 * is half of what counting costs. All of this belongs to the library's soname: a program that was
 * built with it runs with every library of that soname.
 *
 * The call stays a call where it is worth more than that: under a sanitizer, with _FORTIFY_SOURCE
 * (the compiler knows a block's size by the function that it came from, and loses it here), without
 * optimisation, and with FL_ALLOC_NO_INLINE. With a C library that is not glibc all is as under a
 * sanitizer: the allocator is another one, whose words in front of a block have no known meaning.
 */
#ifndef FORELAND_ALLOC_INLINE_H
#define FORELAND_ALLOC_INLINE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define FL_ALLOC_SANITIZED_ 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define FL_ALLOC_SANITIZED_ 1
#endif
#endif
#ifndef FL_ALLOC_SANITIZED_
#define FL_ALLOC_SANITIZED_ 0
#endif

#define FL_ALLOC_FORTIFIED_ 0
#if defined(_FORTIFY_SOURCE)
#if _FORTIFY_SOURCE > 0
#undef FL_ALLOC_FORTIFIED_
#define FL_ALLOC_FORTIFIED_ 1
#endif
#endif

/*
 * What stands in front of a counted block. The mark's upper half is FL_ALLOC_MARK_, its second byte
 * the distance to the real block as a power of two, and its last whether the block is sampled.
 */
struct fl_alloc_header_ {
	uint64_t size; /* as it was asked for */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint32_t mark;
	uint32_t index;
#else
	uint32_t index;
	uint32_t mark;
#endif
};

#define FL_ALLOC_MARK_	  0xa110u
#define FL_ALLOC_SAMPLED_ 1u
#define FL_ALLOC_USUAL_ (FL_ALLOC_MARK_ << 16 | 4u << 8) /* the real block is 16 bytes in front */

/*
 * What one thread has done with one site, only ever growing, written by that thread alone. Frees
 * are counted apart from allocations although only the difference is asked for: a free knows its
 * site only when the block's header has come out of memory, and while it waits the processor must
 * not have to guess whether the next allocation reads the word that is about to be written. With
 * one word for both a pair of malloc() and free() took half as long again.
 */
struct fl_alloc_counter_ {
	uint64_t bytes, calls;
	uint64_t freed_bytes, freed_calls;
};

/* A thread's counters: NULL before its first allocation, behind its end, and while peaks are kept. */
extern __thread struct fl_alloc_counter_ *fl_alloc_mine_ __attribute__((tls_model("initial-exec")));

/* Never a function by itself: it may stand in inline ones that are not static. */
#define FL_ALLOC_INLINE_ extern inline __attribute__((gnu_inline, always_inline))

/* Others read it meanwhile, so it is written whole. */
FL_ALLOC_INLINE_ void fl_alloc_add_(uint64_t *c, uint64_t v)
{
#if defined(__x86_64__) && !FL_ALLOC_SANITIZED_
	/* one instruction, not locked: what the compiler does not make of a relaxed load and store */
	__asm__("addq %1, %0" : "+m"(*c) : "er"(v));
#else
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + v, __ATOMIC_RELAXED);
#endif
}

/* Two calls a pair, without the jump through a table each. */
#define FL_ALLOC_NOPLT_
#define FL_ALLOC_LIBC_MALLOC_ "malloc"
#ifdef __GLIBC__ /* whose own name for its malloc stays its own when malloc is replaced */
#undef FL_ALLOC_LIBC_MALLOC_
#define FL_ALLOC_LIBC_MALLOC_ "__libc_malloc"
#if defined(__has_attribute)
#if __has_attribute(noplt)
#undef FL_ALLOC_NOPLT_
#define FL_ALLOC_NOPLT_ __attribute__((noplt))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
extern void free(void *p) __THROW FL_ALLOC_NOPLT_;
#pragma GCC diagnostic pop
#endif
#endif
#endif

extern void *fl_alloc_libc_malloc_(size_t size) __asm__(FL_ALLOC_LIBC_MALLOC_) FL_ALLOC_NOPLT_;
/* For whatever is not usual: a thread's first call, a site without a number. */
void *fl_alloc_malloc_any_(struct fl_alloc_site *site, size_t size);
/* For memory that could not be had and has been counted: returns NULL. */
void *fl_alloc_take_back_(struct fl_alloc_site *site, size_t size);

/*
 * Whether a profiler listens for samples: the library has their count. It is reached by its address,
 * whatever the program's code model: the kernel writes to the library's own word, and to no copy of it
 * that the linker may have made for the program. Known once for a function.
 */
FL_ALLOC_INLINE_ int fl_alloc_is_listened_to_(void)
{
#if FL_ALLOC_SANITIZED_ || defined(FL_ALLOC_NO_PROBES_)
	return 0;
#elif defined(__x86_64__)
	const volatile unsigned short *listeners;

	__asm__("movq fl_alloc_listeners_@GOTPCREL(%%rip), %0" : "=r"(listeners));
	return *listeners;
#elif defined(__aarch64__)
	const volatile unsigned short *listeners;

	__asm__("adrp %0, :got:fl_alloc_listeners_\n\tldr %0, [%0, :got_lo12:fl_alloc_listeners_]"
		: "=r"(listeners));
	return *listeners;
#else
	return 0;
#endif
}

/* Counted before the call: so there is less to keep over it. */
FL_ALLOC_INLINE_ void *fl_alloc_malloc_usual_(struct fl_alloc_site *site, size_t size)
{
	struct fl_alloc_counter_ *mine = fl_alloc_mine_, *c;
	uint64_t index = site ? __atomic_load_n(&site->index, __ATOMIC_RELAXED) : 0;
	struct fl_alloc_header_ *h;

	if (__builtin_expect(!index || !mine || size > SIZE_MAX / 2 || fl_alloc_is_listened_to_(), 0))
		return fl_alloc_malloc_any_(site, size);
	c = &mine[index];
	fl_alloc_add_(&c->bytes, size);
	fl_alloc_add_(&c->calls, 1);
	h = (struct fl_alloc_header_ *)fl_alloc_libc_malloc_(size + sizeof(*h));
	if (__builtin_expect(!h, 0))
		return fl_alloc_take_back_(site, size);
	h->size = size;
	h->index = __atomic_load_n(&site->index, __ATOMIC_RELAXED);
	h->mark = FL_ALLOC_USUAL_;
	return h + 1;
}

#if defined(__OPTIMIZE__) && !FL_ALLOC_SANITIZED_ && !FL_ALLOC_FORTIFIED_ &&                       \
	!defined(FL_ALLOC_NO_INLINE) && !defined(FL_ALLOC_IMPLEMENTATION)
extern inline __attribute__((gnu_inline)) void *fl_alloc_malloc(struct fl_alloc_site *site,
								size_t size)
{
	return fl_alloc_malloc_usual_(site, size);
}
#endif

#endif
