// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bus to a real device that the kernel's vfio-pci is bound to: its messages arrive as eventfds, and behind
 * the IOMMU it reaches what it was given and nothing else, wherever that lies in memory.
 *
 * What is written into the device's message registers, the engine has to know, since it writes the messages
 * itself. vfio-pci shows its user a capability of the user's own (address and data are virtual there), so
 * they are read where the kernel shows what stands in the device: the file config in sysfs.
 *
 * BARs are read and written by calls and not mapped: where the device is gone, or its memory switched off, a
 * call returns an error, and a mapping would be SIGBUS, with which a library has no business.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "epdma/host/bus.h"
#include "epdma/host/bus-dma.h"

#define MAX_VECTORS 32u

struct vfio_bus {
	struct fl_bus bus;
	int container, group, device;
	int config; /* sysfs: as it stands in the device */
	struct {
		uint64_t size, offset;
		bool mem;
	} bars[FL_BUS_BARS];
	uint64_t config_offset;
	int events[MAX_VECTORS];
	unsigned int nr_events;
	struct fl_bus_dma dma;
};

static struct vfio_bus *to_vfio(struct fl_bus *b)
{
	return FL_CONTAINER_OF(b, struct vfio_bus, bus);
}

static int whole(ssize_t done, size_t n)
{
	return done < 0 ? -errno : (size_t)done == n ? 0 : -EIO;
}

static int fb_cfg_read(struct fl_bus *b, unsigned int off, void *buf, size_t n)
{
	struct vfio_bus *v = to_vfio(b);

	return whole(pread(v->device, buf, n, (off_t)(v->config_offset + off)), n);
}

static int fb_cfg_write(struct fl_bus *b, unsigned int off, const void *buf, size_t n)
{
	struct vfio_bus *v = to_vfio(b);

	return whole(pwrite(v->device, buf, n, (off_t)(v->config_offset + off)), n);
}

static int fb_bar_info(struct fl_bus *b, unsigned int bar, struct fl_bus_bar *ret)
{
	*ret = (struct fl_bus_bar){ .size = to_vfio(b)->bars[bar].size, .mem = to_vfio(b)->bars[bar].mem };
	return 0;
}

static bool is_word(const struct vfio_bus *v, unsigned int bar, uint64_t off)
{
	return v->bars[bar].mem && off % 4 == 0 && fl_range_ok(off, 4, v->bars[bar].size);
}

static int fb_read32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t *ret)
{
	struct vfio_bus *v = to_vfio(b);
	uint8_t le[4];
	int r;

	if (!is_word(v, bar, off))
		return -EINVAL;
	r = whole(pread(v->device, le, 4, (off_t)(v->bars[bar].offset + off)), 4);
	if (r == 0)
		*ret = fl_get_le32(le);
	return r == -EIO ? -ENODEV : r;
}

static int fb_write32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val)
{
	struct vfio_bus *v = to_vfio(b);
	uint8_t le[4];
	int r;

	if (!is_word(v, bar, off))
		return -EINVAL;
	fl_put_le32(le, val);
	r = whole(pwrite(v->device, le, 4, (off_t)(v->bars[bar].offset + off)), 4);
	return r == -EIO ? -ENODEV : r;
}

static int fb_bar_ptr(struct fl_bus *b, unsigned int bar, uint64_t off, uint64_t n, void **ret)
{
	return -EOPNOTSUPP;
}

/* ---- memory ---- */

static int map(struct fl_bus *b, const struct fl_dma_buf *buf)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)buf->ptr, .iova = buf->addr, .size = buf->size,
	};

	return ioctl(to_vfio(b)->container, VFIO_IOMMU_MAP_DMA, &m) < 0 ? -errno : 0;
}

static void unmap(struct fl_bus *b, const struct fl_dma_buf *buf)
{
	struct vfio_iommu_type1_dma_unmap m = { .argsz = sizeof(m), .iova = buf->addr, .size = buf->size };

	ioctl(to_vfio(b)->container, VFIO_IOMMU_UNMAP_DMA, &m);
}

static int fb_dma_alloc(struct fl_bus *b, size_t size, struct fl_dma_buf *ret)
{
	return fl_bus_dma_alloc(&to_vfio(b)->dma, size, map, b, ret);
}

static void fb_dma_free(struct fl_bus *b, struct fl_dma_buf *buf)
{
	fl_bus_dma_free(&to_vfio(b)->dma, buf, unmap, b);
}

/* ---- interrupts ---- */

#define CAP_LIST  0x34
#define CAP_MSI	  0x05
#define MSI_64BIT 0x0080

/* What the kernel has written into the capability. The list is the device's: it may loop. */
static int read_msi(const struct vfio_bus *v, struct fl_bus_msi *ret)
{
	uint8_t cfg[256];
	int r = whole(pread(v->config, cfg, sizeof(cfg), 0), sizeof(cfg));
	unsigned int at = r < 0 ? 0 : cfg[CAP_LIST] & 0xfc;

	for (unsigned int i = 0; r == 0 && i < 48 && at >= 0x40 && cfg[at] != CAP_MSI; i++)
		at = cfg[at + 1] & 0xfc;
	if (r == 0 && (at < 0x40 || at > sizeof(cfg) - 16 || cfg[at] != CAP_MSI))
		r = -EPERM;
	if (r < 0)
		return r;
	ret->addr = fl_get_le32(cfg + at + 4);
	if (fl_get_le16(cfg + at + 2) & MSI_64BIT) {
		ret->addr |= (uint64_t)fl_get_le32(cfg + at + 8) << 32;
		ret->data = fl_get_le16(cfg + at + 12);
	} else {
		ret->data = fl_get_le16(cfg + at + 8);
	}
	return 0;
}

/* Connects @n eventfds; > 0: so many vectors can be had, and not more. */
static int connect_events(struct vfio_bus *v, unsigned int n)
{
	struct vfio_irq_set set = {
		.argsz = (uint32_t)(sizeof(set) + n * sizeof(int)), .count = n, .index = VFIO_PCI_MSI_IRQ_INDEX,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
	};
	_Alignas(struct vfio_irq_set) uint8_t raw[sizeof(set) + MAX_VECTORS * sizeof(int)];
	int r;

	while (v->nr_events < n) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		v->events[v->nr_events++] = fd;
	}
	memcpy(raw, &set, sizeof(set));
	memcpy(raw + sizeof(set), v->events, n * sizeof(int));
	r = ioctl(v->device, VFIO_DEVICE_SET_IRQS, raw);
	return r < 0 ? -errno : r;
}

/*
 * Where the capability has one address and one data word for all vectors, the platform decides how many it can
 * give. MSI-X tables are out of reach here: a device that has nothing else is polled.
 */
static int fb_irq_setup(struct fl_bus *b, unsigned int want, struct fl_bus_msi *ret)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSI_IRQ_INDEX };
	struct vfio_bus *v = to_vfio(b);
	unsigned int n;
	int r;

	if (ioctl(v->device, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0)
		return -errno;
	n = FL_MIN(FL_MIN(want, info.count), MAX_VECTORS);
	if (!n)
		return -EPERM;
	r = connect_events(v, n);
	if (r > 0 && (unsigned int)r < n)
		r = connect_events(v, n = (unsigned int)r);
	if (r != 0)
		return r < 0 ? r : -EPERM;
	r = read_msi(v, ret);
	ret->vectors = n;
	return r;
}

static int fb_irq_wait(struct fl_bus *b, int timeout_ms, uint64_t *ret)
{
	struct vfio_bus *v = to_vfio(b);
	struct pollfd fds[MAX_VECTORS];
	uint64_t got = 0, count;
	int n;

	for (unsigned int i = 0; i < v->nr_events; i++)
		fds[i] = (struct pollfd){ .fd = v->events[i], .events = POLLIN };
	n = poll(fds, v->nr_events, timeout_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	for (unsigned int i = 0; n > 0 && i < v->nr_events; i++)
		if (fds[i].revents & POLLIN && read(v->events[i], &count, sizeof(count)) > 0)
			got |= 1ull << i;
	*ret = got;
	return got ? 0 : -ETIMEDOUT;
}

static int fb_reset(struct fl_bus *b)
{
	return ioctl(to_vfio(b)->device, VFIO_DEVICE_RESET) < 0 ? -errno : 0;
}

static void fb_close(struct fl_bus *b)
{
	struct vfio_bus *v = to_vfio(b);

	/* The device first: what it still moves ends with that, before the memory goes. */
	fl_closep(&v->device);
	fl_bus_dma_fini(&v->dma);
	for (unsigned int i = 0; i < v->nr_events; i++)
		close(v->events[i]);
	fl_closep(&v->group);
	fl_closep(&v->container);
	fl_closep(&v->config);
	free(v);
}

static const struct fl_bus_ops vfio_ops = {
	.name = "vfio-pci",
	.cfg_read = fb_cfg_read,
	.cfg_write = fb_cfg_write,
	.bar_info = fb_bar_info,
	.read32 = fb_read32,
	.write32 = fb_write32,
	.bar_ptr = fb_bar_ptr,
	.dma_alloc = fb_dma_alloc,
	.dma_free = fb_dma_free,
	.irq_setup = fb_irq_setup,
	.irq_wait = fb_irq_wait,
	.reset = fb_reset,
	.close = fb_close,
};

/* ---- opening ---- */

static int region(struct vfio_bus *v, uint32_t index, struct vfio_region_info *ret)
{
	*ret = (struct vfio_region_info){ .argsz = sizeof(*ret), .index = index };
	return ioctl(v->device, VFIO_DEVICE_GET_REGION_INFO, ret) < 0 ? -errno : 0;
}

/* Which of the BARs are memory, the device's own registers tell. */
static int learn_regions(struct vfio_bus *v)
{
	struct vfio_region_info info;
	int r = region(v, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	v->config_offset = info.offset;
	for (unsigned int i = 0; r == 0 && i < FL_BUS_BARS; i++) {
		uint8_t bar[4];

		r = region(v, VFIO_PCI_BAR0_REGION_INDEX + i, &info);
		if (r == 0)
			r = fb_cfg_read(&v->bus, 0x10 + 4 * i, bar, 4);
		if (r < 0 || !info.size)
			continue;
		v->bars[i].size = info.size;
		v->bars[i].offset = info.offset;
		v->bars[i].mem = !(bar[0] & 1) && info.flags & VFIO_REGION_INFO_FLAG_READ;
	}
	return r;
}

static int open_group(struct vfio_bus *v, const char *number, const char **ret_why)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[300];

	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	v->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (v->container < 0)
		return -errno;
	v->group = open(path, O_RDWR | O_CLOEXEC);
	if (v->group < 0)
		return -errno;
	if (ioctl(v->group, VFIO_GROUP_GET_STATUS, &status) < 0)
		return -errno;
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		*ret_why = "another device of its IOMMU group has a driver: all must be bound to vfio-pci";
		return -EBUSY;
	}
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container) < 0)
		return -errno;
	if (ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
		*ret_why = "the kernel cannot translate for it (without interrupt remapping, vfio_iommu_type1 wants "
			   "allow_unsafe_interrupts)";
		return -errno;
	}
	return 0;
}

static int open_device(struct vfio_bus *v, const char *dir, const char **ret_why)
{
	const char *name = strrchr(dir, '/') + 1, *number;
	char path[PATH_MAX], group[256];
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "%s/iommu_group", dir);
	n = readlink(path, group, sizeof(group) - 1);
	if (n < 0) {
		*ret_why = "it is bound to vfio-pci and in no IOMMU group";
		return -errno;
	}
	group[n] = '\0';
	number = strrchr(group, '/');
	r = open_group(v, number ? number + 1 : group, ret_why);
	if (r < 0)
		return r;
	v->device = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (v->device < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/config", dir);
	v->config = open(path, O_RDONLY | O_CLOEXEC);
	return v->config < 0 ? -errno : learn_regions(v);
}

int fl_bus_vfio(const char *dir, struct fl_bus **ret, const char **ret_why)
{
	struct vfio_bus *v = calloc(1, sizeof(*v));
	const char *why = NULL;
	int r;

	if (!v)
		return -ENOMEM;
	*v = (struct vfio_bus){ .bus.ops = &vfio_ops, .container = -1, .group = -1, .device = -1, .config = -1 };
	r = open_device(v, dir, &why);
	if (r < 0) {
		if (ret_why && why)
			*ret_why = why;
		fb_close(&v->bus);
		return r;
	}
	*ret = &v->bus;
	return 0;
}
