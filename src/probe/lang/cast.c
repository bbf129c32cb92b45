/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What BTF makes of a name: parameters, the return value, $current, and casts.
 *
 *	cast = "(" STRUCT ["," FIELD {"." FIELD}] ")" inner "->" path
 *	inner = "(" FETCHARG ")" | dereference | this-cpu | text up to the first "-"
 *
 * (STRUCT,FIELD)X means container_of(X, struct STRUCT, FIELD): the field's offset is taken off that
 * of the path's first field. The inner value is parsed first, so its faults win; then the struct,
 * its field, and the path.
 */
#include <errno.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

/* The value at hand has BTF type @type; @path, if there is one, goes on from it. */
static int found_type(struct fl_parse *p, struct fl_str text, struct fl_str path,
		      struct fl_type type)
{
	p->written = type;
	type = fl_type_ok(p->cast) ? p->cast : fl_type_strip(type);
	if (!fl_type_ok(type))
		return fl_fault(p, p->offset, FL_FAULT_BAD_BTF_TID, text);
	p->last = type;
	p->last_bit = 0;
	p->last_bits = 0;
	if (!path.p)
		return 0;
	p->offset += path.p - text.p;
	return fl_parse_fields(p, path, type);
}

static int current_task(struct fl_parse *p, struct fl_str text, struct fl_str path)
{
	int r;

	fl_insn(p)->op = FL_FETCH_CURRENT;
	p->cast = fl_target_type(p->target, FL_STR("task_struct"), FL_KIND(BTF_KIND_STRUCT));
	if (!fl_type_ok(p->cast))
		return fl_fault(p, p->offset, FL_FAULT_NO_BTF_ENTRY, text);
	r = found_type(p, text, path, p->cast);
	p->cast = FL_TYPE_NONE;
	return r;
}

static int return_value(struct fl_parse *p, struct fl_str text, struct fl_str path)
{
	fl_insn(p)->op = FL_FETCH_RETVAL;
	if (fl_query_proto(p) == 0) {
		struct fl_type type = fl_type_return(p->proto);

		if (fl_type_is_void(type))
			return fl_fault(p, p->offset, FL_FAULT_NO_RETVAL, text);
		return found_type(p, text, path, type);
	}
	if (path.p)
		return fl_fault(p, p->offset + (path.p - text.p), FL_FAULT_NO_BTF_ENTRY, text);
	return 0;
}

static int load_param(struct fl_parse *p, struct fl_str name, uint32_t i)
{
	int kept;

	if (p->at & FL_AT_USER)
		return fl_load_user_param(p, name, i);
	if (fl_at_entry(p)) {
		fl_insn(p)->op = FL_FETCH_ARG;
		fl_insn(p)->param = i + !!(p->at & FL_AT_TPOINT);
		return 0;
	}
	kept = fl_keep_entry_arg(p, i);
	if (kept < 0)
		return kept;
	*fl_insn(p) = (struct fl_fetch_insn){ .op = FL_FETCH_EDATA, .offset = kept };
	return 0;
}

int fl_parse_btf_arg(struct fl_parse *p, struct fl_str text)
{
	struct fl_str name, path;
	struct fl_param param;
	bool current = p->rules->has_casts && fl_str_starts(text, "$current");
	int r;

	if (!current && !p->function.n && !(p->at & FL_AT_EVENT) && !fl_at_user_types(p))
		return -EINVAL;
	r = fl_split_field(p, text, &name, &path);
	if (r < 0)
		return r;
	if (r == 0 && path.p)
		return fl_fault(p, p->offset + (path.p - text.p), FL_FAULT_NOSUP_DAT_ARG, text);
	if (current && fl_str_is(name, "$current"))
		return current_task(p, text, path);
	if ((p->at & FL_AT_RETURN) && fl_str_is(name, "$retval"))
		return return_value(p, text, path);
	/* The kernel looks once: what it found without parameters, it does not complain of again. */
	if (!fl_type_ok(p->proto) && (fl_query_proto(p) < 0 || p->nr_params == 0))
		return fl_fault(p, p->offset, FL_FAULT_NO_BTF_ENTRY, name);
	for (uint32_t i = 0; i < p->nr_params; i++) {
		if (!fl_proto_param(p, i, &param) || !fl_str_eq(param.name, name))
			continue;
		r = load_param(p, name, i);
		return r < 0 ? r : found_type(p, text, path, param.type);
	}
	return fl_fault(p, p->offset, FL_FAULT_NO_BTFARG, name);
}

/* Index of the ")" that closes the first "(", or s.n. */
static size_t matching_close(struct fl_str s)
{
	int depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i;
	}
	return s.n;
}

static bool is_arrow(struct fl_str s, size_t i)
{
	return fl_at(s, i) == '-' && fl_at(s, i + 1) == '>';
}

static int need_field(struct fl_parse *p, long column, struct fl_str at)
{
	return fl_fault(p, p->offset + column, FL_FAULT_TYPECAST_REQ_FIELD, at);
}

/* "(" FETCHARG ")" */
static int inner_parens(struct fl_parse *p, struct fl_str text, struct fl_str *inner,
			struct fl_str *path)
{
	size_t close = matching_close(text);

	if (close == text.n)
		return fl_fault(p, p->offset, FL_FAULT_DEREF_OPEN_BRACE, text);
	if (!is_arrow(text, close + 1))
		return need_field(p, close + 1, text);
	p->offset++;
	*inner = fl_str_sub(text, 1, close - 1);
	*path = fl_str_from(text, close + 3);
	return 0;
}

/* What has parentheses of its own: it ends with them, whatever arrows are inside. */
static int inner_call(struct fl_parse *p, struct fl_str text, struct fl_str *inner,
		      struct fl_str *path)
{
	size_t open = fl_k_find(text, '(', 1), close;

	if (open == text.n)
		return fl_fault(p, p->offset, FL_FAULT_DEREF_NEED_BRACE, text);
	close = open + matching_close(fl_str_from(text, open));
	if (close == text.n)
		return fl_fault(p, p->offset + text.n, FL_FAULT_DEREF_OPEN_BRACE, text);
	if (!is_arrow(text, close + 1))
		return need_field(p, close + 1 + p->rules->cast_end_column, text);
	*inner = fl_str_sub(text, 0, close + 1);
	*path = fl_str_from(text, close + 3);
	return 0;
}

static int inner_plain(struct fl_parse *p, struct fl_str text, struct fl_str *inner,
		       struct fl_str *path)
{
	size_t sign = fl_str_any(text, "+-"), hyphen = fl_k_find(text, '-', 0);

	if (p->rules->cast_symbol_alone && fl_at(text, 0) == '@' &&
	    fl_k_isdigit(fl_at(text, sign + 1)))
		return fl_fault(p, p->offset, FL_FAULT_TYPECAST_SYM_OFFSET, text);
	if (!is_arrow(text, hyphen))
		return need_field(p, text.n, text);
	*inner = fl_str_sub(text, 0, hyphen);
	*path = fl_str_from(text, hyphen + 2);
	return 0;
}

/* Splits what is behind the cast's ")" into the inner value and the path. */
static int split_inner(struct fl_parse *p, struct fl_str text, struct fl_str *inner,
		       struct fl_str *path)
{
	char c = fl_at(text, 0);

	if (c == '(')
		return inner_parens(p, text, inner, path);
	if (c == '+' || c == '-' || fl_this_cpu_prefix(text))
		return inner_call(p, text, inner, path);
	return inner_plain(p, text, inner, path);
}

/* The struct of that name; the kernel takes an empty one for the first that has none. */
static struct fl_type find_struct(struct fl_parse *p, struct fl_str name)
{
	struct fl_type t = FL_TYPE_NONE;
	struct fl_btf *btf;

	if (fl_at_user_types(p))
		return fl_find_user_struct(p, name);
	if (name.n)
		return fl_target_type(p->target, name, FL_KIND(BTF_KIND_STRUCT));
	if (fl_target_btf(p->target, &btf) < 0)
		return t;
	for (uint32_t id = fl_btf_first_id(btf); id < fl_btf_end_id(btf); id++) {
		t = fl_btf_type(btf, id);
		if (fl_type_kind(t) == BTF_KIND_STRUCT && fl_type_name(t).n == 0)
			return t;
	}
	return FL_TYPE_NONE;
}

/* STRUCT ["," FIELD {"." FIELD}] */
static int parse_cast_type(struct fl_parse *p, struct fl_str text)
{
	size_t comma = fl_k_find(text, ',', 0);
	struct fl_str field, rest, name = fl_str_sub(text, 0, comma);
	struct fl_type type;
	int64_t bits;
	int r;

	p->cast_offset = 0;
	p->cast = find_struct(p, name);
	if (!fl_type_ok(p->cast))
		return fl_fault(p, p->offset, FL_FAULT_NO_PTR_STRCT, name);
	if (comma == text.n)
		return 0;
	field = fl_str_from(text, comma + 1);
	p->offset += comma + 1;
	type = p->cast;
	r = fl_parse_dotted(p, field, &type, &rest, &bits);
	if (r < 0)
		return r;
	if (bits % 8)
		return fl_fault(p, p->offset, FL_FAULT_TYPECAST_NOT_ALIGNED, field);
	if (rest.p)
		return fl_fault(p, p->offset - 2, FL_FAULT_TYPECAST_BAD_ARROW, field);
	p->cast_offset = bits / 8;
	return 0;
}

int fl_parse_cast(struct fl_parse *p, struct fl_str text)
{
	size_t close = fl_k_find(text, ')', 0);
	struct fl_str inner, path;
	long start = p->offset;
	int r;

	if (!(p->at & FL_AT_EVENT) && !fl_at_entry(p) && !fl_at_return(p) && !fl_at_user_types(p)) {
		fl_fault(p, p->offset, FL_FAULT_NOSUP_BTFARG, text);
		return -EOPNOTSUPP;
	}
	if (++p->nested > p->rules->max_nested)
		return fl_fault(p, p->offset, FL_FAULT_TOO_MANY_NESTED, text);
	if (close == text.n)
		return fl_fault(p, p->offset + text.n, FL_FAULT_DEREF_OPEN_BRACE, text);
	p->offset += close + 1;
	r = split_inner(p, fl_str_from(text, close + 1), &inner, &path);
	if (r < 0)
		return r;
	r = fl_parse_expr(p, inner);
	if (r < 0)
		return r;
	p->nested--;

	p->offset = start + 1;
	r = parse_cast_type(p, fl_str_sub(text, 1, close - 1));
	if (r < 0)
		return r;
	p->offset = start + (path.p - text.p);
	r = fl_parse_fields(p, path, p->cast);
	p->cast = FL_TYPE_NONE;
	p->cast_offset = 0;
	return r;
}
