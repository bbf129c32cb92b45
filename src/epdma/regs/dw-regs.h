/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The DesignWare eDMA/HDMA register maps and list format, as both sides use them: the engine that
 * has the registers and the host driver that programs them. Offsets come from dw_regs.def.
 */
#ifndef EPDMA_REGS_DW_REGS_H
#define EPDMA_REGS_DW_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <foreland/epdma.h>

#define FL_DW_NATIVE_CHANS 64 /* a direction, that the native map has room for */

enum fl_dw_reg {
#define V0(name, ...)	FL_V0_##name,
#define V0CH(name, ...) FL_V0CH_##name,
#define HN(name, ...)	FL_HN_##name,
#include "epdma/regs/dw-regs.def"
	_FL_DW_REG_MAX,
};

enum fl_dw_access {
	FL_DW_RW,
	FL_DW_RO,
	FL_DW_WO,
	FL_DW_W1C,
};

struct fl_dw_reg_row {
	const char *name;
	uint16_t off[2]; /* by direction; 0xffff: none */
	uint8_t words;
	enum fl_dw_access access;
	uint32_t reset;
	uint32_t writable;
	const char *text;
};

extern const struct fl_dw_reg_row fl_dw_regs[_FL_DW_REG_MAX];

/* One word of a register window, found by its offset. */
struct fl_dw_place {
	enum fl_dw_reg reg; /* _FL_DW_REG_MAX: nothing lies here */
	enum fl_epdma_dir dir;
	uint8_t chan;  /* of a channel block, or of a per-channel word */
	uint8_t index; /* word of an array */
};

void fl_dw_lookup(enum fl_epdma_map map, uint32_t off, struct fl_dw_place *ret);
/* The other way round; @chan matters for channel registers only. */
uint32_t fl_dw_offset(enum fl_dw_reg reg, enum fl_epdma_dir dir, unsigned int chan);
/* Bytes that a window must have for @chans channels a direction. */
uint32_t fl_dw_window_size(enum fl_epdma_map map, unsigned int chans);
/* "eDMA unroll", "HDMA compatible", "HDMA native", "eDMA legacy", NULL */
const char *fl_dw_map_name(unsigned int map);
/* Appends nothing: writes "WR_DOORBELL", "RD1_LLP_LO", "0x1f4" into @buf and returns it. */
const char *fl_dw_place_name(enum fl_epdma_map map, uint32_t off, char *buf, size_t n);

/*
 * Which of @total vectors the messages of channel @chan take, where @n[dir] channels are handed over:
 * one is everybody's; more are shared by the directions in proportion, write channels first, and within
 * a share a channel takes its number modulo, as the Linux driver has it.
 */
unsigned int fl_dw_vector(const uint8_t n[2], unsigned int total, enum fl_epdma_dir dir,
			  unsigned int chan);

/* The list: slots of 24 bytes; a link occupies one too. */
#define FL_DW_SLOT_SIZE 24
enum fl_dw_elem_bits {
	FL_ELEM_CB = 1u << 0,
	FL_ELEM_TCB = 1u << 1,
	FL_ELEM_LLP = 1u << 2,
	FL_ELEM_LIE = 1u << 3,
	FL_ELEM_RIE = 1u << 4,
};

enum fl_dw_control1_bits {
	FL_C1_CCS = 1u << 8,
	FL_C1_LLE = 1u << 9,
};
#define FL_C1_CS   0x00000060u
#define FL_C1_FUNC 0x0001f000u

/* Channel status, as CS and as the native STATUS; 0 after reset. */
enum fl_dw_chan_status {
	FL_CS_RESET = 0,
	FL_CS_RUNNING = 1,
	FL_CS_HALTED = 2, /* native: aborted */
	FL_CS_STOPPED = 3,
};

#endif
