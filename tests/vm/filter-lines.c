/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter-lines FORMAT KALLSYMS < LINES: what our filter parser says of each line, for an event with
 * that format file on a kernel with those symbols; a line each, in the form in which tests/vm/filter.py
 * writes the kernel's answers: "ok" or "ERRNO COLUMN MESSAGE".
 */
#include <stdio.h>

#include "base/file.h"
#include "probe/filter/filter.h"
#include "probe/event/scope.h"

static void answer(const struct fl_filter_scope *scope, struct fl_str line)
{
	_cleanup_filter_ struct fl_filter f = {};
	struct fl_diag d = {};
	int r = fl_filter_parse(line, scope, &f, &d);

	if (r < 0)
		printf("%d %u %s\n", -r, d.column, d.kind ? fl_diag_text(&d) : "");
	else
		puts("ok");
	fl_diag_fini(&d);
}

int main(int argc, char **argv)
{
	struct fl_target_opts opts = { .kallsyms = argv[argc - 1], .events = "/nonexistent" };
	_cleanup_file_ struct fl_file file = {}, lines = {};
	_cleanup_target_ struct fl_target *target = NULL;
	struct fl_event_scope event = {};
	struct fl_filter_scope scope;
	struct fl_str rest, line;

	if (argc != 3 || fl_file_open(argv[1], 1 << 20, &file) < 0 || fl_file_open("-", 1 << 24, &lines) < 0 ||
	    fl_target_open(&opts, &target) < 0 ||
	    fl_target_put_format(target, FL_STR("sched"), fl_file_str(&file), NULL) < 0 ||
	    fl_target_format(target, FL_STR("sched"), FL_STR("sched_switch"), &event.format) < 0)
		return 2;
	event.target = target;
	scope = fl_event_filter_scope(&event);
	rest = fl_file_str(&lines);
	while (fl_str_line(&rest, &line))
		answer(&scope, fl_str_trim(line));
	return 0;
}
