/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host's part in the handshake with a bound function, for commands and trees that have no host. */
#ifndef EPDMA_ENDPOINT_HANDSHAKE_H
#define EPDMA_ENDPOINT_HANDSHAKE_H

#include "epdma/endpoint/epf.h"

/*
 * A host's part in a bound function's handshake, for who wants to see the result: link up, BARs
 * assigned, HOST_REQ set, and the controller run until READY. -ETIMEDOUT: it never came.
 * @clock is the one that the controller has.
 */
int fl_handshake_run(struct fl_epf *f, struct fl_clocksource_manual *clock);
/* The request and the wait alone, and its taking back. */
int fl_handshake_request(struct fl_epf *f, struct fl_clocksource_manual *clock);
void fl_handshake_withdraw(struct fl_epf *f);
/* Gives the endpoint two seconds to take READY back where nobody asks for it. */
void fl_handshake_await_fall(struct fl_epf *f, struct fl_clocksource_manual *clock);

#endif
