/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_OUTPUT_HEXDUMP_H
#define PROBE_OUTPUT_HEXDUMP_H

#include "base/buf.h"
#include "base/str.h"

/**
 * fl_hexdump() - bytes in rows of 16, as hexdump -C shows them
 * @out: each row is appended as a line; rows that repeat the one before are one asterisk, but for the last
 */
void fl_hexdump(struct fl_str bytes, struct fl_buf *out);

#endif
