/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/event/event.h"

#include <stdlib.h>

const struct fl_fetch_type fl_fetch_types[] = {
#define FETCH_TYPE(n, bytes, sign, how, flag)                                                      \
	{ .name = #n, .size = bytes, .is_signed = sign, .print = FL_PRINT_##how, .flags = flag },
#include "probe/event/types.def"
};
const size_t fl_nr_fetch_types = FL_ARRAY_SIZE(fl_fetch_types);

void fl_probe_event_free(struct fl_probe_event *e)
{
	struct fl_arena arena;

	if (!e)
		return;
	arena = e->arena; /* which the event lies in */
	fl_arena_fini(&arena);
}

const char *fl_probe_kind_name(enum fl_probe_kind kind)
{
	static const char *const names[] = {
		[FL_PROBE_KPROBE] = "kprobe", [FL_PROBE_FPROBE] = "fprobe",
		[FL_PROBE_TPROBE] = "tprobe", [FL_PROBE_EPROBE] = "eprobe",
		[FL_PROBE_UPROBE] = "uprobe", [FL_PROBE_SYNTH] = "synth",
		[FL_PROBE_SAMPLE] = "sample",
	};
	_Static_assert(FL_ARRAY_SIZE(names) == _FL_PROBE_KIND_MAX, "a name for each kind");

	return names[kind];
}
