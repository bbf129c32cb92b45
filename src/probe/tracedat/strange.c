/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/strange.h"

#include "base/util.h"

/* How files begin that one may take for a recording. */
static const struct {
	struct fl_str start;
	const char *what;
} starts[] = {
	{ FL_STR("PERFILE2"), "it is perf's, which 'perf script' reads" },
	{ FL_STR("\x7f" "ELF"), "it is a program; 'foreland trace -o FILE.dat' records, 'foreland probe list' lists" },
	{ FL_STR("allocinfo - version:"), "it is allocation tags: 'foreland alloc show --input FILE'" },
	{ FL_STR("{\"type\":\"schema\",\"command\":\"trace\""), "it is what 'trace --json' printed, and text already" },
	{ FL_STR("{"), "it is JSON, and text already" },
	{ FL_STR("# tracer:"), "it is what tracefs's 'trace' printed, and text already" },
	{ FL_STR("\x9f\xeb"), "it is a kernel's types: 'foreland probe list types --btf FILE'" },
	{ FL_STR("\x0a"), "it is no recording, but may be Perfetto's, which ui.perfetto.dev shows" },
	{ FL_STR("\x28\xb5\x2f\xfd"), "it is compressed: 'zstd -d' first" },
	{ FL_STR("\x1f\x8b"), "it is compressed: 'gzip -d' first" },
	{ FL_STR("From "), "it is a mail: 'foreland docs check --patch FILE'" },
	{ FL_STR("diff "), "it is a patch: 'foreland docs check --patch FILE'" },
};

static bool is_text(struct fl_str data)
{
	for (size_t i = 0; i < FL_MIN(data.n, (size_t)512); i++)
		if ((unsigned char)data.p[i] < ' ' && data.p[i] != '\n' && data.p[i] != '\t' && data.p[i] != '\r')
			return false;
	return true;
}

const char *fl_strange_file(struct fl_str data)
{
	if (!data.n)
		return "it is empty";
	for (size_t i = 0; i < FL_ARRAY_SIZE(starts); i++)
		if (fl_str_eq(fl_str_sub(data, 0, starts[i].start.n), starts[i].start))
			return starts[i].what;
	if (is_text(data))
		return "it is text; definitions in a file are 'foreland trace --file FILE'";
	return NULL;
}
