/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From text to commands: lines, lists, redirections, variables, and the report of what failed. */
#include "script/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "script/private.h"
#include "script/errors.h"

/* What a shell does for "> FILE": opens first, then one write of all that the command said. */
static int open_redirect(struct fl_command *c, struct fl_open **ret)
{
	int flags = O_WRONLY | (c->append ? O_APPEND : O_TRUNC);
	struct fl_node *n;
	int err;

	err = fl_node_walk(c->s->cwd, c->redirect->text, true, &n);
	if (err == -ENOENT) {
		struct fl_node *dir;
		struct fl_str name;

		/* No tree lets a file be created by open(2): the directory exists, so the kernel says no. */
		if (fl_node_walk_parent(c->s->cwd, c->redirect->text, &dir, &name) == 0) {
			fl_node_unref(dir);
			err = -EACCES;
		}
	}
	if (err < 0)
		return err;
	err = fl_vfs_open(n, flags, ret);
	fl_node_unref(n);
	return err;
}

static int write_all(struct fl_open *o, struct fl_str text)
{
	uint64_t pos = 0;

	while (text.n) {
		ssize_t n = fl_vfs_write(o, text.p, text.n, pos);

		if (n <= 0)
			return n < 0 ? n : -EIO;
		pos += n;
		text = fl_str_from(text, n);
	}
	return 0;
}

static int run_redirected(struct fl_command *c, struct fl_buf *out)
{
	struct fl_open *o = NULL;
	int err;

	if (!c->redirect) {
		err = c->n ? fl_command_call(c) : 0;
		fl_buf_add_buf(out, &c->out);
		return err;
	}
	err = fl_command_blame(c, c->redirect, "", open_redirect(c, &o));
	if (err < 0)
		return err;
	err = c->n ? fl_command_call(c) : 0;
	if (c->out.len) {
		int written = fl_command_blame(c, c->redirect, "write error: ", write_all(o, fl_buf_str(&c->out)));

		err = written < 0 ? written : err;
	}
	fl_vfs_close(o);
	return err;
}

static void describe_failure(struct fl_command *c, int err)
{
	if (!c->diag || c->diag->kind || !c->culprit)
		return;
	fl_diag_set(c->diag, &fl_script_errors[FL_SCRIPT_COMMAND_FAILED], c->culprit->span);
	fl_diag_message(c->diag, "%.*s: %s'%.*s': %s (%s)",
			c->n ? (int)c->args[0].text.n : 2, c->n ? c->args[0].text.p : "sh", c->doing,
			FL_STR_ARG(c->culprit->text), strerror(-err), fl_errno_name(err));
}

/* Nothing to redirect to behind word @i. In documents, "<vendor-id>" stands where a value belongs. */
static int lacks_name(struct fl_command *c, const struct fl_shell_word *w, size_t i)
{
	int r = fl_diag_set(c->diag, &fl_script_errors[FL_SCRIPT_SYNTAX], w[i].span);

	if (w[i].type == FL_SHELL_GREAT && i >= 2 && w[i - 2].type == FL_SHELL_LESS)
		fl_diag_help(c->diag, "put a value in the place of <%.*s>", FL_STR_ARG(w[i - 1].text));
	return r;
}

/* Sorts a simple command's words into operands and redirections. */
static int sort_words(struct fl_command *c, const struct fl_shell_word *w, size_t n, struct fl_arena *arena)
{
	struct fl_shell_word *args = fl_arena_array(arena, n + 1, sizeof(*args));

	if (!args)
		return -ENOMEM;
	c->args = args;
	for (size_t i = 0; i < n; i++) {
		if (w[i].type <= FL_SHELL_ASSIGN) {
			args[c->n++] = w[i];
			continue;
		}
		if (i + 1 >= n || w[i + 1].type > FL_SHELL_ASSIGN)
			return lacks_name(c, w, i);
		if (w[i].type == FL_SHELL_LESS)
			c->input = &w[i + 1];
		else
			c->redirect = &w[i + 1];
		c->append = w[i].type == FL_SHELL_APPEND;
		i++;
	}
	return 0;
}

/* simple command: { NAME=value } { word | '>' word | '>>' word | '<' word } */
static int run_simple(struct fl_script *s, const struct fl_shell_word *w, size_t n, struct fl_arena *arena,
		      struct fl_buf *out, struct fl_diag *diag)
{
	struct fl_command c = { .s = s, .diag = diag };
	int err = 0;

	for (; n && w->type == FL_SHELL_ASSIGN && err == 0; w++, n--) {
		size_t eq = fl_str_find(w->text, '=', 0);

		err = fl_script_set(s, fl_str_sub(w->text, 0, eq), fl_str_from(w->text, eq + 1));
	}
	if (err == 0)
		err = sort_words(&c, w, n, arena);
	if (err == 0 && (c.n || c.redirect))
		err = run_redirected(&c, out);
	if (err == 0)
		err = c.out.error;
	if (err < 0)
		describe_failure(&c, err);
	fl_buf_fini(&c.out);
	return err;
}

static struct fl_str get_variable(void *ctx, struct fl_str name)
{
	const struct fl_script *s = ctx;

	for (size_t i = 0; i < s->nr_vars; i++)
		if (fl_str_is(name, s->vars[i].name))
			return fl_str(s->vars[i].value);
	return FL_STR("");
}

int fl_script_set(struct fl_script *s, struct fl_str name, struct fl_str value)
{
	_cleanup_free_ char *copy = fl_str_dup(value);
	struct variable *more;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_vars; i++) {
		if (!fl_str_is(name, s->vars[i].name))
			continue;
		free(s->vars[i].value);
		s->vars[i].value = TAKE_PTR(copy);
		return 0;
	}
	more = realloc(s->vars, (s->nr_vars + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->vars = more;
	more[s->nr_vars].name = fl_str_dup(name);
	if (!more[s->nr_vars].name)
		return -ENOMEM;
	more[s->nr_vars++].value = TAKE_PTR(copy);
	return 0;
}

/* A report's diag, with the line that it is about. */
struct place {
	const char *name;
	uint32_t line;
	struct fl_str text;
	fl_script_report_fn report;
	void *ctx;
};

static int report(const struct place *p, struct fl_diag *d, int err)
{
	if (!p->report || !d->kind)
		return 0;
	d->place = p->name;
	d->line = p->line;
	d->text = p->text.p;
	d->text_len = p->text.n;
	return p->report(p->ctx, d, err);
}

/*
 * list: simple { ( ';' | '&&' | '||' ) simple }
 *
 * A line is split again for each of its commands, so that a variable which the first one sets is
 * seen by the second, as in a shell. *@last is the status that "&&" and "||" look at.
 */
static int run_line(struct fl_script *s, struct place *p, struct fl_buf *out, int *last)
{
	size_t from = 0;
	bool more = true, skip = false;
	int stop = 0;

	while (more && !stop && !s->exited) {
		_cleanup_arena_ struct fl_arena arena = {};
		struct fl_diag diag = {};
		struct fl_shell_words words;
		size_t end = from;
		int err;

		err = fl_shell_split(p->text, get_variable, s, &arena, &words, &diag);
		if (err < 0) {
			*last = err;
			stop = report(p, &diag, err);
			fl_diag_fini(&diag);
			return stop;
		}
		while (words.v[end].type < FL_SHELL_SEMICOLON)
			end++;
		if (!skip) {
			err = run_simple(s, words.v + from, end - from, &arena, out, &diag);
			if (end > from)
				*last = err;
			if (err < 0)
				stop = report(p, &diag, err);
		}
		skip = (words.v[end].type == FL_SHELL_AND && *last < 0) ||
		       (words.v[end].type == FL_SHELL_OR && *last == 0);
		from = end + 1;
		more = from < words.n;
		fl_diag_fini(&diag);
	}
	return stop;
}

/* A document that came as a patch has a "+" before each line. */
static struct fl_str without_plus(struct fl_str line)
{
	return fl_str_starts(line, "+") ? fl_str_from(line, 1) : line;
}

/* Joins lines that end in a backslash. The result is @line itself, or text in @joined. */
static struct fl_str continued(struct fl_script *s, struct fl_str line, struct fl_str *rest,
			       uint32_t *line_no, struct fl_buf *joined)
{
	fl_buf_reset(joined);
	while (fl_str_ends(line, "\\") && !fl_str_ends(line, "\\\\") && rest->n) {
		fl_buf_add_str(joined, fl_str_sub(line, 0, line.n - 1));
		fl_str_line(rest, &line);
		if (s->transcript)
			line = without_plus(line);
		++*line_no;
	}
	if (!joined->len)
		return line;
	fl_buf_add_str(joined, line);
	return fl_buf_str(joined);
}

/* The command behind a transcript's prompt; false where the line is none. */
static bool strip_prompt(struct fl_str *line)
{
	struct fl_str s = without_plus(*line);

	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = fl_str_from(s, 1);
	if (!fl_str_starts(s, "# ") && !fl_str_starts(s, "$ "))
		return false;
	*line = fl_str_from(s, 2);
	return true;
}

int fl_script_run(struct fl_script *s, struct fl_str text, const char *place, struct fl_buf *out,
		  fl_script_report_fn report_fn, void *ctx)
{
	struct place p = { .name = place, .report = report_fn, .ctx = ctx };
	_cleanup_buf_ struct fl_buf joined = {};
	uint32_t line_no = 0;
	struct fl_str line;
	int last = 0;

	s->exited = false;
	while (!s->exited && fl_str_line(&text, &line)) {
		int stop;

		p.line = ++line_no;
		if (s->transcript && !strip_prompt(&line))
			continue;
		p.text = continued(s, line, &text, &line_no, &joined);
		stop = joined.error ? joined.error : run_line(s, &p, out, &last);
		if (stop)
			return stop;
	}
	return out->error ? out->error : last;
}

struct fl_script *fl_script_new(struct fl_node *root)
{
	struct fl_script *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->root = root;
	s->cwd = fl_node_ref(root);
	return s;
}

struct fl_script *fl_script_free(struct fl_script *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->nr_vars; i++) {
		free(s->vars[i].name);
		free(s->vars[i].value);
	}
	free(s->vars);
	free(s->added);
	fl_node_unref(s->cwd);
	free(s);
	return NULL;
}

void fl_script_ignore(struct fl_script *s, const char *const *names)
{
	s->ignored = names;
}

int fl_script_add_command(struct fl_script *s, const char *name, fl_script_command_fn fn,
			  void *ctx)
{
	struct added_command *more;

	for (size_t i = 0; i < s->nr_added; i++)
		if (strcmp(s->added[i].name, name) == 0)
			return -EEXIST;
	if (fl_command_exists(fl_str(name)))
		return -EEXIST;
	more = reallocarray(s->added, s->nr_added + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->added = more;
	s->added[s->nr_added++] = (struct added_command){ name, fn, ctx };
	return 0;
}

bool fl_script_is_transcript(struct fl_str text)
{
	struct fl_str line, word;
	bool prompted = false;

	while (fl_str_line(&text, &line)) {
		bool prompt = false;

		line = without_plus(line);
		if (!fl_str_word(&line, &word))
			continue;
		if (fl_str_is(word, "#") || fl_str_is(word, "$")) {
			prompt = true;
			if (!fl_str_word(&line, &word))
				continue;
		}
		if (fl_str_is(word, "true") || fl_str_is(word, "false") || fl_str_is(word, "exit") ||
		    !fl_command_exists(word)) /* also words of prose */
			continue;
		if (!prompt)
			return false;
		prompted = true;
	}
	return prompted;
}

void fl_script_transcript(struct fl_script *s, bool on)
{
	s->transcript = on;
}
