/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host driver needs of a bus to drive one PCI function, and nothing else. Backends: loopback
 * (the endpoint in this process), a vfio-user server, the sysfs files of a real device.
 *
 * Threads: one caller at a time, except irq_wait(), which one thread may be in beside the others.
 */
#ifndef EPDMA_HOST_BUS_H
#define EPDMA_HOST_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_BUS_BARS 6

struct fl_bus;

/* Memory that the device reaches: @addr is what it is told, @ptr what the program uses. */
struct fl_dma_buf {
	void *ptr;
	uint64_t addr;
	size_t size;
	int fd; /* shared memory behind it, or -1 */
};

struct fl_bus_bar {
	uint64_t size; /* 0: there is none */
	bool mem;      /* a memory BAR that has an address */
};

/* Where the device shall write for vector n: @addr, and @data + n. */
struct fl_bus_msi {
	unsigned int vectors; /* granted, may be fewer than asked for */
	uint64_t addr;
	uint32_t data;
};

struct fl_bus_ops {
	const char *name;
	bool bare; /* no firmware went before: the driver assigns BAR addresses itself */
	int (*cfg_read)(struct fl_bus *b, unsigned int off, void *buf, size_t n);
	int (*cfg_write)(struct fl_bus *b, unsigned int off, const void *buf, size_t n);
	int (*bar_info)(struct fl_bus *b, unsigned int bar, struct fl_bus_bar *ret);
	/* 32 bits, little-endian on the device, host order here. Writes may be posted. */
	int (*read32)(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t *ret);
	int (*write32)(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val);
	/*
	 * A write, and the question what @ask of the same BAR reads behind it, which the next read32() of that
	 * answers. NULL: nothing is won by that here.
	 */
	int (*write_ask32)(struct fl_bus *b, unsigned int bar, uint64_t off, uint32_t val, uint64_t ask);
	/* The bytes themselves, for as long as the bus is open; -EOPNOTSUPP: only by read32/write32. */
	int (*bar_ptr)(struct fl_bus *b, unsigned int bar, uint64_t off, uint64_t n, void **ret);
	int (*dma_alloc)(struct fl_bus *b, size_t size, struct fl_dma_buf *ret);
	void (*dma_free)(struct fl_bus *b, struct fl_dma_buf *buf);
	/* -EPERM: no vector to be had. */
	int (*irq_setup)(struct fl_bus *b, unsigned int want, struct fl_bus_msi *ret);
	/*
	 * Waits for a message on any vector; bit n of @ret: vector n came. -ETIMEDOUT; -EAGAIN: call
	 * attend(); -ENODEV: gone. May run beside one other function.
	 */
	int (*irq_wait)(struct fl_bus *b, int timeout_ms, uint64_t *ret);
	/* Answers what the other side asked of us meanwhile; NULL: it never does. */
	int (*attend)(struct fl_bus *b);
	int (*reset)(struct fl_bus *b);
	/* Endpoint memory in which transfers may take place; -errno: not known. NULL: it never is. */
	int (*memory)(struct fl_bus *b, uint64_t *ret_addr, uint64_t *ret_size);
	/* What has ended the connection, in words; NULL: nothing. NULL where there is none to end. */
	const char *(*why)(struct fl_bus *b);
	void (*close)(struct fl_bus *b);
};

struct fl_bus {
	const struct fl_bus_ops *ops;
	const char *deaf; /* why no message arrives here, so that the engine has to be polled; NULL: they do */
};

/*
 * A device behind a vfio-user server's socket. Where it answers, but not as it should, *@ret_why (NULL
 * is allowed) says so in words that are never freed; it stays as it is where nobody listens.
 */
int fl_bus_vfio_user(const char *path, struct fl_bus **ret, const char **ret_why);
/* The same over a connected socket, which is the bus's from then on, also on failure. */
int fl_bus_vfio_user_fd(int fd, struct fl_bus **ret, const char **ret_why);
/*
 * A real device, "0000:01:00.1" or a path of its directory in sysfs: by vfio-pci where that is bound to it, and
 * through sysfs's files, deaf, where no driver is, or one that hands on a pin (uio_pci_generic). *@ret_why as above.
 */
int fl_bus_pci(const char *bdf, struct fl_bus **ret, const char **ret_why);
/* Either alone; @dir is the device's directory in sysfs. */
int fl_bus_sysfs(const char *dir, struct fl_bus **ret);
int fl_bus_vfio(const char *dir, struct fl_bus **ret, const char **ret_why);

/*
 * For buses that no kernel stands behind: programs the capability (MSI-X: the table too) so that vector n
 * is the message n at FL_BUS_MSI_ADDR, and enables it. -EPERM: the device has none.
 */
#define FL_BUS_MSI_ADDR 0xfee00000u /* ours to choose: nothing else is at this address for the device */
int fl_bus_enable_msi(struct fl_bus *b, unsigned int vectors);
int fl_bus_enable_msix(struct fl_bus *b, unsigned int vectors);

static inline const char *fl_bus_why(struct fl_bus *b)
{
	return b->ops->why ? b->ops->why(b) : NULL;
}

static inline void fl_bus_close(struct fl_bus *b)
{
	if (b)
		b->ops->close(b);
}

#endif
