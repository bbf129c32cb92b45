/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --listen of the commands that have it. */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H

#include "fleet/listen/listen.h"

#define CLI_LISTEN_HELP "serve metrics by HTTP, in OpenMetrics' text, at /metrics"

/* What is wrong is said, and so is the place where it listens. 0 or an exit status. */
int fl_listen_begin(const char *where, fl_listen_fn fn, void *ctx, struct fl_listen **ret);

#endif
