// SPDX-License-Identifier: LGPL-2.1-or-later
#include "epdma/regs/dw-regs.h"

#include <stdio.h>

#include "base/util.h"

#define RW  FL_DW_RW
#define RO  FL_DW_RO
#define WO  FL_DW_WO
#define W1C FL_DW_W1C

const struct fl_dw_reg_row fl_dw_regs[_FL_DW_REG_MAX] = {
#define V0(nm, wr, rd, n, acc, rst, wmask, txt)                                                    \
	[FL_V0_##nm] = { #nm, { wr, rd }, n, acc, rst, wmask, txt },
#define V0CH(nm, off, acc, rst, wmask, txt)                                                        \
	[FL_V0CH_##nm] = { #nm, { 0x200 + (off), 0x300 + (off) }, 1, acc, rst, wmask, txt },
#define HN(nm, off, acc, rst, wmask, txt)                                                          \
	[FL_HN_##nm] = { #nm, { (off), 0x100 + (off) }, 1, acc, rst, wmask, txt },
#include "epdma/regs/dw-regs.def"
};

#define CHAN_STRIDE 0x200u

/* The first register of each kind, and one past its last. */
#define V0_FIRST   FL_V0_ARB_PRIO
#define V0_END	   FL_V0CH_CONTROL1
#define V0CH_FIRST FL_V0CH_CONTROL1
#define V0CH_END   FL_HN_CH_EN
#define HN_FIRST   FL_HN_CH_EN
#define HN_END	   _FL_DW_REG_MAX

static bool is_channel_reg(enum fl_dw_reg reg)
{
	return reg >= V0CH_FIRST;
}

/* @off within the block of channel 0, both directions. */
static bool find_row(enum fl_dw_reg first, enum fl_dw_reg end, uint32_t off,
		     struct fl_dw_place *ret)
{
	for (unsigned int r = first; r < (unsigned int)end; r++) {
		const struct fl_dw_reg_row *row = &fl_dw_regs[r];

		for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
			if (row->off[d] == NO || off < row->off[d] ||
			    off >= row->off[d] + 4u * row->words)
				continue;
			ret->reg = r;
			ret->dir = d;
			ret->index = (uint8_t)((off - row->off[d]) / 4);
			return true;
		}
	}
	return false;
}

void fl_dw_lookup(enum fl_epdma_map map, uint32_t off, struct fl_dw_place *ret)
{
	struct fl_dw_place p = { .reg = _FL_DW_REG_MAX };
	uint32_t base = map == FL_EPDMA_NATIVE ? 0 : 0x200;
	uint32_t max = map == FL_EPDMA_NATIVE ? FL_DW_NATIVE_CHANS : FL_EPDMA_MAX_CHANS;

	*ret = p;
	if (off % 4)
		return;
	if (off < base) {
		if (find_row(V0_FIRST, V0_END, off, &p)) {
			p.chan = p.reg == FL_V0_PWR_EN ? p.index : 0;
			*ret = p;
		}
		return;
	}
	if ((off - base) / CHAN_STRIDE >= max)
		return;
	if (!find_row(base ? V0CH_FIRST : HN_FIRST, base ? V0CH_END : HN_END,
		      base + (off - base) % CHAN_STRIDE, &p))
		return;
	p.chan = (uint8_t)((off - base) / CHAN_STRIDE);
	*ret = p;
}

uint32_t fl_dw_offset(enum fl_dw_reg reg, enum fl_epdma_dir dir, unsigned int chan)
{
	uint32_t off = fl_dw_regs[reg].off[dir];

	return is_channel_reg(reg) ? off + CHAN_STRIDE * chan : off;
}

uint32_t fl_dw_window_size(enum fl_epdma_map map, unsigned int chans)
{
	if (map == FL_EPDMA_LEGACY)
		return 0x124; /* one channel block, whatever their number */
	return (map == FL_EPDMA_NATIVE ? 0 : 0x200) + CHAN_STRIDE * chans;
}

const char *fl_dw_map_name(unsigned int map)
{
	static const char *const names[] = {
		[FL_EPDMA_LEGACY] = "eDMA legacy",
		[FL_EPDMA_UNROLL] = "eDMA unroll",
		[FL_EPDMA_COMPAT] = "HDMA compatible",
		[FL_EPDMA_NATIVE] = "HDMA native",
	};

	return map < FL_ARRAY_SIZE(names) ? names[map] : NULL;
}

const char *fl_dw_place_name(enum fl_epdma_map map, uint32_t off, char *buf, size_t n)
{
	static const char *const dirs[] = { "WR", "RD" };
	struct fl_dw_place p;
	const struct fl_dw_reg_row *row;

	fl_dw_lookup(map, off, &p);
	if (map == FL_EPDMA_LEGACY && off >= 0x100 && off < 0x124) {
		fl_dw_lookup(FL_EPDMA_UNROLL, off + 0x100, &p); /* channel 0's, for its name */
		snprintf(buf, n, "CH_%s", fl_dw_regs[p.reg].name);
		return buf;
	}
	if (p.reg == _FL_DW_REG_MAX || (map == FL_EPDMA_LEGACY && off >= 0x124)) {
		snprintf(buf, n, "0x%03x", off);
		return buf;
	}
	row = &fl_dw_regs[p.reg];
	if (is_channel_reg(p.reg))
		snprintf(buf, n, "%s%u_%s", dirs[p.dir], p.chan, row->name);
	else if (row->words > 1)
		snprintf(buf, n, "%s_%s%u", dirs[p.dir], row->name, p.index);
	else if (row->off[FL_EPDMA_READ] == NO)
		snprintf(buf, n, "%s", row->name);
	else
		snprintf(buf, n, "%s_%s", dirs[p.dir], row->name);
	return buf;
}

unsigned int fl_dw_vector(const uint8_t n[2], unsigned int total, enum fl_epdma_dir dir,
			  unsigned int chan)
{
	unsigned int wr = n[FL_EPDMA_WRITE], rd = n[FL_EPDMA_READ], wr_share;

	if (total <= 1)
		return 0;
	wr_share = !rd ? total : !wr ? 0 : FL_MAX(1u, total * wr / (wr + rd));
	if (dir == FL_EPDMA_WRITE)
		return wr_share ? chan % wr_share : 0;
	return wr_share < total ? wr_share + chan % (total - wr_share) : 0;
}
