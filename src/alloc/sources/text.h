/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of /proc/allocinfo, versions 1.0 and 2.0: reading it, line by line and without copies.
 */
#ifndef ALLOC_SOURCES_TEXT_H
#define ALLOC_SOURCES_TEXT_H

#include "alloc/records/errors.h"
#include "alloc/records/filter.h"
#include "alloc/records/record.h"

#define FL_ALLOC_LINE_MAX 65536

/* Words behind a tag that are ours: peaks, totals, the callers behind the first. */
#define FL_ALLOC_FRAMES_MAX 64
struct fl_alloc_words {
	struct fl_alloc_more more;
	struct fl_alloc_frame frames[FL_ALLOC_FRAMES_MAX]; /* of the second caller and so on */
	unsigned int n;
	bool any;
	bool is_escaped; /* the function: it has a backslash */
};

struct fl_alloc_reader {
	struct fl_alloc_words *words; /* those of the record at hand; NULL: left in its extra */
	const struct fl_alloc_filter *sizes; /* of others record() need not be told; NULL: of all */
	/* A record; its strings point into the text. A non-zero result ends the reading. */
	int (*record)(void *ctx, const struct fl_alloc_record *r);
	/* A finding about one line; at most one a line. NULL: findings are only counted. */
	void (*finding)(void *ctx, const struct fl_diag *d);
	void *ctx;
};

struct fl_alloc_text_info {
	unsigned int major, minor; /* of the heading; 0.0 where there is none */
	size_t lines;
	size_t bad; /* lines that were left out */
};

/*
 * Reads all of @text. Lines that start with "#" and headings are accepted anywhere, so that sorted
 * and concatenated dumps can be read; a text without heading is read as 2.0. @place names the text
 * in findings. 0, or what record() returned; @ret may be NULL.
 */
int fl_alloc_text_read(struct fl_str text, const char *place, const struct fl_alloc_reader *reader,
		       struct fl_alloc_text_info *ret);

#endif
