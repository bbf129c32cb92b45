// SPDX-License-Identifier: GPL-2.0-or-later
/* Register positions: PCI Express Base Specification, chapter 7; names as in <linux/pci_regs.h>. */
#include "epdma/endpoint/config.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/bytes.h"

static void set8(struct fl_config *c, unsigned int off, uint8_t v)
{
	c->bytes[off] = v;
}

static void set16(struct fl_config *c, unsigned int off, uint16_t v, uint16_t writable)
{
	fl_put_le16(c->bytes + off, v);
	fl_put_le16(c->writable + off, writable);
}

static void set32(struct fl_config *c, unsigned int off, uint32_t v, uint32_t writable)
{
	fl_put_le32(c->bytes + off, v);
	fl_put_le32(c->writable + off, writable);
}

/* Chains a capability once; setting it up anew leaves its place in the chain. */
static void add_cap(struct fl_config *c, uint8_t off, uint8_t id)
{
	if (c->bytes[off] == id)
		return;
	set8(c, off, id);
	set8(c, c->last_cap ? c->last_cap + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST, off);
	c->last_cap = off;
	set16(c, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
}

static void add_pcie(struct fl_config *c, const struct fl_board *board)
{
	uint32_t link = board->link_speed | (uint32_t)board->link_width << 4;
	unsigned int at = FL_CONFIG_PCIE;

	add_cap(c, FL_CONFIG_PCIE, PCI_CAP_ID_EXP);
	set16(c, at + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
	set32(c, at + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_RBER | 1, 0); /* 256 bytes */
	set16(c, at + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN | 2 << 12,
	      PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
		      PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
		      PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ);
	set32(c, at + PCI_EXP_LNKCAP, link, 0);
	set16(c, at + PCI_EXP_LNKCTL, 0, PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC);
	set32(c, at + PCI_EXP_LNKCAP2, ((2u << board->link_speed) - 2), 0);
	set16(c, at + PCI_EXP_LNKCTL2, board->link_speed, PCI_EXP_LNKCTL2_TLS);
}

/* D0 and D3hot, and nothing is lost on the way back. */
static void add_pm(struct fl_config *c)
{
	add_cap(c, FL_CONFIG_PM, PCI_CAP_ID_PM);
	set16(c, FL_CONFIG_PM + PCI_PM_PMC, 3, 0);
	set16(c, FL_CONFIG_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET, PCI_PM_CTRL_STATE_MASK);
}

/* A vendor-specific extended capability of @len bytes, behind the one at *@at. */
static void add_vsec(struct fl_config *c, unsigned int *at, uint16_t id, unsigned int len)
{
	unsigned int before = *at;

	*at = before ? before + 0x40 : PCI_CFG_SPACE_SIZE;
	if (before)
		set32(c, before, fl_get_le32(c->bytes + before) | *at << 20, 0);
	set32(c, *at, PCI_EXT_CAP_ID_VNDR | 1u << 16, 0);
	set32(c, *at + PCI_VNDR_HEADER, id | len << 20, 0);
}

/* What tells a driver of an engine without metadata: as dw-edma-pcie reads it. */
static void add_vsecs(struct fl_config *c, const struct fl_board *b)
{
	unsigned int at = 0;

	if (b->vsec_dma) {
		add_vsec(c, &at, 0x6, 0x18);
		set32(c, at + 0x8, (uint32_t)FL_MAX(b->regs.bar, 0) << 8 | b->map, 0);
		set32(c, at + 0xc, b->chans[FL_EPDMA_WRITE] | (uint32_t)b->chans[FL_EPDMA_READ] << 16, 0);
		set32(c, at + 0x10, (uint32_t)b->regs.bar_offset, 0);
		set32(c, at + 0x14, (uint32_t)(b->regs.bar_offset >> 32), 0);
	}
	if (b->vsec_device_memory) {
		add_vsec(c, &at, 0x20, 0x10);
		set32(c, at + 0x8, (uint32_t)b->device_memory, 0);
		set32(c, at + 0xc, (uint32_t)(b->device_memory >> 32), 0);
	}
}

void fl_config_init(struct fl_config *c, const struct fl_board *board, bool multifunction)
{
	memset(c, 0, sizeof(*c));
	set16(c, PCI_VENDOR_ID, 0xffff, 0);
	set16(c, PCI_DEVICE_ID, 0xffff, 0);
	set16(c, PCI_COMMAND, 0,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		      PCI_COMMAND_INTX_DISABLE);
	c->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	c->writable[PCI_INTERRUPT_LINE] = 0xff;
	set8(c, PCI_HEADER_TYPE, multifunction ? 0x80 : 0);
	add_pm(c);
	add_pcie(c, board);
	add_vsecs(c, board);
}

void fl_config_header(struct fl_config *c, const struct fl_epc_header *h)
{
	set16(c, PCI_VENDOR_ID, h->vendorid, 0);
	set16(c, PCI_DEVICE_ID, h->deviceid, 0);
	set8(c, PCI_REVISION_ID, h->revid);
	set8(c, PCI_CLASS_PROG, h->progif_code);
	set8(c, PCI_CLASS_DEVICE, h->subclass_code);
	set8(c, PCI_CLASS_DEVICE + 1, h->baseclass_code);
	set8(c, PCI_CACHE_LINE_SIZE, h->cache_line_size);
	set16(c, PCI_SUBSYSTEM_VENDOR_ID, h->subsys_vendor_id, 0);
	set16(c, PCI_SUBSYSTEM_ID, h->subsys_id, 0);
	set8(c, PCI_INTERRUPT_PIN, h->interrupt_pin);
}

void fl_config_bar(struct fl_config *c, int bar, uint32_t flags, uint64_t size)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * (unsigned int)bar;
	uint64_t mask = size ? ~(size - 1) : 0;

	set32(c, at, size ? flags & (FL_BAR_64 | FL_BAR_PREFETCH) : 0,
	      (uint32_t)mask & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK);
	if (flags & FL_BAR_64)
		set32(c, at + 4, 0, (uint32_t)(mask >> 32));
}

uint64_t fl_config_bar_addr(const struct fl_config *c, int bar, uint32_t flags)
{
	const uint8_t *at = c->bytes + PCI_BASE_ADDRESS_0 + 4 * (unsigned int)bar;
	uint64_t v = flags & FL_BAR_64 ? fl_get_le64(at) : fl_get_le32(at);

	return v & PCI_BASE_ADDRESS_MEM_MASK;
}

void fl_config_msi(struct fl_config *c, unsigned int log2_vectors)
{
	unsigned int at = FL_CONFIG_MSI;

	add_cap(c, FL_CONFIG_MSI, PCI_CAP_ID_MSI);
	set16(c, at + PCI_MSI_FLAGS, (uint16_t)(PCI_MSI_FLAGS_64BIT | log2_vectors << 1),
	      PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	set32(c, at + PCI_MSI_ADDRESS_LO, 0, 0xfffffffc);
	set32(c, at + PCI_MSI_ADDRESS_HI, 0, 0xffffffff);
	set16(c, at + PCI_MSI_DATA_64, 0, 0xffff);
}

void fl_config_msix(struct fl_config *c, unsigned int vectors, int bar, uint32_t table,
		    uint32_t pba)
{
	unsigned int at = FL_CONFIG_MSIX;

	add_cap(c, FL_CONFIG_MSIX, PCI_CAP_ID_MSIX);
	set16(c, at + PCI_MSIX_FLAGS, (uint16_t)(vectors - 1),
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	set32(c, at + PCI_MSIX_TABLE, table | (uint32_t)bar, 0);
	set32(c, at + PCI_MSIX_PBA, pba | (uint32_t)bar, 0);
}

void fl_config_link(struct fl_config *c, const struct fl_board *board, bool up)
{
	uint16_t status = up ? board->link_speed | (uint16_t)board->link_width << 4 : 0;

	set16(c, FL_CONFIG_PCIE + PCI_EXP_LNKSTA, status, 0);
}

/* Every bit that the host can write goes back to 0, which suits all but three registers. */
void fl_config_reset(struct fl_config *c)
{
	uint8_t line = c->bytes[PCI_CACHE_LINE_SIZE];
	uint16_t speed = fl_get_le16(c->bytes + FL_CONFIG_PCIE + PCI_EXP_LNKCTL2);

	for (unsigned int i = 0; i < FL_EPC_CFG_SIZE; i++)
		c->bytes[i] &= (uint8_t)~c->writable[i];
	c->bytes[PCI_CACHE_LINE_SIZE] = line;
	fl_put_le16(c->bytes + FL_CONFIG_PCIE + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN | 2 << 12);
	fl_put_le16(c->bytes + FL_CONFIG_PCIE + PCI_EXP_LNKCTL2, speed);
}

static bool access_ok(uint32_t off, unsigned int size)
{
	return (size == 1 || size == 2 || size == 4) && fl_range_ok(off, size, FL_EPC_CFG_SIZE);
}

uint32_t fl_config_read(const struct fl_config *c, uint32_t off, unsigned int size)
{
	uint32_t v = 0;

	if (!access_ok(off, size))
		return UINT32_MAX;
	for (unsigned int i = 0; i < size; i++)
		v |= (uint32_t)c->bytes[off + i] << 8 * i;
	return v;
}

void fl_config_write(struct fl_config *c, uint32_t off, unsigned int size, uint32_t val)
{
	if (!access_ok(off, size))
		return;
	for (unsigned int i = 0; i < size; i++) {
		uint8_t mask = c->writable[off + i];

		if (off + i == FL_CONFIG_PM + PCI_PM_CTRL && (val >> 8 * i) % 4 % 3)
			continue; /* D1 and D2 are not there */
		c->bytes[off + i] = (uint8_t)((c->bytes[off + i] & ~mask) | (val >> 8 * i & mask));
	}
}

static bool command_on(const struct fl_config *c, uint8_t bit)
{
	return c->bytes[PCI_COMMAND] & bit &&
	       !(c->bytes[FL_CONFIG_PM + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK);
}

bool fl_config_memory_on(const struct fl_config *c)
{
	return command_on(c, PCI_COMMAND_MEMORY);
}

bool fl_config_master_on(const struct fl_config *c)
{
	return command_on(c, PCI_COMMAND_MASTER);
}

bool fl_config_asks_reset(uint32_t off, unsigned int size, uint32_t val)
{
	uint32_t at = FL_CONFIG_PCIE + PCI_EXP_DEVCTL + 1; /* the bit is in the upper byte */

	return access_ok(off, size) && off <= at && at < off + size &&
	       val >> 8 * (at - off) & PCI_EXP_DEVCTL_BCR_FLR >> 8;
}

int fl_config_msi_match(const struct fl_config *c, uint64_t addr, uint32_t data,
			unsigned int *ret_vector)
{
	const uint8_t *cap = c->bytes + FL_CONFIG_MSI;
	uint16_t flags = fl_get_le16(cap + PCI_MSI_FLAGS);
	uint32_t base = fl_get_le16(cap + PCI_MSI_DATA_64);
	uint32_t vectors = 1u << FL_FIELD_GET(PCI_MSI_FLAGS_QSIZE, flags);

	if (cap[0] != PCI_CAP_ID_MSI || !(flags & PCI_MSI_FLAGS_ENABLE) || vectors > 32 ||
	    addr != fl_get_le64(cap + PCI_MSI_ADDRESS_LO) ||
	    (data & ~(vectors - 1)) != (base & ~(vectors - 1)))
		return -ENOENT;
	*ret_vector = data & (vectors - 1);
	return 0;
}
