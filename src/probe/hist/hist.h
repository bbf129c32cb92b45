/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms in the kernel's own language (Documentation/trace/histogram.rst), as they are written to
 * events/SYSTEM/EVENT/trigger: one set of them, the events that they belong to, and what they say to each
 * other by variables and synthetic events.
 *
 *	hist:keys=KEY,...[:vals=VAL,...][:sort=FIELD[.descending],...][:size=N][:name=NAME][:clock=CLOCK]
 *	[:VARIABLE=EXPRESSION,...][:nohitcount][:pause|cont|clear][:HANDLER.ACTION]... [if FILTER]
 *
 * Pure: facts are asked of a target and of a list of events.
 */
#ifndef PROBE_HIST_HIST_H
#define PROBE_HIST_HIST_H

#include "probe/hist/value.h"
#include "probe/lang/command.h"
#include "probe/target/target.h"

#define FL_HIST_VARS	    16
#define FL_HIST_ACTIONS	    8
#define FL_HIST_PARAMS	    64
#define FL_HIST_KEYS_MAX    8 /* ours: the kernel takes 3 */
#define FL_HIST_SUMS_MAX    9 /* hitcount among them; the kernel: 3 */
#define FL_HIST_PLACES	    24 /* kept beside a table's sums: variables, or what actions have seen and saved */
#define FL_HIST_VALUES_MAX  (FL_HIST_KEYS_MAX + FL_HIST_SUMS_MAX + FL_HIST_VARS)
#define FL_HIST_KEY_BYTES   (FL_HV_STRING + FL_HV_FRAMES * 8)
#define FL_HIST_BITS	    11 /* of the default size */

enum fl_hist_fault {
#define D(code, ...) FL_HIST_##code,
#include "probe/hist/errors.def"
	_FL_HIST_FAULT_MAX,
};

extern const struct fl_diag_kind fl_hist_faults[_FL_HIST_FAULT_MAX];

enum fl_hist_handler { FL_HIST_ONMATCH, FL_HIST_ONMAX, FL_HIST_ONCHANGE };
enum fl_hist_action_kind { FL_HIST_TRACE, FL_HIST_SAVE, FL_HIST_SNAPSHOT };

/* A field whose value an action takes: @var keeps it. */
struct fl_hist_field_var {
	struct fl_hist_value *var, *val;
};

/**
 * struct fl_hist_action - HANDLER.ACTION
 * @name: as it was written: "trace", "save", the name of a synthetic event
 * @param: as they were written, without the synthetic event's name of trace()
 * @keyword: trace(SYNTH, ...) and not the short form
 * @synth_name, @synth: the event that is made
 * @system, @event: of onmatch()
 * @variable: of onmax() and onchange(), with its "$"
 * @ref: a reference for each parameter of trace, into the trigger's
 * @tracked: the reference to @variable
 * @best: the variable that keeps what was seen last
 */
struct fl_hist_action {
	enum fl_hist_handler handler;
	enum fl_hist_action_kind kind;
	const char *name;
	const char *param[FL_HIST_PARAMS];
	size_t nr_params;
	bool keyword;
	const char *synth_name;
	const struct fl_probe_event *synth;
	const char *system, *event;
	const char *variable;
	struct fl_hist_value *ref[FL_HIST_PARAMS];
	struct fl_hist_value *tracked, *best;
};

struct fl_trigger_event;

/* A histogram that was made beside another one, for a field of another event. */
struct fl_hist_helper {
	struct fl_trigger_event *event;
	const char *spec;
};

/* What of the spec is words and numbers. */
struct fl_hist_attrs {
	char *keys, *vals, *sort, *name, *clock;
	char *assignment[FL_HIST_VARS];
	size_t nr_assignments;
	char *action[FL_HIST_ACTIONS];
	size_t nr_actions;
	char *variable[FL_HIST_VARS], *expr[FL_HIST_VARS]; /* expr: cut while it is read */
	bool is_worked_out[FL_HIST_VARS]; /* expr has an operator */
	size_t nr_variables;
	bool pause, cont, clear, nohitcount, usecs;
	unsigned int bits;
	uint32_t entries; /* ours: a size that the kernel would not take, or would round up; 0: by bits */
};

struct fl_hist_sort_key {
	unsigned int value; /* counted without variables; 0: hitcount */
	bool descending;
};

/**
 * struct fl_trigger - one histogram of one event
 * @spec: without the filter, as it was written
 * @value: hitcount, sums and variables (@nr_vals), then keys; @nr_values all of them
 * @ref: references to variables, each variable once
 * @shared: the histogram of the same name= whose table this one counts in; NULL: its own
 * @nr_slots: variables of all kinds, field variables and those of onmax() among them
 * @users: histograms that count in this one's table; @is_orphan: and it was removed itself
 * @removing: made of a spec that says what is to be removed
 */
struct fl_trigger {
	struct fl_arena arena;
	struct fl_trigger_event *event;
	const char *spec, *filter;
	struct fl_hist_attrs attrs;
	struct fl_hist_value *value[FL_HIST_VALUES_MAX];
	size_t nr_vals, nr_vars, nr_keys, nr_values;
	struct fl_hist_sort_key sort[2];
	size_t nr_sort;
	uint32_t key_size;
	struct fl_hist_value *ref[FL_HIST_VARS];
	size_t nr_refs;
	struct fl_hist_action *action[FL_HIST_ACTIONS];
	size_t nr_actions;
	struct fl_hist_field_var field_var[FL_HIST_PARAMS], save_var[FL_HIST_PARAMS];
	size_t nr_field_vars, nr_save_vars;
	struct fl_hist_helper helper[FL_HIST_PARAMS];
	size_t nr_helpers;
	unsigned int nr_slots;
	bool has_time, paused, removing, is_orphan;
	struct fl_trigger *shared;
	unsigned int users;
	void *counted; /* of whoever counts: see free_counted() of struct fl_triggers */
};

/* An event that has histograms, in their order. */
struct fl_trigger_event {
	struct fl_trigger_event *next;
	struct fl_triggers *set;
	char *system, *event;
	const struct fl_probe_event *synth; /* NULL: it is none */
	struct fl_arena arena;
	struct fl_hist_event_fields fields;
	const struct fl_format *format;
	struct fl_trigger **trigger;
	size_t n, cap;
};

/*
 * Zero-initialise but for the first members. find() is asked for events that are no kernel's: a synthetic one
 * where @synth, any other one else; NULL: there is none.
 */
struct fl_triggers {
	struct fl_target *target; /* whose events' formats are asked for; NULL: there are no others */
	const struct fl_probe_event *(*find)(void *ctx, const char *system, const char *event, bool synth);
	void *ctx;
	/*
	 * What only our tracer takes: up to 8 keys and 8 values, and references to what the same histogram works
	 * out (of which the kernel takes what stands in front of the first operator).
	 */
	bool ours;
	bool is_6; /* rules of kernels before 7: no common_comm, and listings name a key common_cpu once, not twice */
	struct fl_trigger_event *events;
	struct fl_trigger **with_variables; /* those that have or use any, the newest last */
	size_t nr_with_variables, cap_with_variables;
	const struct fl_trigger *snapshot; /* whose action owns the one snapshot */
	void (*free_counted)(void *counted); /* NULL: nobody counts */
	void (*clear_counted)(struct fl_trigger *t); /* "clear" was written */
};

/* What writing a line logs; @arena owns it. Zero-initialise. */
#define FL_TRIGGER_LOG_MAX 8
struct fl_trigger_log {
	struct fl_arena arena;
	struct fl_log_entry entry[FL_TRIGGER_LOG_MAX]; /* the last ones, oldest first */
	size_t n;
};

void fl_trigger_log_fini(struct fl_trigger_log *log);
#define _cleanup_trigger_log_ __attribute__((cleanup(fl_trigger_log_fini)))

/**
 * fl_triggers_write() - what writing to events/SYSTEM/EVENT/trigger does
 * @text: "hist:..." or "!hist:..."
 * @log: what is wrong with it, as error_log would show it
 * @ret: the histogram that was made or continued; NULL where none was. May be NULL.
 *
 * Return: 0 or the negative errno of write(2); -ENODEV: there is no such event.
 */
int fl_triggers_write(struct fl_triggers *t, struct fl_str system, struct fl_str event, struct fl_str text,
		      struct fl_trigger_log *log, struct fl_trigger **ret);

/* What opening that file with O_TRUNC does: removes all, if nobody uses their variables. */
void fl_triggers_clear(struct fl_triggers *t, struct fl_str system, struct fl_str event);

/* The event's histograms; NULL: it never had any. It stays as long as the set. */
struct fl_trigger_event *fl_triggers_event(const struct fl_triggers *t, struct fl_str system, struct fl_str event);

/* A line each: what reading that file shows. */
void fl_triggers_show(const struct fl_triggers *t, struct fl_str system, struct fl_str event, struct fl_buf *out);

/* One line, with its newline. */
void fl_trigger_print(const struct fl_trigger *t, struct fl_buf *out);

/* Another histogram refers to one of its variables. */
bool fl_trigger_is_referred_to(const struct fl_trigger *t);

/* An event's histogram uses @e, or belongs to it. */
bool fl_triggers_hold(const struct fl_triggers *t, const struct fl_probe_event *e);

void fl_triggers_fini(struct fl_triggers *t);

#endif
