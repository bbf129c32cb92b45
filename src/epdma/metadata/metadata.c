// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Metadata: reading and writing.
 *
 * The reader is a list of checks in the order in which the host driver as posted makes them; each
 * that fails is one row of reasons.def. What only the strict reader asks comes behind all of these,
 * so that strict and compatible give the same errno wherever the driver gives one at all, and the
 * strict reader refuses more but never differently.
 *
 * The same checks serve two callers. fl_epmd_parse() stops at the first that fails. fl_epmd_examine()
 * is given every one; refuse() then returns 0 and the walk goes on, up to the few points where
 * nothing further could be read.
 *
 * Layouts A and B carry the same magic and revision. What tells them apart is the length: less the
 * channel tables it is the header's, 0x1c or 0x20. Where it is neither (trailing bytes), both are
 * tried, and the one under which every entry is plausible is taken if it is the only one.
 */
#include "epdma/metadata/metadata.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/metadata/reason.h"

const struct fl_epmd_field_info fl_epmd_fields[_FL_MD_FIELD_MAX] = {
#define F(where_, id, off, high, low, nm, text)                                                    \
	[FL_MD_##id] = { .where = FL_MD_IN_##where_, .name = nm, .doc = text, .offset = off,       \
			 .hi = high, .lo = low },
#define R(where_, id, off, high, low)                                                              \
	[FL_MD_##id] = { .where = FL_MD_IN_##where_, .offset = off, .hi = high, .lo = low },
#include "epdma/metadata/metadata.def"
#undef F
#undef R
};

uint64_t fl_epmd_get(const void *blob, size_t base, enum fl_epmd_field f)
{
	const struct fl_epmd_field_info *i = &fl_epmd_fields[f];
	const uint8_t *p = (const uint8_t *)blob + base + i->offset;
	uint64_t v = i->hi == 63 ? fl_get_le64(p) : fl_get_le32(p);

	return FL_FIELD_GET(FL_BITS(i->hi, i->lo), v);
}

bool fl_epmd_fits(enum fl_epmd_field f, uint64_t v)
{
	const struct fl_epmd_field_info *i = &fl_epmd_fields[f];

	return v <= FL_BITS(i->hi - i->lo, 0);
}

void fl_epmd_put(void *blob, size_t base, enum fl_epmd_field f, uint64_t v)
{
	const struct fl_epmd_field_info *i = &fl_epmd_fields[f];
	uint8_t *p = (uint8_t *)blob + base + i->offset;
	uint64_t mask = FL_BITS(i->hi, i->lo);

	if (i->hi == 63)
		fl_put_le64(p, v);
	else
		fl_put_le32(p, (uint32_t)((fl_get_le32(p) & ~mask) | FL_FIELD_PREP(mask, v)));
}

size_t fl_epmd_hdr_len(enum fl_epmd_layout layout)
{
	return layout == FL_EPMD_B ? FL_EPMD_HDR_LEN_B : FL_EPMD_HDR_LEN_A;
}

size_t fl_epmd_len(enum fl_epmd_layout layout, unsigned int nr_chans)
{
	return fl_epmd_hdr_len(layout) + (size_t)nr_chans * FL_EPMD_ENTRY_LEN;
}

/* ---- reading ---- */

struct check {
	const uint8_t *blob;
	size_t n;
	const struct fl_epmd_policy *policy;
	fl_epmd_finding_fn fn; /* NULL: stop at the first finding */
	void *ctx;
	int err; /* of the first finding */
	struct fl_epmd_finding first;
	struct fl_epmd md;
};

/* Which entry a finding is about; chan -1 for the header. */
struct place {
	enum fl_epdma_dir dir;
	int chan;
	size_t base;
};

static const struct place in_header = { .chan = -1 };

static int refuse_value(struct check *c, enum fl_epdma_reason why, struct place at,
			enum fl_epmd_field f, uint64_t value)
{
	struct fl_epmd_finding finding = {
		.kind = &fl_epdma_reasons[why],
		.dir = at.dir,
		.chan = at.chan,
		.value = value,
	};

	if (f < _FL_MD_FIELD_MAX) {
		finding.field = fl_epmd_fields[f].name ? fl_epmd_fields[f].name : "RESERVED";
		finding.offset = (uint32_t)at.base + fl_epmd_fields[f].offset;
	}
	if (!c->err) {
		c->err = -finding.kind->err;
		c->first = finding;
	}
	if (!c->fn)
		return c->err;
	c->fn(c->ctx, &finding);
	return 0;
}

static int refuse(struct check *c, enum fl_epdma_reason why, struct place at, enum fl_epmd_field f)
{
	return refuse_value(c, why, at, f, fl_epmd_get(c->blob, at.base, f));
}

static uint64_t hdr(const struct check *c, enum fl_epmd_field f)
{
	return fl_epmd_get(c->blob, 0, f);
}

static uint64_t bar_size(const struct check *c, unsigned int bar)
{
	return bar < FL_EPDMA_NR_BARS ? c->policy->bar_size[bar] : 0;
}

/* Bytes that the block may take; what the snapshot holds where its BAR is not known. */
static uint64_t block_limit(const struct check *c)
{
	if (c->policy->bar >= FL_EPDMA_NR_BARS ||
	    bar_size(c, c->policy->bar) == FL_EPMD_BAR_UNKNOWN)
		return c->n;
	return bar_size(c, c->policy->bar);
}

static size_t tables_len(const struct check *c)
{
	return (hdr(c, FL_MD_WR_CH_COUNT) + hdr(c, FL_MD_RD_CH_COUNT)) *
	       hdr(c, FL_MD_CH_ENTRY_SIZE);
}

static bool entry_size_ok(const struct check *c)
{
	uint64_t size = hdr(c, FL_MD_CH_ENTRY_SIZE);

	return size >= FL_EPMD_ENTRY_LEN && size % sizeof(uint32_t) == 0;
}

static bool window_in_bar(const struct check *c, const struct fl_epmd_window *w)
{
	return w->size && fl_range_ok(w->offset, w->size, bar_size(c, w->bar));
}

static bool offset_ok(const struct check *c, uint64_t off)
{
	return off <= (c->policy->off_max ? c->policy->off_max : INT64_MAX);
}

static void read_entry(const struct check *c, size_t base, struct fl_epmd_chan *ret)
{
	*ret = (struct fl_epmd_chan){
		.hw_ch = (uint8_t)fl_epmd_get(c->blob, base, FL_MD_CH_HW_CH),
		.desc = {
			.bar = (uint8_t)fl_epmd_get(c->blob, base, FL_MD_CH_DESC_BAR),
			.offset = fl_epmd_get(c->blob, base, FL_MD_CH_DESC_OFF),
			.size = (uint32_t)fl_epmd_get(c->blob, base, FL_MD_CH_DESC_SIZE),
			.addr = fl_epmd_get(c->blob, base, FL_MD_CH_DESC_ADDR),
		},
		.aux_valid = fl_epmd_get(c->blob, base, FL_MD_CH_AUX_VALID),
		.aux = {
			.bar = (uint8_t)fl_epmd_get(c->blob, base, FL_MD_CH_AUX_BAR),
			.offset = fl_epmd_get(c->blob, base, FL_MD_CH_AUX_OFF),
			.size = (uint32_t)fl_epmd_get(c->blob, base, FL_MD_CH_AUX_SIZE),
			.addr = fl_epmd_get(c->blob, base, FL_MD_CH_AUX_ADDR),
		},
	};
}

static size_t entry_base(const struct check *c, enum fl_epmd_layout layout, enum fl_epdma_dir dir,
			 unsigned int chan)
{
	size_t index = chan + (dir == FL_EPDMA_READ ? hdr(c, FL_MD_WR_CH_COUNT) : 0);

	return fl_epmd_hdr_len(layout) + index * hdr(c, FL_MD_CH_ENTRY_SIZE);
}

/* Every entry names its own index and memory that lies in a BAR: by chance this is not so. */
static bool layout_plausible(const struct check *c, enum fl_epmd_layout layout)
{
	const uint64_t n[] = { hdr(c, FL_MD_WR_CH_COUNT), hdr(c, FL_MD_RD_CH_COUNT) };

	if (fl_epmd_hdr_len(layout) + tables_len(c) > FL_MIN(hdr(c, FL_MD_LEN), (uint64_t)c->n))
		return false;
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < n[dir]; i++) {
			struct fl_epmd_chan ch;

			read_entry(c, entry_base(c, layout, dir, i), &ch);
			if (ch.hw_ch != i || !window_in_bar(c, &ch.desc))
				return false;
		}
	}
	return true;
}

/* AUTO where both layouts, or neither, could be meant. */
static enum fl_epmd_layout decide_layout(const struct check *c)
{
	uint64_t len = hdr(c, FL_MD_LEN), tables = tables_len(c);
	bool a, b;

	if (c->policy->layout != FL_EPMD_AUTO)
		return c->policy->layout;
	if (c->policy->seed_compat || !entry_size_ok(c) || len < tables + FL_EPMD_HDR_LEN_B)
		return FL_EPMD_A;
	if (len == tables + FL_EPMD_HDR_LEN_B)
		return FL_EPMD_B;
	a = layout_plausible(c, FL_EPMD_A);
	b = layout_plausible(c, FL_EPMD_B);
	if (a == b)
		return FL_EPMD_AUTO;
	return a ? FL_EPMD_A : FL_EPMD_B;
}

static void read_header(struct check *c)
{
	c->md.layout = decide_layout(c);
	c->md.revision = (uint8_t)hdr(c, FL_MD_REV);
	c->md.len = (uint16_t)hdr(c, FL_MD_LEN);
	c->md.entry_size = (uint8_t)hdr(c, FL_MD_CH_ENTRY_SIZE);
	c->md.ready = hdr(c, FL_MD_READY);
	c->md.reg_layout = (uint8_t)hdr(c, FL_MD_REG_LAYOUT_ID);
	c->md.map = (uint8_t)hdr(c, FL_MD_REG_LAYOUT_DATA);
	c->md.reg.bar = (uint8_t)hdr(c, FL_MD_REG_BAR);
	c->md.reg.offset = hdr(c, FL_MD_REG_OFF);
	c->md.reg.size = (uint32_t)hdr(c, FL_MD_REG_SIZE);
	c->md.n[FL_EPDMA_WRITE] = (uint8_t)hdr(c, FL_MD_WR_CH_COUNT);
	c->md.n[FL_EPDMA_READ] = (uint8_t)hdr(c, FL_MD_RD_CH_COUNT);
	if (c->md.layout != FL_EPMD_B)
		c->md.host_req = hdr(c, FL_MD_HOST_REQ);
	else if (c->n >= FL_EPMD_HDR_LEN_B)
		c->md.host_req = hdr(c, FL_MD_HOST_CTRL_REQ);
}

/* Whether this is metadata at all, of a size that can be read. */
static int check_identity(struct check *c)
{
	uint64_t len;

	if (c->n < FL_EPMD_HDR_LEN_A || block_limit(c) < FL_EPMD_HDR_LEN_A)
		return refuse_value(c, FL_EPDMA_MD_SHORT, in_header, _FL_MD_FIELD_MAX, c->n) ?: c->err;
	if (hdr(c, FL_MD_MAGIC) != FL_EPMD_MAGIC)
		return refuse(c, FL_EPDMA_MD_MAGIC, in_header, FL_MD_MAGIC) ?: c->err;
	if (hdr(c, FL_MD_REV) != FL_EPMD_REVISION)
		return refuse(c, FL_EPDMA_MD_REVISION, in_header, FL_MD_REV) ?: c->err;

	read_header(c);
	len = c->md.len;
	if (len < fl_epmd_hdr_len(c->md.layout))
		return refuse(c, FL_EPDMA_MD_LEN_HEADER, in_header, FL_MD_LEN) ?: c->err;
	if (len > block_limit(c))
		return refuse(c, FL_EPDMA_MD_LEN_BAR, in_header, FL_MD_LEN) ?: c->err;
	if (len > c->n)
		return refuse(c, FL_EPDMA_MD_TRUNCATED, in_header, FL_MD_LEN) ?: c->err;
	return 0;
}

static int check_map(struct check *c)
{
	if (c->md.reg_layout != 1)
		return refuse(c, FL_EPDMA_MD_LAYOUT_ID, in_header, FL_MD_REG_LAYOUT_ID);
	switch (c->md.map) {
	case FL_EPDMA_UNROLL:
	case FL_EPDMA_COMPAT:
	case FL_EPDMA_NATIVE:
		return 0;
	case FL_EPDMA_LEGACY:
		return refuse(c, FL_EPDMA_MD_MAP_LEGACY, in_header, FL_MD_REG_LAYOUT_DATA);
	default:
		return refuse(c, FL_EPDMA_MD_MAP, in_header, FL_MD_REG_LAYOUT_DATA);
	}
}

static int check_counts(struct check *c)
{
	int r;

	if (!c->md.n[FL_EPDMA_WRITE] && !c->md.n[FL_EPDMA_READ]) {
		r = refuse(c, FL_EPDMA_MD_NO_CHANS, in_header, FL_MD_WR_CH_COUNT);
		if (r)
			return r;
	}
	if (c->md.n[FL_EPDMA_WRITE] > FL_EPDMA_MAX_CHANS) {
		r = refuse(c, FL_EPDMA_MD_CHANS, in_header, FL_MD_WR_CH_COUNT);
		if (r)
			return r;
	}
	if (c->md.n[FL_EPDMA_READ] > FL_EPDMA_MAX_CHANS)
		return refuse(c, FL_EPDMA_MD_CHANS, in_header, FL_MD_RD_CH_COUNT);
	return 0;
}

/* Behind this the tables may be read, if @c->err is still 0 or the walk collects. */
static int check_header(struct check *c)
{
	int r = check_map(c);

	if (r)
		return r;
	if (c->md.reg.bar >= FL_EPDMA_NR_BARS) {
		r = refuse(c, FL_EPDMA_MD_REG_BAR, in_header, FL_MD_REG_BAR);
		if (r)
			return r;
	}
	r = check_counts(c);
	if (r)
		return r;
	if (!entry_size_ok(c))
		return refuse(c, FL_EPDMA_MD_ENTRY_SIZE, in_header, FL_MD_CH_ENTRY_SIZE);
	if (fl_epmd_hdr_len(c->md.layout) + tables_len(c) > c->md.len)
		return refuse(c, FL_EPDMA_MD_TABLES, in_header, FL_MD_LEN);
	return 0;
}

static bool tables_readable(const struct check *c)
{
	return entry_size_ok(c) && c->md.n[FL_EPDMA_WRITE] <= FL_EPDMA_MAX_CHANS &&
	       c->md.n[FL_EPDMA_READ] <= FL_EPDMA_MAX_CHANS &&
	       fl_epmd_hdr_len(c->md.layout) + tables_len(c) <= c->md.len;
}

static int check_reg_window(struct check *c)
{
	if (!offset_ok(c, c->md.reg.offset))
		return refuse(c, FL_EPDMA_MD_REG_OFFSET, in_header, FL_MD_REG_OFF);
	if (c->md.reg.bar < FL_EPDMA_NR_BARS && !window_in_bar(c, &c->md.reg))
		return refuse(c, FL_EPDMA_MD_REG_RANGE, in_header, FL_MD_REG_SIZE);
	return 0;
}

static int check_desc(struct check *c, struct place at, const struct fl_epmd_chan *ch)
{
	if (!offset_ok(c, ch->desc.offset))
		return refuse(c, FL_EPDMA_MD_DESC_OFFSET, at, FL_MD_CH_DESC_OFF);
	if (ch->desc.bar >= FL_EPDMA_NR_BARS)
		return refuse(c, FL_EPDMA_MD_DESC_BAR, at, FL_MD_CH_DESC_BAR);
	if (!window_in_bar(c, &ch->desc))
		return refuse(c, FL_EPDMA_MD_DESC_RANGE, at, FL_MD_CH_DESC_SIZE);
	return 0;
}

static int check_aux(struct check *c, struct place at, const struct fl_epmd_chan *ch)
{
	if (!ch->aux_valid)
		return 0;
	if (!offset_ok(c, ch->aux.offset))
		return refuse(c, FL_EPDMA_MD_AUX_OFFSET, at, FL_MD_CH_AUX_OFF);
	if (ch->aux.bar >= FL_EPDMA_NR_BARS)
		return refuse(c, FL_EPDMA_MD_AUX_BAR, at, FL_MD_CH_AUX_BAR);
	if (!window_in_bar(c, &ch->aux))
		return refuse(c, FL_EPDMA_MD_AUX_RANGE, at, FL_MD_CH_AUX_SIZE);
	return 0;
}

static int check_chan(struct check *c, struct place at, struct fl_epmd_chan *ret)
{
	int r;

	read_entry(c, at.base, ret);
	if (ret->hw_ch != at.chan) {
		r = refuse(c, FL_EPDMA_MD_HW_CH, at, FL_MD_CH_HW_CH);
		if (r)
			return r;
	}
	return check_desc(c, at, ret) ?: check_aux(c, at, ret);
}

static struct place chan_place(const struct check *c, enum fl_epdma_dir dir, unsigned int i)
{
	return (struct place){ .dir = dir, .chan = (int)i,
			       .base = entry_base(c, c->md.layout, dir, i) };
}

typedef int (*chan_fn)(struct check *c, struct place at, struct fl_epmd_chan *ch);

static int each_chan(struct check *c, chan_fn fn)
{
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < c->md.n[dir]; i++) {
			int r = fn(c, chan_place(c, dir, i), &c->md.chan[dir][i]);

			if (r)
				return r;
		}
	}
	return 0;
}

/* ---- what only the strict reader asks ---- */

static int check_reserved(struct check *c, struct place at, unsigned int where)
{
	for (unsigned int f = 0; f < _FL_MD_FIELD_MAX; f++) {
		const struct fl_epmd_field_info *i = &fl_epmd_fields[f];
		int r;

		if (i->name || !(i->where & where) || !fl_epmd_get(c->blob, at.base, f))
			continue;
		r = refuse(c, FL_EPDMA_MD_RESERVED, at, f);
		if (r)
			return r;
	}
	return 0;
}

static int check_header_strictly(struct check *c)
{
	unsigned int where = c->md.layout == FL_EPMD_B ? FL_MD_IN_B : FL_MD_IN_A;
	size_t end;
	int r;

	if (c->md.layout == FL_EPMD_AUTO) {
		r = refuse(c, FL_EPDMA_MD_AMBIGUOUS, in_header, FL_MD_LEN);
		if (r)
			return r;
	}
	r = check_reserved(c, in_header, where);
	if (r)
		return r;
	if (c->md.entry_size > FL_EPMD_ENTRY_LEN) {
		r = refuse(c, FL_EPDMA_MD_ENTRY_LARGER, in_header, FL_MD_CH_ENTRY_SIZE);
		if (r)
			return r;
	}
	end = fl_epmd_hdr_len(c->md.layout) + tables_len(c);
	if (c->md.len > end)
		return refuse_value(c, FL_EPDMA_MD_TRAILING, in_header, FL_MD_LEN, c->md.len - end);
	return 0;
}

static int check_handshake(struct check *c)
{
	if (c->md.ready && !c->md.host_req)
		return refuse(c, FL_EPDMA_MD_READY_UNASKED, in_header, FL_MD_READY);
	if (c->policy->need_ready && !c->md.ready)
		return refuse(c, FL_EPDMA_MD_READY_LOST, in_header, FL_MD_READY);
	return 0;
}

/* Up to the end of the last channel's block of registers. */
static uint64_t reg_size_needed(const struct fl_epmd *md)
{
	uint64_t n = FL_MAX(md->n[FL_EPDMA_WRITE], md->n[FL_EPDMA_READ]);

	return 0x200 * n + (md->map == FL_EPDMA_NATIVE ? 0 : 0x200);
}

static int check_reg_strictly(struct check *c)
{
	if (c->md.reg.size < reg_size_needed(&c->md)) {
		int r = refuse(c, FL_EPDMA_MD_REG_SMALL, in_header, FL_MD_REG_SIZE);

		if (r)
			return r;
	}
	if (c->md.reg.offset % sizeof(uint32_t))
		return refuse(c, FL_EPDMA_MD_REG_ALIGN, in_header, FL_MD_REG_OFF);
	return 0;
}

/* One element and the link behind it are 2 * 24 bytes; both hold 64-bit words. */
static int check_desc_strictly(struct check *c, struct place at, const struct fl_epmd_window *w)
{
	uint64_t end;
	int r = 0;

	if (w->size < 48)
		r = refuse(c, FL_EPDMA_MD_DESC_SMALL, at, FL_MD_CH_DESC_SIZE);
	if (!r && w->offset % 8)
		r = refuse(c, FL_EPDMA_MD_DESC_ALIGN, at, FL_MD_CH_DESC_OFF);
	if (!r && (w->addr % 8 || __builtin_add_overflow(w->addr, w->size, &end)))
		r = refuse(c, FL_EPDMA_MD_DESC_ADDR, at, FL_MD_CH_DESC_ADDR);
	return r;
}

static int check_aux_strictly(struct check *c, struct place at, const struct fl_epmd_chan *ch)
{
	static const enum fl_epmd_field fields[] = { FL_MD_CH_AUX_BAR, FL_MD_CH_AUX_OFF,
						     FL_MD_CH_AUX_SIZE, FL_MD_CH_AUX_ADDR };
	uint64_t end;

	if (ch->aux_valid) {
		if (__builtin_add_overflow(ch->aux.addr, ch->aux.size, &end))
			return refuse(c, FL_EPDMA_MD_AUX_ADDR, at, FL_MD_CH_AUX_ADDR);
		return 0;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(fields); i++) {
		if (fl_epmd_get(c->blob, at.base, fields[i])) {
			int r = refuse(c, FL_EPDMA_MD_AUX_UNEXPECTED, at, fields[i]);

			if (r)
				return r;
		}
	}
	return 0;
}

static int check_chan_strictly(struct check *c, struct place at, struct fl_epmd_chan *ch)
{
	return check_reserved(c, at, FL_MD_IN_CH) ?: check_desc_strictly(c, at, &ch->desc)
	       ?: check_aux_strictly(c, at, ch);
}

/*
 * Everything that the block places in BARs, as a flat list: the block itself, the registers, what
 * the caller knows of, then descriptors and auxiliary windows. @field names whose fault it is.
 */
struct extent {
	struct place at;
	enum fl_epmd_field field;
	uint8_t bar;
	uint64_t offset, size;
	bool desc;
	uint64_t addr;
};

#define MAX_EXTENTS (2 + 2 * _FL_EPDMA_DIR_MAX * FL_EPDMA_MAX_CHANS)

static size_t list_extents(const struct check *c, struct extent *e)
{
	size_t n = 0;

	e[n++] = (struct extent){ in_header, FL_MD_LEN, c->policy->bar, 0, c->md.len };
	e[n++] = (struct extent){ in_header, FL_MD_REG_OFF, c->md.reg.bar, c->md.reg.offset,
				  c->md.reg.size };
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < c->md.n[dir]; i++) {
			const struct fl_epmd_chan *ch = &c->md.chan[dir][i];
			struct place at = chan_place(c, dir, i);

			e[n++] = (struct extent){ at, FL_MD_CH_DESC_OFF, ch->desc.bar,
						  ch->desc.offset, ch->desc.size, true,
						  ch->desc.addr };
			if (ch->aux_valid)
				e[n++] = (struct extent){ at, FL_MD_CH_AUX_OFF, ch->aux.bar,
							  ch->aux.offset, ch->aux.size };
		}
	}
	return n;
}

/* Without overflow: ranges that wrap were refused before, or reach to the end of everything. */
static bool touch(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && (a <= b ? b - a < a_size : a - b < b_size);
}

static int check_pair(struct check *c, const struct extent *a, const struct extent *b)
{
	bool same = a->bar == b->bar && touch(a->offset, a->size, b->offset, b->size);

	if (a->desc && b->desc && (same || touch(a->addr, a->size, b->addr, b->size)))
		return refuse(c, FL_EPDMA_MD_DESC_SHARED, b->at, same ? b->field : FL_MD_CH_DESC_ADDR);
	return same ? refuse(c, FL_EPDMA_MD_OVERLAP, b->at, b->field) : 0;
}

static int check_extents(struct check *c)
{
	struct extent e[MAX_EXTENTS];
	size_t n = list_extents(c, e);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < c->policy->nr_busy; k++) {
			const struct fl_epmd_range *busy = &c->policy->busy[k];
			int r;

			if (e[i].bar != busy->bar ||
			    !touch(busy->offset, busy->size, e[i].offset, e[i].size))
				continue;
			r = refuse(c, FL_EPDMA_MD_OVERLAP, e[i].at, e[i].field);
			if (r)
				return r;
		}
		for (size_t k = 0; k < i; k++) {
			int r = check_pair(c, &e[k], &e[i]);

			if (r)
				return r;
		}
	}
	return 0;
}

/* ---- the readers ---- */

static int validate(struct check *c)
{
	int r = check_identity(c) ?: check_header(c);

	if (!r && !c->policy->seed_compat && tables_readable(c))
		r = check_header_strictly(c);
	return r;
}

static int parse_strictly(struct check *c)
{
	int r = check_header_strictly(c) ?: check_handshake(c);

	return r ?: check_reg_strictly(c) ?: each_chan(c, check_chan_strictly) ?: check_extents(c);
}

static int parse(struct check *c)
{
	int r = check_identity(c) ?: check_header(c) ?: check_reg_window(c);

	if (r)
		return r;
	if (!tables_readable(c))
		return c->err;
	r = each_chan(c, check_chan);
	if (!r && !c->policy->seed_compat)
		r = parse_strictly(c);
	return r ?: c->err;
}

int fl_epmd_validate(const void *blob, size_t n, const struct fl_epmd_policy *policy,
		     enum fl_epmd_layout *ret_layout, struct fl_epmd_finding *reterr)
{
	struct check c = { .blob = blob, .n = n, .policy = policy };
	int r = validate(&c);

	if (r) {
		if (reterr)
			*reterr = c.first;
		return r;
	}
	if (ret_layout)
		*ret_layout = c.md.layout;
	return 0;
}

int fl_epmd_parse(const void *blob, size_t n, const struct fl_epmd_policy *policy,
		  struct fl_epmd *ret, struct fl_epmd_finding *reterr)
{
	struct check c = { .blob = blob, .n = n, .policy = policy };
	int r = parse(&c);

	if (r) {
		if (reterr)
			*reterr = c.first;
		return r;
	}
	*ret = c.md;
	return 0;
}

int fl_epmd_examine(const void *blob, size_t n, const struct fl_epmd_policy *policy,
		    fl_epmd_finding_fn fn, void *ctx, struct fl_epmd *ret)
{
	struct check c = { .blob = blob, .n = n, .policy = policy, .fn = fn, .ctx = ctx };
	int r = parse(&c);

	*ret = c.md;
	return r;
}

/*
 * The driver as posted clamps the engine's counts to 8 before it compares, so that an engine that
 * answers all ones (15 and 15) passes for one of 8 and 8.
 */
int fl_epmd_check_engine(const struct fl_epmd *md, uint32_t ctrl, bool seed_compat,
			 struct fl_epmd_finding *reterr)
{
	uint32_t hw[] = { ctrl & 0xf, (ctrl >> 16) & 0xf };
	enum fl_epdma_reason why = FL_EPDMA_HW_CHANS;
	bool ok = true;

	if (md->map == FL_EPDMA_NATIVE)
		return 0;
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		if (seed_compat)
			hw[dir] = FL_MIN(hw[dir], (uint32_t)FL_EPDMA_MAX_CHANS);
		ok = ok && (!md->n[dir] || md->n[dir] == hw[dir]);
	}
	if (!seed_compat && ctrl == UINT32_MAX) {
		why = FL_EPDMA_HW_GONE;
		ok = false;
	}
	if (ok)
		return 0;
	if (reterr)
		*reterr = (struct fl_epmd_finding){ .kind = &fl_epdma_reasons[why], .chan = -1,
						    .field = "CTRL", .offset = 0x008,
						    .value = ctrl };
	return -fl_epdma_reasons[why].err;
}

/* ---- writing ---- */

struct value {
	enum fl_epmd_field f;
	uint64_t v;
};

static int put_all(uint8_t *buf, size_t base, const struct value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!fl_epmd_fits(v[i].f, v[i].v))
			return -EOVERFLOW;
		fl_epmd_put(buf, base, v[i].f, v[i].v);
	}
	return 0;
}

static int put_header(uint8_t *buf, const struct fl_epmd *md, size_t len, unsigned int entry_size)
{
	const struct value v[] = {
		{ FL_MD_MAGIC, FL_EPMD_MAGIC },
		{ FL_MD_REV, FL_EPMD_REVISION },
		{ FL_MD_LEN, len },
		{ FL_MD_REG_BAR, md->reg.bar },
		{ FL_MD_WR_CH_COUNT, md->n[FL_EPDMA_WRITE] },
		{ FL_MD_RD_CH_COUNT, md->n[FL_EPDMA_READ] },
		{ FL_MD_CH_ENTRY_SIZE, entry_size },
		{ FL_MD_READY, md->ready },
		{ FL_MD_REG_OFF, md->reg.offset },
		{ FL_MD_REG_LAYOUT_ID, md->reg_layout },
		{ FL_MD_REG_LAYOUT_DATA, md->map },
		{ FL_MD_REG_SIZE, md->reg.size },
		{ md->layout == FL_EPMD_B ? FL_MD_HOST_CTRL_REQ : FL_MD_HOST_REQ, md->host_req },
	};

	return put_all(buf, 0, v, FL_ARRAY_SIZE(v));
}

static int put_chan(uint8_t *buf, size_t base, const struct fl_epmd_chan *ch)
{
	const struct value v[] = {
		{ FL_MD_CH_HW_CH, ch->hw_ch },
		{ FL_MD_CH_DESC_BAR, ch->desc.bar },
		{ FL_MD_CH_DESC_OFF, ch->desc.offset },
		{ FL_MD_CH_DESC_SIZE, ch->desc.size },
		{ FL_MD_CH_DESC_ADDR, ch->desc.addr },
		{ FL_MD_CH_AUX_VALID, ch->aux_valid },
		{ FL_MD_CH_AUX_BAR, ch->aux_valid ? ch->aux.bar : 0 },
		{ FL_MD_CH_AUX_OFF, ch->aux_valid ? ch->aux.offset : 0 },
		{ FL_MD_CH_AUX_SIZE, ch->aux_valid ? ch->aux.size : 0 },
		{ FL_MD_CH_AUX_ADDR, ch->aux_valid ? ch->aux.addr : 0 },
	};

	return put_all(buf, base, v, FL_ARRAY_SIZE(v));
}

int fl_epmd_build(const struct fl_epmd *md, void *buf, size_t cap, size_t *ret_len)
{
	unsigned int entry_size = md->entry_size ? md->entry_size : FL_EPMD_ENTRY_LEN;
	size_t base = fl_epmd_hdr_len(md->layout), len;
	int r;

	if (md->layout != FL_EPMD_A && md->layout != FL_EPMD_B)
		return -EINVAL;
	if (md->n[FL_EPDMA_WRITE] > FL_EPDMA_MAX_CHANS || md->n[FL_EPDMA_READ] > FL_EPDMA_MAX_CHANS)
		return -EOVERFLOW;
	if (entry_size < FL_EPMD_ENTRY_LEN || entry_size % sizeof(uint32_t))
		return -EINVAL;
	len = base + (size_t)entry_size * (md->n[FL_EPDMA_WRITE] + md->n[FL_EPDMA_READ]);
	if (len > cap)
		return -ENOSPC;

	memset(buf, 0, len);
	r = put_header(buf, md, len, entry_size);
	for (unsigned int dir = 0; !r && dir < _FL_EPDMA_DIR_MAX; dir++)
		for (unsigned int i = 0; !r && i < md->n[dir]; i++, base += entry_size)
			r = put_chan(buf, base, &md->chan[dir][i]);
	if (r)
		return r;
	*ret_len = len;
	return 0;
}
