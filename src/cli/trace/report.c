/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland report: recordings printed, selected from, merged, counted and converted. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/safe-write.h"
#include "base/table.h"
#include "cli/cmds.h"
#include "cli/say.h"
#include "probe/export/export.h"
#include "probe/export/file.h"
#include "probe/export/profile.h"
#include "probe/export/tally.h"
#include "probe/tracedat/recording.h"
#include "probe/tracedat/selection.h"
#include "probe/tracedat/summary.h"

struct report_opts {
	bool json, raw, bytes, stat, profile, tail;
	const char *to, *output, *since, *until;
	struct fl_strv filters, cpus, pids, buffers;
};

static const struct fl_opt report_options[] = {
	FL_OPT_FLAG(struct report_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_FLAG(struct report_opts, raw, 0, "raw",
		    "print fields, not what the event makes of them"),
	FL_OPT_FLAG(struct report_opts, bytes, 0, "bytes",
		    "show names and strings as they are, control bytes too, not as \\xHH"),
	FL_OPT_LIST(struct report_opts, filters, 'F', "filter", "EVENT[: FILTER]",
		    "events of that name alone, and of these what the filter (the kernel's) lets "
		    "pass; may be repeated"),
	FL_OPT_LIST(struct report_opts, cpus, 0, "cpu", "LIST",
		    "records of these CPUs, as \"0,2-3\""),
	FL_OPT_LIST(struct report_opts, pids, 'p', "pid", "PID",
		    "records of that thread; may be repeated"),
	FL_OPT_STR(struct report_opts, since, 0, "since", "TIME",
		   "from this time on, as lines show it, or \"+SECONDS\" behind the first"),
	FL_OPT_STR(struct report_opts, until, 0, "until", "TIME", "up to this time"),
	FL_OPT_LIST(struct report_opts, buffers, 0, "buffer", "NAME",
		    "records of that buffer (\"main\": the one without a name)"),
	FL_OPT_FLAG(struct report_opts, stat, 0, "stat",
		    "what the files are, and how many records of each event"),
	FL_OPT_FLAG(struct report_opts, profile, 0, "profile",
		    "how long what begins and ends took: calls, interrupts, work"),
	FL_OPT_FLAG(struct report_opts, tail, 0, "tail", "follow FILE.part while it grows, until it is done"),
	FL_OPT_STR(struct report_opts, to, 0, "to", "text|json|csv|chrome|folded|pprof|perfetto",
		   "write that form"),
	FL_OPT_STR(struct report_opts, output, 'o', "output", "FILE",
		   "write there; its ending may say the form: .pftrace, .csv, .folded, .pb.gz"),
	{}};

struct report {
	const struct report_opts *o;
	struct fl_recording *rec;
	struct fl_selection *selection;
	struct fl_export *export;
	struct fl_profile profile;
	struct fl_tally tally;
	struct fl_out file;
	bool has_file;
	bool failed; /* something is left out, which has been said */
	struct fl_diag diag; /* of the record in hand */
	struct fl_buf out;
};

/* ---- output ---- */

static int flush(struct report *r)
{
	int err;

	if (!r->has_file)
		return fl_say_result(&r->out);
	err = r->out.error ? r->out.error : fl_buf_write_fd(&r->out, r->file.fd);
	fl_buf_reset(&r->out);
	if (err < 0) {
		fl_say_failed(r->o->output, err);
		return -ECANCELED;
	}
	return 0;
}

/* What was found wrong since the last time. An error makes the exit status, a warning does not. */
static void complain(struct report *r)
{
	const struct fl_diag *d;

	while ((d = fl_recording_finding(r->rec))) {
		fl_say_diag(d);
		r->failed |= d->kind->level == FL_ERROR;
	}
}

static const char *form_of(const struct report_opts *o)
{
	static const char *const endings[][2] = {
		{".pftrace", "perfetto"}, {".csv", "csv"},   {".folded", "folded"},
		{".pb.gz", "pprof"},	  {".json", "json"},
	};

	if (o->to)
		return o->to;
	if (o->json)
		return "json";
	for (size_t i = 0; o->output && i < FL_ARRAY_SIZE(endings); i++)
		if (fl_str_ends(fl_str(o->output), endings[i][0]))
			return endings[i][1];
	return "text";
}

static bool is_json(const struct report_opts *o)
{
	return strcmp(form_of(o), "json") == 0;
}

/* ---- what stands beside the records ---- */

/* Text that somebody else wrote, its line breaks kept. */
static void say_lines(struct fl_str text)
{
	_cleanup_buf_ struct fl_buf shown = {};
	struct fl_str line;

	while (fl_str_line(&text, &line)) {
		fl_escape(&shown, line);
		fl_buf_addc(&shown, '\n');
	}
	fprintf(stderr, "%s", fl_buf_z(&shown));
}

/* What the recording says of itself: in JSON the last line, else on standard error. */
static void print_summary(struct report *r)
{
	struct fl_str text = fl_recording_summary(r->rec);

	if (is_json(r->o))
		fl_summary_json(text, &r->out);
	else if (!r->o->profile)
		say_lines(text);
}

/* What a latency tracer left is a text already. */
static void print_texts(struct report *r)
{
	struct fl_str source, text;
	size_t at = 0;

	while (fl_recording_text(r->rec, &at, &source, &text)) {
		if (r->export && fl_export_text(r->export, source, text, &r->out))
			continue;
		fl_say(FL_WARNING,
		       "a latency tracer's text of %zu bytes is left out: it holds no records",
		       text.n);
	}
}

/* ---- tables ---- */

static void profile_row(const struct report *r, const struct fl_profile_row *row,
			struct fl_table *t, struct fl_buf *out)
{
	uint64_t average = row->count ? row->total / row->count : 0;

	if (!r->o->json) {
		fl_table_cell(t, row->name);
		for (unsigned int i = 0; i < 7; i++) {
			uint64_t v[] = {row->count, row->total, average,       row->least,
					row->most,  row->open,	row->unmatched};

			fl_table_cellf(t, "%llu", (unsigned long long)v[i]);
		}
		return;
	}
	fl_json_open(out, NULL, '{');
	fl_json_str(out, "name", row->name);
	fl_json_u64(out, "count", row->count);
	fl_json_u64(out, "total", row->total);
	fl_json_u64(out, "average", average);
	fl_json_u64(out, "min", row->least);
	fl_json_u64(out, "max", row->most);
	fl_json_u64(out, "not_ended", row->open);
	fl_json_u64(out, "not_begun", row->unmatched);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static int print_profile(struct report *r)
{
	static const struct fl_column columns[] = {
		{"NAME"},      {"COUNT", true}, {"TOTAL", true},     {"AVERAGE", true},
		{"MIN", true}, {"MAX", true},	{"NOT ENDED", true}, {"NOT BEGUN", true}};
	_cleanup_table_ struct fl_table t;
	struct fl_profile_row row;

	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; fl_profile_row(&r->profile, i, &row); i++)
		profile_row(r, &row, &t, &r->out);
	return r->o->json ? 0 : fl_table_print(&t, &r->out);
}

static void stat_row(const struct report *r, const struct fl_tally_row *row, struct fl_table *t,
		     struct fl_buf *out)
{
	if (!r->o->json) {
		fl_table_cell(t, row->name);
		fl_table_cellf(t, "%llu", (unsigned long long)row->records);
		return;
	}
	fl_json_open(out, NULL, '{');
	fl_json_str(out, "event", row->name);
	fl_json_u64(out, "records", row->records);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static int print_stat(struct report *r)
{
	static const struct fl_column columns[] = {{"EVENT"}, {"RECORDS", true}};
	_cleanup_buf_ struct fl_buf facts = {};
	_cleanup_table_ struct fl_table t;
	struct fl_tally_row row;

	fl_recording_facts(r->rec, &facts);
	if (r->o->json) {
		fl_json_open(&r->out, NULL, '{');
		fl_json_strz(&r->out, "type", "files");
		fl_json_str(&r->out, "text", fl_buf_str(&facts));
		fl_json_close(&r->out, '}');
		fl_json_end_line(&r->out);
	} else {
		struct fl_str rest = fl_buf_str(&facts), line;

		while (fl_str_line(&rest, &line)) {
			fl_escape(&r->out, line);
			fl_buf_addc(&r->out, '\n');
		}
	}
	fl_table_init(&t, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; fl_tally_row(&r->tally, i, &row); i++)
		stat_row(r, &row, &t, &r->out);
	return r->o->json ? 0 : fl_table_print(&t, &r->out);
}

/* ---- records ---- */

static int take_record(struct report *r, const struct fl_recorded *rec)
{
	int err = fl_selection_match(r->selection, rec, &r->diag);

	if (err < 0) {
		if (!fl_say_diag(&r->diag))
			fl_say_failed("foreland", err);
		fl_diag_fini(&r->diag);
		return -ECANCELED;
	}
	if (!err)
		return 0;
	if (r->o->profile)
		return fl_profile_add(&r->profile, rec);
	if (r->o->stat)
		return fl_tally_add(&r->tally, rec);
	err = fl_export_record(r->export, rec, &r->out);
	return err == 0 && r->out.len > 1u << 16 ? flush(r) : err;
}

/* 1: nothing that follows is wanted. */
static int take_records(struct report *r)
{
	const struct fl_recorded *rec;
	int err;

	for (;;) {
		err = fl_recording_next(r->rec, &rec);
		complain(r);
		if (err <= 0)
			return err;
		if (fl_selection_is_over(r->selection, rec))
			return 1;
		err = take_record(r, rec);
		if (err < 0)
			return err;
	}
}

/* What is added to a journal is later than what was there: it is shown as it comes. */
static int follow(struct report *r)
{
	const struct timespec nap = { .tv_nsec = 200000000 };
	int err;

	for (;;) {
		err = take_records(r);
		if (err == 0)
			err = flush(r);
		if (err == 0)
			err = fl_recording_follow(r->rec);
		else if (err > 0)
			return 0;
		if (err < 0)
			return err == -ENODATA ? 0 : err;
		if (err == 0)
			nanosleep(&nap, NULL);
	}
}

static void check_selection(struct report *r)
{
	const char *filter = fl_selection_unmatched(r->selection);
	const char *buffer = fl_selection_empty_buffer(r->selection);

	if (filter)
		fl_say(FL_ERROR, "no record is of an event '%s'", filter);
	if (buffer)
		fl_say(FL_ERROR, "no record is in a buffer '%s'", buffer);
	r->failed |= filter || buffer;
}

static void check_export(struct report *r)
{
	uint64_t n = r->export ? fl_export_left_out(r->export) : 0;

	if (!n)
		return;
	fl_say(FL_ERROR,
	       "%llu records are left out: they have no stacks, and this form shows nothing else",
	       (unsigned long long)n);
	r->failed = true;
}

static int finish(struct report *r)
{
	int err = 0;

	if (r->o->profile)
		err = print_profile(r);
	else if (r->o->stat)
		err = print_stat(r);
	else
		err = fl_export_finish(r->export, &r->out);
	check_selection(r);
	check_export(r);
	if (err == 0)
		print_summary(r);
	if (err == 0)
		err = flush(r);
	if (err == 0 && r->has_file) {
		err = fl_out_commit(&r->file);
		if (err < 0)
			fl_say_failed(r->o->output, err);
		err = err < 0 ? -ECANCELED : 0;
	}
	return err;
}

static int print_all(struct report *r)
{
	int err;

	print_texts(r);
	err = r->o->tail ? follow(r) : take_records(r);
	if (err >= 0)
		err = finish(r);
	if (err == -EPIPE)
		return FL_EXIT_DONE;
	if (err < 0)
		fl_say_end(err);
	return err < 0 || r->failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

/* ---- the command line ---- */

/* What cannot be opened is said; the other files are shown. */
static void add_file(struct report *r, const char *path)
{
	int err = fl_recording_add(r->rec, path);
	bool before = r->failed;

	r->failed = false;
	complain(r);
	if (err < 0 && !r->failed)
		fl_say_failed(path, err);
	r->failed |= before || err < 0;
}

static int add_each(struct fl_selection *s, const struct fl_strv *list,
		    int (*add)(struct fl_selection *, const char *), const char *option, const char *what)
{
	for (size_t i = 0; i < list->n; i++)
		if (add(s, list->v[i]) < 0)
			return fl_say_usage("%s: '%s' is no %s", option, list->v[i], what);
	return 0;
}

static int select_records(struct report *r)
{
	const struct report_opts *o = r->o;
	int status = add_each(r->selection, &o->filters, fl_selection_add_events, "--filter", "EVENT or EVENT: FILTER");

	if (!status)
		status = add_each(r->selection, &o->cpus, fl_selection_add_cpus, "--cpu", "list of CPUs such as 0,2-3");
	if (!status)
		status = add_each(r->selection, &o->pids, fl_selection_add_pid, "--pid", "thread's number");
	if (!status)
		status = add_each(r->selection, &o->buffers, fl_selection_add_buffer, "--buffer", "name of a buffer");
	if (!status && o->since && fl_selection_since(r->selection, o->since) < 0)
		status = fl_say_usage(
			"--since: '%s' is not a time such as 123.456789 or +1.5", o->since);
	if (!status && o->until && fl_selection_until(r->selection, o->until) < 0)
		status = fl_say_usage(
			"--until: '%s' is not a time such as 123.456789 or +1.5", o->until);
	return status;
}

static int open_output(struct report *r)
{
	struct fl_export_opts opts = {r->o->raw, r->o->bytes, fl_recording_source_width(r->rec)};
	struct fl_diag d = {};
	int err;

	if (!r->o->stat && !r->o->profile && fl_export_new(form_of(r->o), opts, &r->export) < 0) {
		fl_say_failed("foreland", -ENOMEM);
		return FL_EXIT_FINDINGS;
	}
	if (is_json(r->o))
		fl_json_schema(&r->out, "report");
	if (!r->o->output)
		return 0;
	err = fl_out_open(r->o->output, &r->file, &d);
	if (err < 0) {
		if (!fl_say_diag(&d))
			fl_say_failed(r->o->output, err);
		fl_diag_fini(&d);
		return FL_EXIT_FINDINGS;
	}
	r->has_file = true;
	return 0;
}

static void report_fini(struct report *r)
{
	fl_recording_free(r->rec);
	fl_selection_free(r->selection);
	fl_export_free(r->export);
	fl_profile_fini(&r->profile);
	fl_tally_fini(&r->tally);
	if (r->has_file)
		fl_out_fini(&r->file);
	fl_buf_fini(&r->out);
}

/* -o FILE.dat: the whole recording anew, as a journal (FILE.part) needs it that trace-cmd is to read. */
static int write_dat(const struct report_opts *o, const struct fl_args *args)
{
	_cleanup_out_ struct fl_out out = FL_OUT_NONE;
	struct fl_dat_convert how = { 6, FL_PACKING_NONE };
	struct fl_findings findings = {};
	bool failed = false;
	int r;

	if (args->n > 1 || o->filters.n || o->cpus.n || o->pids.n || o->buffers.n || o->since || o->until)
		return fl_say_usage("'-o FILE.dat' writes all of one recording");
	r = fl_out_open(o->output, &out, NULL);
	if (r == 0)
		r = fl_export_file(args->v[0], NULL, how, out.fd, &findings);
	for (size_t i = 0; i < findings.n; i++) {
		fl_say_diag(&findings.list[i]);
		failed |= findings.list[i].kind->level == FL_ERROR;
	}
	fl_findings_fini(&findings);
	if (r == 0)
		r = fl_out_commit(&out);
	if (r < 0 && !failed)
		fl_say_failed(o->output, r);
	return r < 0 || failed ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int report_run(const void *v, const struct fl_args *args)
{
	__attribute__((cleanup(report_fini))) struct report r = {
		.o = v,
		.rec = fl_recording_new(),
		.selection = fl_selection_new(),
		.file = FL_OUT_NONE,
	};
	int status;

	if (!r.rec || !r.selection) {
		fl_say_failed("foreland", -ENOMEM);
		return FL_EXIT_FINDINGS;
	}
	if (r.o->json && r.o->to && strcmp(r.o->to, "json") != 0)
		return fl_say_usage("'--json' is '--to json', and not '--to %s'", r.o->to);
	if (r.o->stat && r.o->profile)
		return fl_say_usage("--stat and --profile exclude each other");
	if ((r.o->stat || r.o->profile) && r.o->to && !is_json(r.o) && strcmp(r.o->to, "text") != 0)
		return fl_say_usage("%s is text or JSON, and not '--to %s'", r.o->stat ? "--stat" : "--profile",
				    r.o->to);
	if (r.o->tail && (args->n != 1 || !fl_str_ends(fl_str(args->v[0]), ".part")))
		return fl_say_usage("'--tail' follows one recording that grows: FILE.part");
	status = select_records(&r);
	if (status)
		return status;
	if (r.o->output && !r.o->to && !r.o->stat && !r.o->profile && fl_str_ends(fl_str(r.o->output), ".dat"))
		return write_dat(r.o, args);
	for (size_t i = 0; i < args->n; i++)
		add_file(&r, args->v[i]);
	if (fl_recording_start(r.rec) < 0) {
		fl_say_failed("foreland", -ENOMEM);
		return FL_EXIT_FINDINGS;
	}
	status = open_output(&r);
	return status ? status : print_all(&r);
}

const struct fl_cmd fl_cmd_report = {
	.name = "report",
	.summary = "Print a recording",
	.args = "FILE...",
	.about = "FILE is what 'foreland trace -o FILE.dat' or 'trace-cmd record' wrote (version 6 "
		 "or 7 of the "
		 "format, of any machine). Several files are merged by their times.\n\n"
		 "Probe events are printed as they were live, others as their 'print fmt' says, "
		 "and where that "
		 "cannot be said by all of their fields. Control bytes of names and strings are "
		 "shown as \\xHH.",
	.size = sizeof(struct report_opts),
	.options = report_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = report_run,
};
