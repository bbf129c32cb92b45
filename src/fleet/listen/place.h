/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ADDR:PORT as a socket's address, both ways. Numbers only: who binds does not ask a name server where. */
#ifndef FLEET_LISTEN_PLACE_H
#define FLEET_LISTEN_PLACE_H

#include <sys/socket.h>

#include "base/buf.h"

/* 0 or -EINVAL. */
int fl_place_parse(struct fl_str s, struct sockaddr_storage *ret, socklen_t *ret_len);
void fl_place_print(const struct sockaddr_storage *a, struct fl_buf *out);

#endif
