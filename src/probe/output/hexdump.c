/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/hexdump.h"

#include <string.h>

#include "base/num.h"
#include "base/util.h"

#define ROW 16

static void add_row(struct fl_str row, size_t at, struct fl_buf *out)
{
	fl_buf_addf(out, "\t%04zx ", at);
	for (size_t i = 0; i < ROW; i++) {
		fl_buf_addz(out, i == ROW / 2 ? "  " : " ");
		if (i < row.n)
			fl_buf_addf(out, "%02x", (uint8_t)row.p[i]);
		else
			fl_buf_addz(out, "  ");
	}
	fl_buf_addz(out, "  |");
	for (size_t i = 0; i < row.n; i++)
		fl_buf_addc(out, row.p[i] >= ' ' && row.p[i] <= '~' ? row.p[i] : '.');
	fl_buf_addz(out, "|\n");
}

void fl_hexdump(struct fl_str bytes, struct fl_buf *out)
{
	struct fl_str before = {};
	bool starred = false;

	for (size_t at = 0; at < bytes.n; at += ROW) {
		struct fl_str row = fl_str_sub(bytes, at, FL_MIN((size_t)ROW, bytes.n - at));
		bool again = at + ROW < bytes.n && before.n && memcmp(row.p, before.p, ROW) == 0;

		if (!again)
			add_row(row, at, out);
		else if (!starred)
			fl_buf_addz(out, "\t*\n");
		starred = again;
		before = row;
	}
}
