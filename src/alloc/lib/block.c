/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A counted block has a header of 16 bytes in front:
 *
 *	-16  size, as it was asked for
 *	 -8  mark (16 bits), distance to the real block as a power of two (8), whether it is sampled (8),
 *	     site (32), which is 0 for what is sampled and not counted
 *
 * (struct fl_alloc_header_; its two halves together are the second word.)
 *
 * free() is given counted blocks and others alike, and has to tell them apart by what lies in front
 * of them. With glibc this is exact: in front of any block of its own stands the chunk's size and
 * three flags, and a size has its upper 16 bits clear, where the mark is. The word is always there
 * to be read. When a block is freed glibc's own links come to lie over the header; where it gives
 * the memory back to the system there is nothing to read any more.
 *
 * Only glibc's blocks are treated so; what is done with those of another allocator, or in a program
 * that allocates for itself, is in real.c and live.c ("plain" below).
 *
 * A block of greater alignment starts a whole multiple of it behind the real block, hence the
 * distance.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lib/sample.h"

#define HEADER sizeof(struct fl_alloc_header_)

#if FL_SANITIZED
#define libc_malloc   malloc
#define libc_calloc   calloc
#define libc_realloc  realloc
#define libc_memalign memalign
#define libc_free     free
#define libc_usable_size malloc_usable_size
#elif defined(FL_ALLOC_STATIC_)
/* In a static program the linker turns every call of malloc into one of ours (--wrap). */
extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t n, size_t size);
extern void *__real_realloc(void *p, size_t size);
extern void *__real_memalign(size_t alignment, size_t size);
extern void __real_free(void *p);
extern size_t __real_malloc_usable_size(void *p);
#define libc_malloc   __real_malloc
#define libc_calloc   __real_calloc
#define libc_realloc  __real_realloc
#define libc_memalign __real_memalign
#define libc_free     __real_free
#define libc_usable_size __real_malloc_usable_size
#else
/* glibc's own names for its allocator, which stay its own when malloc and free are replaced. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *p);
#define libc_malloc   __libc_malloc
#define libc_calloc   __libc_calloc
#define libc_realloc  __libc_realloc
#define libc_memalign __libc_memalign
#define libc_free     __libc_free
#define libc_usable_size fl_real_usable_size
#endif

static struct fl_alloc_header_ *header_of(void *p)
{
	return (struct fl_alloc_header_ *)p - 1;
}

static inline bool is_counted(void *p)
{
	return header_of(p)->mark >> 16 == FL_ALLOC_MARK_;
}

static inline size_t distance_of(const struct fl_alloc_header_ *h)
{
	return (size_t)1 << (h->mark >> 8 & 0xff);
}

static inline bool is_sampled(const struct fl_alloc_header_ *h)
{
	return h->mark & FL_ALLOC_SAMPLED_;
}

static inline void *mark(void *real, size_t distance, unsigned int power, uint32_t index,
			 size_t size, bool sampled)
{
	void *p = (char *)real + distance;
	struct fl_alloc_header_ *h = header_of(p);

	h->size = size;
	h->index = index;
	h->mark = FL_ALLOC_MARK_ << 16 | power << 8 | (sampled ? FL_ALLOC_SAMPLED_ : 0);
	if (likely(index))
		fl_charge(index, size);
	if (unlikely(sampled))
		fl_sample_tell_alloc(p, size);
	return p;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* Blocks that take no header, and those of a process that is not counted at all. */

static inline bool has_live(void)
{
	return fl_real_kind == FL_REAL_OTHER || fl_real_kind == FL_REAL_SANITIZER;
}

static void *plain_counted(void *p, uint32_t index, size_t size, bool sampled)
{
	if (!p || !has_live() || !(index || sampled) || !fl_live_add(p, index, size, sampled))
		return p;
	if (index)
		fl_charge(index, size);
	if (unlikely(sampled))
		fl_sample_tell_alloc(p, size);
	return p;
}

static bool plain_take(void *p, struct fl_live *ret)
{
	if (!p || !has_live() || !fl_live_take(p, ret))
		return false;
	if (unlikely(ret->sampled))
		fl_sample_tell_free(p);
	return true;
}

void fl_block_freed(void *p)
{
	struct fl_live old;

	if (plain_take(p, &old) && old.index)
		fl_uncharge(old.index, old.size);
}

static void plain_free(void *p)
{
	fl_block_freed(p);
	fl_real_free(p);
}

/* A sampled block is told to be free before it can be somebody else's, and if it stays, told again. */
static void *plain_realloc(uint32_t index, void *p, size_t size, bool sampled)
{
	struct fl_live old = { 0 };
	bool was_there = plain_take(p, &old);
	void *q = fl_real_realloc(p, size);

	if (was_there && !q && size) {
		fl_live_add(p, old.index, old.size, old.sampled);
		if (old.sampled)
			fl_sample_tell_alloc(p, old.size);
		return NULL;
	}
	if (old.index)
		fl_uncharge(old.index, old.size);
	return plain_counted(q, index, size, sampled);
}

/* The allocator at hand where it is not glibc's; false where it is. */
static inline bool is_plain(void)
{
	return unlikely(fl_real() != FL_REAL_LIBC);
}

static inline void *marked(void *real, uint32_t index, size_t size, bool sampled)
{
	return mark(real, HEADER, 4, index, size, sampled);
}

static inline void *allocate(uint32_t index, size_t size, bool sampled)
{
	size_t total;
	void *real;

	if (is_plain())
		return plain_counted(fl_real_malloc(size), index, size, sampled);
	if (unlikely(!index && !sampled))
		return libc_malloc(size);
	if (unlikely(__builtin_add_overflow(size, HEADER, &total)))
		return no_memory();
	real = libc_malloc(total);
	if (unlikely(!real))
		return NULL;
	return marked(real, index, size, sampled);
}

void *fl_block_malloc(uint32_t index, size_t size)
{
	return allocate(index, size, fl_sample(size));
}

void *fl_block_calloc(uint32_t index, size_t n, size_t size)
{
	size_t bytes, total;
	bool sampled;
	void *real;

	if (unlikely(__builtin_mul_overflow(n, size, &bytes)))
		return no_memory();
	sampled = fl_sample(bytes);
	if (is_plain())
		return plain_counted(fl_real_calloc(n, size), index, bytes, sampled);
	if (unlikely(!index && !sampled))
		return libc_calloc(n, size);
	if (unlikely(__builtin_add_overflow(bytes, HEADER, &total)))
		return no_memory();
	real = libc_calloc(1, total);
	if (unlikely(!real))
		return NULL;
	return marked(real, index, bytes, sampled);
}

/* @alignment is a power of two. */
void *fl_block_memalign(uint32_t index, size_t alignment, size_t size)
{
	size_t distance = alignment > HEADER ? alignment : HEADER, total;
	bool sampled = fl_sample(size);
	void *real;

	if (is_plain())
		return plain_counted(fl_real_memalign(alignment, size), index, size, sampled);
	if (unlikely(!index && !sampled))
		return libc_memalign(alignment, size);
	if (unlikely(__builtin_add_overflow(size, distance, &total)))
		return no_memory();
	real = libc_memalign(distance, total);
	if (unlikely(!real))
		return NULL;
	return mark(real, distance, (unsigned int)__builtin_ctzl(distance), index, size, sampled);
}

static void *real_of(void *p)
{
	return (char *)p - distance_of(header_of(p));
}

static inline void uncount(const struct fl_alloc_header_ *h)
{
	if (likely(h->index))
		fl_uncharge(h->index, h->size);
}

static void free_any(void *p)
{
	if (!p)
		return;
	if (is_plain()) {
		plain_free(p);
		return;
	}
	if (!is_counted(p)) {
		libc_free(p);
		return;
	}
	uncount(header_of(p));
	if (unlikely(is_sampled(header_of(p))))
		fl_sample_tell_free(p);
	libc_free(real_of(p));
}

static inline bool is_aside(void)
{
	return unlikely(fl_real() == FL_REAL_ASIDE);
}

static __attribute__((noinline)) void free_by_our_name(void *p)
{
	if (is_aside())
		fl_program.free(p);
	else
		free_any(p);
}

/*
 * This and fl_alloc_malloc() are what a program pays for, so their usual case stands here alone and
 * in a line: anything else (NULL, foreign blocks, great alignment, a thread's first and last
 * blocks, another allocator) is a jump away.
 */
static inline __attribute__((always_inline)) void free_usual(void *p, void (*any)(void *))
{
	struct fl_alloc_counter_ *mine = fl_alloc_mine_, *c;
	const struct fl_alloc_header_ *h = header_of(p);

	if (FL_SANITIZED || unlikely(!p || !mine || h->mark != FL_ALLOC_USUAL_)) {
		any(p);
		return;
	}
	c = &mine[h->index];
	fl_alloc_add_(&c->freed_bytes, h->size);
	fl_alloc_add_(&c->freed_calls, 1);
	libc_free((char *)p - HEADER);
}

FL_API void fl_alloc_free(void *p)
{
	free_usual(p, free_by_our_name);
}

#if !FL_SANITIZED
static __attribute__((noinline)) void free_by_its_name(void *p)
{
	if (fl_real() >= FL_REAL_SANITIZER)
		fl_real_free(p); /* which tells of it */
	else
		free_any(p);
}

void fl_own_free(void *p);
void fl_own_free(void *p)
{
	free_usual(p, free_by_its_name);
}

/* Every free() of the process, without a jump more. */
#ifdef FL_ALLOC_STATIC_
extern FL_API void __wrap_free(void *p) __attribute__((alias("fl_own_free")));
#else
extern FL_API void free(void *p) __attribute__((alias("fl_own_free")));
#endif
#endif

/* A counted block gives what was asked for, as that is what is counted. */
size_t fl_block_usable_size(void *p)
{
	if (!p)
		return 0;
	if (!is_plain() && is_counted(p))
		return header_of(p)->size;
	return libc_usable_size(p);
}

/* To a block of the other kind, or from one of great alignment to a usual one. */
static void *move(uint32_t index, void *p, size_t old_size, size_t size, bool sampled)
{
	void *q = allocate(index, size, sampled);

	if (!q)
		return NULL;
	memcpy(q, p, old_size < size ? old_size : size);
	fl_alloc_free(p);
	return q;
}

/* A sampled block is told to be free before it can be somebody else's, and if it stays, told again. */
static void *resize(uint32_t index, void *p, size_t size, bool sampled)
{
	struct fl_alloc_header_ old = *header_of(p);
	size_t total;
	void *real;

	if (unlikely(__builtin_add_overflow(size, HEADER, &total)))
		return no_memory();
	if (unlikely(is_sampled(&old)))
		fl_sample_tell_free(p);
	real = libc_realloc(real_of(p), total);
	if (unlikely(!real)) {
		if (is_sampled(&old))
			fl_sample_tell_alloc(p, old.size);
		return NULL;
	}
	uncount(&old);
	return marked(real, index, size, sampled);
}

/*
 * The block belongs to who reallocates it: a foreign block becomes a counted one, and one that code
 * without a site reallocates is counted no longer. realloc(p, 0) frees, as glibc's does.
 */
void *fl_block_realloc(uint32_t index, void *p, size_t size)
{
	bool sampled;

	if (!p)
		return fl_block_malloc(index, size);
	if (!is_plain() && !size) {
		fl_alloc_free(p);
		return NULL;
	}
	sampled = fl_sample(size);
	if (is_plain())
		return plain_realloc(index, p, size, sampled);
	if (!is_counted(p) && !index && likely(!sampled))
		return libc_realloc(p, size);
	if (!is_counted(p))
		return move(index, p, libc_usable_size(p), size, sampled);
	if (unlikely((!index && !sampled) || distance_of(header_of(p)) != HEADER))
		return move(index, p, header_of(p)->size, size, sampled);
	return resize(index, p, size, sampled);
}

/* The site's number; that of what is being charged where there is no site; 0 for none. */
static inline uint32_t index_for(struct fl_alloc_site *site)
{
	if (unlikely(!site)) {
		site = fl_charged;
		if (!site)
			return 0;
	}
	return fl_site_index(site);
}

/* Where malloc() is the program's own, a mapped call means that one: free() will be its own, too. */
FL_API void *fl_alloc_malloc_any_(struct fl_alloc_site *site, size_t size)
{
	if (is_aside())
		return fl_program.malloc(size);
	return fl_block_malloc(index_for(site), size);
}

FL_API void *fl_alloc_take_back_(struct fl_alloc_site *site, size_t size)
{
	struct fl_alloc_counter_ *c = &fl_alloc_mine_[site->index];

	fl_alloc_add_(&c->bytes, -size);
	fl_alloc_add_(&c->calls, -1ULL);
	return NULL;
}

FL_API void *fl_alloc_malloc(struct fl_alloc_site *site, size_t size)
{
	return FL_SANITIZED ? fl_alloc_malloc_any_(site, size) : fl_alloc_malloc_usual_(site, size);
}

FL_API void *fl_alloc_calloc(struct fl_alloc_site *site, size_t n, size_t size)
{
	if (is_aside())
		return fl_program.calloc(n, size);
	return fl_block_calloc(index_for(site), n, size);
}

FL_API void *fl_alloc_realloc(struct fl_alloc_site *site, void *p, size_t size)
{
	if (is_aside())
		return fl_program.realloc(p, size);
	return fl_block_realloc(index_for(site), p, size);
}

FL_API void *fl_alloc_reallocarray(struct fl_alloc_site *site, void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return no_memory();
	return fl_alloc_realloc(site, p, bytes);
}

static void *memalign_for(struct fl_alloc_site *site, size_t alignment, size_t size)
{
	if (is_aside())
		return fl_family_memalign(&fl_program, alignment, size);
	return fl_block_memalign(index_for(site), alignment, size);
}

/* glibc takes any alignment here and rounds it up. */
FL_API void *fl_alloc_memalign(struct fl_alloc_site *site, size_t alignment, size_t size)
{
	if (alignment > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	if (alignment & (alignment - 1))
		alignment = (size_t)2 << (63 - __builtin_clzl(alignment));
	return memalign_for(site, alignment, size);
}

FL_API void *fl_alloc_aligned_alloc(struct fl_alloc_site *site, size_t alignment, size_t size)
{
	return fl_alloc_memalign(site, alignment, size);
}

FL_API int fl_alloc_posix_memalign(struct fl_alloc_site *site, void **ret, size_t alignment,
				   size_t size)
{
	int before = errno;
	void *p;

	if (!alignment || alignment % sizeof(void *) || alignment & (alignment - 1))
		return EINVAL;
	p = memalign_for(site, alignment, size);
	errno = before;
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

FL_API void *fl_alloc_valloc(struct fl_alloc_site *site, size_t size)
{
	return memalign_for(site, (size_t)sysconf(_SC_PAGESIZE), size);
}

FL_API void *fl_alloc_pvalloc(struct fl_alloc_site *site, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size > SIZE_MAX - page)
		return no_memory();
	return memalign_for(site, page, (size + page - 1) & ~(page - 1));
}

FL_API char *fl_alloc_strdup(struct fl_alloc_site *site, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = fl_alloc_malloc_any_(site, n);

	return p ? memcpy(p, s, n) : NULL;
}

FL_API char *fl_alloc_strndup(struct fl_alloc_site *site, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = fl_alloc_malloc_any_(site, len + 1);

	if (!p)
		return NULL;
	p[len] = '\0';
	return memcpy(p, s, len);
}
