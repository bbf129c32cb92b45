/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The script face: runs the lines that people type into a shell to set up kernel files (mkdir, echo
 * with a redirection, ln -s, cat, ls, cd, ...) against a tree instead of the machine's own files.
 *
 * Prints nothing: what the commands write goes to a buffer, what fails is reported line by line.
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "base/buf.h"
#include "foreland/diag.h"
#include "vfs/node.h"

struct fl_script;

/* Borrows @root, which must outlive the script. NULL when out of memory. */
struct fl_script *fl_script_new(struct fl_node *root);
struct fl_script *fl_script_free(struct fl_script *s); /* NULL is allowed; returns NULL */

/* These commands do nothing and succeed ("mount", "modprobe"); NULL-terminated, borrowed. */
void fl_script_ignore(struct fl_script *s, const char *const *commands);

/*
 * One more command, for tools that only this tree's machine has ("lspci"): @fn gets the operands
 * behind the name and appends what it prints to @out; 0 or a negative errno. @name is borrowed.
 * -EEXIST: there is one of this name; -ENOMEM.
 */
typedef int (*fl_script_command_fn)(void *ctx, const struct fl_str *args, size_t n,
				    struct fl_buf *out);
int fl_script_add_command(struct fl_script *s, const char *name, fl_script_command_fn fn,
			  void *ctx);

/*
 * The text is a document's transcript and not a script: only lines that begin with "# " or "$ "
 * (behind white space) are run, without that prompt, and all others are output that was shown. A "+"
 * before a line is what a patch puts there, and no part of it.
 */
void fl_script_transcript(struct fl_script *s, bool on);

/*
 * Whether a text looks like such a transcript: some line is a prompt and a command that scripts
 * know, and no line is a command without a prompt.
 */
bool fl_script_is_transcript(struct fl_str text);

/* Sets a variable that the lines may use; both are copied. */
int fl_script_set(struct fl_script *s, struct fl_str name, struct fl_str value);

/*
 * Called for each command that failed, with the line, the errno in @err (negative) and @diag, whose
 * texts live only during the call. A non-zero result stops the script and is returned.
 */
typedef int (*fl_script_report_fn)(void *ctx, const struct fl_diag *diag, int err);

/*
 * Runs @text (any number of lines; "\" at a line's end continues it), going on after failures as a
 * shell does. @place names the text in reports. Output is appended to @out.
 * Returns 0, or the last command's negative errno, or what @report returned.
 */
int fl_script_run(struct fl_script *s, struct fl_str text, const char *place, struct fl_buf *out,
		  fl_script_report_fn report, void *ctx);

#endif
