/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland report: a recording printed again. */
#include <errno.h>
#include <stdio.h>

#include "base/escape.h"
#include "base/json.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "probe/tracedat/recording.h"

struct report_opts {
	bool json, raw, bytes;
};

static const struct fl_opt report_options[] = {
	FL_OPT_FLAG(struct report_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_FLAG(struct report_opts, raw, 0, "raw", "print fields, not what the event makes of them"),
	FL_OPT_FLAG(struct report_opts, bytes, 0, "bytes",
		    "show names and strings as they are, control bytes too, not as \\xHH"),
	{}
};

/* What was found wrong since the last time. True where something is an error and not a warning. */
static bool complain(struct fl_recording *rec)
{
	const struct fl_diag *d;
	bool failed = false;

	while ((d = fl_recording_finding(rec))) {
		fl_say_diag(d);
		failed |= d->kind->level == FL_ERROR;
	}
	return failed;
}

/* What the recording says of itself: in JSON the last line, else on standard error. */
static void print_summary(const struct fl_recording *rec, bool json, struct fl_buf *out)
{
	struct fl_str text = fl_recording_summary(rec), line;

	while (!json && fl_str_line(&text, &line))
		fl_say_line("%.*s", FL_STR_ARG(line));
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

/* What a latency tracer left is a text already. */
static void print_texts(const struct fl_recording *rec, const struct report_opts *opts, struct fl_buf *out)
{
	struct fl_str line;
	struct fl_str source, text;
	size_t at = 0;

	while (fl_recording_text(rec, &at, &source, &text)) {
		while (!opts->json && fl_str_line(&text, &line)) {
			if (opts->bytes)
				fl_buf_add_str(out, line);
			else
				fl_escape(out, line);
			fl_buf_addc(out, '\n');
		}
		if (!opts->json)
			continue;
		fl_json_open(out, NULL, '{');
		fl_json_strz(out, "type", "latency");
		fl_json_str(out, "source", source);
		fl_json_str(out, "text", text);
		fl_json_close(out, '}');
		fl_json_end_line(out);
	}
}

static int print_records(struct fl_recording *rec, const struct report_opts *opts, bool *failed, struct fl_buf *out)
{
	_cleanup_recorded_lines_ struct fl_recorded_lines lines = { .raw = opts->raw, .bytes = opts->bytes };
	struct fl_recorded one;
	int r;

	for (;;) {
		r = fl_recording_next(rec, &one);
		*failed |= complain(rec);
		if (r <= 0)
			return r;
		lines.source_width = fl_recording_source_width(rec);
		if (opts->json)
			fl_recorded_json(&one, out);
		else
			fl_recorded_text(&lines, &one, out);
		r = out->len > 1u << 16 ? fl_say_result(out) : 0;
		if (r < 0)
			return r;
	}
}

static int print_all(struct fl_recording *rec, const struct report_opts *opts, bool failed)
{
	_cleanup_buf_ struct fl_buf out = {};
	int r;

	print_texts(rec, opts, &out);
	r = print_records(rec, opts, &failed, &out);
	if (r == 0) {
		print_summary(rec, opts->json, &out);
		r = fl_say_result(&out);
	}
	if (r == -EPIPE)
		return FL_EXIT_DONE;
	if (r < 0)
		fl_say_end(r);
	return r < 0 || failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

/* What cannot be opened is said; the other files are shown. */
static bool add_file(struct fl_recording *rec, const char *path)
{
	int r = fl_recording_add(rec, path);
	bool failed = complain(rec);

	if (r < 0 && !failed)
		fl_say_failed(path, r);
	return r == 0 && !failed;
}

static int report_run(const void *v, const struct fl_args *args)
{
	_cleanup_recording_ struct fl_recording *rec = fl_recording_new();
	bool failed = false;

	if (!rec) {
		fl_say_failed("foreland", -ENOMEM);
		return FL_EXIT_FINDINGS;
	}
	for (size_t i = 0; i < args->n; i++)
		failed |= !add_file(rec, args->v[i]);
	return print_all(rec, v, failed);
}

const struct fl_cmd fl_cmd_report = {
	.name = "report",
	.summary = "Print a recording",
	.args = "FILE...",
	.about = "FILE is what 'foreland trace -o FILE.dat' or 'trace-cmd record' wrote (version 6 or 7 of\n"
		 "the format, of any machine). Probe events are printed as they were live; of other events\n"
		 "all fields. Several files are merged by their times.",
	.size = sizeof(struct report_opts),
	.options = report_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = report_run,
};
