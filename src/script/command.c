/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each command is a row of commands[]: a function from its operands to 0 or a negative errno, which
 * names the word that the errno is about. The messages are those of coreutils' tools in the C
 * locale, because that is what a person has seen on the real files.
 */
#include "script/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "script/errors.h"
#include "vfs/dir.h"

#define READ_CHUNK 4096
#define CAT_MAX	   (64u << 20) /* a file that never ends stops here with -EFBIG */

static int usage(struct fl_command *c, const struct fl_shell_word *word, const char *what)
{
	int err = fl_diag_set(c->diag, &fl_script_errors[FL_SCRIPT_COMMAND_USAGE], word->span);

	fl_diag_message(c->diag, "%.*s: %s", FL_STR_ARG(c->args[0].text), what);
	return err;
}

int fl_command_blame(struct fl_command *c, const struct fl_shell_word *word, const char *doing, int err)
{
	if (err < 0) {
		c->culprit = word;
		c->doing = doing;
	}
	return err;
}

/* Takes options of single letters off the front; the first operand's index, or -EINVAL. */
static int options(struct fl_command *c, const char *allowed, bool *ret_given)
{
	size_t i = 1;

	for (; i < c->n; i++) {
		struct fl_str w = c->args[i].text;

		if (w.n < 2 || w.p[0] != '-')
			break;
		if (fl_str_is(w, "--"))
			return i + 1;
		for (size_t j = 1; j < w.n; j++) {
			size_t hit = fl_str_find(fl_str(allowed), w.p[j], 0);

			if (!allowed[hit])
				return usage(c, &c->args[i], "invalid option");
			ret_given[hit] = true;
		}
	}
	return i;
}

static int read_node(struct fl_node *n, struct fl_buf *out)
{
	struct fl_open *o;
	size_t total = 0;
	ssize_t got;
	int err;

	err = fl_vfs_open(n, O_RDONLY, &o);
	if (err < 0)
		return err;
	do {
		char *at = fl_buf_reserve(out, READ_CHUNK);

		got = at ? fl_vfs_read(o, at, READ_CHUNK, total) : -ENOMEM;
		if (got > 0) {
			out->len += got;
			out->data[out->len] = '\0';
			total += got;
		}
		if (total > CAT_MAX)
			got = -EFBIG;
	} while (got > 0);
	fl_vfs_close(o);
	return got;
}

static int read_path(struct fl_command *c, const struct fl_shell_word *path, struct fl_buf *out)
{
	struct fl_node *n;
	int err = fl_node_walk(c->s->cwd, path->text, true, &n);

	if (err < 0)
		return err;
	err = read_node(n, out);
	fl_node_unref(n);
	return err;
}

static int cmd_cat(struct fl_command *c)
{
	bool given[1] = {};
	int first = options(c, "", given), err = 0;

	if (first < 0)
		return first;
	if (c->input)
		return fl_command_blame(c, c->input, "", read_path(c, c->input, &c->out));
	if ((size_t)first == c->n)
		return usage(c, &c->args[0], "a file is expected");
	for (size_t i = first; i < c->n; i++) {
		int one = fl_command_blame(c, &c->args[i], "", read_path(c, &c->args[i], &c->out));

		err = one < 0 ? one : err;
	}
	return err;
}

static int cmd_echo(struct fl_command *c)
{
	bool newline = c->n < 2 || !fl_str_is(c->args[1].text, "-n");

	for (size_t i = newline ? 1 : 2; i < c->n; i++) {
		fl_buf_add_str(&c->out, c->args[i].text);
		if (i + 1 < c->n)
			fl_buf_addc(&c->out, ' ');
	}
	if (newline)
		fl_buf_addc(&c->out, '\n');
	return 0;
}

static int make_parents(struct fl_command *c, struct fl_str path)
{
	int err = 0;

	for (size_t end = 1; end <= path.n && err == 0; end++) {
		if (end < path.n && path.p[end] != '/')
			continue;
		err = fl_vfs_mkdir(c->s->cwd, fl_str_sub(path, 0, end));
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

static int cmd_mkdir(struct fl_command *c)
{
	bool parents = false;
	int first = options(c, "p", &parents), err = 0;

	if (first < 0)
		return first;
	if ((size_t)first == c->n)
		return usage(c, &c->args[0], "missing operand");
	for (size_t i = first; i < c->n; i++) {
		struct fl_str path = c->args[i].text;
		int one = parents ? make_parents(c, path) : fl_vfs_mkdir(c->s->cwd, path);

		one = fl_command_blame(c, &c->args[i], "cannot create directory ", one);
		err = one < 0 ? one : err;
	}
	return err;
}

static int each_operand(struct fl_command *c, int (*call)(struct fl_node *, struct fl_str), bool force,
			int first, const char *doing)
{
	int err = 0;

	if ((size_t)first == c->n && !force)
		return usage(c, &c->args[0], "missing operand");
	for (size_t i = first; i < c->n; i++) {
		int one = call(c->s->cwd, c->args[i].text);

		if (one == -ENOENT && force)
			one = 0;
		one = fl_command_blame(c, &c->args[i], doing, one);
		err = one < 0 ? one : err;
	}
	return err;
}

static int cmd_rmdir(struct fl_command *c)
{
	bool given[1] = {};
	int first = options(c, "", given);

	return first < 0 ? first : each_operand(c, fl_vfs_rmdir, false, first, "failed to remove ");
}

static int cmd_rm(struct fl_command *c)
{
	bool force = false;
	int first = options(c, "f", &force);

	return first < 0 ? first : each_operand(c, fl_vfs_unlink, force, first, "cannot remove ");
}

static struct fl_str last_part(struct fl_str path)
{
	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	return fl_str_base_name(path);
}

/* "ln -s TARGET DIR" makes DIR/<last part of TARGET>, as ln does. */
static int cmd_ln(struct fl_command *c)
{
	bool given[2] = {};
	int first = options(c, "sn", given), err;
	_cleanup_buf_ struct fl_buf inside = {};
	struct fl_str target, path;
	struct fl_node *n;

	if (first < 0)
		return first;
	if (!given[0])
		return usage(c, &c->args[0], "only symbolic links (-s) can be made here");
	if (c->n - first != 1 && c->n - first != 2)
		return usage(c, &c->args[0], "a target and a link's name are expected");
	target = c->args[first].text;
	path = c->n - first == 2 ? c->args[first + 1].text : FL_STR(".");
	if (fl_node_walk(c->s->cwd, path, true, &n) == 0) {
		if (n->type == FL_NODE_DIR) {
			fl_buf_add_str(&inside, path);
			fl_buf_addc(&inside, '/');
			fl_buf_add_str(&inside, last_part(target));
			path = fl_buf_str(&inside);
		}
		fl_node_unref(n);
	}
	err = fl_vfs_symlink(c->s->cwd, target, path);
	return fl_command_blame(c, &c->args[c->n - 1], "failed to create symbolic link ", err);
}

static int cmd_cd(struct fl_command *c)
{
	struct fl_str path = c->n > 1 ? c->args[1].text : FL_STR("/");
	struct fl_node *n;
	int err;

	if (c->n > 2)
		return usage(c, &c->args[2], "too many arguments");
	err = fl_node_walk(c->s->cwd, path, true, &n);
	if (err == 0 && n->type != FL_NODE_DIR) {
		fl_node_unref(n);
		err = -ENOTDIR;
	}
	if (err < 0)
		return fl_command_blame(c, &c->args[c->n - 1], "", err);
	fl_node_unref(c->s->cwd);
	c->s->cwd = n;
	return 0;
}

struct name_of {
	const struct fl_node *node;
	struct fl_str name;
};

static int match_node(void *ctx, struct fl_str name, enum fl_node_type type)
{
	struct name_of *want = ctx;
	struct fl_node *n = NULL;
	bool hit;

	if (want->node->parent->ops->lookup(want->node->parent, name, &n) < 0)
		return 0;
	hit = n == want->node;
	fl_node_unref(n);
	if (hit)
		want->name = name;
	return hit;
}

static void add_path(struct fl_node *n, struct fl_buf *out)
{
	struct name_of want = { .node = n };

	if (!n->parent)
		return;
	add_path(n->parent, out);
	fl_vfs_readdir(n->parent, match_node, &want);
	fl_buf_addc(out, '/');
	fl_buf_add_str(out, want.name);
}

static int cmd_pwd(struct fl_command *c)
{
	add_path(c->s->cwd, &c->out);
	if (!c->out.len)
		fl_buf_addc(&c->out, '/');
	fl_buf_addc(&c->out, '\n');
	return 0;
}

struct listing {
	struct fl_arena arena;
	struct fl_str *names;
	size_t n, cap;
};

static int list_entry(void *ctx, struct fl_str name, enum fl_node_type type)
{
	struct listing *l = ctx;
	char *copy = fl_arena_dup(&l->arena, name);

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		struct fl_str *more = realloc(l->names, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->names = more;
		l->cap = cap;
	}
	if (!copy)
		return -ENOMEM;
	l->names[l->n++] = fl_str_n(copy, name.n);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return fl_str_cmp(*(const struct fl_str *)a, *(const struct fl_str *)b);
}

static int list_dir(struct fl_node *dir, struct fl_buf *out)
{
	struct listing l = {};
	int err = fl_vfs_readdir(dir, list_entry, &l);

	if (err == 0 && l.n)
		qsort(l.names, l.n, sizeof(*l.names), by_name);
	for (size_t i = 0; err == 0 && i < l.n; i++) {
		fl_buf_add_str(out, l.names[i]);
		fl_buf_addc(out, '\n');
	}
	free(l.names);
	fl_arena_fini(&l.arena);
	return err;
}

static int list_path(struct fl_command *c, struct fl_str path, bool heading)
{
	struct fl_node *n;
	int err = fl_node_walk(c->s->cwd, path, true, &n);

	if (err < 0)
		return err;
	if (n->type == FL_NODE_DIR) {
		if (heading)
			fl_buf_addf(&c->out, "%s%.*s:\n", c->out.len ? "\n" : "", FL_STR_ARG(path));
		err = list_dir(n, &c->out);
	} else {
		fl_buf_add_str(&c->out, path);
		fl_buf_addc(&c->out, '\n');
	}
	fl_node_unref(n);
	return err;
}

static int cmd_ls(struct fl_command *c)
{
	bool one_a_line = false;
	int first = options(c, "1", &one_a_line), err = 0;

	if (first < 0)
		return first;
	if ((size_t)first == c->n)
		return fl_command_blame(c, &c->args[0], "cannot access ", list_path(c, FL_STR("."), false));
	for (size_t i = first; i < c->n; i++) {
		int one = list_path(c, c->args[i].text, c->n - first > 1);

		one = fl_command_blame(c, &c->args[i], "cannot access ", one);
		err = one < 0 ? one : err;
	}
	return err;
}

static int cmd_true(struct fl_command *c)
{
	return 0;
}

static int cmd_false(struct fl_command *c)
{
	return fl_command_blame(c, &c->args[0], "", -ECANCELED);
}

static int cmd_exit(struct fl_command *c)
{
	c->s->exited = true;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct fl_command *c);
} commands[] = {
	{ ":", cmd_true },    { "cat", cmd_cat },     { "cd", cmd_cd },	    { "echo", cmd_echo },
	{ "exit", cmd_exit }, { "false", cmd_false }, { "ln", cmd_ln },	    { "ls", cmd_ls },
	{ "mkdir", cmd_mkdir }, { "pwd", cmd_pwd },   { "rm", cmd_rm },	    { "rmdir", cmd_rmdir },
	{ "true", cmd_true },
};

static int not_found(struct fl_command *c)
{
	struct fl_str name = c->args[0].text, names[FL_ARRAY_SIZE(commands)];
	size_t near;
	int err;

	for (const char *const *p = c->s->ignored; p && *p; p++)
		if (fl_str_is(name, *p))
			return 0;
	for (size_t i = 0; i < FL_ARRAY_SIZE(commands); i++)
		names[i] = fl_str(commands[i].name);
	near = fl_str_nearest(name, names, FL_ARRAY_SIZE(names));
	err = fl_diag_set(c->diag, &fl_script_errors[FL_SCRIPT_COMMAND_NOT_FOUND], c->args[0].span);
	fl_diag_message(c->diag, "%.*s: command not found", FL_STR_ARG(name));
	if (near < FL_ARRAY_SIZE(names))
		fl_diag_help(c->diag, "did you mean '%.*s'?", FL_STR_ARG(names[near]));
	return err;
}

static int call_added(struct fl_command *c, const struct added_command *a)
{
	struct fl_str *args = reallocarray(NULL, c->n, sizeof(*args));
	int err;

	if (!args)
		return -ENOMEM;
	for (size_t i = 1; i < c->n; i++)
		args[i - 1] = c->args[i].text;
	err = fl_command_blame(c, &c->args[0], "", a->fn(a->ctx, args, c->n - 1, &c->out));
	free(args);
	return err;
}

bool fl_command_exists(struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(commands); i++)
		if (fl_str_is(name, commands[i].name))
			return true;
	return false;
}

int fl_command_call(struct fl_command *c)
{
	for (size_t i = 0; i < c->s->nr_added; i++)
		if (fl_str_is(c->args[0].text, c->s->added[i].name))
			return call_added(c, &c->s->added[i]);
	for (size_t i = 0; i < FL_ARRAY_SIZE(commands); i++)
		if (fl_str_is(c->args[0].text, commands[i].name))
			return commands[i].run(c);
	return not_found(c);
}

