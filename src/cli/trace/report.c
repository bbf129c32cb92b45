/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland report: a recording printed again. */
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "probe/tracedat/recording.h"

struct report_opts {
	bool json;
};

static const struct fl_opt report_options[] = {
	FL_OPT_FLAG(struct report_opts, json, 0, "json", "print one JSON object a line"),
	{}
};

/* True where there was something to complain about. */
static bool complain(struct fl_diag *d)
{
	bool said = fl_say_diag(d);

	fl_diag_fini(d);
	return said;
}

/* What the recording says of itself: in JSON the last line, else on standard error. */
static void print_summary(const struct fl_recording *rec, bool json, struct fl_buf *out)
{
	struct fl_str text = fl_recording_summary(rec), line;

	if (!json)
		fprintf(stderr, "%.*s", FL_STR_ARG(text));
	if (!json || !text.n)
		return;
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_open(out, "lines", '[');
	while (fl_str_line(&text, &line))
		fl_json_str(out, NULL, line);
	fl_json_close(out, ']');
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static int print_all(struct fl_recording *rec, const struct report_opts *opts)
{
	_cleanup_recorded_lines_ struct fl_recorded_lines lines = { fl_recording_ksyms(rec) };
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_recorded one;
	struct fl_diag d = {};
	bool damaged = false;
	int r = 0;

	while (r == 0 && fl_recording_next(rec, &one, &d) > 0) {
		if (opts->json)
			fl_recorded_json(&one, fl_recording_ksyms(rec), &out);
		else
			fl_recorded_text(&lines, &one, &out);
		damaged |= complain(&d);
		if (out.len > 1u << 16)
			r = fl_say_result(&out);
	}
	if (r == 0) {
		print_summary(rec, opts->json, &out);
		r = fl_say_result(&out);
	}
	return r == -EPIPE ? FL_EXIT_DONE : r < 0 || damaged ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int report_run(const void *v, const struct fl_args *args)
{
	_cleanup_recording_ struct fl_recording *rec = NULL;
	struct fl_diag d = {};
	bool damaged;
	int r;

	r = fl_recording_open(args->v[0], &rec, &d);
	damaged = complain(&d);
	if (r < 0) {
		if (!damaged)
			fl_say_failed(args->v[0], r);
		return FL_EXIT_FINDINGS;
	}
	r = print_all(rec, v);
	return damaged ? FL_EXIT_FINDINGS : r;
}

const struct fl_cmd fl_cmd_report = {
	.name = "report",
	.summary = "Print a recording",
	.args = "FILE",
	.about = "FILE is what 'foreland trace -o FILE.dat' or 'trace-cmd record' wrote (version 6 of the\n"
		 "format). Probe events are printed as they were live; of other events all fields.",
	.size = sizeof(struct report_opts),
	.options = report_options,
	.min_args = 1,
	.max_args = 1,
	.run = report_run,
};
