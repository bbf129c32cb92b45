/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory behind BARs where nobody else gives any: this process's, at addresses of the board's. */
#ifndef EPDMA_ENDPOINT_EPC_MEM_H
#define EPDMA_ENDPOINT_EPC_MEM_H

#include <stdint.h>

/* Memory of the endpoint for BARs. @phys is a multiple of @align (a power of two). Zeroed. */
struct fl_epc_mem_ops {
	int (*alloc)(void *ctx, uint64_t size, uint64_t align, uint64_t *ret_phys, void **ret_ptr);
	void (*free)(void *ctx, uint64_t phys, uint64_t size, void *ptr);
};

struct fl_epc_mem_block;

struct fl_epc_mem {
	uint64_t base, size;
	struct fl_epc_mem_block *blocks; /* by address */
};

extern const struct fl_epc_mem_ops fl_epc_mem_ops; /* ctx: struct fl_epc_mem */

/* The bytes at endpoint address @phys, and how many of them; NULL where none are allocated. */
void *fl_epc_mem_at(const struct fl_epc_mem *m, uint64_t phys, uint64_t *ret_run);
void fl_epc_mem_fini(struct fl_epc_mem *m);

#endif
