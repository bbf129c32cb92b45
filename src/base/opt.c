/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/opt.h"

#include <errno.h>
#include <string.h>

#include "base/num.h"

void fl_opt_each(const struct fl_opt *rows, size_t base,
		 void (*fn)(const struct fl_opt *row, size_t offset, void *ctx), void *ctx)
{
	for (; rows && rows->type != FL_OPT_TYPE_END; rows++) {
		if (rows->type == FL_OPT_TYPE_GROUP)
			fl_opt_each(rows->group, base + rows->offset, fn, ctx);
		else
			fn(rows, base, ctx);
	}
}

/* A row that was found, and where its group's struct starts. */
struct found {
	struct fl_str name; /* what is looked for: a long name, or one letter */
	bool letter;
	const struct fl_opt *row;
	size_t base;
	struct fl_str names[64]; /* all long names, for "did you mean" */
	size_t nr_names;
};

static void match_row(const struct fl_opt *row, size_t base, void *ctx)
{
	struct found *f = ctx;
	bool hit;

	if (row->name && f->nr_names < FL_ARRAY_SIZE(f->names))
		f->names[f->nr_names++] = fl_str(row->name);
	if (f->letter)
		hit = row->letter && row->letter == f->name.p[0];
	else
		hit = row->name && fl_str_is(f->name, row->name);
	if (hit && !f->row) {
		f->row = row;
		f->base = base;
	}
}

/* A metavar like "mono|boot" names all values there are. */
static bool is_choice(const char *metavar)
{
	return metavar && strchr(metavar, '|') && !strpbrk(metavar, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* The index of @value among the choices, or -EINVAL, when it has been said. */
static int check_choice(const char *metavar, const char *shown, const char *value, struct fl_buf *err)
{
	struct fl_str rest = fl_str(metavar), names[32];
	size_t n = 0, near;

	for (; rest.n && n < FL_ARRAY_SIZE(names); n++) {
		size_t end = fl_str_find(rest, '|', 0);

		names[n] = fl_str_sub(rest, 0, end);
		if (fl_str_is(names[n], value))
			return (int)n;
		rest = fl_str_from(rest, end + 1);
	}
	fl_buf_addf(err, "%s: '%s' is none of %s", shown, value, metavar);
	near = fl_str_nearest(fl_str(value), names, n);
	if (near < n)
		fl_buf_addf(err, ", did you mean '%.*s'?", FL_STR_ARG(names[near]));
	return -EINVAL;
}

static int push(struct fl_strv *list, const char *value)
{
	const char **v = realloc(list->v, (list->n + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	list->v = v;
	v[list->n++] = value;
	return 0;
}

static int store_number(const struct fl_opt *row, uint64_t *at, const char *value)
{
	switch (row->type) {
	case FL_OPT_TYPE_SIZE:
		return fl_parse_size(fl_str(value), at);
	case FL_OPT_TYPE_DURATION:
		return fl_parse_duration(fl_str(value), at);
	default:
		return fl_parse_u64(fl_str(value), 0, at);
	}
}

static const char *number_kind(enum fl_opt_type type)
{
	switch (type) {
	case FL_OPT_TYPE_SIZE:
		return "a size such as 4096, 16K or 2M";
	case FL_OPT_TYPE_DURATION:
		return "a time such as 5, 0.5 or 100ms";
	default:
		return "a number";
	}
}

static int take_number(const struct fl_opt *row, uint64_t *at, const char *shown, const char *value,
		       struct fl_buf *err)
{
	uint64_t v;
	int r = store_number(row, &v, value);

	if (r == 0 && (v < row->min || (row->max && v > row->max)))
		r = -ERANGE;
	if (r == 0)
		*at = v;
	if (r == -ERANGE && row->max)
		fl_buf_addf(err, "%s: '%s' is out of range (%lu to %lu)", shown, value, row->min, row->max);
	else if (r == -ERANGE)
		fl_buf_addf(err, "%s: '%s' is out of range%s", shown, value, row->min ? " (more than 0)" : "");
	else if (r < 0)
		fl_buf_addf(err, "%s: '%s' is not %s", shown, value, number_kind(row->type));
	return r;
}

static int store(const struct fl_opt *row, void *base, const char *shown, const char *value,
		 struct fl_buf *err)
{
	void *at = (char *)base + row->offset;
	int r = 0;

	switch (row->type) {
	case FL_OPT_TYPE_FLAG:
		*(bool *)at = true;
		break;
	case FL_OPT_TYPE_STR:
		if (is_choice(row->metavar))
			r = check_choice(row->metavar, shown, value, err);
		if (r < 0)
			return r;
		r = 0;
		*(const char **)at = value;
		break;
	case FL_OPT_TYPE_LIST:
		r = push(at, value);
		break;
	default:
		r = take_number(row, at, shown, value, err);
	}
	if (r == 0 && row->set_offset != SIZE_MAX)
		*(bool *)((char *)base + row->set_offset) = true;
	return r;
}

struct parse {
	const struct fl_cmd *cmd;
	char **argv;
	int argc, next;
	void *opts;
	struct fl_buf *err;
	bool help;
};

static int unknown(struct parse *p, struct found *f, const char *shown)
{
	size_t near;

	if (f->nr_names < FL_ARRAY_SIZE(f->names))
		f->names[f->nr_names++] = FL_STR("help");
	near = f->letter ? f->nr_names : fl_str_nearest(f->name, f->names, f->nr_names);
	fl_buf_addf(p->err, "unknown option '%s'", shown);
	if (near < f->nr_names)
		fl_buf_addf(p->err, ", did you mean '--%.*s'?", FL_STR_ARG(f->names[near]));
	return -EINVAL;
}

static int parse_long(struct parse *p, char *arg)
{
	char *value = strchr(arg, '='), shown[64];
	struct found f = { .name = value ? fl_str_n(arg + 2, value - arg - 2) : fl_str(arg + 2) };

	snprintf(shown, sizeof(shown), "--%.*s", FL_STR_ARG(f.name));
	if (fl_str_is(f.name, "help") && !value) {
		p->help = true;
		return 0;
	}
	fl_opt_each(p->cmd->options, 0, match_row, &f);
	if (!f.row)
		return unknown(p, &f, shown);
	if (value && f.row->type == FL_OPT_TYPE_FLAG) {
		fl_buf_addf(p->err, "%s takes no value", shown);
		return -EINVAL;
	}
	if (value)
		value++;
	else if (f.row->may_be_bare)
		value = (char *)"";
	else if (f.row->type != FL_OPT_TYPE_FLAG && p->next < p->argc)
		value = p->argv[p->next++];
	if (f.row->type != FL_OPT_TYPE_FLAG && (!value || (f.row->may_be_bare && arg[2 + f.name.n] && !*value))) {
		fl_buf_addf(p->err, "%s needs a value (%s)", shown, f.row->metavar);
		return -EINVAL;
	}
	return store(f.row, (char *)p->opts + f.base, shown, value, p->err);
}

/* "-jn5" is "-j -n 5". */
static int parse_letters(struct parse *p, char *arg)
{
	for (char *at = arg + 1; *at;) {
		struct found f = { .name = { at, 1 }, .letter = true };
		char shown[3] = { '-', *at, '\0' };
		char *value;
		int r;

		if (*at == 'h') {
			p->help = true;
			return 0;
		}
		fl_opt_each(p->cmd->options, 0, match_row, &f);
		if (!f.row)
			return unknown(p, &f, shown);
		at++;
		if (f.row->type == FL_OPT_TYPE_FLAG) {
			r = store(f.row, (char *)p->opts + f.base, shown, NULL, p->err);
			if (r < 0)
				return r;
			continue;
		}
		value = *at ? at : p->next < p->argc ? p->argv[p->next++] : NULL;
		if (!value) {
			fl_buf_addf(p->err, "%s needs a value (%s)", shown, f.row->metavar);
			return -EINVAL;
		}
		return store(f.row, (char *)p->opts + f.base, shown, value, p->err);
	}
	return 0;
}

static int check_operands(struct parse *p, const struct fl_args *args)
{
	if (args->command && !p->cmd->takes_command) {
		fl_buf_addz(p->err, "'--' and a command have no meaning here");
		return -EINVAL;
	}
	if (args->command && !args->command[0]) {
		fl_buf_addz(p->err, "a command is expected behind '--'");
		return -EINVAL;
	}
	if (args->n < p->cmd->min_args) {
		fl_buf_addf(p->err, "%s is missing", p->cmd->args);
		return -EINVAL;
	}
	if (args->n > p->cmd->max_args) {
		fl_buf_addf(p->err, "unexpected argument '%s'", args->v[p->cmd->max_args]);
		return -EINVAL;
	}
	return 0;
}

/* A line that removes an event begins like an option. */
static bool is_removal(const struct fl_cmd *cmd, const char *arg)
{
	return cmd->takes_removals && arg[0] == '-' && arg[1] != '-' && strpbrk(arg, ":/");
}

int fl_opt_parse(const struct fl_cmd *cmd, int argc, char **argv, void *opts, struct fl_args *args,
		 bool *ret_help, struct fl_buf *err)
{
	struct parse p = { .cmd = cmd, .argv = argv, .argc = argc, .opts = opts, .err = err };
	int r = 0;

	*args = (struct fl_args){ .v = argv };
	while (p.next < argc && r == 0 && !p.help) {
		char *arg = argv[p.next++];

		if (strcmp(arg, "--") == 0) {
			args->command = argv + p.next;
			break;
		}
		if (is_removal(cmd, arg))
			args->v[args->n++] = arg;
		else if (arg[0] == '-' && arg[1] == '-')
			r = parse_long(&p, arg);
		else if (arg[0] == '-' && arg[1])
			r = parse_letters(&p, arg);
		else
			args->v[args->n++] = arg;
	}
	if (r == 0 && !p.help)
		r = check_operands(&p, args);
	*ret_help = p.help;
	return r;
}

static void release_row(const struct fl_opt *row, size_t base, void *opts)
{
	struct fl_strv *list = (void *)((char *)opts + base + row->offset);

	if (row->type != FL_OPT_TYPE_LIST)
		return;
	free(list->v);
	*list = (struct fl_strv){};
}

void fl_opt_release(const struct fl_cmd *cmd, void *opts)
{
	fl_opt_each(cmd->options, 0, release_row, opts);
}
