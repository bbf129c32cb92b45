/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event as the kernel's control files show it. */
#ifndef PROBE_EVENT_LISTING_H
#define PROBE_EVENT_LISTING_H

#include "probe/event/event.h"

/* The kernel's listing line, without newline: "f:fprobes/vfs_read__entry vfs_read arg1=$arg1". */
void fl_probe_event_list(const struct fl_probe_event *e, struct fl_buf *out);

/* The place as the listing shows it, without "%return". */
void fl_probe_place_print(const struct fl_probe_event *e, struct fl_buf *out);

/* "#  NAME: OP -> OP -> END" for each argument, a line each. */
void fl_probe_event_dump(const struct fl_probe_event *e, enum fl_dump_style style, struct fl_buf *out);

#endif
