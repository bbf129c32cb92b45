/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One argument:
 *
 *	arg = [NAME "="] FETCHARG [":" TYPE ["[" COUNT "]"]]
 *
 * The type is cut off first and judged before the expression; the store that it asks for is put
 * behind the expression's program, and then the bit-field and the loop.
 */
#include <errno.h>

#include "base/util.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

/* ---- types ---- */

/* Whatever starts with "b" is a bit-field; its container is an unsigned type. */
static struct fl_str container_type(struct fl_str name)
{
	size_t slash = fl_k_find(name, '/', 0);
	uint64_t bits;

	if (slash == name.n || fl_kstrtoul(fl_str_from(name, slash + 1), 0, &bits) < 0)
		return FL_STR("");
	return bits == 8 ? FL_STR("u8") : bits == 16 ? FL_STR("u16") :
	       bits == 32 ? FL_STR("u32") : bits == 64 ? FL_STR("u64") : FL_STR("");
}

static bool is_called(const struct fl_fetch_type *t, struct fl_str name)
{
	size_t i = 0;

	while (i < name.n && t->name[i] == name.p[i] && t->name[i])
		i++;
	return i == name.n && !t->name[i];
}

static bool has_type(const struct fl_parse *p, const struct fl_fetch_type *t)
{
	if (t->print == FL_PRINT_CHAR)
		return !p->rules->no_char;
	return !(t->flags & FL_TYPE_KERNEL) || !(p->at & FL_AT_USER) || p->rules->user_symbols;
}

static const struct fl_fetch_type *find_type(const struct fl_parse *p, struct fl_str name)
{
	if (fl_at(name, 0) == 'b')
		name = container_type(name);
	for (size_t i = 0; i < fl_nr_fetch_types; i++) {
		const struct fl_fetch_type *t = &fl_fetch_types[i];

		if (is_called(t, name) && has_type(p, t))
			return t;
	}
	return NULL;
}

/* ---- one argument ---- */

/* Names that every event's record has already. */
static const char *const reserved_names[] = {
	"common_type", "common_flags", "common_preempt_count", "common_pid",
	"common_tgid", "__probe_ip",   "__probe_ret_ip",       "__probe_func",
};

/* No rows of types.def, as no kernel has them. */
static const struct fl_fetch_type path_type = {
	.name = "path", .size = 4, .is_signed = true, .print = FL_PRINT_STRING,
	.flags = FL_TYPE_STRING | FL_TYPE_PATH,
};
static const struct fl_fetch_type group_type = {
	.name = "container", .size = 4, .is_signed = true, .print = FL_PRINT_STRING,
	.flags = FL_TYPE_STRING | FL_TYPE_SYMSTR | FL_TYPE_GROUP,
};

static const struct fl_fetch_type *own_type(const struct fl_parse *p, const struct fl_probe_arg *arg)
{
	if (!p->in_trace || arg->count)
		return NULL;
	if (fl_str_is(arg->type_text, path_type.name) && !(p->at & FL_AT_USER))
		return &path_type;
	return fl_str_is(arg->type_text, group_type.name) ? &group_type : NULL;
}

/*
 * "[" COUNT "]" behind a type, of which a trace takes more bytes than the kernel; @type is all that follows the ":".
 * Faults count from the body.
 */
static int parse_array(struct fl_parse *p, struct fl_str body, struct fl_str type, uint32_t *count)
{
	size_t open = fl_k_find(type, '[', 0), close = fl_k_find(type, ']', open);
	struct fl_str number = fl_str_sub(type, open + 1, close - open - 1);
	long column = type.p - body.p;

	if (open == type.n)
		return 0;
	if (close == type.n)
		return fl_fault(p, p->offset + column + type.n, FL_FAULT_ARRAY_NO_CLOSE,
				fl_str_from(type, open));
	if (close + 1 < type.n)
		return fl_fault(p, p->offset + column + close + 1, FL_FAULT_BAD_ARRAY_SUFFIX,
				fl_str_from(type, close + 1));
	if (fl_kstrtouint(number, 0, count) < 0 || *count == 0)
		return fl_fault(p, p->offset + column + open + 1, FL_FAULT_BAD_ARRAY_NUM, number);
	if (*count > (p->in_trace && fl_str_starts(type, "x8[") ? FL_MAX_BUFFER : FL_MAX_ARRAY))
		return fl_fault(p, p->offset + column + open + 1, FL_FAULT_ARRAY_TOO_BIG, number);
	return 0;
}

static bool wants_string(const struct fl_parse *p, struct fl_str expr)
{
	return !(p->at & FL_AT_EVENT) && (fl_str_is(expr, "$comm") || fl_str_is(expr, "$COMM") ||
					  fl_str_starts(expr, "\\\""));
}

/* [":" TYPE ["[" COUNT "]"]]: sets type, type_text and count; @expr is what stands before it. */
static int parse_type(struct fl_parse *p, struct fl_probe_arg *arg, struct fl_str *expr)
{
	size_t colon = fl_k_find(arg->body, ':', 0);
	bool given = colon < arg->body.n;
	struct fl_str type = fl_str_from(arg->body, colon + given);
	long column = given ? colon + 1 : 0;
	int r;

	*expr = fl_str_sub(arg->body, 0, colon);
	r = given ? parse_array(p, arg->body, type, &arg->count) : 0;
	if (r < 0)
		return r;
	arg->type_text = fl_str_sub(type, 0, fl_k_find(type, '[', 0));
	if (!given)
		arg->type_text.p = NULL;
	if (wants_string(p, *expr)) {
		if (arg->count || (given && !fl_str_is(arg->type_text, "string")))
			return p->rules->mute_string_type ? -EINVAL :
			       fl_fault(p, p->offset + column, FL_FAULT_NEED_STRING_TYPE,
					given ? arg->type_text : *expr);
		arg->type = find_type(p, FL_STR("string"));
	} else {
		arg->type = find_type(p, given ? arg->type_text : FL_STR("x64"));
	}
	if (!arg->type)
		arg->type = own_type(p, arg);
	if (!arg->type)
		return fl_fault(p, p->offset + column, FL_FAULT_BAD_TYPE, arg->type_text);
	return 0;
}

static const char *int_type(struct fl_parse *p, struct fl_int v)
{
	static const char *const names[2][4] = { { "u8", "u16", "u32", "u64" },
						 { "s8", "s16", "s32", "s64" } };

	for (int i = 0; i < 4; i++) {
		if (v.bits == 8u << i)
			return names[v.is_signed][i];
	}
	if (v.is_signed)
		return "x64";
	/* a bit-field, in old BTF */
	p->last_bits = v.bits;
	p->last_bit += v.bit_offset;
	return "u64";
}

/* The type that BTF suggests where none was given. */
static const struct fl_fetch_type *default_type(struct fl_parse *p)
{
	const char *name = "x64";
	struct fl_int v;

	switch (fl_type_kind(p->last)) {
	case BTF_KIND_ENUM:
		name = "s32";
		break;
	case BTF_KIND_ENUM64:
		name = "s64";
		break;
	case BTF_KIND_INT:
		if (fl_type_int(p->last, &v) == 0)
			name = int_type(p, v);
		break;
	}
	return find_type(p, fl_str(name));
}

/* The kernel takes unsigned ones; before 6.2 its plain char was signed, and is called "char" then. */
static bool is_char(struct fl_type t)
{
	struct fl_int v;

	t = fl_type_strip(t);
	return fl_type_int(t, &v) == 0 && v.bits == 8 &&
	       (!v.is_signed || fl_str_is(fl_type_name(t), "char"));
}

static bool contains(struct fl_str s, const char *part)
{
	return s.n && memmem(s.p, s.n, part, strlen(part));
}

/* The next slot, for a dereference, a store, a bit-field or a loop: -@err where there is none. */
static int tail_insn(struct fl_parse *p, struct fl_str at, int err)
{
	if (p->pc + 1 >= FL_FETCH_MAX_INSNS - 1) {
		fl_fault(p, p->offset, FL_FAULT_TOO_MANY_OPS, at);
		return -err;
	}
	p->pc++;
	return 0;
}

/* A char array is a string as it stands; a char pointer is one after one more dereference. */
static int prepare_string(struct fl_parse *p, struct fl_probe_arg *arg, struct fl_str expr)
{
	unsigned int kind = fl_type_kind(p->last);
	int r;

	if (kind == BTF_KIND_ARRAY && is_char(fl_type_target(p->last)))
		return 0;
	if (kind != BTF_KIND_PTR || !is_char(fl_type_target(p->last)))
		return fl_fault(p, p->offset, FL_FAULT_BAD_TYPE4STR, expr);
	r = tail_insn(p, expr, E2BIG);
	if (r == 0)
		*fl_insn(p) = (struct fl_fetch_insn){
			.op = fl_at(arg->type_text, 0) == 'u' ? FL_FETCH_UDEREF : FL_FETCH_DEREF,
		};
	return r;
}

static bool has_path(struct fl_type t)
{
	struct fl_str name = fl_type_name(t);

	return fl_type_kind(t) == BTF_KIND_STRUCT &&
	       (fl_str_is(name, "file") || fl_str_is(name, "path") || fl_str_is(name, "dentry"));
}

/* A struct that has a path lies where the last dereference would read; a pointer to one is read. */
static int prepare_path(struct fl_parse *p, struct fl_probe_arg *arg, struct fl_str expr)
{
	bool pointer = fl_type_kind(p->last) == BTF_KIND_PTR;
	int r;

	if (!has_path(pointer ? fl_type_strip(fl_type_target(p->last)) : p->last))
		return fl_fault(p, p->offset, FL_FAULT_BAD_TYPE4STR, expr);
	if (!pointer)
		return 0;
	r = tail_insn(p, expr, E2BIG);
	if (r == 0)
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_DEREF };
	return r;
}

static int use_btf_type(struct fl_parse *p, struct fl_probe_arg *arg, struct fl_str expr)
{
	arg->btf = p->last;
	arg->written = p->written;
	if (arg->type->flags & FL_TYPE_PATH)
		return prepare_path(p, arg, expr);
	if (!fl_type_ok(p->last)) {
		if (p->marked_type && !arg->type_text.p)
			arg->type = find_type(p, fl_str(p->marked_type));
		return 0;
	}
	if (!arg->type_text.p) {
		arg->type = default_type(p);
		return 0;
	}
	return contains(arg->type_text, "string") ? prepare_string(p, arg, expr) : 0;
}

static bool op_in(enum fl_fetch_op op, const enum fl_fetch_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ops[i] == op)
			return true;
	}
	return false;
}

static const enum fl_fetch_op symstr_ops[] = {
	FL_FETCH_REG, FL_FETCH_STACK, FL_FETCH_RETVAL, FL_FETCH_ARG, FL_FETCH_DEREF, FL_FETCH_TP_ARG, FL_FETCH_CGROUP,
};
static const enum fl_fetch_op string_ops[] = {
	FL_FETCH_DEREF, FL_FETCH_UDEREF, FL_FETCH_IMM, FL_FETCH_COMM, FL_FETCH_DATA, FL_FETCH_TP_ARG,
};
/* These give the string's address itself; the others are dereferences that the store replaces. */
static const enum fl_fetch_op address_ops[] = {
	FL_FETCH_IMM, FL_FETCH_COMM, FL_FETCH_DATA, FL_FETCH_TP_ARG,
};

static int store_string(struct fl_parse *p, struct fl_probe_arg *arg, long type_column,
			struct fl_str expr)
{
	bool symstr = arg->type->flags & FL_TYPE_SYMSTR;
	enum fl_fetch_op op = fl_insn(p)->op;
	struct fl_str at = arg->type_text.n ? arg->type_text : expr;
	int r;

	if (symstr && !op_in(op, symstr_ops, FL_ARRAY_SIZE(symstr_ops)))
		return fl_fault(p, p->offset + type_column, FL_FAULT_BAD_SYMSTRING, at);
	if (!symstr && !op_in(op, string_ops, FL_ARRAY_SIZE(string_ops)))
		return fl_fault(p, p->offset + type_column, FL_FAULT_BAD_STRING, at);
	if (symstr || arg->count || op_in(op, address_ops, FL_ARRAY_SIZE(address_ops))) {
		r = tail_insn(p, expr, EINVAL);
		if (r < 0)
			return r;
		*fl_insn(p) = (struct fl_fetch_insn){};
	}
	if ((arg->type->flags & FL_TYPE_USER) || fl_insn(p)->op == FL_FETCH_UDEREF)
		fl_insn(p)->op = FL_FETCH_ST_USTRING;
	else
		fl_insn(p)->op = symstr ? FL_FETCH_ST_SYMSTR : FL_FETCH_ST_STRING;
	return 0;
}

static int store_value(struct fl_parse *p, struct fl_str expr)
{
	int r;

	switch (fl_insn(p)->op) {
	case FL_FETCH_DEREF:
		fl_insn(p)->op = FL_FETCH_ST_MEM;
		return 0;
	case FL_FETCH_UDEREF:
		fl_insn(p)->op = FL_FETCH_ST_UMEM;
		return 0;
	default:
		r = tail_insn(p, expr, E2BIG);
		if (r == 0)
			*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_ST_RAW };
		return r;
	}
}

/* "b" WIDTH "@" OFFSET "/" SIZE; a type that starts with "b" got here only with a size. */
static int modify_bitfield(struct fl_parse *p, struct fl_probe_arg *arg, long type_column)
{
	unsigned int size = arg->type->size * 8;
	struct fl_str rest = fl_str_from(arg->type_text, 1);
	uint64_t width, offset;
	size_t n;

	if (fl_at(arg->type_text, 0) != 'b')
		return 0;
	n = fl_simple_strtoul(rest, 0, &width);
	if (width == 0 || fl_at(rest, n) != '@')
		goto bad;
	rest = fl_str_from(rest, n + 1);
	n = fl_simple_strtoul(rest, 0, &offset);
	if (n == 0 || fl_at(rest, n) != '/' || p->pc + 1 >= FL_FETCH_MAX_INSNS - 1 ||
	    width + offset > size)
		goto bad;
	p->pc++;
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_MOD_BF,
					      .basesize = arg->type->size,
					      .lshift = size - (width + offset),
					      .rshift = size - width };
	arg->bit_width = width;
	arg->bit_offset = offset;
	return 0;
bad:
	return fl_fault(p, p->offset + type_column, FL_FAULT_BAD_BITFIELD, arg->type_text);
}

/* A bit-field that BTF knows of; it is cut out of 64 bits. */
static int modify_btf_bitfield(struct fl_parse *p, struct fl_str expr)
{
	int r;

	if (!fl_type_ok(p->last) || (p->last_bits % 8 == 0 && p->last_bit == 0))
		return 0;
	r = tail_insn(p, expr, EINVAL);
	if (r == 0)
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_MOD_BF,
						      .basesize = 8,
						      .lshift = 64 - (p->last_bits + p->last_bit),
						      .rshift = 64 - p->last_bits };
	return r;
}

static int loop_array(struct fl_parse *p, struct fl_probe_arg *arg, enum fl_fetch_op store,
		      long type_column, struct fl_str expr)
{
	int r;

	if (!arg->count)
		return 0;
	if (store != FL_FETCH_ST_MEM && store != FL_FETCH_ST_STRING && store != FL_FETCH_ST_USTRING)
		return fl_fault(p, p->offset + type_column, FL_FAULT_BAD_STRING,
				arg->type_text.n ? arg->type_text : expr);
	r = tail_insn(p, expr, E2BIG);
	if (r == 0)
		*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_LP_ARRAY,
						      .param = arg->count };
	return r;
}

/* Puts store, bit-field, loop and END behind the expression. */
static int finish_program(struct fl_parse *p, struct fl_probe_arg *arg, struct fl_str expr)
{
	long type_column = arg->type_text.p ? arg->type_text.p - arg->body.p : 0;
	enum fl_fetch_op store;
	int r;

	if (arg->type->flags & FL_TYPE_STRING)
		r = store_string(p, arg, type_column, expr);
	else
		r = store_value(p, expr);
	if (r < 0)
		return r;
	fl_insn(p)->size = arg->type->size;
	store = fl_insn(p)->op;
	r = arg->type_text.p ? modify_bitfield(p, arg, type_column) : modify_btf_bitfield(p, expr);
	if (r == 0)
		r = loop_array(p, arg, store, type_column, expr);
	if (r < 0)
		return r;
	p->code[++p->pc] = (struct fl_fetch_insn){ .op = FL_FETCH_END };
	arg->program.n = p->pc + 1;
	memcpy(arg->program.code, p->code, arg->program.n * sizeof(p->code[0]));
	return 0;
}

/* FETCHARG [":" TYPE ["[" COUNT "]"]] */
static int parse_body(struct fl_parse *p, struct fl_probe_arg *arg)
{
	long start = p->offset;
	struct fl_str expr;
	int r;

	if (arg->body.n > p->rules->max_body) {
		r = fl_fault(p, p->offset, FL_FAULT_ARG_TOO_LONG, arg->body);
		return p->rules->long_arg_einval ? -EINVAL : r;
	}
	if (arg->body.n == 0)
		return fl_fault(p, p->offset, FL_FAULT_NO_ARG_BODY, arg->body);
	r = parse_type(p, arg, &expr);
	if (r < 0)
		return r;
	memset(p->code, 0, FL_FETCH_MAX_INSNS * sizeof(p->code[0]));
	p->pc = 0;
	p->nested = 0;
	p->last = FL_TYPE_NONE;
	p->marked_type = NULL;
	p->cast = FL_TYPE_NONE;
	p->cast_offset = 0;
	r = fl_parse_expr(p, expr);
	if (p->rules->columns_return)
		p->offset = start;
	if (r == 0)
		r = use_btf_type(p, arg, expr);
	if (r < 0)
		return r;
	arg->offset = p->event->record_size;
	arg->size = arg->type->size * (arg->count ? arg->count : 1);
	p->event->record_size += arg->size;
	p->buffers += arg->count > FL_MAX_ARRAY ? arg->size : 0;
	if (p->event->record_size - p->buffers > FL_MAX_RECORD)
		return fl_fault(p, p->offset, FL_FAULT_EVENT_TOO_BIG, arg->body);
	return finish_program(p, arg, expr);
}

/* The name of an argument that was given none: the parameter's, or "argN". */
static int default_name(struct fl_parse *p, struct fl_str text, size_t i, struct fl_str *ret)
{
	struct fl_str name = fl_str_sub(text, 0, fl_k_find(text, ':', 0));
	char number[sizeof("arg4294967295")];
	char *copy;

	if (p->rules->no_btf_args || !fl_is_good_name(name, false)) {
		snprintf(number, sizeof(number), "arg%u", (unsigned int)i + 1);
		name = fl_str(number);
	}
	copy = fl_arena_dup(&p->event->arena, name);
	if (!copy)
		return -ENOMEM;
	*ret = fl_str(copy);
	return 0;
}

static bool name_is_used(const struct fl_parse *p, struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(reserved_names); i++) {
		if (fl_at(name, 0) == reserved_names[i][0] && fl_str_is(name, reserved_names[i]))
			return true;
	}
	for (size_t i = 0; i < p->event->nr_args; i++) {
		if (fl_str_eq(name, p->event->args[i].name))
			return true;
	}
	return false;
}

/* arg = [NAME "="] body */
static int parse_arg(struct fl_parse *p, const struct fl_word *w, struct fl_probe_arg *arg)
{
	size_t equal = fl_k_find(w->text, '=', 0);
	int r = 0;

	arg->span = w->span;
	if (equal < w->text.n) {
		arg->name = fl_str_sub(w->text, 0, equal);
		if (equal > FL_MAX_ARG_NAME)
			return fl_fault(p, 0, FL_FAULT_ARG_NAME_TOO_LONG, arg->name);
		if (equal == 0)
			return fl_fault(p, 0, FL_FAULT_NO_ARG_NAME, w->text);
		arg->body = fl_str_from(w->text, equal + 1);
	} else {
		r = default_name(p, w->text, p->event->nr_args, &arg->name);
		arg->body = w->text;
	}
	if (r < 0)
		return r;
	if (!fl_is_good_name(arg->name, false))
		return fl_fault(p, 0, FL_FAULT_BAD_ARG_NAME, arg->name);
	if (name_is_used(p, arg->name))
		return fl_fault(p, 0, FL_FAULT_USED_ARG_NAME,
				equal < w->text.n ? arg->name : w->text);
	p->offset = arg->body.p - w->text.p;
	return parse_body(p, arg);
}

/* An e-probe's variable that is no field: the task's name, or nothing. */
static int find_variable(struct fl_parse *p, const struct fl_word *w, struct fl_probe_arg *arg)
{
	struct fl_fetch_insn *first = &arg->program.code[0];

	if (first->op != FL_FETCH_TP_ARG || first->field != FL_NO_FIELD)
		return 0;
	if (!fl_str_is(first->text, "comm") && !fl_str_is(first->text, "COMM")) {
		fl_fault(p, 0, FL_FAULT_BAD_ATTACH_ARG, w->text);
		return -ENOENT;
	}
	*first = (struct fl_fetch_insn){ .op = FL_FETCH_COMM };
	return 0;
}

int fl_parse_args(struct fl_parse *p, const struct fl_words *args)
{
	struct fl_probe_event *e = p->event;

	e->args = fl_arena_array(&e->arena, args->n ? args->n : 1, sizeof(*e->args));
	if (!e->args)
		return -ENOMEM;
	for (size_t i = 0; i < args->n; i++) {
		int r;

		p->log.index = i + 2;
		r = parse_arg(p, &args->w[i], &e->args[i]);
		if (r == 0)
			r = find_variable(p, &args->w[i], &e->args[i]);
		if (r == 0 && (p->at & FL_AT_EVENT))
			r = fl_resolve_symbols(p, &e->args[i]);
		if (r < 0)
			return r;
		e->nr_args++;
	}
	return 0;
}
