/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function is a production of Sphinx's grammar, which takes more than C (attributes that conf.py names,
 * types without a name) and less (a type is a name, or words like "unsigned long", between qualifiers). A "("
 * where a declarator is due is read as parameters first, and then, from the same place, as the parenthesis
 * around a declarator: "(*name)(int)". What is inside of brackets, braces and expressions is skipped in pairs.
 */
#include "docs/read/cdecl.h"

#include "base/util.h"

#define MAX_DEPTH 32 /* of declarators within declarators */

enum outer { OUTER_TYPE, OUTER_FUNCTION, OUTER_MEMBER, OUTER_PARAMETER };
enum named { NAMED, NAMED_MAYBE, UNNAMED };

struct cdecl {
	struct fl_str s, name;
	struct cdecl_words words;
	size_t at, bad_at;
	const char *bad;
	unsigned int depth;
};

static bool fail(struct cdecl *c, const char *what)
{
	if (!c->bad || c->bad_at <= c->at) { /* of two ways to read it, the one that got farther */
		c->bad = what;
		c->bad_at = c->at;
	}
	return false;
}

/* -- words -- */

static bool is_start(char c)
{
	return c == '_' || c == '@' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
	return is_start(c) || (c >= '0' && c <= '9');
}

static void skip_blanks(struct cdecl *c)
{
	while (c->at < c->s.n && (c->s.p[c->at] == ' ' || c->s.p[c->at] == '\t'))
		c->at++;
}

static bool skip(struct cdecl *c, const char *text)
{
	size_t n = strlen(text);

	skip_blanks(c);
	if (c->s.n - c->at < n || memcmp(c->s.p + c->at, text, n))
		return false;
	c->at += n;
	return true;
}

/* The identifier that is next, or nothing. */
static struct fl_str peek(struct cdecl *c)
{
	size_t end;

	skip_blanks(c);
	end = c->at;
	if (end < c->s.n && is_start(c->s.p[end])) {
		while (end < c->s.n && is_word(c->s.p[end]))
			end++;
	}
	return fl_str_sub(c->s, c->at, end - c->at);
}

static bool is_one_of(struct fl_str word, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fl_str_is(word, v[i]))
			return true;
	}
	return false;
}

static bool skip_one_of(struct cdecl *c, const char *const *v, size_t n)
{
	struct fl_str word = peek(c);

	if (!word.n || !is_one_of(word, v, n))
		return false;
	c->at += word.n;
	return true;
}

static bool is_keyword(struct fl_str word)
{
	static const char *const v[] = {
		"auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
		"extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
		"short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
		"volatile", "while", "_Alignas", "_Alignof", "_Atomic", "_Bool", "_Complex", "_Generic", "_Imaginary",
		"_Noreturn", "_Static_assert", "_Thread_local", "_Decimal32", "_Decimal64", "_Decimal128",
	};

	return is_one_of(word, v, FL_ARRAY_SIZE(v));
}

/* Behind what closes the bracket that was just read. */
static bool skip_pair(struct cdecl *c, char open, char close)
{
	for (unsigned int depth = 1; c->at < c->s.n; c->at++) {
		depth += c->s.p[c->at] == open;
		depth -= c->s.p[c->at] == close;
		if (!depth) {
			c->at++;
			return true;
		}
	}
	return fail(c, "Could not find end of expression.");
}

/* -- attributes and qualifiers -- */

static bool attribute(struct cdecl *c)
{
	struct fl_str word = peek(c);
	size_t from = c->at;
	bool call = fl_str_is(word, "__attribute__") || (c->words.calls && fl_map_get(c->words.calls, word));

	if (skip(c, "[["))
		return skip_pair(c, '[', ']') && skip(c, "]");
	if (!word.n || !(call || (c->words.attributes && fl_map_get(c->words.attributes, word))))
		return false;
	c->at += word.n;
	if (!call)
		return true;
	if (skip(c, "("))
		return skip_pair(c, '(', ')');
	c->at = from;
	return false;
}

static void qualifiers(struct cdecl *c, enum outer outer)
{
	static const char *const always[] = { "restrict", "volatile", "const" };
	static const char *const stored[] = { "static", "extern" };
	static const char *const member[] = { "auto", "register", "thread_local", "_Thread_local" };
	static const char *const function[] = { "inline" };

	while (skip_one_of(c, always, FL_ARRAY_SIZE(always)) ||
	       ((outer == OUTER_MEMBER || outer == OUTER_FUNCTION) && skip_one_of(c, stored, FL_ARRAY_SIZE(stored))) ||
	       (outer == OUTER_MEMBER && skip_one_of(c, member, FL_ARRAY_SIZE(member))) ||
	       (outer == OUTER_FUNCTION && skip_one_of(c, function, FL_ARRAY_SIZE(function))) || attribute(c))
		;
}

/* -- names and types -- */

static bool nested_name(struct cdecl *c, struct fl_str *ret)
{
	size_t from;

	skip_blanks(c);
	from = c->at;
	skip(c, ".");
	do {
		struct fl_str word = peek(c);

		if (!word.n)
			return fail(c, "Expected identifier in nested name.");
		c->at += word.n;
		if (is_keyword(word))
			return fail(c, "Expected identifier in nested name, got a keyword.");
	} while (skip(c, "."));
	*ret = fl_str_sub(c->s, from, c->at - from);
	return true;
}

static bool type_specifier(struct cdecl *c)
{
	static const char *const words[] = {
		"void", "_Bool", "bool", "signed", "unsigned", "short", "long", "char", "int", "__uint128",
		"__int128", "__int8", "__int16", "__int32", "__int64", "float", "double", "_Decimal32",
		"_Decimal64", "_Decimal128", "_Complex", "complex", "__complex__", "_Imaginary", "imaginary",
		"__float80", "__float128", "_Float64x", "_Float128", "__ibm128", "__fp16", "_Sat", "_Fract",
		"fract", "_Accum", "accum",
	};
	static const char *const tags[] = { "struct", "enum", "union" };
	struct fl_str name;
	bool simple = false;

	while (skip_one_of(c, words, FL_ARRAY_SIZE(words)))
		simple = true;
	if (simple)
		return true;
	skip_one_of(c, tags, FL_ARRAY_SIZE(tags));
	return nested_name(c, &name);
}

/* -- declarators -- */

static bool declaration(struct cdecl *c, enum outer outer, enum named named, bool typed);
static bool declarator(struct cdecl *c, enum outer outer, enum named named, bool typed);

static void initializer(struct cdecl *c)
{
	if (!skip(c, "="))
		return;
	for (; c->at < c->s.n && c->s.p[c->at] != ',' && c->s.p[c->at] != ')'; c->at++) {
		if (c->s.p[c->at] == '(') {
			c->at++;
			if (!skip_pair(c, '(', ')'))
				return;
			c->at--;
		}
	}
}

static bool parameters(struct cdecl *c)
{
	if (skip(c, ")"))
		return true;
	for (;;) {
		if (skip(c, "..."))
			return skip(c, ")") || fail(c, "Expected \")\" after \"...\" in parameters.");
		if (!declaration(c, OUTER_PARAMETER, NAMED_MAYBE, true))
			return false;
		initializer(c);
		if (skip(c, ")"))
			return true;
		if (!skip(c, ","))
			return fail(c, "Expecting \",\" or \")\" in parameters.");
	}
}

/* The name, and behind it dimensions and parameters. */
static bool name_and_suffix(struct cdecl *c, enum outer outer, enum named named, bool typed)
{
	struct fl_str word = peek(c), name = {};

	if (named == NAMED && !nested_name(c, &name))
		return false;
	if (named == NAMED_MAYBE)
		c->at += word.n;
	if (name.n)
		c->name = name;
	while (typed && skip(c, "[")) {
		if (!skip_pair(c, '[', ']'))
			return false;
	}
	if (skip(c, "(")) {
		if (!parameters(c))
			return false;
	} else if (outer == OUTER_FUNCTION) {
		return fail(c, "Expecting \"(\" in parameters.");
	}
	while (attribute(c))
		;
	if (outer == OUTER_MEMBER && skip(c, ":"))
		c->at = c->s.n; /* a width */
	return true;
}

static bool in_parentheses(struct cdecl *c, enum outer outer, enum named named)
{
	skip(c, "(");
	if (!declarator(c, OUTER_TYPE, named, true))
		return false;
	if (!skip(c, ")"))
		return fail(c, "Expected ')' in \"( ptr-declarator )\".");
	return declarator(c, outer == OUTER_FUNCTION ? OUTER_TYPE : outer, UNNAMED, true);
}

static bool one_declarator(struct cdecl *c, enum outer outer, enum named named, bool typed)
{
	size_t from;

	if (typed && skip(c, "*")) {
		qualifiers(c, OUTER_TYPE);
		return declarator(c, outer, named, typed);
	}
	skip_blanks(c);
	from = c->at;
	if (!typed || from >= c->s.n || c->s.p[from] != '(' || name_and_suffix(c, outer, named, typed))
		return typed && from < c->s.n && c->s.p[from] == '(' ? true : name_and_suffix(c, outer, named, typed);
	c->at = from;
	return in_parentheses(c, outer, named);
}

static bool declarator(struct cdecl *c, enum outer outer, enum named named, bool typed)
{
	bool ok;

	if (++c->depth > MAX_DEPTH)
		return fail(c, "nested too deeply");
	ok = one_declarator(c, outer, named, typed);
	c->depth--;
	return ok;
}

static bool declaration(struct cdecl *c, enum outer outer, enum named named, bool typed)
{
	qualifiers(c, outer);
	if (typed && !type_specifier(c))
		return false;
	if (typed)
		qualifiers(c, outer);
	return declarator(c, outer, named, typed);
}

/* -- what the directives take -- */

static bool macro(struct cdecl *c)
{
	if (!nested_name(c, &c->name))
		return false;
	if (!skip(c, "(") || skip(c, ")"))
		return true;
	for (;;) {
		struct fl_str word;

		if (skip(c, "..."))
			return skip(c, ")") || fail(c, "Expected \")\" after \"...\" in macro parameters.");
		word = peek(c);
		if (!word.n)
			return fail(c, "Expected identifier in macro parameters.");
		c->at += word.n;
		if (skip(c, "...")) /* a name for them */
			return skip(c, ")") || fail(c, "Expected \")\" after \"...\" in macro parameters.");
		if (skip(c, ")"))
			return true;
		if (!skip(c, ","))
			return fail(c, "Expected identifier, \")\", or \",\" in macro parameter list.");
	}
}

static bool at_end(struct cdecl *c)
{
	skip(c, ";");
	skip_blanks(c);
	return c->at == c->s.n || fail(c, "Expected end of definition.");
}

/* A type may be a name alone. */
static bool type(struct cdecl *c)
{
	if (declaration(c, OUTER_TYPE, NAMED, false) && at_end(c))
		return true;
	c->at = c->depth = 0;
	c->bad = NULL;
	return declaration(c, OUTER_TYPE, NAMED, true) && at_end(c);
}

const char *cdecl_read(struct fl_str text, const char *kind, struct cdecl_words words, struct fl_str *ret_name,
		       size_t *ret_at)
{
	struct cdecl c = { .s = text, .words = words };
	bool ok;

	if (!strcmp(kind, "function"))
		ok = declaration(&c, OUTER_FUNCTION, NAMED, true) && at_end(&c);
	else if (!strcmp(kind, "member") || !strcmp(kind, "var"))
		ok = declaration(&c, OUTER_MEMBER, NAMED, true) && (initializer(&c), at_end(&c));
	else if (!strcmp(kind, "type"))
		ok = type(&c);
	else if (!strcmp(kind, "macro"))
		ok = macro(&c) && at_end(&c);
	else
		ok = nested_name(&c, &c.name) && (strcmp(kind, "enumerator") || (initializer(&c), true)) && at_end(&c);
	*ret_name = c.name;
	*ret_at = c.bad_at;
	return ok ? NULL : c.bad ? c.bad : "Expected end of definition.";
}

bool cdecl_is_reference(struct fl_str text)
{
	struct cdecl c = { .s = text };
	struct fl_str name;

	if (!nested_name(&c, &name))
		return false;
	skip_blanks(&c);
	skip(&c, "()");
	skip_blanks(&c);
	return c.at == c.s.n;
}
