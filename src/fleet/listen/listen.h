/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics over HTTP. No thread: its owner calls fl_listen_run() now and then, or when its
 * descriptor says so, and nothing in there waits for anybody.
 *
 * A peer is anybody. It gets one answer a connection and has LISTEN_PATIENCE seconds for it; more connections
 * than LISTEN_CONNECTIONS are not taken; and how often the values are worked out does not depend on how
 * often it asks.
 */
#ifndef FLEET_LISTEN_LISTEN_H
#define FLEET_LISTEN_LISTEN_H

#include "base/buf.h"
#include "metrics/metrics.h"

struct fl_listen;

/* The values now. 0 or -errno, of which the peer is told by status 500. */
typedef int (*fl_listen_fn)(void *ctx, struct fl_metrics **ret);

/**
 * fl_listen_open() - take connections at @where
 * @where: "127.0.0.1:9435", "[::1]:9435"; port 0: the kernel chooses
 * @why: what is wrong, in words
 *
 * Return: 0; -EINVAL: it is no such place; -EOPNOTSUPP, -ENOENT: libmicrohttpd was not there when this was
 * built, or is not now; -errno of the socket.
 */
int fl_listen_open(const char *where, fl_listen_fn fn, void *ctx, struct fl_listen **ret, struct fl_buf *why);
void fl_listen_close(struct fl_listen *l); /* NULL is allowed */

/* Readable when there is something to do. */
int fl_listen_fd(const struct fl_listen *l);
void fl_listen_run(struct fl_listen *l);

/* "127.0.0.1:9435", with the port that it has. */
const char *fl_listen_place(const struct fl_listen *l);

#endif
