/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a recording as they are written, little endian: what headers and sections are made of. */
#ifndef PROBE_TRACEDAT_SECTION_WRITER_H
#define PROBE_TRACEDAT_SECTION_WRITER_H

#include "base/buf.h"
#include "probe/tracedat/datfile.h"

void fl_dat_put_number(struct fl_buf *out, uint64_t v, size_t size);
/* @text with its length in front. */
void fl_dat_put_sized(struct fl_buf *out, struct fl_str text, size_t bytes_of_length);
void fl_dat_put_start(struct fl_buf *out, unsigned int version);
void fl_dat_put_ring_formats(struct fl_buf *out);
/* Those of ftrace's own, and all others by their systems. */
void fl_dat_put_ftrace_formats(struct fl_buf *out, const struct fl_dat_format *f, size_t n);
void fl_dat_put_event_formats(struct fl_buf *out, const struct fl_dat_format *f, size_t n);
void fl_dat_put_option(struct fl_buf *out, uint16_t id, struct fl_str data);
/* A section whole; @packing none leaves it as it is. */
int fl_dat_put_section(struct fl_buf *out, uint16_t id, struct fl_str content, enum fl_packing packing);

#endif
