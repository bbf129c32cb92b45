/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commands print with --json: the rows of lines.def, as a JSON Schema and as text of a manual page.
 * It knows no command and writes no line; the writers are held to it by a test.
 */
#ifndef CLI_SCHEMA_SCHEMA_H
#define CLI_SCHEMA_SCHEMA_H

#include "base/buf.h"
#include "base/str.h"

/**
 * fl_schema_commands() - the commands with lines, in the table's order
 * @i: from 0
 *
 * Return: "probe check", or NULL behind the last.
 */
const char *fl_schema_command(size_t i);

/**
 * fl_schema_write() - a JSON Schema, in a line
 * @takes: whether a command is to be in it
 * @ctx: handed to @takes
 * @out: gets a schema that each line of those commands is valid by; untouched where there is none
 */
void fl_schema_write(bool (*takes)(void *ctx, const char *command), void *ctx, struct fl_buf *out);

/** fl_schema_man() - the same in man(7): a sub-section a command */
void fl_schema_man(struct fl_buf *out);

#endif
