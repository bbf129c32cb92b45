/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that the program maps itself - arenas, what compilers at run time write to - and malloc()
 * knows nothing of. Anonymous mappings are counted under the chain that made them; the C library's own
 * calls do not come here, nor do an allocator's that is linked or loaded behind us: what malloc() takes
 * is counted block by block.
 *
 * Ranges are kept in order of their addresses; unmapping may cut one in two, and mapping over one
 * (MAP_FIXED) cuts as well.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "alloc/lib/core.h"

#if !FL_SANITIZED && !defined(FL_ALLOC_STATIC_)

#define RANGES_MAX 65536
#define PAGE	   4096UL

struct range {
	uintptr_t start, end;
	uint32_t index;
};

static struct range *ranges; /* RANGES_MAX */
static size_t n;

static bool is_counting(void)
{
	return fl_settings.depth && fl_real_kind != FL_REAL_UNKNOWN;
}

/* The first range that ends behind @at. */
static size_t find(uintptr_t at)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of bytes alone: the mapping counts as one call as long as a part of it is there. */
static void shrink(const struct range *r, size_t bytes)
{
	fl_uncharge(r->index, bytes);
	fl_charge(r->index, 0);
}

static void erase(size_t i)
{
	memmove(&ranges[i], &ranges[i + 1], (n - i - 1) * sizeof(*ranges));
	n--;
}

static bool insert(size_t i, struct range r)
{
	if (n == RANGES_MAX)
		return false;
	memmove(&ranges[i + 1], &ranges[i], (n - i) * sizeof(*ranges));
	ranges[i] = r;
	n++;
	return true;
}

/* Whatever was in [start, end) is there no longer. */
static void cut(uintptr_t start, uintptr_t end)
{
	for (size_t i = find(start); i < n && ranges[i].start < end;) {
		struct range *r = &ranges[i];
		struct range whole = *r;

		if (start <= whole.start && whole.end <= end) {
			fl_uncharge(whole.index, whole.end - whole.start);
			erase(i);
		} else if (start <= whole.start) {
			shrink(r, end - whole.start);
			r->start = end;
			i++;
		} else {
			shrink(r, (whole.end < end ? whole.end : end) - start);
			r->end = start;
			i++;
			if (whole.end > end && insert(i, (struct range){ end, whole.end, whole.index }))
				fl_charge(whole.index, 0);
		}
	}
}

static void add(uintptr_t start, uintptr_t end, uint32_t index)
{
	if (!ranges)
		ranges = fl_memory(RANGES_MAX * sizeof(*ranges));
	if (ranges && insert(find(start), (struct range){ start, end, index }))
		fl_charge(index, end - start);
	else if (fl_book.process)
		fl_book.process->refused++;
}

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

static void note(uintptr_t start, size_t size, uint32_t index)
{
	struct fl_locked l;

	fl_charge(0, 0); /* the thread has its counters before the lock is taken, which they need, too */
	l = fl_lock();
	cut(start, start + whole_pages(size));
	if (index)
		add(start, start + whole_pages(size), index);
	fl_unlock(l);
}

static void *map(void *const *frame, void *p, size_t size, int prot, int flags, int fd, off_t offset)
{
	uint32_t index = 0;
	void *q = fl_sys_mmap(p, size, prot, flags, fd, offset);
	int before = errno;

	if (q == MAP_FAILED || !is_counting())
		return q;
	if (flags & MAP_ANONYMOUS && !fl_real_is_allocators((uintptr_t)frame[1]))
		index = fl_site_of_mapper(frame);
	if (index || n)
		note((uintptr_t)q, size, index);
	errno = before;
	return q;
}

void *fl_own_mmap(void *p, size_t size, int prot, int flags, int fd, off_t offset);
void *fl_own_mmap(void *p, size_t size, int prot, int flags, int fd, off_t offset)
{
	return map(__builtin_frame_address(0), p, size, prot, flags, fd, offset);
}

/* Both names, past the header that makes one of them the other. */
extern FL_API void *fl_mmap_name_(void *p, size_t size, int prot, int flags, int fd, off_t offset)
	__asm__("mmap") __attribute__((alias("fl_own_mmap")));
extern FL_API void *fl_mmap64_name_(void *p, size_t size, int prot, int flags, int fd, off_t offset)
	__asm__("mmap64") __attribute__((alias("fl_own_mmap")));

/* Forgotten before it is gone: another thread may get the addresses at once. */
FL_API int munmap(void *p, size_t size)
{
	if (n && is_counting() && !((uintptr_t)p % PAGE) && size)
		note((uintptr_t)p, size, 0);
	return fl_sys_munmap(p, size);
}

static uint32_t owner_of(uintptr_t start)
{
	struct fl_locked l = fl_lock();
	size_t i = find(start);
	uint32_t index = i < n && ranges[i].start <= start ? ranges[i].index : 0;

	fl_unlock(l);
	return index;
}

FL_API void *mremap(void *p, size_t old_size, size_t size, int flags, ...)
{
	uint32_t index = n && is_counting() ? owner_of((uintptr_t)p) : 0;
	va_list ap;
	void *to, *q;

	va_start(ap, flags);
	to = flags & MREMAP_FIXED ? va_arg(ap, void *) : NULL;
	va_end(ap);
	q = fl_sys_mremap(p, old_size, size, flags, to);
	if (q == MAP_FAILED || !index)
		return q;
	if (!(flags & MREMAP_DONTUNMAP) && old_size)
		note((uintptr_t)p, old_size, 0);
	note((uintptr_t)q, size, index);
	return q;
}

#endif
