/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the tracefs tree share. */
#ifndef PROBE_TRACEFS_PRIVATE_H
#define PROBE_TRACEFS_PRIVATE_H

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
struct place;

struct tracefs {
	struct fl_target *target;
	enum fl_dialect dialect;
	bool dump;
	struct fl_event_list events;
	struct log_entry log[FL_TRACEFS_LOG_MAX]; /* oldest first */
	size_t nr_log;
	struct event_file event_files[_FL_FILE_MAX];

	struct fl_node *events_dir; /* borrowed */
	struct place *places;	    /* events.c's: a directory each */
	bool kernels_listed;
	bool events_stale;	    /* events/ does not show the list as it is */
	unsigned int next_id;	    /* from 65535 downward: those of the kernel grow from below */

	struct live_event *live; /* enabled events */
	struct fl_symbols *symbols;
	struct trace_buffer buffer;
};

/* events.c */
int tracefs_add_events(struct fl_node *root, struct tracefs *fs);
/* After every change of the list: gives numbers to what is new, and forgets what is gone. */
void tracefs_events_changed(struct tracefs *fs);
void tracefs_free_places(struct tracefs *fs);
/* One word of set_event. -EINVAL: it names no event; -EOPNOTSUPP: it names the kernel's. */
int tracefs_set_event(struct tracefs *fs, struct fl_str text);
void tracefs_show_enabled(struct tracefs *fs, struct fl_buf *out);

/* controls.c */
int tracefs_add_controls(struct fl_node *root, struct tracefs *fs);

/* live.c: all probes of one event are enabled together. */
int tracefs_enable(struct tracefs *fs, struct fl_str group, struct fl_str event);
void tracefs_disable(struct tracefs *fs, struct fl_str group, struct fl_str event);
bool tracefs_is_enabled(const struct tracefs *fs, const struct fl_probe_event *e);
/* Fetches what has been traced; @all: to this moment, else what is certainly complete and in order. */
void tracefs_drain(struct tracefs *fs, bool all);
/* After probes were removed from the list. */
void tracefs_forget_removed(struct tracefs *fs);
void tracefs_free_live(struct tracefs *fs);
/* Hits and misses of a probe since it was first enabled. */
void tracefs_profile(struct tracefs *fs, const struct fl_probe_event *e, uint64_t *ret_hits,
		     uint64_t *ret_missed);
/* Functions that enabled f events hang on, a line each. */
void tracefs_enabled_functions(struct tracefs *fs, struct fl_buf *out);

#endif
