/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The example of <foreland/probe.h>, built from an installed tree with pkg-config alone:
 *
 *	probe-example check DEFINITION		the listing, or the kernel's message and column
 *	probe-example lower LEVEL DEFINITION	the older text
 *	probe-example trace N DEFINITION	N lines, each with its first argument by itself
 *	probe-example all N TEXT		the same for all that the command takes: globs, filters
 *	probe-example report FILE		the lines of a recording
 */
#include <foreland/probe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fl_system *sys;

static int complain(struct fl_diag *diag, int r)
{
	if (diag->kind)
		fprintf(stderr, "%u: %s\n", diag->column, diag->message ? diag->message : diag->kind->message);
	fl_diag_fini(diag);
	return -r;
}

static int check(const char *text, struct fl_definition **ret)
{
	struct fl_diag diag = {};
	int r = fl_definition_check(sys, NULL, text, ret, &diag);

	return r < 0 ? complain(&diag, r) : 0;
}

static int show(const char *text)
{
	struct fl_definition *def;
	struct fl_argument arg;
	int r = check(text, &def);

	if (r)
		return r;
	printf("%s\n%s", fl_definition_listing(def), fl_definition_dump(def));
	for (size_t i = 0; fl_definition_argument(def, i, &arg); i++)
		printf("%s is %s\n", arg.name, arg.type);
	fl_definition_free(def);
	return 0;
}

static int lower(const char *level, const char *text)
{
	struct fl_definition *def;
	struct fl_diag diag = {};
	const char *older;
	int r = check(text, &def);

	if (r)
		return r;
	r = fl_definition_lower(def, level, &older, &diag);
	if (r < 0)
		r = complain(&diag, r);
	else
		puts(older);
	fl_definition_free(def);
	return r;
}

static int on_record(void *ctx, const struct fl_tracing_record *rec)
{
	const char *text;
	uint64_t number;
	size_t n;

	fputs(fl_tracing_line(rec), stdout);
	if (fl_tracing_string(rec, 0, 0, &text, &n))
		printf("first: %.*s\n", (int)n, text);
	else if (fl_tracing_number(rec, 0, 0, &number))
		printf("first: %llu\n", (unsigned long long)number);
	return 0;
}

/* Starts what was added, and prints so many lines of it. */
static int run_tracing(struct fl_tracing *t, const char *lines)
{
	const struct fl_tracing_loop loop = { .lines = strtoull(lines, NULL, 10), .record = on_record };
	struct fl_tracing_totals totals;
	struct fl_diag diag = {};
	int r = fl_tracing_start(t, &diag);

	if (r == 0)
		r = fl_tracing_run(t, &loop);
	if (r < 0)
		return complain(&diag, r);
	for (size_t i = 0; fl_tracing_totals(t, i, &totals); i++)
		printf("records: %llu\n", (unsigned long long)totals.records);
	return 0;
}

static int trace(const char *lines, const char *text)
{
	struct fl_definition *def;
	struct fl_tracing *t;
	int r = check(text, &def);

	if (r)
		return r;
	r = fl_tracing_new(sys, NULL, &t);
	if (r < 0)
		return -r;
	r = fl_tracing_add(t, def);
	r = r < 0 ? -r : run_tracing(t, lines);
	fl_tracing_free(t);
	fl_definition_free(def);
	return r;
}

static int trace_all(const char *lines, const char *text)
{
	struct fl_diag diag = {};
	struct fl_argument arg;
	struct fl_tracing *t;
	int r = fl_tracing_new(sys, &(struct fl_tracing_opts){ .except = (uint32_t)getpid() }, &t);

	if (r < 0)
		return -r;
	r = fl_tracing_define(t, NULL, text, &diag);
	for (size_t i = 0; r == 0 && i < fl_tracing_nr_events(t); i++)
		for (size_t k = 0; fl_tracing_argument(t, i, k, &arg); k++)
			printf("event %zu: %s is %s\n", i, arg.name, arg.type);
	r = r < 0 ? complain(&diag, r) : run_tracing(t, lines);
	fl_tracing_free(t);
	return r;
}

static int on_line(void *ctx, const char *line, size_t n)
{
	return fwrite(line, 1, n, stdout) == n ? 0 : -1;
}

static void on_finding(void *ctx, const struct fl_diag *diag)
{
	fprintf(stderr, "%s\n", diag->message ? diag->message : diag->kind->message);
}

static int report(const char *path)
{
	return -fl_recording_each(path, &(struct fl_recording_loop){ .line = on_line, .finding = on_finding });
}

static int run(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return show(argv[2]);
	if (argc == 4 && strcmp(argv[1], "lower") == 0)
		return lower(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "trace") == 0)
		return trace(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "all") == 0)
		return trace_all(argv[2], argv[3]);
	return argc == 3 ? report(argv[2]) : 2;
}

int main(int argc, char **argv)
{
	int r = fl_system_open(NULL, &sys);

	if (r == 0)
		r = run(argc, argv);
	fl_system_close(sys);
	return r ? 1 : 0;
}
