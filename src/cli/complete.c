/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a shell may complete, out of the command table. The shells' scripts know nothing: they hand the
 * words over to "foreland --complete" and offer what it prints, so that bash, zsh and fish agree.
 */
#include "cli/complete.h"

#include <string.h>

#include "base/util.h"

struct completion {
	const struct fl_word_list *lists;
	struct fl_str typed;  /* what stands there already */
	const char *prefix;   /* what of the word stays in front: "--option=" for shells that keep it */
	const char *option;   /* the word whose value is asked for, with its dashes; or NULL */
	const struct fl_opt *row;
	struct fl_buf *out;
};

static void offer(struct completion *c, struct fl_str word, const char *about)
{
	if (word.n < c->typed.n || memcmp(word.p, c->typed.p, c->typed.n) != 0)
		return;
	fl_buf_addf(c->out, "%s%.*s", c->prefix, FL_STR_ARG(word));
	if (about)
		fl_buf_addf(c->out, "\t%s", about);
	fl_buf_addc(c->out, '\n');
}

static void offer_option(const struct fl_opt *row, size_t base, void *ctx)
{
	struct completion *c = ctx;
	char word[64];

	if (row->letter) {
		snprintf(word, sizeof(word), "-%c", row->letter);
		offer(c, fl_str(word), row->help);
	}
	if (row->name) {
		snprintf(word, sizeof(word), "--%s", row->name);
		offer(c, fl_str(word), row->help);
	}
}

/* "-jn" is "-j -n": the last letter of the word is the option that a value belongs to. */
static void find_row(const struct fl_opt *row, size_t base, void *ctx)
{
	struct completion *c = ctx;
	const char *o = c->option;
	bool hit = o[0] == '-' && o[1] == '-' ? row->name && strcmp(o + 2, row->name) == 0
					      : row->letter && o[strlen(o) - 1] == row->letter;

	if (hit && row->type != FL_OPT_TYPE_FLAG)
		c->row = row;
}

/* Each of "a|b|c", as far as it is a word and no placeholder. */
static void offer_choices(struct completion *c, struct fl_str choices)
{
	while (choices.n) {
		size_t end = fl_str_find(choices, '|', 0);
		struct fl_str word = fl_str_sub(choices, 0, end);
		bool upper = false;

		for (size_t i = 0; i < word.n; i++)
			upper |= word.p[i] >= 'A' && word.p[i] <= 'Z';
		if (!upper)
			offer(c, word, NULL);
		choices = fl_str_from(choices, end + 1);
	}
}

/* A list's words; of one that takes several, with commas, the last is completed. */
static void offer_list(struct completion *c, const struct fl_word_list *list)
{
	_cleanup_buf_ struct fl_buf words = {}, prefix = {};
	struct fl_str rest, line, typed = c->typed;
	const char *comma = strchr(list->metavar, ',') ? memrchr(typed.p, ',', typed.n) : NULL;
	struct completion part = *c;

	fl_buf_addz(&prefix, c->prefix);
	if (comma) {
		size_t kept = (size_t)(comma - typed.p) + 1;

		fl_buf_add_str(&prefix, fl_str_sub(typed, 0, kept));
		part.typed = fl_str_from(typed, kept);
	}
	part.prefix = fl_buf_z(&prefix);
	list->list(&words);
	rest = fl_buf_str(&words);
	while (fl_str_line(&rest, &line))
		offer(&part, line, NULL);
}

/* What the shell knows itself. */
static void offer_places(struct completion *c, const char *metavar)
{
	if (strstr(metavar, "FILE") || strstr(metavar, "PATH") || strstr(metavar, "BTF") ||
	    strstr(metavar, "DEFS") || strstr(metavar, "TREE") || strstr(metavar, "OLD"))
		fl_buf_addz(c->out, ":files\n");
	else if (strstr(metavar, "DIR"))
		fl_buf_addz(c->out, ":dirs\n");
}

static void offer_values(struct completion *c, const char *metavar)
{
	for (const struct fl_word_list *l = c->lists; l->metavar; l++)
		if (strcmp(l->metavar, metavar) == 0)
			offer_list(c, l);
	if (strchr(metavar, '|'))
		offer_choices(c, fl_str(metavar));
	offer_places(c, metavar);
}

/* An operand: the first choices of a synopsis such as "functions|types GLOB" are for the first. */
static void offer_operands(struct completion *c, const struct fl_cmd *cmd, size_t operands)
{
	struct fl_str args = fl_str(cmd->args), word;

	if (!cmd->args || operands >= cmd->max_args)
		return;
	if (!operands && fl_str_word(&args, &word) && word.p[0] >= 'a' && word.p[0] <= 'z')
		offer_choices(c, word);
	else
		offer_places(c, cmd->args);
}

static const struct fl_cmd *sub_of(const struct fl_cmd *cmd, const char *name)
{
	for (size_t i = 0; cmd->subs && cmd->subs[i]; i++)
		if (strcmp(cmd->subs[i]->name, name) == 0)
			return cmd->subs[i];
	return NULL;
}

static bool takes_value(struct completion *c, const struct fl_cmd *cmd, const char *word)
{
	c->option = word;
	c->row = NULL;
	if (word[0] == '-' && word[1] && !strchr(word, '='))
		fl_opt_each(cmd->options, 0, find_row, c);
	return c->row != NULL;
}

static void offer_words(struct completion *c, const struct fl_cmd *cmd, size_t operands)
{
	if (c->typed.n && c->typed.p[0] == '-') {
		offer(c, FL_STR("--help"), "show this help");
		fl_opt_each(cmd->options, 0, offer_option, c);
		return;
	}
	for (size_t i = 0; cmd->subs && cmd->subs[i]; i++)
		offer(c, fl_str(cmd->subs[i]->name), cmd->subs[i]->summary);
	if (!cmd->subs)
		offer_operands(c, cmd, operands);
}

void fl_cmd_complete(const struct fl_cmd *root, const struct fl_word_list *lists, char *const *words,
		     size_t n, struct fl_buf *out)
{
	struct completion c = { .lists = lists, .prefix = "", .out = out };
	_cleanup_buf_ struct fl_buf prefix = {};
	const struct fl_cmd *cmd = root;
	const char *last = n ? words[n - 1] : "", *equals;
	size_t operands = 0;
	bool value = false;

	for (size_t i = 0; i + 1 < n; i++) {
		const struct fl_cmd *sub = sub_of(cmd, words[i]);

		if (strcmp(words[i], "--") == 0 && cmd->takes_command) {
			fl_buf_addz(out, i + 2 == n ? ":commands\n" : ":files\n");
			return;
		}
		if (value && strcmp(words[i], "=") == 0) /* bash cuts there */
			continue;
		if (value)
			value = false;
		else if (sub)
			cmd = sub;
		else if (words[i][0] == '-')
			value = takes_value(&c, cmd, words[i]) &&
				(!c.row->may_be_bare || strcmp(words[i + 1], "=") == 0);
		else
			operands += cmd != root || strcmp(words[i], "help") != 0;
	}
	equals = strchr(last, '=');
	if (value) {
		c.typed = fl_str(strcmp(last, "=") == 0 ? "" : last);
	} else if (last[0] == '-' && equals) {
		fl_buf_add(&prefix, last, (size_t)(equals - last));
		value = takes_value(&c, cmd, fl_buf_z(&prefix));
		fl_buf_addc(&prefix, '=');
		c.prefix = fl_buf_z(&prefix);
		c.typed = fl_str(equals + 1);
	} else {
		c.typed = fl_str(last);
	}
	if (value)
		offer_values(&c, c.row->metavar);
	else
		offer_words(&c, cmd, operands);
}

/* %1$s is the program's name. */
static const char bash_script[] =
	"# bash completion for %1$s: the program itself knows its words\n"
	"_%1$s()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} word about\n"
	"\tCOMPREPLY=()\n"
	"\t[ \"$cur\" != = ] || cur=''\n"
	"\twhile IFS=$'\\t' read -r word about; do\n"
	"\t\tcase $word in\n"
	"\t\t:files)    compopt -o filenames 2>/dev/null\n"
	"\t\t           mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\t\t:dirs)     compopt -o filenames 2>/dev/null\n"
	"\t\t           mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\t\t:commands) mapfile -t COMPREPLY < <(compgen -c -- \"$cur\") ;;\n"
	"\t\t*)         COMPREPLY+=(\"$word\") ;;\n"
	"\t\tesac\n"
	"\tdone < <(\"${COMP_WORDS[0]}\" --complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _%1$s %1$s\n";

static const char zsh_script[] =
	"#compdef %1$s\n"
	"# zsh completion for %1$s: the program itself knows its words\n"
	"_%1$s()\n"
	"{\n"
	"\tlocal line\n"
	"\tlocal -a offered\n"
	"\tfor line in \"${(@f)$(\"${words[1]}\" --complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
	"\t\tcase $line in\n"
	"\t\t'') ;;\n"
	"\t\t:files) _files ;;\n"
	"\t\t:dirs) _files -/ ;;\n"
	"\t\t:commands) _command_names -e ;;\n"
	"\t\t*) offered+=(\"${${line//:/\\\\:}/$'\\t'/:}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\t(( ! $#offered )) || _describe %1$s offered\n"
	"}\n"
	"[ \"$funcstack[1]\" != _%1$s ] || _%1$s \"$@\"\n";

static const char fish_script[] =
	"# fish completion for %1$s: the program itself knows its words\n"
	"function __%1$s\n"
	"\tset -l typed (commandline -opc)\n"
	"\tset -l current (commandline -ct)\n"
	"\tfor line in ($typed[1] --complete $typed[2..-1] \"$current\" 2>/dev/null)\n"
	"\t\tswitch $line\n"
	"\t\t\tcase ':files'\n"
	"\t\t\t\t__fish_complete_path \"$current\"\n"
	"\t\t\tcase ':dirs'\n"
	"\t\t\t\t__fish_complete_directories \"$current\"\n"
	"\t\t\tcase ':commands'\n"
	"\t\t\t\tcomplete -C \"$current\"\n"
	"\t\t\tcase '*'\n"
	"\t\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c %1$s -f -a '(__%1$s)'\n";

void fl_cmd_completion(const struct fl_cmd *root, const char *shell, struct fl_buf *out)
{
	const char *script = strcmp(shell, "zsh") == 0 ? zsh_script : strcmp(shell, "fish") == 0 ? fish_script
												  : bash_script;

	for (const char *p = script; *p; p++) {
		if (strncmp(p, "%1$s", 4) == 0) {
			fl_buf_addz(out, root->name);
			p += 3;
		} else {
			fl_buf_addc(out, *p);
		}
	}
}
