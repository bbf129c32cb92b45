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
#include "probe/lang/list.h"

struct fl_buf;
struct fl_target;

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
 * the whole path of a struct file, path or dentry, and user code by name (PATH:FUNCTION, PATH:GLOB,
 * PATH:sdt:PROVIDER:NAME).
 */
int fl_probe_check_trace(struct fl_target *target, enum fl_dialect dialect, struct fl_str def,
			 struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

/*
 * The same where a compiler has put a marked place into several functions, each with its arguments
 * elsewhere: these are events of one name. @variant is 0 at first, then what the call before has made of it,
 * until that is 0 again.
 */
int fl_probe_check_variant(struct fl_target *target, enum fl_dialect dialect, struct fl_str def,
			   size_t *variant, struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

/**
 * fl_probe_expand() - what a trace makes of a glob for tracepoints or events
 * @def: "t[:NAME] GLOB ..." or "e[:NAME] SYSTEM.GLOB ..."
 * @out: a definition a line, in the order of their names; @def itself where there is no glob
 *
 * Return: how many; -ENOENT where nothing matches, or what asking the target gave.
 */
int fl_probe_expand(struct fl_target *target, struct fl_str def, struct fl_buf *out);

/* The same beside the events of @list. */
int fl_probe_check_in(struct fl_target *target, enum fl_dialect dialect, enum fl_probe_file file,
		      struct fl_str def, const struct fl_event_list *list,
		      struct fl_probe_event **ret, struct fl_probe_verdict *verdict);

/**
 * fl_event_list_apply() - what writing one line to a control file does
 * @l: the events that there are
 * @target: facts
 * @dialect: rules
 * @file: the control file: removals there reach its own kind of events only
 * @def: text of one line: a definition, "-:[GROUP/][EVENT] ...", a comment or nothing
 * @ret: the event that was added, NULL where none was; the list's. May be NULL.
 * @verdict: why the line was refused. May be NULL.
 *
 * Return: 0 or the negative errno of write(2).
 */
int fl_event_list_apply(struct fl_event_list *l, struct fl_target *target, enum fl_dialect dialect,
			enum fl_probe_file file, struct fl_str def, struct fl_probe_event **ret,
			struct fl_probe_verdict *verdict);

#endif
