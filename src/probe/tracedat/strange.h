/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file is that is no recording, and what reads it. */
#ifndef PROBE_TRACEDAT_STRANGE_H
#define PROBE_TRACEDAT_STRANGE_H

#include "base/str.h"

/** fl_strange_file() - words such as "perf's recording, which 'perf script' reads"; NULL: nothing known */
const char *fl_strange_file(struct fl_str data);

#endif
