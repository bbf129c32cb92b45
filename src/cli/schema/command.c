/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland schema: the JSON Schema of what commands print with --json. */
#include <string.h>

#include "cli/cmds.h"
#include "cli/say.h"
#include "cli/schema/schema.h"

#define MAX_COMMANDS 32

/* "epdma" stands for all its commands; of an engine that this program lacks there are none. */
static bool takes(void *ctx, const char *command)
{
	const struct fl_buf *words = ctx;
	struct fl_str all = fl_str(command), wanted = fl_buf_str(words);

	if (!fl_cmd_find(&fl_cmd_root, all) || !fl_str_eq(fl_str_sub(all, 0, wanted.n), wanted))
		return false;
	return !wanted.n || all.n == wanted.n || all.p[wanted.n] == ' ';
}

static int unknown(struct fl_str wanted)
{
	struct fl_str names[MAX_COMMANDS];
	const char *name;
	size_t n = 0, near;

	for (size_t i = 0; n < MAX_COMMANDS && (name = fl_schema_command(i)) != NULL; i++)
		if (fl_cmd_find(&fl_cmd_root, fl_str(name)))
			names[n++] = fl_str(name);
	near = fl_str_nearest(wanted, names, n);
	if (near < n)
		return fl_say_usage("no command '%.*s' prints JSON, did you mean '%.*s'?", FL_STR_ARG(wanted),
				    FL_STR_ARG(names[near]));
	return fl_say_usage("no command '%.*s' prints JSON", FL_STR_ARG(wanted));
}

static int schema_run(const void *v, const struct fl_args *args)
{
	_cleanup_buf_ struct fl_buf words = {}, out = {};

	for (size_t i = 0; i < args->n; i++)
		fl_buf_addf(&words, "%s%s", i ? " " : "", args->v[i]);
	fl_schema_write(takes, &words, &out);
	if (!out.len && !out.error)
		return unknown(fl_buf_str(&words));
	return fl_say_result(&out) < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_schema = {
	.name = "schema",
	.summary = "Print the JSON Schema of what a command prints with --json",
	.args = "[COMMAND]",
	.about = "Each line that COMMAND prints with --json is valid by it, and one with a key that it does "
		 "not name is not. Without COMMAND it is the schema of all lines of all commands, which is "
		 "installed as share/foreland/foreland.schema.json. foreland-json(7) says the same in words.",
	.max_args = SIZE_MAX,
	.run = schema_run,
};
