/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one door to memory of others, and an address space as a DMA engine sees one:
 * sorted, disjoint ranges, each backed by memory of this
 * process (often a shared mapping of a file descriptor) or by a pair of functions that move bytes.
 * The endpoint has one (its RAM, its descriptor memories, the backing of its BARs) and the host has
 * one (what it mapped for DMA).
 *
 * A peer that shares a file with us can cut it short, and the next touch of our mapping is then a
 * SIGBUS. So nothing of a peer's is touched but through fl_mem_read(), fl_mem_write() and fl_mem_post(),
 * which answer -EFAULT, or under a guard of the caller's (guard.h) between fl_mem_lock() and
 * fl_mem_unlock(). And nothing is mapped but by fl_mem_map(), which takes only files whose pages come
 * without anybody's help: a page of a FUSE file comes when its server likes.
 *
 * Threads: lookups happen between fl_mem_lock() and fl_mem_unlock(), which many threads may hold at
 * once; fl_mem_add() and fl_mem_del() wait until all of them have left. A pointer that a lookup gave
 * is therefore good until fl_mem_unlock() and not longer, and once fl_mem_del() returns nobody
 * touches the range any more. A thread must not lock twice.
 */
#ifndef EPDMA_MEM_MEM_H
#define EPDMA_MEM_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_mem;

enum fl_mem_flags {
	FL_MEM_READ = 1u << 0,
	FL_MEM_WRITE = 1u << 1,
	FL_MEM_DESC = 1u << 2, /* linked lists may lie here */
	FL_MEM_DATA = 1u << 3, /* on the default allow-list for transfers */
	FL_MEM_OWN_MAP = 1u << 4, /* ptr is a mapping that goes with the range (munmap) */
};

/* Memory that is reached by functions, without this process having it mapped. */
struct fl_mem_io {
	int (*read)(void *ctx, uint64_t addr, void *buf, size_t n);
	int (*write)(void *ctx, uint64_t addr, const void *buf, size_t n);
	/* The same without waiting until it is done, or for anybody; NULL: dropped. */
	int (*post)(void *ctx, uint64_t addr, const void *buf, size_t n);
};

struct fl_mem_range {
	uint64_t base, size;
	unsigned int flags;
	uint8_t *ptr; /* NULL: through @io */
	int fd;	      /* what ptr maps, for handing to a peer; -1: none. Borrowed. */
	uint64_t fd_offset;
	const struct fl_mem_io *io;
	void *io_ctx;
	char name[24]; /* "ram", "desc wr0"; for people */
};

int fl_mem_new(struct fl_mem **ret);
void fl_mem_free(struct fl_mem *m); /* NULL ok */

/*
 * Adds a copy of @r. -EINVAL: empty or past 2^64; -EEXIST: overlaps another; -ENOSPC: there are
 * FL_MEM_MAX_RANGES.
 */
#define FL_MEM_MAX_RANGES 65535u
int fl_mem_add(struct fl_mem *m, const struct fl_mem_range *r);

/* Removes exactly this range; -ENOENT where there is none with this base and size. */
int fl_mem_del(struct fl_mem *m, uint64_t base, uint64_t size);
void fl_mem_del_all(struct fl_mem *m);

void fl_mem_lock(struct fl_mem *m);
void fl_mem_unlock(struct fl_mem *m);

/* Under the lock: the range that holds @addr, or NULL; @hint (may be NULL) makes the next one fast. */
const struct fl_mem_range *fl_mem_find(struct fl_mem *m, uint64_t addr, size_t *hint);
size_t fl_mem_count(struct fl_mem *m);

/*
 * Copies across ranges, taking the lock; all or nothing is not promised after -EFAULT (an address
 * that nothing backs, or whose flags lack @need) or an error of a range's functions.
 */
int fl_mem_read(struct fl_mem *m, uint64_t addr, void *buf, size_t n);
int fl_mem_write(struct fl_mem *m, uint64_t addr, const void *buf, size_t n);

/* As a posted write: never waits for a peer. -EFAULT as above; what comes of it later, nobody hears. */
int fl_mem_post(struct fl_mem *m, uint64_t addr, const void *buf, size_t n);

/*
 * Maps [offset, offset + size) of a peer's file for @r, which says where it is to appear and with which
 * flags; the offset need not be a multiple of the page. -EINVAL: the file is shorter, or is of a kind
 * that can keep us waiting; or the errno of mmap().
 */
int fl_mem_map(int fd, uint64_t offset, uint64_t size, struct fl_mem_range *r);
/* Takes back fl_mem_map(), where @r did not come to be added. */
void fl_mem_unmap(const struct fl_mem_range *r);

/* Whether @p, where a guard caught a fault, is this space's. Under the lock. */
bool fl_mem_holds(const struct fl_mem *m, const void *p);

/* Makes @size bytes of zeroed, shareable memory: a memfd and its mapping. 0 or -errno. */
int fl_mem_shared(const char *name, uint64_t size, int *ret_fd, uint8_t **ret_ptr);

#endif
