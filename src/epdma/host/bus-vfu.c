// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bus over a vfio-user server: a client that keeps one request outstanding, or several reads in a
 * row, and trusts no reply. Register writes ask for no reply, as a posted write does not; whatever a
 * server thinks of one shows in the next read.
 *
 * What the server offers for mapping is mapped only where the file cannot shrink afterwards (sealed
 * memory): a library has no business with SIGBUS. The rest goes by messages, which every server must
 * answer.
 *
 * Behind a doorbell the next thing that anybody wants is how far the engine has come. So the write and that
 * question go out as one piece (write_ask32), for which the server is woken once; the reply is taken whenever
 * it is met, and is what the next read of that register gives, which is then not older than the doorbell.
 *
 * Servers may turn round and ask for our memory (DMA_READ, DMA_WRITE). That is answered wherever this
 * client waits: for a reply, or for an interrupt.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/host/bus.h"
#include "epdma/host/bus-dma.h"
#include "epdma/host/host.h"
#include "epdma/mem/mem.h"
#include "epdma/vfu/vfu.h"

#define PATIENCE_MS  10000
#define MAX_AREAS    64u
#define MAX_VECTORS  32u
#define PAGE	     4096ull

struct area {
	uint64_t offset, size;
	uint8_t *ptr;
};

struct region {
	uint64_t size;
	uint32_t flags;
	struct area areas[MAX_AREAS];
	unsigned int nr_areas;
};

struct vfu_bus {
	struct fl_bus bus;
	struct vfu_conn conn;
	uint16_t id;
	unsigned int max_fds;
	bool gone; /* atomic: irq_wait() looks at it beside others */
	const char *why; /* atomic: what ended it */
	struct region regions[FL_BUS_BARS];
	uint32_t config_size;
	int events[MAX_VECTORS];
	unsigned int nr_events;
	struct fl_bus_dma dma;
	struct ahead {
		bool asked, there; /* @there: it has come, and nobody has read it */
		uint16_t id;
		unsigned int bar;
		uint64_t off;
		uint32_t val;
	} ahead;
};

static struct vfu_bus *to_vfu(struct fl_bus *b)
{
	return FL_CONTAINER_OF(b, struct vfu_bus, bus);
}

/* Whatever breaks the protocol ends the connection: nothing that comes after could be understood. */
static int lost(struct vfu_bus *v, const char *why)
{
	const char *none = NULL;

	__atomic_compare_exchange_n(&v->why, &none, why, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	__atomic_store_n(&v->gone, true, __ATOMIC_RELAXED);
	return -ENODEV;
}

static const char no_answer[] = "the server does not answer";

static int lost_recv(struct vfu_bus *v, int err)
{
	return lost(v, err == -EAGAIN || err == -ETIMEDOUT ? no_answer :
		       err == -ECONNRESET ? "the server closed the connection" :
					     "the server sent what is no vfio-user message");
}

static const char *vb_why(struct fl_bus *b)
{
	return __atomic_load_n(&to_vfu(b)->why, __ATOMIC_RELAXED);
}

static const char bad_reply[] = "the server's reply does not fit the request";
static const char cannot_send[] = "the server is gone, or takes nothing more";

/* ---- requests ---- */

static int send_request(struct vfu_bus *v, enum vfu_cmd cmd, uint32_t flags,
			const struct iovec *parts, unsigned int n, const int *fds,
			unsigned int nr_fds, uint16_t *ret_id)
{
	struct vfu_hdr hdr = { .id = ++v->id, .cmd = cmd, .size = VFU_HDR_SIZE, .flags = flags };
	struct iovec iov[4] = { { &hdr, sizeof(hdr) } };

	if (__atomic_load_n(&v->gone, __ATOMIC_RELAXED))
		return -ENODEV;
	for (unsigned int i = 0; i < n; i++) {
		iov[i + 1] = parts[i];
		hdr.size += (uint32_t)parts[i].iov_len;
	}
	*ret_id = hdr.id;
	return vfu_send(&v->conn, iov, n + 1, fds, nr_fds) < 0 ? lost(v, cannot_send) : 0;
}

/* The server wants our memory. */
static int serve_dma(struct vfu_bus *v)
{
	const struct vfu_msg *m = &v->conn.msg;
	bool read = m->hdr.cmd == VFU_DMA_READ;
	struct vfu_hdr hdr = { .id = m->hdr.id, .cmd = m->hdr.cmd, .flags = VFU_REPLY,
			       .size = VFU_HDR_SIZE + sizeof(struct vfu_dma_access) };
	struct vfu_dma_access a;
	uint8_t *p = NULL;

	if (m->hdr.cmd != VFU_DMA_READ && m->hdr.cmd != VFU_DMA_WRITE)
		return lost(v, "the server asks for what no client can do");
	if (m->len < sizeof(a))
		return lost(v, "the server asks for what no client can do");
	memcpy(&a, m->body, sizeof(a));
	if (a.count <= VFU_MAX_XFER && m->len == sizeof(a) + (read ? 0 : a.count))
		p = fl_bus_dma_at(&v->dma, a.addr, a.count);
	if (!p) {
		hdr.flags |= VFU_ERROR;
		hdr.error = EINVAL;
		hdr.size = VFU_HDR_SIZE;
	} else if (read) {
		hdr.size += (uint32_t)a.count;
	} else {
		memcpy(p, m->body + sizeof(a), a.count);
	}
	if (m->hdr.flags & VFU_NO_REPLY)
		return 0;
	return vfu_send(&v->conn,
			(struct iovec[]){ { &hdr, sizeof(hdr) }, { &a, p ? sizeof(a) : 0 },
					  { p, p && read ? a.count : 0 } },
			3, NULL, 0) < 0 ? lost(v, cannot_send) : 0;
}

static int take_read(struct vfu_bus *v, const struct vfu_region_access *want, void *buf);

/* The reply that was asked for ahead; true: this is it. An error is a word of all ones, as on a bus. */
static bool is_ahead(struct vfu_bus *v)
{
	struct ahead *a = &v->ahead;
	struct vfu_region_access want = { a->off, a->bar, 4 };
	const struct vfu_hdr *h = &v->conn.msg.hdr;
	uint8_t le[4] = { 0xff, 0xff, 0xff, 0xff };

	if (!a->asked || a->there || h->id != a->id || h->cmd != VFU_REGION_READ)
		return false;
	if (!(h->flags & VFU_ERROR))
		take_read(v, &want, le);
	a->val = fl_get_le32(le);
	a->there = true;
	return true;
}

/* The next reply, with what the server asks in between answered. A server may do so for PATIENCE_MS. */
static int next_reply(struct vfu_bus *v)
{
	uint64_t until = 0;
	int r;

	for (;;) {
		r = vfu_recv(&v->conn);
		if (r < 0)
			return lost_recv(v, r);
		if ((v->conn.msg.hdr.flags & VFU_TYPE_MASK) == VFU_REPLY)
			return 0;
		if (!until)
			until = fl_time_ns(CLOCK_MONOTONIC) + PATIENCE_MS * 1000000ull;
		if (fl_time_ns(CLOCK_MONOTONIC) > until) /* it asks and asks, and answers nothing */
			return lost(v, no_answer);
		r = serve_dma(v);
		if (r < 0)
			return r;
	}
}

/* The reply to @id, in v->conn.msg. Its error, if it is one. */
static int await(struct vfu_bus *v, uint16_t id, enum vfu_cmd cmd)
{
	const struct vfu_hdr *h = &v->conn.msg.hdr;
	int r = next_reply(v);

	if (r == 0 && is_ahead(v))
		r = next_reply(v);
	if (r < 0)
		return r;
	if (h->id != id || h->cmd != cmd)
		return lost(v, bad_reply);
	if (h->flags & VFU_ERROR)
		return h->error && h->error < 4096 ? -(int)h->error : -EIO;
	return 0;
}

static int request(struct vfu_bus *v, enum vfu_cmd cmd, const struct iovec *parts, unsigned int n,
		   const int *fds, unsigned int nr_fds)
{
	uint16_t id;
	int r = send_request(v, cmd, 0, parts, n, fds, nr_fds, &id);

	return r < 0 ? r : await(v, id, cmd);
}

/* A request whose reply has the request's own fixed shape in front. */
static int request_fixed(struct vfu_bus *v, enum vfu_cmd cmd, void *body, size_t n)
{
	int r = request(v, cmd, &(struct iovec){ body, n }, 1, NULL, 0);

	if (r < 0)
		return r;
	if (v->conn.msg.len < n)
		return lost(v, bad_reply);
	memcpy(body, v->conn.msg.body, n);
	return 0;
}

/* ---- regions by message ---- */

static int take_read(struct vfu_bus *v, const struct vfu_region_access *want, void *buf)
{
	struct vfu_region_access got;

	if (v->conn.msg.len != sizeof(got) + want->count)
		return lost(v, bad_reply);
	memcpy(&got, v->conn.msg.body, sizeof(got));
	if (got.count != want->count || got.region != want->region || got.offset != want->offset)
		return lost(v, bad_reply);
	memcpy(buf, v->conn.msg.body + sizeof(got), want->count);
	return 0;
}

static int region_read(struct vfu_bus *v, uint32_t region, uint64_t off, void *buf, uint32_t n)
{
	struct vfu_region_access a = { off, region, n };
	int r = request(v, VFU_REGION_READ, &(struct iovec){ &a, sizeof(a) }, 1, NULL, 0);

	return r < 0 ? r : take_read(v, &a, buf);
}

static int region_write(struct vfu_bus *v, uint32_t region, uint64_t off, const void *buf,
			uint32_t n, bool posted)
{
	struct vfu_region_access a = { off, region, n };
	struct iovec parts[] = { { &a, sizeof(a) }, { (void *)buf, n } };
	uint16_t id;

	if (!posted)
		return request(v, VFU_REGION_WRITE, parts, 2, NULL, 0);
	return send_request(v, VFU_REGION_WRITE, VFU_NO_REPLY, parts, 2, NULL, 0, &id);
}

static int vb_cfg_read(struct fl_bus *b, unsigned int off, void *buf, size_t n)
{
	return region_read(to_vfu(b), VFU_REGION_CONFIG, off, buf, (uint32_t)n);
}

static int vb_cfg_write(struct fl_bus *b, unsigned int off, const void *buf, size_t n)
{
	return region_write(to_vfu(b), VFU_REGION_CONFIG, off, buf, (uint32_t)n, false);
}

static int vb_bar_info(struct fl_bus *b, unsigned int bar, struct fl_bus_bar *ret)
{
	const struct region *g = &to_vfu(b)->regions[bar];

	ret->size = g->size;
	ret->mem = g->size && g->flags & VFU_REGION_F_READ;
	return 0;
}

/* What was asked for ahead, if it is this. */
static int read_ahead(struct vfu_bus *v, unsigned int bar, uint64_t off, uint32_t *ret)
{
	struct ahead *a = &v->ahead;
	int r = 0;

	if (!a->asked || a->bar != bar || a->off != off)
		return -ENOENT;
	if (!a->there)
		r = next_reply(v);
	if (r == 0 && !a->there && !is_ahead(v))
		r = lost(v, bad_reply);
	a->asked = a->there = false;
	if (r == 0 && __atomic_load_n(&v->gone, __ATOMIC_RELAXED))
		r = -ENODEV;
	*ret = a->val;
	return r;
}

static int vb_read32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t *ret)
{
	uint8_t le[4];
	int r = read_ahead(to_vfu(b), bar, off, ret);

	if (r != -ENOENT)
		return r;
	r = region_read(to_vfu(b), bar, off, le, 4);
	if (r == 0)
		*ret = fl_get_le32(le);
	return r;
}

static int vb_write32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val)
{
	uint8_t le[4];

	fl_put_le32(le, val);
	return region_write(to_vfu(b), bar, off, le, 4, true);
}

/* An answer to an earlier question that nobody wanted is out of date, and is taken out of the way first. */
static int vb_write_ask32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val, uint64_t ask)
{
	struct {
		struct vfu_hdr hdr;
		struct vfu_region_access access;
		uint8_t le[4];
		uint8_t question[sizeof(struct vfu_hdr) + sizeof(struct vfu_region_access)];
	} m = { .hdr = { .cmd = VFU_REGION_WRITE, .flags = VFU_NO_REPLY, .size = offsetof(typeof(m), question) },
		.access = { off, bar, 4 } };
	struct vfu_hdr hdr = { .cmd = VFU_REGION_READ, .size = sizeof(m.question) };
	struct vfu_region_access access = { ask, bar, 4 };
	struct vfu_bus *v = to_vfu(b);
	uint32_t old;
	int r = v->ahead.asked ? read_ahead(v, v->ahead.bar, v->ahead.off, &old) : 0;

	if (r < 0 || __atomic_load_n(&v->gone, __ATOMIC_RELAXED))
		return r < 0 ? r : -ENODEV;
	m.hdr.id = ++v->id;
	hdr.id = ++v->id;
	fl_put_le32(m.le, val);
	memcpy(m.question, &hdr, sizeof(hdr));
	memcpy(m.question + sizeof(hdr), &access, sizeof(access));
	r = vfu_send(&v->conn, &(struct iovec){ &m, m.hdr.size + hdr.size }, 1, NULL, 0);
	if (r < 0)
		return lost(v, cannot_send);
	v->ahead = (struct ahead){ .asked = true, .id = hdr.id, .bar = bar, .off = ask };
	return 0;
}

static int vb_bar_ptr(struct fl_bus *b, unsigned int bar, uint64_t off, uint64_t n, void **ret)
{
	const struct region *g = &to_vfu(b)->regions[bar];

	for (unsigned int i = 0; i < g->nr_areas; i++) {
		const struct area *a = &g->areas[i];

		if (off >= a->offset && fl_range_ok(off - a->offset, n, a->size)) {
			*ret = a->ptr + (off - a->offset);
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

/* ---- memory ---- */

static int map(struct fl_bus *b, const struct fl_dma_buf *buf)
{
	struct vfu_dma_map m = { .argsz = sizeof(m), .flags = VFU_DMA_F_READ | VFU_DMA_F_WRITE,
				 .addr = buf->addr, .size = buf->size };

	return request(to_vfu(b), VFU_DMA_MAP, &(struct iovec){ &m, sizeof(m) }, 1, &buf->fd, 1);
}

static void unmap(struct fl_bus *b, const struct fl_dma_buf *buf)
{
	struct vfu_dma_unmap m = { .argsz = sizeof(m), .addr = buf->addr, .size = buf->size };
	struct vfu_bus *v = to_vfu(b);

	if (!__atomic_load_n(&v->gone, __ATOMIC_RELAXED))
		request_fixed(v, VFU_DMA_UNMAP, &m, sizeof(m));
}

static int vb_dma_alloc(struct fl_bus *b, size_t size, struct fl_dma_buf *ret)
{
	return fl_bus_dma_alloc(&to_vfu(b)->dma, size, map, b, ret);
}

static void vb_dma_free(struct fl_bus *b, struct fl_dma_buf *buf)
{
	fl_bus_dma_free(&to_vfu(b)->dma, buf, unmap, b);
}

/* ---- interrupts ---- */

static int hand_over_events(struct vfu_bus *v, uint32_t index)
{
	for (unsigned int at = 0; at < v->nr_events;) {
		unsigned int n = FL_MIN(v->nr_events - at, v->max_fds);
		struct vfu_set_irqs set = {
			.argsz = sizeof(set), .flags = VFU_DATA_EVENTFD | VFU_ACTION_TRIGGER,
			.index = index, .start = at, .count = n,
		};
		int r = request(v, VFU_DEVICE_SET_IRQS, &(struct iovec){ &set, sizeof(set) }, 1,
				&v->events[at], n);

		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}

static int count_vectors(struct vfu_bus *v, uint32_t index, unsigned int *ret)
{
	struct vfu_irq_info info = { .argsz = sizeof(info), .index = index };
	int r = request_fixed(v, VFU_DEVICE_GET_IRQ_INFO, &info, sizeof(info));

	if (r == 0)
		*ret = info.count;
	return r;
}

/* MSI, and MSI-X of a device that has nothing else. */
static int vb_irq_setup(struct fl_bus *b, unsigned int want, struct fl_bus_msi *ret)
{
	struct vfu_bus *v = to_vfu(b);
	uint32_t index = VFU_IRQ_MSI;
	unsigned int n = 0;
	int r = count_vectors(v, index, &n);

	if (r == 0 && !n)
		r = count_vectors(v, index = VFU_IRQ_MSIX, &n);
	if (r < 0)
		return r;
	n = FL_MIN(FL_MIN(want, n), MAX_VECTORS);
	if (!n)
		return -EPERM;
	while (v->nr_events < n) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		v->events[v->nr_events++] = fd;
	}
	r = hand_over_events(v, index);
	if (r == 0)
		r = index == VFU_IRQ_MSI ? fl_bus_enable_msi(b, n) : fl_bus_enable_msix(b, n);
	if (r < 0)
		return r;
	*ret = (struct fl_bus_msi){ .vectors = n, .addr = FL_BUS_MSI_ADDR, .data = 0 };
	return 0;
}

/* The socket became readable while nobody expected a reply: the server asks, or has gone. */
static int attend(struct vfu_bus *v)
{
	int r = vfu_recv(&v->conn);

	if (r < 0)
		return lost_recv(v, r);
	if ((v->conn.msg.hdr.flags & VFU_TYPE_MASK) == VFU_REPLY)
		return is_ahead(v) ? 0 : lost(v, "the server replied to nothing");
	return serve_dma(v);
}

static int vb_irq_wait(struct fl_bus *b, int timeout_ms, uint64_t *ret)
{
	struct vfu_bus *v = to_vfu(b);
	struct pollfd fds[MAX_VECTORS + 1];
	uint64_t got = 0, count;
	int n;

	if (__atomic_load_n(&v->gone, __ATOMIC_RELAXED))
		return -ENODEV;
	for (unsigned int i = 0; i < v->nr_events; i++)
		fds[i] = (struct pollfd){ .fd = v->events[i], .events = POLLIN };
	fds[v->nr_events] = (struct pollfd){ .fd = v->conn.fd, .events = POLLIN | POLLRDHUP };
	n = poll(fds, v->nr_events + 1, timeout_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	for (unsigned int i = 0; n > 0 && i < v->nr_events; i++)
		if (fds[i].revents & POLLIN && read(v->events[i], &count, sizeof(count)) > 0)
			got |= 1ull << i;
	if (got) {
		*ret = got;
		return 0;
	}
	if (n > 0 && fds[v->nr_events].revents)
		return -EAGAIN;
	return -ETIMEDOUT;
}

static int vb_attend(struct fl_bus *b)
{
	struct vfu_bus *v = to_vfu(b);
	struct pollfd p = { .fd = v->conn.fd, .events = POLLIN | POLLRDHUP };

	if (__atomic_load_n(&v->gone, __ATOMIC_RELAXED))
		return -ENODEV;
	return poll(&p, 1, 0) > 0 ? attend(v) : 0;
}

static int vb_reset(struct fl_bus *b)
{
	return request(to_vfu(b), VFU_DEVICE_RESET, NULL, 0, NULL, 0);
}

static int vb_memory(struct fl_bus *b, uint64_t *ret_addr, uint64_t *ret_size)
{
	struct vfu_memory mem = {};
	int r = request_fixed(to_vfu(b), VFU_FORELAND_MEMORY, &mem, sizeof(mem));

	if (r < 0)
		return r;
	*ret_addr = mem.addr;
	*ret_size = mem.size;
	return 0;
}

static void vb_close(struct fl_bus *b)
{
	struct vfu_bus *v = to_vfu(b);

	for (unsigned int i = 0; i < FL_BUS_BARS; i++)
		for (unsigned int a = 0; a < v->regions[i].nr_areas; a++)
			munmap(v->regions[i].areas[a].ptr, v->regions[i].areas[a].size);
	for (unsigned int i = 0; i < v->nr_events; i++)
		close(v->events[i]);
	fl_bus_dma_fini(&v->dma);
	vfu_conn_fini(&v->conn);
	free(v);
}

static const struct fl_bus_ops vfu_ops = {
	.name = "vfio-user",
	.bare = true,
	.cfg_read = vb_cfg_read,
	.cfg_write = vb_cfg_write,
	.bar_info = vb_bar_info,
	.read32 = vb_read32,
	.write32 = vb_write32,
	.write_ask32 = vb_write_ask32,
	.bar_ptr = vb_bar_ptr,
	.dma_alloc = vb_dma_alloc,
	.dma_free = vb_dma_free,
	.irq_setup = vb_irq_setup,
	.irq_wait = vb_irq_wait,
	.attend = vb_attend,
	.reset = vb_reset,
	.memory = vb_memory,
	.why = vb_why,
	.close = vb_close,
};

/* ---- opening ---- */

/* Mapped only if it reaches that far and can never get shorter. */
static void map_area(struct region *g, int fd, uint64_t base, uint64_t offset, uint64_t size)
{
	uint64_t at, end;
	struct stat st;
	void *p;

	if (g->nr_areas == MAX_AREAS || !size || (offset | size) % PAGE)
		return;
	if (!fl_range_ok(offset, size, g->size) || __builtin_add_overflow(base, offset, &at) ||
	    __builtin_add_overflow(at, size, &end))
		return;
	if (fstat(fd, &st) < 0 || end > (uint64_t)st.st_size ||
	    !(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK))
		return;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);
	if (p != MAP_FAILED)
		g->areas[g->nr_areas++] = (struct area){ offset, size, p };
}

/* The sparse areas of a region's reply, or the whole region where it names none. */
static void map_areas(struct region *g, const uint8_t *body, size_t len,
		      const struct vfu_region_info *info, int fd)
{
	uint32_t at = info->flags & VFU_REGION_F_CAPS ? info->cap_offset : 0;
	bool sparse = false;

	for (unsigned int hops = 0; at >= sizeof(*info) && hops < 16; hops++) {
		struct vfu_cap_sparse cap;
		struct vfu_sparse_area area;

		if (!fl_range_ok(at, sizeof(cap.h), len))
			return;
		memcpy(&cap.h, body + at, sizeof(cap.h));
		if (cap.h.id == VFU_CAP_SPARSE_MMAP && fl_range_ok(at, sizeof(cap), len)) {
			sparse = true;
			memcpy(&cap, body + at, sizeof(cap));
			for (uint64_t i = 0; i < cap.nr_areas && i < MAX_AREAS; i++) {
				uint64_t off = at + sizeof(cap) + i * sizeof(area);

				if (!fl_range_ok(off, sizeof(area), len))
					return;
				memcpy(&area, body + off, sizeof(area));
				map_area(g, fd, info->offset, area.offset, area.size);
			}
		}
		if (cap.h.next <= at) /* backwards or to itself: a chain that need not end */
			break;
		at = cap.h.next;
	}
	if (!sparse)
		map_area(g, fd, info->offset, 0, g->size);
}

static int region_info(struct vfu_bus *v, uint32_t index, uint32_t argsz,
		       struct vfu_region_info *ret)
{
	struct vfu_region_info ask = { .argsz = argsz, .index = index };
	int r = request(v, VFU_DEVICE_GET_REGION_INFO, &(struct iovec){ &ask, sizeof(ask) }, 1,
			NULL, 0);

	if (r < 0)
		return r;
	if (v->conn.msg.len < sizeof(*ret))
		return lost(v, bad_reply);
	memcpy(ret, v->conn.msg.body, sizeof(*ret));
	return 0;
}

static int open_region(struct vfu_bus *v, uint32_t index)
{
	struct region *g = &v->regions[index];
	struct vfu_region_info info;
	int r = region_info(v, index, sizeof(info), &info);

	if (r == 0 && info.argsz > sizeof(info) && info.argsz <= VFU_MAX_MSG - VFU_HDR_SIZE)
		r = region_info(v, index, info.argsz, &info);
	if (r < 0)
		return r;
	g->size = info.size;
	g->flags = info.flags;
	if (info.flags & VFU_REGION_F_MMAP && v->conn.msg.nr_fds == 1)
		map_areas(g, v->conn.msg.body, v->conn.msg.len, &info, v->conn.msg.fds[0]);
	return 0;
}

/* Our offer, and what of the answer limits us. */
static int negotiate(struct vfu_bus *v)
{
	static const char offer[] = "{\"capabilities\":{\"max_msg_fds\":8,"
				    "\"max_data_xfer_size\":1048576,\"pgsizes\":4096}}";
	struct vfu_version ver = { VFU_MAJOR, VFU_MINOR };
	struct iovec parts[] = { { &ver, sizeof(ver) }, { (void *)offer, sizeof(offer) } };
	struct json_object *json, *caps, *fds;
	int r = request(v, VFU_VERSION, parts, 2, NULL, 0);

	if (r < 0)
		return r;
	if (v->conn.msg.len < sizeof(ver))
		return lost(v, bad_reply);
	memcpy(&ver, v->conn.msg.body, sizeof(ver));
	if (ver.major != VFU_MAJOR) {
		lost(v, "the server speaks another version of vfio-user");
		return -EPROTONOSUPPORT;
	}
	if (v->conn.msg.len == sizeof(ver) || v->conn.msg.body[v->conn.msg.len - 1] != '\0')
		return v->conn.msg.len == sizeof(ver) ? 0 : lost(v, bad_reply);
	json = json_tokener_parse((const char *)v->conn.msg.body + sizeof(ver));
	if (json_object_object_get_ex(json, "capabilities", &caps) &&
	    json_object_object_get_ex(caps, "max_msg_fds", &fds) &&
	    json_object_get_int(fds) >= 1)
		v->max_fds = (unsigned int)FL_MIN(json_object_get_int(fds), (int)VFU_MAX_FDS);
	json_object_put(json);
	return 0;
}

static int learn(struct vfu_bus *v)
{
	struct vfu_device_info info = { .argsz = sizeof(info) };
	int r = negotiate(v);

	if (r == 0)
		r = request_fixed(v, VFU_DEVICE_GET_INFO, &info, sizeof(info));
	if (r == 0 && (!(info.flags & VFU_DEVICE_F_PCI) || info.num_regions <= VFU_REGION_CONFIG)) {
		lost(v, "the server's device is no PCI device");
		r = -EINVAL;
	}
	for (uint32_t i = 0; r == 0 && i < FL_BUS_BARS; i++)
		r = open_region(v, i);
	v->conn.no_fds = true; /* nothing that comes now has any */
	return r;
}

static int dial(const char *path, int *ret)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connecting waits for room in the listener's queue, and somebody who accepts nothing makes none. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int fl_bus_vfio_user_fd(int fd, struct fl_bus **ret, const char **ret_why)
{
	struct vfu_bus *v = calloc(1, sizeof(*v));
	int r;

	if (!v) {
		close(fd);
		return -ENOMEM;
	}
	v->bus.ops = &vfu_ops;
	v->max_fds = 1;
	vfu_conn_init(&v->conn, fd, VFU_MAX_MSG);
	r = learn(v);
	if (r < 0) {
		if (ret_why)
			*ret_why = !v->why	   ? "the server refuses to serve us" :
				   v->why == no_answer ? "the server does not answer; does it serve another?" :
							 v->why;
		vb_close(&v->bus);
		return r;
	}
	*ret = &v->bus;
	return 0;
}

int fl_bus_vfio_user(const char *path, struct fl_bus **ret, const char **ret_why)
{
	int fd = -1, r = dial(path, &fd);

	if (r == -ETIMEDOUT && ret_why)
		*ret_why = "the server takes no connection; does it serve another?";
	return r < 0 ? r : fl_bus_vfio_user_fd(fd, ret, ret_why);
}
