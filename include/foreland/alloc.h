/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation tags for C and C++ programs: exact live bytes and calls for every call site, always.
 *
 *	#include <foreland/alloc.h>		after the system's headers
 *	cc prog.c -lforeland-alloc
 *
 * maps malloc and its family in this file; building with "-isystem <includedir>/foreland/map" does
 * the same for a whole program without touching it. Every call gets a record (struct
 * fl_alloc_site); the block carries the record's number, so that whoever frees it - this file,
 * another thread, code that was not rebuilt - takes it off the right account. Blocks from code that
 * was not rebuilt may be freed and reallocated here and the other way round.
 *
 * Define FL_ALLOC_NO_MAP before the first inclusion to have the functions without the mapping.
 * Known limits of the mapping: a structure's member named malloc, calloc, realloc, strdup ... is
 * called as (p->malloc)(n), and file-scope initialisers of C++ are not mapped. C++'s new is counted
 * by the address of its caller.
 *
 * Environment FORELAND_ALLOC, words separated by commas:
 *	off		count nothing; serve nothing
 *	stack=N		count also what was not rebuilt, by its chain of N callers
 *	callers		the same with one caller
 *	peak		keep each site's high-water mark (dear: all threads share it); in dumps
 *	total		show each site's sums since the start in dumps
 *	dump=FILE	write a dump at exit, in the kernel's text format; %p is the process id
 *	signal=N	write that dump also when signal N arrives
 *	noserve		keep the counters where nobody else can read them (no memfd for --pid)
 *
 * All functions may be called from any thread. Those that return memory return NULL with errno
 * ENOMEM (EINVAL for a bad alignment) where the C library's function does. A site of NULL stands for
 * the site that the thread is charging at the moment (FL_ALLOC_CHARGE), or for none.
 */
#ifndef FORELAND_ALLOC_H
#define FORELAND_ALLOC_H

#if !defined(__ASSEMBLER__)

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct fl_alloc_site - one call site
 * @index: its number, given at registration; 0 before
 * @line: of @file
 * @function: its name
 * @file: as the compiler was given it
 *
 * Lives in the program's section "foreland_alloc" (C) or beside its function (C++), never freed.
 */
struct fl_alloc_site {
	uint32_t index;
	uint32_t line;
	const char *function;
	const char *file;
};

/**
 * struct fl_alloc_module - the program or one shared library
 * @start: first record of its section; NULL for C++ alone
 * @stop: behind the last
 * @image: an address inside of it
 * @flags: FL_ALLOC_MODULE_...
 * @private_id: the library's
 *
 * Defined by this header, one a module, registered by its constructor.
 */
struct fl_alloc_module {
	struct fl_alloc_site *start, *stop;
	const void *image;
	uint32_t flags;
	uint32_t private_id;
};

#define FL_ALLOC_MODULE_CXX 1u

void fl_alloc_register(struct fl_alloc_module *module);
void fl_alloc_unregister(struct fl_alloc_module *module);

void *fl_alloc_malloc(struct fl_alloc_site *site, size_t size)
	__attribute__((malloc, alloc_size(2)));
void *fl_alloc_calloc(struct fl_alloc_site *site, size_t n, size_t size)
	__attribute__((malloc, alloc_size(2, 3)));
void *fl_alloc_realloc(struct fl_alloc_site *site, void *p, size_t size)
	__attribute__((alloc_size(3)));
void *fl_alloc_reallocarray(struct fl_alloc_site *site, void *p, size_t n, size_t size)
	__attribute__((alloc_size(3, 4)));
void *fl_alloc_memalign(struct fl_alloc_site *site, size_t alignment, size_t size)
	__attribute__((malloc, alloc_size(3)));
void *fl_alloc_aligned_alloc(struct fl_alloc_site *site, size_t alignment, size_t size)
	__attribute__((malloc, alloc_size(3)));
int fl_alloc_posix_memalign(struct fl_alloc_site *site, void **ret, size_t alignment, size_t size);
void *fl_alloc_valloc(struct fl_alloc_site *site, size_t size)
	__attribute__((malloc, alloc_size(2)));
void *fl_alloc_pvalloc(struct fl_alloc_site *site, size_t size) __attribute__((malloc));
char *fl_alloc_strdup(struct fl_alloc_site *site, const char *s) __attribute__((malloc));
char *fl_alloc_strndup(struct fl_alloc_site *site, const char *s, size_t n)
	__attribute__((malloc));

#include <foreland/alloc-inline.h>

/** fl_alloc_free() - what free() of this process is, under a name of its own. */
void fl_alloc_free(void *p);

/**
 * fl_alloc_charge() - charge this thread's untagged allocations to @site from now on
 *
 * NULL ends that. Return: the site charged before, to be restored.
 */
struct fl_alloc_site *fl_alloc_charge(struct fl_alloc_site *site);

/** struct fl_alloc_counters - what one site holds, and what it held. */
struct fl_alloc_counters {
	int64_t bytes, calls;		   /* live */
	int64_t peak_bytes;		   /* with "peak", otherwise 0 */
	uint64_t total_bytes, total_calls; /* of all that was ever allocated */
};

/** fl_alloc_read() - a site's counters, summed over all threads. */
void fl_alloc_read(const struct fl_alloc_site *site, struct fl_alloc_counters *ret);

/**
 * fl_alloc_dump() - write all sites to @fd in the kernel's text format
 *
 * Safe in a signal handler. Return: 0 or a negative errno.
 */
int fl_alloc_dump(int fd);

#ifndef __cplusplus

#define FL_ALLOC_SITE                                                                              \
	(__extension__({                                                                           \
		static struct fl_alloc_site fl_alloc_site_                                         \
			__attribute__((used, section("foreland_alloc"), aligned(8))) = {           \
				0, __LINE__, __func__, __FILE__                                    \
			};                                                                         \
		&fl_alloc_site_;                                                                   \
	}))

extern struct fl_alloc_site __start_foreland_alloc[] __attribute__((weak, visibility("hidden")));
extern struct fl_alloc_site __stop_foreland_alloc[] __attribute__((weak, visibility("hidden")));

#define FL_ALLOC_START_ __start_foreland_alloc
#define FL_ALLOC_STOP_	__stop_foreland_alloc
#define FL_ALLOC_FLAGS_ 0

#else

/* A section cannot hold what templates and inline functions share: such sites come one by one. */
#define FL_ALLOC_SITE                                                                              \
	(__extension__({                                                                           \
		static struct fl_alloc_site fl_alloc_site_ = { 0, __LINE__, __func__, __FILE__ };  \
		&fl_alloc_site_;                                                                   \
	}))

#define FL_ALLOC_START_ 0
#define FL_ALLOC_STOP_	0
#define FL_ALLOC_FLAGS_ FL_ALLOC_MODULE_CXX

#endif

/*
 * The module's own object: one a program or shared library, however many files include this, with
 * C and C++ apart. Registering and unregistering again does nothing.
 */
#ifndef __cplusplus
#define FL_ALLOC_THIS_ fl_alloc_this_module_c_
#define FL_ALLOC_CTOR_ fl_alloc_constructor_c_
#define FL_ALLOC_DTOR_ fl_alloc_destructor_c_
#else
#define FL_ALLOC_THIS_ fl_alloc_this_module_cxx_
#define FL_ALLOC_CTOR_ fl_alloc_constructor_cxx_
#define FL_ALLOC_DTOR_ fl_alloc_destructor_cxx_
#endif

#if !defined(FL_ALLOC_IMPLEMENTATION)
__attribute__((weak, visibility("hidden"))) struct fl_alloc_module FL_ALLOC_THIS_ = {
	0, 0, 0, FL_ALLOC_FLAGS_, 0
};

__attribute__((constructor(101), weak, visibility("hidden"))) void FL_ALLOC_CTOR_(void);
void FL_ALLOC_CTOR_(void)
{
	FL_ALLOC_THIS_.start = FL_ALLOC_START_;
	FL_ALLOC_THIS_.stop = FL_ALLOC_STOP_;
	FL_ALLOC_THIS_.image = &FL_ALLOC_THIS_;
	fl_alloc_register(&FL_ALLOC_THIS_);
}

__attribute__((destructor(101), weak, visibility("hidden"))) void FL_ALLOC_DTOR_(void);
void FL_ALLOC_DTOR_(void)
{
	fl_alloc_unregister(&FL_ALLOC_THIS_);
}
#endif

#ifdef __cplusplus
}

/* For std::malloc(n), which becomes std::fl_alloc_malloc(..., n). */
namespace std
{
using ::fl_alloc_aligned_alloc;
using ::fl_alloc_calloc;
using ::fl_alloc_free;
using ::fl_alloc_malloc;
using ::fl_alloc_realloc;
}
#endif

/**
 * FL_ALLOC_CHARGE() - evaluate an expression and charge what it allocates to this line
 *
 * What counts are the allocations that have no site of their own: those made with a site of NULL
 * and those of code that was not rebuilt, as in FL_ALLOC_CHARGE(asprintf(&s, "%d", n)). The
 * innermost charge wins. A helper that allocates for its callers calls fl_alloc_malloc(NULL, n)
 * and is wrapped in a macro:
 *
 *	#define buffer_new(n) FL_ALLOC_CHARGE(buffer_new_untagged(n))
 */
#define FL_ALLOC_CHARGE(expr) FL_ALLOC_CHARGE_TO(FL_ALLOC_SITE, expr)

/** FL_ALLOC_CHARGE_TO() - the same with a site kept from before, a container's for instance. */
#define FL_ALLOC_CHARGE_TO(site, expr)                                                             \
	(__extension__({                                                                           \
		struct fl_alloc_site *fl_alloc_before_ = fl_alloc_charge(site);                    \
		__typeof__(expr) fl_alloc_result_ = (expr);                                        \
		fl_alloc_charge(fl_alloc_before_);                                                 \
		fl_alloc_result_;                                                                  \
	}))

#if !defined(FL_ALLOC_NO_MAP)
#include <foreland/alloc-map.h>
#endif

#endif /* !__ASSEMBLER__ */
#endif
