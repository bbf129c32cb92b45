/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made from the command table: the dispatcher, --help, manual pages. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/num.h"
#include "base/opt.h"

static void add_option_name(const struct fl_opt *row, struct fl_buf *out)
{
	if (row->letter)
		fl_buf_addf(out, "-%c", row->letter);
	if (row->letter && row->name)
		fl_buf_addz(out, ", ");
	if (row->name)
		fl_buf_addf(out, "--%s", row->name);
	if (row->metavar)
		fl_buf_addf(out, row->may_be_bare ? "[=%s]" : " %s", row->metavar);
}

#define HELP_COLUMN 28
#define HELP_WIDTH  78 /* also on a terminal of 80 columns nothing is broken in the middle of a word */

/* Words, of which lines begin at @indent; the first is at @width by now. */
static void add_filled(struct fl_str text, size_t indent, size_t width, struct fl_buf *out)
{
	bool first = true;
	struct fl_str word;

	while (fl_str_word(&text, &word)) {
		if (!first && width + 1 + word.n > HELP_WIDTH) {
			fl_buf_addc(out, '\n');
			fl_buf_fill(out, ' ', indent);
			width = indent;
		} else if (!first) {
			fl_buf_addc(out, ' ');
			width++;
		}
		fl_buf_add_str(out, word);
		width += word.n;
		first = false;
	}
	fl_buf_addc(out, '\n');
}

static void help_row(const struct fl_opt *row, size_t base, void *ctx)
{
	struct fl_buf *out = ctx;
	size_t start = out->len, width;

	fl_buf_addz(out, row->letter ? "  " : "      ");
	add_option_name(row, out);
	width = out->len - start;
	if (width >= HELP_COLUMN) {
		fl_buf_addc(out, '\n');
		width = 0;
	}
	fl_buf_fill(out, ' ', HELP_COLUMN - width);
	add_filled(fl_str(row->help), HELP_COLUMN, HELP_COLUMN, out);
}

#define SUBS_COLUMN 16

static void help_subs(const struct fl_cmd *cmd, struct fl_buf *out)
{
	fl_buf_addz(out, "\nCommands:\n");
	for (size_t i = 0; cmd->subs[i]; i++) {
		fl_buf_addf(out, "  %-*s", SUBS_COLUMN - 2, cmd->subs[i]->name);
		add_filled(fl_str(cmd->subs[i]->summary), SUBS_COLUMN, SUBS_COLUMN, out);
	}
}

/* What follows the command's path in a synopsis, in plain text or with man's font changes. */
static void add_synopsis(const struct fl_cmd *cmd, struct fl_buf *out)
{
	if (cmd->subs) {
		fl_buf_addz(out, " COMMAND ...");
		return;
	}
	if (cmd->options && cmd->options->type != FL_OPT_TYPE_END)
		fl_buf_addz(out, " [OPTION]...");
	if (cmd->args)
		fl_buf_addf(out, " %s", cmd->args);
}

/* A paragraph filled to the width; one that starts with a blank keeps its lines, but for those too long. */
static void add_paragraph(struct fl_str text, struct fl_buf *out)
{
	struct fl_str line;

	if (!text.n || text.p[0] != ' ') {
		add_filled(text, 0, 0, out);
		return;
	}
	while (fl_str_line(&text, &line)) {
		size_t lead = 0;

		while (lead < line.n && line.p[lead] == ' ')
			lead++;
		if (line.n <= HELP_WIDTH) {
			fl_buf_addf(out, "%.*s\n", FL_STR_ARG(line));
			continue;
		}
		fl_buf_fill(out, ' ', lead);
		add_filled(fl_str_from(line, lead), lead + 4, lead, out);
	}
}

static void add_about(struct fl_str about, struct fl_buf *out)
{
	while (about.n) {
		const char *gap = memmem(about.p, about.n, "\n\n", 2);
		size_t n = gap ? (size_t)(gap - about.p) : about.n;

		fl_buf_addc(out, '\n');
		add_paragraph(fl_str_sub(about, 0, n), out);
		about = fl_str_from(about, n + 2);
	}
}

void fl_cmd_help(const struct fl_cmd *cmd, const char *path, struct fl_buf *out)
{
	fl_buf_addf(out, "Usage: %s", path);
	add_synopsis(cmd, out);
	fl_buf_addf(out, "\n\n%s.\n", cmd->summary);
	if (cmd->about)
		add_about(fl_str(cmd->about), out);
	if (cmd->subs)
		help_subs(cmd, out);
	fl_buf_addz(out, "\nOptions:\n");
	fl_opt_each(cmd->options, 0, help_row, out);
	fl_buf_addf(out, "  -h, --help%*sshow this help\n", HELP_COLUMN - 12, "");
}

/* Plain text in man(7): dashes and backslashes mean themselves, no line starts a request. */
static void add_roff(struct fl_buf *out, struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '-' || c == '\\')
			fl_buf_addc(out, '\\');
		if ((c == '.' || c == '\'') && (i == 0 || s.p[i - 1] == '\n'))
			fl_buf_addz(out, "\\&");
		if (c == '\\')
			fl_buf_addc(out, 'e');
		else
			fl_buf_addc(out, c);
	}
}

static void man_row(const struct fl_opt *row, size_t base, void *ctx)
{
	struct fl_buf *out = ctx;
	_cleanup_buf_ struct fl_buf name = {};

	add_option_name(row, &name);
	fl_buf_addz(out, ".TP\n.B ");
	add_roff(out, fl_buf_str(&name));
	fl_buf_addc(out, '\n');
	add_roff(out, fl_str(row->help));
	fl_buf_addc(out, '\n');
}

static void man_about(const char *about, struct fl_buf *out)
{
	struct fl_str rest = fl_str(about), line;

	while (fl_str_line(&rest, &line)) {
		if (line.n)
			add_roff(out, line);
		else
			fl_buf_addz(out, ".PP");
		fl_buf_addc(out, '\n');
	}
}

void fl_cmd_man(const struct fl_cmd *cmd, const char *path, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf synopsis = {};

	fl_buf_addf(out, ".SS %s\n.B %s\n", path, path);
	add_synopsis(cmd, &synopsis);
	add_roff(out, fl_str_trim(fl_buf_str(&synopsis)));
	fl_buf_addz(out, "\n.PP\n");
	add_roff(out, fl_str(cmd->summary));
	fl_buf_addz(out, ".\n");
	if (cmd->about) {
		fl_buf_addz(out, ".PP\n");
		man_about(cmd->about, out);
	}
	fl_opt_each(cmd->options, 0, man_row, out);
	for (size_t i = 0; cmd->subs && cmd->subs[i]; i++) {
		_cleanup_buf_ struct fl_buf sub = {};

		if (!strchr(path, ' ')) {
			fl_buf_addf(out, ".TP\n.B %s\n%s\n", cmd->subs[i]->name, cmd->subs[i]->summary);
			continue;
		}

		fl_buf_addf(&sub, "%s %s", path, cmd->subs[i]->name);
		fl_cmd_man(cmd->subs[i], fl_buf_z(&sub), out);
	}
}

static const struct fl_cmd *find_sub(const struct fl_cmd *cmd, struct fl_str name)
{
	for (size_t i = 0; cmd->subs && cmd->subs[i]; i++)
		if (fl_str_is(name, cmd->subs[i]->name))
			return cmd->subs[i];
	return NULL;
}

const struct fl_cmd *fl_cmd_find(const struct fl_cmd *root, struct fl_str words)
{
	struct fl_str word;

	while (root && fl_str_word(&words, &word))
		root = find_sub(root, word);
	return root;
}

static char running[64] = "foreland";

const char *fl_cmd_running(void)
{
	return running;
}

void fl_cmd_vusage(const char *path, const char *fmt, va_list ap)
{
	_cleanup_buf_ struct fl_buf out = {};
	size_t start;

	fl_buf_addf(&out, "%s: error: ", path);
	start = out.len;
	fl_buf_vaddf(&out, fmt, ap);
	fl_escape_from(&out, start);
	fl_buf_addf(&out, "\nTry '%s --help'.\n", path);
	fl_buf_write_fd(&out, STDERR_FILENO);
}

FL_PRINTF(2, 3) static int usage(const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fl_cmd_vusage(path, fmt, ap);
	va_end(ap);
	return FL_EXIT_USAGE;
}

/* Below @cmd, and one level further down: "foreland check" means "foreland docs check", or another. */
static int unknown_command(const struct fl_cmd *cmd, const char *path, const char *name)
{
	static const struct fl_str only[] = { FL_STR("--help") };
	struct fl_str names[64] = {};
	size_t n = 0, near;

	if (name[0] == '-' && name[1]) /* of a group, which has no option but that */
		return usage(path, fl_str_nearest(fl_str(name), only, 1) == 0 ?
			     "unknown option '%s', did you mean '--help'?" : "unknown option '%s'", name);
	for (; cmd->subs[n] && n < FL_ARRAY_SIZE(names); n++)
		names[n] = fl_str(cmd->subs[n]->name);
	near = fl_str_nearest(fl_str(name), names, n);
	if (near < n)
		return usage(path, "unknown command '%s', did you mean '%.*s'?", name, FL_STR_ARG(names[near]));
	for (size_t i = 0; i < n; i++)
		if (find_sub(cmd->subs[i], fl_str(name)))
			return usage(path, "unknown command '%s', did you mean '%s %s'?", name,
				     cmd->subs[i]->name, name);
	return usage(path, "unknown command '%s'", name);
}

static int show_help(const struct fl_cmd *cmd, const char *path)
{
	_cleanup_buf_ struct fl_buf out = {};
	int r;

	fl_cmd_help(cmd, path, &out);
	r = fl_buf_write_fd(&out, STDOUT_FILENO);
	if (r < 0 && r != -EPIPE && r != -ENOMEM) /* of the latter main() speaks */
		fprintf(stderr, "standard output: error: %s [%s]\n", strerror(-r), fl_errno_name(r));
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int run_command(const struct fl_cmd *cmd, const char *path, int argc, char **argv)
{
	_cleanup_free_ void *opts = calloc(1, cmd->size ? cmd->size : 1);
	_cleanup_buf_ struct fl_buf err = {};
	struct fl_args args;
	bool help = false;
	int r;

	if (!opts)
		return FL_EXIT_FINDINGS;
	snprintf(running, sizeof(running), "%s", path);
	r = fl_opt_parse(cmd, argc, argv, opts, &args, &help, &err);
	if (help) {
		r = show_help(cmd, path);
	} else if (r < 0) {
		r = usage(path, "%s", fl_buf_z(&err));
	} else {
		r = cmd->run(opts, &args);
	}
	fl_opt_release(cmd, opts);
	return r;
}

struct option_arg {
	const char *arg;
	bool takes_value;
};

static void match_option(const struct fl_opt *row, size_t offset, void *ctx)
{
	struct option_arg *o = ctx;

	if (row->type == FL_OPT_TYPE_FLAG || row->may_be_bare)
		return;
	if (row->name && strncmp(o->arg, "--", 2) == 0 && strcmp(o->arg + 2, row->name) == 0)
		o->takes_value = true;
	if (row->letter && o->arg[0] == '-' && o->arg[1] == row->letter && !o->arg[2])
		o->takes_value = true;
}

/*
 * "foreland epdma host --socket PATH ls": a group's commands may stand behind options that are
 * theirs. The command's name is moved to the front; a word that is an option's value is none.
 */
static const struct fl_cmd *pull_sub(const struct fl_cmd *cmd, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const struct fl_cmd *sub = find_sub(cmd, fl_str(argv[i]));
		struct option_arg before = { .arg = argv[i - 1] };
		char *name = argv[i];

		if (!sub || sub->subs)
			continue;
		fl_opt_each(sub->options, 0, match_option, &before);
		if (before.takes_value)
			continue;
		memmove(argv + 1, argv, (size_t)i * sizeof(*argv));
		argv[0] = name;
		return sub;
	}
	return NULL;
}

/* "help COMMAND...": the words are looked up as a command line's are. */
static int help_for(const struct fl_cmd *cmd, int argc, char **argv)
{
	_cleanup_buf_ struct fl_buf path = {};

	fl_buf_addz(&path, cmd->name);
	for (int i = 0; i < argc; i++) {
		const struct fl_cmd *sub = find_sub(cmd, fl_str(argv[i]));

		if (!sub && cmd->subs)
			return unknown_command(cmd, fl_buf_z(&path), argv[i]);
		if (!sub)
			return usage(fl_buf_z(&path), "it has no command '%s'", argv[i]);
		fl_buf_addf(&path, " %s", sub->name);
		cmd = sub;
	}
	return show_help(cmd, fl_buf_z(&path));
}

int fl_cmd_main(const struct fl_cmd *root, int argc, char **argv)
{
	_cleanup_buf_ struct fl_buf path = {};
	const struct fl_cmd *cmd = root;

	fl_buf_addz(&path, root->name);
	argc--, argv++;
	if (argc && strcmp(argv[0], "help") == 0)
		return help_for(root, argc - 1, argv + 1);
	while (cmd->subs) {
		const struct fl_cmd *sub = argc ? find_sub(cmd, fl_str(argv[0])) : NULL;

		if (!sub && cmd->run && (!argc || argv[0][0] == '-'))
			break;
		if (argc && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
			return show_help(cmd, fl_buf_z(&path));
		if (!sub && argc && argv[0][0] == '-')
			sub = pull_sub(cmd, argc, argv);
		if (!argc || !argv[0]) {
			return usage(fl_buf_z(&path), "a command is expected");
		}
		if (!sub)
			return unknown_command(cmd, fl_buf_z(&path), argv[0]);
		fl_buf_addf(&path, " %s", sub->name);
		cmd = sub;
		argc--, argv++;
	}
	return run_command(cmd, fl_buf_z(&path), argc, argv);
}
