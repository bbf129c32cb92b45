/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording while it grows (FILE.part): version 7 of the format, in which sections may stand anywhere
 * and the last option of each section of options says where the next one is. What has come since the
 * last time is appended - pages, names, symbols, and options that say where - and only then the options
 * before are linked to it. So the file holds, at each moment and after a kill, all that was committed.
 */
#ifndef PROBE_TRACEDAT_JOURNAL_H
#define PROBE_TRACEDAT_JOURNAL_H

#include "base/buf.h"
#include "probe/tracedat/datfile.h"

struct fl_journal {
	int fd;
	uint64_t size;	  /* of the file */
	uint64_t link_at; /* where the last options say what follows them */
	struct fl_buf streams; /* CPU, place and size of each page since the last commit */
	uint32_t nr_streams;
	struct fl_str clock;
};

struct fl_journal_start {
	const struct fl_dat_format *formats;
	size_t nr_formats;
	const struct fl_dat_option *options;
	size_t nr_options;
	struct fl_str clock; /* "mono"; borrowed */
};

/* @fd is empty, for reading and writing, and stays the caller's. */
int fl_journal_open(int fd, const struct fl_journal_start *start, struct fl_journal *ret);
void fl_journal_fini(struct fl_journal *j);

int fl_journal_page(struct fl_journal *j, uint32_t cpu, struct fl_str page);

/*
 * Links what was added. @comms and @symbols are lines that are new, @users options as they are (userframes.h);
 * empty where there are none.
 */
int fl_journal_commit(struct fl_journal *j, struct fl_str comms, struct fl_str symbols, struct fl_str users,
		      const struct fl_dat_option *options, size_t nr_options);

#endif
