/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of "foreland trace" share. */
#ifndef CLI_TRACE_TRACE_H
#define CLI_TRACE_TRACE_H

#include <signal.h>
#include <sys/types.h>

#include "base/file.h"
#include "base/opt.h"
#include "probe/live/session.h"
#include "probe/output/text.h"
#include "probe/tracedat/tracedat.h"
#include "probe/target/target.h"

struct trace_opts {
	uint64_t lines;
	uint64_t duration;
	bool json;
	const char *output;
	const char *file;
	uint64_t pid;
	const char *comm;
	struct fl_strv hist;
	bool vm, explain, exact, strict, stack, ustack, pretty;
	const char *clock;
	const char *dialect;
	const char *via;
	struct fl_target_opts target;
};

extern const struct fl_opt fl_trace_options[];

struct session {
	const struct trace_opts *o;
	struct fl_target *target;
	struct fl_file file; /* --file: definitions lie in it */
	struct fl_probe_event **events;
	size_t nr_events;
	struct fl_str *filters; /* "if ..." of each, where the kernel has none */
	struct fl_session *trace;
	struct fl_symbols *symbols;
	struct fl_text *text;
	struct fl_tracedat *dat; /* NULL: lines are written */
	struct fl_buf out;
	int fd;
	uint64_t lines;
	pid_t child;
	int child_status; /* of waitpid(); -1: it still runs */
};


/* Set by the first signal that asks for an end. */
extern volatile sig_atomic_t fl_trace_stop_asked;

/* Becomes the same trace in the guest; returns an exit status only on failure. */
int fl_trace_in_guest(const struct trace_opts *o, const struct fl_args *args);

/* Through the kernel's own tracer: sets up, runs, sums up. Returns the exit status. */
int fl_trace_via_tracefs(struct session *s, const struct fl_args *args);

/* The command behind "--": starts it, looks whether it has ended, ends it, judges its status. */
int fl_trace_command_start(struct session *s, char **command);
bool fl_trace_command_ended(struct session *s);
void fl_trace_command_end(struct session *s);
int fl_trace_command_result(const struct session *s);

/* -o FILE.dat */
bool fl_trace_is_recording(const struct trace_opts *o);
bool fl_trace_boot_clock(const struct trace_opts *o);

/** fl_trace_open_file() - -o's file, as @s->fd. Return: 0 or -ECANCELED, when it has been said. */
int fl_trace_open_file(struct session *s);

/* Writes what has gathered; prints a diagnostic. */
int fl_trace_flush(struct session *s);

#endif
