// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a kernel writes when it gives a device its message interrupts, for hosts that no kernel stands behind. */
#include <errno.h>

#include "base/bytes.h"
#include "epdma/host/bus.h"

#define CAP_LIST 0x34
#define CAP_MSI	 0x05
#define CAP_MSIX 0x11

#define MSI_64BIT   0x0080
#define MSI_QSIZE   0x0070
#define MSI_ENABLE  0x0001
#define MSIX_ENABLE 0x8000
#define MSIX_MASK   0x4000

/* Offset of capability @id, or 0. The list comes from the device: it may loop. */
static unsigned int find_cap(struct fl_bus *b, uint8_t id)
{
	uint8_t at, cap[2];

	if (b->ops->cfg_read(b, CAP_LIST, &at, 1) < 0)
		return 0;
	for (unsigned int i = 0; i < 48 && at >= 0x40; i++) {
		if (b->ops->cfg_read(b, at & 0xfc, cap, 2) < 0)
			return 0;
		if (cap[0] == id)
			return at & 0xfc;
		at = cap[1];
	}
	return 0;
}

static int read16(struct fl_bus *b, unsigned int off, uint16_t *ret)
{
	uint8_t le[2];
	int r = b->ops->cfg_read(b, off, le, 2);

	if (r == 0)
		*ret = fl_get_le16(le);
	return r;
}

static int write16(struct fl_bus *b, unsigned int off, uint16_t val)
{
	uint8_t le[2];

	fl_put_le16(le, val);
	return b->ops->cfg_write(b, off, le, 2);
}

static int write32(struct fl_bus *b, unsigned int off, uint32_t val)
{
	uint8_t le[4];

	fl_put_le32(le, val);
	return b->ops->cfg_write(b, off, le, 4);
}

int fl_bus_enable_msi(struct fl_bus *b, unsigned int vectors)
{
	unsigned int cap = find_cap(b, CAP_MSI), log = 0;
	uint16_t ctrl = 0;
	int r;

	if (!cap)
		return -EPERM;
	while (1u << log < vectors)
		log++;
	r = read16(b, cap + 2, &ctrl);
	if (r == 0)
		r = write32(b, cap + 4, FL_BUS_MSI_ADDR);
	if (r == 0 && ctrl & MSI_64BIT)
		r = write32(b, cap + 8, 0);
	if (r == 0)
		r = write16(b, ctrl & MSI_64BIT ? cap + 12 : cap + 8, 0);
	if (r == 0)
		r = write16(b, cap + 2, (uint16_t)((ctrl & ~MSI_QSIZE) | log << 4 | MSI_ENABLE));
	return r;
}

/* The device may look into the table, or leave it to us: each entry says what its message is. */
static int write_entry(struct fl_bus *b, unsigned int bar, uint64_t at, unsigned int vector)
{
	const uint32_t words[] = { FL_BUS_MSI_ADDR, 0, vector, 0 };
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < 4; i++)
		r = b->ops->write32(b, bar, at + 4 * i, words[i]);
	return r;
}

int fl_bus_enable_msix(struct fl_bus *b, unsigned int vectors)
{
	unsigned int cap = find_cap(b, CAP_MSIX);
	uint8_t where[4] = {};
	uint32_t table;
	uint16_t ctrl = 0;
	int r;

	if (!cap)
		return -EPERM;
	r = read16(b, cap + 2, &ctrl);
	if (r == 0)
		r = b->ops->cfg_read(b, cap + 4, where, 4);
	table = fl_get_le32(where);
	if (r == 0 && (table & 7) >= FL_BUS_BARS)
		return -EINVAL;
	for (unsigned int i = 0; r == 0 && i < vectors; i++)
		r = write_entry(b, table & 7, (table & ~7u) + 16ull * i, i);
	return r < 0 ? r : write16(b, cap + 2, (uint16_t)((ctrl & ~MSIX_MASK) | MSIX_ENABLE));
}
