/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that serves an endpoint at a socket, while somebody else configures it: it begins when a function
 * is bound and started, and has ended before the function goes. Whoever touches controller or function
 * meanwhile holds the device's lock.
 */
#ifndef EPDMA_WIRE_SERVING_H
#define EPDMA_WIRE_SERVING_H

#include "base/cleanup.h"
#include "epdma/wire/vfu-server.h"

struct fl_serving;

/* @device, @path and @events are borrowed. What a socket at @path would be refused for, or -ENOMEM. */
int fl_serving_new(struct fl_device *device, const char *path, const struct fl_vfu_events *events,
		   struct fl_serving **ret);
void fl_serving_free(struct fl_serving *s); /* NULL is allowed */

/* @f is bound to the device's controller, which is started. Nothing where it is being served. */
int fl_serving_start(struct fl_serving *s, struct fl_epf *f);
/* With the device's lock held, which is given up meanwhile. */
void fl_serving_stop_locked(struct fl_serving *s);

#endif
