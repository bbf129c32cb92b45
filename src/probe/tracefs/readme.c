/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracefs/tracefs.h"

#define STOCK  (1u << 0) /* a kernel without the series */
#define SERIES (1u << 1)
#define ALL    (STOCK | SERIES)

static const struct {
	unsigned int dialects;
	const char *text;
} lines[] = {
#define README(dialects_, text_) { dialects_, text_ },
#include "probe/tracefs/readme.def"
#undef README
};

void fl_tracefs_readme(enum fl_dialect dialect, struct fl_buf *out)
{
	unsigned int want = fl_dialects[dialect].has_casts ? SERIES : STOCK;

	for (size_t i = 0; i < FL_ARRAY_SIZE(lines); i++)
		if (lines[i].dialects & want)
			fl_buf_addf(out, "%s\n", lines[i].text);
}
