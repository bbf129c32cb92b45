/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning of the kernel's lines, up to the event's name:
 *
 *	            bash-1234    [001] .....   123.456789:
 *
 * Most of it is the same as in a line before: who and where is kept ready for some threads, and the
 * second for all.
 */
#ifndef PROBE_OUTPUT_LINEHEAD_H
#define PROBE_OUTPUT_LINEHEAD_H

#include "probe/record/layout.h"

#define FL_LINE_HEAD_ROOM 128 /* that may be written to, more than is used */
#define FL_LINE_HEAD_WHO  64  /* threads on CPUs that are kept; two may meet in a place */

struct fl_line_who {
	uint64_t comm[FL_COMM_LEN / 8];
	uint64_t context;
	uint32_t pid, cpu;
	uint8_t len; /* 0: not in use */
	bool is_plain; /* nothing of the name is to be escaped */
	char text[48];
};

struct fl_line_second {
	uint64_t start; /* ns */
	uint32_t len;	/* 0: not in use */
	char text[32];
};

/* Zero-initialise to start. */
struct fl_line_heads {
	bool is_plain; /* so is the last one that was written */
	struct fl_line_second second;
	struct fl_line_who who[FL_LINE_HEAD_WHO];
};

/* The part up to the time. @context NULL: it is the record's own. */
void fl_line_who_make(struct fl_line_who *w, uint32_t cpu, const struct fl_record *rec,
		      const struct fl_context *context);

/* That, and the time, into room for FL_LINE_HEAD_ROOM bytes; returns the place behind. */
char *fl_line_put(const struct fl_line_who *w, struct fl_line_second *s, char *p, uint64_t time);
char *fl_line_put_raw(const struct fl_line_who *w, char *p, uint64_t time);

/*
 * Writes into room for FL_LINE_HEAD_ROOM bytes; returns the place behind. @context NULL: it is the
 * record's own.
 */
char *fl_line_head(struct fl_line_heads *h, char *p, uint32_t cpu, const struct fl_record *rec,
		   const struct fl_context *context);

/* The same for a line now and then. */
char *fl_line_head_once(char *p, uint32_t cpu, const struct fl_record *rec);

#endif
