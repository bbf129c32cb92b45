/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What frames of processes are called, in a recording. A process ends, and with it goes what its addresses
 * mean, so they are named when they are first seen, while it lives: nothing of the machine is needed later.
 *
 * They stand in trace-cmd's own option for the mappings of processes (PROCMAPS): "PID COUNT NAME", and COUNT
 * lines "START END PATH", in hexadecimal. Behind these, where trace-cmd reads no further, a line a frame:
 *
 *	frame ADDRESS c|i TIME BUILD-ID|- TEXT
 *
 * c: where a call returns to; i: where the thread was. It holds from TIME on: a program that starts another
 * has the same addresses for other things. TEXT is what a live trace shows, "/usr/bin/cat[+0x1234] main+0x12".
 * The build-id is that of the file, so that who has its debug information can ask again.
 */
#ifndef PROBE_TRACEDAT_USERFRAMES_H
#define PROBE_TRACEDAT_USERFRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "probe/tracedat/datfile.h"
#include "probe/tracedat/section-writer.h"

struct fl_record;
struct fl_symbols;
struct fl_timeline;

/* ---- writing ---- */

struct fl_thread_frames;

struct fl_user_writer {
	struct fl_arena arena;	/* keys of @told */
	struct fl_map told;
	struct fl_thread_frames *threads; /* that have frames which are not written yet */
	size_t nr_threads;
};

void fl_user_writer_fini(struct fl_user_writer *w);

/* A frame of the thread that made @rec. 0 or -ENOMEM. */
int fl_user_writer_frame(struct fl_user_writer *w, struct fl_symbols *symbols, const struct fl_record *rec,
			 uint64_t addr, bool is_call);

/* Appends an option a thread to @options and starts anew. */
int fl_user_writer_take(struct fl_user_writer *w, struct fl_buf *options);

/* ---- reading ---- */

struct fl_user_frame;
struct fl_user_map;

struct fl_user_frames {
	struct fl_user_frame *frames;
	size_t nr_frames;
	struct fl_user_map *maps;
	size_t nr_maps;
	struct fl_arena texts;
};

/* Adds those of @d. Lines that are none are left out. 0 or -ENOMEM. */
int fl_user_frames_read(struct fl_user_frames *f, const struct fl_datfile *d, const struct fl_timeline *timeline);
void fl_user_frames_fini(struct fl_user_frames *f);

/* One frame's text; by the mappings alone it is "PATH[+0x12]". False where the file does not say. */
bool fl_user_frames_text(const struct fl_user_frames *f, uint32_t tid, uint64_t addr, bool is_call, uint64_t time,
			 struct fl_buf *out);

/* "/usr/bin/cat BUILD-ID", a line a file. */
void fl_user_frames_files(const struct fl_user_frames *f, struct fl_buf *out);

#endif
