/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function's configuration space: bytes, and a mask of what the host may write. The mask is the
 * whole mechanism: a BAR's size, read-only registers and enable bits are all just writable bits or
 * not. Capabilities are chained in the order in which they are set up.
 */
#ifndef EPDMA_ENDPOINT_CONFIG_H
#define EPDMA_ENDPOINT_CONFIG_H

#include "epdma/endpoint/board.h"

#define FL_EPC_CFG_SIZE 4096

/* Flags of a BAR. */
#define FL_BAR_IO	(1u << 0)
#define FL_BAR_64	(1u << 2)
#define FL_BAR_PREFETCH (1u << 3)

struct fl_epc_header {
	uint16_t vendorid, deviceid;
	uint8_t revid, progif_code, subclass_code, baseclass_code, cache_line_size;
	uint16_t subsys_vendor_id, subsys_id;
	uint8_t interrupt_pin; /* 0 none, 1 INTA ... */
};

struct fl_config {
	uint8_t bytes[FL_EPC_CFG_SIZE];
	uint8_t writable[FL_EPC_CFG_SIZE];
	uint8_t last_cap; /* offset of the chain's last capability, 0: none */
};

/* Where the capabilities stand, once they are there. */
#define FL_CONFIG_PM   0x40
#define FL_CONFIG_MSI  0x50
#define FL_CONFIG_PCIE 0x70
#define FL_CONFIG_MSIX 0xb0

void fl_config_init(struct fl_config *c, const struct fl_board *board, bool multifunction);
void fl_config_header(struct fl_config *c, const struct fl_epc_header *h);
/* @size 0: not there. A 64-bit BAR takes the next one's register too. */
void fl_config_bar(struct fl_config *c, int bar, uint32_t flags, uint64_t size);
uint64_t fl_config_bar_addr(const struct fl_config *c, int bar, uint32_t flags);
void fl_config_msi(struct fl_config *c, unsigned int log2_vectors);
void fl_config_msix(struct fl_config *c, unsigned int vectors, int bar, uint32_t table,
		    uint32_t pba);
void fl_config_link(struct fl_config *c, const struct fl_board *board, bool up);
/* What a reset of the link does to what the host wrote. */
void fl_config_reset(struct fl_config *c);

uint32_t fl_config_read(const struct fl_config *c, uint32_t off, unsigned int size);
void fl_config_write(struct fl_config *c, uint32_t off, unsigned int size, uint32_t val);

/* Memory space is on and the function is in D0: BARs answer. */
bool fl_config_memory_on(const struct fl_config *c);
/* The same for mastering the bus: transfers and messages. */
bool fl_config_master_on(const struct fl_config *c);
/* A write of @val there asks for a function-level reset. */
bool fl_config_asks_reset(uint32_t off, unsigned int size, uint32_t val);

/* -ENOENT: MSI is not enabled, or the write is no message of it. */
int fl_config_msi_match(const struct fl_config *c, uint64_t addr, uint32_t data,
			unsigned int *ret_vector);

#endif
