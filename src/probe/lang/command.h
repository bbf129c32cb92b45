/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A definition as words, and the log of what is wrong with it.
 *
 * The kernel counts carets in the Command text of its log: the words joined by one blank each, some
 * of them already replaced by what they stand for. We count the same columns, and keep for each
 * word where it stands in the definition, so that a person is shown what she wrote.
 */
#ifndef PROBE_LANG_COMMAND_H
#define PROBE_LANG_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/lang/errors.h"

struct fl_word {
	struct fl_str text;
	struct fl_span span; /* of what was written, in the definition */
	bool made;	     /* text is not what was written: $arg1 became a name, %pd a chain */
};

struct fl_words {
	struct fl_word *w;
	size_t n;
};

/* The command: what stands before "#", split at white space. -ENOMEM. */
int fl_words_split(struct fl_str def, struct fl_arena *arena, struct fl_words *ret);

/* One entry of the kernel's error_log. */
struct fl_log_entry {
	const struct fl_diag_kind *kind;
	const char *message; /* in place of the kind's; NULL: that one */
	const char *subsystem; /* "trace_kprobe" */
	struct fl_str command;
	uint32_t column;     /* of the caret, in @command */
	struct fl_span span; /* in the definition */
	uint32_t place;	     /* of the caret, in the definition */
};

#define FL_LOG_MAX 4 /* more than one definition can cause */

struct fl_log {
	struct fl_arena *arena;
	struct fl_str def;
	const char *subsystem; /* NULL: nothing is logged yet */
	struct fl_words words; /* as the Command text shows them */
	size_t index;	       /* the word that offsets count from */
	struct fl_log_entry *entries; /* in the arena, once there is one */
	size_t n;
};

/*
 * Adds an entry whose caret stands @offset bytes behind the start of the current word; @at is the
 * text to underline, a piece of the definition or empty. Returns -errno of the fault.
 */
int fl_log(struct fl_log *log, long offset, enum fl_probe_fault fault, struct fl_str at);
/* Adds what the kernel says of a line that no kind of event knows. */
void fl_log_no_kind(struct fl_log *log);
/* Adds an entry as it is: of event filters, which log their own text and count in it. */
void fl_log_add(struct fl_log *log, const struct fl_log_entry *entry);

#endif
