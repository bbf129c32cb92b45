/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and their options as rows. From these rows alone come the parser, --help, the bash
 * completion and the OPTIONS section of each manual page; nothing about an option is said twice.
 *
 * A command binds its rows to a struct of its own by offset:
 *
 *	struct check_opts { bool json; const char *dialect; struct fl_strv btf; uint64_t count; };
 *	static const struct fl_opt check_options[] = {
 *		FL_OPT_FLAG(struct check_opts, json, 0, "json", "print one JSON object a line"),
 *		FL_OPT_STR(struct check_opts, dialect, 0, "dialect", "7.3|v6|6.12", "whose rules apply"),
 *		FL_OPT_LIST(struct check_opts, btf, 0, "btf", "FILE", "..."),
 *		FL_OPT_U64(struct check_opts, count, 'n', NULL, "N", "stop after N lines"),
 *		FL_OPT_GROUP(target_options),
 *		{}
 *	};
 *
 * A metavar of the form "a|b|c" (all lower case or digits) is a choice: other values are refused.
 * Shells complete by the metavar, too: choices; names of files and folders where it says FILE, PATH or
 * DIR; and what a list of cli/complete.h knows by its name.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum fl_opt_type {
	FL_OPT_TYPE_END,      /* ends a list of rows */
	FL_OPT_TYPE_FLAG,     /* bool */
	FL_OPT_TYPE_STR,      /* const char * */
	FL_OPT_TYPE_LIST,     /* struct fl_strv: may be repeated */
	FL_OPT_TYPE_U64,      /* uint64_t, C number */
	FL_OPT_TYPE_SIZE,     /* uint64_t, K M G T */
	FL_OPT_TYPE_DURATION, /* uint64_t nanoseconds */
	FL_OPT_TYPE_GROUP,    /* more rows, bound to a struct at @offset */
};

/* Values of a repeatable option, in the order given. The strings are argv's. */
struct fl_strv {
	const char **v;
	size_t n;
};

struct fl_opt {
	enum fl_opt_type type;
	char letter;	     /* 0: none */
	const char *name;    /* without dashes; NULL: a letter alone */
	const char *metavar; /* NULL for flags */
	const char *help;    /* one line, no full stop */
	size_t offset;
	const struct fl_opt *group;
	size_t set_offset; /* of a bool that tells "was given", or SIZE_MAX */
	uint64_t min, max; /* of a number; @max 0: as large as it likes */
	bool may_be_bare;  /* "--vm", which is "", or "--vm=VALUE": the next word is none of its own */
};

#define FL_OPT_ROW_(t, s, f, ltr, nm, mv, hlp)                                                     \
	{ .type = t, .letter = ltr, .name = nm, .metavar = mv, .help = hlp,                        \
	  .offset = offsetof(s, f), .set_offset = SIZE_MAX }
#define FL_OPT_FLAG(s, f, ltr, nm, hlp)		FL_OPT_ROW_(FL_OPT_TYPE_FLAG, s, f, ltr, nm, NULL, hlp)
#define FL_OPT_STR(s, f, ltr, nm, mv, hlp)	FL_OPT_ROW_(FL_OPT_TYPE_STR, s, f, ltr, nm, mv, hlp)
#define FL_OPT_STR_BARE(s, f, nm, mv, hlp)                                                         \
	{ .type = FL_OPT_TYPE_STR, .name = nm, .metavar = mv, .help = hlp, .offset = offsetof(s, f), \
	  .set_offset = SIZE_MAX, .may_be_bare = true }
#define FL_OPT_LIST(s, f, ltr, nm, mv, hlp)	FL_OPT_ROW_(FL_OPT_TYPE_LIST, s, f, ltr, nm, mv, hlp)
#define FL_OPT_U64(s, f, ltr, nm, mv, hlp)	FL_OPT_ROW_(FL_OPT_TYPE_U64, s, f, ltr, nm, mv, hlp)
#define FL_OPT_SIZE(s, f, ltr, nm, mv, hlp)	FL_OPT_ROW_(FL_OPT_TYPE_SIZE, s, f, ltr, nm, mv, hlp)
#define FL_OPT_DURATION(s, f, ltr, nm, mv, hlp) FL_OPT_ROW_(FL_OPT_TYPE_DURATION, s, f, ltr, nm, mv, hlp)
/* A number from @lo to @hi; a process, which no kernel numbers higher than 2^22. */
#define FL_OPT_U64_IN(s, f, ltr, nm, mv, lo, hi, hlp)                                              \
	{ .type = FL_OPT_TYPE_U64, .letter = ltr, .name = nm, .metavar = mv, .help = hlp,          \
	  .offset = offsetof(s, f), .set_offset = SIZE_MAX, .min = lo, .max = hi }
#define FL_OPT_PID(s, f, ltr, nm, hlp) FL_OPT_U64_IN(s, f, ltr, nm, "PID", 1, 1u << 22, hlp)
#define FL_OPT_PID_SET(s, f, setf, ltr, nm, hlp)                                                   \
	{ .type = FL_OPT_TYPE_U64, .letter = ltr, .name = nm, .metavar = "PID", .help = hlp,       \
	  .offset = offsetof(s, f), .set_offset = offsetof(s, setf), .min = 1, .max = 1u << 22 }
/* A time that is more than none. */
#define FL_OPT_DURATION_SOME(s, f, ltr, nm, mv, hlp)                                               \
	{ .type = FL_OPT_TYPE_DURATION, .letter = ltr, .name = nm, .metavar = mv, .help = hlp,     \
	  .offset = offsetof(s, f), .set_offset = SIZE_MAX, .min = 1 }
/* For numbers where 0 is a value of its own: @setf is a bool that becomes true when it is given. */
#define FL_OPT_U64_SET(s, f, setf, ltr, nm, mv, hlp)                                               \
	{ .type = FL_OPT_TYPE_U64, .letter = ltr, .name = nm, .metavar = mv, .help = hlp,          \
	  .offset = offsetof(s, f), .set_offset = offsetof(s, setf) }
#define FL_OPT_SIZE_SET(s, f, setf, ltr, nm, mv, hlp)                                              \
	{ .type = FL_OPT_TYPE_SIZE, .letter = ltr, .name = nm, .metavar = mv, .help = hlp,         \
	  .offset = offsetof(s, f), .set_offset = offsetof(s, setf) }
#define FL_OPT_GROUP(s, f, rows) { .type = FL_OPT_TYPE_GROUP, .offset = offsetof(s, f), .group = rows }

/* Exit codes of every command (DESIGN.md, command contract). */
enum fl_exit {
	FL_EXIT_DONE = 0,
	FL_EXIT_FINDINGS = 1, /* or failed */
	FL_EXIT_USAGE = 2,
};

/* What is left of a command line when the options are taken out. */
struct fl_args {
	char **v; /* operands before "--" */
	size_t n;
	char **command; /* what stands behind "--", NULL-terminated; NULL where there is no "--" */
};

/*
 * A command, or a group of commands (@subs; then @run is NULL). One per file in src/cli/ENGINE.
 * @args is the operands' synopsis ("DEF... [-- COMMAND]"), @summary one line without full stop,
 * @about what the manual and --help say in addition (paragraphs separated by "\n\n"; they are filled,
 * but for those that start with a blank),
 * @size the size of the options' struct, which run() gets zero-initialised and filled.
 */
struct fl_cmd {
	const char *name;
	const char *summary;
	const char *args;
	const char *about;
	size_t size;
	const struct fl_opt *options;
	size_t min_args, max_args;	   /* operands; max_args 0 means none, SIZE_MAX any number */
	bool takes_command;		   /* "-- COMMAND" is allowed */
	bool takes_removals; /* "-:NAME" and "-GROUP/NAME" are operands: lines of the kernel's */
	const struct fl_cmd *const *subs; /* NULL-terminated */
	int (*run)(const void *opts, const struct fl_args *args);
};

/*
 * Parses argv (without the command's own name) into @opts. On -EINVAL @err holds one line that
 * says what is wrong. "--help" sets @ret_help. @args->v points into @argv, which is reordered.
 */
int fl_opt_parse(const struct fl_cmd *cmd, int argc, char **argv, void *opts, struct fl_args *args,
		 bool *ret_help, struct fl_buf *err);
void fl_opt_release(const struct fl_cmd *cmd, void *opts); /* frees the lists */

/* Calls @fn for each row, groups resolved, with the offset of the struct that the row counts from. */
void fl_opt_each(const struct fl_opt *rows, size_t base,
		 void (*fn)(const struct fl_opt *row, size_t offset, void *ctx), void *ctx);

/* @path is what the user typed up to and with the command: "foreland probe check". */
void fl_cmd_help(const struct fl_cmd *cmd, const char *path, struct fl_buf *out);
/*
 * The part of a manual page that the table knows, in man(7): synopsis, options and the sub-commands
 * with theirs. Of the root (@path without a blank) the sub-commands' names and summaries alone: they
 * have pages of their own.
 */
void fl_cmd_man(const struct fl_cmd *cmd, const char *path, struct fl_buf *out);
/* The command that @words ("probe check") names below @root, or NULL. */
const struct fl_cmd *fl_cmd_find(const struct fl_cmd *root, struct fl_str words);

/*
 * Finds the command that argv names below @root, parses, runs, and returns the exit code. "help
 * COMMAND..." is "COMMAND... --help".
 * Prints help to stdout and one-line usage errors (with "did you mean") to stderr.
 */
int fl_cmd_main(const struct fl_cmd *root, int argc, char **argv);
/* The command that fl_cmd_main() runs, as it is typed: "foreland probe check". */
const char *fl_cmd_running(void);
/* Says what is wrong with the command line, in the one way that all commands have. */
FL_PRINTF(2, 0) void fl_cmd_vusage(const char *path, const char *fmt, va_list ap);

#endif
