/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an event's place to what a hook must be given: names, addresses, types, formats. */
#ifndef PROBE_LIVE_POINT_H
#define PROBE_LIVE_POINT_H

#include "base/buf.h"
#include "bpf/attach.h"
#include "probe/gen/gen.h"
#include "probe/event/event.h"
#include "probe/target/target.h"

struct fl_points {
	struct fl_attach_point at;
	bool is_multi;	    /* several functions: the record must say which */
	uint64_t *addresses;
	size_t nr_each;	    /* attachments to be made: 1, or one an address */
	uint64_t *counters;
	bool each_offset, each_cpu;
	bool each_address;
	char *name, *module; /* @at's strings */
	struct fl_buf module_event; /* to be removed; empty: none */
	struct fl_buf module_entry; /* ... and that of the entry, for words that a return keeps */
	uint32_t entry_id;
	uint8_t arg_slot[FL_ABI_MAX_PARAMS];
	size_t nr_arg_slots;
	uint32_t words;
	const struct fl_format *format;
};

void fl_points_fini(struct fl_points *p);

/* The hooks that could carry the event, best first; returns their number. */
size_t fl_points_hooks(const struct fl_probe_event *e, enum fl_hook hooks[static _FL_HOOK_MAX]);

/* Why these and in this order, in a line for people. */
const char *fl_points_reason(const struct fl_probe_event *e);

/*
 * The hook whose link can hold many definitions, or _FL_HOOK_MAX where the event must have one of its own; and
 * what its program needs to know there, which @ret gets, replacing what it held.
 */
enum fl_hook fl_points_shared_hook(const struct fl_probe_event *e);
void fl_points_shared(struct fl_target *t, const struct fl_probe_event *e, struct fl_points *ret);

/* Where the event's function begins. -ENOENT where there is none of that name, or several. */
int fl_points_address(struct fl_target *t, const struct fl_probe_event *e, uint64_t *ret);

/* What @hook needs. -errno with @why saying what was not found. Replaces what @ret held. */
int fl_points_find(struct fl_target *t, const struct fl_probe_event *e, enum fl_hook hook,
		   struct fl_points *ret, struct fl_buf *why);

/* Attachment @i of @p->nr_each. */
struct fl_attach_point fl_points_each(const struct fl_points *p, size_t i);

void fl_points_env(const struct fl_points *p, struct fl_gen_env *env);

/* Fills the address of a symbol that was left open when the program was made. -ENOENT. */
int fl_points_symbol(struct fl_target *t, struct fl_fetch_program *p);

#endif
