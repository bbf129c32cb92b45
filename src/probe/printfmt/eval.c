/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values are C's: a number has its type's size and sign, and operators convert as C does. An array
 * of the record is its bytes; indexing and following it stay within them.
 */
#include "base/util.h"
#include "probe/printfmt/private.h"

static const struct fl_value none = {.kind = FL_VALUE_NONE};
static const struct fl_expr_type type_int = {4, true, false};
static const struct fl_expr_type type_u64 = {8, false, false};

/* @v cut to the type and extended again. */
static uint64_t fit(uint64_t v, struct fl_expr_type t)
{
	unsigned int shift = t.size && t.size < 8 ? 64 - t.size * 8 : 0;

	return t.is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

static struct fl_value number(uint64_t v, struct fl_expr_type t)
{
	return (struct fl_value){.kind = FL_VALUE_NUMBER, .number = fit(v, t), .type = t};
}

static struct fl_value bytes(struct fl_str s, struct fl_expr_type element)
{
	if (!s.p)
		return none;
	return (struct fl_value){.kind = FL_VALUE_BYTES, .bytes = s, .type = element};
}

static struct fl_str slice(const struct fl_print_record *rec, uint64_t at, uint64_t n)
{
	return fl_range_ok(at, n, rec->size) ? fl_str_n((const char *)rec->data + at, n)
					     : (struct fl_str){};
}

/* Of a dynamic field: where its u32 says. */
static struct fl_str dynamic_bytes(const struct fl_field *f, const struct fl_print_record *rec)
{
	struct fl_str loc = slice(rec, f->offset, 4);
	uint32_t v;

	if (!loc.p)
		return loc;
	v = fl_abi_u32(rec->abi, loc.p);
	return slice(rec, (v & 0xffff) + (f->loc == FL_FIELD_REL_LOC ? f->offset + 4 : 0), v >> 16);
}

struct fl_str fl_expr_field_bytes(const struct fl_field *f, const struct fl_print_record *rec)
{
	if (f->loc != FL_FIELD_INLINE)
		return dynamic_bytes(f, rec);
	if (f->is_array && !f->size) /* up to the record's end */
		return f->offset <= rec->size ? slice(rec, f->offset, rec->size - f->offset)
					      : (struct fl_str){};
	return slice(rec, f->offset, f->size);
}

/* Of an array's element, by the words of its type: "__data_loc unsigned char[]". */
static struct fl_expr_type element_type(const struct fl_field *f)
{
	struct fl_expr_type t = {1, f->is_signed, false};

	if (f->array_len && f->size)
		t.size = FL_MIN(f->size / f->array_len, 8u);
	else if (memmem(f->type.p, f->type.n, "long", 4) || memmem(f->type.p, f->type.n, "64", 2))
		t.size = 8;
	else if (memmem(f->type.p, f->type.n, "int", 3) || memmem(f->type.p, f->type.n, "32", 2))
		t.size = 4;
	else if (memmem(f->type.p, f->type.n, "short", 5) || memmem(f->type.p, f->type.n, "16", 2))
		t.size = 2;
	return t;
}

static struct fl_value field_value(const struct fl_field *f, const struct fl_print_record *rec)
{
	struct fl_str at;

	if (f->loc == FL_FIELD_INLINE && (f->is_array || !f->size || f->size > 8))
		return bytes(fl_expr_field_bytes(f, rec), element_type(f));
	at = slice(rec, f->offset, f->size);
	if (!at.p || !at.n)
		return none;
	return number(fl_abi_number(rec->abi, at.p, f->size),
		      (struct fl_expr_type){f->size, f->is_signed, false});
}

/* Element @i of bytes. */
static struct fl_value element(const struct fl_value *v, uint64_t i,
			       const struct fl_print_record *rec)
{
	uint8_t size = v->type.size ? v->type.size : 1;
	uint64_t at;

	if (v->kind != FL_VALUE_BYTES || __builtin_mul_overflow(i, (uint64_t)size, &at) ||
	    !fl_range_ok(at, size, v->bytes.n))
		return none;
	return number(fl_abi_number(rec->abi, v->bytes.p + at, size),
		      (struct fl_expr_type){size, v->type.is_signed, false});
}

/* ---- operators ---- */

/* What C makes of two operands' types. */
static struct fl_expr_type common_type(struct fl_expr_type a, struct fl_expr_type b)
{
	struct fl_expr_type t = type_int;

	if (a.size == b.size && a.size >= 4) /* most are */
		return (struct fl_expr_type){a.size, a.is_signed && b.is_signed, false};
	if (!a.size || !b.size)
		return (struct fl_expr_type){8, a.is_signed && b.is_signed, false};
	t.size = FL_MAX((uint8_t)4, FL_MAX(a.size, b.size));
	t.is_signed = !(a.size == t.size && !a.is_signed) && !(b.size == t.size && !b.is_signed);
	return t;
}

static uint64_t divide(uint64_t a, uint64_t b, bool is_signed, bool rest)
{
	int64_t x = (int64_t)a, y = (int64_t)b;

	if (!b)
		return 0;
	if (!is_signed)
		return rest ? a % b : a / b;
	if (y == -1)
		return rest ? 0 : 0 - a;
	return (uint64_t)(rest ? x % y : x / y);
}

static uint64_t shift(const struct fl_value *a, uint64_t by, bool left)
{
	if (by > 63)
		return 0;
	if (left)
		return a->number << by;
	return a->type.is_signed ? (uint64_t)((int64_t)a->number >> by) : a->number >> by;
}

static bool is_less(uint64_t a, uint64_t b, bool is_signed)
{
	return is_signed ? (int64_t)a < (int64_t)b : a < b;
}

static struct fl_value compute(int op, const struct fl_value *l, const struct fl_value *r)
{
	struct fl_expr_type t = common_type(l->type, r->type);
	uint64_t a = fit(l->number, t), b = fit(r->number, t);

	switch (op) {
	case '+':
		return number(a + b, t);
	case '-':
		return number(a - b, t);
	case '*':
		return number(a * b, t);
	case '/':
	case '%':
		return number(divide(a, b, t.is_signed, op == '%'), t);
	case '&':
		return number(a & b, t);
	case '|':
		return number(a | b, t);
	case '^':
		return number(a ^ b, t);
	case FL_OP_SHL:
	case FL_OP_SHR:
		return number(shift(l, r->number, op == FL_OP_SHL), common_type(l->type, type_int));
	case '<':
		return number(is_less(a, b, t.is_signed), type_int);
	case '>':
		return number(is_less(b, a, t.is_signed), type_int);
	case FL_OP_LE:
		return number(!is_less(b, a, t.is_signed), type_int);
	case FL_OP_GE:
		return number(!is_less(a, b, t.is_signed), type_int);
	case FL_OP_EQ:
		return number(a == b, type_int);
	}
	return number(a != b, type_int);
}

/* Bytes and a number: further on in them. */
static struct fl_value move(const struct fl_value *at, uint64_t by)
{
	uint64_t n;

	if (__builtin_mul_overflow(by, (uint64_t)(at->type.size ? at->type.size : 1), &n) ||
	    n > at->bytes.n)
		return none;
	return bytes(fl_str_from(at->bytes, n), at->type);
}

static bool is_true(const struct fl_value *v)
{
	return v->kind == FL_VALUE_BYTES || v->number;
}

static bool is_absent(const struct fl_value *v)
{
	return v->kind == FL_VALUE_NONE || v->kind == FL_VALUE_UNKNOWN;
}

const char *fl_value_absent(const struct fl_value *v)
{
	return v->kind == FL_VALUE_UNKNOWN ? "?" : "(fault)";
}

void fl_expr_prepare(struct fl_expr *e)
{
	const struct fl_field *f;

	if (e->kind != FL_EXPR_BINARY || e->op != '&' || e->a->kind != FL_EXPR_FIELD || e->b->kind != FL_EXPR_NUMBER)
		return;
	f = e->a->field;
	e->is_masked = f->loc == FL_FIELD_INLINE && !f->is_array && (f->size == 4 || f->size == 8);
	e->type = common_type((struct fl_expr_type){f->size, f->is_signed, false}, e->b->type);
	e->number = fit(e->b->number, e->b->type);
}

/* A field's bits under a mask, which is what flags are and nearly every record has. */
static bool masked(const struct fl_expr *e, const struct fl_print_record *rec, struct fl_value *ret)
{
	const struct fl_field *f = e->a->field;
	uint64_t v;

	if (!fl_range_ok(f->offset, f->size, rec->size))
		return false;
	if (f->size == 8)
		v = fl_abi_u64(rec->abi, rec->data + f->offset);
	else
		v = fl_abi_u32(rec->abi, rec->data + f->offset);
	if (f->is_signed && f->size == 4)
		v = (uint64_t)(int32_t)v;
	ret->kind = FL_VALUE_NUMBER;
	ret->type = e->type;
	ret->number = fit(v & e->number, e->type);
	return true;
}

static struct fl_value binary(const struct fl_expr *e, const struct fl_print_record *rec)
{
	struct fl_value a = {}, b;

	if (e->is_masked && masked(e, rec, &a))
		return a;
	a = fl_expr_value(e->a, rec);

	if (e->op == FL_OP_AND && !is_true(&a))
		return number(0, type_int);
	if (e->op == FL_OP_OR && is_true(&a))
		return number(1, type_int);
	b = fl_expr_value(e->b, rec);
	if (is_absent(&a) || is_absent(&b))
		return is_absent(&a) ? a : b;
	if (e->op == FL_OP_AND || e->op == FL_OP_OR)
		return number(is_true(&b), type_int);
	if (a.kind == FL_VALUE_BYTES && e->op == '+')
		return move(&a, b.number);
	/* An address that is there is other than any number. */
	if (a.kind == FL_VALUE_BYTES || b.kind == FL_VALUE_BYTES)
		return number(e->op == FL_OP_NE, type_int);
	return compute(e->op, &a, &b);
}

static struct fl_value address_of(const struct fl_expr *e, const struct fl_print_record *rec)
{
	if (e->kind == FL_EXPR_FIELD) {
		struct fl_expr_type t = {FL_MIN(e->field->size, 8u), e->field->is_signed, false};

		return bytes(fl_expr_field_bytes(e->field, rec),
			     e->field->is_array ? element_type(e->field) : t);
	}
	if (e->kind == FL_EXPR_INDEX) {
		struct fl_value of = fl_expr_value(e->a, rec);

		return of.kind == FL_VALUE_BYTES ? move(&of, fl_expr_value(e->b, rec).number)
						 : none;
	}
	return none;
}

static struct fl_value unary(const struct fl_expr *e, const struct fl_print_record *rec)
{
	struct fl_value v;
	struct fl_expr_type t;

	if (e->op == '&')
		return address_of(e->a, rec);
	v = fl_expr_value(e->a, rec);
	if (is_absent(&v))
		return v;
	if (e->op == '*')
		return element(&v, 0, rec);
	if (e->op == '!')
		return number(!is_true(&v), type_int);
	if (v.kind != FL_VALUE_NUMBER)
		return none;
	t = common_type(v.type, type_int);
	return number(e->op == '~' ? ~v.number : e->op == '-' ? 0 - v.number : v.number, t);
}

static struct fl_value cast(const struct fl_expr *e, const struct fl_print_record *rec)
{
	struct fl_value v = fl_expr_value(e->a, rec);
	struct fl_expr_type t = e->type;

	if (v.kind == FL_VALUE_BYTES) {
		if (t.is_pointer && t.size)
			v.type = (struct fl_expr_type){t.size, t.is_signed, false};
		return v;
	}
	if (is_absent(&v) || (!t.size && !t.is_pointer))
		return v;
	if (t.is_pointer)
		t = (struct fl_expr_type){rec->abi.long_size, false, false};
	return number(v.number, t);
}

/* ---- calls ---- */

static uint64_t swapped(uint64_t v, unsigned int size)
{
	return size == 2   ? __builtin_bswap16(v)
	       : size == 4 ? __builtin_bswap32(v)
			   : __builtin_bswap64(v);
}

static struct fl_value swap(const struct fl_expr *e, const struct fl_print_record *rec,
			    uint8_t size)
{
	struct fl_value v = fl_expr_value(e->args[0], rec);

	return v.kind == FL_VALUE_NUMBER
		       ? number(swapped(v.number, size), (struct fl_expr_type){size, false, false})
		       : none;
}

static bool is_constant(const struct fl_expr *e)
{
	return e->kind == FL_EXPR_NUMBER || (e->kind == FL_EXPR_CAST && is_constant(e->a));
}

static struct fl_value call(const struct fl_expr *e, const struct fl_print_record *rec)
{
	struct fl_str at;

	switch (e->call) {
	case FL_CALL_FIRST:
		return fl_expr_value(e->args[0], rec);
	case FL_CALL_CONSTANT:
		return number(is_constant(e->args[0]), type_int);
	case FL_CALL_SWAP16:
	case FL_CALL_FSWAB16:
		return swap(e, rec, 2);
	case FL_CALL_SWAP32:
	case FL_CALL_FSWAB32:
		return swap(e, rec, 4);
	case FL_CALL_SWAP64:
	case FL_CALL_FSWAB64:
		return swap(e, rec, 8);
	case FL_CALL_NS_TO_SECS:
		return number(fl_expr_value(e->args[0], rec).number / 1000000000, type_u64);
	case FL_CALL_NS_WITHOUT_SECS:
		return number(fl_expr_value(e->args[0], rec).number % 1000000000, type_u64);
	case FL_CALL_DYNAMIC_LEN:
	case FL_CALL_REL_DYNAMIC_LEN:
		at = fl_expr_field_bytes(e->field, rec);
		return number(at.p ? at.n : 0, type_int);
	default:
		return e->field ? bytes(fl_expr_field_bytes(e->field, rec), element_type(e->field))
				: none;
	}
}

struct fl_value fl_expr_value(const struct fl_expr *e, const struct fl_print_record *rec)
{
	struct fl_value a;

	switch (e->kind) {
	case FL_EXPR_NUMBER:
		return number(e->number, e->type);
	case FL_EXPR_STRING:
		return bytes(e->text, (struct fl_expr_type){1, true, false});
	case FL_EXPR_FIELD:
		return field_value(e->field, rec);
	case FL_EXPR_UNARY:
		return unary(e, rec);
	case FL_EXPR_BINARY:
		return binary(e, rec);
	case FL_EXPR_COND:
		a = fl_expr_value(e->a, rec);
		return is_absent(&a) ? a : fl_expr_value(is_true(&a) ? e->b : e->c, rec);
	case FL_EXPR_CAST:
		return cast(e, rec);
	case FL_EXPR_INDEX:
		a = fl_expr_value(e->a, rec);
		return element(&a, fl_expr_value(e->b, rec).number, rec);
	case FL_EXPR_CALL:
		return call(e, rec);
	case FL_EXPR_UNKNOWN:
		return (struct fl_value){.kind = FL_VALUE_UNKNOWN};
	}
	return none;
}
