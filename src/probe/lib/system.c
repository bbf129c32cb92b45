/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <foreland/probe.h>: systems and definitions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/event/listing.h"
#include "probe/lib/private.h"
#include "probe/lower/lower.h"

/* The target borrows names until it opens what they name; ours are the system's own. */
static int keep_files(struct fl_system *sys, struct fl_target_opts *opts)
{
	const char **at[] = { &opts->kallsyms, &opts->events, NULL };

	for (size_t i = 0; at[i]; i++) {
		if (!*at[i])
			continue;
		*at[i] = fl_arena_dup(&sys->names, fl_str(*at[i]));
		if (!*at[i])
			return -ENOMEM;
	}
	if (!opts->btf.n)
		return 0;
	sys->btf = fl_arena_dup(&sys->names, fl_str(opts->btf.v[0]));
	opts->btf.v = &sys->btf;
	return sys->btf ? 0 : -ENOMEM;
}

int fl_system_open(const struct fl_system_files *files, struct fl_system **ret)
{
	struct fl_target_opts opts = {};
	struct fl_system *sys;
	const char *btf;
	int r;

	if (files) {
		opts.kallsyms = files->kallsyms;
		opts.events = files->events;
		if (files->btf) {
			btf = files->btf;
			opts.btf.v = &btf;
			opts.btf.n = 1;
		}
	}
	sys = calloc(1, sizeof(*sys));
	if (!sys)
		return -ENOMEM;
	r = keep_files(sys, &opts);
	if (r == 0)
		r = fl_target_open(&opts, &sys->target);
	if (r < 0) {
		fl_system_close(sys);
		return r;
	}
	*ret = sys;
	return 0;
}

void fl_system_close(struct fl_system *sys)
{
	if (!sys)
		return;
	fl_target_close(sys->target);
	fl_arena_fini(&sys->names);
	free(sys);
}

struct fl_target *fl_system_target(const struct fl_system *sys)
{
	return sys->target;
}

static int wrap(struct fl_system *sys, struct fl_probe_event *e, struct fl_definition **ret)
{
	struct fl_definition *def = calloc(1, sizeof(*def));

	if (!def) {
		fl_probe_event_free(e);
		return -ENOMEM;
	}
	def->sys = sys;
	def->event = e;
	*ret = def;
	return 0;
}

int fl_definition_check(struct fl_system *sys, const char *dialect, const char *text,
			struct fl_definition **ret, struct fl_diag *diag)
{
	_cleanup_verdict_ struct fl_probe_verdict verdict = {};
	struct fl_probe_event *e = NULL;
	enum fl_dialect rules;
	int r = lib_rules(sys, dialect, &rules);

	if (r < 0)
		return r;
	r = fl_probe_check(sys->target, rules, FL_FILE_DYNAMIC_EVENTS, fl_str(text), &e, &verdict);
	if (r == 0 && !e)
		r = -EINVAL; /* a comment, or nothing */
	if (r < 0) {
		lib_hand_over(&verdict, fl_str(text), diag);
		return r;
	}
	return wrap(sys, e, ret);
}

void fl_definition_free(struct fl_definition *def)
{
	if (!def)
		return;
	fl_probe_event_free(def->event);
	fl_buf_fini(&def->listing);
	fl_buf_fini(&def->dump);
	fl_buf_fini(&def->lowered);
	fl_arena_fini(&def->names);
	free(def);
}

const char *fl_definition_listing(struct fl_definition *def)
{
	fl_buf_reset(&def->listing);
	fl_probe_event_list(def->event, &def->listing);
	return def->listing.error ? NULL : fl_buf_z(&def->listing);
}

const char *fl_definition_dump(struct fl_definition *def)
{
	fl_buf_reset(&def->dump);
	fl_probe_event_dump(def->event, fl_dialects[FL_DIALECT_7_3].dump, &def->dump);
	return def->dump.error ? NULL : fl_buf_z(&def->dump);
}

int fl_definition_lower(struct fl_definition *def, const char *level, const char **ret,
			struct fl_diag *diag)
{
	const struct fl_lower_level *older = fl_lower_level(fl_str(level));
	struct fl_diag unwanted = {};
	int r;

	if (!older)
		return -ESRCH;
	fl_buf_reset(&def->lowered);
	r = fl_lower(def->event, fl_target_arch(def->sys->target), older->features, &def->lowered,
		     diag ? diag : &unwanted);
	fl_diag_fini(&unwanted);
	if (r < 0)
		return r;
	*ret = fl_buf_z(&def->lowered);
	return def->lowered.error;
}

size_t fl_definition_nr_arguments(const struct fl_definition *def)
{
	return def->event->nr_args;
}

bool fl_definition_argument(struct fl_definition *def, size_t i, struct fl_argument *ret)
{
	return lib_argument(def->event, i, &def->names, ret);
}
