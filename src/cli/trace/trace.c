/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace: definitions in, lines out. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmds.h"
#include "cli/listen.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/trace/private.h"
#include "probe/target/user.h"

const struct fl_opt trace_options[] = {
	FL_OPT_U64_IN(struct trace_opts, lines, 'n', "lines", "N", 1, INT64_MAX,
		      "end after N lines, over all probes"),
	FL_OPT_DURATION_SOME(struct trace_opts, duration, 't', "time", "SECONDS", "end after this time"),
	FL_OPT_FLAG(struct trace_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_STR(struct trace_opts, output, 'o', "output", "FILE",
		   "write there instead of standard output; FILE.dat: in trace-cmd's format"),
	FL_OPT_STR(struct trace_opts, file, 0, "file", "DEFS",
		   "read definitions, one a line, from the file DEFS, or of the tool DEFS"),
	FL_OPT_FLAG(struct trace_opts, list_tools, 0, "list-tools", "print the tools that --file knows"),
	FL_OPT_PID(struct trace_opts, pid, 'p', "pid",
		   "only this process, or this thread; the trace ends with it"),
	FL_OPT_STR(struct trace_opts, comm, 0, "comm", "NAME", "only threads of this name"),
	FL_OPT_FLAG(struct trace_opts, follow, 0, "follow",
		    "the children of -p, or of COMMAND, too: those that there are, and each from its start"),
	FL_OPT_FLAG(struct trace_opts, children, 0, "children", "only COMMAND, and what it starts"),
	FL_OPT_STR(struct trace_opts, cgroup, 0, "cgroup", "PATH",
		   "only tasks in this control group (cgroup2), and beneath it"),
	FL_OPT_STR(struct trace_opts, container, 0, "container", "ID",
		   "only tasks of this container: of the control group that is named after it"),
	FL_OPT_FLAG(struct trace_opts, self, 0, "self", "foreland's own events, too"),
	FL_OPT_STR(struct trace_opts, budget, 0, "task-budget", "N/s",
		   "at most N events a second of each task; those above it are counted"),
	FL_OPT_LIST(struct trace_opts, hist, 0, "hist", "SPEC",
		    "count instead of printing, as the kernel's hist triggers: keys=..[:vals=..][:sort=..].."),
	FL_OPT_STR(struct trace_opts, slice, 0, "slice", "START,END,KEY[,save=FIELD,...]",
		   "print, instead of these two events, a line for each pair of the same KEY: its time, its fields"),
	FL_OPT_DURATION_SOME(struct trace_opts, over, 0, "over", "TIME", "with --slice: only pairs of at least TIME"),
	FL_OPT_DURATION_SOME(struct trace_opts, interval, 0, "interval", "TIME",
			     "with --hist: print and begin again each TIME"),
	FL_OPT_U64_IN(struct trace_opts, top, 0, "top", "N", 1, INT64_MAX,
		      "with --hist: the N entries with the most hits, or the first N of another sort="),
	FL_OPT_U64_IN(struct trace_opts, sample, 0, "sample", "HZ", 1, 10000,
		      "an event sample/cpu, HZ times a second on each CPU: where it is"),
	FL_OPT_FLAG(struct trace_opts, pretty, 0, "pretty",
		    "show values by their type: enum and errno names, structs, what pointers point to"),
	FL_OPT_STR(struct trace_opts, with, 0, "with", "uid,cgroup,container",
		   "with each event: whose it is, by user, control group's id, container"),
	FL_OPT_FLAG(struct trace_opts, bytes, 0, "bytes",
		    "show names and strings as they are, control bytes too, not as \\xHH"),
	FL_OPT_FLAG(struct trace_opts, stack, 0, "stack", "take the kernel's stack with each event"),
	FL_OPT_FLAG(struct trace_opts, ustack, 0, "ustack", "take the process's stack with each event"),
	FL_OPT_STR_BARE(struct trace_opts, vm, "vm", "6.1|6.12|6.18|7.3|FILE",
			"trace in a guest, where no privilege is needed, with Debian's kernel of a series (6.12), or "
			"with the image FILE"),
	FL_OPT_FLAG(struct trace_opts, explain, 0, "explain", "say which hook was taken, and why"),
	FL_OPT_FLAG(struct trace_opts, exact, 0, "exact-faults",
		    "let every read of memory tell whether it failed; slower"),
	FL_OPT_FLAG(struct trace_opts, compress, 0, "compress", 
		    "with -o FILE.dat: version 7 of the format, packed by zstd"),
	FL_OPT_FLAG(struct trace_opts, strict, 0, "strict", "lost or missed events make the exit status 1"),
	FL_OPT_FLAG(struct trace_opts, force, 0, "force", "probe user code within an instruction, too"),
	FL_OPT_STR(struct trace_opts, via, 0, "via", "bpf|tracefs",
		   "tracefs: through the kernel's own tracer, where BPF may not be used"),
	FL_OPT_STR(struct trace_opts, clock, 0, "clock", "mono|boot|local|tai|wall",
		   "clock of the times shown; local: dmesg's, wall: seconds since 1970"),
	FL_OPT_SIZE(struct trace_opts, flight, 0, "flight", "SIZE",
		    "keep the newest SIZE of each CPU in memory, written at the end or on SIGUSR1"),
	FL_OPT_STR(struct trace_opts, until, 0, "until", "[EVENT:]FILTER",
		   "end with the first record that passes FILTER"),
	FL_OPT_STR(struct trace_opts, rotate, 0, "rotate", "SIZE,N",
		   "with -o FILE.dat: files of SIZE, FILE-1.dat and so on, of which the newest N are kept"),
	FL_OPT_FLAG(struct trace_opts, reopen, 0, "reopen",
		    "SIGHUP opens -o's file anew, for who rotates logs, instead of ending the trace"),
	FL_OPT_STR(struct trace_opts, bundle, 0, "bundle", "BUNDLE", CLI_BUNDLE_HELP),
	FL_OPT_STR(struct trace_opts, listen, 0, "listen", "ADDR:PORT", CLI_LISTEN_HELP),
	FL_OPT_STR(struct trace_opts, prometheus, 0, "prometheus", "FILE",
		   "write metrics for node_exporter's textfile collector to FILE each --interval (10s)"),
	FL_OPT_GROUP(struct trace_opts, push, fl_push_options),
	FL_OPT_STR(struct trace_opts, dialect, 0, "dialect", "7.3|v6|6.12|kernel|mainline",
		   "whose rules definitions follow; default: 7.3 or v6"),
	{}
};

static bool wants_bpf(const struct trace_job *s)
{
	const struct trace_opts *o = s->o;

	for (size_t i = 0; i < s->events.n; i++)
		if (s->events.v[i]->kind == FL_PROBE_SYNTH)
			return true;
	return s->has_hists || o->stack || o->ustack || o->pretty || o->exact;
}

static int open_tracing(struct trace_job *s, const struct fl_tracing_opts *opts)
{
	int r = fl_system_open(NULL, &s->sys);

	if (r < 0)
		return r;
	s->target = fl_system_target(s->sys);
	if (s->bundle.b && fl_cli_bundle_lend(&s->bundle, s->target) < 0)
		return -ECANCELED;
	fl_target_set_process(s->target, (uint32_t)s->o->pid);
	fl_target_use_code(s->target, &fl_user_code);
	r = fl_tracing_new(s->sys, opts, &s->tracing);
	if (r < 0)
		return r;
	s->session = fl_tracing_session(s->tracing);
	s->symbols = fl_tracing_symbols(s->tracing);
	return 0;
}

static int trace_session(struct trace_job *s, const struct fl_args *args)
{
	struct fl_tracing_opts opts = {
		.exact_faults = s->o->exact, .boot_clock = s->clock.id == FL_CLOCK_BOOT,
		.pretty = s->o->pretty, .bytes = s->o->bytes, .force = s->o->force, .waits = true,
		.kernel_stack = s->o->stack, .user_stack = s->o->ustack,
	};
	int r;

	if (trace_task_filter(s, args->command, &opts) < 0)
		return FL_EXIT_FINDINGS;
	r = open_tracing(s, &opts);
	if (r < 0) {
		if (r != -ECANCELED)
			fl_say_failed("the running kernel", r);
		return FL_EXIT_FINDINGS;
	}
	if (s->o->lines && s->o->hist.n && (s->o->slice || !trace_makes_events(args)))
		return fl_say_usage("-n counts lines, and --hist prints its lines at the end: give -t or a command");
	if (trace_open_output(s) < 0 || trace_add_definitions(s, args) < 0 ||
	    (s->o->slice ? trace_add_slice(s) : trace_add_hists(s)) < 0)
		return FL_EXIT_FINDINGS;
	if (!s->events.n)
		return fl_say_usage("there is nothing to trace: no definition was given");
	fl_stop_on_signals();
	if (s->o->reopen)
		fl_reopen_on_hup();
	if (trace_watch_pid(s) < 0)
		return FL_EXIT_FINDINGS;
	if (s->o->via && strcmp(s->o->via, "tracefs") == 0) {
		if (!wants_bpf(s))
			return trace_via_tracefs(s, args);
		return fl_say_usage("--hist, synthetic events, --stack, --ustack, --pretty and --exact-faults are done "
				    "by BPF programs, not by --via tracefs");
	}
	return trace_live(s, args);
}

static int list_tools(void)
{
	_cleanup_buf_ struct fl_buf out = {};
	int r = trace_list_tools(&out);

	if (r == 0)
		r = fl_buf_write_fd(&out, STDOUT_FILENO);
	if (r < 0)
		fl_say_failed("standard output", r);
	return r < 0 ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static void release(struct trace_job *s)
{
	fl_tracedat_free(s->dat);
	free(s->part);
	fl_tracing_free(s->tracing);
	fl_usernames_free(s->usernames);
	fl_system_close(s->sys);
	fl_cli_bundle_close(&s->bundle);
	fl_file_close(&s->file);
	fl_arena_fini(&s->words);
	fl_buf_fini(&s->copy);
	fl_buf_fini(&s->out);
	if (s->fd > STDERR_FILENO)
		close(s->fd);
	if (s->pidfd >= 0)
		close(s->pidfd);
	if (s->cgroup >= 0)
		close(s->cgroup);
}

static int run_job(struct trace_job *s, const struct fl_args *args)
{
	int r = trace_check_task_options(s->o, args);

	if (r == 0)
		r = trace_check_keep(s);
	if (r == 0)
		r = trace_check_reopen(s->o);
	if (r == 0)
		r = trace_check_listen(s);
	if (r) {
		trace_end_listen(s);
		return r;
	}
	if (s->o->vm)
		return trace_check_early(s->o, args) < 0 ? FL_EXIT_FINDINGS : trace_in_guest(s->o, args);
	r = trace_open_clock(s) < 0 ? FL_EXIT_FINDINGS : trace_session(s, args);
	trace_close_clock(s);
	trace_end_listen(s);
	trace_end_keep(s);
	trace_end_hists(s);
	return r;
}

static int trace_run(const void *v, const struct fl_args *args)
{
	struct trace_opts o = *(const struct trace_opts *)v; /* to which a file's are added */
	struct trace_job s = { .o = &o, .fd = -1, .child_status = -1, .pidfd = -1, .cgroup = -1,
			       .clock = FL_CLOCK_NONE };
	int r = FL_EXIT_FINDINGS;

	if (o.list_tools)
		return list_tools();
	if ((!o.bundle || trace_read_bundle(&s, &o) == 0) && (!o.file || o.bundle || trace_read_file(&s, &o) == 0))
		r = run_job(&s, args);
	release(&s);
	return r;
}

const struct fl_cmd fl_cmd_trace = {
	.name = "trace",
	.summary = "Trace typed probe events on the running kernel",
	.args = "DEF... [-- COMMAND]",
	.about = "DEF is a definition as the kernel's dynamic_events takes it, for example "
		 "'t:demo/switch sched_switch to=next->comm:string'. It is compiled to BPF, and a line "
		 "is printed each time it fires.\n\n"
		 "With -- COMMAND, COMMAND is started when everything is attached, the trace ends with it, "
		 "and its exit status is foreland's: 128+N where signal N ended it, 127 or 126 where it "
		 "cannot be found or executed. A COMMAND that still runs when the trace is over is ended.",
	.size = sizeof(struct trace_opts),
	.options = trace_options,
	.max_args = SIZE_MAX,
	.takes_command = true,
	.run = trace_run,
};
