/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board: what an endpoint controller offers, what its DMA engine is and where both lie in the
 * endpoint's address space. Boards are data files (boards/NAME.board), one "key value" a line.
 */
#ifndef EPDMA_ENDPOINT_BOARD_H
#define EPDMA_ENDPOINT_BOARD_H

#include <foreland/diag.h>
#include <foreland/epdma.h>

#include "base/buf.h"
#include "base/str.h"

enum fl_epc_bar_type {
	FL_BAR_PROGRAMMABLE,
	FL_BAR_FIXED,
	FL_BAR_RESIZABLE,
	FL_BAR_RESERVED,
	FL_BAR_DISABLED,
};

/* What the controller can do: Linux's struct pci_epc_features. */
struct fl_epc_features {
	bool linkup_notifier;
	bool msi_capable, msix_capable, intx_capable;
	bool dynamic_inbound_mapping, subrange_mapping;
	uint64_t align; /* of inbound mappings; 0: none asked */
	struct {
		enum fl_epc_bar_type type;
		bool only_64bit;
		uint64_t fixed_size;
	} bar[FL_EPDMA_NR_BARS];
};

/* Where something lies on the endpoint, and in which BAR it is fixed (-1: in none). */
struct fl_board_window {
	uint64_t phys, size;
	int bar;
	uint64_t bar_offset;
};

struct fl_board {
	char name[32];	     /* "rk3588" */
	char about[128];     /* one line for people */
	char controller[48]; /* "fe150000.pcie-ep", the name below controllers/ */
	char domain_bus[16]; /* "0000:01:00": where the host sees it */
	uint16_t vendor, device;
	uint8_t max_functions;
	uint8_t functions_taken; /* bit n: function n is in use before anybody starts */
	uint8_t inbound_windows; /* what submaps are made of */
	uint8_t link_speed, link_width; /* generation and lanes, for the PCI Express capability */
	struct fl_epc_features features;

	enum fl_epdma_map map;
	uint8_t chans[_FL_EPDMA_DIR_MAX];
	struct fl_board_window regs;
	/*
	 * Vendor-specific capabilities, by which drivers find an engine without metadata. With the first,
	 * all channels are the host's from the start.
	 */
	bool vsec_dma;		  /* Synopsys' and AMD's id 6: map, BAR, channels */
	bool vsec_device_memory;  /* AMD's id 0x20 */
	uint64_t device_memory;	  /* what it says: where BAR 2 begins, for the engine */
	bool lists_by_bar;	  /* list pointers are the BAR's addresses, as the host assigned them */
	/* Channel i's descriptor memory, write channels first: phys + i * size (and bar_offset so). */
	struct fl_board_window desc;

	/* The endpoint's own memory, in which transfers may take place. */
	uint64_t ram, ram_size;
	/* Where memory behind BARs is allocated. */
	uint64_t bar_mem, bar_mem_size;
};

/*
 * @text is a whole file, @place its name for diagnostics.
 * -EINVAL (see @diag): unknown key, bad value, key twice, key missing.
 */
int fl_board_parse(struct fl_str text, const char *place, struct fl_board *ret,
		   struct fl_diag *diag);

/*
 * The preset @name, which is compiled in, or the file where it holds a "/".
 * -ENOENT: no such preset. @hold keeps the file's text alive for @diag.
 */
int fl_board_load(const char *name, struct fl_buf *hold, struct fl_board *ret,
		  struct fl_diag *diag);

/* Names of the presets, NULL-terminated. */
extern const char *const fl_board_names[];

/* The board again as the text that fl_board_parse() reads. */
void fl_board_print(const struct fl_board *b, struct fl_buf *out);

#endif
