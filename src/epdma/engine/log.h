/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine did, as events in the order in which its state changed: register accesses, list
 * slots, interrupts. A sink gets them under the engine's lock, so the order of events is the order
 * of what happened, whatever the threads.
 *
 * The file form is text, one event a line, so that people read what replay runs:
 *
 *	# foreland epdma trace 1 map=1 wr=2 rd=2
 *	0.000000113 W 0x02c 0x00000001 RD_ENGINE_EN
 *	0.000004120 R 0x0a0 0x00000000 RD_INT_STATUS
 *	0.000004901 E rd0 0x80000000 ctl=0x00000001 size=0x40 src=0x100000000 dst=0x40000000
 *	0.000005000 L rd0 0x80000030 ctl=0x00000006 size=0x0 src=0x80000000 dst=0x0
 *	0.000005010 S rd0 0x80000000 ctl=0x00000000 size=0x0 src=0x0 dst=0x0
 *	0.000005020 A rd0 0x80000018 reason=5 host address
 *	0.000005030 I 0xfee00000 0x00000002
 *	0.000005500 X reset
 *	0.000005600 O rd0 0x0 val=2
 *	0.000005700 M val=1
 *	0.000005800 B bar0 0x8 val=0
 *
 * E: a data element has moved; L: a link was followed; S: the channel came to a slot that is not its
 * turn and stopped; A: it aborted; I: a remote write; X: all channels were reset from outside;
 * O: the host was given a channel (1), or it was taken back (0), stopped first (2); D: the doorbell of
 * the line before was lost, by the fault of that name; M: the function may master the bus (1), or not (0);
 * B: a BAR was reached while memory space was off, and nobody answered.
 */
#ifndef EPDMA_ENGINE_LOG_H
#define EPDMA_ENGINE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <foreland/diag.h>
#include <foreland/epdma.h>

#include "base/str.h"

enum fl_engine_event_kind {
	FL_EV_READ = 'R',
	FL_EV_WRITE = 'W',
	FL_EV_ELEM = 'E',
	FL_EV_LINK = 'L',
	FL_EV_STOP = 'S',
	FL_EV_ABORT = 'A',
	FL_EV_IMWR = 'I',
	FL_EV_RESET = 'X',
	FL_EV_OWNER = 'O',
	FL_EV_DEAF = 'D',
	FL_EV_MASTER = 'M',
	FL_EV_BLOCKED = 'B',
};

/* A list slot, taken out of memory once. */
struct fl_dw_slot {
	uint32_t ctl, size;
	uint64_t src, dst; /* a link's pointer is @src */
};

struct fl_engine_event {
	enum fl_engine_event_kind kind;
	enum fl_epdma_dir dir; /* E L S A O D */
	unsigned int chan;
	uint64_t addr; /* register offset, list pointer, or the written address */
	uint32_t val;  /* register value, message data, abort reason, or what O and M tell */
	struct fl_dw_slot slot; /* E L S */
};

/* Embed it; emit() may not call the engine. */
struct fl_engine_log {
	void (*emit)(struct fl_engine_log *t, const struct fl_engine_event *ev);
};

struct fl_engine_shape {
	unsigned int map; /* enum fl_epdma_map */
	unsigned int chans[_FL_EPDMA_DIR_MAX];
};

/* Writes to @fd, which it closes in any case. Closing gives the first error of any write. */
int fl_engine_log_open(int fd, const struct fl_engine_shape *shape, struct fl_engine_log **ret);
int fl_engine_log_close(struct fl_engine_log *t); /* NULL ok */

/* Is this the text of a trace? */
bool fl_engine_log_is(struct fl_str text);

/* One event as its line without the time; at most 160 bytes are needed. */
void fl_engine_event_format(const struct fl_engine_event *ev, unsigned int map, char *buf, size_t n);

struct fl_replay_result {
	uint64_t events;   /* lines that were replayed */
	uint32_t line;	   /* of the first difference, 0: none */
	char recorded[160], replayed[160]; /* of the first difference */
};

/*
 * Runs a recorded trace against a fresh engine, register by register and slot by slot, and compares
 * every value that it gives. 0: all the same; -EILSEQ: @ret says where they part; -EINVAL: not a
 * trace, see @diag (place and line).
 */
int fl_engine_replay(struct fl_str text, struct fl_replay_result *ret, struct fl_diag *diag);

#endif
