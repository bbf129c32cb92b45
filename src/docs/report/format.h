/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms in which findings are printed: one row each, in format.c. */
#ifndef DOCS_REPORT_FORMAT_H
#define DOCS_REPORT_FORMAT_H

#include "base/buf.h"
#include "docs/finding/sink.h"

/* What is printed, and how far. */
struct docs_printed {
	bool marks;		    /* new findings are told from known ones */
	size_t n;		    /* findings so far */
	size_t count[_FL_LEVEL_MAX]; /* of all, by level */
	const char *file;	    /* of the last one */
	struct fl_buf details;	    /* for forms that tell all at the end */
};

struct docs_format {
	const char *name;
	void (*begin)(struct docs_printed *p, struct fl_buf *out);
	void (*finding)(struct docs_printed *p, const struct docs_finding *f, struct fl_buf *out);
	void (*end)(struct docs_printed *p, struct fl_buf *out);
	bool talks; /* a summary on standard error belongs to it */
};

#define DOCS_FORMAT_NAMES "text|json|sarif|github|gitlab|junit|checkstyle|b4|b4-review"

/* NULL where there is none of that name. */
const struct docs_format *docs_format_find(const char *name);

#endif
