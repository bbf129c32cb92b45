/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe events of tracefs as a tree: dynamic_events, kprobe_events, uprobe_events, error_log,
 * README and events/GROUP/EVENT/format, in the dialect that was chosen. Definitions are checked and
 * kept, nothing is attached: what a kernel with the series would answer can so be seen, scripted and
 * tested on any machine.
 *
 * Threads: as the tree (vfs/node.h).
 */
#ifndef PROBE_TRACEFS_TRACEFS_H
#define PROBE_TRACEFS_TRACEFS_H

#include "base/buf.h"
#include "probe/lang/check.h"
#include "vfs/node.h"

/* Entries that error_log keeps (TRACING_LOG_ERRS_MAX). */
#define FL_TRACEFS_LOG_MAX 8

/* Bytes of one line, its newline included, that a write takes. */
#define FL_TRACEFS_LINE_MAX 4095

struct fl_tracefs_opts {
	enum fl_dialect dialect;
	bool dump; /* listings show each argument's fetch program, as kernels built for that do */
};

/*
 * The directory that stands for /sys/kernel/tracing. @target is borrowed and must outlive it.
 * The result has one reference; NULL when out of memory.
 */
struct fl_node *fl_tracefs_new(struct fl_target *target, const struct fl_tracefs_opts *opts);

/*
 * Where the kernel's own tracefs is mounted only after the tree was made: adds what that alone can tell, its list of
 * functions. It can be called at any time, and again. 0 or -ENOMEM.
 */
int fl_tracefs_reached(struct fl_node *root);

/*
 * Now and then, a few times in the time that it takes events to fill their rings: takes in what was traced. What
 * triggers switch is switched no later than that.
 */
void fl_tracefs_tick(struct fl_node *root);

/* The lines of README about probe events, as a kernel of that dialect has them. */
void fl_tracefs_readme(enum fl_dialect dialect, struct fl_buf *out);

#endif
