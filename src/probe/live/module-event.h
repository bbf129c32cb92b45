/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kprobe on a module's symbol as an event of the kernel's own tracefs, which a BPF program is put on.
 * The kernel waits for a module that is not loaded, and puts the probe back before the module's first
 * function runs each time it comes; a probe of a perf event alone dies with the module.
 */
#ifndef PROBE_LIVE_MODULE_EVENT_H
#define PROBE_LIVE_MODULE_EVENT_H

#include <stdint.h>

#include "base/buf.h"
#include "probe/event/event.h"
#include "probe/target/target.h"

/*
 * Makes the event, of the function's return or not, and gives its number for perf_event_open(), and its name,
 * for fl_module_event_remove(), in @name. -errno of the kernel's refusal, -ENOENT without tracefs.
 */
int fl_module_event_make(struct fl_target *t, const struct fl_probe_event *e, bool is_return,
			 struct fl_buf *name, uint64_t *ret_id);
/* Its program must have been taken off. */
void fl_module_event_remove(struct fl_str name);

#endif
