/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From text to a straight line of predicates, in three steps that are the kernel's own, so that a
 * wrong filter gets the complaint, and the column, that the kernel would give:
 *
 *  1. count: quotes and parentheses of the whole text are balanced before anything else is read;
 *  2. parse: predicates joined by && and ||, && binding tighter, into a tree;
 *  3. flatten: the tree becomes the list of predicates with the two jumps of each. Negation is
 *     pushed down on the way, by exchanging the jumps.
 *
 * At which column the caret of an error stands is said in errors.c.
 */
#include "probe/filter/filter.h"

#include <ctype.h>
#include <errno.h>

#include "base/num.h"
#include "base/util.h"
#include "probe/filter/column.h"

#define MAX_STRING 256 /* MAX_FILTER_STR_VAL */
#define MAX_NUMBER 24  /* digits, prefix and sign of a number, with a NUL */

enum node_type {
	NODE_PRED,
	NODE_AND,
	NODE_OR,
};

struct node {
	enum node_type type;
	bool invert;
	struct node *left, *right; /* NODE_AND, NODE_OR */
	struct fl_filter_pred *pred; /* NODE_PRED */
};

/* What waits while an operand is read: an operator with its left side, or a parenthesis. */
enum pending_type {
	OPEN,
	AND, /* binds tighter than OR: reduce() relies on the order */
	OR,
};

struct pending {
	enum pending_type type;
	bool invert; /* OPEN: of the whole parenthesis */
	struct node *left;
	struct pending *outer;
};

struct parser {
	struct fl_str text;
	size_t at;
	bool has_begun; /* a predicate was there */
	const struct fl_filter_scope *scope;
	struct fl_arena *arena;
	struct fl_diag *diag;
	struct pending *top;
	struct fl_arena scratch;
	size_t nr_preds;
};

static int fail(struct parser *p, enum fl_filter_error code, size_t at)
{
	return fl_filter_fail(p->diag, p->text, code, at);
}

static bool at_space(const struct parser *p)
{
	return p->at < p->text.n && isspace((unsigned char)p->text.p[p->at]);
}

static char peek(const struct parser *p, size_t ahead)
{
	return p->at + ahead < p->text.n ? p->text.p[p->at + ahead] : '\0';
}

static void skip_space(struct parser *p)
{
	while (at_space(p))
		p->at++;
}

/* --- 1. count --- */

struct census {
	int open;
	size_t preds;
	bool in_pred;
	char quote;
	size_t last_quote;
};

/* One byte outside of quotes; false for a ")" without its "(". */
static bool census_byte(struct census *c, struct fl_str text, size_t *i)
{
	char b = text.p[*i];
	char next = *i + 1 < text.n ? text.p[*i + 1] : '\0';

	switch (b) {
	case '\'':
	case '"':
		c->quote = b;
		c->last_quote = *i;
		break;
	case '|':
	case '&':
		if (next != b)
			break;
		c->in_pred = false;
		return true;
	case '(':
		c->in_pred = false;
		c->open++;
		return true;
	case ')':
		c->in_pred = false;
		return --c->open >= 0;
	}
	c->preds += !c->in_pred;
	c->in_pred = true;
	return true;
}

/* The innermost "(" that nothing closes, looked for from the end; 0 where it is the first byte. */
static size_t unclosed(struct fl_str text)
{
	char quote = '\0';
	int depth = 0;

	for (size_t i = text.n; i-- > 1;) {
		char b = text.p[i];

		if (quote) {
			if (b == quote)
				quote = '\0';
			continue;
		}
		if (b == '(' && depth-- == 0)
			return i;
		if (b == ')')
			depth++;
		if (b == '\'' || b == '"')
			quote = b;
	}
	return 0;
}

static int count(struct parser *p)
{
	struct census c = {};

	for (size_t i = 0; i < p->text.n; i++) {
		if (isspace((unsigned char)p->text.p[i]))
			continue;
		if (c.quote) {
			if (p->text.p[i] == c.quote)
				c.quote = '\0';
			continue;
		}
		if (!census_byte(&c, p->text, &i))
			return fail(p, FL_FILTER_TOO_MANY_CLOSE, i);
	}
	if (c.quote)
		return fail(p, FL_FILTER_MISSING_QUOTE, c.last_quote);
	if (c.open)
		return fail(p, FL_FILTER_TOO_MANY_OPEN, unclosed(p->text));
	if (!c.preds) { /* parentheses and operators alone: the kernel does not say what is wrong */
		fail(p, FL_FILTER_ERRNO, 0);
		return -EINVAL;
	}
	p->nr_preds = c.preds;
	return 0;
}

/* --- 2. parse --- */

/* Longest first where one begins with another. */
static const struct {
	const char *text;
	enum fl_filter_op op;
} operators[] = {
	{ "~", FL_FILTER_MATCH }, { "!=", FL_FILTER_NE }, { "==", FL_FILTER_EQ },
	{ "<=", FL_FILTER_LE },	  { "<", FL_FILTER_LT },  { ">=", FL_FILTER_GE },
	{ ">", FL_FILTER_GT },	  { "&", FL_FILTER_BAND },
};

static bool is_string(const struct fl_filter_field *f)
{
	return f->kind != FL_FILTER_NUMBER && f->kind != FL_FILTER_CPU;
}

static int fail_here(struct parser *p, enum fl_filter_error code)
{
	return fl_filter_fail_within(p->diag, p->text, code, p->at);
}

static bool take_text(struct parser *p, const char *text)
{
	if (!fl_str_starts(fl_str_from(p->text, p->at), text))
		return false;
	p->at += strlen(text);
	return true;
}

static int take_operator(struct parser *p, struct fl_filter_pred *pred)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(operators); i++) {
		if (!take_text(p, operators[i].text))
			continue;
		pred->op = operators[i].op;
		return 0;
	}
	return fail_here(p, FL_FILTER_INVALID_OP);
}

/*
 * A pattern's stars: at the ends they choose a plain comparison, anywhere else the pattern is a glob.
 * A pattern that starts with a digit is taken as it stands, stars and all, as the kernel takes it.
 */
static void set_pattern(struct fl_filter_pred *pred, struct fl_str s)
{
	bool front = false, back = false;

	if (s.n && s.p[0] == '!') {
		pred->negate = true;
		s = fl_str_from(s, 1);
	}
	pred->match = FL_FILTER_MATCH_FULL;
	pred->pattern = s;
	if (!s.n || isdigit((unsigned char)s.p[0]))
		return;
	for (size_t i = 0; i < s.n; i++) {
		front |= s.p[i] == '*' && i == 0;
		back |= s.p[i] == '*' && i && i == s.n - 1;
		if ((s.p[i] == '*' && i && i != s.n - 1) || (s.p[i] && strchr("[?\\", s.p[i]))) {
			pred->match = FL_FILTER_MATCH_GLOB;
			return;
		}
	}
	pred->pattern = fl_str_sub(s, front, s.n - front - back);
	pred->match = front && back ? FL_FILTER_MATCH_MIDDLE :
		      front	    ? FL_FILTER_MATCH_END :
		      back	    ? FL_FILTER_MATCH_FRONT :
				      FL_FILTER_MATCH_FULL;
}

/* string: ("'" | '"') any... the same quote */
static int take_string(struct parser *p, struct fl_filter_pred *pred)
{
	char quote = peek(p, 0);
	enum fl_filter_op op = pred->op;
	struct fl_str s;
	size_t start;

	if (op != FL_FILTER_EQ && op != FL_FILTER_NE && op != FL_FILTER_MATCH)
		return fail_here(p, FL_FILTER_ILLEGAL_FIELD_OP);
	if (!is_string(&pred->field))
		return fail_here(p, FL_FILTER_EXPECT_DIGIT);
	start = ++p->at;
	p->at = fl_str_find(p->text, quote, start);
	if (p->at == p->text.n)
		return fail_here(p, FL_FILTER_MISSING_QUOTE);
	s = fl_str_sub(p->text, start, p->at - start);
	if (s.n >= MAX_STRING)
		return fail_here(p, FL_FILTER_OPERAND_TOO_LONG);
	p->at++;
	pred->op = FL_FILTER_MATCH;
	pred->negate = op == FL_FILTER_NE;
	if (op == FL_FILTER_MATCH)
		set_pattern(pred, s);
	else
		pred->pattern = s;
	return 0;
}

static int parse_number(struct fl_str s, bool is_signed, uint64_t *ret)
{
	int64_t v = 0;
	int r;

	/* The kernel's number reader takes one sign only where it reads signed numbers. */
	if (!is_signed)
		return fl_parse_u64(s, 0, ret);
	r = fl_parse_s64(s, 0, &v);
	*ret = v;
	return r;
}

/* number: ['-'] letter-or-digit... */
static int take_number(struct parser *p, struct fl_filter_pred *pred)
{
	size_t start = p->at;
	struct fl_str s;

	if (is_string(&pred->field))
		return fail_here(p, FL_FILTER_EXPECT_STRING);
	if (pred->op == FL_FILTER_MATCH)
		return fail_here(p, FL_FILTER_ILLEGAL_FIELD_OP);
	p->at += peek(p, 0) == '-';
	while (isalnum((unsigned char)peek(p, 0)))
		p->at++;
	s = fl_str_sub(p->text, start, p->at - start);
	if (s.n >= MAX_NUMBER)
		return fail_here(p, FL_FILTER_OPERAND_TOO_LONG);
	if (parse_number(s, pred->field.is_signed, &pred->value) < 0)
		return fl_filter_fail_within(p->diag, p->text, FL_FILTER_ILLEGAL_INTVAL, start);
	return 0;
}

/* function: address | text up to a blank, behind FIELD.function and == or != */
static int take_function(struct parser *p, struct fl_filter_pred *pred)
{
	bool digit = isdigit((unsigned char)peek(p, 0));
	size_t start = p->at;
	uint64_t address;
	struct fl_str s;

	if (pred->field.size != sizeof(uint64_t))
		return fail_here(p, FL_FILTER_ILLEGAL_FIELD_OP);
	if (pred->op != FL_FILTER_EQ && pred->op != FL_FILTER_NE)
		return fail_here(p, FL_FILTER_INVALID_OP);
	pred->negate = pred->op == FL_FILTER_NE;
	pred->op = FL_FILTER_FUNCTION;
	while (p->at < p->text.n && (digit ? isalnum((unsigned char)peek(p, 0)) : !at_space(p)))
		p->at++;
	s = fl_str_sub(p->text, start, p->at - start);
	if (digit && s.n >= MAX_NUMBER)
		return fail_here(p, FL_FILTER_OPERAND_TOO_LONG);
	if (digit && fl_parse_u64(s, 0, &address) < 0)
		return fail_here(p, FL_FILTER_INVALID_VALUE);
	if (p->scope->function) {
		if (s.n && p->scope->function(p->scope->ctx, s, &pred->value, &pred->end))
			return 0;
		return fail_here(p, FL_FILTER_NO_FUNCTION);
	}
	if (!digit)
		return fail_here(p, FL_FILTER_NO_FUNCTION);
	pred->value = address;
	pred->end = address + 1;
	return 0;
}

#define MAX_CPUS 8192 /* the kernel's own limit */

/* One of "0", "2-3" or "all"; how many CPUs it names goes to @n, those below 64 into the mask. */
static bool take_cpus(struct fl_str part, struct fl_filter_pred *pred, uint64_t *n)
{
	size_t dash = fl_str_find(part, '-', 0);
	uint64_t first, last;

	if (fl_str_is(part, "all")) {
		first = 0;
		last = MAX_CPUS - 1;
	} else if (fl_parse_u64(fl_str_sub(part, 0, dash), 10, &first) < 0) {
		return false;
	} else if (dash == part.n) {
		last = first;
	} else if (fl_parse_u64(fl_str_from(part, dash + 1), 10, &last) < 0) {
		return false;
	}
	if (first > last || last >= MAX_CPUS)
		return false;
	for (uint64_t cpu = first; cpu <= last && cpu < 64; cpu++)
		pred->value |= 1ull << cpu;
	*n += last - first + 1;
	pred->end = first; /* of a list of one */
	return true;
}

/*
 * cpus: 'CPUS{' list '}': whether the value is one of these CPUs (&), or the only one (==, !=). A
 * list of one CPU is a number.
 */
static int take_cpulist(struct parser *p, struct fl_filter_pred *pred)
{
	size_t start, part;
	uint64_t n = 0;

	if (is_string(&pred->field) || pred->field.kind == FL_FILTER_COMM ||
	    (pred->op != FL_FILTER_EQ && pred->op != FL_FILTER_NE && pred->op != FL_FILTER_BAND))
		return fail_here(p, FL_FILTER_ILLEGAL_FIELD_OP);
	p->at += sizeof("CPUS") - 1;
	if (peek(p, 0) != '{') {
		p->at += p->at < p->text.n;
		return fail_here(p, FL_FILTER_MISSING_BRACE_OPEN);
	}
	start = part = ++p->at;
	p->at = fl_str_find(p->text, '}', start);
	if (p->at == p->text.n)
		return fail_here(p, FL_FILTER_MISSING_BRACE_CLOSE);
	pred->value = 0;
	while (part < p->at) {
		size_t comma = FL_MIN(fl_str_find(p->text, ',', part), p->at);

		if (!take_cpus(fl_str_sub(p->text, part, comma - part), pred, &n))
			return fail_here(p, FL_FILTER_INVALID_CPULIST);
		part = comma + 1;
	}
	if (n == 0)
		return fail_here(p, FL_FILTER_INVALID_CPULIST);
	p->at++;
	if (n > 1 || pred->field.kind == FL_FILTER_CPUMASK) {
		pred->negate = pred->op == FL_FILTER_NE;
		pred->only = pred->op != FL_FILTER_BAND;
		pred->op = FL_FILTER_CPUS;
		return 0;
	}
	pred->value = pred->end;
	if (pred->op == FL_FILTER_BAND)
		pred->op = FL_FILTER_EQ;
	return 0;
}

/* pred: FIELD ['.ustring' | '.function'] op (string | number | cpus | function) */
static int take_pred(struct parser *p, struct fl_filter_pred *pred)
{
	size_t start = p->at;
	bool function;
	int r;

	while (isalnum((unsigned char)peek(p, 0)) || peek(p, 0) == '_')
		p->at++;
	pred->name = fl_str_sub(p->text, start, p->at - start);
	if (!pred->name.n)
		return fail(p, FL_FILTER_ERRNO, 0);
	if (!p->scope->find(p->scope->ctx, pred->name, &pred->field))
		return fail_here(p, FL_FILTER_FIELD_NOT_FOUND);
	pred->user = take_text(p, ".ustring");
	function = !pred->user && !p->scope->no_functions && take_text(p, ".function");
	skip_space(p);
	r = take_operator(p, pred);
	if (r < 0)
		return r;
	skip_space(p);
	if (function)
		return take_function(p, pred);
	if (peek(p, 0) == '\'' || peek(p, 0) == '"')
		return take_string(p, pred);
	if (!p->scope->no_cpu_lists && fl_str_starts(fl_str_from(p->text, p->at), "CPUS"))
		return take_cpulist(p, pred);
	if (isdigit((unsigned char)peek(p, 0)) || peek(p, 0) == '-')
		return take_number(p, pred);
	return fail_here(p, FL_FILTER_INVALID_VALUE);
}

static int push(struct parser *p, enum pending_type type, bool invert, struct node *left)
{
	struct pending *n = FL_ARENA_NEW(&p->scratch, struct pending);

	if (!n)
		return -ENOMEM;
	*n = (struct pending){ .type = type, .invert = invert, .left = left, .outer = p->top };
	p->top = n;
	return 0;
}

/* A "!" that belongs to no operator. */
static bool at_not(const struct parser *p)
{
	return peek(p, 0) == '!' && peek(p, 1) != '=' && peek(p, 1) != '~';
}

/* operand: { '(' | '!' } pred */
static int take_operand(struct parser *p, struct node **ret)
{
	struct node *n = FL_ARENA_NEW(&p->scratch, struct node);
	bool invert = false;
	int r;

	for (;; p->at++) {
		if (at_space(p))
			continue;
		if (at_not(p)) {
			invert = !invert;
			continue;
		}
		if (peek(p, 0) != '(')
			break;
		r = push(p, OPEN, invert, NULL);
		if (r < 0)
			return r;
		invert = false;
	}
	if (!n)
		return -ENOMEM;
	if (p->at == p->text.n)
		return fail(p, p->has_begun ? FL_FILTER_INVALID_FILTER : FL_FILTER_NO_FILTER, p->at);
	if (p->nr_preds-- == 0)
		return fail(p, FL_FILTER_TOO_MANY_PREDS, p->at);
	n->pred = FL_ARENA_NEW(p->arena, struct fl_filter_pred);
	if (!n->pred)
		return -ENOMEM;
	n->invert = invert;
	p->has_begun = true;
	*ret = n;
	return take_pred(p, n->pred);
}

/* Joins *@left with what waits on top while that binds at least as tightly as @until. */
static int reduce(struct parser *p, enum pending_type until, struct node **left)
{
	while (p->top && p->top->type != OPEN && p->top->type <= until) {
		struct node *n = FL_ARENA_NEW(&p->scratch, struct node);

		if (!n)
			return -ENOMEM;
		n->type = p->top->type == AND ? NODE_AND : NODE_OR;
		n->left = p->top->left;
		n->right = *left;
		*left = n;
		p->top = p->top->outer;
	}
	return 0;
}

/* What follows an operand: { ')' } ( '&&' | '||' | end ). *@ret_more: an operator stood there. */
static int take_joint(struct parser *p, struct node **left, bool *ret_more)
{
	for (;; p->at++) {
		char c = peek(p, 0);
		enum pending_type type = c == '&' ? AND : OR;
		int r;

		if (at_space(p))
			continue;
		if (c && c != ')' && !((c == '&' || c == '|') && peek(p, 1) == c))
			return fail(p, FL_FILTER_TOO_MANY_PREDS, p->at);
		r = reduce(p, type, left);
		if (r < 0)
			return r;
		*ret_more = c == '&' || c == '|';
		if (*ret_more) {
			p->at += 2;
			return push(p, type, false, *left);
		}
		if (!c)
			return 0;
		if (!p->top) /* count() has seen to it; a second look costs nothing */
			return fail(p, FL_FILTER_TOO_MANY_CLOSE, p->at);
		(*left)->invert ^= p->top->invert;
		p->top = p->top->outer;
	}
}

static int parse(struct parser *p, struct node **ret)
{
	bool more = true;
	int r = 0;

	while (more && r == 0) {
		r = take_operand(p, ret);
		if (r == 0)
			r = take_joint(p, ret, &more);
	}
	return r;
}

/* --- 3. flatten --- */

/*
 * A jump's target is not known while the list grows. Until the end a predicate's targets are these
 * labels; the label of a subtree is set to the index of its first predicate when that is reached.
 */
struct label {
	uint16_t index;
};

struct flat {
	struct fl_filter_pred *preds;
	struct label **on_true, **on_false;
	size_t n;
};

/* The depth is bounded by the number of predicates, and that by FL_FILTER_TEXT_MAX. */
static int flatten(struct parser *p, const struct node *n, bool invert, struct label *on_true,
		   struct label *on_false, struct flat *out)
{
	struct label *right;
	int r;

	invert ^= n->invert;
	if (n->type == NODE_PRED) {
		out->preds[out->n] = *n->pred;
		out->on_true[out->n] = invert ? on_false : on_true;
		out->on_false[out->n++] = invert ? on_true : on_false;
		return 0;
	}
	right = FL_ARENA_NEW(&p->scratch, struct label);
	if (!right)
		return -ENOMEM;
	/* De Morgan: a negated && is an || of the negated sides. */
	if ((n->type == NODE_AND) != invert)
		r = flatten(p, n->left, invert, right, on_false, out);
	else
		r = flatten(p, n->left, invert, on_true, right, out);
	if (r < 0)
		return r;
	right->index = out->n;
	return flatten(p, n->right, invert, on_true, on_false, out);
}

static int make_list(struct parser *p, const struct node *root, size_t nr_preds, struct fl_filter *ret)
{
	struct label accept = { FL_FILTER_ACCEPT }, reject = { FL_FILTER_REJECT };
	struct flat out = {
		.preds = fl_arena_array(p->arena, nr_preds, sizeof(*out.preds)),
		.on_true = fl_arena_array(&p->scratch, nr_preds, sizeof(*out.on_true)),
		.on_false = fl_arena_array(&p->scratch, nr_preds, sizeof(*out.on_false)),
	};
	int r;

	if (!out.preds || !out.on_true || !out.on_false)
		return -ENOMEM;
	r = flatten(p, root, false, &accept, &reject, &out);
	if (r < 0)
		return r;
	for (size_t i = 0; i < out.n; i++) {
		out.preds[i].on_true = out.on_true[i]->index;
		out.preds[i].on_false = out.on_false[i]->index;
	}
	ret->preds = out.preds;
	ret->n = out.n;
	return 0;
}

static int parse_all(struct parser *p, struct fl_filter *ret)
{
	struct node *root = NULL;
	size_t nr_preds;
	int r;

	r = count(p);
	if (r < 0)
		return r;
	nr_preds = p->nr_preds;
	r = parse(p, &root);
	return r < 0 ? r : make_list(p, root, nr_preds, ret);
}

int fl_filter_parse(struct fl_str text, const struct fl_filter_scope *scope, struct fl_filter *ret,
		    struct fl_diag *diag)
{
	struct fl_filter f = {};
	struct parser p = { .scope = scope, .arena = &f.arena, .diag = diag };
	char *copy;
	int r;

	if (text.n > FL_FILTER_TEXT_MAX)
		return -E2BIG;
	copy = fl_arena_dup(&f.arena, text);
	if (!copy)
		return -ENOMEM;
	p.text = fl_str_n(copy, text.n);
	r = parse_all(&p, &f);
	fl_arena_fini(&p.scratch);
	if (r < 0)
		fl_filter_fini(&f);
	else
		*ret = f;
	return r;
}

void fl_filter_fini(struct fl_filter *f)
{
	fl_arena_fini(&f->arena);
	*f = (struct fl_filter){};
}
