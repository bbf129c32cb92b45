// SPDX-License-Identifier: LGPL-2.1-or-later
#include "epdma/mem/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "epdma/mem/guard.h"

/*
 * Readers are the engine's workers, which hold the lock for one slice of a list; writers are rare and
 * must get in, hence the kind that does not let new readers pass a waiting writer.
 */
struct fl_mem {
	pthread_rwlock_t lock;
	struct fl_mem_range *ranges; /* by base, disjoint */
	size_t n, cap;
};

int fl_mem_new(struct fl_mem **ret)
{
	struct fl_mem *m = calloc(1, sizeof(*m));
	pthread_rwlockattr_t attr;

	if (!m)
		return -ENOMEM;
	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__ /* elsewhere a waiting writer is always before new readers, or it cannot be asked for */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(&m->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	*ret = m;
	return 0;
}

#define PAGE 4096ull

/* Kinds of files whose pages the kernel has at hand or reads from a disk. */
static bool prompt_pages(int fd)
{
	static const __typeof__(((struct statfs *)0)->f_type) kinds[] = {
		TMPFS_MAGIC, HUGETLBFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
		OVERLAYFS_SUPER_MAGIC,
	};
	struct statfs sf;

	if (fstatfs(fd, &sf) < 0)
		return false;
	for (size_t i = 0; i < FL_ARRAY_SIZE(kinds); i++)
		if (sf.f_type == kinds[i])
			return true;
	return false;
}

int fl_mem_map(int fd, uint64_t offset, uint64_t size, struct fl_mem_range *r)
{
	uint64_t lead = offset % PAGE, end, len;
	int prot = (r->flags & FL_MEM_READ ? PROT_READ : 0) | (r->flags & FL_MEM_WRITE ? PROT_WRITE : 0);
	struct stat st;
	uint8_t *p;

	if (__builtin_add_overflow(offset, size, &end) || end > INT64_MAX ||
	    __builtin_add_overflow(size, lead, &len))
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || end > (uint64_t)st.st_size || !prompt_pages(fd))
		return -EINVAL;
	p = mmap(NULL, len, prot, MAP_SHARED | MAP_NORESERVE, fd, (off_t)(offset - lead));
	if (p == MAP_FAILED)
		return -errno;
	r->ptr = p + lead;
	r->size = size;
	r->flags |= FL_MEM_OWN_MAP;
	return 0;
}

void fl_mem_unmap(const struct fl_mem_range *r)
{
	uint64_t lead = (uintptr_t)r->ptr % PAGE;

	if (r->flags & FL_MEM_OWN_MAP)
		munmap(r->ptr - lead, r->size + lead);
}

void fl_mem_free(struct fl_mem *m)
{
	if (!m)
		return;
	fl_mem_del_all(m);
	pthread_rwlock_destroy(&m->lock);
	free(m->ranges);
	free(m);
}

/* Index of the first range that ends behind @addr. */
static size_t lower_bound(const struct fl_mem *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->ranges[mid].base + (m->ranges[mid].size - 1) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int add_locked(struct fl_mem *m, const struct fl_mem_range *r)
{
	size_t at = lower_bound(m, r->base);

	if (at < m->n && m->ranges[at].base <= r->base + (r->size - 1))
		return -EEXIST;
	if (m->n >= FL_MEM_MAX_RANGES)
		return -ENOSPC;
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 16;
		void *p = reallocarray(m->ranges, cap, sizeof(*m->ranges));

		if (!p)
			return -ENOMEM;
		m->ranges = p;
		m->cap = cap;
	}
	memmove(&m->ranges[at + 1], &m->ranges[at], (m->n - at) * sizeof(*m->ranges));
	m->ranges[at] = *r;
	m->n++;
	return 0;
}

int fl_mem_add(struct fl_mem *m, const struct fl_mem_range *r)
{
	uint64_t last;
	int err;

	if (!r->size || __builtin_add_overflow(r->base, r->size - 1, &last))
		return -EINVAL;
	if (!r->ptr && !r->io)
		return -EINVAL;
	pthread_rwlock_wrlock(&m->lock);
	err = add_locked(m, r);
	pthread_rwlock_unlock(&m->lock);
	return err;
}

int fl_mem_del(struct fl_mem *m, uint64_t base, uint64_t size)
{
	int err = -ENOENT;
	size_t at;

	pthread_rwlock_wrlock(&m->lock);
	at = lower_bound(m, base);
	if (at < m->n && m->ranges[at].base == base && m->ranges[at].size == size) {
		fl_mem_unmap(&m->ranges[at]);
		memmove(&m->ranges[at], &m->ranges[at + 1],
			(m->n - at - 1) * sizeof(*m->ranges));
		m->n--;
		err = 0;
	}
	pthread_rwlock_unlock(&m->lock);
	return err;
}

void fl_mem_del_all(struct fl_mem *m)
{
	pthread_rwlock_wrlock(&m->lock);
	for (size_t i = 0; i < m->n; i++)
		fl_mem_unmap(&m->ranges[i]);
	m->n = 0;
	pthread_rwlock_unlock(&m->lock);
}

void fl_mem_lock(struct fl_mem *m)
{
	pthread_rwlock_rdlock(&m->lock);
}

void fl_mem_unlock(struct fl_mem *m)
{
	pthread_rwlock_unlock(&m->lock);
}

const struct fl_mem_range *fl_mem_find(struct fl_mem *m, uint64_t addr, size_t *hint)
{
	size_t at;

	if (hint && *hint < m->n && addr - m->ranges[*hint].base < m->ranges[*hint].size)
		return &m->ranges[*hint];
	at = lower_bound(m, addr);
	if (at >= m->n || m->ranges[at].base > addr)
		return NULL;
	if (hint)
		*hint = at;
	return &m->ranges[at];
}

bool fl_mem_holds(const struct fl_mem *m, const void *p)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->ranges[i].ptr && (uintptr_t)p - (uintptr_t)m->ranges[i].ptr < m->ranges[i].size)
			return true;
	return false;
}

size_t fl_mem_count(struct fl_mem *m)
{
	size_t n;

	fl_mem_lock(m);
	n = m->n;
	fl_mem_unlock(m);
	return n;
}

/*
 * Small accesses are a CPU's loads and stores, which others look at meanwhile: word by word, each whole,
 * in order. What is longer or crooked is only data.
 */
#define SMALL 64u

static void copy_out(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n > SMALL || ((uintptr_t)from | n) % 4) {
		memcpy(to, from, n);
		return;
	}
	for (size_t i = 0; i < n; i += 4) {
		uint32_t v = __atomic_load_n((const uint32_t *)(from + i), __ATOMIC_ACQUIRE);

		memcpy(to + i, &v, sizeof(v));
	}
}

static void copy_in(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n > SMALL || ((uintptr_t)to | n) % 4) {
		memcpy(to, from, n);
		return;
	}
	for (size_t i = 0; i < n; i += 4) {
		uint32_t v;

		memcpy(&v, from + i, sizeof(v));
		__atomic_store_n((uint32_t *)(to + i), v, __ATOMIC_RELEASE);
	}
}

enum how { READ, WRITE, POST };

static int copy_guarded(uint8_t *mem, uint8_t *buf, size_t n, enum how how)
{
	struct fl_guard guard;
	int err = fl_guard_enter(&guard);

	if (err == 0 && how == READ)
		copy_out(buf, mem, n);
	else if (err == 0)
		copy_in(mem, buf, n);
	fl_guard_leave(&guard);
	return err;
}

static int call_io(const struct fl_mem_range *r, uint64_t addr, uint8_t *buf, size_t n, enum how how)
{
	if (how == READ)
		return r->io->read(r->io_ctx, addr, buf, n);
	if (how == WRITE)
		return r->io->write(r->io_ctx, addr, buf, n);
	return r->io->post ? r->io->post(r->io_ctx, addr, buf, n) : 0;
}

/*
 * One piece, within one range. A range's functions are called without the lock: they may take as long
 * as a peer takes to answer, and that peer may first ask for this very range to be removed.
 */
static int copy_piece(struct fl_mem *m, uint64_t addr, uint8_t *buf, size_t n, enum how how,
		      size_t *ret_done)
{
	unsigned int need = how == READ ? FL_MEM_READ : FL_MEM_WRITE;
	const struct fl_mem_range *r;
	struct fl_mem_range copy;
	int err = 0;

	fl_mem_lock(m);
	r = fl_mem_find(m, addr, NULL);
	if (!r || !(r->flags & need)) {
		fl_mem_unlock(m);
		return -EFAULT;
	}
	if (n > r->size - (addr - r->base))
		n = r->size - (addr - r->base);
	*ret_done = n;
	if (r->ptr)
		err = copy_guarded(r->ptr + (addr - r->base), buf, n, how);
	copy = *r;
	fl_mem_unlock(m);
	return copy.ptr ? err : call_io(&copy, addr, buf, n, how);
}

static int copy_all(struct fl_mem *m, uint64_t addr, uint8_t *buf, size_t n, enum how how)
{
	while (n) {
		size_t done;
		int err = copy_piece(m, addr, buf, n, how, &done);

		if (err)
			return err;
		addr += done;
		buf += done;
		n -= done;
	}
	return 0;
}

int fl_mem_read(struct fl_mem *m, uint64_t addr, void *buf, size_t n)
{
	return copy_all(m, addr, buf, n, READ);
}

int fl_mem_write(struct fl_mem *m, uint64_t addr, const void *buf, size_t n)
{
	return copy_all(m, addr, (uint8_t *)buf, n, WRITE);
}

int fl_mem_post(struct fl_mem *m, uint64_t addr, const void *buf, size_t n)
{
	return copy_all(m, addr, (uint8_t *)buf, n, POST);
}

int fl_mem_shared(const char *name, uint64_t size, int *ret_fd, uint8_t **ret_ptr)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	/* A peer that holds the descriptor must not be able to pull pages away from under us. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	*ret_ptr = p;
	return 0;
}
