/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types as C text. A C declaration reads inside out: the name stands in the middle, what is done to
 * it (pointer, array, call) grows around it, and the type at the bottom of the chain comes first.
 * So a declarator is grown from the name outwards while the chain is walked down:
 *
 *	int (*fn[2])(void *)	fn -> fn[2] -> *fn[2] -> (*fn[2])(void *) -> int (*fn[2])(void *)
 *
 * A pointer gets parentheses when an array or a function follows, which bind tighter.
 */
#include "base/buf.h"
#include "base/util.h"
#include "btf/private.h"

#define MAX_DEPTH   8	  /* functions that take functions; structs in structs */
#define MAX_STEPS   512	  /* of one declaration: hostile types multiply with each level */
#define MAX_MEMBERS 10000 /* of one definition, with those within */

/* How far a walk may still go. */
struct limit {
	int depth;
	unsigned int steps;
};

static void print_decl(struct fl_type t, struct fl_str name, struct limit *lim, struct fl_buf *out);
static void print_def(struct fl_type t, uint32_t base_bits, int indent, unsigned int *left,
		      struct fl_buf *out);

/* @decl becomes @left, @decl, @right. */
static void wrap(struct fl_buf *decl, const char *left, const char *right)
{
	struct fl_buf b = {};

	fl_buf_addz(&b, left);
	fl_buf_add_buf(&b, decl);
	fl_buf_addz(&b, right);
	fl_buf_fini(decl);
	*decl = b;
}

static void print_params(struct fl_type proto, struct limit *lim, struct fl_buf *out)
{
	struct fl_param p;

	fl_buf_addc(out, '(');
	if (!fl_type_nr_params(proto))
		fl_buf_addz(out, "void");
	for (uint32_t i = 0; fl_type_param(proto, i, &p) && lim->steps; i++) {
		if (i)
			fl_buf_addz(out, ", ");
		if (fl_type_is_void(p.type))
			fl_buf_addz(out, "...");
		else
			print_decl(p.type, p.name, lim, out);
	}
	fl_buf_addc(out, ')');
}

/* Qualifiers of a pointer stand behind its star, before what it declares. */
static const char *qualifier(unsigned int kind)
{
	switch (kind) {
	case BTF_KIND_CONST:
		return "const ";
	case BTF_KIND_VOLATILE:
		return "volatile ";
	case BTF_KIND_RESTRICT:
		return "restrict ";
	}
	return NULL;
}

static const char *keyword(struct fl_type t)
{
	switch (fl_type_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum ";
	case BTF_KIND_FWD:
		return fl_type_kflag(t) ? "union " : "struct ";
	}
	return "";
}

/* The end of the chain: what has a name, or void. */
static void print_bottom(struct fl_type t, struct fl_buf *out)
{
	struct fl_str name = fl_type_name(t);

	if (fl_type_is_void(t)) {
		fl_buf_addz(out, "void");
	} else if (!fl_type_ok(t)) {
		fl_buf_addz(out, "?");
	} else {
		fl_buf_addz(out, keyword(t));
		fl_buf_add_str(out, name.n ? name : FL_STR("{...}"));
	}
}

/* Grows @decl by one step of the chain. Returns false at its end. */
static bool grow(struct fl_type t, struct fl_buf *decl, struct fl_buf *quals,
		 struct limit *lim)
{
	unsigned int kind = fl_type_kind(t), next = fl_type_kind(fl_type_target(t));
	_cleanup_buf_ struct fl_buf tail = {};

	switch (kind) {
	case BTF_KIND_PTR:
		wrap(quals, "*", "");
		wrap(decl, fl_buf_z(quals), "");
		fl_buf_reset(quals);
		if (next == BTF_KIND_ARRAY || next == BTF_KIND_FUNC_PROTO)
			wrap(decl, "(", ")");
		return true;
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
		wrap(quals, qualifier(kind), "");
		return true;
	case BTF_KIND_TYPE_TAG:
		fl_buf_addf(&tail, "__%.*s ", FL_STR_ARG(fl_type_name(t)));
		wrap(quals, fl_buf_z(&tail), "");
		return true;
	case BTF_KIND_ARRAY:
		fl_buf_addf(decl, "[%u]", fl_type_array_len(t));
		return true;
	case BTF_KIND_FUNC_PROTO:
		print_params(t, lim, &tail);
		wrap(decl, "", fl_buf_z(&tail));
		return true;
	}
	return false;
}

static void print_decl(struct fl_type t, struct fl_str name, struct limit *lim, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf decl = {}, quals = {};

	fl_buf_add_str(&decl, name);
	if (!lim->depth)
		t = FL_TYPE_NONE;
	lim->depth--;
	lim->steps -= !!lim->steps;
	for (int i = 0; grow(t, &decl, &quals, lim); i++) {
		t = lim->steps && i < FL_BTF_MAX_CHAIN ? fl_type_target(t) : FL_TYPE_NONE;
		lim->steps -= !!lim->steps;
	}
	lim->depth++;
	fl_buf_add_buf(out, &quals);
	print_bottom(t, out);
	if (decl.len)
		fl_buf_addc(out, ' ');
	fl_buf_add_buf(out, &decl);
}

#define NO_LIMIT_YET (&(struct limit){ MAX_DEPTH, MAX_STEPS })

void fl_type_print(struct fl_type t, struct fl_str name, struct fl_buf *out)
{
	switch (fl_type_kind(t)) {
	case BTF_KIND_FUNC:
		fl_type_print_func(t, out);
		return;
	case BTF_KIND_VAR:
		print_decl(fl_type_target(t), fl_type_name(t), NO_LIMIT_YET, out);
		return;
	}
	print_decl(t, name, NO_LIMIT_YET, out);
}

void fl_type_print_func(struct fl_type func, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf decl = {};

	fl_buf_add_str(&decl, fl_type_name(func));
	print_params(func, NO_LIMIT_YET, &decl);
	print_decl(fl_type_return(func), fl_buf_str(&decl), NO_LIMIT_YET, out);
}

/* ---- definitions ---- */

static bool is_nested(struct fl_type t)
{
	return fl_kind_is_struct(fl_type_kind(t)) && !fl_type_name(t).n;
}

static void print_member(const struct fl_member *m, uint32_t base_bits, int indent,
			 unsigned int *left, struct fl_buf *out)
{
	struct fl_type bare = fl_type_strip(m->type);
	uint64_t bits = (uint64_t)base_bits + m->bit_offset;

	fl_buf_fill(out, '\t', indent);
	if (is_nested(bare) && indent < MAX_DEPTH && bits <= UINT32_MAX) {
		print_def(bare, bits, indent, left, out);
		if (m->name.n)
			fl_buf_addc(out, ' ');
		fl_buf_add_str(out, m->name);
	} else {
		print_decl(m->type, m->name, NO_LIMIT_YET, out);
	}
	if (m->bits)
		fl_buf_addf(out, " : %u", m->bits);
	fl_buf_addf(out, ";\t/* %llu", (unsigned long long)bits / 8);
	if (bits % 8 || m->bits)
		fl_buf_addf(out, " bit %llu", (unsigned long long)bits % 8);
	fl_buf_addz(out, " */\n");
}

static void print_values(struct fl_type t, int indent, struct fl_buf *out)
{
	struct fl_enum_value v;

	for (uint32_t i = 0; fl_type_enum_value(t, i, &v); i++) {
		fl_buf_fill(out, '\t', indent);
		fl_buf_add_str(out, v.name);
		fl_buf_addz(out, " = ");
		if (fl_type_enum_signed(t))
			fl_buf_add_s64(out, v.value);
		else
			fl_buf_add_u64(out, v.value);
		fl_buf_addz(out, ",\n");
	}
}

static void print_def(struct fl_type t, uint32_t base_bits, int indent, unsigned int *left,
		      struct fl_buf *out)
{
	struct fl_str name = fl_type_name(t);
	struct fl_member m;
	uint64_t size;

	fl_buf_addz(out, keyword(t));
	fl_buf_add_str(out, name);
	fl_buf_addz(out, name.n ? " {" : "{");
	if (!indent && fl_type_size(t, &size) == 0)
		fl_buf_addf(out, "\t/* size %llu */", (unsigned long long)size);
	fl_buf_addc(out, '\n');
	for (uint32_t i = 0; fl_type_member(t, i, &m) && *left; i++) {
		--*left;
		print_member(&m, base_bits, indent + 1, left, out);
	}
	print_values(t, indent + 1, out);
	fl_buf_fill(out, '\t', indent);
	fl_buf_addc(out, '}');
}

void fl_type_print_def(struct fl_type t, struct fl_buf *out)
{
	unsigned int left = MAX_MEMBERS;

	switch (fl_type_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		print_def(t, 0, 0, &left, out);
		break;
	case BTF_KIND_TYPEDEF:
		fl_buf_addz(out, "typedef ");
		print_decl(fl_type_target(t), fl_type_name(t), NO_LIMIT_YET, out);
		break;
	default:
		fl_type_print(t, fl_type_name(t), out);
	}
	fl_buf_addz(out, ";\n");
}
