/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors by name, and strings as C has them. */
#ifndef PROBE_OUTPUT_WORDS_H
#define PROBE_OUTPUT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* "-ENOENT" of -2; false where @value is no error as the kernel's functions return it. */
bool fl_show_error(int64_t value, struct fl_buf *out);

/* In quotes. */
void fl_show_c_string(struct fl_buf *out, struct fl_str s);

#endif
