/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording written anew from another one: a journal (FILE.part, also one whose writer was killed),
 * or any file of a little-endian 64-bit machine. Everything that it holds is kept but for what cannot
 * be read, which is among its findings.
 */
#ifndef PROBE_TRACEDAT_CONVERT_H
#define PROBE_TRACEDAT_CONVERT_H

#include "probe/tracedat/datfile.h"

struct fl_dat_convert {
	unsigned int version;	 /* 6 or 7 */
	enum fl_packing packing; /* of version 7 */
};

/* @fd is an empty regular file. -EOPNOTSUPP: of another machine; or -errno. */
int fl_dat_convert(struct fl_datfile *d, struct fl_dat_convert how, int fd);

#endif
