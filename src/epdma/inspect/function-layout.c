// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a layout consists of. "Slack" is what a piece of the window shows beside the resources that
 * it was made for: the rest of their aligned surroundings, which the host can reach as well.
 */
#include "epdma/inspect/function-layout.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/table.h"
#include "base/util.h"
#include "epdma/inspect/inspect.h"
#include "epdma/regs/dw-regs.h"

struct resource {
	char label[32];
	const struct fl_epmd_window *w;
};

#define MAX_RESOURCES (1 + _FL_EPDMA_DIR_MAX * FL_EPDMA_MAX_CHANS)

static size_t list_resources(const struct fl_epmd *md, struct resource *r)
{
	static const char *const names[] = { "write", "read" };
	size_t n = 0;

	r[n] = (struct resource){ "DMA registers", &md->reg };
	n++;
	for (unsigned int dir = 0; dir < _FL_EPDMA_DIR_MAX; dir++) {
		for (unsigned int i = 0; i < md->n[dir]; i++) {
			snprintf(r[n].label, sizeof(r[n].label), "%s channel %u", names[dir], i);
			r[n++].w = &md->chan[dir][i].desc;
		}
	}
	return n;
}

/* Bytes of [at, at + size) of the window that no resource takes; resources may share bytes. */
static uint64_t slack(const struct resource *r, size_t n, int bar, uint64_t at, uint64_t size)
{
	uint64_t end = at + size, free_bytes = 0;

	while (at < end) {
		uint64_t next = end, covered = 0;

		for (size_t i = 0; i < n; i++) {
			if (r[i].w->bar != bar)
				continue;
			if (r[i].w->offset <= at && at < r[i].w->offset + r[i].w->size)
				covered = FL_MAX(covered, r[i].w->offset + r[i].w->size);
			else if (r[i].w->offset > at)
				next = FL_MIN(next, r[i].w->offset);
		}
		if (covered) {
			at = covered;
		} else {
			free_bytes += next - at;
			at = next;
		}
	}
	return free_bytes;
}

static uint64_t resource_addr(const struct fl_epf_view *v, const struct resource *r,
			      const struct fl_epc *epc)
{
	return r->w == &v->md.reg ? fl_epc_board(epc)->regs.phys : r->w->addr;
}

static int text_resources(const struct fl_epf_view *v, const struct resource *r, size_t n,
			  const struct fl_epc *epc, struct fl_buf *out)
{
	static const struct fl_column columns[] = { { "RESOURCE" }, { "ENDPOINT", true },
						    { "SIZE", true }, { "BAR", true },
						    { "OFFSET", true } };
	_cleanup_table_ struct fl_table t;

	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		fl_table_cell(&t, fl_str(r[i].label));
		fl_table_cellf(&t, "0x%llx", (unsigned long long)resource_addr(v, &r[i], epc));
		fl_table_cellf(&t, "0x%x", r[i].w->size);
		fl_table_cellf(&t, "%u", r[i].w->bar);
		fl_table_cellf(&t, "0x%llx", (unsigned long long)r[i].w->offset);
	}
	return fl_table_print(&t, out);
}

static bool is_tail(const struct fl_epf_view *v, unsigned int i)
{
	return v->submaps->v[i].phys == v->window->phys + v->submaps->at[i];
}

static int text_submaps(const struct fl_epf_view *v, const struct resource *r, size_t n,
			struct fl_buf *out)
{
	static const struct fl_column columns[] = { { "SUBMAP", true }, { "OFFSET", true },
						    { "SIZE", true },	{ "ENDPOINT", true },
						    { "SLACK", true },	{ "NOTE" } };
	_cleanup_table_ struct fl_table t;

	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
	for (unsigned int i = 0; i < v->submaps->n; i++) {
		const struct fl_epc_submap *s = &v->submaps->v[i];
		bool tail = is_tail(v, i);

		fl_table_cellf(&t, "%u", i);
		fl_table_cellf(&t, "0x%llx", (unsigned long long)v->submaps->at[i]);
		fl_table_cellf(&t, "0x%llx", (unsigned long long)s->size);
		fl_table_cellf(&t, "0x%llx", (unsigned long long)s->phys);
		fl_table_cellf(&t, "0x%llx",
			       (unsigned long long)(tail ? 0
							 : slack(r, n, v->window_bar,
								 v->submaps->at[i], s->size)));
		fl_table_cell(&t, fl_str(tail ? "the BAR's own memory" : ""));
	}
	return fl_table_print(&t, out);
}

static void text_headline(struct fl_epf *f, const struct fl_epf_view *v, struct fl_buf *out)
{
	const struct fl_board *b = fl_epc_board(fl_epf_epc(f));

	fl_buf_addf(out, "%s: function %u, %s, %u write and %u read channels\n", b->name,
		    fl_epf_func(f), fl_dw_map_name(v->md.map), v->md.n[FL_EPDMA_WRITE],
		    v->md.n[FL_EPDMA_READ]);
	fl_buf_addf(out, "metadata in BAR %d, layout %c, %llu bytes", v->metadata_bar,
		    v->md.layout == FL_EPMD_B ? 'B' : 'A', (unsigned long long)v->metadata_len);
	if (v->window_bar == FL_NO_BAR)
		fl_buf_addz(out, "; no window needed\n\n");
	else
		fl_buf_addf(out, "; window in BAR %d\n\n", v->window_bar);
}

static int pictures(struct fl_epf *f, struct fl_buf *out)
{
	_cleanup_inspect_ struct fl_inspect i = {};
	int r = fl_inspect_epf(f, &i);

	if (r)
		return r;
	(void)fl_inspect_decode(&i, FL_EPMD_AUTO, true);
	fl_inspect_pictures(&i, out);
	return out->error;
}

int fl_function_layout_text(struct fl_epf *f, struct fl_buf *out)
{
	struct resource res[MAX_RESOURCES];
	struct fl_epf_view v;
	size_t n;
	int r = fl_epf_view(f, &v);

	if (r)
		return r;
	n = list_resources(&v.md, res);
	text_headline(f, &v, out);
	r = text_resources(&v, res, n, fl_epf_epc(f), out);
	if (!r && v.window_bar != FL_NO_BAR) {
		fl_buf_addc(out, '\n');
		r = text_submaps(&v, res, n, out);
	}
	return r ?: pictures(f, out);
}

static void line(struct fl_buf *out, const char *type)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", type);
}

static void end(struct fl_buf *out)
{
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void json_parts(const struct fl_epf_view *v, const struct resource *r, size_t n,
		       const struct fl_epc *epc, struct fl_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "resource", r[i].label);
		fl_json_u64(out, "address", resource_addr(v, &r[i], epc));
		fl_json_u64(out, "size", r[i].w->size);
		fl_json_u64(out, "bar", r[i].w->bar);
		fl_json_u64(out, "offset", r[i].w->offset);
		end(out);
	}
	for (unsigned int i = 0; i < v->submaps->n; i++) {
		line(out, "submap");
		fl_json_u64(out, "offset", v->submaps->at[i]);
		fl_json_u64(out, "size", v->submaps->v[i].size);
		fl_json_u64(out, "address", v->submaps->v[i].phys);
		fl_json_bool(out, "own_memory", is_tail(v, i));
		fl_json_u64(out, "slack",
			    is_tail(v, i) ? 0
					  : slack(r, n, v->window_bar, v->submaps->at[i],
						  v->submaps->v[i].size));
		end(out);
	}
}

static void json_bar(struct fl_buf *out, const char *key, int bar)
{
	if (bar == FL_NO_BAR)
		fl_json_null(out, key);
	else
		fl_json_s64(out, key, bar);
}

int fl_function_layout_json(struct fl_epf *f, struct fl_buf *out)
{
	struct resource res[MAX_RESOURCES];
	struct fl_epf_view v;
	int r = fl_epf_view(f, &v);

	if (r)
		return r;
	fl_json_schema(out, "epdma plan");
	json_parts(&v, res, list_resources(&v.md, res), fl_epf_epc(f), out);
	line(out, "summary");
	fl_json_bool(out, "ok", true);
	fl_json_strz(out, "board", fl_epc_board(fl_epf_epc(f))->name);
	fl_json_u64(out, "function", fl_epf_func(f));
	json_bar(out, "metadata_bar", v.metadata_bar);
	json_bar(out, "window_bar", v.window_bar);
	fl_json_u64(out, "metadata_size", v.metadata->size);
	fl_json_u64(out, "metadata_len", v.metadata_len);
	fl_json_u64(out, "window_size", v.window->size);
	fl_json_u64(out, "msix_table", v.msix_table);
	fl_json_bool(out, "requested", v.md.host_req);
	fl_json_bool(out, "ready", v.md.ready);
	end(out);
	return out->error;
}
