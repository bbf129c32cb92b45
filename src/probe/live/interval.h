/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a histogram has counted since it was last looked at. The kernel's table goes on counting and is never
 * cleared, since what a CPU adds in that moment would be gone: each look is the difference to the one before.
 */
#ifndef PROBE_LIVE_INTERVAL_H
#define PROBE_LIVE_INTERVAL_H

#include "probe/hist/table.h"

/**
 * fl_hist_since() - take off @now what was there at the last look
 * @now: becomes the difference, sorted; entries that have not changed are left out
 * @before: what the last look had, or all zero; becomes what @now was
 */
int fl_hist_since(struct fl_hist_table *now, struct fl_hist_table *before);

#endif
