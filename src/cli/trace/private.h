/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of "foreland trace" share. */
#ifndef CLI_TRACE_PRIVATE_H
#define CLI_TRACE_PRIVATE_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/file.h"
#include "base/opt.h"
#include "cli/bundle.h"
#include "cli/push.h"
#include "probe/lib/engine.h"
#include "probe/live/clock.h"
#include "probe/live/flight.h"
#include "probe/live/until.h"
#include "probe/tracedat/tracedat.h"
#include "probe/usernames/usernames.h"

struct trace_opts {
	uint64_t lines;
	uint64_t duration;
	bool json;
	const char *output;
	const char *file;
	uint64_t pid;
	const char *comm;
	struct fl_strv hist;
	const char *cgroup, *container, *budget, *with;
	bool follow, children, self;
	uint64_t interval, top, sample, over;
	const char *slice;
	bool list_tools;
	const char *vm; /* NULL: here; "": in the guest with its default kernel; or the kernel */
	bool explain, exact, strict, stack, ustack, pretty, bytes, compress, force, reopen;
	const char *clock;
	const char *dialect;
	const char *via;
	uint64_t flight; /* bytes a CPU; 0: records are written as they come */
	const char *until, *rotate;
	const char *listen, *prometheus, *bundle;
	struct push_opts push;
};

extern const struct fl_opt trace_options[];

struct fl_listen;
struct fl_meter;

struct trace_job {
	const struct trace_opts *o;
	struct fl_system *sys;
	struct fl_tracing *tracing;
	struct fl_tracing_events events; /* @tracing's, as far as they are defined */
	struct fl_target *target;	 /* borrowed of the two, as are: */
	struct fl_session *session;
	struct fl_symbols *symbols;
	struct fl_file file; /* --file, where it is no tool of the shelf */
	struct fl_str definitions; /* what it says */
	struct fl_arena words; /* of the options in it */
	bool has_hists; /* of --hist, or of lines in a file */
	struct fl_usernames *usernames;
	struct fl_tracedat *dat; /* NULL: lines are written */
	char *part;		 /* the recording's name while it grows */
	uint64_t flushed;	 /* when its journal was last committed */
	const char *name;	 /* of the file that is written: -o's, or a piece's */
	char *piece;
	uint64_t pieces;	 /* files with a number */
	uint64_t rotate_size, rotate_keep; /* 0: there is one file */
	struct fl_flight *flight;
	uint64_t snapshots; /* of histograms, for which it was dumped */
	struct fl_until *until;
	struct cli_bundle bundle; /* of --bundle */
	struct fl_listen *listen; /* NULL: nobody asks */
	struct push_job push;	  /* of --otlp */
	uint64_t told;		  /* when --prometheus' file was last written */
	struct fl_meter *meter;	  /* of any of them; NULL: nobody wants to know */
	struct fl_clock clock; /* of the times shown */
	struct fl_buf copy;	/* of a record, whose time is another */
	struct fl_buf out;
	int fd;
	uint64_t lines;
	struct rlimit files; /* as it was found; rlim_max 0: not raised */
	pid_t child;
	int child_status; /* of waitpid(); -1: it still runs */
	int cgroup;	  /* -1: none is asked for */
	uint64_t looked;  /* when histograms were last printed, or counting began */
	struct fl_hist_table *before; /* what each had then */
	int pidfd;        /* of -p's process; -1: there is none, or it is a thread */
};

/* Becomes the same trace in the guest; returns an exit status only on failure. */
int trace_in_guest(const struct trace_opts *o, const struct fl_args *args);

/* Whose events are wanted: usage errors, as their exit status; then what tracing needs, 0 or -errno. */
int trace_check_task_options(const struct trace_opts *o, const struct fl_args *args);
int trace_task_filter(struct trace_job *s, bool command, struct fl_tracing_opts *opts);

/* The arguments that --with stands for, a blank in front of each: usage errors, as their exit status, or 0. */
int trace_with(const char *list, struct fl_buf *ret);
/* @def, with these where there is a list of them. */
void trace_add_with(const char *list, struct fl_str def, struct fl_buf *out);

/* Prints what has been counted, with --interval since the last time; the second where it is time to. */
int trace_print_hists(struct trace_job *s);
int trace_at_interval(struct trace_job *s);
void trace_end_hists(struct trace_job *s);

/* share/foreland/tools, as scripts/embed-tools has put it into the program; ended by one without a name. */
struct trace_tool {
	const char *name, *text;
};
extern const struct trace_tool trace_tools[];

/* --file (shelf.c): its text, as @s->definitions, and its options, in @o. 0 or -errno, when it has been said. */
int trace_read_file(struct trace_job *s, struct trace_opts *o);
/* --bundle: the same, and the types that it has. */
int trace_read_bundle(struct trace_job *s, struct trace_opts *o);
/* No file of that name is here: it is a tool's. */
bool trace_is_tool(const char *file);
/* A line of it is an option, which was taken before. */
bool trace_is_option(struct fl_str line);
/* A line for each tool. */
int trace_list_tools(struct fl_buf *out);

/* Each adds what the command line names to the job and prints a diagnostic. 0 or -errno. */
int trace_add_definitions(struct trace_job *s, const struct fl_args *args);
int trace_add_hists(struct trace_job *s);
int trace_add_slice(struct trace_job *s);
/* What is wrong whatever the kernel: said before a guest boots for it. */
int trace_check_early(const struct trace_opts *o, const struct fl_args *args);
/* A definition is of a synthetic event, whose lines come while the trace runs. */
bool trace_makes_events(const struct fl_args *args);

/* By BPF programs, or through the kernel's own tracer: set up, run, sum up. Return the exit status. */
int trace_live(struct trace_job *s, const struct fl_args *args);
int trace_via_tracefs(struct trace_job *s, const struct fl_args *args);

/*
 * The limit of open files as high as it goes: a probe takes three to five descriptors, and the usual 1,024
 * are there for programs that call select(). The command gets the old one.
 */
void trace_raise_files(struct trace_job *s);

/*
 * The command behind "--": starts it, ends it, and says what the exit status of all is, when foreland's
 * own part went well or not. What cannot be started is said, and its status kept: -ECANCELED.
 */
int trace_command_start(struct trace_job *s, char **command);
void trace_command_end(struct trace_job *s);
int trace_command_result(const struct trace_job *s, bool failed);
/* -p's process: an error where there is none. */
int trace_watch_pid(struct trace_job *s);
/* Whether the command, or -p's process, has ended. */
bool trace_is_over(struct trace_job *s);

/* -o FILE.dat or FILE.pftrace */
static inline bool trace_is_recording(const struct trace_opts *o)
{
	return o->output && (fl_str_ends(fl_str(o->output), ".dat") || fl_str_ends(fl_str(o->output), ".pftrace"));
}

/* --clock: opens it, or says why not. 0 or -ECANCELED. Afterwards, that it was set meanwhile is said. */
int trace_open_clock(struct trace_job *s);
void trace_close_clock(struct trace_job *s);

/* What is to be added to a record's time. A recording of wall-clock time has it in its head instead. */
int64_t trace_time_shift(const struct trace_job *s);

/* What a recording says of its times. */
struct fl_dat_clock trace_recorded_clock(const struct trace_job *s);


/** trace_open_file() - -o's file, as @s->fd. Return: 0 or -ECANCELED, when it has been said. */
int trace_open_file(struct trace_job *s);

/*
 * A recording grows under -o's name plus ".part", as @s->fd, and stays there where this process is
 * killed. Return: 0 or -ECANCELED.
 */
int trace_open_recording(struct trace_job *s);

/* Turns it into what -o names, and takes ".part" away. Return: 0 or -ECANCELED. */
int trace_finish_recording(struct trace_job *s, struct fl_str summary);

/* The recording @s->name: opened for what comes, and finished with the counts up to now. 0 or -errno. */
int trace_begin_recording(struct trace_job *s);
int trace_end_recording(struct trace_job *s);

/* A record goes where records are written. 0 or -errno. */
int trace_put_record(struct trace_job *s, uint32_t cpu, const struct fl_record *rec, size_t size);

/* Warns of events that wait for a module, with what may have been meant, and of probes that harm a program. */
void trace_say_awaited(const struct trace_job *s);

/* What became of each event, a line or an object of the summary each; whether something was lost or missed. */
bool trace_sum_up(struct trace_job *s, struct fl_buf *out);
void trace_sum_up_json(struct trace_job *s);

/*
 * --flight, --until and --rotate (keep.c). Whether they can be had together, in words on standard error: 0 or
 * an exit status. Then what they need of a started session, and the end.
 */
int trace_check_keep(struct trace_job *s);
int trace_start_keep(struct trace_job *s);
void trace_end_keep(struct trace_job *s);

/* The first recording, and the next one where this one is as large as --rotate says. 0 or -errno. */
int trace_begin_files(struct trace_job *s);
int trace_rotate(struct trace_job *s);

/* Writes what --flight has kept; and again, where SIGUSR1 asked for it, to another file. 0 or -errno. */
int trace_dump(struct trace_job *s);
int trace_dump_asked_for(struct trace_job *s);

/*
 * --listen and --otlp. 0 or an exit status; 0 or -errno: started; a record was handed out; what waits is sent, and
 * whoever waits for an answer gets it; what is left is sent, when all is over; the end.
 */
int trace_check_listen(struct trace_job *s);
int trace_start_listen(struct trace_job *s);
int trace_tell_record(struct trace_job *s, const struct fl_record *rec, size_t size);
int trace_serve(struct trace_job *s);
int trace_tell_rest(struct trace_job *s);
void trace_end_listen(struct trace_job *s);

/* -o's file or standard output, as @s->fd; a recording's is opened by who writes it. */
int trace_open_output(struct trace_job *s);

/* --reopen: whether there is a file that can be opened anew, in words on standard error: 0 or an exit status. */
int trace_check_reopen(const struct trace_opts *o);

/* After a SIGHUP: -o's file is a new one, if the old one has another name by now. 0 or -errno. */
int trace_reopen_asked_for(struct trace_job *s);

/* Writes what has gathered. 0 or -errno. */
int trace_flush(struct trace_job *s);

#endif
