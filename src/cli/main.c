/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program: its tree of commands, and what it says of itself. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/safe-write.h"
#include "cli/cmds.h"
#include "cli/complete.h"
#include "cli/memory.h"
#include "cli/say.h"
#ifdef FL_HAVE_ALLOC
#include "alloc/records/order.h"
#endif
#ifdef FL_HAVE_DOCS
#include "docs/finding/check.h"
#endif
#ifdef FL_HAVE_EPDMA
#include "epdma/endpoint/board.h"
#endif

struct root_opts {
	bool version;
	const char *completion;
	const char *man;
};

static const struct fl_opt root_options[] = {
	FL_OPT_FLAG(struct root_opts, version, 'V', "version", "print the version"),
	FL_OPT_STR(struct root_opts, completion, 0, "print-completion", "bash|zsh|fish",
		   "print a shell's completion script"),
	FL_OPT_STR(struct root_opts, man, 0, "print-man", "COMMAND",
		   "print COMMAND's part of a manual page ('' is the program itself)"),
	{}
};

static const struct fl_cmd *const root_subs[] = {
#ifdef FL_HAVE_PROBE
	&fl_cmd_trace,
	&fl_cmd_report,
	&fl_cmd_probe,
	&fl_cmd_agent,
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
	&fl_cmd_schema,
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
		fl_cmd_completion(&fl_cmd_root, opts->completion, &out);
	else if (opts->man)
		return print_man(opts->man, &out);
	if (out.len)
		return print(&out);
	return fl_say_usage("a command is expected");
}

const struct fl_cmd fl_cmd_root = {
	.name = "foreland",
	.summary = "The newest kernel interfaces on every kernel, checked before you run",
	.size = sizeof(struct root_opts),
	.options = root_options,
	.subs = root_subs,
	.run = root_run,
};

#ifdef FL_HAVE_EPDMA
static void list_boards(struct fl_buf *out)
{
	for (size_t i = 0; fl_board_names[i]; i++)
		fl_buf_addf(out, "%s\n", fl_board_names[i]);
}
#endif

#ifdef FL_HAVE_DOCS
static void list_checks(struct fl_buf *out)
{
	const char *group = "";

	for (size_t i = 0; i < _DOCS_CHECK_MAX; i++) {
		if (strcmp(group, docs_checks[i].group) != 0)
			fl_buf_addf(out, "%s\n", docs_checks[i].group);
		fl_buf_addf(out, "%s\n", docs_checks[i].kind.code);
		group = docs_checks[i].group;
	}
}
#endif

#ifdef FL_HAVE_ALLOC
static void list_keys(struct fl_buf *out)
{
	for (const char *p = FL_ALLOC_KEYS; *p; p++)
		fl_buf_addc(out, *p == '|' ? '\n' : *p);
	fl_buf_addc(out, '\n');
}
#endif

/* What metavars stand for, where all values are known: shells complete them. */
static const struct fl_word_list words[] = {
#ifdef FL_HAVE_EPDMA
	{ "BOARD", list_boards },
#endif
#ifdef FL_HAVE_DOCS
	{ "CHECK,...", list_checks },
#endif
#ifdef FL_HAVE_ALLOC
	{ "KEY", list_keys },
#endif
#ifdef FL_HAVE_PROBE
	{ "DEFS", fl_trace_tool_names },
#endif
	{}
};

static int complete(int argc, char **argv)
{
	_cleanup_buf_ struct fl_buf out = {};

	fl_cmd_complete(&fl_cmd_root, words, argv, (size_t)argc, &out);
	return print(&out);
}

/*
 * What was closed when we came is opened, so that no file of ours gets the number of standard output
 * or error and takes in what is said there. The wrong way round: who writes there is told EBADF.
 */
static void open_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	open_standard();
	fl_out_clean_up_at_end();
	if (argc > 1 && strcmp(argv[1], "--complete") == 0)
		return fl_memory_verdict(complete(argc - 2, argv + 2));
	return fl_memory_verdict(fl_cmd_main(&fl_cmd_root, argc, argv));
}
