/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recursive descent over C's expressions, from the least binding operator to the most:
 *
 *	cond    := binary [ '?' expr ':' cond ]
 *	binary  := unary { OP unary }			by the precedence of OP
 *	unary   := ( '!' | '~' | '-' | '+' | '&' | '*' ) unary | '(' type ')' unary | postfix
 *	postfix := primary { '[' expr ']' }
 *	primary := NUMBER | 'c' | STRING... | '(' expr ')' | REC '->' NAME | NAME '(' args ')' |
 *sizeof
 *
 * "(name) x" is a cast where name is no field and something to be cast follows: typedefs are not
 * known here, and the kernel's names for types are without number.
 */
#include <ctype.h>
#include <errno.h>

#include "base/num.h"
#include "base/util.h"
#include "probe/printfmt/private.h"

#define MAX_DEPTH 200

static struct fl_expr *cond(struct fl_expr_parser *p);
static struct fl_expr *unary(struct fl_expr_parser *p);

static void *fail(struct fl_expr_parser *p)
{
	if (!p->error)
		p->error = -EINVAL;
	return NULL;
}

static void skip_space(struct fl_expr_parser *p)
{
	size_t n = 0;

	while (n < p->rest.n && isspace((unsigned char)p->rest.p[n]))
		n++;
	p->rest = fl_str_from(p->rest, n);
}

static char peek(struct fl_expr_parser *p)
{
	skip_space(p);
	return p->rest.n ? p->rest.p[0] : '\0';
}

bool fl_expr_take(struct fl_expr_parser *p, char c)
{
	if (p->error || peek(p) != c)
		return false;
	p->rest = fl_str_from(p->rest, 1);
	return true;
}

static bool take_word(struct fl_expr_parser *p, const char *word)
{
	skip_space(p);
	if (!fl_str_starts(p->rest, word))
		return false;
	p->rest = fl_str_from(p->rest, strlen(word));
	return true;
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static struct fl_str take_name(struct fl_expr_parser *p)
{
	size_t n = 0;

	if (!is_name_start(peek(p)))
		return (struct fl_str){};
	while (n < p->rest.n &&
	       (is_name_start(p->rest.p[n]) || isdigit((unsigned char)p->rest.p[n])))
		n++;
	p->rest = fl_str_from(p->rest, n);
	return fl_str_n(p->rest.p - n, n);
}

static struct fl_expr *node(struct fl_expr_parser *p, enum fl_expr_kind kind)
{
	struct fl_expr *e = FL_ARENA_NEW(p->arena, struct fl_expr);

	if (!e)
		p->error = -ENOMEM;
	else
		e->kind = kind;
	return e;
}

/* Of constants alone a constant is made: it is not computed again for each record. */
static struct fl_expr *fold(struct fl_expr_parser *p, struct fl_expr *e)
{
	struct fl_print_record none = {.abi = p->abi};
	struct fl_value v;

	if (e && e->a && e->b && !p->error)
		fl_expr_prepare(e);
	if (!e || !e->a || e->a->kind != FL_EXPR_NUMBER || (e->b && e->b->kind != FL_EXPR_NUMBER) ||
	    (e->kind == FL_EXPR_UNARY && (e->op == '&' || e->op == '*')))
		return e;
	v = fl_expr_value(e, &none);
	if (v.kind == FL_VALUE_NUMBER)
		*e = (struct fl_expr){.kind = FL_EXPR_NUMBER, .number = v.number, .type = v.type};
	return e;
}

/* ---- literals ---- */

static char unescaped(struct fl_str *s)
{
	static const char from[] = "abfnrtv0", to[] = "\a\b\f\n\r\t\v";
	char c = s->p[0];
	const char *at = strchr(from, c);

	*s = fl_str_from(*s, 1);
	return at ? to[at - from] : c;
}

/* One literal, its first quote taken; appended to @out. */
static bool add_literal(struct fl_expr_parser *p, char quote, struct fl_buf *out)
{
	while (p->rest.n && p->rest.p[0] != quote) {
		char c = p->rest.p[0];

		p->rest = fl_str_from(p->rest, 1);
		if (c == '\\' && p->rest.n)
			c = unescaped(&p->rest);
		fl_buf_addc(out, c);
	}
	return fl_expr_take(p, quote);
}

struct fl_str fl_expr_parse_string(struct fl_expr_parser *p)
{
	_cleanup_buf_ struct fl_buf text = {};
	char *copy;

	if (peek(p) != '"')
		return (struct fl_str){};
	while (fl_expr_take(p, '"'))
		if (!add_literal(p, '"', &text))
			return fl_str(fail(p));
	copy = text.error ? NULL : fl_arena_dup(p->arena, fl_buf_str(&text));
	if (!copy)
		p->error = -ENOMEM;
	return fl_str_n(copy, text.len);
}

static struct fl_expr *string(struct fl_expr_parser *p)
{
	struct fl_expr *e = node(p, FL_EXPR_STRING);

	if (e)
		e->text = fl_expr_parse_string(p);
	return e && e->text.p ? e : NULL;
}

static struct fl_expr *constant(struct fl_expr_parser *p, uint64_t v, struct fl_expr_type type)
{
	struct fl_expr *e = node(p, FL_EXPR_NUMBER);

	if (e) {
		e->number = v;
		e->type = type;
	}
	return e;
}

static struct fl_expr *character(struct fl_expr_parser *p)
{
	_cleanup_buf_ struct fl_buf text = {};

	fl_expr_take(p, '\'');
	if (!add_literal(p, '\'', &text) || text.len != 1)
		return fail(p);
	return constant(p, (uint64_t)(int64_t)text.data[0], (struct fl_expr_type){4, true, false});
}

/* C's type of a number: the first of int, unsigned (if not decimal), long, unsigned long that holds
 * it. */
static struct fl_expr *number(struct fl_expr_parser *p)
{
	struct fl_expr_type type = {4, true, false};
	unsigned int longs = 0;
	size_t n = 0, digits;
	bool decimal;
	uint64_t v;

	while (n < p->rest.n && isalnum((unsigned char)p->rest.p[n]))
		n++;
	for (digits = n; digits && strchr("uUlL", p->rest.p[digits - 1]); digits--) {
		if (p->rest.p[digits - 1] == 'u' || p->rest.p[digits - 1] == 'U')
			type.is_signed = false;
		else
			type.size = longs++ ? 8 : p->abi.long_size;
	}
	if (fl_parse_u64(fl_str_sub(p->rest, 0, digits), 0, &v) < 0)
		return fail(p);
	decimal = p->rest.p[0] != '0';
	if (v > UINT32_MAX || (v > INT32_MAX && type.is_signed && decimal))
		type.size = 8;
	if (v > INT64_MAX || (v > INT32_MAX && type.size == 4))
		type.is_signed = false;
	p->rest = fl_str_from(p->rest, n);
	return constant(p, v, type);
}

/* ---- types ---- */

/* Types of one word; those of C that are told by several are in struct type_words. */
static const struct type_name {
	const char *name;
	struct fl_expr_type type;
	bool is_long; /* as large as a long */
} type_names[] = {
	{"void", {1, false}, false},	 {"char", {1, true}, false},
	{"bool", {1, false}, false},	 {"_Bool", {1, false}, false},
	{"short", {2, true}, false},	 {"size_t", {8, false}, true},
	{"ssize_t", {8, true}, true},	 {"uintptr_t", {8, false}, true},
	{"pid_t", {4, true}, false},	 {"u8", {1, false}, false},
	{"u16", {2, false}, false},	 {"u32", {4, false}, false},
	{"u64", {8, false}, false},	 {"s8", {1, true}, false},
	{"s16", {2, true}, false},	 {"s32", {4, true}, false},
	{"s64", {8, true}, false},	 {"uint8_t", {1, false}, false},
	{"uint16_t", {2, false}, false}, {"uint32_t", {4, false}, false},
	{"uint64_t", {8, false}, false}, {"int8_t", {1, true}, false},
	{"int16_t", {2, true}, false},	 {"int32_t", {4, true}, false},
	{"int64_t", {8, true}, false},	 {"be16", {2, false}, false},
	{"be32", {4, false}, false},	 {"be64", {8, false}, false},
	{"le16", {2, false}, false},	 {"le32", {4, false}, false},
	{"le64", {8, false}, false},	 {"dev_t", {4, false}, false},
	{"gfp_t", {4, false}, false},	 {"loff_t", {8, true}, false},
	{"sector_t", {8, false}, false}, {"ktime_t", {8, true}, false},
};

struct type_words {
	const struct type_name *name;
	unsigned int longs;
	bool is_unsigned, any;
};

static const struct type_name *find_type(struct fl_str name)
{
	if (fl_str_starts(name, "__"))
		name = fl_str_from(name, 2);
	for (size_t i = 0; i < FL_ARRAY_SIZE(type_names); i++)
		if (fl_str_is(name, type_names[i].name))
			return &type_names[i];
	return NULL;
}

/* A word that is no type's is a typedef's name, of which only that is known. */
static void add_type_word(struct type_words *w, struct fl_str word)
{
	const struct type_name *t = find_type(word);

	if (fl_str_is(word, "long"))
		w->longs++;
	else if (fl_str_is(word, "unsigned"))
		w->is_unsigned = true;
	else if (t)
		w->name = t;
	else if (!fl_str_is(word, "int") && !fl_str_is(word, "signed"))
		return;
	w->any = true;
}

static struct fl_expr_type type_of(const struct fl_expr_parser *p, const struct type_words *w)
{
	struct fl_expr_type type = {4, true, false};

	if (!w->any)
		return (struct fl_expr_type){};
	if (w->name)
		type = w->name->type;
	if (w->longs >= 2)
		type.size = 8;
	else if (w->longs || (w->name && w->name->is_long))
		type.size = p->abi.long_size;
	if (w->is_unsigned)
		type.is_signed = false;
	return type;
}

static bool is_qualifier(struct fl_str name)
{
	static const char *const words[] = {
		"const", "volatile", "__user", "__force", "__kernel", "struct", "union", "enum",
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(words); i++)
		if (fl_str_is(name, words[i]))
			return true;
	return false;
}

/*
 * "( type )" at the cursor, which is moved behind it. The words must be names and stars alone;
 * @ret_known: one of them is a type for sure.
 */
static bool take_type(struct fl_expr_parser *p, struct fl_expr_type *ret, bool *ret_known)
{
	struct fl_str start = p->rest, name;
	struct type_words words = {};
	bool known = false, any = false, pointer = false;

	if (!fl_expr_take(p, '('))
		return false;
	while ((name = take_name(p)).n && !fl_str_is(name, "REC")) {
		any = true;
		if (is_qualifier(name))
			known = true;
		else
			add_type_word(&words, name);
	}
	*ret = type_of(p, &words);
	while (any && !name.n && fl_expr_take(p, '*')) {
		if (pointer) /* to a pointer */
			*ret = (struct fl_expr_type){p->abi.long_size, false};
		pointer = true;
		while (is_qualifier(name = take_name(p)))
			;
	}
	ret->is_pointer = pointer;
	*ret_known = known || words.any || pointer;
	if (any && !name.n && fl_expr_take(p, ')'))
		return true;
	p->rest = start;
	return false;
}

/* Something that can be cast begins here. */
static bool operand_follows(struct fl_expr_parser *p)
{
	char c = peek(p);

	return is_name_start(c) || isdigit((unsigned char)c) || (c && strchr("(\"'~!", c));
}

static struct fl_expr *cast(struct fl_expr_parser *p)
{
	struct fl_str start = p->rest;
	struct fl_expr_type type;
	bool known = false;
	struct fl_expr *e, *of;

	if (!take_type(p, &type, &known))
		return NULL;
	/* "(name)" alone is no cast, and "(u32) - 1" is one. */
	if (!operand_follows(p) && !(known && strchr("-+&*", peek(p)) && peek(p))) {
		p->rest = start;
		return NULL;
	}
	of = unary(p);
	e = of ? node(p, FL_EXPR_CAST) : NULL;
	if (e) {
		e->a = of;
		e->type = type;
	}
	return fold(p, e);
}

/* ---- calls ---- */

/* A function of the kernel, or a block of statements: passed over, up to the bracket that ends it.
 */
static struct fl_expr *unknown(struct fl_expr_parser *p)
{
	unsigned int open = 1;

	p->nr_unknown++;
	while (open && p->rest.n && !p->error) {
		char c = p->rest.p[0];

		if (c == '"') {
			fl_expr_parse_string(p);
			continue;
		}
		open += c == '(';
		open -= c == ')';
		p->rest = fl_str_from(p->rest, 1);
	}
	return open ? fail(p) : node(p, FL_EXPR_UNKNOWN);
}

struct call {
	const char *name;
	enum fl_expr_call call;
	unsigned int min, max;
};

static const struct call calls[] = {
#define F(name, call, min, max) {#name, FL_CALL_##call, min, max},
#include "probe/printfmt/calls.def"
#undef F
};

/* { VALUE, "NAME" }, and an empty one at the end perhaps */
static bool take_pair(struct fl_expr_parser *p, struct fl_expr_name *ret)
{
	static const struct fl_print_record none;
	unsigned int unknown = p->nr_unknown;
	struct fl_expr *e;

	e = fl_expr_parse(p);
	if (!e || !fl_expr_take(p, ','))
		return false;
	ret->value = fl_expr_value(e, &none).number;
	ret->name = fl_expr_parse_string(p);
	if (p->nr_unknown > unknown) { /* no value is known to have that name: it stays a number */
		p->nr_unknown = unknown;
		ret->name.p = NULL;
		return fl_expr_take(p, '}');
	}
	if (!ret->name.p) { /* NULL, which ends a list */
		e = fl_expr_parse(p);
		if (!e || fl_expr_value(e, &none).number)
			return false;
	}
	return fl_expr_take(p, '}');
}

static bool take_names(struct fl_expr_parser *p, struct fl_expr *e)
{
	size_t cap = 0;

	while (fl_expr_take(p, ',')) {
		if (!fl_expr_take(p, '{'))
			return false;
		if (e->nr_names == cap) {
			struct fl_expr_name *more =
				fl_arena_array(p->arena, cap = cap ? cap * 2 : 16, sizeof(*more));

			if (!more) {
				p->error = -ENOMEM;
				return false;
			}
			if (e->nr_names)
				memcpy(more, e->names, e->nr_names * sizeof(*more));
			e->names = more;
		}
		if (!take_pair(p, &e->names[e->nr_names]))
			return false;
		e->nr_names += e->names[e->nr_names].name.p != NULL;
	}
	return true;
}

static bool take_args(struct fl_expr_parser *p, const struct call *c, struct fl_expr *e)
{
	while (e->nr_args < c->max) {
		struct fl_expr *arg = fl_expr_parse(p);

		if (!arg)
			return false;
		e->args[e->nr_args++] = arg;
		if (e->nr_args < c->max && !fl_expr_take(p, ','))
			break;
	}
	return e->nr_args >= c->min;
}

/* The argument is a field's name, or stands like one: "REC->name" or "name". */
static bool take_field(struct fl_expr_parser *p, struct fl_expr *e)
{
	struct fl_str name = take_name(p);

	if (fl_str_is(name, "REC") && take_word(p, "->"))
		name = take_name(p);
	e->field = fl_format_field(p->format, name);
	return e->field;
}

static bool call_args(struct fl_expr_parser *p, const struct call *c, struct fl_expr *e)
{
	if (!c->max)
		return take_field(p, e);
	if (c->call == FL_CALL_DYNAMIC_ARRAY && (!take_field(p, e) || !fl_expr_take(p, ',')))
		return false;
	if (!take_args(p, c, e))
		return false;
	if (c->call == FL_CALL_FLAGS || c->call == FL_CALL_FLAGS_U64 ||
	    c->call == FL_CALL_SYMBOLIC || c->call == FL_CALL_SYMBOLIC_U64)
		return take_names(p, e);
	return true;
}

static struct fl_expr *call(struct fl_expr_parser *p, struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(calls); i++) {
		struct fl_expr *e;

		if (!fl_str_is(name, calls[i].name))
			continue;
		e = node(p, FL_EXPR_CALL);
		if (!e)
			return NULL;
		e->call = calls[i].call;
		return call_args(p, &calls[i], e) && fl_expr_take(p, ')') ? e : fail(p);
	}
	return unknown(p);
}

static struct fl_expr *size_of(struct fl_expr_parser *p)
{
	struct fl_expr_type type, is = {p->abi.long_size, false, false};
	struct fl_expr *e;
	bool known = false;

	if (take_type(p, &type, &known))
		return known ? constant(p, type.is_pointer ? p->abi.long_size : type.size, is)
			     : fail(p);
	e = unary(p);
	if (!e || e->kind != FL_EXPR_FIELD)
		return fail(p);
	return constant(p, e->field->size, is);
}

/* ---- expressions ---- */

static struct fl_expr *field(struct fl_expr_parser *p)
{
	struct fl_expr *e = node(p, FL_EXPR_FIELD);

	if (!e || !take_word(p, "->"))
		return fail(p);
	e->field = fl_format_field(p->format, take_name(p));
	return e->field ? e : fail(p);
}

/* Enumerators that formats leave as names, though their values are the same in every kernel. */
static bool enumerator(struct fl_str name, uint64_t *ret)
{
	static const char *const hrtimer_modes[] = {
		"ABS", "REL", "ABS_PINNED", "REL_PINNED", "ABS_SOFT", "REL_SOFT", "ABS_PINNED_SOFT",
		"REL_PINNED_SOFT", "ABS_HARD", "REL_HARD", "ABS_PINNED_HARD", "REL_PINNED_HARD",
	};

	if (!fl_str_starts(name, "HRTIMER_MODE_"))
		return false;
	name = fl_str_from(name, strlen("HRTIMER_MODE_"));
	for (size_t i = 0; i < FL_ARRAY_SIZE(hrtimer_modes); i++)
		if (fl_str_is(name, hrtimer_modes[i])) {
			*ret = i;
			return true;
		}
	return false;
}

static struct fl_expr *named(struct fl_expr_parser *p)
{
	struct fl_str name = take_name(p);
	uint64_t value;

	if (fl_str_is(name, "REC"))
		return field(p);
	if (fl_str_is(name, "sizeof"))
		return size_of(p);
	if (fl_str_is(name, "true") || fl_str_is(name, "false") || fl_str_is(name, "NULL"))
		return constant(p, name.p[0] == 't', (struct fl_expr_type){4, true, false});
	if (fl_expr_take(p, '('))
		return call(p, name);
	if (enumerator(name, &value))
		return constant(p, value, (struct fl_expr_type){4, false, false});
	p->nr_unknown++;
	return node(p, FL_EXPR_UNKNOWN);
}

static struct fl_expr *primary(struct fl_expr_parser *p)
{
	char c = peek(p);
	struct fl_expr *e;

	if (isdigit((unsigned char)c))
		return number(p);
	if (c == '"')
		return string(p);
	if (c == '\'')
		return character(p);
	if (is_name_start(c))
		return named(p);
	if (!fl_expr_take(p, '('))
		return fail(p);
	if (peek(p) == '{')
		return unknown(p);
	if (take_word(p, "REC)"))
		return field(p);
	e = cond(p);
	return e && fl_expr_take(p, ')') ? e : fail(p);
}

static struct fl_expr *postfix(struct fl_expr_parser *p)
{
	struct fl_expr *e = primary(p);

	while (e && fl_expr_take(p, '[')) {
		struct fl_expr *of = e;

		e = node(p, FL_EXPR_INDEX);
		if (!e)
			return NULL;
		e->a = of;
		e->b = cond(p);
		if (!e->b || !fl_expr_take(p, ']'))
			return fail(p);
	}
	return e;
}

static struct fl_expr *unary(struct fl_expr_parser *p)
{
	struct fl_expr *e;
	char c = peek(p);

	if (++p->depth > MAX_DEPTH)
		return fail(p);
	if (c && strchr("!~-+&*", c)) {
		fl_expr_take(p, c);
		e = node(p, FL_EXPR_UNARY);
		if (e) {
			e->op = c;
			e->a = unary(p);
			e = e->a ? fold(p, e) : NULL;
		}
	} else {
		e = c == '(' ? cast(p) : NULL;
		if (!e && !p->error)
			e = postfix(p);
	}
	p->depth--;
	return e;
}

struct infix {
	const char *text;
	int op;
	unsigned int precedence;
};

/* Longer ones first. */
static const struct infix operators[] = {
	{"<<", FL_OP_SHL, 8}, {">>", FL_OP_SHR, 8}, {"<=", FL_OP_LE, 7},  {">=", FL_OP_GE, 7},
	{"==", FL_OP_EQ, 6},  {"!=", FL_OP_NE, 6},  {"&&", FL_OP_AND, 2}, {"||", FL_OP_OR, 1},
	{"*", '*', 10},	      {"/", '/', 10},	    {"%", '%', 10},	  {"+", '+', 9},
	{"-", '-', 9},	      {"<", '<', 7},	    {">", '>', 7},	  {"&", '&', 5},
	{"^", '^', 4},	      {"|", '|', 3},
};

static const struct infix *peek_operator(struct fl_expr_parser *p)
{
	skip_space(p);
	for (size_t i = 0; i < FL_ARRAY_SIZE(operators); i++)
		if (fl_str_starts(p->rest, operators[i].text))
			return &operators[i];
	return NULL;
}

static struct fl_expr *binary(struct fl_expr_parser *p, unsigned int least)
{
	struct fl_expr *left = unary(p);
	const struct infix *o;

	while (left && (o = peek_operator(p)) && o->precedence >= least) {
		struct fl_expr *e = node(p, FL_EXPR_BINARY);

		if (!e)
			return NULL;
		p->rest = fl_str_from(p->rest, strlen(o->text));
		e->op = o->op;
		e->a = left;
		e->b = binary(p, o->precedence + 1);
		left = e->b ? fold(p, e) : NULL;
	}
	return left;
}

static struct fl_expr *cond(struct fl_expr_parser *p)
{
	struct fl_expr *a, *e;

	if (++p->depth > MAX_DEPTH)
		return fail(p);
	a = binary(p, 1);
	if (a && fl_expr_take(p, '?')) {
		e = node(p, FL_EXPR_COND);
		if (!e)
			return NULL;
		e->a = a;
		e->b = cond(p);
		if (!e->b || !fl_expr_take(p, ':'))
			return fail(p);
		e->c = cond(p);
		a = e->c ? e : NULL;
	}
	p->depth--;
	return a;
}

struct fl_expr *fl_expr_parse(struct fl_expr_parser *p)
{
	return p->error ? NULL : cond(p);
}
