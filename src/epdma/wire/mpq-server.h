/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of QEMU's "x-pci-proxy-dev" (its multi-process protocol, in QEMU before 10.1): the
 * endpoint as a PCI device of a guest. QEMU has no way to deliver messages for it, so the MSI
 * capabilities are hidden; memory, BARs and configuration space are complete.
 */
#ifndef EPDMA_WIRE_MPQ_SERVER_H
#define EPDMA_WIRE_MPQ_SERVER_H

#include <stdbool.h>

#include "epdma/wire/device.h"

/* One connection to its end; @fd is closed. 0: the emulator left between two messages, or @stop. */
int fl_mpq_session(struct fl_device *d, int fd, const bool *stop);

#endif
