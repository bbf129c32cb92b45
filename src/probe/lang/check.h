/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Definition text in, checked event or the kernel's own diagnostic out. Pure: asks the target for
 * facts and touches no file.
 */
#ifndef PROBE_LANG_CHECK_H
#define PROBE_LANG_CHECK_H

#include "base/buf.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/lang/event.h"

struct fl_target;

/* Whose rules apply: rows of dialects.def. */
enum fl_dialect {
	FL_DIALECT_V6,	     /* the typed probe series, v6 */
	FL_DIALECT_MAINLINE, /* its later, merged state */
	FL_DIALECT_6_12,     /* the stock 6.12 kernel, without the series */
	_FL_DIALECT_MAX,
};

/* Which control file the definition is written to. */
enum fl_probe_file {
	FL_FILE_DYNAMIC_EVENTS,
	FL_FILE_KPROBE_EVENTS,
	FL_FILE_UPROBE_EVENTS,
};

const char *fl_dialect_name(enum fl_dialect d);
int fl_dialect_parse(const char *name, enum fl_dialect *ret);

/**
 * struct fl_probe_verdict - why a definition was refused
 * @errno_value: what write(2) fails with, positive
 * @subsystem: "trace_kprobe", ... as the kernel's error_log names it; NULL: no log entry
 * @diag: code, message, caret, span, help. kind NULL where the kernel refuses without an entry.
 *	column counts in @command, span in the definition.
 * @command: the kernel's Command text (words joined by one blank)
 *
 * Zero-initialise to start; fl_probe_verdict_fini() releases.
 */
struct fl_probe_verdict {
	int errno_value;
	const char *subsystem;
	struct fl_diag diag;
	struct fl_buf command;
};

void fl_probe_verdict_fini(struct fl_probe_verdict *v);

/**
 * fl_probe_check() - check one definition against an empty event list
 * @target: facts
 * @dialect: rules
 * @file: control file it is for
 * @def: text of one line
 * @ret: the event, freed with fl_probe_event_free()
 * @verdict: what was wrong
 *
 * Return: 0, or the negative errno of the kernel's write(2), or -ENOMEM.
 */
int fl_probe_check(const struct fl_target *target, enum fl_dialect dialect, enum fl_probe_file file,
		   struct fl_str def, struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

#endif
