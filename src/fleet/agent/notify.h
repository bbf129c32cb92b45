/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service manager is told by the datagrams of sd_notify(3), where it has asked for them. */
#ifndef FLEET_AGENT_NOTIFY_H
#define FLEET_AGENT_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STATUS=...": nothing happens where nobody asked. 0 or -errno. */
int fl_notify(const char *state);

/* How often "WATCHDOG=1" is expected at least, halved; 0: it is not. */
uint64_t fl_notify_watchdog_ns(void);

#endif
