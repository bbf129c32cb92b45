/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe list: what can be probed, with argument names and types. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cmds.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/target/list.h"
#include "probe/target/user.h"

struct list_opts {
	struct fl_target_opts target;
	bool json;
};

static const struct fl_opt list_options[] = {
	FL_OPT_FLAG(struct list_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_GROUP(struct list_opts, target, fl_target_options),
	{}
};

static int write_rows(void *ctx, struct fl_buf *rows)
{
	return fl_say_result(rows);
}

/* The first line, where @kind says of what; else the last one. */
static int print_frame(const char *kind, size_t rows)
{
	_cleanup_buf_ struct fl_buf out = {};

	if (kind) {
		fl_json_schema_open(&out, "probe list");
		fl_json_strz(&out, "list", kind);
	} else {
		fl_json_open(&out, NULL, '{');
		fl_json_strz(&out, "type", "summary");
		fl_json_u64(&out, "rows", rows);
	}
	fl_json_close(&out, '}');
	fl_json_end_line(&out);
	return fl_say_result(&out);
}

/* Where the target itself could not be read there is a place to show. */
static void complain(struct fl_target *t, enum fl_list_kind kind, int err)
{
	const struct fl_diag *why = fl_target_why(t);

	if (why)
		fl_say_diag(why);
	else if (err == -ENOMEM)
		fl_say_failed("foreland", err);
	else
		fl_say(FL_ERROR, "%s cannot be listed: %s", fl_list_kind_name(kind),
		       strerror(-err));
}

static int list_all(const struct list_opts *opts, struct fl_target *t, enum fl_list_kind kind,
		    const char *const *globs, size_t n)
{
	size_t total = 0;
	int r = opts->json ? print_frame(fl_list_kind_name(kind), 0) : 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		size_t count;

		r = fl_list(t, kind, fl_str(globs[i]), opts->json, write_rows, NULL, &count);
		if (r < 0)
			break;
		if (!count)
			fl_say(FL_ERROR, "no %s match '%s'", fl_list_kind_name(kind), globs[i]);
		total += count;
	}
	if (r >= 0 && opts->json)
		r = print_frame(NULL, total);
	if (r == -EPIPE)
		return FL_EXIT_DONE;
	if (r < 0 && r != -ECANCELED)
		complain(t, kind, r);
	return r < 0 || !total ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int list_globs(const struct list_opts *opts, struct fl_target *t, struct fl_str path, const char *const *globs,
		      size_t n, size_t *ret_total)
{
	/* functions, then marked places */
	static const char *const everything[] = { "*", "sdt:*:*" };
	const char *const *all = n ? globs : everything;
	int r = 0;

	*ret_total = 0;
	for (size_t i = 0; i < (n ? n : FL_ARRAY_SIZE(everything)) && r >= 0; i++) {
		size_t count;

		r = fl_list_symbols(t, path, fl_str(all[i]), opts->json, write_rows, NULL, &count);
		if (r >= 0 && n && !count)
			fl_say(FL_ERROR, "no symbols of '%.*s' match '%s'", FL_STR_ARG(path), all[i]);
		*ret_total += r >= 0 ? count : 0;
	}
	if (r >= 0 && !n && !*ret_total)
		fl_say(FL_ERROR, "'%.*s' has no symbols, and no debug file of its build-id is there", FL_STR_ARG(path));
	return r;
}

static int list_symbols(const struct list_opts *opts, struct fl_target *t, const char *name, const char *const *globs,
			size_t n)
{
	_cleanup_buf_ struct fl_buf file = {}, full = {};
	size_t total = 0;
	int r = fl_target_user_file(t, fl_str(name), &file);

	if (r == -ENOTUNIQ) {
		fl_say(FL_ERROR, "'%s' is one of several files:\n%s", name, fl_buf_z(&file));
		return FL_EXIT_FINDINGS;
	}
	fl_target_path(t, fl_buf_str(&file), &full);
	if (r == 0 && access(fl_buf_z(&full), R_OK) < 0)
		r = -errno;
	if (r == 0 && opts->json)
		r = print_frame("symbols", 0);
	if (r >= 0)
		r = list_globs(opts, t, fl_buf_str(&file), globs, n, &total);
	if (r >= 0 && opts->json)
		r = print_frame(NULL, total);
	if (r == -EPIPE)
		return FL_EXIT_DONE;
	if (r == -EINVAL)
		fl_say(FL_ERROR, "%s: this is no program of this machine", name);
	else if (r < 0 && r != -ECANCELED)
		fl_say_failed(name, r);
	return r < 0 || !total ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int list_run(const void *v, const struct fl_args *args)
{
	static const char *const everything[] = { "*" };
	const struct list_opts *opts = v;
	_cleanup_target_ struct fl_target *target = NULL;
	bool symbols = strcmp(args->v[0], "symbols") == 0;
	enum fl_list_kind kind;

	if (!symbols && fl_list_kind_parse(fl_str(args->v[0]), &kind) < 0) {
		return fl_say_usage("'functions', 'tracepoints', 'types' or 'symbols' can be listed, not '%s'",
				    args->v[0]);
	}
	if (symbols && args->n == 1)
		return fl_say_usage("of which program? 'probe list symbols PATH [GLOB]...'");
	if (fl_cli_target(&opts->target, &target) < 0)
		return FL_EXIT_FINDINGS;
	if (symbols) {
		fl_target_use_code(target, &fl_user_code);
		return list_symbols(opts, target, args->v[1], (const char *const *)args->v + 2, args->n - 2);
	}
	if (args->n == 1)
		return list_all(opts, target, kind, everything, 1);
	return list_all(opts, target, kind, (const char *const *)args->v + 1, args->n - 1);
}

const struct fl_cmd fl_cmd_probe_list = {
	.name = "list",
	.summary = "List what can be probed, with names and types of arguments",
	.args = "functions|tracepoints|types|symbols [PATH] [GLOB]...",
	.about = "Functions are shown as C declares them. Those without types can be probed by register "
		 "alone (p probes); several symbols of one name are ambiguous, and \"MODULE:NAME\" or an "
		 "address tells them apart.\n\n"
		 "Tracepoints are shown as SYSTEM/EVENT with the arguments that t probes name, and below "
		 "them the fields that e probes name. GLOB is of the event's name, or of SYSTEM/EVENT where "
		 "it has a slash.\n\n"
		 "Types are structs, unions, enums and typedefs: a line for each that matches, or the whole "
		 "definition, with offsets in bytes, where GLOB is a name.\n\n"
		 "Symbols are those of the program or library PATH (\"libc\" is found as a program would), each as "
		 "p and r probes name it, with its offset in the file: functions, by mangled names or as they were "
		 "written, and marked places (USDT) by \"sdt:PROVIDER:NAME\".",
	.size = sizeof(struct list_opts),
	.options = list_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = list_run,
};
