// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bus to a real device, through the files that the kernel gives root for it: config, resource,
 * resourceN. No message arrives there (bus-vfio.c is for that): completion is polled.
 *
 * Memory for the device is a huge page, since that is the largest piece whose physical address is one
 * number; where there is none, a single ordinary page. It is locked, so that it stays where
 * /proc/self/pagemap said it is. All of that is only right without an IOMMU between (or with one that
 * translates nothing), and is refused otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "epdma/host/bus.h"

#define HUGE	       (2ull << 20)
#define PAGE	       4096ull
#define RESOURCE_MEM   0x200ull
#define RESOURCE_UNSET 0x20000000ull
#define PFN_MASK       ((1ull << 55) - 1)
#define PAGE_PRESENT   (1ull << 63)

struct sysfs_bus {
	struct fl_bus bus;
	int config;
	struct {
		uint64_t size;
		bool mem;
		volatile uint8_t *ptr; /* NULL: cannot be mapped */
	} bars[FL_BUS_BARS];
};

static struct sysfs_bus *to_sysfs(struct fl_bus *b)
{
	return FL_CONTAINER_OF(b, struct sysfs_bus, bus);
}

static int sb_cfg_read(struct fl_bus *b, unsigned int off, void *buf, size_t n)
{
	ssize_t done = pread(to_sysfs(b)->config, buf, n, off);

	return done < 0 ? -errno : (size_t)done == n ? 0 : -EIO;
}

static int sb_cfg_write(struct fl_bus *b, unsigned int off, const void *buf, size_t n)
{
	ssize_t done = pwrite(to_sysfs(b)->config, buf, n, off);

	return done < 0 ? -errno : (size_t)done == n ? 0 : -EIO;
}

static int sb_bar_info(struct fl_bus *b, unsigned int bar, struct fl_bus_bar *ret)
{
	ret->size = to_sysfs(b)->bars[bar].size;
	ret->mem = to_sysfs(b)->bars[bar].mem && to_sysfs(b)->bars[bar].ptr;
	return 0;
}

static volatile uint32_t *word(struct fl_bus *b, unsigned int bar, uint64_t off)
{
	struct sysfs_bus *s = to_sysfs(b);

	if (!s->bars[bar].ptr || off % 4 || !fl_range_ok(off, 4, s->bars[bar].size))
		return NULL;
	return (volatile uint32_t *)(s->bars[bar].ptr + off);
}

static int sb_read32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t *ret)
{
	volatile uint32_t *p = word(b, bar, off);

	if (!p)
		return -EINVAL;
	*ret = le32toh(*p);
	return 0;
}

static int sb_write32(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val)
{
	volatile uint32_t *p = word(b, bar, off);

	if (!p)
		return -EINVAL;
	__atomic_store_n(p, htole32(val), __ATOMIC_RELEASE); /* what it is told of is written before */
	return 0;
}

/* Only by words: nothing says that a device takes anything wider. */
static int sb_bar_ptr(struct fl_bus *b, unsigned int bar, uint64_t off, uint64_t n, void **ret)
{
	return -EOPNOTSUPP;
}

/* ---- memory ---- */

static int physical(const void *p, uint64_t *ret)
{
	_cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	if (fd < 0)
		return -errno;
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)p / PAGE * sizeof(entry))) !=
	    sizeof(entry))
		return -EIO;
	if (!(entry & PAGE_PRESENT) || !(entry & PFN_MASK))
		return -EPERM; /* the kernel hides it from us */
	*ret = (entry & PFN_MASK) * PAGE;
	return 0;
}

static void *locked_pages(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* One more huge page than there are, which root may ask for. */
static void ask_for_huge_page(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/vm/nr_hugepages", "r+e");
	unsigned int n;

	if (!f || fscanf(f, "%u", &n) != 1)
		return;
	rewind(f);
	fprintf(f, "%u\n", n + 1);
}

static int sb_dma_alloc(struct fl_bus *b, size_t size, struct fl_dma_buf *ret)
{
	bool huge = size > PAGE;
	size_t len = huge ? HUGE : PAGE;
	void *p;
	int r;

	if (!size)
		return -EINVAL;
	if (size > HUGE)
		return -ENOMEM;
	p = locked_pages(len, huge ? MAP_HUGETLB : 0);
	if (!p && huge) {
		ask_for_huge_page();
		p = locked_pages(len, MAP_HUGETLB);
	}
	if (!p)
		return -ENOMEM;
	r = physical(p, &ret->addr);
	if (r < 0) {
		munmap(p, len);
		return r;
	}
	ret->ptr = p;
	ret->size = len;
	ret->fd = -1;
	return 0;
}

static void sb_dma_free(struct fl_bus *b, struct fl_dma_buf *buf)
{
	munmap(buf->ptr, buf->size);
}

static int sb_irq_setup(struct fl_bus *b, unsigned int want, struct fl_bus_msi *ret)
{
	return -EPERM; /* a message needs a driver in the kernel to arrive at */
}

static int sb_irq_wait(struct fl_bus *b, int timeout_ms, uint64_t *ret)
{
	return -ETIMEDOUT;
}

static int sb_reset(struct fl_bus *b)
{
	return -EOPNOTSUPP;
}

static void sb_close(struct fl_bus *b)
{
	struct sysfs_bus *s = to_sysfs(b);

	for (unsigned int i = 0; i < FL_BUS_BARS; i++)
		if (s->bars[i].ptr)
			munmap((void *)s->bars[i].ptr, s->bars[i].size);
	if (s->config >= 0)
		close(s->config);
	free(s);
}

static const struct fl_bus_ops sysfs_ops = {
	.name = "sysfs",
	.cfg_read = sb_cfg_read,
	.cfg_write = sb_cfg_write,
	.bar_info = sb_bar_info,
	.read32 = sb_read32,
	.write32 = sb_write32,
	.bar_ptr = sb_bar_ptr,
	.dma_alloc = sb_dma_alloc,
	.dma_free = sb_dma_free,
	.irq_setup = sb_irq_setup,
	.irq_wait = sb_irq_wait,
	.reset = sb_reset,
	.close = sb_close,
};

/* ---- opening ---- */

/* What "resource" claims is checked against what resourceN has: mapping past its end is SIGBUS. */
static int map_bar(struct sysfs_bus *s, const char *dir, unsigned int i)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	void *p;

	snprintf(path, sizeof(path), "%s/resource%u", dir, i);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (lseek(fd, 0, SEEK_END) < (off_t)s->bars[i].size)
		return -EINVAL;
	p = mmap(NULL, s->bars[i].size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->bars[i].ptr = p;
	return 0;
}

static int read_resources(struct sysfs_bus *s, const char *dir)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/resource", dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	for (unsigned int i = 0; r == 0 && i < FL_BUS_BARS; i++) {
		unsigned long long start, end, flags;

		if (fscanf(f, "%llx %llx %llx", &start, &end, &flags) != 3)
			return -EINVAL;
		if (!flags || end <= start || !(flags & RESOURCE_MEM) || flags & RESOURCE_UNSET)
			continue;
		s->bars[i].size = end - start + 1;
		s->bars[i].mem = true;
		r = map_bar(s, dir, i);
	}
	return r;
}

/* Translated addresses are none that we know. */
static int may_drive(const char *dir)
{
	char path[PATH_MAX], type[32] = "";
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/iommu_group", dir);
	if (access(path, F_OK) < 0)
		return 0;
	snprintf(path, sizeof(path), "%s/iommu_group/type", dir);
	f = fopen(path, "re");
	if (f && fgets(type, sizeof(type), f) && strncmp(type, "identity", 8) == 0)
		return 0;
	return -EOPNOTSUPP;
}

/* Without a driver nobody has switched the device's memory on, and resourceN may then not be mapped. */
static int switch_on(struct sysfs_bus *s)
{
	uint8_t cmd[2];
	int r = sb_cfg_read(&s->bus, 4, cmd, 2);

	if (r < 0)
		return r;
	if (fl_get_le16(cmd) == 0xffff)
		return -ENODEV;
	cmd[0] |= 2;
	return sb_cfg_write(&s->bus, 4, cmd, 2);
}

int fl_bus_sysfs(const char *dir, struct fl_bus **ret)
{
	struct sysfs_bus *s;
	char path[PATH_MAX];
	int r = may_drive(dir);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->bus.ops = &sysfs_ops;
	snprintf(path, sizeof(path), "%s/config", dir);
	s->config = open(path, O_RDWR | O_CLOEXEC);
	r = s->config < 0 ? -errno : switch_on(s);
	if (r == 0)
		r = read_resources(s, dir);
	if (r < 0) {
		sb_close(&s->bus);
		return r;
	}
	*ret = &s->bus;
	return 0;
}
