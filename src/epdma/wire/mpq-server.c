// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire (QEMU hw/remote, include/hw/remote/mpqemu-link.h): a 16-byte header {s32 command, 4 bytes
 * of padding, u64 size of the body}, a body of one fixed size a command, and up to 8 descriptors.
 * Accesses to BARs carry guest addresses, so the BAR is found by what the guest wrote into the BAR
 * registers, which it does through configuration writes that come here too.
 *
 * Guest memory is told anew, whole, whenever the emulator's memory map changes, which is hundreds of
 * times while a guest boots. A table that says the same again changes nothing.
 */
#include "epdma/wire/mpq-server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/vfu/vfu.h"

#define MAX_REGIONS 8u
#define LOOK_MS	    100

enum mpq_cmd {
	MPQ_SYNC_SYSMEM,
	MPQ_RET,
	MPQ_CFG_WRITE,
	MPQ_CFG_READ,
	MPQ_BAR_WRITE,
	MPQ_BAR_READ,
	MPQ_SET_IRQFD,
	MPQ_DEVICE_RESET,
};

struct mpq_hdr {
	int32_t cmd;
	uint32_t pad;
	uint64_t size;
};

struct mpq_sysmem {
	uint64_t gpa[MAX_REGIONS], size[MAX_REGIONS], offset[MAX_REGIONS];
};

struct mpq_cfg {
	uint32_t addr, val;
	int32_t len;
};

struct mpq_bar {
	uint64_t addr, val;
	uint32_t size;
	uint8_t memory, pad[3];
};

_Static_assert(sizeof(struct mpq_hdr) == 16, "header");
_Static_assert(sizeof(struct mpq_sysmem) == 192, "SYNC_SYSMEM");
_Static_assert(sizeof(struct mpq_cfg) == 12, "CFG_READ");
_Static_assert(sizeof(struct mpq_bar) == 24, "BAR_READ");

struct mpq {
	struct fl_device *d;
	int fd;
	struct mpq_hdr hdr;
	union {
		struct mpq_sysmem sysmem;
		struct mpq_cfg cfg;
		struct mpq_bar bar;
		uint64_t ret;
	} body;
	size_t have;
	uint64_t begun; /* when the message came whose rest is missing; 0: none is */
	int fds[MAX_REGIONS];
	unsigned int nr_fds;
	struct mpq_sysmem known;
	unsigned int nr_known;
	uint64_t ino[MAX_REGIONS]; /* whose memory @known is */
	int irq;
};

/* ---- reading ---- */

static void drop_fds(struct mpq *m)
{
	for (unsigned int i = 0; i < m->nr_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->nr_fds = 0;
}

static bool keep_fds(struct mpq *m, struct msghdr *mh)
{
	bool ok = !(mh->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (m->nr_fds < MAX_REGIONS) {
				m->fds[m->nr_fds++] = fd;
				continue;
			}
			close(fd);
			ok = false;
		}
	}
	return ok;
}

/* A message that began this long ago and is not whole will not be. */
static bool too_slow(struct mpq *m)
{
	uint64_t now = fl_time_ns(CLOCK_MONOTONIC);

	if (!m->have)
		return false;
	m->begun = m->begun ? m->begun : now;
	return now - m->begun > VFU_MESSAGE_MS * 1000000ull;
}

static int receive_to(struct mpq *m, uint8_t *at, size_t from, size_t want)
{
	while (m->have < want) {
		char control[CMSG_SPACE(sizeof(int) * MAX_REGIONS * 2)];
		struct iovec iov = { at + (m->have - from), want - m->have };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				     .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(m->fd, &mh, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EWOULDBLOCK)
			return too_slow(m) ? -ETIMEDOUT : -EAGAIN;
		if (n < 0)
			return -errno;
		if (!keep_fds(m, &mh))
			return -EMSGSIZE;
		if (n == 0)
			return -ECONNRESET;
		m->have += (size_t)n;
		if (m->have < want && too_slow(m))
			return -ETIMEDOUT;
	}
	return 0;
}

/* What a command's body must have; -1: no such command. */
static int body_size(int32_t cmd)
{
	switch (cmd) {
	case MPQ_SYNC_SYSMEM:
		return sizeof(struct mpq_sysmem);
	case MPQ_CFG_WRITE:
	case MPQ_CFG_READ:
		return sizeof(struct mpq_cfg);
	case MPQ_BAR_WRITE:
	case MPQ_BAR_READ:
		return sizeof(struct mpq_bar);
	case MPQ_SET_IRQFD:
	case MPQ_DEVICE_RESET:
		return 0;
	default:
		return -1;
	}
}

static int receive(struct mpq *m)
{
	int r = receive_to(m, (uint8_t *)&m->hdr, 0, sizeof(m->hdr));

	if (r < 0)
		return r;
	if (body_size(m->hdr.cmd) < 0 || m->hdr.size != (uint64_t)body_size(m->hdr.cmd))
		return -EPROTO;
	return receive_to(m, (uint8_t *)&m->body, sizeof(m->hdr), sizeof(m->hdr) + m->hdr.size);
}

static int answer(struct mpq *m, uint64_t val)
{
	struct {
		struct mpq_hdr hdr;
		uint64_t val;
	} out = { { MPQ_RET, 0, sizeof(val) }, val };

	/* One answer is waited for at a time: a socket that has no room for it is not read. */
	return send(m->fd, &out, sizeof(out), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(out) ? 0 : -EPIPE;
}

/* ---- the commands ---- */

static uint64_t inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static bool same_memory(struct mpq *m)
{
	if (m->nr_fds != m->nr_known || memcmp(&m->known, &m->body.sysmem, sizeof(m->known)))
		return false;
	for (unsigned int i = 0; i < m->nr_fds; i++)
		if (inode(m->fds[i]) != m->ino[i])
			return false;
	return true;
}

static int map_region(struct mpq *m, unsigned int i)
{
	const struct mpq_sysmem *s = &m->body.sysmem;
	struct fl_mem_range r = { .base = s->gpa[i], .size = s->size[i], .fd = -1, .name = "guest",
				  .flags = FL_MEM_READ | FL_MEM_WRITE };
	int err = s->size[i] ? fl_mem_map(m->fds[i], s->offset[i], s->size[i], &r) : -EINVAL;

	if (err < 0)
		return err;
	err = fl_mem_add(fl_device_host_mem(m->d), &r);
	if (err < 0)
		fl_mem_unmap(&r);
	return err;
}

static int on_sysmem(struct mpq *m)
{
	int r = 0;

	if (same_memory(m))
		return 0;
	fl_mem_del_all(fl_device_host_mem(m->d));
	for (unsigned int i = 0; r == 0 && i < m->nr_fds; i++) {
		m->ino[i] = inode(m->fds[i]);
		r = map_region(m, i);
	}
	m->known = m->body.sysmem;
	m->nr_known = m->nr_fds;
	return r;
}

/* MSI and MSI-X become null capabilities, which systems step over. */
static void hide_messages(struct mpq *m, uint32_t off, uint8_t *buf, uint32_t n)
{
	uint8_t at, cap[2];

	fl_device_cfg_read(m->d, 0x34, &at, 1);
	for (unsigned int i = 0; i < 48 && at >= 0x40; i++) {
		fl_device_cfg_read(m->d, at, cap, 2);
		if ((cap[0] == 0x05 || cap[0] == 0x11) && at >= off && at - off < n)
			buf[at - off] = 0;
		at = cap[1];
	}
}

static int on_cfg(struct mpq *m, bool write)
{
	const struct mpq_cfg *c = &m->body.cfg;
	uint8_t buf[4];

	if (c->len < 1 || c->len > 4 || c->addr > 256 || c->addr + (uint32_t)c->len > 256)
		return answer(m, UINT64_MAX);
	fl_put_le32(buf, c->val);
	if (write) {
		fl_device_cfg_write(m->d, c->addr, buf, (size_t)c->len);
		return answer(m, 0);
	}
	memset(buf, 0, sizeof(buf));
	fl_device_cfg_read(m->d, c->addr, buf, (size_t)c->len);
	hide_messages(m, c->addr, buf, (uint32_t)c->len);
	return answer(m, fl_get_le32(buf));
}

/* The BAR in which a guest address lies, and where in it. */
static bool find_bar(struct mpq *m, uint64_t addr, uint32_t n, unsigned int *ret_bar, uint64_t *ret_off)
{
	for (unsigned int i = 0; i < FL_EPDMA_NR_BARS; i++) {
		uint64_t size = fl_device_bar_size(m->d, i);
		uint8_t le[4];

		if (!size)
			continue;
		fl_device_cfg_read(m->d, 0x10 + 4 * i, le, 4);
		*ret_off = addr - (fl_get_le32(le) & ~0xfu);
		*ret_bar = i;
		if (addr >= (fl_get_le32(le) & ~0xfu) && fl_range_ok(*ret_off, n, size))
			return true;
	}
	return false;
}

static int on_bar(struct mpq *m, bool write)
{
	const struct mpq_bar *b = &m->body.bar;
	unsigned int bar;
	uint8_t buf[8];
	uint64_t off;

	if (b->size < 1 || b->size > 8 || !b->memory || !find_bar(m, b->addr, b->size, &bar, &off))
		return answer(m, UINT64_MAX);
	if (write) {
		fl_put_le64(buf, b->val);
		fl_device_bar_write(m->d, bar, off, buf, b->size);
		fl_device_pump(m->d);
		return answer(m, 0);
	}
	memset(buf, 0, sizeof(buf));
	fl_device_bar_read(m->d, bar, off, buf, b->size);
	return answer(m, fl_get_le64(buf));
}

static void on_vector(void *ctx, const struct fl_device_message *msg)
{
	struct mpq *m = ctx;

	fl_device_signal(__atomic_load_n(&m->irq, __ATOMIC_ACQUIRE));
}

/* The line's eventfd, and one that tells when the guest has taken it, which we have no use for. */
static int on_irqfd(struct mpq *m)
{
	int old = m->irq;

	if (m->nr_fds < 1 || !fl_device_is_eventfd(m->fds[0]))
		return -EPROTO;
	__atomic_store_n(&m->irq, m->fds[0], __ATOMIC_RELEASE);
	m->fds[0] = -1;
	fl_device_set_sink(m->d, on_vector, m); /* waits until nobody uses the old one */
	if (old >= 0)
		close(old);
	return 0;
}

static int handle_message(struct mpq *m)
{
	switch (m->hdr.cmd) {
	case MPQ_SYNC_SYSMEM:
		return on_sysmem(m);
	case MPQ_CFG_WRITE:
	case MPQ_CFG_READ:
		return on_cfg(m, m->hdr.cmd == MPQ_CFG_WRITE);
	case MPQ_BAR_WRITE:
	case MPQ_BAR_READ:
		return on_bar(m, m->hdr.cmd == MPQ_BAR_WRITE);
	case MPQ_SET_IRQFD:
		return on_irqfd(m);
	default:
		fl_device_reset(m->d);
		return answer(m, 0);
	}
}

int fl_mpq_session(struct fl_device *d, int fd, const bool *stop)
{
	struct mpq m = { .d = d, .fd = fd, .irq = -1 };
	struct timeval look = { .tv_usec = LOOK_MS * 1000 };
	int r;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	fl_device_set_sink(d, on_vector, &m);
	do {
		r = receive(&m);
		if (r == 0) {
			r = handle_message(&m);
			drop_fds(&m);
			m.have = 0;
			m.begun = 0;
		}
		fl_device_tick(d);
	} while ((r == 0 || r == -EAGAIN) && !__atomic_load_n(stop, __ATOMIC_ACQUIRE));
	if (r == -EAGAIN || (r == -ECONNRESET && !m.have))
		r = 0;
	fl_device_set_sink(d, NULL, NULL);
	fl_device_host_gone(d);
	drop_fds(&m);
	if (m.irq >= 0)
		close(m.irq);
	close(fd);
	return r;
}
