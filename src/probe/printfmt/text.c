/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "%s" makes of an expression: texts, and the calls that make one of numbers. */
#include "base/util.h"
#include "probe/printfmt/private.h"

static const char hex[] = "0123456789abcdef";

static void add_hex_byte(uint8_t b, struct fl_buf *out)
{
	fl_buf_addc(out, hex[b >> 4]);
	fl_buf_addc(out, hex[b & 15]);
}

/* Names of the bits, and what is left of them as a number. */
static void add_flags(const struct fl_expr *e, const struct fl_print_record *rec,
		      struct fl_buf *out)
{
	uint64_t flags = fl_expr_value(e->args[0], rec).number;
	struct fl_str between = fl_expr_value(e->args[1], rec).bytes;
	bool any = false;

	/* An unsigned long in the kernel. */
	if (e->call == FL_CALL_FLAGS && rec->abi.long_size == 4)
		flags &= UINT32_MAX;
	for (size_t i = 0; i < e->nr_names && flags; i++) {
		uint64_t mask = e->names[i].value;

		if ((flags & mask) != mask)
			continue;
		if (any && between.p)
			fl_buf_add_str(out, between);
		fl_buf_add_str(out, e->names[i].name);
		flags &= ~mask;
		any = true;
	}
	if (!flags)
		return;
	if (any && between.p)
		fl_buf_add_str(out, between);
	fl_buf_add_hex(out, flags);
}

static void add_symbolic(const struct fl_expr *e, const struct fl_print_record *rec,
			 struct fl_buf *out)
{
	uint64_t v = fl_expr_value(e->args[0], rec).number, mask = UINT64_MAX;

	if (e->call == FL_CALL_SYMBOLIC && rec->abi.long_size == 4)
		mask = UINT32_MAX;
	for (size_t i = 0; i < e->nr_names; i++) {
		if ((e->names[i].value & mask) == (v & mask)) {
			fl_buf_add_str(out, e->names[i].name);
			return;
		}
	}
	fl_buf_add_hex(out, v & mask);
}

static struct fl_str counted_bytes(const struct fl_expr *at, const struct fl_expr *n,
				   const struct fl_print_record *rec)
{
	struct fl_value v = fl_expr_value(at, rec);
	int64_t len = (int64_t)fl_expr_value(n, rec).number;

	if (v.kind != FL_VALUE_BYTES || len < 0)
		return (struct fl_str){};
	return fl_str_sub(v.bytes, 0, len);
}

static void add_hex(struct fl_str s, const char *between, struct fl_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (i)
			fl_buf_addz(out, between);
		add_hex_byte(s.p[i], out);
	}
}

/* "{0x1,0xff}" */
static void add_array(struct fl_value v, uint64_t count, unsigned int size,
		      const struct fl_print_record *rec, struct fl_buf *out)
{
	fl_buf_addc(out, '{');
	if (size != 1 && size != 2 && size != 4 && size != 8)
		count = 0;
	for (uint64_t i = 0;
	     i < count && v.kind == FL_VALUE_BYTES && fl_range_ok(i * size, size, v.bytes.n); i++) {
		if (i)
			fl_buf_addc(out, ',');
		fl_buf_add_hex(out, fl_abi_number(rec->abi, v.bytes.p + i * size, size));
	}
	fl_buf_addc(out, '}');
}

static void add_dynamic_array(const struct fl_expr *e, const struct fl_print_record *rec,
			      struct fl_buf *out)
{
	struct fl_value v = { .kind = FL_VALUE_BYTES, .bytes = fl_expr_field_bytes(e->field, rec) };
	uint64_t size = fl_expr_value(e->args[0], rec).number;

	add_array(v, size ? v.bytes.n / size : 0, size, rec, out);
}

/* Words of 32 bits, the highest first: "00000000,0000000f". */
static void add_bitmask(struct fl_str s, const struct fl_print_record *rec, struct fl_buf *out)
{
	size_t words = s.n / 4, a_long = rec->abi.long_size / 4;

	for (size_t i = words; i-- > 0;) {
		/* A long of a big-endian machine has its high word first. */
		size_t at = rec->abi.big_endian && a_long == 2 ? i ^ 1 : i;

		if (i + 1 < words)
			fl_buf_addc(out, ',');
		if (at < words)
			fl_buf_addf(out, "%08x", fl_abi_u32(rec->abi, s.p + 4 * at));
	}
}

/* Lines of @row bytes in groups of @group, with the offset and the characters where they are
 * wanted. */
static void add_hex_dump(const struct fl_expr *e, const struct fl_print_record *rec,
			 struct fl_buf *out)
{
	struct fl_str prefix = fl_expr_value(e->args[0], rec).bytes,
		      s = counted_bytes(e->args[4], e->args[5], rec);
	uint64_t kind = fl_expr_value(e->args[1], rec).number,
		 row = fl_expr_value(e->args[2], rec).number;
	uint64_t group = fl_expr_value(e->args[3], rec).number;
	bool characters = fl_expr_value(e->args[6], rec).number;

	row = row == 32 ? 32 : 16;
	group = group == 2 || group == 4 || group == 8 ? group : 1;
	for (size_t at = 0; at < s.n; at += row) {
		struct fl_str line = fl_str_sub(s, at, row);
		size_t start;

		fl_buf_addc(out, '\n');
		fl_buf_add_str(out, prefix);
		if (kind) /* by offset; an address is not recorded */
			fl_buf_addf(out, "%.8zx: ", at);
		start = out->len;
		for (size_t i = 0; i < line.n; i += group) {
			if (i)
				fl_buf_addc(out, ' ');
			for (size_t k = FL_MIN(group, line.n - i); k-- > 0;)
				add_hex_byte(line.p[i + (rec->abi.big_endian ? group - 1 - k : k)],
					     out);
		}
		if (!characters)
			continue;
		fl_buf_fill(out, ' ',
			    row * 2 + row / group + 1 -
				    FL_MIN(out->len - start, row * 2 + row / group));
		for (size_t i = 0; i < line.n; i++)
			fl_buf_addc(out, line.p[i] >= ' ' && line.p[i] < 127 ? line.p[i] : '.');
	}
}

static void add_call(const struct fl_expr *e, const struct fl_print_record *rec, struct fl_buf *out)
{
	struct fl_value v;

	switch (e->call) {
	case FL_CALL_FLAGS:
	case FL_CALL_FLAGS_U64:
		add_flags(e, rec, out);
		return;
	case FL_CALL_SYMBOLIC:
	case FL_CALL_SYMBOLIC_U64:
		add_symbolic(e, rec, out);
		return;
	case FL_CALL_HEX:
	case FL_CALL_HEX_STR:
		add_hex(counted_bytes(e->args[0], e->args[1], rec),
			e->call == FL_CALL_HEX ? " " : "", out);
		return;
	case FL_CALL_HEX_DUMP:
		add_hex_dump(e, rec, out);
		return;
	case FL_CALL_ARRAY:
		v = fl_expr_value(e->args[0], rec);
		add_array(v, fl_expr_value(e->args[1], rec).number,
			  fl_expr_value(e->args[2], rec).number, rec, out);
		return;
	case FL_CALL_DYNAMIC_ARRAY:
		add_dynamic_array(e, rec, out);
		return;
	case FL_CALL_BITMASK:
	case FL_CALL_REL_BITMASK:
	case FL_CALL_CPUMASK:
	case FL_CALL_REL_CPUMASK:
		add_bitmask(fl_expr_field_bytes(e->field, rec), rec, out);
		return;
	default:
		break;
	}
	v = fl_expr_value(e, rec);
	fl_buf_add_str(out, fl_str_sub(v.bytes, 0, fl_str_find(v.bytes, '\0', 0)));
	if (v.kind == FL_VALUE_NONE || v.kind == FL_VALUE_UNKNOWN)
		fl_buf_addz(out, fl_value_absent(&v));
}

/* A string that the record names by its address. */
static void add_address(uint64_t addr, const struct fl_print_record *rec, struct fl_buf *out)
{
	struct fl_str text = rec->printk ? fl_printk_at(rec->printk, addr) : (struct fl_str){};

	if (text.p)
		fl_buf_add_str(out, text);
	else if (!addr)
		fl_buf_addz(out, "(null)");
	else
		fl_buf_addf(out, "%llx", (unsigned long long)addr);
}

void fl_expr_text(const struct fl_expr *e, const struct fl_print_record *rec, struct fl_buf *out)
{
	struct fl_value v;

	if (e->kind == FL_EXPR_CALL) {
		add_call(e, rec, out);
		return;
	}
	if (e->kind == FL_EXPR_COND) {
		v = fl_expr_value(e->a, rec);
		if (v.kind == FL_VALUE_UNKNOWN) {
			fl_buf_addz(out, fl_value_absent(&v));
			return;
		}
		fl_expr_text(v.kind == FL_VALUE_BYTES || v.number ? e->b : e->c, rec, out);
		return;
	}
	v = fl_expr_value(e, rec);
	if (v.kind == FL_VALUE_BYTES)
		fl_buf_add_str(out, fl_str_sub(v.bytes, 0, fl_str_find(v.bytes, '\0', 0)));
	else if (v.kind == FL_VALUE_NUMBER)
		add_address(v.number, rec, out);
	else
		fl_buf_addz(out, fl_value_absent(&v));
}
