/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print-fmts DIR: of the formats DIR/SYSTEM/EVENT/format those whose print fmt cannot be said. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "probe/printfmt/printfmt.h"
#include "probe/output/printer.h"
#include <ftw.h>

static size_t nr, nr_failed;

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	_cleanup_arena_ struct fl_arena arena = {};
	_cleanup_file_ struct fl_file file = {};
	struct fl_printfmt *text;
	struct fl_format format;

	if (type != FTW_F || !fl_str_is(fl_str(path + ftw->base), "format") || fl_file_open(path, 1 << 20, &file) < 0)
		return 0;
	nr++;
	if (fl_format_parse(FL_STR("x"), fl_file_str(&file), &arena, NULL, &format) < 0) {
		printf("no format: %s\n", path);
	} else if (!fl_event_is_probe(&format) && fl_printfmt_parse(&format, FL_ABI_OWN, &arena, &text) < 0) {
		printf("%.*s: %.*s\n", FL_STR_ARG(format.name), FL_STR_ARG(format.print_fmt));
		nr_failed++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2 || nftw(argv[1], on_file, 32, FTW_PHYS) < 0)
		return 2;
	printf("%zu events, %zu cannot be said\n", nr, nr_failed);
	return 0;
}
