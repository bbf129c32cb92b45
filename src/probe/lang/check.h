/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Definition text in, checked event or the kernel's own diagnostic out. Pure: asks the target for
 * facts and touches no file.
 */
#ifndef PROBE_LANG_CHECK_H
#define PROBE_LANG_CHECK_H

#include "base/arena.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/lang/command.h"
#include "probe/lang/dialect.h"
#include "probe/event/event.h"

struct fl_target;
struct fl_event_list;

/* The control file that a definition is written to. */
enum fl_probe_file {
	FL_FILE_DYNAMIC_EVENTS,
	FL_FILE_KPROBE_EVENTS,
	FL_FILE_UPROBE_EVENTS,
	_FL_FILE_MAX,
};

extern const char *const fl_probe_file_names[_FL_FILE_MAX];

/* -EINVAL: not the name of such a file. */
int fl_probe_file_parse(const char *name, enum fl_probe_file *ret);

/**
 * struct fl_probe_verdict - why a definition was refused
 * @no_help: set by the caller: the next step is not wanted, and not looked for
 * @errno_value: what write(2) fails with, positive
 * @entries, @nr_entries: what the kernel would log, oldest first; nothing where it is silent
 * @diag: the last entry as a finding in the definition, with the next step where there is one;
 *	kind NULL where there is no entry. @diag.column is the kernel's, in that entry's command.
 * @arena: owns the text of all of it
 *
 * Zero-initialise to start; fl_probe_verdict_fini() releases, and makes it zero again.
 */
struct fl_probe_verdict {
	bool no_help;
	int errno_value;
	struct fl_log_entry *entries;
	size_t nr_entries;
	struct fl_diag diag;
	struct fl_arena arena;
};

void fl_probe_verdict_fini(struct fl_probe_verdict *v);
#define _cleanup_verdict_ __attribute__((cleanup(fl_probe_verdict_fini)))

/**
 * fl_probe_check() - check one definition against an empty event list
 * @target: facts
 * @dialect: rules
 * @file: control file it is for
 * @def: text of one line
 * @ret: the event, freed with fl_probe_event_free(); NULL for a comment or an empty line
 * @verdict: what was wrong; may be NULL
 *
 * Return: 0, or the negative errno of the kernel's write(2), or -ENOMEM.
 */
int fl_probe_check(struct fl_target *target, enum fl_dialect dialect, enum fl_probe_file file,
		   struct fl_str def, struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

/*
 * The same in the control file dynamic_events, with what only a trace of ours takes: the type "path",
 * the whole path of a struct file, path or dentry.
 */
int fl_probe_check_trace(struct fl_target *target, enum fl_dialect dialect, struct fl_str def,
			 struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

/* The same beside the events of @list. */
int fl_probe_check_in(struct fl_target *target, enum fl_dialect dialect, enum fl_probe_file file,
		      struct fl_str def, const struct fl_event_list *list,
		      struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

#endif
