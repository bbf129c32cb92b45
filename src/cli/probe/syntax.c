/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland probe syntax: what tracefs's README says of probe definitions. */
#include <unistd.h>

#include "base/json.h"
#include "cli/cmds.h"
#include "cli/probe/probe.h"
#include "cli/say.h"
#include "probe/tracefs/tracefs.h"

struct syntax_opts {
	const char *dialect;
	bool json;
};

static const struct fl_opt syntax_options[] = {
	FL_OPT_STR(struct syntax_opts, dialect, 0, "dialect", "7.3|v6|6.12|kernel|mainline",
		   "of which kernel; default: 7.3"),
	FL_OPT_FLAG(struct syntax_opts, json, 0, "json", "print one JSON object a line"),
	{}
};

static void to_json(const struct fl_buf *text, enum fl_dialect dialect, struct fl_buf *out)
{
	struct fl_str rest = fl_buf_str(text), line;
	uint64_t n = 0;

	fl_json_schema_open(out, "probe syntax");
	fl_json_strz(out, "dialect", fl_dialects[dialect].name);
	fl_json_close(out, '}');
	fl_json_end_line(out);
	while (fl_str_line(&rest, &line)) {
		fl_json_open(out, NULL, '{');
		fl_json_str(out, "line", line);
		fl_json_close(out, '}');
		fl_json_end_line(out);
		n++;
	}
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_u64(out, "lines", n);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static int syntax_run(const void *v, const struct fl_args *args)
{
	const struct syntax_opts *opts = v;
	_cleanup_buf_ struct fl_buf text = {}, json = {};
	enum fl_dialect dialect;

	if (fl_cli_dialect(opts->dialect, &dialect) < 0)
		return FL_EXIT_USAGE;
	fl_tracefs_readme(dialect, &text);
	if (opts->json)
		to_json(&text, dialect, &json);
	return fl_say_result(opts->json ? &json : &text) < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_probe_syntax = {
	.name = "syntax",
	.summary = "Print the syntax of definitions, as the kernel's README has it",
	.size = sizeof(struct syntax_opts),
	.options = syntax_options,
	.run = syntax_run,
};
