/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format-lines FORELAND [ROUNDS [EVENTS]]: how many lines of text a CPU makes in a second of its time,
 * from events with two arguments (a loop of getppid(), raw tracepoint sys_enter):
 *
 *	live	from our rings to text, as "foreland trace" does it: read, merged, formatted, written
 *	report	from a recording of such events to text, by "foreland report FILE"
 *	theirs	from the same recording, by "trace-cmd report FILE"
 *
 * They take turns. All output goes to /dev/null. Of the two programs all their CPU time counts, start
 * and system calls included, which is why there are many events; of ours live, the CPU time of the
 * thread that reads. Prints medians, and medians of the ratio in each turn. Needs root. No verdict.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "measure.h"
#include "probe/live/session.h"
#include "probe/lang/check.h"
#include "probe/output/text.h"
#include "probe/export/file.h"
#include "probe/tracedat/tracedat.h"

#define MAX_ROUNDS 101
#define BATCH	   4000 /* calls between two looks into the ring, which has room for twice as many */

struct session {
	struct fl_target *target;
	struct fl_probe_event *event;
	struct fl_session *trace;
	struct fl_symbols *symbols;
	struct fl_text *text;
	struct fl_tracedat *dat;
	struct fl_buf out;
	int null;
};

static void die(const char *what)
{
	fprintf(stderr, "format-lines: %s\n", what);
	exit(1);
}

static double thread_seconds(void)
{
	return seconds(CLOCK_THREAD_CPUTIME_ID);
}

static void start(struct session *s)
{
	static const struct fl_target_opts running;
	struct fl_session_opts opts = { .pid = (uint32_t)getpid() };
	struct fl_str def = FL_STR("t sys_enter id pid=$current->pid");

	s->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fl_target_open(&running, &s->target) < 0 ||
	    fl_probe_check(s->target, FL_DIALECT_V6, FL_FILE_DYNAMIC_EVENTS, def, &s->event, NULL) < 0 ||
	    fl_session_new(s->target, &opts, &s->trace) < 0 ||
	    fl_session_add(s->trace, s->event, def, FL_STR("")) < 0 || fl_session_start(s->trace, NULL) < 0 ||
	    fl_symbols_new(s->target, &s->symbols) < 0 ||
	    fl_text_new(fl_session_schemas(s->trace), s->symbols, &s->text) < 0)
		die("raw tracepoints cannot be traced here");
}

static void stop(struct session *s)
{
	fl_buf_fini(&s->out);
	fl_text_free(s->text);
	fl_symbols_free(s->symbols);
	fl_session_free(s->trace);
	fl_probe_event_free(s->event);
	fl_target_close(s->target);
	close(s->null);
}

static int record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct session *s = ctx;

	return fl_tracedat_record(s->dat, cpu, rec, size);
}

static int format(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct session *s = ctx;

	fl_text_record(s->text, cpu, rec, size, &s->out);
	if (s->out.len < 1u << 16)
		return 0;
	fl_buf_write_fd(&s->out, s->null);
	fl_buf_reset(&s->out);
	return 0;
}

/* Events until @n were handed to @fn; the lines a second of that. */
static double read_events(struct session *s, int64_t n, fl_record_fn fn)
{
	double took = 0;
	int64_t done = 0;

	while (done < n) {
		double from;
		int64_t got;

		for (int i = 0; i < BATCH; i++)
			syscall(SYS_getppid);
		from = thread_seconds();
		got = fl_session_read(s->trace, fl_session_now(s->trace), fn, s);
		took += thread_seconds() - from;
		if (got <= 0)
			die("no events came");
		done += got;
	}
	return done / took;
}

static int64_t write_recording(struct session *s, const char *path, int64_t n)
{
	struct fl_dat_convert how = { 6, FL_PACKING_NONE };
	struct fl_findings findings;
	struct fl_totals totals;
	char part[4096];
	int fd, file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || file < 0 || fl_tracedat_new(fd, fl_session_schemas(s->trace), s->target,
					       (struct fl_dat_clock){ .name = FL_STR("mono") }, s->symbols,
				      &s->dat) < 0)
		die("no recording could be made");
	read_events(s, 1, format); /* what came before it */
	fl_session_totals(s->trace, 0, &totals);
	n -= (int64_t)totals.records;
	read_events(s, n, record);
	n = -(int64_t)totals.records;
	fl_session_totals(s->trace, 0, &totals);
	if (fl_tracedat_finish(s->dat, FL_STR("")) < 0 || fl_export_file(part, NULL, how, file, &findings) < 0)
		die("no recording could be made");
	fl_findings_fini(&findings);
	unlink(part);
	close(file);
	close(fd);
	fl_tracedat_free(s->dat);
	return n + (int64_t)totals.records;
}

/* Its CPU time in seconds; negative where it failed. */
static double run(char *const argv[], int null)
{
	struct rusage use;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &use) < 0 || status)
		return -1;
	return use.ru_utime.tv_sec + use.ru_stime.tv_sec +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	static double live[MAX_ROUNDS], ours[MAX_ROUNDS], theirs[MAX_ROUNDS], ratio[2][MAX_ROUNDS];
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 7;
	int64_t events = argc > 3 ? strtol(argv[3], NULL, 0) : 500000;
	char path[] = "/tmp/format-lines-XXXXXX";
	struct session s = {};
	int fd;

	if (argc < 2 || !rounds || rounds > MAX_ROUNDS || events < BATCH) {
		fputs("usage: format-lines FORELAND [ROUNDS [EVENTS]]\n", stderr);
		return 2;
	}
	fd = mkstemp(path);
	if (fd < 0)
		die("no room in /tmp");
	close(fd);
	start(&s);
	events = write_recording(&s, path, events);
	for (size_t i = 0; i < rounds; i++) {
		char *report[] = { argv[1], "report", path, NULL };
		char *trace_cmd[] = { "trace-cmd", "report", path, NULL };

		live[i] = read_events(&s, events, format);
		ours[i] = events / run(report, s.null);
		theirs[i] = events / run(trace_cmd, s.null);
		ratio[0][i] = live[i] / theirs[i];
		ratio[1][i] = ours[i] / theirs[i];
		if (ours[i] < 0 || theirs[i] < 0) {
			unlink(path);
			die("a report failed, or there is no trace-cmd");
		}
	}
	unlink(path);
	stop(&s);
	printf("foreland, live      %8.2f million lines a second\n", median(live, rounds) / 1e6);
	printf("foreland report     %8.2f\n", median(ours, rounds) / 1e6);
	printf("trace-cmd report    %8.2f\n", median(theirs, rounds) / 1e6);
	printf("live / trace-cmd    %8.1f (goal 40)\n", median(ratio[0], rounds));
	printf("report / trace-cmd  %8.1f\n", median(ratio[1], rounds));
	return 0;
}
