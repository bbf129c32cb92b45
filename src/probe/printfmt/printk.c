/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/printfmt/printk.h"

#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/util.h"
#include "probe/printfmt/convert.h"

static int by_address(const void *a, const void *b)
{
	const struct fl_printk_line *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* 0x1234 : "text"; the quotes may be missing in old files. */
static bool parse_line(struct fl_str line, struct fl_arena *arena, struct fl_printk_line *ret,
		       int *error)
{
	struct fl_expr_parser p = {.arena = arena};
	struct fl_str word;

	if (!fl_str_word(&line, &word) || fl_parse_u64(word, 0, &ret->addr) < 0)
		return false;
	line = fl_str_trim(line);
	if (fl_str_starts(line, ":"))
		line = fl_str_trim(fl_str_from(line, 1));
	p.rest = line;
	ret->text = fl_str_starts(line, "\"") ? fl_expr_parse_string(&p) : line;
	*error = p.error == -ENOMEM ? -ENOMEM : *error;
	return ret->text.p;
}

int fl_printk_read(struct fl_str text, struct fl_arena *arena, struct fl_printk *ret)
{
	size_t lines = 1;
	struct fl_str line;
	int error = 0;

	text = fl_str_sub(text, 0, fl_str_find(text, '\0', 0));
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	*ret = (struct fl_printk){.lines = fl_arena_array(arena, lines, sizeof(*ret->lines))};
	if (!ret->lines)
		return -ENOMEM;
	while (fl_str_line(&text, &line))
		ret->n += parse_line(line, arena, &ret->lines[ret->n], &error);
	if (ret->n)
		qsort(ret->lines, ret->n, sizeof(*ret->lines), by_address);
	return error;
}

struct fl_str fl_printk_at(const struct fl_printk *p, uint64_t addr)
{
	struct fl_printk_line key = {.addr = addr}, *hit;

	hit = p->n ? bsearch(&key, p->lines, p->n, sizeof(key), by_address) : NULL;
	return hit ? hit->text : (struct fl_str){};
}

/* ---- arguments in binary ---- */

struct binary_args {
	const struct fl_print_record *rec;
	size_t at;
};

/*
 * One number of @size: small ones are aligned to themselves, those of 8 bytes to 4. An int is what
 * the kernel keeps of char and short, too, each in its own size.
 */
static uint64_t take_binary(struct binary_args *a, unsigned int size)
{
	size_t align = FL_MIN(size, 4u), at = (a->at + align - 1) / align * align;

	if (!fl_range_ok(at, size, a->rec->size)) {
		a->at = a->rec->size;
		return 0;
	}
	a->at = at + size;
	return fl_abi_number(a->rec->abi, a->rec->data + at, size);
}

static struct fl_str take_binary_text(struct binary_args *a)
{
	struct fl_str rest = fl_str_n((const char *)a->rec->data + a->at, a->rec->size - a->at);
	size_t n = fl_str_find(rest, '\0', 0);

	a->at = FL_MIN(a->at + n + 1, a->rec->size);
	return fl_str_sub(rest, 0, n);
}

/* Those that need what they point to were made text by the kernel; the others are the pointer. */
static bool is_made_text(struct fl_str pointer)
{
	return pointer.n && !strchr("SsFfBKxe", pointer.p[0]);
}

static void put_binary(struct fl_conversion *c, struct binary_args *a, struct fl_buf *out)
{
	struct fl_value v = {.kind = FL_VALUE_NUMBER};
	uint8_t a_long = a->rec->abi.long_size;
	char ch;

	if (c->star_width)
		c->width = (int)(int32_t)take_binary(a, 4);
	if (c->star_precision)
		c->precision = (int)(int32_t)take_binary(a, 4);
	c->left |= c->width < 0;
	c->width = FL_MIN(abs(c->width), 4096);
	switch (c->type) {
	case 's':
		fl_convert_text(c, take_binary_text(a), out);
		break;
	case 'c':
		ch = (char)take_binary(a, 1);
		fl_convert_text(c, fl_str_n(&ch, 1), out);
		break;
	case 'p':
		if (is_made_text(c->pointer)) {
			fl_buf_add_str(out, take_binary_text(a));
			break;
		}
		v.number = take_binary(a, a_long);
		fl_convert_pointer(c, &v, a->rec, out);
		break;
	default:
		fl_convert_number(c, take_binary(a, c->size ? c->size : a_long), a->rec, out);
	}
}

void fl_printk_binary(struct fl_str format, const struct fl_print_record *rec, size_t at,
		      struct fl_buf *out)
{
	struct binary_args args = {rec, FL_MIN(at, rec->size)};
	struct fl_conversion c;

	while (format.n) {
		size_t n = fl_str_find(format, '%', 0);

		fl_buf_add_str(out, fl_str_sub(format, 0, n));
		if (n == format.n)
			return;
		format = fl_str_from(format, n + 1);
		if (!fl_conversion_take(&format, &c)) {
			fl_buf_addc(out, '%');
			fl_buf_add_str(out, format);
			return;
		}
		if (c.type == '%')
			fl_buf_addc(out, '%');
		else
			put_binary(&c, &args, out);
	}
}
