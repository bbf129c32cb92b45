/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/views/render.h"

#include <inttypes.h>

#include "alloc/tags/line.h"
#include "alloc/views/stacks.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/num.h"
#include "base/table.h"
#include "base/utf8.h"
#include "base/util.h"

void fl_alloc_add_bytes(struct fl_buf *out, int64_t bytes, bool raw)
{
	if (raw)
		fl_buf_add_s64(out, bytes);
	else
		fl_buf_add_human(out, bytes);
}

static void add_place(struct fl_buf *out, const struct fl_alloc_record *r)
{
	if (!r->file.n) {
		fl_buf_addc(out, '?');
		return;
	}
	fl_escape(out, r->file);
	if (r->line) {
		fl_buf_addc(out, ':');
		fl_buf_add_u64(out, r->line);
	}
}

/* The buffer's text as a cell, and the buffer ready for the next one. */
static void end_cell(struct fl_alloc_cells *c)
{
	fl_table_cell_buf(&c->table, &c->text);
	fl_buf_reset(&c->text);
}

void fl_alloc_cells_fini(struct fl_alloc_cells *c)
{
	fl_table_fini(&c->table);
	fl_buf_fini(&c->text);
}

void fl_alloc_cell_bytes(struct fl_alloc_cells *c, int64_t bytes)
{
	fl_alloc_add_bytes(&c->text, bytes, c->raw);
	end_cell(c);
}

void fl_alloc_cell_live(struct fl_alloc_cells *c, const struct fl_alloc_record *r)
{
	fl_alloc_cell_bytes(c, r->bytes);
	fl_buf_add_u64(&c->text, r->calls);
	end_cell(c);
}

void fl_alloc_cell_tag(struct fl_alloc_cells *c, const struct fl_alloc_record *r)
{
	add_place(&c->text, r);
	end_cell(c);
	fl_buf_add_str(&c->text, r->module);
	end_cell(c);
	fl_buf_add_str(&c->text, r->function);
	if (c->pids && r->more)
		fl_buf_addf(&c->text, " pid:%d", (int)r->more->pid);
	if (r->accurate == FL_ACCURATE_NO)
		fl_buf_addz(&c->text, " accurate:no");
	if (r->more && r->more->has_peak)
		fl_buf_addf(&c->text, " peak:%" PRId64, r->more->peak_bytes);
	if (r->extra.n) {
		fl_buf_addc(&c->text, ' ');
		fl_buf_add_str(&c->text, r->extra);
	}
	end_cell(c);
}

int fl_alloc_render_table(const struct fl_alloc_set *set, bool raw, bool pids, struct fl_buf *out)
{
	static const struct fl_column columns[] = {
		{ "BYTES", true }, { "CALLS", true }, { "AVG", true },
		{ "PLACE" },	   { "MODULE" },      { "FUNCTION" },
	};
	_cleanup_(fl_alloc_cells_fini) struct fl_alloc_cells c = { .raw = raw, .pids = pids };

	fl_table_init(&c.table, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; i < set->n; i++) {
		const struct fl_alloc_record *r = &set->v[i];

		fl_alloc_cell_live(&c, r);
		fl_alloc_cell_bytes(&c, fl_alloc_average(r->bytes, r->calls));
		fl_alloc_cell_tag(&c, r);
	}
	return fl_table_print(&c.table, out);
}

static void stack_line(const struct fl_alloc_frame *f, struct fl_buf *name, struct fl_buf *out)
{
	fl_buf_reset(name);
	fl_alloc_frame_name(f, name);
	fl_buf_addz(out, "    ");
	fl_escape(out, fl_buf_str(name));
	if (f->line) {
		fl_buf_addz(out, "  ");
		fl_escape(out, f->file);
		fl_buf_addf(out, ":%" PRIu64, f->line);
	} else if (f->function.n && f->module.n) {
		fl_buf_addz(out, "  ");
		fl_escape(out, f->module);
		fl_buf_addf(out, "+0x%" PRIx64, f->offset);
	}
	fl_buf_addz(out, f->inlined ? "  (inlined)\n" : "\n");
}

void fl_alloc_render_stacks(const struct fl_alloc_set *set, bool raw, bool pids, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	for (size_t i = 0; i < set->n; i++) {
		const struct fl_alloc_record *r = &set->v[i];

		if (!r->more || !r->more->nr_stack)
			continue;
		fl_buf_addc(out, '\n');
		fl_alloc_add_bytes(out, r->bytes, raw);
		fl_buf_addf(out, " in %" PRIu64 " calls", r->calls);
		if (pids)
			fl_buf_addf(out, " of process %d", (int)r->more->pid);
		fl_buf_addz(out, " from\n");
		for (uint32_t k = 0; k < r->more->nr_stack; k++)
			stack_line(&r->more->stack[k], &name, out);
	}
}

static void cell_growth(struct fl_alloc_cells *c, int64_t v, bool raw)
{
	if (v > 0)
		fl_buf_addc(&c->text, '+');
	fl_alloc_add_bytes(&c->text, v, raw);
	end_cell(c);
}

static const char *change_note(const struct fl_alloc_change *c)
{
	if (!c->before)
		return "new";
	if (!c->after)
		return "gone";
	return fl_alloc_change_moved(c) ? "moved" : "";
}

int fl_alloc_render_changes(const struct fl_alloc_change *v, size_t n, bool raw,
			    struct fl_buf *out)
{
	static const struct fl_column columns[] = {
		{ "GROWTH", true }, { "CALLS", true }, { "BYTES", true }, { "NOTE" },
		{ "PLACE" },	    { "MODULE" },      { "FUNCTION" },
	};
	_cleanup_(fl_alloc_cells_fini) struct fl_alloc_cells c = { .raw = raw };

	fl_table_init(&c.table, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		cell_growth(&c, v[i].bytes, raw);
		cell_growth(&c, v[i].calls, true);
		fl_alloc_cell_bytes(&c, v[i].after ? v[i].after->bytes : 0);
		fl_table_cell(&c.table, fl_str(change_note(&v[i])));
		fl_alloc_cell_tag(&c, v[i].after ? v[i].after : v[i].before);
	}
	return fl_table_print(&c.table, out);
}

static void add_right(struct fl_buf *out, struct fl_buf *b, size_t width)
{
	fl_buf_fill(out, ' ', b->len < width ? width - b->len : 0);
	fl_buf_add_buf(out, b);
	fl_buf_reset(b);
}

static void tree_line(const struct fl_alloc_group *g, unsigned int level, bool raw,
		      struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf b = {};

	fl_alloc_add_bytes(&b, g->bytes, raw);
	add_right(out, &b, raw ? 14 : 8);
	fl_buf_add_u64(&b, g->calls);
	add_right(out, &b, 10);
	fl_buf_fill(out, ' ', 2 + 2 * (size_t)level);
	if (g->record) {
		add_place(out, g->record);
		fl_buf_addz(out, " func:");
		fl_escape(out, g->record->function);
	} else {
		fl_escape(out, g->name);
	}
	fl_buf_addc(out, '\n');
}

/* Depth is bounded by FL_ALLOC_CHAIN_DEPTH. */
static void tree_lines(const struct fl_alloc_group *g, unsigned int level, unsigned int depth,
		       bool raw, struct fl_buf *out)
{
	if (depth && level >= depth)
		return;
	for (const struct fl_alloc_group *c = g->children; c; c = c->next) {
		tree_line(c, level, raw, out);
		tree_lines(c, level + 1, depth, raw, out);
	}
}

void fl_alloc_render_tree(const struct fl_alloc_group *root, unsigned int depth, bool raw,
			  struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf b = {};

	fl_buf_addz(&b, "BYTES");
	add_right(out, &b, raw ? 14 : 8);
	fl_buf_addz(&b, "CALLS");
	add_right(out, &b, 10);
	fl_buf_addz(out, "  NAME\n");
	tree_lines(root, 0, depth, raw, out);
}

/* A name that ends at a blank for who reads it: its own blanks as in /proc/self/mounts. */
static void add_word(struct fl_buf *out, struct fl_str s)
{
	for (size_t at = 0; at < s.n;) {
		size_t end = fl_str_find(s, ' ', at);

		fl_escape(out, fl_str_sub(s, at, end - at));
		if (end < s.n)
			fl_buf_addz(out, "\\040");
		at = end + 1;
	}
}

static void dump_more(const struct fl_alloc_more *m, struct fl_buf *out)
{
	if (m->has_peak)
		fl_buf_addf(out, " peak:%" PRId64, m->peak_bytes);
	if (m->has_total)
		fl_buf_addf(out, " total:%" PRIu64 " total_calls:%" PRIu64, m->total_bytes,
			    m->total_calls);
	if (m->at_bytes || m->at_calls)
		fl_buf_addf(out, " at_peak:%" PRId64 " at_peak_calls:%" PRId64, m->at_bytes,
			    m->at_calls);
	for (uint32_t i = 0; i < m->nr_stack; i++) {
		const struct fl_alloc_frame *f = &m->stack[i];

		if (f->inlined)
			continue;
		fl_buf_addz(out, " from:");
		add_word(out, f->module.n ? f->module : FL_STR("?"));
		fl_buf_addf(out, "+0x%" PRIx64, f->offset);
	}
}

static void dump_line(const struct fl_alloc_record *r, struct fl_buf *out)
{
	fl_buf_addf(out, "%12" PRId64 " %8" PRIu64 " ", r->bytes, r->calls);
	if (r->file.n)
		fl_escape(out, r->file);
	else
		fl_buf_addc(out, '?');
	fl_buf_addc(out, ':');
	fl_buf_add_u64(out, r->line);
	if (r->module.n) {
		fl_buf_addz(out, " [");
		fl_escape(out, r->module);
		fl_buf_addc(out, ']');
	}
	fl_buf_addz(out, " func:");
	add_word(out, r->function.n ? r->function : FL_STR("?"));
	if (r->accurate == FL_ACCURATE_NO)
		fl_buf_addz(out, " accurate:no");
	if (r->more)
		dump_more(r->more, out);
	if (r->extra.n) {
		fl_buf_addc(out, ' ');
		fl_escape(out, r->extra);
	}
	fl_buf_addz(out, " \n");
}

void fl_alloc_render_dump(const struct fl_alloc_set *set, struct fl_buf *out)
{
	fl_buf_addz(out, FL_TAG_HEADING);
	for (size_t i = 0; i < set->n; i++)
		dump_line(&set->v[i], out);
}

static void json_known(struct fl_buf *out, const char *key, struct fl_str s)
{
	if (s.n)
		fl_json_str(out, key, s);
	else
		fl_json_null(out, key);
}

static void json_frame(const struct fl_alloc_frame *f, struct fl_buf *id, struct fl_buf *out)
{
	fl_buf_reset(id);
	fl_buf_add_hex_bytes(id, f->build_id);
	fl_json_open(out, NULL, '{');
	json_known(out, "function", f->function);
	json_known(out, "file", f->line ? f->file : (struct fl_str){});
	if (f->line)
		fl_json_u64(out, "line", f->line);
	else
		fl_json_null(out, "line");
	json_known(out, "module", f->module);
	json_known(out, "build_id", fl_buf_str(id));
	fl_json_u64(out, "offset", f->offset);
	fl_json_bool(out, "inlined", f->inlined);
	fl_json_close(out, '}');
}

static void json_more(const struct fl_alloc_more *m, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf id = {};

	if (m->has_peak)
		fl_json_s64(out, "peak_bytes", m->peak_bytes);
	if (m->has_total) {
		fl_json_u64(out, "total_bytes", m->total_bytes);
		fl_json_u64(out, "total_calls", m->total_calls);
	}
	if (m->pid)
		fl_json_s64(out, "pid", m->pid);
	if (!m->nr_stack)
		return;
	fl_json_open(out, "stack", '[');
	for (uint32_t i = 0; i < m->nr_stack; i++)
		json_frame(&m->stack[i], &id, out);
	fl_json_close(out, ']');
}

static void json_tag(const struct fl_alloc_record *r, struct fl_buf *out)
{
	json_known(out, "file", r->file);
	if (r->file.n && r->line)
		fl_json_u64(out, "line", r->line);
	else
		fl_json_null(out, "line");
	if (r->module.p || r->file.n)
		fl_json_str(out, "module", r->module);
	else
		fl_json_null(out, "module");
	json_known(out, "function", r->function);
	if (r->accurate == FL_ACCURATE_UNKNOWN)
		fl_json_null(out, "accurate");
	else
		fl_json_bool(out, "accurate", r->accurate == FL_ACCURATE_YES);
	if (r->more)
		json_more(r->more, out);
	if (r->extra.n)
		fl_json_str(out, "extra", r->extra);
}

void fl_alloc_json_members(const struct fl_alloc_record *r, struct fl_buf *out)
{
	fl_json_s64(out, "bytes", r->bytes);
	fl_json_u64(out, "calls", r->calls);
	json_tag(r, out);
}

void fl_alloc_json_row(const struct fl_alloc_record *r, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_alloc_json_members(r, out);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

void fl_alloc_json_change(const struct fl_alloc_change *c, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_s64(out, "bytes", c->after ? c->after->bytes : 0);
	fl_json_u64(out, "calls", c->after ? c->after->calls : 0);
	json_tag(c->after ? c->after : c->before, out);
	fl_json_s64(out, "bytes_growth", c->bytes);
	fl_json_s64(out, "calls_growth", c->calls);
	fl_json_strz(out, "note", *change_note(c) ? change_note(c) : NULL);
	if (fl_alloc_change_moved(c))
		fl_json_u64(out, "line_before", c->before->line);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static void json_group(const struct fl_alloc_group *g, unsigned int level, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "group");
	fl_json_str(out, "name", g->name);
	fl_json_u64(out, "depth", level);
	fl_json_s64(out, "bytes", g->bytes);
	fl_json_u64(out, "calls", g->calls);
	fl_json_u64(out, "tags", g->tags);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* Depth is bounded by FL_ALLOC_CHAIN_DEPTH. */
static void json_level(const struct fl_alloc_group *g, unsigned int level, unsigned int depth,
		       struct fl_buf *out)
{
	if (depth && level >= depth)
		return;
	for (const struct fl_alloc_group *c = g->children; c; c = c->next) {
		if (c->record)
			fl_alloc_json_row(c->record, out);
		else
			json_group(c, level, out);
		json_level(c, level + 1, depth, out);
	}
}

void fl_alloc_json_tree(const struct fl_alloc_group *root, unsigned int depth, struct fl_buf *out)
{
	json_level(root, 0, depth, out);
}

void fl_alloc_json_growth(size_t tags, int64_t bytes, int64_t calls, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "tags", tags);
	fl_json_s64(out, "bytes_growth", bytes);
	fl_json_s64(out, "calls_growth", calls);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

void fl_alloc_json_summary(const struct fl_alloc_set *set, struct fl_buf *out)
{
	uint64_t bytes = 0, calls = 0;

	for (size_t i = 0; i < set->n; i++) {
		bytes += (uint64_t)set->v[i].bytes;
		calls += set->v[i].calls;
	}
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "tags", set->n);
	fl_json_s64(out, "bytes", (int64_t)bytes);
	fl_json_u64(out, "calls", calls);
	fl_json_bool(out, "torn", set->torn);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}
