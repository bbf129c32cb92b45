/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command says beside its result: on stderr, in the one form that all commands have. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <foreland/diag.h>

#include "base/buf.h"

/** fl_say() - "foreland: LEVEL: ..." */
void fl_say(enum fl_level level, const char *fmt, ...) FL_PRINTF(2, 3);

/**
 * fl_say_failed() - "WHAT: error: No such file or directory [ENOENT]"
 *
 * That there is no memory is said once, by the first who meets it.
 *
 * @what: a file, a device, a place; or "foreland", where there is none
 * @err: errno, of either sign
 */
void fl_say_failed(const char *what, int err);

/** fl_say_line() - a line of its own form. As everywhere here, what others wrote in it is escaped. */
void fl_say_line(const char *fmt, ...) FL_PRINTF(1, 2);

/** fl_say_usage() - what is wrong with the command line. Return: FL_EXIT_USAGE. */
int fl_say_usage(const char *fmt, ...) FL_PRINTF(1, 2);

/** fl_say_help() - the next step, as it stands behind a diagnostic: "help: ..." */
void fl_say_help(const char *fmt, ...) FL_PRINTF(1, 2);

/** fl_say_diag() - a finding, whole. Return: whether there was one. */
bool fl_say_diag(const struct fl_diag *d);

/**
 * fl_say_result() - write what @out holds to standard output, and empty it
 *
 * Return: 0; -EPIPE, of which nothing is said: a reader that left early is no mistake of ours; or
 * -ECANCELED: it could not be written, and why has been said.
 */
int fl_say_result(struct fl_buf *out);

/** fl_say_end() - what ended a command, @r < 0, unless fl_say_result() has done so. */
void fl_say_end(int r);

#endif
