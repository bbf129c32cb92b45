/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text table for people: columns as wide as their widest cell, numbers to the right, two blanks
 * between, nothing behind the last. One description of the columns serves the table, the JSON keys
 * and --help.
 *
 *	struct fl_table t;
 *	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
 *	fl_table_cellf(&t, "%u", 42);		... one call a column, row after row
 *	fl_table_print(&t, &out);		appends heading and rows to a buffer
 *	fl_table_fini(&t);
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/buf.h"

struct fl_column {
	const char *name; /* heading */
	bool right;	  /* align to the right: numbers */
};

struct fl_table {
	const struct fl_column *columns;
	size_t nr_columns;
	bool no_heading;
	struct fl_buf text; /* the cells' bytes, each ended by NUL */
	size_t nr_cells;
	size_t widths[16];
};

#define FL_TABLE_MAX_COLUMNS 16

void fl_table_init(struct fl_table *t, const struct fl_column *columns, size_t n);
void fl_table_fini(struct fl_table *t);
#define _cleanup_table_ _cleanup_(fl_table_fini)

void fl_table_cell(struct fl_table *t, struct fl_str s);
void fl_table_cell_buf(struct fl_table *t, const struct fl_buf *b);
void fl_table_cellf(struct fl_table *t, const char *fmt, ...) FL_PRINTF(2, 3);
/* 0 or -ENOMEM (some cell was lost on the way). */
int fl_table_print(struct fl_table *t, struct fl_buf *out);

#endif
