/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/event/synth.h"

#include <errno.h>
#include <string.h>

#include "base/num.h"

static const struct row {
	struct fl_fetch_type type;
	const char *conversion;
} rows[] = {
#define SYNTH_TYPE(n, bytes, sign, conv, how, flag)                                                \
	{ { .name = n, .size = bytes, .is_signed = sign, .print = FL_PRINT_##how, .flags = flag }, conv },
#include "probe/event/synth-types.def"
};

/* What brackets make; all of them call themselves signed. */
static const struct fl_fetch_type fixed_string = { "char[N]", 4, true, FL_PRINT_STRING,
						   FL_TYPE_STRING | FL_TYPE_FIXED };
static const struct fl_fetch_type string = { "char[]", 4, true, FL_PRINT_STRING, FL_TYPE_STRING };
static const struct fl_fetch_type stack = { "long[]", 8, true, FL_PRINT_SYMBOL, FL_TYPE_STACK };

static size_t find_text(struct fl_str text, const char *what)
{
	const char *at = text.n ? memmem(text.p, text.n, what, strlen(what)) : NULL;

	return at ? (size_t)(at - text.p) : text.n;
}

/* "char[N]", wherever that stands in the text: 0 where N is, or is not there; -EINVAL, -ERANGE. */
static int string_size(struct fl_str text, uint32_t *ret)
{
	size_t start = find_text(text, "char[") + 5, end = fl_str_find(text, ']', 0);
	struct fl_str number;
	uint64_t n;
	int r;

	if (end == text.n || end < start || end + 1 < text.n || end - start > 3)
		return -EINVAL;
	number = fl_str_sub(text, start, end - start);
	*ret = 0;
	if (!number.n)
		return 0;
	if (number.p[0] == '+')
		number = fl_str_from(number, 1);
	r = fl_parse_u64(number, 0, &n);
	if (r < 0 || n > FL_SYNTH_STRING)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

int fl_synth_type(struct fl_str text, const struct fl_fetch_type **ret, uint32_t *size)
{
	int r;

	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		if (!fl_str_is(text, rows[i].type.name))
			continue;
		*ret = &rows[i].type;
		*size = rows[i].type.size;
		return 0;
	}
	if (find_text(text, "char[") < text.n) {
		r = string_size(text, size);
		if (r < 0)
			return r;
		*ret = *size ? &fixed_string : &string;
	} else if (find_text(text, "long[") < text.n) {
		*ret = &stack;
		*size = 0;
	} else {
		return -ENOENT;
	}
	*size = *size ? *size : 8;
	return 0;
}

uint32_t fl_synth_room(const struct fl_probe_arg *field)
{
	return field->type->flags & FL_TYPE_FIXED ? FL_SYNTH_STRING : 8;
}

const char *fl_synth_conversion(const struct fl_fetch_type *t)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++)
		if (t == &rows[i].type)
			return rows[i].conversion;
	return "%s";
}

void fl_synth_list(const struct fl_probe_event *e, struct fl_buf *out)
{
	fl_buf_addf(out, "%.*s\t", FL_STR_ARG(e->event));
	for (size_t i = 0; i < e->nr_args; i++)
		fl_buf_addf(out, "%s%.*s %.*s", i ? "; " : "", FL_STR_ARG(e->args[i].body),
			    FL_STR_ARG(e->args[i].name));
}
