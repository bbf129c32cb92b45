/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed probe events for other programs: check a definition as Linux 7.3 does, say it in an older
 * kernel's text, trace it on the running kernel, and read recordings.
 *
 *	struct fl_system *sys;
 *	struct fl_definition *def;
 *	struct fl_tracing *t;
 *
 *	fl_system_open(NULL, &sys);
 *	fl_definition_check(sys, NULL, "t:demo/switch sched_switch to=next->comm:string", &def, NULL);
 *	fl_tracing_new(sys, NULL, &t);
 *	fl_tracing_add(t, def);
 *	fl_tracing_start(t, NULL);
 *	fl_tracing_run(t, &(struct fl_tracing_loop){ .record = print_record, .lines = 10 });
 *
 * The language, the messages and the carets are the kernel's (Documentation/trace/kprobetrace.rst,
 * fprobetrace.rst, eprobetrace.rst and uprobetracer.rst of 7.3).
 *
 * Threads: objects may be used by one thread at a time; what belongs to different systems is
 * independent. Callbacks are called by the thread that is inside fl_tracing_run() or
 * fl_recording_each(), and may not free what they are called for. No thread is made, no signal handler
 * installed, nothing printed.
 *
 * Every function that returns int returns 0 or a negative errno unless said otherwise. Texts that are
 * handed out end with NUL, belong to the object they came from and are good as long as it is.
 *
 * Linked with -lforeland-probe (pkg-config libforeland-probe).
 */
#ifndef FORELAND_PROBE_H
#define FORELAND_PROBE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <foreland/diag.h>

#pragma GCC visibility push(default)

/* ---- what is traced, or asked about ---- */

struct fl_system;

/**
 * struct fl_system_files - another machine's facts, in place of the running kernel's
 * @btf: vmlinux's BTF, raw or in an ELF file; NULL: none
 * @kallsyms: as /proc/kallsyms prints it; NULL: none
 * @events: a folder of SYSTEM/EVENT/format; NULL: none
 */
struct fl_system_files {
	const char *btf, *kallsyms, *events;
};

/**
 * fl_system_open() - the running kernel, or what files say of another
 * @files: borrowed during the call; NULL: the running kernel. Files are opened when they are needed.
 * @ret: freed with fl_system_close(), after all that was made of it
 *
 * Return: 0, -ENOMEM.
 */
int fl_system_open(const struct fl_system_files *files, struct fl_system **ret);
void fl_system_close(struct fl_system *sys); /* NULL is allowed */

/* ---- definitions ---- */

struct fl_definition;

/**
 * fl_definition_check() - what writing a line into dynamic_events would say
 * @sys: whose types and symbols are meant
 * @dialect: "7.3" (and NULL), "v6", "6.12" or "kernel", the rules of the kernel that @sys is
 * @text: one definition, ended by NUL
 * @ret: freed with fl_definition_free()
 * @diag: the kernel's message with its column, to be released with fl_diag_fini(); it refers to @text.
 *	May be NULL.
 *
 * Return: 0; the errno of the kernel's write(2), negative (-EINVAL, -ENOENT, -EOPNOTSUPP, ...);
 * -ESRCH: there is no such dialect; -ENODATA: neither a README nor BTF shows that kernel's rules; -ENOMEM.
 */
int fl_definition_check(struct fl_system *sys, const char *dialect, const char *text,
			struct fl_definition **ret, struct fl_diag *diag);
void fl_definition_free(struct fl_definition *def); /* NULL is allowed */

/** fl_definition_listing() - the line that the kernel would list. NULL: no memory. */
const char *fl_definition_listing(struct fl_definition *def);

/** fl_definition_dump() - each argument's fetch program, a line each. NULL: no memory. */
const char *fl_definition_dump(struct fl_definition *def);

/**
 * fl_definition_lower() - the same event in an older kernel's text
 * @level: "6.12", "6.1", ... as "foreland probe lower --level"
 * @ret: the text, the definition's; the next call replaces it
 * @diag: why it cannot be said there; may be NULL
 *
 * Return: 0; -EOPNOTSUPP with @diag; -ESRCH: there is no such level; -ENOMEM.
 */
int fl_definition_lower(struct fl_definition *def, const char *level, const char **ret,
			struct fl_diag *diag);

/**
 * struct fl_argument - one argument of an event
 * @name: its name, given or made
 * @type: "u32", "string", ... as definitions have it
 * @count: elements of an array; 0: it is none
 */
struct fl_argument {
	const char *name, *type;
	uint32_t count;
	bool is_signed, is_string;
};

size_t fl_definition_nr_arguments(const struct fl_definition *def);
/** fl_definition_argument() - argument @i. Return: false behind the last. */
bool fl_definition_argument(struct fl_definition *def, size_t i, struct fl_argument *ret);

/* ---- tracing ---- */

struct fl_tracing;

/**
 * struct fl_tracing_opts - what is traced of all that fires
 * @pid: of this process or thread alone; 0: of all
 * @comm: of threads of this name alone; NULL: of all
 * @follow: the children of @pid, too: those that it has, and each from its first moment
 * @children: beside @pid, what this process forks from now on, and what that forks
 * @except: nothing of this process; 0: of all
 * @cgroup_fd: only tasks of this folder of cgroup2 and beneath it; 0: of all. Borrowed until the end.
 * @task_budget: events a second of each task over all events, which the others are counted above; 0: any number
 * @boot_clock: CLOCK_BOOTTIME instead of CLOCK_MONOTONIC
 * @exact_faults: every read of memory tells whether it failed; slower
 * @kernel_stack, @user_stack: taken with each record, and part of its line
 * @pretty: lines show values by their type
 * @bytes: lines show names and strings as they are, control bytes too
 * @force: probe user code within an instruction, too
 * @waits: for tracepoints that nobody has now, and that a module may bring; else they are refused
 * @ring_bytes: a CPU, a power of two; 0: 512 KiB
 */
struct fl_tracing_opts {
	uint32_t pid;
	const char *comm;
	bool follow, children;
	uint32_t except;
	int cgroup_fd;
	uint32_t task_budget;
	bool boot_clock, exact_faults, kernel_stack, user_stack, pretty, bytes, force, waits;
	size_t ring_bytes;
};

/**
 * fl_tracing_new() - nothing is attached yet
 * @sys: the running kernel's, else -EOPNOTSUPP
 * @opts: borrowed during the call, @comm for longer: until the end; NULL: everything
 */
int fl_tracing_new(struct fl_system *sys, const struct fl_tracing_opts *opts, struct fl_tracing **ret);
/* Takes everything out of the kernel that is still there. NULL is allowed. */
void fl_tracing_free(struct fl_tracing *t);

/** fl_tracing_add() - one more event, before starting. @def is borrowed until the end. */
int fl_tracing_add(struct fl_tracing *t, struct fl_definition *def);

/**
 * fl_tracing_define() - all events that a definition of "foreland trace" means, before starting
 * @dialect: as fl_definition_check(); NULL: 7.3's rules or v6's, whichever takes it
 * @text: beside what the kernel takes: a filter of any kind of event ("t:x/y kfree if ptr != 0"), globs for
 *	tracepoints and events, the type "path"
 * @diag: what the first rules said; it refers to a copy that @t keeps. May be NULL.
 *
 * Return: as fl_definition_check(); -ENOENT with @diag where a glob matches nothing.
 */
int fl_tracing_define(struct fl_tracing *t, const char *dialect, const char *text, struct fl_diag *diag);

/** fl_tracing_sample() - an event sample/cpu, @hz times a second on each CPU, before starting */
int fl_tracing_sample(struct fl_tracing *t, uint32_t hz);

/** fl_tracing_nr_events() - how many there are: events have numbers in the order in which they came. */
size_t fl_tracing_nr_events(const struct fl_tracing *t);
/** fl_tracing_argument() - argument @i of an event; its texts are good as long as @t. Return: false behind the last. */
bool fl_tracing_argument(struct fl_tracing *t, size_t event, size_t i, struct fl_argument *ret);

/**
 * fl_tracing_start() - load and attach all, or nothing
 * @diag: which definition could not be, and what helps; may be NULL
 *
 * Return: 0; -EPERM, -EACCES: this process may not; -ENOENT: what is to be probed is not there;
 * -EOPNOTSUPP: no hook of this kernel takes it; what else the kernel said.
 */
int fl_tracing_start(struct fl_tracing *t, struct fl_diag *diag);

/**
 * struct fl_tracing_record - one firing; good during the callback
 * @time_ns: by the clock that was chosen
 * @event: its number
 * @pid: the thread's
 */
struct fl_tracing_record {
	uint64_t time_ns;
	uint32_t cpu, pid;
	size_t event;
	const char *comm;
};

/*
 * An argument of the record that the callback was given: element @i of an array, 0 of others.
 * false: it is of the other kind, or its memory could not be read.
 */
bool fl_tracing_number(const struct fl_tracing_record *rec, size_t arg, size_t i, uint64_t *ret);
/* @ret is not ended by NUL, and may contain any byte. */
bool fl_tracing_string(const struct fl_tracing_record *rec, size_t arg, size_t i, const char **ret,
		       size_t *ret_len);
/* The whole as ftrace's own line, or as a JSON object; with the newline. NULL: no memory. */
const char *fl_tracing_line(const struct fl_tracing_record *rec);
const char *fl_tracing_json(const struct fl_tracing_record *rec);

/**
 * struct fl_tracing_loop - when to end, and who gets the records
 * @lines: end after so many; 0: no limit
 * @duration_ns: end after this time; 0: no limit
 * @stop: end when this is set, by a signal handler for example; NULL: never
 * @record: in order of time over all CPUs; a negative errno ends the run and is returned, 1 ends it
 * @idle: each time when all that there was has been handed out; the same results. May be NULL.
 */
struct fl_tracing_loop {
	uint64_t lines, duration_ns;
	const volatile sig_atomic_t *stop;
	int (*record)(void *ctx, const struct fl_tracing_record *rec);
	int (*idle)(void *ctx);
	void *ctx;
};

/**
 * fl_tracing_begin() - what is counted begins now, not with the first hook
 *
 * For who has something to do between starting and running, while the rings may run full.
 */
void fl_tracing_begin(struct fl_tracing *t);

/** fl_tracing_run() - trace until the end that @loop says; the hooks are taken away then */
int fl_tracing_run(struct fl_tracing *t, const struct fl_tracing_loop *loop);

/**
 * struct fl_tracing_totals - what became of the firings of one event
 *
 * hits = records + filtered + lost + unpaired + over_budget, after the run.
 */
struct fl_tracing_totals {
	uint64_t hits, records, filtered;
	uint64_t lost;	   /* there was no room in the ring */
	uint64_t unpaired; /* returns whose entry was not seen */
	uint64_t missed;   /* the kernel did not run the program */
	uint64_t faults;   /* arguments whose memory could not be read */
	uint64_t over_budget; /* more than the task might have */
	uint64_t no_stack;    /* records without the stack that was wanted */
	/* Missed where many events share one hook, told with the first of them: whose they were nobody knows. */
	uint64_t missed_together;
};

/** fl_tracing_totals() - of event @i. Return: false behind the last. */
bool fl_tracing_totals(struct fl_tracing *t, size_t i, struct fl_tracing_totals *ret);

/* ---- recordings ---- */

/**
 * struct fl_recording_loop - who gets what a recording holds
 * @json: JSON objects instead of ftrace's lines
 * @line: each record, in order of time, with its newline; a negative errno ends it, 1 ends it well
 * @finding: what is wrong with the file, or was left out of it; may be NULL
 */
struct fl_recording_loop {
	bool json;
	int (*line)(void *ctx, const char *line, size_t len);
	void (*finding)(void *ctx, const struct fl_diag *diag);
	void *ctx;
};

/**
 * fl_recording_each() - every record of a file in trace-cmd's format, version 6 or 7
 *
 * Return: 0; -EINVAL: it is no such file, told as a finding; what reading it gave; what a callback
 * returned.
 */
int fl_recording_each(const char *path, const struct fl_recording_loop *loop);

#pragma GCC visibility pop

#endif
