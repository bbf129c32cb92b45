// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/loop/bus-loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"

#define MAX_AREAS 16u
#define IOVA_BASE 0x100000000ull
#define PAGE	  4096ull

struct loop_bus {
	struct fl_bus bus;
	struct fl_device *d;
	bool map_lists;
	struct {
		unsigned int bar;
		struct fl_device_area area;
		uint8_t *ptr;
	} maps[MAX_AREAS];
	unsigned int nr_maps;
	int event;
	uint64_t pending; /* atomic: vectors */
	unsigned int msix; /* atomic: vectors, where it is MSI-X that is set up */
	uint64_t next_iova;
};

static struct loop_bus *to_loop(struct fl_bus *b)
{
	return FL_CONTAINER_OF(b, struct loop_bus, bus);
}

static int lb_cfg_read(struct fl_bus *b, unsigned int off, void *buf, size_t n)
{
	fl_device_cfg_read(to_loop(b)->d, off, buf, n);
	return 0;
}

static int lb_cfg_write(struct fl_bus *b, unsigned int off, const void *buf, size_t n)
{
	fl_device_cfg_write(to_loop(b)->d, off, buf, n);
	return 0;
}

static int lb_bar_info(struct fl_bus *b, unsigned int bar, struct fl_bus_bar *ret)
{
	ret->size = fl_device_bar_size(to_loop(b)->d, bar);
	ret->mem = ret->size != 0;
	return 0;
}

static int lb_read32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t *ret)
{
	uint8_t le[4];

	fl_device_bar_read(to_loop(b)->d, bar, off, le, sizeof(le));
	*ret = fl_get_le32(le);
	return 0;
}

static int lb_write32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val)
{
	uint8_t le[4];

	fl_put_le32(le, val);
	fl_device_bar_write(to_loop(b)->d, bar, off, le, sizeof(le));
	return 0;
}

static int lb_bar_ptr(struct fl_bus *b, unsigned int bar, uint64_t off, uint64_t n, void **ret)
{
	struct loop_bus *l = to_loop(b);

	for (unsigned int i = 0; l->map_lists && i < l->nr_maps; i++) {
		const struct fl_device_area *a = &l->maps[i].area;

		if (l->maps[i].bar == bar && off >= a->offset &&
		    fl_range_ok(off - a->offset, n, a->size)) {
			*ret = l->maps[i].ptr + (off - a->offset);
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

static int lb_dma_alloc(struct fl_bus *b, size_t size, struct fl_dma_buf *ret)
{
	struct loop_bus *l = to_loop(b);
	uint64_t len = (size + PAGE - 1) & ~(PAGE - 1);
	struct fl_mem_range r = { .base = l->next_iova, .size = len, .name = "host",
				  .flags = FL_MEM_READ | FL_MEM_WRITE };
	int err;

	if (!size || len < size)
		return -EINVAL;
	err = fl_mem_shared("foreland-host", len, &r.fd, &r.ptr);
	if (err < 0)
		return err;
	err = fl_mem_add(fl_device_host_mem(l->d), &r);
	if (err < 0) {
		munmap(r.ptr, len);
		close(r.fd);
		return err;
	}
	l->next_iova += len + PAGE;
	*ret = (struct fl_dma_buf){ .ptr = r.ptr, .addr = r.base, .size = len, .fd = r.fd };
	return 0;
}

static void lb_dma_free(struct fl_bus *b, struct fl_dma_buf *buf)
{
	fl_mem_del(fl_device_host_mem(to_loop(b)->d), buf->addr, buf->size);
	munmap(buf->ptr, buf->size);
	close(buf->fd);
}

static void on_vector(void *ctx, const struct fl_device_message *m)
{
	struct loop_bus *l = ctx;
	unsigned int vector, msix = __atomic_load_n(&l->msix, __ATOMIC_RELAXED);
	uint64_t one = 1;

	if (m->vector < 0 && !msix)
		return;
	vector = m->vector >= 0 ? (unsigned int)m->vector : fl_dw_vector(m->n, msix, m->dir, m->chan);
	__atomic_or_fetch(&l->pending, 1ull << (vector & 63), __ATOMIC_RELEASE);
	if (write(l->event, &one, sizeof(one)) < 0)
		return; /* full: it is readable anyway */
}

/* MSI, and MSI-X of a device that has nothing else. */
static int lb_irq_setup(struct fl_bus *b, unsigned int want, struct fl_bus_msi *ret)
{
	struct loop_bus *l = to_loop(b);
	unsigned int msi = FL_MIN(want, fl_device_msi_vectors(l->d));
	unsigned int msix = msi ? 0 : FL_MIN(FL_MIN(want, fl_device_msix_vectors(l->d)), 64u);
	int r;

	if (!msi && !msix)
		return -EPERM;
	__atomic_store_n(&l->msix, msix, __ATOMIC_RELAXED);
	r = msi ? fl_bus_enable_msi(b, msi) : fl_bus_enable_msix(b, msix);
	if (r == 0)
		*ret = (struct fl_bus_msi){ .vectors = msi + msix, .addr = FL_BUS_MSI_ADDR, .data = 0 };
	return r;
}

static int lb_irq_wait(struct fl_bus *b, int timeout_ms, uint64_t *ret)
{
	struct loop_bus *l = to_loop(b);
	struct pollfd p = { .fd = l->event, .events = POLLIN };
	int tick = (int)fl_device_tick(l->d);
	uint64_t count;

	if (poll(&p, 1, FL_MIN(timeout_ms, tick)) <= 0)
		return -ETIMEDOUT;
	if (read(l->event, &count, sizeof(count)) < 0)
		return -ETIMEDOUT;
	*ret = __atomic_exchange_n(&l->pending, 0, __ATOMIC_ACQUIRE);
	return 0;
}

static int lb_reset(struct fl_bus *b)
{
	fl_device_reset(to_loop(b)->d);
	return 0;
}

static void lb_close(struct fl_bus *b)
{
	struct loop_bus *l = to_loop(b);

	fl_device_set_sink(l->d, NULL, NULL);
	for (unsigned int i = 0; i < l->nr_maps; i++)
		munmap(l->maps[i].ptr, l->maps[i].area.size);
	if (l->event >= 0)
		close(l->event);
	free(l);
}

static const struct fl_bus_ops loop_ops = {
	.name = "loopback",
	.bare = true,
	.cfg_read = lb_cfg_read,
	.cfg_write = lb_cfg_write,
	.bar_info = lb_bar_info,
	.read32 = lb_read32,
	.write32 = lb_write32,
	.bar_ptr = lb_bar_ptr,
	.dma_alloc = lb_dma_alloc,
	.dma_free = lb_dma_free,
	.irq_setup = lb_irq_setup,
	.irq_wait = lb_irq_wait,
	.reset = lb_reset,
	.close = lb_close,
};

static int map_areas(struct loop_bus *l, unsigned int bar)
{
	struct fl_device_area areas[MAX_AREAS];
	unsigned int n = fl_device_areas(l->d, bar, areas, MAX_AREAS);

	for (unsigned int i = 0; i < n && l->nr_maps < MAX_AREAS; i++) {
		void *p = mmap(NULL, areas[i].size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       areas[i].fd, (off_t)areas[i].fd_offset);

		if (p == MAP_FAILED)
			return -errno;
		l->maps[l->nr_maps].bar = bar;
		l->maps[l->nr_maps].area = areas[i];
		l->maps[l->nr_maps++].ptr = p;
	}
	return 0;
}

/*
 * ThreadSanitizer knows addresses and not what lies behind them: a list that is released through the
 * host's mapping and acquired through the engine's orders nothing for it. Under it lists go the long
 * way, into the engine's own mapping.
 */
#ifdef __has_feature
#define SEES_MAPPINGS (!__has_feature(thread_sanitizer))
#elif defined(__SANITIZE_THREAD__)
#define SEES_MAPPINGS false
#else
#define SEES_MAPPINGS true
#endif

int fl_bus_loopback(struct fl_device *d, bool map_lists, struct fl_bus **ret)
{
	struct loop_bus *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l)
		return -ENOMEM;
	l->bus.ops = &loop_ops;
	l->d = d;
	l->map_lists = map_lists && SEES_MAPPINGS;
	l->next_iova = IOVA_BASE;
	l->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->event < 0)
		r = -errno;
	for (unsigned int bar = 0; r == 0 && bar < FL_BUS_BARS; bar++)
		r = map_areas(l, bar);
	if (r < 0) {
		lb_close(&l->bus);
		return r;
	}
	fl_device_set_sink(d, on_vector, l);
	*ret = &l->bus;
	return 0;
}
