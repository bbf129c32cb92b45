/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of --file: one that the user has, or a tool of the shelf (share/foreland/tools), which the program
 * carries, so that it is there on a machine that has nothing but the program. A line "--option VALUE" in it is
 * an option of the trace that the command line did not give.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "cli/trace/private.h"

#define FILE_MAX   (16u << 20)
#define WORDS_MAX  16
#define TOOLS_MAX  256 /* among which the nearest name is looked for */

/* What a file may say of how it is shown; whose events, how long, and where to is for who runs it. */
static const char *const allowed[] = {
	"exact-faults", "interval", "over", "pretty", "sample", "self", "slice", "stack", "top", "ustack",
};

/* "# NAME: what it shows" */
static struct fl_str about(const struct trace_tool *t)
{
	struct fl_str text = fl_str(t->text), line = {};

	fl_str_line(&text, &line);
	return fl_str_trim(fl_str_from(line, fl_str_find(line, ':', 0) + 1));
}

void fl_trace_tool_names(struct fl_buf *out)
{
	for (const struct trace_tool *t = trace_tools; t->name; t++)
		fl_buf_addf(out, "%s\n", t->name);
}

int trace_list_tools(struct fl_buf *out)
{
	for (const struct trace_tool *t = trace_tools; t->name; t++)
		fl_buf_addf(out, "%-16s %.*s\n", t->name, FL_STR_ARG(about(t)));
	return out->error;
}

static void say_no_tool(const char *name)
{
	struct fl_str names[TOOLS_MAX] = {};
	size_t n = 0, near;

	for (const struct trace_tool *t = trace_tools; t->name && n < TOOLS_MAX; t++)
		names[n++] = fl_str(t->name);
	near = fl_str_nearest(fl_str(name), names, n);
	if (near < n)
		fl_say(FL_ERROR, "'%s' is no file here, and no tool: did you mean '%s'?", name, trace_tools[near].name);
	else
		fl_say(FL_ERROR, "'%s' is no file here, and no tool: --list-tools lists them", name);
}

static int find_tool(struct trace_job *s, const char *name)
{
	for (const struct trace_tool *t = trace_tools; t->name; t++) {
		if (strcmp(t->name, name) == 0) {
			s->definitions = fl_str(t->text);
			return 0;
		}
	}
	say_no_tool(name);
	return -ENOENT;
}

bool trace_is_tool(const char *file)
{
	return !strchr(file, '/') && strcmp(file, "-") != 0 && access(file, F_OK) < 0;
}

/* ---- options in a file ---- */

struct merge {
	const struct trace_opts *given;
	struct trace_opts *o;
};

static size_t size_of(enum fl_opt_type type)
{
	return type == FL_OPT_TYPE_FLAG ? sizeof(bool) : type == FL_OPT_TYPE_STR ? sizeof(char *) : sizeof(uint64_t);
}

/* What the command line left alone. */
static void take(const struct fl_opt *row, size_t offset, void *ctx)
{
	static const char zeros[8];
	struct merge *m = ctx;
	size_t at = offset + row->offset, n = size_of(row->type);

	if (row->type != FL_OPT_TYPE_LIST && memcmp((char *)m->o + at, zeros, n) == 0)
		memcpy((char *)m->o + at, (const char *)m->given + at, n);
}

static bool is_allowed(const char *word)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(allowed); i++)
		if (strcmp(word, allowed[i]) == 0)
			return true;
	return false;
}

static int split(struct trace_job *s, struct fl_str line, char *words[static WORDS_MAX])
{
	struct fl_str word;
	int n = 0;

	while (n < WORDS_MAX - 1 && fl_str_word(&line, &word)) {
		words[n] = fl_arena_dup(&s->words, word);
		if (!words[n++])
			return -ENOMEM;
	}
	words[n] = NULL;
	return n;
}

static int bad_line(const char *place, const char *why, struct fl_str line)
{
	fl_say_line("%s: error: %s", place, why);
	fl_say_line("%.*s", FL_STR_ARG(line));
	return -EINVAL;
}

static int take_line(struct trace_job *s, struct trace_opts *o, struct fl_str line, const char *place)
{
	_cleanup_buf_ struct fl_buf err = {};
	struct trace_opts given = {};
	struct fl_args rest = {};
	char *words[WORDS_MAX];
	bool help = false;
	int n = split(s, line, words), r;

	if (n <= 0)
		return n;
	if (!is_allowed(words[0] + 2))
		return bad_line(place, "a file of definitions has no such option", line);
	r = fl_opt_parse(&fl_cmd_trace, n, words, &given, &rest, &help, &err);
	if (r < 0 || rest.n)
		return bad_line(place, r < 0 ? fl_buf_z(&err) : "one option a line is wanted", line);
	fl_opt_each(trace_options, 0, take, &(struct merge){ &given, o });
	fl_opt_release(&fl_cmd_trace, &given);
	return 0;
}

/* A definition never begins so: "-:NAME" takes one away. */
bool trace_is_option(struct fl_str line)
{
	return fl_str_starts(line, "--");
}

static int take_options(struct trace_job *s, struct trace_opts *o)
{
	struct fl_str rest = s->definitions, line;
	int r = 0;

	for (int n = 1; r == 0 && fl_str_line(&rest, &line); n++) {
		_cleanup_buf_ struct fl_buf place = {};

		line = fl_str_trim(line);
		fl_buf_addf(&place, "%s:%d", o->file, n);
		if (trace_is_option(line))
			r = take_line(s, o, line, fl_buf_z(&place));
	}
	return r;
}

/* Its definitions stand where a file's would. */
int trace_read_bundle(struct trace_job *s, struct trace_opts *o)
{
	int r;

	if (o->file) {
		fl_say_usage("--bundle has definitions of its own: --file is not for it");
		return -EINVAL;
	}
	r = fl_cli_bundle_open(o->bundle, &s->bundle);
	if (r < 0)
		return r;
	o->file = o->bundle;
	s->definitions = fl_bundle_definitions(s->bundle.b);
	return take_options(s, o);
}

int trace_read_file(struct trace_job *s, struct trace_opts *o)
{
	int r;

	if (trace_is_tool(o->file)) {
		r = find_tool(s, o->file);
	} else {
		r = fl_file_open(o->file, FILE_MAX, &s->file);
		if (r < 0)
			fl_say_failed(o->file, r);
		s->definitions = fl_file_str(&s->file);
	}
	return r < 0 ? r : take_options(s, o);
}
