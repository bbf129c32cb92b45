/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who answers malloc() in this process, and what lies beneath us.
 *
 * Where the program brings an allocator of its own in its executable (a static jemalloc, as Rust
 * programs, databases and browsers have it), every malloc() and free() goes there and none comes
 * here - but strdup(), or a form of operator new that it did not define, would. A block of the C
 * library's handed to the program's free() is a crash. So the first of our functions that is called
 * looks whose malloc() the process uses. If it is not ours, all of them pass on to what comes behind
 * us and count nothing: the process is as if we were not there. What was built with the library calls
 * us by names of our own; that is led to the program's functions, as its free() will be.
 *
 * Where another allocator is linked or loaded behind us it stays the program's allocator: it may have
 * an interface of its own (mallocx(), mallctl()) that takes and gives the same blocks. Its blocks are
 * counted by their addresses (live.c).
 *
 * A sanitizer has to see each block, so what was built with the library has its blocks from there,
 * counted by their addresses, too. Its free() may be called by whoever likes, as a pointer for instance:
 * the sanitizer is asked to tell us of each. What was not built with the library is led on by a jump,
 * so that the sanitizer's reports say who called.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/lib/core.h"

enum fl_real_kind fl_real_kind;
bool fl_real_has_cxx = true;
struct fl_family fl_program;
static struct fl_family next; /* what comes behind us */

/* The sanitizer's own interface, where there is one. */
extern int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
						     void (*on_free)(const volatile void *))
	__attribute__((weak));

static void on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	(void)size;
}

static const volatile void *_Atomic tried; /* whether its free is told */

static void on_free(const volatile void *p)
{
	if (unlikely(p == tried))
		tried = NULL;
	else
		fl_block_freed((void *)p);
}

static bool ask_sanitizer(void)
{
	return __sanitizer_install_malloc_and_free_hooks &&
	       __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

bool fl_real_hides_realloc(void)
{
	void *p;

	if (fl_real_kind != FL_REAL_SANITIZER)
		return false;
	p = next.malloc(1);
	tried = p;
	next.free(next.realloc(p, 100000));
	return atomic_exchange(&tried, NULL) != NULL;
}

void *fl_family_memalign(const struct fl_family *f, size_t alignment, size_t size)
{
	void *p = NULL;

	if (f->memalign)
		return f->memalign(alignment, size);
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	errno = f->posix_memalign(&p, alignment, size);
	return p;
}

void *fl_real_memalign(size_t alignment, size_t size)
{
	return fl_family_memalign(&next, alignment, size);
}

#if FL_SANITIZED || defined(FL_ALLOC_STATIC_)

/* In a program that has a sanitizer we are compiled with it; a static one has us by the linker. */
enum fl_real_kind fl_real_find(void)
{
	enum fl_real_kind kind = FL_SANITIZED ? FL_REAL_OTHER : FL_REAL_LIBC;

	if (FL_SANITIZED) {
		next = (struct fl_family){ malloc, calloc, realloc, memalign, posix_memalign, free,
					   malloc_usable_size };
		if (ask_sanitizer())
			kind = FL_REAL_SANITIZER;
	}
	__atomic_store_n(&fl_real_kind, kind, __ATOMIC_RELEASE);
	return kind;
}

void *fl_real_next(const char *name)
{
	return NULL;
}

void *fl_real_malloc(size_t size)
{
	return next.malloc(size);
}

void *fl_real_calloc(size_t n, size_t size)
{
	return next.calloc(n, size);
}

void *fl_real_realloc(void *p, size_t size)
{
	return next.realloc(p, size);
}

void fl_real_free(void *p)
{
	next.free(p);
}

size_t fl_real_usable_size(void *p)
{
	return next.usable_size(p);
}

#else

#include <elf.h>
#include <gnu/libc-version.h>
#include <link.h>

#define EARLY_MAX 32

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void __libc_free(void *p);
extern void *fl_own_malloc(size_t size) __attribute__((visibility("hidden")));
extern void fl_own_free(void *p) __attribute__((visibility("hidden")));
extern void *fl_own_new(size_t size) __attribute__((visibility("hidden")));
extern void fl_own_delete(void *p, uintptr_t second, uintptr_t third)
	 __attribute__((visibility("hidden")));

/* What the loader allocated while it was asked: the C library's, whatever comes out of it. */
static FL_TLS bool finding;
static FL_TLS bool was_called; /* while it was found out: it is ours that is called */
static void *early[EARLY_MAX];
static _Atomic unsigned int nr_early;

static void *keep_early(void *p)
{
	unsigned int i = atomic_fetch_add(&nr_early, 1);

	if (i < EARLY_MAX)
		early[i] = p;
	return p;
}

static bool is_early(const void *p)
{
	unsigned int n = atomic_load_explicit(&nr_early, memory_order_relaxed);

	for (unsigned int i = 0; unlikely(n) && i < n && i < EARLY_MAX; i++)
		if (early[i] == p)
			return true;
	return false;
}

static uintptr_t allocator_start, allocator_end; /* that is not the C library's */

bool fl_real_is_allocators(uintptr_t address)
{
	return address >= allocator_start && address < allocator_end;
}

void *fl_real_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* A program's own operator new calls what it likes: the other forms then are not ours either. */
static bool has_cxx(void)
{
	static const struct {
		const char *name;
		void *own;
	} forms[] = { { "_Znwm", (void *)fl_own_new }, { "_ZdlPv", (void *)fl_own_delete } };

	for (size_t i = 0; i < 2; i++)
		if (dlsym(RTLD_DEFAULT, forms[i].name) != forms[i].own)
			return false;
	return true;
}

/* A jump that the executable has for a function of a library, and gives as the function's address. */
static bool is_jump(void *address)
{
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	return dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
	       symbol->st_shndx == SHN_UNDEF;
}

/*
 * An executable that takes the address of malloc() and is not position independent has a jump for
 * it, which stands before all definitions; where it leads is seen when it is called.
 */
static bool is_ours(const char *name, void *own)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	if (found == own || !is_jump(found))
		return found == own;
	was_called = false;
	if (own == (void *)fl_own_malloc) {
		void *p = ((void *(*)(size_t))found)(1);

		if (was_called)
			fl_alloc_free(p);
	} else {
		void *p = keep_early(__libc_malloc(1));

		((void (*)(void *))found)(p);
	}
	return was_called;
}

/* Some allocators take glibc's private names (__libc_malloc) as well: where the code lies counts. */
static bool is_libcs(void)
{
	struct fl_image libc, found, privately;

	return fl_image_at((uintptr_t)gnu_get_libc_version, &libc) &&
	       fl_image_at((uintptr_t)next.malloc, &found) &&
	       fl_image_at((uintptr_t)__libc_malloc, &privately) && found.start == libc.start &&
	       privately.start == libc.start;
}

/* From @where on: RTLD_NEXT, RTLD_DEFAULT. */
static void find_family(void *where, struct fl_family *ret)
{
	*(void **)&ret->malloc = dlsym(where, "malloc");
	*(void **)&ret->calloc = dlsym(where, "calloc");
	*(void **)&ret->realloc = dlsym(where, "realloc");
	*(void **)&ret->memalign = dlsym(where, "memalign");
	*(void **)&ret->posix_memalign = dlsym(where, "posix_memalign");
	*(void **)&ret->free = dlsym(where, "free");
	*(void **)&ret->usable_size = dlsym(where, "malloc_usable_size");
}

/* All of it is the runtime's: some have the interface, and malloc() is another's. */
static bool is_sanitizers(const struct fl_family *f)
{
	void *const all[] = { (void *)f->malloc,   (void *)f->calloc, (void *)f->realloc,
			      (void *)f->memalign, (void *)f->free,   (void *)f->usable_size };
	struct fl_image image, other;
	bool same = fl_image_at((uintptr_t)__sanitizer_install_malloc_and_free_hooks, &image);

	for (size_t i = 0; same && i < sizeof(all) / sizeof(all[0]); i++)
		same = all[i] && fl_image_at((uintptr_t)all[i], &other) && other.start == image.start;
	return same;
}

static enum fl_real_kind find_kind(void)
{
	find_family(RTLD_NEXT, &next);
	if (is_ours("malloc", (void *)fl_own_malloc) && is_ours("free", (void *)fl_own_free)) {
		if (is_libcs())
			return FL_REAL_LIBC;
		return is_sanitizers(&next) && ask_sanitizer() ? FL_REAL_SANITIZER : FL_REAL_OTHER;
	}
	find_family(RTLD_DEFAULT, &fl_program);
	if (fl_program.memalign == memalign) /* it has no such function: this is ours */
		fl_program.memalign = NULL;
	if (!is_sanitizers(&fl_program) || !ask_sanitizer())
		return FL_REAL_ASIDE;
	next = fl_program;
	return FL_REAL_SANITIZER;
}

enum fl_real_kind fl_real_find(void)
{
	struct fl_image allocator;
	enum fl_real_kind kind;
	int before = errno;

	if (finding) {
		was_called = true;
		return FL_REAL_UNKNOWN;
	}
	finding = true;
	kind = find_kind();
	if (kind == FL_REAL_OTHER && fl_image_at((uintptr_t)next.malloc, &allocator)) {
		allocator_start = allocator.start;
		allocator_end = allocator.end;
	}
	fl_real_has_cxx = kind <= FL_REAL_OTHER && has_cxx();
	finding = false;
	errno = before;
	__atomic_store_n(&fl_real_kind, kind, __ATOMIC_RELEASE);
	return kind;
}

void *fl_real_malloc(size_t size)
{
	return unlikely(finding) ? keep_early(__libc_malloc(size)) : next.malloc(size);
}

void *fl_real_calloc(size_t n, size_t size)
{
	return unlikely(finding) ? keep_early(__libc_calloc(n, size)) : next.calloc(n, size);
}

void *fl_real_realloc(void *p, size_t size)
{
	void *q;

	if (!is_early(p))
		return next.realloc(p, size);
	q = next.malloc(size);
	if (q)
		memcpy(q, p, size); /* at most 32 of them, each a few bytes within an arena */
	return q;
}

void fl_real_free(void *p)
{
	if (is_early(p))
		__libc_free(p);
	else
		next.free(p);
}

size_t fl_real_usable_size(void *p)
{
	return next.usable_size && !is_early(p) ? next.usable_size(p) : 0;
}

/*
 * A library that is bound to its own dependencies first would have the C library's free() for our
 * blocks, and so it is bound as any other. The call is left by a jump: where the C library looks for
 * the file depends on who calls it.
 */
FL_API void *dlopen(const char *path, int mode)
{
	static void *(*_Atomic next_open)(const char *, int);
	void *(*open)(const char *, int) = next_open;

	if (!open) {
		*(void **)&open = fl_real_next("dlopen");
		next_open = open;
	}
	if (mode & RTLD_DEEPBIND && fl_real() == FL_REAL_LIBC)
		mode &= ~RTLD_DEEPBIND;
	return open(path, mode);
}

#endif
