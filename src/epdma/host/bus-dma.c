// SPDX-License-Identifier: LGPL-2.1-or-later
#include "epdma/host/bus-dma.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "epdma/mem/mem.h"

#define FIRST 0x100000000ull
#define PAGE  4096ull

static void release(struct fl_bus_dma_piece *p)
{
	munmap(p->buf.ptr, p->buf.size);
	close(p->buf.fd);
	free(p);
}

int fl_bus_dma_alloc(struct fl_bus_dma *m, size_t size, int (*map)(struct fl_bus *, const struct fl_dma_buf *),
		     struct fl_bus *bus, struct fl_dma_buf *ret)
{
	uint64_t len = (size + PAGE - 1) & ~(PAGE - 1);
	struct fl_bus_dma_piece *p;
	uint8_t *ptr;
	int r;

	if (!size || len < size)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	r = fl_mem_shared("foreland-dma", len, &p->buf.fd, &ptr);
	if (r < 0) {
		free(p);
		return r;
	}
	p->buf.ptr = ptr;
	p->buf.size = len;
	p->buf.addr = FIRST + m->used;
	r = map(bus, &p->buf);
	if (r < 0) {
		release(p);
		return r;
	}
	m->used += len + PAGE;
	p->next = m->pieces;
	m->pieces = p;
	*ret = p->buf;
	return 0;
}

void fl_bus_dma_free(struct fl_bus_dma *m, const struct fl_dma_buf *buf,
		     void (*unmap)(struct fl_bus *, const struct fl_dma_buf *), struct fl_bus *bus)
{
	struct fl_bus_dma_piece **at = &m->pieces, *p;

	while (*at && (*at)->buf.ptr != buf->ptr)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return;
	unmap(bus, &p->buf);
	*at = p->next;
	release(p);
}

void fl_bus_dma_fini(struct fl_bus_dma *m)
{
	while (m->pieces) {
		struct fl_bus_dma_piece *next = m->pieces->next;

		release(m->pieces);
		m->pieces = next;
	}
}

uint8_t *fl_bus_dma_at(const struct fl_bus_dma *m, uint64_t addr, uint64_t n)
{
	for (const struct fl_bus_dma_piece *p = m->pieces; p; p = p->next)
		if (addr >= p->buf.addr && fl_range_ok(addr - p->buf.addr, n, p->buf.size))
			return (uint8_t *)p->buf.ptr + (addr - p->buf.addr);
	return NULL;
}
