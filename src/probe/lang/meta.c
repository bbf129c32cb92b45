/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments that stand for others: "$arg*" and "$arg1" become parameter names, "x:%pd" becomes the
 * chain that reads a dentry's name.
 *
 * The kernel does this by replacing words, the second kind in place: so the Command text of a later
 * fault shows the chain, unless a "$arg" stood in the definition and the words were copied.
 */
#include <errno.h>

#include "base/buf.h"
#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

static const struct fl_str arg_prefix = { "$arg", 4 };

static int meta_fault(struct fl_parse *p, enum fl_probe_fault fault, const struct fl_word *w)
{
	return fl_fault(p, 0, fault, w->text);
}

/* 1: there are "$arg" words (@star: the index of "$arg*"), 0: none. */
static int find_meta_args(struct fl_parse *p, const struct fl_words *args, size_t *star)
{
	int found = 0;

	*star = args->n;
	for (size_t i = 0; i < args->n; i++) {
		const struct fl_word *w = &args->w[i];

		if (!fl_str_eq(fl_str_sub(w->text, 0, arg_prefix.n), arg_prefix))
			continue;
		p->log.index = i + 2;
		if (!fl_at_entry(p) && !fl_at_return(p))
			return meta_fault(p, FL_FAULT_NOFENTRY_ARGS, w);
		found = 1;
		if (fl_k_isdigit(fl_at(w->text, arg_prefix.n)))
			continue;
		if (fl_at(w->text, arg_prefix.n) != '*')
			return meta_fault(p, FL_FAULT_BAD_VAR, w);
		if (*star < args->n)
			return meta_fault(p, FL_FAULT_DOUBLE_ARGS, w);
		*star = i;
	}
	return found;
}

/* Parameter @i's name and @type in place of @from; @used counts the bytes of all of them. */
static int put_param(struct fl_parse *p, uint32_t i, struct fl_str type, const struct fl_word *from,
		     size_t *used, struct fl_word *ret)
{
	_cleanup_buf_ struct fl_buf b = {};
	struct fl_param param;
	char *copy;

	if (i >= p->nr_params || !fl_proto_param(p, i, &param))
		return meta_fault(p, FL_FAULT_NO_BTFARG, from);
	if (*used + param.name.n + type.n + 1 > FL_MAX_META_ARGS)
		return meta_fault(p, FL_FAULT_ARGS_2LONG, from);
	fl_buf_add_str(&b, param.name);
	fl_buf_add_str(&b, type);
	copy = b.error ? NULL : fl_arena_dup(&p->event->arena, fl_buf_str(&b));
	if (!copy)
		return -ENOMEM;
	*used += param.name.n + type.n + 1;
	*ret = (struct fl_word){ .text = fl_str(copy), .span = from->span, .made = true };
	return 0;
}

/* "$arg" N [":" TYPE] */
static int expand_numbered(struct fl_parse *p, const struct fl_word *from, size_t *used,
			   struct fl_word *ret)
{
	struct fl_str number = fl_str_from(from->text, arg_prefix.n);
	uint64_t n;
	size_t end = fl_simple_strtoul(number, 10, &n);

	if (end < number.n && number.p[end] != ':') {
		meta_fault(p, FL_FAULT_BAD_VAR, from);
		return -ENOENT;
	}
	if (n == 0)
		return meta_fault(p, FL_FAULT_BAD_ARG_NUM, from);
	/* The kernel counts in int. */
	return put_param(p, (uint32_t)n - 1, fl_str_from(number, end), from, used, ret);
}

static int expand(struct fl_parse *p, struct fl_words *args, size_t star, struct fl_word *out,
		  size_t *ret_n)
{
	size_t used = 0, n = 0;
	int r = 0;

	for (size_t i = 0; i < args->n && r == 0; i++) {
		const struct fl_word *w = &args->w[i];

		p->log.index = i + 2;
		if (i == star) {
			for (uint32_t k = 0; k < p->nr_params && r == 0; k++)
				r = put_param(p, k, FL_STR(""), w, &used, &out[n++]);
		} else if (fl_str_starts(w->text, arg_prefix.p)) {
			r = expand_numbered(p, w, &used, &out[n++]);
		} else {
			out[n++] = *w;
		}
	}
	*ret_n = n;
	return r;
}

int fl_expand_meta_args(struct fl_parse *p, struct fl_words *args)
{
	struct fl_word *out;
	size_t star, n;
	int r = p->rules->no_btf_args ? 0 : find_meta_args(p, args, &star);

	if (r <= 0)
		return r;
	if (fl_query_proto(p) < 0 || p->nr_params == 0) {
		if (star == args->n)
			return 0;
		meta_fault(p, FL_FAULT_NOSUP_BTFARG, &args->w[star]);
		return p->rules->meta_args_need_btf ? -EOPNOTSUPP : 0;
	}
	out = fl_arena_array(&p->event->arena, args->n + p->nr_params, sizeof(*out));
	if (!out)
		return -ENOMEM;
	r = expand(p, args, star, out, &n);
	if (r < 0)
		return r;
	*args = (struct fl_words){ .w = out, .n = n };
	return 0;
}

static int field_offset(struct fl_parse *p, struct fl_str type, struct fl_str outer,
			struct fl_str inner, uint32_t *ret)
{
	struct fl_type t = fl_target_type(p->target, type, FL_KIND(BTF_KIND_STRUCT));
	struct fl_member a, b;

	if (!fl_type_ok(t) || fl_type_find_member(t, outer, &a) < 0 ||
	    fl_type_find_member(fl_type_strip(a.type), inner, &b) < 0)
		return -ENOENT;
	*ret = (a.bit_offset + b.bit_offset) / 8;
	return 0;
}

/* [NAME "="] FETCHARG ":%p" ("d" | "D") */
static int expand_dentry(struct fl_parse *p, struct fl_word *w, size_t *used)
{
	size_t equal = fl_k_find(w->text, '=', 0), head = equal < w->text.n ? equal + 1 : 0;
	struct fl_str body = fl_str_sub(w->text, head, w->text.n - 4 - head);
	bool is_file = w->text.p[w->text.n - 1] == 'D';
	_cleanup_buf_ struct fl_buf b = {};
	uint32_t name, dentry = 0;
	char *copy;

	if (field_offset(p, FL_STR("dentry"), FL_STR("d_name"), FL_STR("name"), &name) < 0 ||
	    field_offset(p, FL_STR("file"), FL_STR("f_path"), FL_STR("dentry"), &dentry) < 0)
		return meta_fault(p, FL_FAULT_NOSUP_BTFARG, w);
	fl_buf_add_str(&b, fl_str_sub(w->text, 0, head));
	fl_buf_addf(&b, "+0x0(+0x%x(", name);
	if (is_file)
		fl_buf_addf(&b, "+0x%x(", dentry);
	fl_buf_add_str(&b, body);
	fl_buf_addz(&b, is_file ? "))):string" : ")):string");
	if (b.len + 1 > FL_MAX_DENTRY_ARGS - *used)
		return -ENOMEM; /* what the kernel says */
	*used += b.len + 1;
	copy = b.error ? NULL : fl_arena_dup(&p->event->arena, fl_buf_str(&b));
	if (!copy)
		return -ENOMEM;
	w->text = fl_str(copy);
	w->made = true;
	return 0;
}

int fl_expand_dentry_args(struct fl_parse *p, struct fl_words *args)
{
	size_t used = 0;
	int r = 0;

	for (size_t i = 0; i < args->n && r == 0 && !p->rules->no_dentries; i++) {
		if (fl_str_ends(args->w[i].text, ":%pd") || fl_str_ends(args->w[i].text, ":%pD"))
			r = expand_dentry(p, &args->w[i], &used);
	}
	return r;
}
