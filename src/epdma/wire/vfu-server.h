/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vfio-user server around an endpoint: QEMU (from 10.1 on), cloud-hypervisor, SPDK and our own host
 * bus are its clients. One client at a time; when one goes, its memory is forgotten and the next is
 * taken, while the endpoint's registers stay as they are. QEMU before 10.1 is taken at the same socket,
 * by its own protocol (mpq-server.h): the first bytes tell which it is.
 */
#ifndef EPDMA_WIRE_VFU_SERVER_H
#define EPDMA_WIRE_VFU_SERVER_H

#include <stdbool.h>

#include "epdma/wire/device.h"

/* What happened, for people; @err is 0 or a negative errno. Called from the serving thread. */
struct fl_vfu_events {
	void (*attached)(void *ctx);
	void (*detached)(void *ctx, int err);
	/* A connection was dropped that never got so far: it did not greet in time, or left half way. */
	void (*turned_away)(void *ctx, int err);
	void *ctx;
};

/*
 * Makes a listening socket at @path. A socket that nobody listens on any more is replaced; -EADDRINUSE
 * where somebody does, or where something else is there.
 */
int fl_vfu_listen(const char *path, int *ret_fd);

/* Serves one client after the other until @stop (atomic) becomes true, looked at every 100 ms. */
int fl_vfu_serve(struct fl_device *d, int listen_fd, const bool *stop,
		 const struct fl_vfu_events *events);

/* One connection to its end; @fd is closed. 0: the client left between two messages, or @stop. */
int fl_vfu_session(struct fl_device *d, int fd, const bool *stop);

#endif
