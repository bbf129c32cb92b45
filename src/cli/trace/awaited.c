/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trace says before it begins: what it waits for, and what may harm whom it traces. */
#include <limits.h>

#include "base/file.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "probe/target/modules.h"

static void help_with_module(const struct fl_probe_event *e, enum fl_module_kept kept)
{
	struct fl_str name = e->place.module, function = e->place.symbol;
	_cleanup_buf_ struct fl_buf program = {};
	char path[PATH_MAX];

	fl_buf_add_str(&program, name);
	if (kept == FL_MODULE_BUILT_IN)
		fl_say_help("'%.*s' is built into this kernel: its functions go by their names alone, '%.*s'",
			    FL_STR_ARG(name), FL_STR_ARG(function));
	else if (kept != FL_MODULE_ON_DISK && !program.error && fl_find_program(fl_buf_z(&program), path))
		fl_say_help("a program's functions go by its path: '%s %s:%.*s'", e->is_return ? "r" : "p", path,
			    FL_STR_ARG(function));
}

static void say_module(const struct fl_probe_event *e)
{
	enum fl_module_kept kept = fl_module_kept(e->place.module);

	fl_say(FL_WARNING, "no module '%.*s' is loaded%s: %.*s/%.*s is armed when it comes",
	       FL_STR_ARG(e->place.module),
	       kept == FL_MODULE_ABSENT ? ", and this kernel's folder has none of that name" : "",
	       FL_STR_ARG(e->group), FL_STR_ARG(e->event));
	help_with_module(e, kept);
}

void trace_say_awaited(const struct trace_job *s)
{
	for (size_t i = 0; i < s->events.n; i++) {
		const struct fl_probe_event *e = s->events.v[i];

		if (e->deferred && e->place.module.n)
			say_module(e);
		if (e->kind == FL_PROBE_UPROBE && e->is_return && fl_target_is_go(s->target, e->place.path))
			fl_say(FL_WARNING, "'%.*s' is a Go program, whose stacks move: a return probe (%.*s/%.*s) may "
			       "crash it", FL_STR_ARG(e->place.path), FL_STR_ARG(e->group), FL_STR_ARG(e->event));
	}
}
