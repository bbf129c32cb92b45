/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expression = ["-("] atom { ("+" | "-" | "*" | "/") atom } [")"]
 * atom	      = NUMBER | FIELD ["." MODIFIER] | [SYSTEM "." EVENT "."] "$" VARIABLE
 *
 * The root of an expression is the last operator of lowest precedence, so that it is worked out from
 * left to right; at most three operators.
 */
#include <errno.h>
#include <string.h>

#include "probe/hist/private.h"
#include "probe/lang/ktext.h"

#define MAX_DEPTH 3

/* ---- fields ---- */

static int bad_modifier(const struct hist_parse *p, const char *at)
{
	return hist_fault(p, FL_HIST_BAD_FIELD_MODIFIER, at);
}

/* "bucket[s]=N": @text is what stands behind "bucket". */
static int read_bucket(const struct hist_parse *p, const char *text, unsigned int *flags, uint64_t *bucket)
{
	text += *text == 's';
	if (*text != '=')
		return bad_modifier(p, text);
	text++;
	if (fl_kstrtoul(fl_str(text), 0, bucket) < 0 || !*bucket)
		return bad_modifier(p, text);
	*flags |= FL_HV_BUCKET;
	return 0;
}

static int read_modifier(const struct hist_parse *p, const char *field, const char *text, unsigned int *flags,
			 uint64_t *bucket)
{
	static const struct {
		const char *text;
		unsigned int flag;
	} words[] = {
#define M(flag, name, written, ...) { written, FL_HV_##flag },
#include "probe/hist/modifiers.def"
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(words); i++) {
		if (!words[i].text || strcmp(text, words[i].text) != 0)
			continue;
		if (words[i].flag == FL_HV_EXECNAME && strcmp(field, "common_pid") != 0)
			return bad_modifier(p, text);
		*flags |= words[i].flag;
		return 0;
	}
	if (strncmp(text, "bucket", 6) == 0)
		return read_bucket(p, text + 6, flags, bucket);
	for (int graph = 0; graph < 2; graph++) {
		if (strncmp(text, graph ? "graph" : "percent", graph ? 5 : 7) != 0)
			continue;
		if (*flags & (FL_HV_VAR | FL_HV_KEY))
			return bad_modifier(p, text);
		*flags |= graph ? FL_HV_GRAPH : FL_HV_PERCENT;
		return 0;
	}
	return bad_modifier(p, text);
}

/* What is in no record, and the names that the kernel has for it. */
static bool read_special(const struct hist_parse *p, const char *name, unsigned int *flags)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} special[] = {
		{ "common_timestamp", FL_HV_TIME },  { "common_stacktrace", FL_HV_STACK },
		{ "common_cpu", FL_HV_CPU },	     { "common_comm", FL_HV_COMM | FL_HV_STRING_ },
		{ "hitcount", FL_HV_HITCOUNT },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(special); i++) {
		if (strcmp(name, special[i].name) != 0 || (special[i].flags & FL_HV_COMM && p->set->is_6))
			continue;
		*flags |= special[i].flags;
		if (special[i].flags == FL_HV_TIME) {
			p->t->has_time = true;
			p->t->attrs.usecs |= *flags & FL_HV_USECS;
		}
		return true;
	}
	return false;
}

static int read_event_field(const struct hist_parse *p, const char *name, unsigned int *flags,
			    const struct fl_hist_event_field **ret)
{
	const struct fl_hist_event_field *f = fl_hist_event_field(&p->event->fields, name);

	*ret = f;
	if (f && f->size)
		return 0;
	if (f && f->kind == FL_HF_CPU)
		*flags |= FL_HV_CPU;
	else if (f && f->kind == FL_HF_COMM && !p->set->is_6)
		*flags |= FL_HV_COMM | FL_HV_STRING_;
	else if (f && f->kind == FL_HF_STACK)
		*flags |= FL_HV_STACK, *ret = NULL;
	else
		return hist_fault(p, FL_HIST_FIELD_NOT_FOUND, name);
	return 0;
}

static int read_field(const struct hist_parse *p, const char *text, unsigned int *flags, uint64_t *bucket,
		      const struct fl_hist_event_field **ret)
{
	char *rest = hist_copy(p, text), *name = strsep(&rest, ".");
	const struct fl_hist_event_field *f = NULL;
	bool stack = rest && strcmp(rest, "stacktrace") == 0;
	int r;

	if (!name)
		return -ENOMEM;
	r = rest ? read_modifier(p, name, rest, flags, bucket) : 0;
	if (r == 0 && !read_special(p, name, flags))
		r = read_event_field(p, name, flags, &f);
	if (r < 0)
		return r;
	if (stack && (!f || f->kind != FL_HF_STACK))
		return bad_modifier(p, text);
	*ret = f;
	return 0;
}

/* ---- references ---- */

struct fl_hist_value *hist_refer(const struct hist_parse *p, struct fl_hist_value *variable, const char *system,
				 const char *event)
{
	struct fl_trigger *t = p->t;
	struct fl_hist_value *v;

	for (size_t i = 0; i < t->nr_refs; i++)
		if (t->ref[i]->target == variable)
			return t->ref[i];
	v = t->nr_refs < FL_HIST_VARS ? fl_hist_value_new(&t->arena, NULL, FL_HV_REF) : NULL;
	if (!v)
		return NULL;
	v->target = variable;
	v->owner = variable->owner;
	v->size = variable->size;
	v->is_signed = variable->is_signed;
	v->type = variable->type;
	v->flags |= variable->flags & (FL_HV_TIME | FL_HV_USECS | FL_HV_STACK);
	v->system = system;
	v->event = event;
	v->name = variable->variable ? variable->variable : variable->name;
	v->slot = (unsigned int)t->nr_refs;
	t->ref[t->nr_refs++] = v;
	return v;
}

static bool is_reference(const char *text)
{
	return text[0] == '$' && text[1];
}

static char root_operator(char *text, char **at);

/* Of a variable that is nothing but a field of this event, the field's text. */
static char *own_field(const struct hist_parse *p, const char *system, const char *event, const char *text)
{
	if (system && (strcmp(system, p->event->system) != 0 || strcmp(event, p->event->event) != 0))
		return NULL;
	if (!is_reference(text))
		return NULL;
	for (size_t i = 0; i < p->t->attrs.nr_variables; i++) {
		char *expr = p->t->attrs.expr[i], *at;

		if (p->set->ours && p->t->attrs.is_worked_out[i])
			continue;
		if (strcmp(text + 1, p->t->attrs.variable[i]) == 0 && !root_operator(expr, &at) &&
		    !is_reference(expr))
			return expr;
	}
	return NULL;
}

/* A variable that is another one under its own name. */
static struct fl_hist_value *make_alias(const struct hist_parse *p, struct fl_hist_value *ref, const char *variable)
{
	struct fl_hist_value *v = fl_hist_value_new(&p->t->arena, NULL, FL_HV_ALIAS | FL_HV_VAR);

	if (!v)
		return NULL;
	v->operand[0] = ref;
	v->variable = variable;
	v->target = ref->target;
	v->size = ref->size;
	v->is_signed = ref->is_signed;
	v->type = ref->type;
	v->flags |= ref->flags & (FL_HV_TIME | FL_HV_USECS | FL_HV_STACK);
	v->system = ref->system;
	v->event = ref->event;
	v->name = ref->name;
	return v;
}

/* 1: it is no reference that can be followed, and may be a field. */
static int read_reference(const struct hist_parse *p, const char *system, const char *event, const char *text,
			  const char *variable, struct fl_hist_value **ret)
{
	struct fl_hist_value *found, *ref = NULL;

	if (!is_reference(text))
		return 1;
	found = p->set->ours && !system ? hist_own_variable(p->t, text + 1) : NULL;
	if (!found)
		found = hist_find_variable(p, system, event, text + 1);
	if (found)
		ref = hist_refer(p, found, system, event);
	if (!ref) {
		hist_fault(p, FL_HIST_VAR_NOT_FOUND, text + 1);
		return 1;
	}
	*ret = variable ? make_alias(p, ref, variable) : ref;
	return *ret ? 0 : -ENOMEM;
}

/* ---- atoms ---- */

static int read_number(const struct hist_parse *p, const char *text, unsigned int *flags, const char *variable,
		       struct fl_hist_value **ret)
{
	uint64_t n;

	if (fl_kstrtoul(fl_str(text), 0, &n) < 0)
		return hist_fault(p, FL_HIST_EXPECT_NUMBER, text);
	*flags |= FL_HV_CONST;
	*ret = fl_hist_value_new(&p->t->arena, NULL, *flags);
	if (!*ret)
		return -ENOMEM;
	(*ret)->constant = n;
	(*ret)->variable = variable;
	(*ret)->owner = p->t;
	return 0;
}

/* "SYSTEM.EVENT.NAME" is cut at its dots. */
static void split_qualified(char **text, char **system, char **event)
{
	char *dot = strchr(*text, '.');

	if (!dot || !strchr(dot + 1, '.'))
		return;
	*system = strsep(text, ".");
	*event = strsep(text, ".");
}

/*
 * Ours: a variable that the same histogram works out, by its bare name, and with modifiers. 1: it is none; a
 * field of that name comes first.
 */
static int read_own_variable(const struct hist_parse *p, const char *text, unsigned int flags, const char *variable,
			     struct fl_hist_value **ret)
{
	char *rest = hist_copy(p, text), *name = strsep(&rest, ".");
	struct fl_hist_value *own, *v, *ref;
	uint64_t bucket = 0;
	int r;

	if (!name)
		return -ENOMEM;
	name += *name == '$';
	own = p->set->ours && !fl_hist_event_field(&p->event->fields, name) ? hist_own_variable(p->t, name) : NULL;
	ref = own ? hist_refer(p, own, NULL, NULL) : NULL;
	if (!ref)
		return own ? -ENOMEM : 1;
	r = rest ? read_modifier(p, name, rest, &flags, &bucket) : 0;
	if (r < 0)
		return r;
	if (!(flags & (FL_HV_LOG2 | FL_HV_BUCKET)))
		flags |= FL_HV_ALIAS;
	v = fl_hist_value_new(&p->t->arena, NULL, flags);
	if (!v)
		return -ENOMEM;
	v->operand[0] = ref;
	v->target = own;
	v->size = ref->size;
	v->is_signed = ref->is_signed;
	v->type = ref->type;
	v->flags |= ref->flags & FL_HV_STACK;
	v->bucket = bucket;
	v->variable = variable;
	v->owner = p->t;
	*ret = v;
	return 0;
}

int hist_read_atom(const struct hist_parse *p, char *text, unsigned int *flags, const char *variable,
		   struct fl_hist_value **ret)
{
	char *system = NULL, *event = NULL, *field;
	const struct fl_hist_event_field *f = NULL;
	uint64_t bucket = 0;
	int r;

	if (fl_k_isdigit(text[0]))
		return read_number(p, text, flags, variable, ret);
	split_qualified(&text, &system, &event);
	field = own_field(p, system, event, text);
	r = field || system ? 1 : read_own_variable(p, text, *flags, variable, ret);
	if (r <= 0)
		return r;
	r = field ? 1 : read_reference(p, system, event, text, variable, ret);
	if (r <= 0)
		return r;
	r = read_field(p, field ? field : text, flags, &bucket, &f);
	if (r < 0)
		return r;
	*ret = fl_hist_value_new(&p->t->arena, f, *flags);
	if (!*ret)
		return -ENOMEM;
	(*ret)->bucket = bucket;
	(*ret)->variable = variable;
	(*ret)->owner = p->t;
	return 0;
}

/* ---- expressions ---- */

/* The operator at the root, and where it stands; 'n' is a minus in front of all; 0: none. */
static char root_operator(char *text, char **at)
{
	char *minus = strrchr(text, '-'), *plus = strrchr(text, '+');
	char *div = strrchr(text, '/'), *mul = strrchr(text, '*');

	*at = minus;
	if (minus && minus == text)
		return 'n';
	*at = FL_MAX(minus, plus);
	if (!*at)
		*at = FL_MAX(div, mul);
	return *at ? **at : '\0';
}

static int name_expr(const struct hist_parse *p, struct fl_hist_value *v, const struct fl_buf *text)
{
	if (text->error || text->len >= FL_HV_STRING)
		return text->error ? text->error : -E2BIG;
	v->name = fl_arena_dup(&p->t->arena, fl_buf_str(text));
	return v->name ? 0 : -ENOMEM;
}

/* An expression below a minus may be of one operator, but not of a minus again. */
static int name_negated(const struct hist_parse *p, struct fl_hist_value *v)
{
	const struct fl_hist_value *inner = v->operand[0];
	_cleanup_buf_ struct fl_buf text = {};

	fl_buf_addz(&text, "-(");
	if (inner->op == 'n')
		return -EINVAL;
	if (inner->operand[0] && !inner->op)
		return -EINVAL; /* LOG2 and BUCKET have no name of their own there */
	if (inner->op) {
		fl_hist_value_operand(inner->operand[0], &p->t->arena, &text);
		fl_buf_addc(&text, inner->op);
		fl_hist_value_operand(inner->operand[1], &p->t->arena, &text);
	} else {
		fl_hist_value_operand(inner, &p->t->arena, &text);
	}
	fl_buf_addc(&text, ')');
	return name_expr(p, v, &text);
}

static int too_deep(const struct hist_parse *p, unsigned int depth, const char *text)
{
	return depth > MAX_DEPTH ? hist_fault(p, FL_HIST_TOO_MANY_SUBEXPR, text) : 0;
}

/* Cuts "-(" and ")" off. */
static int split_negated(const struct hist_parse *p, char **text)
{
	char *end;

	++*text;
	if (!strchr(*text, '('))
		return -EINVAL;
	++*text;
	end = strrchr(*text, ')');
	if (!end)
		return -EINVAL;
	if (end[1])
		return hist_fault(p, FL_HIST_UNARY_MINUS_SUBEXPR, *text);
	*end = '\0';
	return 0;
}

static int read_negated(const struct hist_parse *p, char *text, unsigned int flags, const char *variable,
			unsigned int *depth, struct fl_hist_value **ret)
{
	struct fl_hist_value *v = fl_hist_value_new(&p->t->arena, NULL, flags | FL_HV_EXPR), *inner;
	int r = v ? too_deep(p, ++*depth, text) : -ENOMEM;

	if (r == 0)
		r = split_negated(p, &text);
	if (r == 0)
		r = hist_read_expr(p, text, 0, NULL, depth, &inner);
	if (r < 0)
		return r;
	if (inner->flags & FL_HV_STRING_)
		return hist_fault(p, FL_HIST_INVALID_STR_OPERAND, text);
	v->flags |= inner->flags & (FL_HV_TIME | FL_HV_USECS);
	v->operand[0] = inner;
	v->size = inner->size;
	v->is_signed = inner->is_signed;
	v->type = inner->type;
	v->op = 'n';
	v->variable = variable;
	v->owner = p->t;
	*ret = v;
	return name_negated(p, v);
}

/* What a reference refers to, else the value itself; NULL: what it was is gone. */
static struct fl_hist_value *behind(struct fl_hist_value *v)
{
	return v->flags & (FL_HV_REF | FL_HV_ALIAS) ? v->target : v;
}

#define DIV_ONE (1ull << FL_HIST_DIV_SHIFT)

/* The kernel spares itself divisions by numbers (hist_field_get_div_fn()), which at times gives one more. */
static uint64_t multiplier(uint64_t divisor)
{
	bool is_power = !(divisor & (divisor - 1));

	return is_power || divisor > DIV_ONE ? 0 : DIV_ONE / divisor;
}

static uint64_t divide(const struct fl_hist_value *v, uint64_t a, uint64_t b)
{
	if (v->multiplier && a < DIV_ONE)
		return (a * v->multiplier + DIV_ONE - 1) >> FL_HIST_DIV_SHIFT;
	return b ? a / b : UINT64_MAX; /* the kernel's answer, too */
}

uint64_t fl_hist_operate(const struct fl_hist_value *v, uint64_t a, uint64_t b)
{
	switch (v->op) {
	case '+':
		return a + b;
	case '-':
		return a - b;
	case '*':
		return a * b;
	case '/':
		return divide(v, a, b);
	default:
		return -a;
	}
}

static int read_operand(const struct hist_parse *p, char *text, unsigned int *depth, struct fl_hist_value **ret)
{
	int r = hist_read_expr(p, text, 0, NULL, depth, ret);

	return r == 0 && (*ret)->flags & FL_HV_STRING_ ? hist_fault(p, FL_HIST_INVALID_STR_OPERAND, text) : r;
}

/* Two numbers are one. */
static int fold(struct fl_hist_value *v, uint64_t a, uint64_t b)
{
	v->constant = fl_hist_operate(v, a, b);
	v->op = '\0';
	v->operand[0] = v->operand[1] = NULL;
	v->name = "";
	return 0;
}

static int combine(const struct hist_parse *p, struct fl_hist_value *v, const char *right)
{
	struct fl_hist_value *a = behind(v->operand[0]), *b = behind(v->operand[1]);
	_cleanup_buf_ struct fl_buf text = {};

	v->operand[0]->read_once = v->operand[1]->read_once = true;
	if (v->op == '/' && b->flags & FL_HV_CONST && !b->constant)
		return hist_fault(p, FL_HIST_DIVISION_BY_ZERO, right);
	if (v->op == '/' && b->flags & FL_HV_CONST)
		v->multiplier = multiplier(b->constant);
	if (v->flags & FL_HV_CONST)
		return fold(v, a->constant, b->constant);
	v->size = v->operand[0]->size;
	v->is_signed = v->operand[0]->is_signed;
	v->type = v->operand[0]->type;
	fl_hist_value_operand(v->operand[0], &p->t->arena, &text);
	fl_buf_addc(&text, v->op);
	fl_hist_value_operand(v->operand[1], &p->t->arena, &text);
	return name_expr(p, v, &text);
}

static int read_binary(const struct hist_parse *p, char *left, char *at, unsigned int flags, const char *variable,
		       unsigned int *depth, struct fl_hist_value **ret)
{
	struct fl_hist_value *a, *b, *v;
	char op = *at, *right = at + 1;
	unsigned int both;
	int r;

	++*depth;
	*at = '\0';
	if (!*left || !*right)
		return -EINVAL;
	r = read_operand(p, left, depth, &a);
	if (r == 0)
		r = read_operand(p, right, depth, &b);
	if (r < 0)
		return r;
	both = behind(a)->flags & behind(b)->flags;
	if ((behind(a)->flags ^ behind(b)->flags) & FL_HV_USECS)
		return hist_fault(p, FL_HIST_TIMESTAMP_MISMATCH, NULL);
	flags |= (both & FL_HV_CONST ? FL_HV_CONST : FL_HV_EXPR) | (a->flags & (FL_HV_TIME | FL_HV_USECS));
	v = fl_hist_value_new(&p->t->arena, NULL, flags);
	if (!v)
		return -ENOMEM;
	v->op = op;
	v->operand[0] = a;
	v->operand[1] = b;
	v->variable = variable;
	v->owner = p->t;
	*ret = v;
	return combine(p, v, right);
}

int hist_read_expr(const struct hist_parse *p, char *text, unsigned int flags, const char *variable,
		   unsigned int *depth, struct fl_hist_value **ret)
{
	char *at, op;
	int r = too_deep(p, *depth, text);

	if (r < 0)
		return r;
	op = root_operator(text, &at);
	if (!op)
		return hist_read_atom(p, text, &flags, variable, ret);
	return op == 'n' ? read_negated(p, text, flags, variable, depth, ret)
			 : read_binary(p, text, at, flags, variable, depth, ret);
}
