/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as people and programs want to see them. All append to a buffer. */
#ifndef ALLOC_VIEWS_RENDER_H
#define ALLOC_VIEWS_RENDER_H

#include "alloc/views/diff.h"
#include "alloc/views/group.h"
#include "alloc/records/record.h"
#include "base/buf.h"
#include "base/table.h"

void fl_alloc_add_bytes(struct fl_buf *out, int64_t bytes, bool raw);

/* A table of tags in the making; the caller gives it its columns. */
struct fl_alloc_cells {
	struct fl_table table;
	struct fl_buf text; /* of the cell at hand */
	bool raw;	    /* plain bytes */
	bool pids;	    /* the process is told */
};

void fl_alloc_cells_fini(struct fl_alloc_cells *c);
void fl_alloc_cell_bytes(struct fl_alloc_cells *c, int64_t bytes);
/* Two cells: bytes and calls. */
void fl_alloc_cell_live(struct fl_alloc_cells *c, const struct fl_alloc_record *r);
/* Three: "mm/slub.c:12" ("?" where it is not known), the module, the function and what follows it. */
void fl_alloc_cell_tag(struct fl_alloc_cells *c, const struct fl_alloc_record *r);

/* Tables; @raw prints plain bytes, @pids whose each record is. -ENOMEM. */
int fl_alloc_render_table(const struct fl_alloc_set *set, bool raw, bool pids, struct fl_buf *out);
/* Each record with its callers beneath, for those that have some. */
void fl_alloc_render_stacks(const struct fl_alloc_set *set, bool raw, bool pids, struct fl_buf *out);
int fl_alloc_render_changes(const struct fl_alloc_change *v, size_t n, bool raw,
			    struct fl_buf *out);
/* Headings indented by their depth, @depth levels of them (0: all, and the tags). */
void fl_alloc_render_tree(const struct fl_alloc_group *root, unsigned int depth, bool raw,
			  struct fl_buf *out);

/* The kernel's text, version 2.0: what can be read again. */
void fl_alloc_render_dump(const struct fl_alloc_set *set, struct fl_buf *out);

/* JSON lines. */
/* bytes to accurate, without the braces. */
void fl_alloc_json_members(const struct fl_alloc_record *r, struct fl_buf *out);
void fl_alloc_json_row(const struct fl_alloc_record *r, struct fl_buf *out);
void fl_alloc_json_change(const struct fl_alloc_change *c, struct fl_buf *out);
void fl_alloc_json_tree(const struct fl_alloc_group *root, unsigned int depth, struct fl_buf *out);
void fl_alloc_json_growth(size_t tags, int64_t bytes, int64_t calls, struct fl_buf *out);
void fl_alloc_json_summary(const struct fl_alloc_set *set, struct fl_buf *out);

#endif
