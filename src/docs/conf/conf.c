/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf.py is a Python program, and so are the extensions beside it; but what they say of directives,
 * roles and pages is nearly always written down as it is. So the text is gone over token by token, and
 * these forms are understood wherever they stand, in both branches of a condition, because no
 * condition is decided here:
 *
 *   extensions = ["a", "b"]        NAME += [...]     NAME.append("c")     NAME.extend([...])
 *   rst_prolog = ".. |name| ..."    rst_epilog += ".. include:: /file"      extlinks = {"role": ...}
 *   primary_domain = "c"            c_id_attributes = [...]        c_paren_attributes = [...]
 *   app.add_directive("name", Class)     app.add_role("name", f)     roles.register_local_role("name", f)
 *   app.add_domain(Class), app.add_crossref_type("directive", "role")
 *   class Class(Base):  required_arguments = 1  has_content = True  option_spec = {"key": ...}
 *
 * Anything else that is given to one of those names is remembered as computed, with its line. A class
 * inherits what it does not say from a class of docutils that the vocabulary knows, or from one of the
 * same file; of a class from elsewhere nothing is known, and it may take anything.
 *
 * An extension is looked for beside conf.py and in the folders there that hold Python files; those of
 * Sphinx are known by name (directives.def), and the ones of themes have no words. Where an extension
 * is none of these, unknown words may be its own: the vocabulary is "foreign".
 */
#include "docs/conf/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/util.h"
#include "docs/conf/python.h"

struct reader {
	struct docs_conf *c;
	const struct docs_tree *t;
	const char *file;
	struct python p;
	struct python_token at; /* the token at hand */
};

static void next(struct reader *r)
{
	r->at = python_next(&r->p);
}

static bool mark(const struct reader *r, char c)
{
	return r->at.kind == PYTHON_MARK && r->at.s.p[0] == c;
}

static bool is_name(const struct reader *r, const char *name)
{
	return r->at.kind == PYTHON_NAME && fl_str_is(r->at.s, name);
}

/* A copy of @s that lives as long as the configuration. */
static struct fl_str own_copy(struct docs_conf *c, struct fl_str s)
{
	char *copy = fl_arena_dup(&c->arena, s);

	if (!copy)
		c->error = -ENOMEM;
	return fl_str_n(copy ? copy : "", copy ? s.n : 0);
}

static struct fl_map_entry *add(struct docs_conf *c, struct fl_map *m, struct fl_str name)
{
	struct fl_map_entry *e = fl_map_get(m, name);

	if (!e && name.n)
		e = fl_map_put(m, own_copy(c, name), NULL);
	if (!e && name.n)
		c->error = -ENOMEM;
	return e;
}

static void computed(struct reader *r, struct fl_str name, uint32_t line)
{
	char text[PATH_MAX + 100];
	struct fl_map_entry *e;

	if (snprintf(text, sizeof(text), "%s %.*s", r->file, FL_STR_ARG(name)) >= (int)sizeof(text) ||
	    fl_map_get(&r->c->computed, fl_str(text)))
		return;
	e = add(r->c, &r->c->computed, fl_str(text));
	if (e)
		e->num = line;
}

/* -- lists -- */

/* "[...]" or "(...)" of strings at hand, each added to @to (NULL: none). False: something else is in it. */
static bool strings(struct reader *r, struct fl_map *to)
{
	bool plain = true;

	if (r->at.kind == PYTHON_STRING) {
		plain = !r->at.computed;
		if (to && plain)
			add(r->c, to, r->at.s);
		next(r);
		return plain;
	}
	if (!mark(r, '[') && !mark(r, '(') && !mark(r, '{'))
		return false;
	for (next(r); r->at.kind != PYTHON_END && !mark(r, ']') && !mark(r, ')') && !mark(r, '}'); next(r)) {
		if (r->at.kind == PYTHON_STRING && !r->at.computed) {
			if (to)
				add(r->c, to, r->at.s);
		} else if (!mark(r, ',')) {
			plain = false;
		}
	}
	next(r);
	return plain;
}

static bool ends_statement(const struct reader *r)
{
	return r->at.kind == PYTHON_LINE || r->at.kind == PYTHON_END || mark(r, ';') || mark(r, ')');
}

/* What is given to @name, behind "=", "+=", ".append" or ".extend", becomes part of @to. */
static void give(struct reader *r, struct fl_map *to, struct fl_str name)
{
	uint32_t line = r->at.line;

	if (mark(r, '.')) {
		next(r);
		if (!is_name(r, "append") && !is_name(r, "extend") && !is_name(r, "insert"))
			return;
		next(r);
		if (mark(r, '('))
			next(r);
	} else if (mark(r, '+') || mark(r, '=')) {
		if (mark(r, '+'))
			next(r);
		if (!mark(r, '='))
			return;
		next(r);
		if (mark(r, '='))
			return; /* compared */
	} else {
		return;
	}
	if (!strings(r, to) || !ends_statement(r))
		computed(r, name, line);
}

/* -- directives -- */

struct class {
	struct fl_str name, base;
	struct rst_directive d;
	bool args, optional, blanks, content, options; /* which of them it says itself */
	struct fl_str domain, directives, roles; /* of a domain: its name, and its words */
};

/* The keys of the dictionary at hand, with blanks between. */
static struct fl_str keys(struct reader *r)
{
	struct fl_buf b = {};
	struct fl_str s;
	unsigned int depth = 0;
	bool key = true;

	for (; r->at.kind != PYTHON_END; next(r)) {
		if (mark(r, '{') || mark(r, '(') || mark(r, '['))
			depth++;
		else if (mark(r, '}') || mark(r, ')') || mark(r, ']'))
			depth--;
		else if (depth == 1 && r->at.kind == PYTHON_STRING && key) {
			fl_buf_addz(&b, b.len ? " " : "");
			fl_buf_add_str(&b, r->at.s);
			key = false;
		}
		key |= depth == 1 && (mark(r, ',') || mark(r, '{'));
		if (!depth)
			break;
	}
	next(r);
	s = own_copy(r->c, fl_buf_str(&b));
	if (b.error)
		r->c->error = b.error;
	fl_buf_fini(&b);
	return s;
}

static unsigned int number(struct fl_str s)
{
	unsigned int v = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < RST_ANY_ARGS; i++)
		v = v * 10 + (unsigned int)(s.p[i] - '0');
	return v;
}

/* One "NAME = VALUE" of a class's body; NAME is at hand. */
static void class_member(struct reader *r, struct class *k)
{
	struct fl_str name = r->at.s;

	next(r);
	if (mark(r, ':')) { /* option_spec: dict = {...} */
		while (!mark(r, '=') && !ends_statement(r))
			next(r);
	}
	if (!mark(r, '='))
		return;
	next(r);
	if (fl_str_is(name, "required_arguments")) {
		k->d.required = number(r->at.s);
		k->args = true;
	} else if (fl_str_is(name, "optional_arguments")) {
		k->d.optional = number(r->at.s);
		k->optional = true;
	} else if (fl_str_is(name, "final_argument_whitespace")) {
		k->d.blanks = is_name(r, "True");
		k->blanks = true;
	} else if (fl_str_is(name, "has_content")) {
		k->d.content = is_name(r, "True") ? RST_CONTENT_RAW : RST_CONTENT_NONE;
		k->content = true;
	} else if (fl_str_is(name, "option_spec")) {
		k->d.options = mark(r, '{') ? keys(r).p : "*";
		k->options = true;
	} else if (fl_str_is(name, "name") && r->at.kind == PYTHON_STRING) {
		k->domain = own_copy(r->c, r->at.s);
	} else if (fl_str_is(name, "directives") && mark(r, '{')) {
		k->directives = keys(r);
	} else if (fl_str_is(name, "roles") && mark(r, '{')) {
		k->roles = keys(r);
	}
}

/* "class NAME(BASE):" at hand, and its body: all lines that are indented deeper. */
static void class_body(struct reader *r, struct class *k)
{
	uint32_t indent = r->at.indent;

	next(r);
	k->name = r->at.s;
	next(r);
	if (mark(r, '(')) {
		for (next(r); r->at.kind == PYTHON_NAME || mark(r, '.'); next(r)) {
			if (r->at.kind == PYTHON_NAME)
				k->base = r->at.s; /* the last part: images.Figure */
		}
	}
	while (r->at.kind != PYTHON_LINE && r->at.kind != PYTHON_END)
		next(r);
	for (next(r); r->at.kind != PYTHON_END && (r->at.indent == UINT32_MAX || r->at.indent > indent);) {
		if (r->at.indent != UINT32_MAX && r->at.kind == PYTHON_NAME)
			class_member(r, k);
		else
			next(r);
	}
}

/* All classes of a file, from its end to its start; lives in the arena. */
struct classes {
	struct class k;
	struct classes *next;
};

static struct classes *read_classes(struct reader *r, struct fl_str text)
{
	struct classes *first = NULL, *c;

	r->p = python_begin(text);
	for (next(r); r->at.kind != PYTHON_END;) {
		if (r->at.indent == UINT32_MAX || !is_name(r, "class")) {
			next(r);
			continue;
		}
		c = FL_ARENA_NEW(&r->c->arena, struct classes);
		if (!c) {
			r->c->error = -ENOMEM;
			return first;
		}
		class_body(r, &c->k);
		c->next = first;
		first = c;
	}
	return first;
}

static const struct class *find_class(const struct classes *c, struct fl_str name)
{
	for (; c; c = c->next) {
		if (fl_str_eq(c->k.name, name))
			return &c->k;
	}
	return NULL;
}

/* What @name takes: its own words before those of the class that it is made from. */
static struct rst_directive resolve(const struct classes *all, struct fl_str name, unsigned int depth)
{
	static const struct rst_directive anything = { .optional = RST_ANY_ARGS, .blanks = true,
						       .content = RST_CONTENT_RAW, .options = "*" };
	const struct class *k = depth < 8 ? find_class(all, name) : NULL;
	const struct rst_directive *known = rst_directive_class(name);
	struct rst_directive d = { .options = "" };

	if (!k && (fl_str_is(name, "Directive") || fl_str_is(name, "SphinxDirective")))
		return d;
	if (!k)
		return known ? *known : anything;
	d = resolve(all, k->base, depth + 1);
	d.required = k->args ? k->d.required : d.required;
	d.optional = k->optional ? k->d.optional : d.optional;
	d.blanks = k->blanks ? k->d.blanks : d.blanks;
	d.options = k->options ? k->d.options : d.options;
	if (k->content && (k->d.content == RST_CONTENT_NONE || d.content == RST_CONTENT_NONE))
		d.content = k->d.content;
	return d;
}

static void add_directive(struct reader *r, const struct classes *all, struct fl_str name, struct fl_str class)
{
	struct rst_directive *d = FL_ARENA_NEW(&r->c->arena, struct rst_directive);
	const struct rst_directive *known = rst_find_directive(NULL, name);
	struct fl_map_entry *e = add(r->c, &r->c->words.directives, name);

	if (!d || !e)
		return;
	*d = resolve(all, class, 0);
	d->name = e->key.p;
	d->extension = "";
	/* how its content is read is known of the kernel's own; what it is written with, the tree says */
	if (known && d->content != RST_CONTENT_NONE)
		d->content = known->content;
	e->ptr = d;
}

static struct fl_str in_domain(struct docs_conf *c, struct fl_str domain, struct fl_str name)
{
	char full[100];

	if (snprintf(full, sizeof(full), "%.*s:%.*s", FL_STR_ARG(domain), FL_STR_ARG(name)) >= (int)sizeof(full))
		return fl_str_n("", 0);
	return own_copy(c, fl_str(full));
}

/* The words of a domain; one that Sphinx has by that name keeps its own. False: its name is not told. */
static bool add_domain(struct reader *r, const struct classes *all, struct fl_str class)
{
	const struct class *k = find_class(all, class);
	struct fl_str rest, word;

	if (!k || !k->domain.n)
		return false;
	rest = k->directives;
	while (fl_str_word(&rest, &word))
		add_directive(r, all, in_domain(r->c, k->domain, word), FL_STR("ObjectDescription"));
	rest = k->roles;
	while (fl_str_word(&rest, &word))
		add(r->c, &r->c->words.roles, in_domain(r->c, k->domain, word));
	return true;
}

/* -- calls -- */

/* The first string behind "(" at hand, and the last part of the name behind it. */
static void arguments(struct reader *r, struct fl_str *first, struct fl_str *second)
{
	*first = *second = fl_str_n("", 0);
	if (!mark(r, '('))
		return;
	next(r);
	if (r->at.kind == PYTHON_STRING && !r->at.computed) {
		*first = r->at.s;
		next(r);
	}
	if (mark(r, ','))
		next(r);
	for (; r->at.kind == PYTHON_NAME || r->at.kind == PYTHON_STRING || mark(r, '.'); next(r)) {
		if (!mark(r, '.'))
			*second = r->at.s;
	}
}

static void call(struct reader *r, const struct classes *all, struct fl_str function)
{
	uint32_t line = r->at.line;
	struct fl_str first, second;
	bool directive = fl_str_is(function, "add_directive") || fl_str_is(function, "register_directive");
	bool role = fl_str_is(function, "add_role") || fl_str_is(function, "register_local_role") ||
		    fl_str_is(function, "register_canonical_role") || fl_str_is(function, "add_generic_role");
	bool both = fl_str_is(function, "add_crossref_type") || fl_str_is(function, "add_object_type");
	bool domain = fl_str_is(function, "add_domain");

	if (!directive && !role && !both && !domain)
		return;
	arguments(r, &first, &second);
	if (domain ? !add_domain(r, all, second) : !first.n) {
		r->c->words.foreign = true; /* names that only running it would tell */
		computed(r, function, line);
	} else if (directive) {
		add_directive(r, all, first, second);
	} else if (role) {
		add(r->c, &r->c->words.roles, first);
	} else if (both) {
		add_directive(r, all, first, FL_STR("ObjectDescription"));
		add(r->c, &r->c->words.roles, second);
	}
}

static void read_extension(struct reader *r, struct fl_str text)
{
	struct classes *all = read_classes(r, text);

	r->p = python_begin(text);
	for (next(r); r->at.kind != PYTHON_END;) {
		struct fl_str name = r->at.s;

		if (r->at.kind == PYTHON_NAME) {
			next(r);
			if (mark(r, '('))
				call(r, all, name);
		} else {
			next(r);
		}
	}
}

/* -- files -- */

/* Extensions that add no words, or whose words the table has. */
static bool is_known(struct fl_str name)
{
	static const char *const themes[] = { "alabaster", "sphinx_rtd_theme", "sphinx_rtd_dark_mode",
					      "sphinx_copybutton",
					      "sphinxcontrib.jquery", "sphinx_book_theme", "notfound.extension",
					      "sphinx_reredirects", "myst_parser", "recommonmark" };

	if (fl_str_starts(name, "sphinx."))
		return true;
	for (size_t i = 0; i < FL_ARRAY_SIZE(themes); i++) {
		if (fl_str_is(name, themes[i]))
			return true;
	}
	return false;
}

static bool read_file(struct docs_conf *c, const struct docs_tree *t, const char *path,
		      void (*read)(struct reader *r, struct fl_str text))
{
	_cleanup_buf_ struct fl_buf text = {};
	struct reader r = { .c = c, .t = t };
	struct fl_str copy;

	if (docs_tree_read(t, path, &text) < 0)
		return false;
	copy = own_copy(c, fl_buf_str(&text)); /* names point into it */
	r.file = own_copy(c, fl_str(path)).p;
	read(&r, copy);
	return true;
}

static void find_extension(struct docs_conf *c, const struct docs_tree *t, struct fl_str name)
{
	static const char *const folders[] = { "sphinx/", "", "_extensions/", "_ext/", "ext/", "extensions/",
					       "sphinx-ext/", "_extensions/zephyr/" };
	char path[PATH_MAX], module[200];

	if (is_known(name) || name.n >= sizeof(module))
		return;
	for (size_t i = 0; i <= name.n; i++)
		module[i] = i == name.n ? '\0' : name.p[i] == '.' ? '/' : name.p[i];
	for (size_t i = 0; i < FL_ARRAY_SIZE(folders); i++) {
		if (snprintf(path, sizeof(path), "%.*s%s%s.py", FL_STR_ARG(t->doc), folders[i], module) < PATH_MAX &&
		    read_file(c, t, path, read_extension))
			return;
		if (snprintf(path, sizeof(path), "%.*s%s%s/__init__.py", FL_STR_ARG(t->doc), folders[i], module) <
			    PATH_MAX && read_file(c, t, path, read_extension))
			return;
	}
	c->words.foreign = true;
}

static struct fl_str lower_copy(struct docs_conf *c, struct fl_str name)
{
	char *low = fl_arena_dup(&c->arena, name);

	for (size_t k = 0; low && k < name.n; k++)
		low[k] = low[k] >= 'A' && low[k] <= 'Z' ? low[k] | 32 : low[k];
	return low ? fl_str_n(low, name.n) : name;
}

static bool names_of_file(struct reader *r, struct fl_str name, unsigned int depth);

/* One construct of explicit markup, behind its ".. ". False: a file that it includes cannot be known. */
static bool name_in(struct reader *r, struct fl_str s, unsigned int depth)
{
	struct docs_conf *c = r->c;

	if (fl_str_starts(s, "|")) {
		add(c, &c->words.substs, lower_copy(c, fl_str_sub(s, 1, fl_str_find(s, '|', 1) - 1)));
	} else if (fl_str_starts(s, "_")) {
		s = fl_str_sub(s, 1, fl_str_find(s, ':', 1) - 1);
		if (fl_str_starts(s, "`"))
			s = fl_str_sub(s, 1, s.n - 1 - fl_str_ends(s, "`"));
		add(c, &c->words.targets, lower_copy(c, s));
	} else if (fl_str_starts(s, "role::")) {
		s = fl_str_trim(fl_str_from(s, 6));
		add(c, &c->words.roles, lower_copy(c, fl_str_trim(fl_str_sub(s, 0, fl_str_find(s, '(', 0)))));
	} else if (fl_str_starts(s, "include::")) {
		return names_of_file(r, fl_str_trim(fl_str_from(s, 9)), depth);
	}
	return true;
}

/* The names that @text defines for every page: substitutions, targets, roles, and those of files that it includes. */
static bool names_in(struct reader *r, struct fl_str text, unsigned int depth)
{
	struct fl_str line;
	bool all = true;

	while (fl_str_line(&text, &line)) {
		line = fl_str_trim(line);
		if (fl_str_starts(line, ".. "))
			all &= name_in(r, fl_str_trim(fl_str_from(line, 3)), depth);
	}
	return all;
}

/* "/name" lies in the pages' folder. What docutils brings ("<isonum.txt>") has names that are not known here. */
static bool names_of_file(struct reader *r, struct fl_str name, unsigned int depth)
{
	_cleanup_buf_ struct fl_buf text = {};
	char path[PATH_MAX];

	if (depth > 4 || !fl_str_starts(name, "/") ||
	    snprintf(path, sizeof(path), "%.*s%.*s", FL_STR_ARG(r->t->doc), FL_STR_ARG(fl_str_from(name, 1))) >=
		    PATH_MAX)
		return false;
	add(r->c, &r->c->read, fl_str(path));
	if (docs_tree_read(r->t, path, &text) < 0)
		return false;
	return names_in(r, fl_buf_str(&text), depth + 1);
}

/* @s with its line ends, which a string of one line writes as "\\n". */
static struct fl_str with_line_ends(struct docs_conf *c, struct fl_str s)
{
	char *p = fl_arena_dup(&c->arena, s);

	for (size_t i = 0; p && i + 1 < s.n; i++) {
		if (p[i] == '\\' && p[i + 1] == 'n')
			memcpy(p + i, " \n", 2);
	}
	return fl_str_n(p ? p : "", p ? s.n : 0);
}

/* What is put before or behind every page, up to the end of the statement. */
static void around(struct reader *r, struct fl_str name)
{
	uint32_t line = r->at.line;
	bool plain = true;

	if (!mark(r, '=') && !mark(r, '+'))
		return;
	for (; r->at.kind != PYTHON_LINE && r->at.kind != PYTHON_END; next(r)) {
		if (r->at.kind == PYTHON_STRING && !names_in(r, with_line_ends(r->c, r->at.s), 0))
			plain = false;
		plain &= r->at.kind == PYTHON_STRING
				 ? !r->at.computed
				 : mark(r, '=') || mark(r, '+') || mark(r, '(') || mark(r, ')');
	}
	if (plain)
		return;
	r->c->words.open_names = true;
	computed(r, name, line);
}

/* extlinks = {"role": (...)} */
static void links(struct reader *r, struct fl_str name)
{
	uint32_t line = r->at.line;
	struct fl_str rest, word;

	if (!mark(r, '='))
		return;
	next(r);
	if (!mark(r, '{')) {
		r->c->words.foreign = true; /* its roles may have any name */
		computed(r, name, line);
		return;
	}
	rest = keys(r);
	while (fl_str_word(&rest, &word))
		add(r->c, &r->c->words.roles, lower_copy(r->c, word));
}

static void read_conf(struct reader *r, struct fl_str text)
{
	struct docs_conf *c = r->c;
	bool member = false;

	r->p = python_begin(text);
	for (next(r); r->at.kind != PYTHON_END;) {
		struct fl_str name = r->at.s;
		bool is = r->at.kind == PYTHON_NAME && !member;

		member = mark(r, '.');
		next(r);
		if (!is)
			continue;
		if (fl_str_is(name, "extensions"))
			give(r, &c->words.extensions, name);
		else if (fl_str_is(name, "exclude_patterns") || fl_str_is(name, "dyn_exclude_patterns"))
			give(r, &c->excluded, name);
		else if (fl_str_is(name, "include_patterns") || fl_str_is(name, "dyn_include_patterns"))
			give(r, NULL, name);
		else if (fl_str_is(name, "c_id_attributes"))
			give(r, &c->c_attributes, name);
		else if (fl_str_is(name, "c_paren_attributes"))
			give(r, &c->c_calls, name);
		else if (fl_str_is(name, "rst_prolog") || fl_str_is(name, "rst_epilog"))
			around(r, name);
		else if (fl_str_is(name, "extlinks"))
			links(r, name);
		else if (fl_str_is(name, "primary_domain") && mark(r, '=')) {
			next(r);
			c->words.domain = r->at.kind == PYTHON_STRING ? own_copy(c, r->at.s).p : c->words.domain;
		}
	}
}

int docs_conf_read(struct docs_conf *c, const struct docs_tree *t)
{
	char path[PATH_MAX];

	*c = (struct docs_conf){};
	if (snprintf(path, sizeof(path), "%.*sconf.py", FL_STR_ARG(t->doc)) >= PATH_MAX)
		return 0;
	c->words.domain = "py";
	c->present = read_file(c, t, path, read_conf);
	for (uint32_t i = 0; i < c->words.extensions.count; i++)
		find_extension(c, t, c->words.extensions.entries[i].key);
	return c->error;
}

void docs_conf_fini(struct docs_conf *c)
{
	fl_map_fini(&c->words.directives);
	fl_map_fini(&c->words.roles);
	fl_map_fini(&c->words.extensions);
	fl_map_fini(&c->words.substs);
	fl_map_fini(&c->words.targets);
	fl_map_fini(&c->excluded);
	fl_map_fini(&c->c_attributes);
	fl_map_fini(&c->c_calls);
	fl_map_fini(&c->computed);
	fl_map_fini(&c->read);
	fl_arena_fini(&c->arena);
	*c = (struct docs_conf){};
}

static size_t slashes(struct fl_str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

/* As Sphinx matches: "*" stays within a folder, "**" does not, and a folder's name stands for all in it. */
static bool excludes(struct fl_str pattern, struct fl_str page)
{
	bool deep = memmem(pattern.p, pattern.n, "**", 2);

	for (size_t end = 0; end <= page.n; end++) {
		struct fl_str part = fl_str_sub(page, 0, end);

		if ((end == page.n || page.p[end] == '/') && fl_str_glob(pattern, part) &&
		    (deep || slashes(pattern) == slashes(part)))
			return true;
	}
	return false;
}

bool docs_conf_excludes(const struct docs_conf *c, const struct docs_tree *t, const char *page)
{
	struct fl_str s = fl_str(page);

	if (s.n < t->doc.n || !fl_str_eq(fl_str_sub(s, 0, t->doc.n), t->doc))
		return false;
	fl_map_for_each(e, &c->excluded) {
		if (excludes(e->key, fl_str_from(s, t->doc.n)))
			return true;
	}
	return false;
}
