/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Blocks grow: thousands of small arenas are as common as one of megabytes. */
#define FIRST_BLOCK 2048
#define BLOCK_SIZE  65536

struct fl_arena_block {
	struct fl_arena_block *next;
	size_t size; /* of bytes[]; the arena's left counts down from here in the first block */
	uint8_t bytes[] __attribute__((aligned(8)));
};

#define KEPT 64 /* blocks that a reset keeps */

static void free_blocks(struct fl_arena_block *b)
{
	while (b) {
		struct fl_arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void fl_arena_fini(struct fl_arena *a)
{
	free_blocks(a->blocks);
	free_blocks(a->spare);
	*a = (struct fl_arena){};
}

void fl_arena_reset(struct fl_arena *a)
{
	while (a->blocks) {
		struct fl_arena_block *b = a->blocks;

		a->blocks = b->next;
		if (b->size == BLOCK_SIZE && a->nr_spare < KEPT) {
			b->next = a->spare;
			a->spare = b;
			a->nr_spare++;
		} else {
			free(b);
		}
	}
	a->left = 0;
}

/* A block that a reset kept, as if it were new. */
static struct fl_arena_block *spare(struct fl_arena *a)
{
	struct fl_arena_block *b = a->spare;

	a->spare = b->next;
	a->nr_spare--;
	return b;
}

static struct fl_arena_block *new_block(size_t n)
{
	struct fl_arena_block *b;
	size_t size;

	if (__builtin_add_overflow(n, sizeof(*b), &size))
		return NULL;
	b = malloc(size);
	if (b)
		b->size = n;
	return b;
}

static size_t block_size(const struct fl_arena *a)
{
	return a->blocks ? FL_MIN(FL_MAX(a->blocks->size, (size_t)FIRST_BLOCK) * 2, (size_t)BLOCK_SIZE) :
			   FIRST_BLOCK;
}

/* @n bytes, not yet zeroed. */
static void *take_unzeroed(struct fl_arena *a, size_t n)
{
	struct fl_arena_block *b;

	if (n <= a->left) {
		a->left -= n;
		return a->blocks->bytes + a->blocks->size - a->left - n;
	}
	b = a->spare && n <= BLOCK_SIZE / 4 ? spare(a) : new_block(FL_MAX(n, block_size(a)));
	if (!b)
		return NULL;
	/* A large piece gets a block of its own behind the first, which keeps what it has left. */
	if (n > BLOCK_SIZE / 4 && a->blocks) {
		b->next = a->blocks->next;
		a->blocks->next = b;
		return b->bytes;
	}
	b->next = a->blocks;
	a->blocks = b;
	a->left = b->size - n;
	return b->bytes;
}

void *fl_arena_alloc(struct fl_arena *a, size_t n)
{
	void *p;

	if (__builtin_add_overflow(n, 7, &n))
		return NULL;
	n &= ~(size_t)7;
	p = take_unzeroed(a, n);
	return p ? memset(p, 0, n) : NULL;
}

void *fl_arena_array(struct fl_arena *a, size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : fl_arena_alloc(a, bytes);
}

char *fl_arena_dup(struct fl_arena *a, struct fl_str s)
{
	size_t n;
	char *z;

	if (__builtin_add_overflow(s.n, 8, &n))
		return NULL;
	z = take_unzeroed(a, n & ~(size_t)7);
	if (!z)
		return NULL;
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}
