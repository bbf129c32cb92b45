/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of libforeland-alloc. It is linked into other people's programs: it never calls their
 * malloc for itself (memory comes from mmap), never prints, has no thread, and its state is good to
 * read at any moment, from a signal handler or from outside.
 *
 *	setup.c		the environment, fork, exit
 *	lock.c		the one lock
 *	book.c		the ledger's file and regions (layout: alloc/tags/ledger.h)
 *	counters.c	what each thread has allocated and freed, by site number
 *	sites.c		sites and their numbers; the modules that have them
 *	images.c	which file an address is in, also when that is gone
 *	unwind.c	from a frame to its caller's
 *	chain.c		the site of a chain of callers
 *	real.c		the allocator beneath: the C library's, or another one
 *	block.c		malloc's family: the header in front of a block, and its counting
 *	live.c		blocks by address, for allocators whose blocks take no header
 *	sample.c	samples for profilers that listen by USDT probes
 *	interpose.c	the C library's names; cxx.c: C++'s
 *	maps.c		what the program maps past malloc()
 *	dump.c		the text
 */
#ifndef ALLOC_LIB_CORE_H
#define ALLOC_LIB_CORE_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_ALLOC_NO_MAP
#define FL_ALLOC_IMPLEMENTATION
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/tags/ledger.h"
#include "alloc/tags/tag.h"
#include "foreland/alloc.h"

#define FL_API __attribute__((visibility("default")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define FL_SANITIZED FL_ALLOC_SANITIZED_
#define FL_TLS	     __thread __attribute__((tls_model("initial-exec")))

/* Our own mappings are not the program's: they go past the process's mmap(), which is ours as well. */
static inline void *fl_sys_mmap(void *p, size_t size, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, p, size, prot, flags, fd, offset);
}

static inline int fl_sys_munmap(void *p, size_t size)
{
	return (int)syscall(SYS_munmap, p, size);
}

static inline void *fl_sys_mremap(void *p, size_t old_size, size_t size, int flags, void *to)
{
	return (void *)syscall(SYS_mremap, p, old_size, size, flags, to);
}

/* What was asked for in the environment. */
struct fl_settings {
	bool off;
	bool news; /* C++'s new is counted by its caller although nothing else is */
	bool peak, total;
	bool keep; /* in a ledger that others can read */
	unsigned int depth; /* of chains; 0: what has no site of its own is not counted */
	int signal; /* 0: none */
	char dump[512];
	int runner, runner_fd; /* whose ledger it is; 0: none */
	uint64_t token;
};

extern struct fl_settings fl_settings;

/* setup.c: reads the environment, once; called by whatever may run first. */
void fl_setup(void);

/*
 * lock.c: for all that changes rarely. Signals are blocked meanwhile, so that a handler never meets
 * a lock that its own thread holds.
 */
struct fl_locked {
	sigset_t before;
	bool is_outer;
};
struct fl_locked fl_lock(void);
void fl_unlock(struct fl_locked l);
/* Held over fork(), in which the same thread may come again. */
void fl_lock_for_fork(void);
void fl_unlock_after_fork(void);

/* Memory for the library itself, zeroed, never given back. NULL when there is none. */
void *fl_memory(size_t size);

/* book.c. Pointers into the ledger, all set once fl_book_open() has given true, under the lock. */
struct fl_book {
	struct fl_ledger_process *process;
	struct fl_ledger_site *sites;
	uint64_t *frames;
	char *names;
	struct fl_ledger_module *modules;
	struct fl_ledger_peak *peaks;
	uint32_t sites_max;
	uint64_t frames_max, names_max;
	unsigned int table_bits; /* of tables by hash: twice as many slots as there are sites */
};
extern struct fl_book fl_book;
bool fl_book_open(void);
void *fl_book_array(uint64_t *ret_offset); /* of counters; NULL: none to be had */
size_t fl_book_array_size(void);
/* A string's place; 0 where there is no room: the empty string's. */
uint32_t fl_book_name(const char *s, size_t n);
void fl_book_flag(uint32_t flag);
void fl_book_end(void);
/* The child's, made before fork() and taken by the child or given back by the parent. */
bool fl_book_fork(struct fl_ledger_counter **ret_counters, uint64_t *ret_offset);
void fl_book_fork_in_parent(void);
void fl_book_fork_in_child(void);

/* counters.c */
void fl_charge_slow(uint32_t index, size_t bytes);
void fl_uncharge_slow(uint32_t index, size_t bytes);
void fl_counters_read(uint32_t index, struct fl_alloc_counters *ret);
void fl_counters_before_fork(void);
void fl_counters_in_parent(void);
void fl_counters_in_child(void);
/* A thread's own memory of chains, which lives and is handed on with its array. NULL: none yet. */
extern FL_TLS void *fl_thread_memo;
void *fl_thread_memo_make(size_t size); /* NULL where the thread has no array */

extern FL_TLS struct fl_alloc_site *fl_charged;

/* A thread without counters of its own (its first block, peaks, another allocator) goes the slow way. */
static inline void fl_charge(uint32_t index, size_t bytes)
{
	struct fl_alloc_counter_ *mine = fl_alloc_mine_;

	if (unlikely(!mine)) {
		fl_charge_slow(index, bytes);
		return;
	}
	fl_alloc_add_(&mine[index].bytes, bytes);
	fl_alloc_add_(&mine[index].calls, 1);
}

static inline void fl_uncharge(uint32_t index, size_t bytes)
{
	struct fl_alloc_counter_ *mine = fl_alloc_mine_;

	if (unlikely(!mine)) {
		fl_uncharge_slow(index, bytes);
		return;
	}
	fl_alloc_add_(&mine[index].freed_bytes, bytes);
	fl_alloc_add_(&mine[index].freed_calls, 1);
}

/* sites.c */
uint32_t fl_site_register(struct fl_alloc_site *site);
/* A number for a chain whose frames are in the ledger's form; under the lock. Never 0. */
uint32_t fl_site_chain(enum fl_ledger_kind kind, const uint64_t *frames, unsigned int n);

static inline uint32_t fl_site_index(struct fl_alloc_site *site)
{
	uint32_t index = __atomic_load_n(&site->index, __ATOMIC_RELAXED);

	return likely(index) ? index : fl_site_register(site);
}

/* images.c */
struct fl_image {
	uintptr_t start, end, bias;
	const char *path; /* "": the program */
	const uint8_t *unwind; /* .eh_frame_hdr; NULL: none is known */
};
/* The image that is loaded at @address; takes no lock where the C library can (2.35). */
bool fl_image_at(uintptr_t address, struct fl_image *ret);
/* The image's number in the ledger; under the lock. FL_LEDGER_NO_MODULE: no room. */
uint32_t fl_image_module(const struct fl_image *image);
/* Whether that number's image came from the path that the loader has for it. */
bool fl_image_is_named(uint32_t module, const char *path);
/* Something was unloaded: what is remembered of addresses is wrong. */
void fl_images_changed(void);
extern _Atomic uint32_t fl_images_generation;

/* unwind.c */
struct fl_frame {
	uintptr_t pc; /* behind the call */
	uintptr_t sp, bp; /* of the function that pc is in */
	bool is_exact; /* pc is not behind a call but where a signal came */
};
/* What a step rested upon, for those who want to know whether the next would end the same. */
struct fl_step {
	uintptr_t pc_at; /* where the return address lay */
	uintptr_t bp_at; /* where bp was restored from; 0: it was not */
	bool used_bp;
	bool is_fixed; /* all of it is seen by comparing these words */
};
bool fl_unwind(struct fl_frame *f, struct fl_step *step);
void fl_unwind_forget(void);

/* chain.c: the site of who called the function whose frame address this is. */
uint32_t fl_site_of_caller(void *const *frame);
uint32_t fl_site_of_mapper(void *const *frame); /* as FL_LEDGER_MAPS */
void fl_chains_forget(void);

/* real.c: found out at the first call. */
enum fl_real_kind {
	FL_REAL_UNKNOWN,
	FL_REAL_LIBC, /* glibc's, by its own names */
	FL_REAL_OTHER, /* what comes behind us: its blocks take no header */
	/* from here on calls by the C library's names are none of our business */
	FL_REAL_SANITIZER, /* calls by our own names are counted, its blocks take no header */
	FL_REAL_ASIDE, /* malloc() is the program's: nothing is counted */
};
extern enum fl_real_kind fl_real_kind;
extern bool fl_real_has_cxx; /* C++'s new and delete are ours, too */
/* A sanitizer tells of free(); whether it does not of what realloc() frees. Not before it has begun. */
bool fl_real_hides_realloc(void);

struct fl_family {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
	int (*posix_memalign)(void **ret, size_t alignment, size_t size);
	void (*free)(void *p);
	size_t (*usable_size)(void *p);
};
extern struct fl_family fl_program; /* FL_REAL_ASIDE: what the process's names mean */
void *fl_family_memalign(const struct fl_family *f, size_t alignment, size_t size);

enum fl_real_kind fl_real_find(void);
void *fl_real_malloc(size_t size);
void *fl_real_calloc(size_t n, size_t size);
void *fl_real_realloc(void *p, size_t size);
void *fl_real_memalign(size_t alignment, size_t size);
void fl_real_free(void *p);
size_t fl_real_usable_size(void *p);
/* Whether the code at @address is the allocator's itself. */
bool fl_real_is_allocators(uintptr_t address);
/* The next definition of a name behind ours; NULL: none. */
void *fl_real_next(const char *name);

static inline enum fl_real_kind fl_real(void)
{
	return likely(fl_real_kind != FL_REAL_UNKNOWN) ? fl_real_kind : fl_real_find();
}

/* live.c */
struct fl_live {
	size_t size;
	uint32_t index; /* 0: sampled and not counted */
	bool sampled;
};
bool fl_live_add(void *p, uint32_t index, size_t size, bool sampled);
bool fl_live_take(void *p, struct fl_live *ret);
void fl_live_before_fork(void);
void fl_live_after_fork(void);

/* block.c */
/* What was asked for where the block has a header, otherwise what its allocator says. */
size_t fl_block_usable_size(void *p);
/* For callers without a site: counted under @index, or left alone where that is 0. */
void *fl_block_malloc(uint32_t index, size_t size);
void *fl_block_calloc(uint32_t index, size_t n, size_t size);
void *fl_block_memalign(uint32_t index, size_t alignment, size_t size);
void *fl_block_realloc(uint32_t index, void *p, size_t size);
/* Somebody else freed what may be a block of ours. */
void fl_block_freed(void *p);

/* dump.c: the dump that the environment asked for; under the lock. */
void fl_dump_wanted(void);

#endif
