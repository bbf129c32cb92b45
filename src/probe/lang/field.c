/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PATH: fields of structures.
 *
 *	path = dotted { "->" dotted }
 *	dotted = FIELD { "." FIELD }
 *
 * Dots add up to one offset; each arrow is one dereference. The caret's running offset moves on to
 * a field when the one before it is done, so it stays on the last.
 */
#include <errno.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"

int fl_split_field(struct fl_parse *p, struct fl_str text, struct fl_str *head, struct fl_str *rest)
{
	size_t i = fl_str_any(text, ".-");

	*head = fl_str_sub(text, 0, i);
	*rest = (struct fl_str){};
	if (i == text.n)
		return 0;
	if (text.p[i] == '.') {
		*rest = fl_str_from(text, i + 1);
		return 0;
	}
	if (fl_at(text, i + 1) != '>')
		return fl_fault(p, p->offset + i, FL_FAULT_BAD_HYPHEN, fl_str_sub(text, i, 1));
	*rest = fl_str_from(text, i + 2);
	return 1;
}

/* One field of @type; its own type replaces that one. */
static int find_field(struct fl_parse *p, struct fl_str name, struct fl_type *type, int64_t *bits)
{
	struct fl_member m;
	int r = name.n ? fl_type_find_member(*type, name, &m) : -ENOENT;

	p->searched = *type;
	if (!fl_kind_is_struct(fl_type_kind(*type)))
		return fl_fault(p, p->offset, FL_FAULT_BAD_BTF_TID, name);
	if (r == -ENOENT)
		return fl_fault(p, p->offset, FL_FAULT_NO_BTF_FIELD, name);
	if (r < 0)
		return fl_fault(p, p->offset, FL_FAULT_BAD_BTF_TID, name);
	*bits += m.bit_offset;
	p->last_bits = m.bits;
	p->written = m.type;
	*type = fl_type_strip(m.type);
	return 0;
}

int fl_parse_dotted(struct fl_parse *p, struct fl_str path, struct fl_type *type, struct fl_str *rest,
		    int64_t *ret_bits)
{
	struct fl_str head;
	int arrow, r;

	*ret_bits = 0;
	do {
		arrow = fl_split_field(p, path, &head, rest);
		if (arrow < 0)
			return arrow;
		r = find_field(p, head, type, ret_bits);
		if (r < 0)
			return r;
		if (rest->p)
			p->offset += rest->p - path.p;
		path = *rest;
	} while (!arrow && rest->p);
	return 0;
}

/* What @type points to; the kernel takes any pointer here, and finds out at the field. */
static int follow_pointer(struct fl_parse *p, struct fl_str path, struct fl_type *type)
{
	if (fl_type_kind(*type) != BTF_KIND_PTR)
		return fl_fault(p, p->offset, FL_FAULT_NO_PTR_STRCT, path);
	*type = fl_type_strip(fl_type_target(*type));
	return 0;
}

int fl_parse_fields(struct fl_parse *p, struct fl_str path, struct fl_type type)
{
	bool in_cast = fl_type_ok(p->cast); /* the first field's struct is known, without a pointer */
	int64_t bits;
	int r;

	do {
		struct fl_str from = path;

		r = in_cast ? 0 : follow_pointer(p, path, &type);
		if (r == 0)
			r = fl_parse_dotted(p, path, &type, &path, &bits);
		if (r == 0)
			r = fl_next_insn(p, from);
		if (r < 0)
			return r;
		*fl_insn(p) = (struct fl_fetch_insn){
			.op = FL_FETCH_DEREF,
			.offset = (int32_t)(bits / 8) - (in_cast ? p->cast_offset : 0),
		};
		p->last = type;
		p->last_bit = bits % 8;
		in_cast = false;
	} while (path.p);
	return 0;
}
