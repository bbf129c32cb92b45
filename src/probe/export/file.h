/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording turned into a file of another kind, whole. */
#ifndef PROBE_EXPORT_FILE_H
#define PROBE_EXPORT_FILE_H

#include "probe/tracedat/convert.h"
#include "probe/tracedat/findings.h"

/*
 * Reads @from and writes @fd, an empty regular file: as @form of export.h, or, where that is NULL, as a
 * .dat by @how. What @from does not have, or cannot be read of it, is added to @ret_findings, whose
 * places are @from. 0 or -errno.
 */
int fl_export_file(const char *from, const char *form, struct fl_dat_convert how, int fd,
		   struct fl_findings *ret_findings);

#endif
