/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe dump: the fetch program of each argument, as dynamic_events shows it. */
#include <errno.h>

#include "cli/cmds.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/event/listing.h"

struct dump_opts {
	struct fl_target_opts target;
	const char *file;
	const char *dialect;
};

static const struct fl_opt dump_options[] = {
	FL_OPT_STR(struct dump_opts, dialect, 0, "dialect", "7.3|v6|6.12|kernel|mainline",
		   "whose rules apply; default: 7.3"),
	FL_OPT_STR(struct dump_opts, file, 0, "file", "dynamic_events|kprobe_events|uprobe_events|synthetic_events",
		   "the control file that they are for; default: dynamic_events"),
	FL_OPT_GROUP(struct dump_opts, target, fl_target_options),
	{}
};

struct dump {
	enum fl_dialect dialect;
	enum fl_probe_file file;
	struct fl_target *target;
	bool failed;
};

static int dump_one(void *ctx, struct fl_str def, const char *place, uint32_t line)
{
	struct dump *d = ctx;
	_cleanup_verdict_ struct fl_probe_verdict v = {};
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_probe_event *e = NULL;
	int r = fl_probe_check(d->target, d->dialect, d->file, def, &e, &v);

	if (r < 0 && v.errno_value) {
		d->failed = true;
		fl_cli_print_verdict(&v, def, place, line);
		return 0;
	}
	if (r < 0 || !e)
		return r;
	fl_probe_event_list(e, &out);
	fl_buf_addc(&out, '\n');
	fl_probe_event_dump(e, fl_dialect_rules(d->target, d->dialect)->dump, &out);
	fl_probe_event_free(e);
	return fl_say_result(&out);
}

static int dump_run(const void *v, const struct fl_args *args)
{
	const struct dump_opts *opts = v;
	_cleanup_target_ struct fl_target *target = NULL;
	struct dump d = {};
	int r;

	if (fl_cli_dialect(opts->dialect, &d.dialect) < 0 ||
	    fl_cli_probe_file(opts->file, &d.file) < 0)
		return FL_EXIT_USAGE;
	if (fl_cli_target(&opts->target, &target) < 0 || fl_cli_learn_dialect(target, d.dialect) < 0)
		return FL_EXIT_FINDINGS;
	d.target = target;
	r = fl_cli_each_definition(args, dump_one, &d);
	fl_say_end(r);
	return r < 0 || d.failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_probe_dump = {
	.name = "dump",
	.summary = "Show what each argument of a probe does when it fires",
	.args = "DEF...|-",
	.about = "Prints each definition as the kernel lists it, and behind it a line for each "
		 "argument: the fetch program that it was compiled to.",
	.size = sizeof(struct dump_opts),
	.options = dump_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.takes_removals = true,
	.run = dump_run,
};
