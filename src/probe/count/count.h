/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a histogram's trigger does with a record, here and not in the kernel: it counts, keeps variables, and
 * does what its actions say, in the order in which a kernel does it. Whoever reads records of several events
 * in the order of their times and hands them in has them counted across events, too.
 *
 * One thread. What a trigger has counted hangs on the trigger (struct fl_trigger), and goes with it.
 */
#ifndef PROBE_COUNT_COUNT_H
#define PROBE_COUNT_COUNT_H

#include "base/buf.h"
#include "probe/hist/hist.h"
#include "probe/output/symbols.h"

/**
 * struct fl_count_record - a record, and what it does not hold itself
 * @data: as the event's format says; a synthetic one has the same common fields in front
 * @time: ns, of any clock
 * @frames: of the kernel's stack, 8 bytes each, the innermost first; none where nobody wanted any
 */
struct fl_count_record {
	const uint8_t *data;
	size_t size;
	uint64_t time;
	uint32_t pid, cpu;
	struct fl_str comm;
	const uint8_t *frames;
	size_t nr_frames;
};

/* A number, or text (frames are text of 8 bytes each); @text.p NULL: a number. */
struct fl_count_value {
	uint64_t number;
	struct fl_str text;
};

/* Who does what actions say. */
struct fl_count_actions {
	/* @synth happens, in the moment of @rec, with the fields @v. */
	int (*trace)(void *ctx, const struct fl_probe_event *synth, const struct fl_count_record *rec,
		     const struct fl_count_value *v, size_t n);
	void (*snapshot)(void *ctx);
	void *ctx;
};

/*
 * A record of @e's: all its histograms that are neither paused nor filter it out. 0 or -ENOMEM; what trace()
 * says.
 */
int fl_count(struct fl_trigger_event *e, const struct fl_count_record *rec, const struct fl_count_actions *actions);

/* Records of @e's that were lost: its histograms say so as dropped. */
void fl_count_lost(struct fl_trigger_event *e, uint64_t n);

/* The file "hist" of an event. */
int fl_count_show(const struct fl_trigger_event *e, struct fl_symbols *symbols, struct fl_buf *out);

/* Of all its histograms: what tells whether something has been counted since. */
uint64_t fl_count_hits(const struct fl_trigger_event *e);

/* The entries go, the histogram stays; fl_count_free(): the whole, and NULL is allowed. */
void fl_count_clear(struct fl_trigger *t);
void fl_count_free(void *counted);

/* Whether one of its histograms asks for the kernel's stack. */
bool fl_count_wants_stack(const struct fl_trigger_event *e);

#endif
