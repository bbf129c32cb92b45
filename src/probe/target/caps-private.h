/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of capability probes share. A probe answers 1 (there), 0 (cannot be told from
 * here) or -errno (not there, and why), and may leave a note.
 */
#ifndef PROBE_TARGET_CAPS_PRIVATE_H
#define PROBE_TARGET_CAPS_PRIVATE_H

#include "base/util.h"
#include "probe/target/caps.h"
#include "probe/target/target.h"

typedef int (*fl_cap_fn)(struct fl_target *t, struct fl_cap_result *r);

#define C(id, ...) int fl_cap_probe_##id(struct fl_target *t, struct fl_cap_result *r);
#include "probe/target/caps.def"
#undef C

void fl_cap_note(struct fl_cap_result *r, const char *fmt, ...) FL_PRINTF(2, 3);

#endif
