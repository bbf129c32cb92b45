// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/endpoint/epc-mem.h"

#include <errno.h>
#include <stdlib.h>

struct fl_epc_mem_block {
	struct fl_epc_mem_block *next;
	uint64_t phys, size;
	void *ptr;
};

/* First fit between the blocks; @ret_link is where the new one goes in. */
static int find_gap(struct fl_epc_mem *m, uint64_t size, uint64_t align, uint64_t *ret_phys,
		    struct fl_epc_mem_block ***ret_link)
{
	struct fl_epc_mem_block **link = &m->blocks;
	uint64_t at = m->base, limit = m->base + m->size;

	for (;; link = &(*link)->next) {
		uint64_t start, end;

		if (__builtin_add_overflow(at, align - 1, &start))
			return -ENOMEM;
		start &= ~(align - 1);
		if (__builtin_add_overflow(start, size, &end) || end > limit)
			return -ENOMEM;
		if (!*link || end <= (*link)->phys) {
			*ret_phys = start;
			*ret_link = link;
			return 0;
		}
		at = (*link)->phys + (*link)->size;
	}
}

static int mem_alloc(void *ctx, uint64_t size, uint64_t align, uint64_t *ret_phys, void **ret_ptr)
{
	struct fl_epc_mem *m = ctx;
	struct fl_epc_mem_block *b, **link;
	uint64_t phys;
	int r = find_gap(m, size, align, &phys, &link);

	if (r)
		return r;
	b = malloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	*b = (struct fl_epc_mem_block){ *link, phys, size, calloc(1, size) };
	if (!b->ptr) {
		free(b);
		return -ENOMEM;
	}
	*link = b;
	*ret_phys = phys;
	*ret_ptr = b->ptr;
	return 0;
}

static void mem_free(void *ctx, uint64_t phys, uint64_t size, void *ptr)
{
	struct fl_epc_mem *m = ctx;

	for (struct fl_epc_mem_block **link = &m->blocks; *link; link = &(*link)->next) {
		struct fl_epc_mem_block *b = *link;

		if (b->phys != phys)
			continue;
		*link = b->next;
		free(b->ptr);
		free(b);
		return;
	}
}

const struct fl_epc_mem_ops fl_epc_mem_ops = { .alloc = mem_alloc, .free = mem_free };

void *fl_epc_mem_at(const struct fl_epc_mem *m, uint64_t phys, uint64_t *ret_run)
{
	for (const struct fl_epc_mem_block *b = m->blocks; b; b = b->next) {
		if (phys < b->phys || phys - b->phys >= b->size)
			continue;
		*ret_run = b->size - (phys - b->phys);
		return (char *)b->ptr + (phys - b->phys);
	}
	return NULL;
}

void fl_epc_mem_fini(struct fl_epc_mem *m)
{
	while (m->blocks)
		mem_free(m, m->blocks->phys, m->blocks->size, m->blocks->ptr);
}
