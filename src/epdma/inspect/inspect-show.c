// SPDX-License-Identifier: GPL-2.0-or-later
/* How a look at a device is shown: fields, pictures of BARs, JSON, configuration space. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/num.h"
#include "base/table.h"
#include "base/util.h"
#include "epdma/inspect/inspect.h"
#include "epdma/metadata/metadata.h"
#include "epdma/metadata/reason.h"
#include "epdma/regs/dw-regs.h"

static const char *const dir_names[] = { [FL_EPDMA_WRITE] = "write", [FL_EPDMA_READ] = "read" };

/* ---- walking the fields ---- */

/* One field of the block: where, what, and the first thing that is wrong with it. */
struct row {
	const struct fl_epmd_field_info *info;
	const char *name;
	enum fl_epdma_dir dir;
	int chan; /* -1: header */
	size_t offset;
	uint64_t value;
	const struct fl_diag_kind *verdict; /* NULL: nothing was found */
	bool judged;			    /* false: the checks ended before they came here */
};

typedef void (*row_fn)(void *ctx, const struct row *r);

static const struct fl_diag_kind *verdict_of(const struct fl_inspect *i, const struct row *r)
{
	for (size_t k = 0; k < i->nr_findings; k++) {
		const struct fl_epmd_finding *f = &i->findings[k];

		if (f->field && f->chan == r->chan && (r->chan < 0 || f->dir == r->dir) &&
		    f->offset == r->offset && strcmp(f->field, r->name) == 0)
			return f->kind;
	}
	return NULL;
}

static bool found(const struct fl_inspect *i, enum fl_epdma_reason from, enum fl_epdma_reason to)
{
	for (size_t k = 0; k < i->nr_findings; k++)
		if (i->findings[k].kind >= &fl_epdma_reasons[from] &&
		    i->findings[k].kind <= &fl_epdma_reasons[to])
			return true;
	return false;
}

/* What is no metadata has no right or wrong fields; tables that cannot be read have none either. */
static bool was_judged(const struct fl_inspect *i, const struct row *r)
{
	if (r->verdict)
		return true;
	if (found(i, FL_EPDMA_MD_SHORT, FL_EPDMA_MD_TRUNCATED))
		return false;
	if (r->chan < 0 && r->info->name)
		return true;
	return !found(i, FL_EPDMA_MD_CHANS, FL_EPDMA_MD_TABLES);
}

static void each_field(const struct fl_inspect *i, unsigned int where, struct row at, size_t base,
		       row_fn fn, void *ctx)
{
	for (unsigned int f = 0; f < _FL_MD_FIELD_MAX; f++) {
		const struct fl_epmd_field_info *info = &fl_epmd_fields[f];
		size_t bytes = info->hi == 63 ? 8 : 4;

		if (!(info->where & where) || !fl_range_ok(base + info->offset, bytes, i->blob_n))
			continue;
		at.info = info;
		at.name = info->name ? info->name : "RESERVED";
		at.offset = base + info->offset;
		at.value = fl_epmd_get(i->blob, base, f);
		if (!info->name && !at.value)
			continue;
		at.verdict = verdict_of(i, &at);
		at.judged = was_judged(i, &at);
		fn(ctx, &at);
	}
}

static void each_row(const struct fl_inspect *i, row_fn fn, void *ctx)
{
	unsigned int hdr = i->md.layout == FL_EPMD_B ? FL_MD_IN_B : FL_MD_IN_A;
	size_t base = fl_epmd_hdr_len(i->md.layout);
	struct row at = { .chan = -1 };

	if (!i->blob || i->blob_n < FL_EPMD_HDR_LEN_A)
		return;
	each_field(i, hdr, at, 0, fn, ctx);
	if (i->md.entry_size < FL_EPMD_ENTRY_LEN)
		return;
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (int k = 0; k < i->md.n[dir]; k++, base += i->md.entry_size) {
			at.dir = dir;
			at.chan = k;
			each_field(i, FL_MD_IN_CH, at, base, fn, ctx);
		}
	}
}

/* ---- text ---- */

static const char *meaning(const struct row *r)
{
	if (r->info == &fl_epmd_fields[FL_MD_REG_LAYOUT_DATA] && fl_dw_map_name((unsigned int)r->value))
		return fl_dw_map_name((unsigned int)r->value);
	return r->info->doc ? r->info->doc : "must be 0";
}

static void text_row(void *ctx, const struct row *r)
{
	struct fl_table *t = ctx;

	fl_table_cellf(t, "0x%04zx", r->offset);
	if (r->chan < 0)
		fl_table_cell(t, FL_STR("header"));
	else
		fl_table_cellf(t, "%s %d", dir_names[r->dir], r->chan);
	fl_table_cell(t, fl_str(r->name));
	if (r->info->hi == r->info->lo || (r->info->hi - r->info->lo < 11 && r->value < 4096))
		fl_table_cellf(t, "%llu", (unsigned long long)r->value);
	else
		fl_table_cellf(t, "0x%llx", (unsigned long long)r->value);
	fl_table_cell(t, fl_str(r->verdict ? r->verdict->code : r->judged ? "ok" : "-"));
	fl_table_cell(t, fl_str(meaning(r)));
}

static void text_fields(const struct fl_inspect *i, struct fl_buf *out)
{
	static const struct fl_column columns[] = {
		{ "OFFSET" }, { "PART" }, { "FIELD" }, { "VALUE", true }, { "VERDICT" }, { "MEANING" },
	};
	_cleanup_table_ struct fl_table t;

	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
	each_row(i, text_row, &t);
	if (!t.nr_cells)
		return;
	fl_buf_addc(out, '\n');
	out->error = fl_table_print(&t, out) ?: out->error;
}

static void text_findings(const struct fl_inspect *i, struct fl_buf *out)
{
	for (size_t k = 0; k < i->nr_findings; k++) {
		const struct fl_epmd_finding *f = &i->findings[k];

		fl_buf_addf(out, "%s: ", i->name);
		if (f->chan >= 0)
			fl_buf_addf(out, "%s channel %d: ", dir_names[f->dir], f->chan);
		if (f->field)
			fl_buf_addf(out, "%s (0x%llx) at 0x%04x: ", f->field,
				    (unsigned long long)f->value, f->offset);
		fl_buf_addf(out, "%s [%s] -%s\n", f->kind->message, f->kind->code,
			    fl_errno_name(f->kind->err));
	}
}

static void text_headline(const struct fl_inspect *i, struct fl_buf *out)
{
	fl_buf_addz(out, i->name);
	if (i->config_n >= 12)
		fl_buf_addf(out, ": %04x:%04x, class 0x%06x", fl_get_le16(i->config),
			    fl_get_le16(i->config + 2), fl_get_le32(i->config + 8) >> 8);
	if (!i->blob || i->result == -ENODEV) {
		fl_buf_addz(out, ": no endpoint DMA metadata\n");
		return;
	}
	fl_buf_addz(out, ": metadata");
	if (i->md_bar != FL_NO_BAR)
		fl_buf_addf(out, " in BAR %d", i->md_bar);
	if (i->md.layout)
		fl_buf_addf(out, ", layout %c", i->md.layout == FL_EPMD_B ? 'B' : 'A');
	if (i->result)
		fl_buf_addf(out, ", refused with %s", fl_errno_name(i->result));
	else
		fl_buf_addf(out, ", valid, %s%s", i->md.host_req ? "requested, " : "",
			    i->md.ready ? "ready" : "not ready");
	fl_buf_addc(out, '\n');
}

/* ---- pictures ---- */

#define BOX_WIDTH 44

static int by_offset(const void *a, const void *b)
{
	const struct fl_inspect_range *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static void edge(struct fl_buf *out, uint64_t offset)
{
	fl_buf_addf(out, "  0x%08llx +", (unsigned long long)offset);
	fl_buf_fill(out, '-', BOX_WIDTH + 2);
	fl_buf_addz(out, "+\n");
}

static void box(struct fl_buf *out, const char *label, uint64_t size)
{
	_cleanup_buf_ struct fl_buf human = {};
	int pad;

	fl_buf_add_human(&human, (int64_t)FL_MIN(size, (uint64_t)INT64_MAX));
	pad = BOX_WIDTH - (int)strlen(label) - (int)human.len;
	fl_buf_addf(out, "             | %s", label);
	fl_buf_fill(out, ' ', (size_t)FL_MAX(pad, 1));
	fl_buf_addf(out, "%s |\n", fl_buf_z(&human));
}

static void picture(const struct fl_inspect_bar *b, const struct fl_inspect_range *r, size_t n,
		    struct fl_buf *out)
{
	uint64_t at = 0;

	for (size_t k = 0; k < n; k++) {
		char label[BOX_WIDTH];

		if (r[k].offset > at) {
			edge(out, at);
			box(out, "-", r[k].offset - at);
		}
		edge(out, r[k].offset);
		snprintf(label, sizeof(label), "%s%s", r[k].offset < at ? "! " : "", r[k].label);
		box(out, label, r[k].size);
		if (__builtin_add_overflow(r[k].offset, r[k].size, &at))
			at = UINT64_MAX;
	}
	if (b->size == FL_EPMD_BAR_UNKNOWN || at > b->size) {
		edge(out, at);
		return;
	}
	if (at < b->size) {
		edge(out, at);
		box(out, "-", b->size - at);
	}
	edge(out, b->size);
}

static size_t ranges_of(const struct fl_inspect *i, unsigned int bar, struct fl_inspect_range *ret)
{
	size_t n = 0;

	for (size_t k = 0; k < i->nr_ranges; k++)
		if (i->ranges[k].bar == bar)
			ret[n++] = i->ranges[k];
	qsort(ret, n, sizeof(*ret), by_offset);
	return n;
}

static void bar_headline(const struct fl_inspect_bar *b, unsigned int bar, struct fl_buf *out)
{
	fl_buf_addf(out, "\nBAR %u", bar);
	if (b->size == FL_EPMD_BAR_UNKNOWN) {
		fl_buf_addz(out, ", size not known");
	} else if (b->size) {
		fl_buf_addz(out, ", ");
		fl_buf_add_human(out, (int64_t)FL_MIN(b->size, (uint64_t)INT64_MAX));
	} else {
		fl_buf_addz(out, ", which is not there");
	}
	if (b->addr)
		fl_buf_addf(out, " at 0x%llx", (unsigned long long)b->addr);
	if (b->problem[0])
		fl_buf_addf(out, " (%s)", b->problem);
	fl_buf_addc(out, '\n');
}

void fl_inspect_pictures(const struct fl_inspect *i, struct fl_buf *out)
{
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS; bar++) {
		struct fl_inspect_range r[FL_INSPECT_MAX_RANGES];
		const struct fl_inspect_bar *b = &i->bar[bar];
		size_t n = ranges_of(i, bar, r);

		if (!n && !b->mem)
			continue;
		bar_headline(b, bar, out);
		if (n)
			picture(b, r, n, out);
	}
}

void fl_inspect_text(const struct fl_inspect *i, struct fl_buf *out)
{
	text_headline(i, out);
	text_findings(i, out);
	text_fields(i, out);
	fl_inspect_pictures(i, out);
}

/* ---- JSON ---- */

/* Nothing of both where it is no channel's. */
static void json_chan(struct fl_buf *out, int chan, unsigned int dir)
{
	fl_json_strz(out, "direction", chan < 0 ? NULL : dir_names[dir]);
	if (chan < 0)
		fl_json_null(out, "channel");
	else
		fl_json_s64(out, "channel", chan);
}

static void json_row(void *ctx, const struct row *r)
{
	struct fl_buf *out = ctx;

	fl_json_open(out, NULL, '{');
	fl_json_u64(out, "offset", r->offset);
	json_chan(out, r->chan, r->dir);
	fl_json_strz(out, "field", r->name);
	fl_json_u64(out, "value", r->value);
	if (r->judged)
		fl_json_bool(out, "ok", !r->verdict);
	else
		fl_json_null(out, "ok");
	fl_json_strz(out, "reason", r->verdict ? r->verdict->code : NULL);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void json_finding(const struct fl_epmd_finding *f, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "finding");
	fl_json_strz(out, "reason", f->kind->code);
	fl_json_strz(out, "errno", fl_errno_name(f->kind->err));
	fl_json_strz(out, "message", f->kind->message);
	fl_json_strz(out, "field", f->field);
	fl_json_u64(out, "offset", f->offset);
	json_chan(out, f->chan, f->dir);
	fl_json_u64(out, "value", f->value);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void json_bar(const struct fl_inspect *i, unsigned int bar, struct fl_buf *out)
{
	struct fl_inspect_range r[FL_INSPECT_MAX_RANGES];
	const struct fl_inspect_bar *b = &i->bar[bar];
	size_t n = ranges_of(i, bar, r);

	if (!n && !b->mem)
		return;
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "bar");
	fl_json_u64(out, "bar", bar);
	if (b->size == FL_EPMD_BAR_UNKNOWN)
		fl_json_null(out, "size");
	else
		fl_json_u64(out, "size", b->size);
	fl_json_u64(out, "address", b->addr);
	fl_json_strz(out, "problem", b->problem[0] ? b->problem : NULL);
	fl_json_open(out, "ranges", '[');
	for (size_t k = 0; k < n; k++) {
		fl_json_open(out, NULL, '{');
		fl_json_u64(out, "offset", r[k].offset);
		fl_json_u64(out, "size", r[k].size);
		fl_json_strz(out, "label", r[k].label);
		fl_json_close(out, '}');
	}
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

void fl_inspect_json(const struct fl_inspect *i, struct fl_buf *out)
{
	fl_json_schema(out, "epdma inspect");
	each_row(i, json_row, out);
	for (size_t k = 0; k < i->nr_findings; k++)
		json_finding(&i->findings[k], out);
	for (unsigned int bar = 0; bar < FL_EPDMA_NR_BARS; bar++)
		json_bar(i, bar, out);
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_strz(out, "name", i->name);
	fl_json_bool(out, "ok", !i->result);
	fl_json_strz(out, "errno", i->result ? fl_errno_name(i->result) : NULL);
	fl_json_strz(out, "reason", i->nr_findings ? i->findings[0].kind->code : NULL);
	fl_json_strz(out, "layout", i->md.layout == FL_EPMD_A   ? "A"
				    : i->md.layout == FL_EPMD_B ? "B"
								: NULL);
	if (i->md_bar == FL_NO_BAR)
		fl_json_null(out, "bar");
	else
		fl_json_s64(out, "bar", i->md_bar);
	fl_json_bool(out, "host_req", i->md.host_req);
	fl_json_bool(out, "ready", i->md.ready);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* ---- configuration space ---- */

/* What lies past 256 bytes is left out where it is all zero: there are no extended capabilities. */
static size_t config_len(const struct fl_inspect *i)
{
	for (size_t off = 256; off < i->config_n; off++)
		if (i->config[off])
			return i->config_n & ~(size_t)15;
	return FL_MIN(i->config_n, (size_t)256) & ~(size_t)15;
}

int fl_inspect_config(const struct fl_inspect *i, struct fl_buf *out)
{
	const char *slot = strchr(i->name, ':') ? i->name : "00:00.0";

	if (i->config_n < 64)
		return -ENODATA;
	fl_buf_addf(out, "%s Class %04x: %04x:%04x\n", slot, fl_get_le16(i->config + 10),
		    fl_get_le16(i->config), fl_get_le16(i->config + 2));
	for (size_t off = 0; off < config_len(i); off += 16) {
		fl_buf_addf(out, "%02zx:", off);
		for (size_t k = 0; k < 16; k++)
			fl_buf_addf(out, " %02x", i->config[off + k]);
		fl_buf_addc(out, '\n');
	}
	return out->error;
}
