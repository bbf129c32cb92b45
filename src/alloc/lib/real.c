/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who answers malloc() in this process, and what lies beneath us.
 *
 * Where the program brings an allocator of its own in its executable (a static jemalloc, as Rust
 * programs, databases and browsers have it), every malloc() and free() goes there and none comes
 * here - but strdup(), or a form of operator new that it did not define, would. A block of the C
 * library's handed to the program's free() is a crash. So the first of our functions that is called
 * looks whose malloc() the process uses. If it is not ours, all of them pass on to what comes behind
 * us and count nothing: the process is as if we were not there.
 *
 * Where another allocator is linked or loaded behind us it stays the program's allocator: it may have
 * an interface of its own (mallocx(), mallctl()) that takes and gives the same blocks. Its blocks are
 * counted by their addresses (live.c).
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "alloc/lib/core.h"

enum fl_real_kind fl_real_kind;
bool fl_real_has_cxx = true;

#if FL_SANITIZED || defined(FL_ALLOC_STATIC_)

enum fl_real_kind fl_real_find(void)
{
	fl_real_kind = FL_REAL_LIBC;
	return fl_real_kind;
}

void *fl_real_next(const char *name)
{
	return NULL;
}

void *fl_real_malloc(size_t size)
{
	return NULL;
}

void *fl_real_calloc(size_t n, size_t size)
{
	return NULL;
}

void *fl_real_realloc(void *p, size_t size)
{
	return NULL;
}

void *fl_real_memalign(size_t alignment, size_t size)
{
	return NULL;
}

void fl_real_free(void *p)
{
}

size_t fl_real_usable_size(void *p)
{
	return 0;
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

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
	int (*posix_memalign)(void **ret, size_t alignment, size_t size);
	void (*free)(void *p);
	size_t (*usable_size)(void *p);
} next;

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
		void *p = __libc_malloc(1);

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

static void find_next(void)
{
	*(void **)&next.malloc = fl_real_next("malloc");
	*(void **)&next.calloc = fl_real_next("calloc");
	*(void **)&next.realloc = fl_real_next("realloc");
	*(void **)&next.memalign = fl_real_next("memalign");
	*(void **)&next.posix_memalign = fl_real_next("posix_memalign");
	*(void **)&next.free = fl_real_next("free");
	*(void **)&next.usable_size = fl_real_next("malloc_usable_size");
}

enum fl_real_kind fl_real_find(void)
{
	enum fl_real_kind kind = FL_REAL_LIBC;
	struct fl_image allocator;
	int before = errno;

	if (finding) {
		was_called = true;
		return FL_REAL_LIBC;
	}
	finding = true;
	find_next();
	if (!is_ours("malloc", (void *)fl_own_malloc) || !is_ours("free", (void *)fl_own_free))
		kind = FL_REAL_ASIDE;
	else if (!is_libcs())
		kind = FL_REAL_OTHER;
	if (kind == FL_REAL_OTHER && fl_image_at((uintptr_t)next.malloc, &allocator)) {
		allocator_start = allocator.start;
		allocator_end = allocator.end;
	}
	fl_real_has_cxx = kind != FL_REAL_ASIDE && has_cxx();
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

void *fl_real_memalign(size_t alignment, size_t size)
{
	void *p = NULL;

	if (next.memalign)
		return next.memalign(alignment, size);
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	errno = next.posix_memalign(&p, alignment, size);
	return p;
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
