/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of the two versions share. */
#ifndef PROBE_TRACEDAT_DATFILE_PRIVATE_H
#define PROBE_TRACEDAT_DATFILE_PRIVATE_H

#include "probe/tracedat/datfile.h"

/* A forward reader that knows the file's byte order. */
struct fl_dat_reader {
	struct fl_reader r;
	struct fl_abi abi;
};

struct fl_dat_reader fl_dat_reader(const struct fl_datfile *d, struct fl_str part);
uint64_t fl_dat_number(struct fl_dat_reader *r, unsigned int size);
struct fl_str fl_dat_take(struct fl_dat_reader *r, uint64_t n);
struct fl_str fl_dat_take_z(struct fl_dat_reader *r); /* a text that ends in NUL */

/* The parts that both versions have, in a header or in a section of their own. */
int fl_dat_ring_formats(struct fl_datfile *d, struct fl_dat_reader *r);
int fl_dat_ftrace_formats(struct fl_datfile *d, struct fl_dat_reader *r);
int fl_dat_event_formats(struct fl_datfile *d, struct fl_dat_reader *r);

int fl_dat_add_option(struct fl_datfile *d, uint16_t id, struct fl_str data);
struct fl_dat_buffer *fl_dat_add_buffer(struct fl_datfile *d);

/* A stream whose bytes the file does not have to its end is cut there, and that is a finding. */
void fl_dat_check_stream(struct fl_datfile *d, const struct fl_dat_buffer *b, struct fl_dat_stream *s);

/* Version 7, behind the page size. */
int fl_dat_read_sections(struct fl_datfile *d, struct fl_dat_reader *r);
/* What the options at @offset of the file and those behind them lead to, in a file whose start is known. */
int fl_dat_read_more(struct fl_datfile *d, uint64_t offset);

#define FL_DAT_MAX_CPUS 65536

#endif
