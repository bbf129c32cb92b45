/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program: its tree of commands, and what it says of itself. */

#include "base/out.h"
#include "cli/cmds.h"
#include "cli/say.h"

struct root_opts {
	bool version;
	bool completion;
	const char *man;
};

static const struct fl_opt root_options[] = {
	FL_OPT_FLAG(struct root_opts, version, 'V', "version", "print the version"),
	FL_OPT_FLAG(struct root_opts, completion, 0, "print-completion",
		    "print the bash completion script"),
	FL_OPT_STR(struct root_opts, man, 0, "print-man", "COMMAND",
		   "print COMMAND's part of a manual page ('' is the program itself)"),
	{}
};

static const struct fl_cmd *const root_subs[] = {
#ifdef FL_HAVE_PROBE
	&fl_cmd_trace,
	&fl_cmd_report,
	&fl_cmd_probe,
#endif
#ifdef FL_HAVE_EPDMA
	&fl_cmd_epdma,
#endif
#ifdef FL_HAVE_ALLOC
	&fl_cmd_alloc,
#endif
#ifdef FL_HAVE_DOCS
	&fl_cmd_docs,
#endif
#ifdef FL_HAVE_MOUNT
	&fl_cmd_mount,
#endif
#ifdef FL_HAVE_PROBE
	&fl_cmd_doctor,
#endif
	NULL,
};

static int print(struct fl_buf *out)
{
	return fl_say_result(out) < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int print_man(const char *words, struct fl_buf *out)
{
	const struct fl_cmd *cmd = fl_cmd_find(&fl_cmd_root, fl_str(words));
	_cleanup_buf_ struct fl_buf path = {};

	if (!cmd) {
		return fl_say_usage("there is no command '%s'", words);
	}
	fl_buf_addf(&path, "%s%s%s", fl_cmd_root.name, *words ? " " : "", words);
	fl_cmd_man(cmd, fl_buf_z(&path), out);
	return print(out);
}

static int root_run(const void *v, const struct fl_args *args)
{
	const struct root_opts *opts = v;
	_cleanup_buf_ struct fl_buf out = {};

	if (opts->version)
		fl_buf_addz(&out, "foreland " FORELAND_VERSION "\n");
	else if (opts->completion)
		fl_cmd_completion(&fl_cmd_root, &out);
	else if (opts->man)
		return print_man(opts->man, &out);
	if (out.len)
		return print(&out);
	fl_say_usage("a command is expected");
	fl_say_line("Try 'foreland --help'.");
	return FL_EXIT_USAGE;
}

const struct fl_cmd fl_cmd_root = {
	.name = "foreland",
	.summary = "Tomorrow's kernel interfaces, today, in user space",
	.size = sizeof(struct root_opts),
	.options = root_options,
	.subs = root_subs,
	.run = root_run,
};

int main(int argc, char **argv)
{
	fl_out_clean_up_at_end();
	return fl_cmd_main(&fl_cmd_root, argc, argv);
}
