/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of dynamic events, as tracefs keeps it, and what takes events from it. What adds one is
 * fl_event_list_apply() of check.h.
 *
 * Events are owned by the list and stay until they are removed. One thread at a time.
 */
#ifndef PROBE_LANG_LIST_H
#define PROBE_LANG_LIST_H

#include "base/map.h"
#include "probe/event/event.h"

/* The control file that a definition is written to. */
enum fl_probe_file {
	FL_FILE_DYNAMIC_EVENTS,
	FL_FILE_KPROBE_EVENTS,
	FL_FILE_UPROBE_EVENTS,
	FL_FILE_SYNTHETIC_EVENTS,
	_FL_FILE_MAX,
};

extern const char *const fl_probe_file_names[_FL_FILE_MAX];

/* -EINVAL: not the name of such a file. */
int fl_probe_file_parse(const char *name, enum fl_probe_file *ret);

/* Zero-initialise to start. */
struct fl_event_list {
	struct fl_probe_event **events; /* in the order of their definition */
	size_t n, cap;
	size_t before;	     /* what was removed at the front, before @events */
	uint64_t serial;     /* of the next */
	struct fl_map index; /* what they are looked up by -> chains */
	struct fl_arena keys;
	bool (*busy)(void *ctx, const struct fl_probe_event *e); /* it is enabled; NULL: none ever is */
	void *busy_ctx;
};

void fl_event_list_fini(struct fl_event_list *l);

/* "-..." removes events, in dynamic_events "!..." as well, and in synthetic_events that alone. */
bool fl_is_removal(enum fl_probe_file file, struct fl_str def);

/*
 * What writing such a line does: -ENOENT where no event of that control file is meant, -EBUSY at the
 * first that is enabled or that an event probe is attached to, -EINVAL for what names none.
 */
int fl_event_list_remove(struct fl_event_list *l, enum fl_probe_file file, struct fl_str def);

/* Takes @e, which was just added, from the list, and frees it. */
void fl_event_list_take_back(struct fl_event_list *l, struct fl_probe_event *e);

/* The list owns @e from then on. -ENOMEM. */
int fl_event_list_append(struct fl_event_list *l, struct fl_probe_event *e);

/*
 * Removes all events of the control file: what opening it for writing with O_TRUNC does. -EBUSY
 * where one is enabled, and then none is removed; or at the first that an event probe is attached to,
 * and what stands before it is gone.
 */
int fl_event_list_clear(struct fl_event_list *l, enum fl_probe_file file);

/* The first event of that name, or NULL. */
const struct fl_probe_event *fl_event_list_find(const struct fl_event_list *l, struct fl_str group,
						struct fl_str event);

/* Events that something is looked up by, in the order of their definition. */
struct fl_event_chain {
	struct fl_probe_event **v;
	size_t n, cap;
};

/* Of that name; of @e's place, if it is a user probe or on a tracepoint; never NULL. */
const struct fl_event_chain *fl_event_list_named(const struct fl_event_list *l, struct fl_str group,
						 struct fl_str event);
const struct fl_event_chain *fl_event_list_at(const struct fl_event_list *l, const struct fl_probe_event *e);
/* Of @e's name, place and arguments' text. */
const struct fl_event_chain *fl_event_list_like(const struct fl_event_list *l, const struct fl_probe_event *e);

/* @e is shown in that control file, and removed through it. */
bool fl_event_in_file(const struct fl_probe_event *e, enum fl_probe_file file);

bool fl_event_is(const struct fl_probe_event *e, struct fl_str group, struct fl_str event);

#endif
