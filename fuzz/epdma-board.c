// SPDX-License-Identifier: GPL-2.0-or-later
/* A board file. What is accepted must print, read and print alike. */
#include <assert.h>

#include "epdma/endpoint/board.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct fl_buf text = {}, again = {}, shown = {};
	struct fl_diag diag = {};
	struct fl_board a, b;

	if (fl_board_parse(fl_str_n((const char *)data, size), "fuzz", &a, &diag) == 0) {
		fl_board_print(&a, &text);
		assert(fl_board_parse(fl_buf_str(&text), "again", &b, NULL) == 0);
		fl_board_print(&b, &again);
		assert(fl_str_eq(fl_buf_str(&text), fl_buf_str(&again)));
	} else {
		assert(diag.kind);
		fl_diag_render(&diag, &shown);
	}
	fl_diag_fini(&diag);
	return 0;
}
