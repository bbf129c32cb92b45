/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter-lines FORMAT < LINES: what our filter parser says of each line, for an event with that
 * format file; a line each, in the form in which tests/vm/filter.py writes the kernel's answers:
 * "ok" or "ERRNO COLUMN MESSAGE".
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/filter/filter.h"

static struct fl_str format;

static bool has(struct fl_str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

static uint64_t number_after(struct fl_str line, const char *key)
{
	const char *at = memmem(line.p, line.n, key, strlen(key));
	uint64_t v = 0;

	if (at) {
		struct fl_str s = fl_str_from(line, at + strlen(key) - line.p);

		fl_parse_u64(fl_str_sub(s, 0, fl_str_find(s, ';', 0)), 10, &v);
	}
	return v;
}

/* "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;" */
static bool declares(struct fl_str line, struct fl_str name, struct fl_filter_field *ret)
{
	struct fl_str decl = fl_str_trim(line), last;

	if (!fl_str_starts(decl, "field:"))
		return false;
	decl = fl_str_sub(decl, 0, fl_str_find(decl, ';', 0));
	last = fl_str_sub(decl, 0, fl_str_find(decl, '[', 0));
	if (has(decl, "__data_loc") || has(decl, "[]"))
		last = decl;
	if (!fl_str_ends(last, "") || last.n <= name.n ||
	    !fl_str_eq(fl_str_from(last, last.n - name.n), name) || last.p[last.n - name.n - 1] != ' ')
		return false;
	*ret = (struct fl_filter_field){ .offset = number_after(line, "offset:"),
					 .size = number_after(line, "size:"),
					 .is_signed = number_after(line, "signed:") };
	if (has(decl, "__data_loc") && has(decl, "char"))
		ret->kind = FL_FILTER_DYN_STRING;
	else if (has(decl, "char") && has(decl, "["))
		ret->kind = FL_FILTER_STRING;
	else if (has(decl, "char *"))
		ret->kind = FL_FILTER_PTR_STRING;
	return true;
}

static bool find(void *ctx, struct fl_str name, struct fl_filter_field *ret)
{
	struct fl_str rest = format, line;

	while (fl_str_line(&rest, &line))
		if (declares(line, name, ret))
			return true;
	*ret = (struct fl_filter_field){ .size = 4, .is_signed = true }; /* an int in the kernel */
	ret->kind = fl_str_is(name, "comm") || fl_str_is(name, "COMM") ? FL_FILTER_COMM :
		    fl_str_is(name, "cpu") || fl_str_is(name, "CPU")   ? FL_FILTER_CPU :
									 FL_FILTER_NUMBER;
	return ret->kind != FL_FILTER_NUMBER;
}

int main(int argc, char **argv)
{
	const struct fl_filter_scope scope = { .find = find };
	_cleanup_file_ struct fl_file file = {}, lines = {};
	struct fl_str rest, line;

	if (argc != 2 || fl_file_open(argv[1], 1 << 20, &file) < 0 || fl_file_open("-", 1 << 24, &lines) < 0)
		return 2;
	format = fl_file_str(&file);
	rest = fl_file_str(&lines);
	while (fl_str_line(&rest, &line)) {
		struct fl_filter f = {};
		struct fl_diag d = {};
		int r = fl_filter_parse(fl_str_trim(line), &scope, &f, &d);

		if (r < 0)
			printf("%d %u %s\n", -r, d.column, d.kind ? fl_diag_text(&d) : "");
		else
			puts("ok");
		fl_filter_fini(&f);
		fl_diag_fini(&d);
	}
	return 0;
}
