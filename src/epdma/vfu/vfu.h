/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfio-user on the wire: numbers and layouts (QEMU docs/interop/vfio-user.rst), and a connection that
 * carries its messages. Both ends use this; neither trusts what arrives.
 *
 * A message is a 16-byte header in host byte order and a body; descriptors travel with its first byte.
 * A connection may read up to 36 bytes at once, which is a whole register access, and the exact rest of
 * what is longer. Where that read reaches into the next message, descriptors that came with it are
 * the next one's: no message of less than 36 bytes may have any, and the kernel ends a read behind the
 * piece that they are attached to.
 */
#ifndef EPDMA_VFU_VFU_H
#define EPDMA_VFU_VFU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define VFU_HDR_SIZE	 16u
#define VFU_MAX_FDS	 16u
#define VFU_MAX_XFER	 (1u << 20)
#define VFU_MAX_MSG	 (VFU_MAX_XFER + 4096u)
#define VFU_MAX_DMA_MAPS 65535u
#define VFU_MAJOR	 0u
#define VFU_MINOR	 2u

enum vfu_cmd {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_DEVICE_GET_INFO = 4,
	VFU_DEVICE_GET_REGION_INFO = 5,
	VFU_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_DEVICE_GET_IRQ_INFO = 7,
	VFU_DEVICE_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DMA_READ = 11,
	VFU_DMA_WRITE = 12,
	VFU_DEVICE_RESET = 13,
	VFU_REGION_WRITE_MULTI = 15,
	/* No command of the protocol's, and refused by every other server: where transfers may take place. */
	VFU_FORELAND_MEMORY = 0xf0e1,
};

enum vfu_flags {
	VFU_TYPE_MASK = 0xf,
	VFU_REPLY = 1,
	VFU_NO_REPLY = 1u << 4,
	VFU_ERROR = 1u << 5,
};

struct vfu_hdr {
	uint16_t id, cmd;
	uint32_t size, flags, error;
};

struct vfu_version {
	uint16_t major, minor;
};

enum vfu_dma_flags {
	VFU_DMA_F_READ = 1u << 0,
	VFU_DMA_F_WRITE = 1u << 1,
	VFU_DMA_F_MMAP = 1u << 2,
	VFU_DMA_F_FILE_IO = 1u << 3,
};

struct vfu_dma_map {
	uint32_t argsz, flags;
	uint64_t offset, addr, size;
};

enum vfu_unmap_flags {
	VFU_UNMAP_F_DIRTY = 1u << 0,
	VFU_UNMAP_F_ALL = 1u << 1,
};

struct vfu_dma_unmap {
	uint32_t argsz, flags;
	uint64_t addr, size;
};

struct vfu_device_info {
	uint32_t argsz, flags, num_regions, num_irqs;
};
#define VFU_DEVICE_F_RESET (1u << 0)
#define VFU_DEVICE_F_PCI   (1u << 1)

enum vfu_region_flags {
	VFU_REGION_F_READ = 1u << 0,
	VFU_REGION_F_WRITE = 1u << 1,
	VFU_REGION_F_MMAP = 1u << 2,
	VFU_REGION_F_CAPS = 1u << 3,
};

struct vfu_region_info {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};

struct vfu_cap_header {
	uint16_t id, version;
	uint32_t next;
};
#define VFU_CAP_SPARSE_MMAP 1u

struct vfu_cap_sparse {
	struct vfu_cap_header h;
	uint32_t nr_areas, reserved;
};

struct vfu_sparse_area {
	uint64_t offset, size;
};

struct vfu_irq_info {
	uint32_t argsz, flags, index, count;
};
#define VFU_IRQ_F_EVENTFD  (1u << 0)
#define VFU_IRQ_F_MASKABLE (1u << 1)
#define VFU_IRQ_F_NORESIZE (1u << 3)

enum vfu_set_irqs_flags {
	VFU_DATA_NONE = 1u << 0,
	VFU_DATA_BOOL = 1u << 1,
	VFU_DATA_EVENTFD = 1u << 2,
	VFU_ACTION_MASK = 1u << 3,
	VFU_ACTION_UNMASK = 1u << 4,
	VFU_ACTION_TRIGGER = 1u << 5,
};
#define VFU_DATA_MASK	0x7u
#define VFU_ACTION_BITS 0x38u

struct vfu_set_irqs {
	uint32_t argsz, flags, index, start, count;
};

struct vfu_region_access {
	uint64_t offset;
	uint32_t region, count;
};

struct vfu_memory {
	uint64_t addr, size;
};

struct vfu_dma_access {
	uint64_t addr, count;
};

enum vfu_region {
	VFU_REGION_BAR0 = 0,
	VFU_REGION_ROM = 6,
	VFU_REGION_CONFIG = 7,
	VFU_REGION_VGA = 8,
	VFU_NR_REGIONS = 9,
};

enum vfu_irq {
	VFU_IRQ_INTX = 0,
	VFU_IRQ_MSI = 1,
	VFU_IRQ_MSIX = 2,
	VFU_IRQ_ERR = 3,
	VFU_IRQ_REQ = 4,
	VFU_NR_IRQS = 5,
};

_Static_assert(sizeof(struct vfu_hdr) == VFU_HDR_SIZE, "header");
_Static_assert(sizeof(struct vfu_dma_map) == 32, "DMA_MAP");
_Static_assert(sizeof(struct vfu_dma_unmap) == 24, "DMA_UNMAP");
_Static_assert(sizeof(struct vfu_device_info) == 16, "GET_INFO");
_Static_assert(sizeof(struct vfu_region_info) == 32, "REGION_INFO");
_Static_assert(sizeof(struct vfu_irq_info) == 16, "IRQ_INFO");
_Static_assert(sizeof(struct vfu_set_irqs) == 20, "SET_IRQS");
_Static_assert(sizeof(struct vfu_region_access) == 16, "REGION_READ");
_Static_assert(sizeof(struct vfu_dma_access) == 16, "DMA_READ");
_Static_assert(sizeof(struct vfu_cap_sparse) == 16, "sparse mmap capability");

/* A message as it was read. Body and descriptors are the connection's until the next one. */
struct vfu_msg {
	struct vfu_hdr hdr;
	uint8_t *body;
	size_t len; /* of the body */
	int fds[VFU_MAX_FDS];
	unsigned int nr_fds;
};

struct vfu_conn {
	int fd;
	size_t max_msg; /* longest message that is read, header included */
	const bool *stop; /* atomic, may be NULL: sending is given up once it is true */
	uint64_t begun; /* when the first bytes of a message came whose rest is missing; 0: no such */
	struct vfu_msg msg;
	uint8_t *buf;
	size_t cap;  /* of buf */
	size_t have; /* bytes in buf: of the current message, and perhaps the start of the next */
	bool no_fds; /* none is taken with a message, which costs the kernel less */
	bool too_many_fds;
	unsigned int sleeps; /* reads that do not look before they wait */
	unsigned int vain;   /* looks in a row that saw nothing */
	int late_fds[VFU_MAX_FDS]; /* the next message's */
	unsigned int nr_late_fds;
};

/* @fd is the connection's from then on. */
void vfu_conn_init(struct vfu_conn *c, int fd, size_t max_msg);
void vfu_conn_fini(struct vfu_conn *c);

/*
 * The next whole message. -EAGAIN: the socket gave up waiting (O_NONBLOCK, SO_RCVTIMEO); call again,
 * what was read is kept. -ECONNRESET: the peer is gone (also in the middle of a message); -EPROTO:
 * a size that cannot be, in c->msg.hdr; -EMSGSIZE: too many descriptors; -ETIMEDOUT: the message began
 * VFU_MESSAGE_MS ago and is not whole. After those the connection is dead.
 */
#define VFU_MESSAGE_MS 5000u
int vfu_recv(struct vfu_conn *c);

/* Takes descriptor @i out of the message; the others are closed with the next vfu_recv(). */
int vfu_take_fd(struct vfu_conn *c, unsigned int i);

/*
 * Sends everything, with @fds on the first byte. -EPIPE: the peer is gone, or c->stop; -ETIMEDOUT: it has
 * not taken the message within VFU_SEND_MS. Not interrupted by signals. Of several threads one at a time.
 */
#define VFU_SEND_MS 2000u
int vfu_send(struct vfu_conn *c, const struct iovec *iov, unsigned int n, const int *fds,
	     unsigned int nr_fds);

#endif
