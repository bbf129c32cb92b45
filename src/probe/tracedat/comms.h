/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of processes, as a recording has them: lines of saved_cmdlines, "1234 bash". */
#ifndef PROBE_TRACEDAT_COMMS_H
#define PROBE_TRACEDAT_COMMS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define FL_COMM_NEWLINE "\\x0a" /* so that a name cannot add lines to the list */

struct fl_comm {
	uint32_t pid;
	struct fl_str name;
};

struct fl_comms {
	struct fl_comm *list; /* by number */
	size_t n;
	struct fl_comm known[64]; /* one thread's records come in rows */
	struct fl_arena changed;  /* names that do not stand in the first text as they are */
};

/* Appends @name as it stands in such a line. */
void fl_comm_write(struct fl_str name, struct fl_buf *out);

/* The text is borrowed. 0 or -ENOMEM; lines that are none are passed over. */
int fl_comms_read(struct fl_comms *c, struct fl_str text);
/* More lines, whose names are the later ones; the text is copied. */
int fl_comms_add(struct fl_comms *c, struct fl_str text);
void fl_comms_fini(struct fl_comms *c);

/* The lines again, one a process: of several, other readers take any. */
void fl_comms_write(const struct fl_comms *c, struct fl_buf *out);

/* "<idle>" of 0 and "<...>" of a process without a name, as the kernel says. */
struct fl_str fl_comms_find(struct fl_comms *c, uint32_t pid);

#endif
