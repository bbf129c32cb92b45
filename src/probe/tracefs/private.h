/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the tracefs tree share. There is one struct tracefs, which has the definitions, and a struct
 * instance for each of the buffers: the top one, and one a folder of instances/. Every node beneath an
 * instance's folder has the instance's anchor as its owner, so that the instance stays as long as somebody holds
 * one of its files; once its folder is removed, these answer -ENODEV.
 */
#ifndef PROBE_TRACEFS_PRIVATE_H
#define PROBE_TRACEFS_PRIVATE_H

#include "base/map.h"
#include "base/arena.h"
#include "btf/ksyms.h"
#include "probe/count/count.h"
#include "probe/filter/filter.h"
#include "probe/hist/hist.h"
#include "probe/printfmt/printk.h"
#include "probe/tracefs/buffer.h"
#include "probe/tracefs/tracefs.h"
#include "probe/target/target.h"
#include "vfs/dir.h"

struct log_entry {
	char *text; /* everything behind the time stamp */
	uint64_t usec;
};

/* One of the files that list events; the others need nothing but the whole. */
struct event_file {
	struct tracefs *fs;
	enum fl_probe_file kind;
};

struct live_event;
struct instance;

/*
 * What the files of one directory beneath events/ point to. It is made once for a name and stays as long as the
 * instance, for the sake of files that somebody still holds open.
 */
struct place {
	struct place *next; /* in the order of their making */
	struct instance *in;
	char *system, *event; /* event NULL: the system's own directory */
	bool is_kernels, filled;
	unsigned int id;
	char *filter;	     /* NULL: none */
	char *refused;	     /* what the filter's file shows of one that was none; NULL: nothing */
	struct fl_node *dir; /* borrowed; NULL while it is not there */
	bool wanted;	     /* its records make lines */
	/* triggers.c: those beside histograms, the newest first; those of others that switch this one */
	struct command *commands;
	unsigned int switched_by;
	struct fl_trigger_event *hists; /* NULL: it never had any */
	/* live.c: how it runs */
	bool is_running, has_stacks, filters_here;
	bool passes_pids; /* the record at hand */
	struct fl_filter here; /* of a definition: what filters_here */
};

/* The processes of set_event_pid, or of set_event_notrace_pid. */
struct pid_list {
	struct instance *in; /* whose it is */
	uint32_t *pids; /* sorted */
	size_t n, cap;
};

#define TRACEFS_MAX_CPUS TRACE_BUFFER_CPUS

struct instance {
	struct tracefs *fs;
	struct instance *next;
	struct fl_node *anchor; /* borrowed */
	struct fl_node *root;	/* borrowed; NULL: removed */

	struct fl_node *events_dir; /* borrowed */
	struct place *places, **last_place;
	struct fl_map by_name; /* of places */
	struct fl_arena names;
	size_t nr_wanted; /* of the places */
	unsigned int nesting; /* synthetic events that are being made */
	bool kernels_listed;
	bool events_stale; /* events/ does not show the list as it is */

	struct fl_rings *rings; /* NULL: nothing has been enabled yet */
	struct live_event *live;
	struct live_event **numbered; /* by the number in their records */
	size_t nr_numbered;
	struct trace_buffer buffer;
	struct trace_buffer snapshot;
	bool has_snapshot;
	unsigned int clock; /* a row of clock.c */
	bool boot_clock;
	uint64_t no_cpus[TRACEFS_MAX_CPUS / 64]; /* a bit each of those that are not traced */
	struct fl_triggers triggers;
	struct log_entry log[FL_TRACEFS_LOG_MAX]; /* oldest first */
	size_t nr_log;
	struct pid_list wanted, unwanted;
	bool event_fork, stacks; /* of options/ */
	struct live_event *forks, *exits; /* what event_fork hangs on; NULL: off */
};

struct tracefs {
	struct fl_target *target;
	enum fl_dialect dialect;
	bool dump;
	struct fl_event_list events;
	struct event_file event_files[_FL_FILE_MAX];
	unsigned int next_id; /* from 65535 downward: those of the kernel grow from below */
	struct fl_symbols *symbols;
	struct instance *top, *instances; /* all of them; the top one is the last */
	struct fl_printk printk;	  /* what the kernel's records say by address */
	struct fl_arena printk_arena;
	bool has_printk;
	struct saved_comm {
		uint32_t pid; /* 0: not in use */
		char name[16];
	} comms[8192];
};

/* @node as a part of @in; NULL is passed on. */
static inline struct fl_node *instance_owns(struct instance *in, struct fl_node *node)
{
	if (node) {
		node->owner = fl_node_ref(in->anchor);
		node->open_to_root = true;
	}
	return node;
}

struct attr_row {
	const char *name;
	mode_t mode;
	struct fl_attr_ops ops;
};

/* Files in @dir, all with @data. 0 or -errno. */
int tracefs_add_attrs(struct instance *in, struct fl_node *dir, const struct attr_row *rows, size_t n, void *data);

/* tracefs.c: an entry of the instance's error_log. */
struct fl_log_entry;
void tracefs_log(struct instance *in, const struct fl_log_entry *e);
int tracefs_add_log(struct instance *in);
void log_fini(struct instance *in);

/*
 * controls.c: what was written is one number, as the kernel's kstrtoul() and kstrtouint() take it: a sign "+" may stand
 * before it and one newline behind it, a NUL ends it, and nothing else is there.
 */
int tracefs_number(struct fl_str text, unsigned int base, uint64_t *ret);
/* The same, and the number is 0 or 1. */
int tracefs_switch(struct fl_str text, bool *ret);

/* instance.c */
int instance_new(struct tracefs *fs, struct instance **ret);
int instances_add_folder(struct instance *top);

/* events.c */
int tracefs_add_events(struct instance *in);
/* After every change of the list: gives numbers to what is new, and forgets what is gone. */
void tracefs_events_changed(struct tracefs *fs);
void tracefs_free_places(struct instance *in);
/* All directories of systems, and those of events in the systems of which @system is one (NULL: in all). */
int tracefs_list_places(struct instance *in, const char *system);
/* The definition that a place shows; NULL where it is the kernel's, or gone. */
const struct fl_probe_event *place_event(const struct place *p);

/*
 * Modules come and go: what was known of them is looked at again, events that waited for one begin, and those of one
 * that is gone are. Cheap where nothing has changed.
 */
void tracefs_look_for_modules(struct tracefs *fs);
/* What it hangs on is there now. */
bool tracefs_is_placed(const struct tracefs *fs, const struct fl_probe_event *e);

/* event-files.c: what is in these directories. */
int place_fill(struct place *p);
int place_enable(struct place *p, bool on);
/* Made where it is not there yet; NULL: no memory. */
struct place *place_named(struct instance *in, struct fl_str system, struct fl_str event);
/* NULL: there is no such event. */
struct place *place_find(struct instance *in, struct fl_str system, struct fl_str event);
/* The fields that a filter on the place may name. */
int place_format(const struct place *p, struct fl_arena *arena, const struct fl_format **ret);
/* -EINVAL, with the reason in error_log. */
int place_parse_filter(const struct place *p, struct fl_str text, struct fl_filter *ret);
int tracefs_add_enable(struct instance *in);
bool is_place_enableable(const struct place *p);

/* triggers.c: the files "trigger" and "hist" of an event. */
int tracefs_add_trigger_files(struct place *p);
void tracefs_prepare_triggers(struct instance *in);
bool tracefs_triggers_hold(const struct tracefs *fs, const struct fl_probe_event *e);

/* commands.c: triggers that are one word: they switch, take a snapshot or show a stack. */
int command_write(struct place *p, struct fl_str text); /* -ENOENT: no such command */
void commands_show(const struct place *p, struct fl_buf *out);
void commands_free(struct place *p);
bool commands_want_stack(const struct place *p);
/* They are done behind the record, which they look at; else in front of it. */
bool commands_need_record(const struct place *p);
/* @rec NULL: in front of it. @late: those that come behind the line. */
struct fl_count_record;
void commands_run(struct place *p, const struct fl_count_record *rec, bool late, bool *ret_stack);

/* moment.c: a record on its way: triggers, filters, and the line. */
struct moment {
	struct place *p;
	struct fl_count_record *rec; /* data NULL: nobody looks into it */
	struct fl_str raw;	     /* for the buffer */
	bool passes;		     /* the processes, and the event's filter */
	/* Appends the line, and that of its stack. */
	void (*line)(const struct moment *m, struct fl_buf *out);
	void (*stack)(const struct moment *m, struct fl_buf *out); /* NULL: it has none */
	const void *ctx;
	bool always; /* the line is written whether the event is enabled or not */
};
int moment_pass(struct moment *m);
bool place_has_triggers(const struct place *p);

/* synth.c: what histograms' actions make. */
int synth_trace(void *ctx, const struct fl_probe_event *synth, const struct fl_count_record *at,
		const struct fl_count_value *v, size_t n);

/* filters.c */
int filter_show(struct fl_node *attr, struct fl_buf *out);
int filter_store(struct fl_node *attr, struct fl_str text);
int system_filter_show(struct fl_node *attr, struct fl_buf *out);
int system_filter_store(struct fl_node *attr, struct fl_str text);

/* select.c: one word of set_event. -EINVAL: it names no event. */
int tracefs_set_event(struct instance *in, struct fl_str text);
void tracefs_show_enabled(struct instance *in, struct fl_buf *out);
/* "0", "1", or "X" where some are on; @system NULL: of all. */
const char *tracefs_state(struct instance *in, const char *system);

/* controls.c, event-pids.c */
int tracefs_add_controls(struct instance *in);
/* The kernel's list of functions, once, where it can be read by now. */
int tracefs_add_functions(struct instance *in);
int tracefs_add_pids(struct instance *in);
bool pids_pass(const struct instance *in, uint32_t pid, const uint32_t *others, size_t n);
void pids_fork(struct instance *in, uint32_t parent, uint32_t child);
void pids_exit(struct instance *in, uint32_t pid);
void pids_fini(struct instance *in);

/* comms.c */
int tracefs_add_comms(struct instance *top);
void comms_learn(struct tracefs *fs, uint32_t pid, struct fl_str comm);

/* views.c */
int tracefs_add_views(struct instance *in);

/* marker.c, snapshot.c, clock.c, cpus.c */
uint64_t tracefs_now(const struct instance *in);
int tracefs_add_markers(struct instance *in);
int tracefs_add_snapshot(struct instance *in);
void snapshot_take(struct instance *in);
int tracefs_add_clock(struct instance *in);
int tracefs_add_cpus(struct instance *in);
bool cpus_has(const struct instance *in, uint32_t cpu);

/*
 * live.c: an event runs while somebody wants its records, by all its probes; this starts, stops or restarts it as
 * things are now. On failure it does not run.
 */
int live_update(struct place *p);
int live_restart(struct place *p);
bool tracefs_is_enabled(const struct tracefs *fs, const struct fl_probe_event *e);
/* One of the kernel's, without a place. */
int live_watch(struct instance *in, const char *system, const char *event, struct live_event **ret);
void live_disable(struct live_event *l);
/* Fetches what has been traced; @all: to this moment, else what is certainly complete and in order. */
void tracefs_drain(struct instance *in, bool all);
/* After probes were removed from the list. */
void tracefs_forget_removed(struct tracefs *fs);
void tracefs_free_live(struct instance *in);
/* Hits and misses of a probe since it was first enabled. */
void tracefs_profile(struct tracefs *fs, const struct fl_probe_event *e, uint64_t *ret_hits,
		     uint64_t *ret_missed);
/* Functions that enabled f events hang on, a line each. */
void tracefs_enabled_functions(struct tracefs *fs, struct fl_buf *out);

/* kernels.c: an event of the kernel, and how its records are said. */
struct fl_record;
struct fl_record_layout;
struct kernels_event;
int kernels_event_new(struct tracefs *fs, const char *system, const char *event, const char *filter,
		      struct kernels_event **ret);
void kernels_event_free(struct kernels_event *k); /* NULL is allowed */
struct fl_probe_event *kernels_event_probe(struct kernels_event *k);
/* The filter is none that BPF could apply: it is applied here. */
int kernels_event_filter_here(struct kernels_event *k, const char *filter);
/* Fills in the words in front of the event's own, which BPF does not show. */
void kernels_event_common(const struct kernels_event *k, const struct fl_record *rec, uint8_t *raw, size_t n);
/* @size bytes of @rec, of which @n at @raw are the kernel's record. */
bool kernels_event_passes(const struct kernels_event *k, const struct fl_record_layout *layout, uint32_t cpu,
			  const struct fl_record *rec, size_t size, const uint8_t *raw, size_t n);
/* Appends the whole line. */
void kernels_event_line(struct kernels_event *k, uint32_t cpu, const struct fl_record *rec, uint8_t *raw,
			size_t n, struct fl_buf *out);
/* A 32-bit field of the record; 0 where it has none of that name. */
uint32_t kernels_event_word(const struct kernels_event *k, const char *field, const uint8_t *raw, size_t n);

#endif
