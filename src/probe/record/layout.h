/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How one event lies in a ring: written by the generated program, read by the outputs. This is the
 * only description of it; neither side counts bytes on its own.
 *
 *	struct fl_record	the head, the same for all events
 *	[ip] [caller]		u64 each, where the hook cannot know them beforehand
 *	[faults]		one bit an argument, where a read can tell that it failed
 *	slots			one an argument, aligned to its element
 *	[stacks]		two struct fl_stackloc, kernel's and user's, where stacks are wanted
 *	[raw]			the record of the event that an event probe hangs on
 *	strings			without gaps, in the order of the arguments; NUL included
 *	frames			of the kernel's stack, then of the user's; u64 each, the innermost first
 *
 * A string's slot holds one struct fl_strloc an element. A symstr's slot holds the address: names
 * are looked up when the record is printed.
 */
#ifndef PROBE_RECORD_LAYOUT_H
#define PROBE_RECORD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/event/event.h"

#define FL_COMM_LEN 16

#define FL_RECORD_IRQS_OFF 1 /* in @flags */

/* A thread outside of the reader's pid namespace goes by the kernel's number and this: no number is as high. */
#define FL_PID_OUTSIDE 1000000000u

struct fl_record {
	uint64_t time; /* ns, of the session's clock */
	uint32_t pid;  /* the thread's */
	uint16_t event;
	uint8_t flags;
	uint8_t reserved;
	uint32_t cpu; /* which made it: a ring may be of several */
	uint32_t taken; /* in scratch memory: by a program that is under way */
	char comm[FL_COMM_LEN];
};

/* What the kernel's own records say of the CPU's state: common_flags and common_preempt_count. */
enum {
	FL_FLAG_IRQS_OFF = 0x01,
	FL_FLAG_RESCHED_LAZY = 0x02,
	FL_FLAG_NEED_RESCHED = 0x04,
	FL_FLAG_HARDIRQ = 0x08,
	FL_FLAG_SOFTIRQ = 0x10,
	FL_FLAG_PREEMPT_RESCHED = 0x20,
	FL_FLAG_NMI = 0x40,
	FL_FLAG_BH_OFF = 0x80,
};

struct fl_context {
	uint8_t flags; /* FL_FLAG_*; a flag that the kernel does not show is not set */
	uint8_t depth; /* of preemption being off, and in the upper half of migration */
};

struct fl_context fl_record_context(const struct fl_record *r);

/* @len counts the NUL; 0: the read faulted. A string of the limit's length was perhaps cut. */
struct fl_strloc {
	uint16_t off; /* from the record's start */
	uint16_t len;
};

/* @len in bytes; 0: there is none (a kernel thread has no user stack); -errno: the kernel gave none. */
struct fl_stackloc {
	uint16_t off; /* from the record's start; not aligned */
	int16_t len;
};

enum fl_stack_kind {
	FL_STACK_KERNEL,
	FL_STACK_USER,
	_FL_STACK_MAX,
};

/* Frames of one stack, as many as the kernel walks (its default of perf_event_max_stack). */
#define FL_STACK_FRAMES 127

/* Of one that is a field of a synthetic event: the kernel's own depth. */
#define FL_FIELD_FRAMES	    31
/* Taken for it: those of tracing itself stand in front, and are taken off by the reader. */
#define FL_FIELD_FRAMES_RAW (FL_FIELD_FRAMES + 8)

enum fl_slot_kind {
	FL_SLOT_VALUE,
	FL_SLOT_STRING, /* struct fl_strloc */
	FL_SLOT_SYMBOL, /* address of a symstr */
	FL_SLOT_STACK,	/* frames of the kernel, zeros behind them: FL_FIELD_FRAMES_RAW elements */
};

/* Memory that is recorded beside a value, to be shown by its type. */
enum fl_extra_kind {
	FL_EXTRA_NONE,
	FL_EXTRA_WHOLE,	  /* the struct or array of whose first bytes the value is made */
	FL_EXTRA_POINTEE, /* the struct that the value points to */
};

struct fl_record_slot {
	enum fl_slot_kind kind;
	uint16_t offset; /* from the record's start */
	uint8_t size;	 /* of one element */
	uint16_t count;	 /* elements, at least 1 */
	enum fl_extra_kind extra;
	uint16_t extra_offset, extra_size; /* bytes in the record: all of it, or as many as are taken */
};

/* Bytes of one extra at most. */
#define FL_EXTRA_MAX 4096

struct fl_record_layout {
	uint16_t ip_offset;	/* 0: the same for each firing, the hook knows it */
	uint16_t caller_offset; /* 0: no return probe */
	uint16_t faults_offset; /* 0: no read can tell */
	uint16_t nr_faults;	/* bits: one an argument, and behind them one an argument's extra */
	uint16_t stacks_offset; /* 0: no stacks */
	unsigned int stacks;	/* 1u << FL_STACK_*: which are taken */
	bool in_kernel;		/* the event happens there: without a kernel stack, that was not given */
	uint16_t fixed_size;	/* all but the strings, a multiple of 8 */
	uint16_t string_max;	/* bytes of one string, NUL included */
	uint16_t nr_strings;	/* elements of string slots */
	bool has_paths;
	uint16_t raw_offset;	/* the record of the event that is hung on; strings follow it. 0: none */
	uint32_t max_size;	/* fixed_size, all strings and stacks at their limit */
	size_t nr_slots;
	struct fl_record_slot slots[FL_MAX_PROBE_ARGS];
};

/* The kernel's own limit of a string (PATH_MAX), if the event has not too many of them. */
#define FL_STRING_MAX 4096
/* A per-CPU map value is refused past 32 KiB. */
#define FL_RECORD_MAX 30000

/* Bytes of an event's own record that are taken along at most. */
#define FL_RAW_MAX 4096

/* What the hook adds to the arguments. */
struct fl_layout_options {
	bool ip, caller, faults;
	unsigned int stacks; /* 1u << FL_STACK_* */
	bool pretty; /* with what lets values be shown by their type */
	bool raw;    /* with the record of the event that is hung on */
};

/* 0, or -E2BIG where the event does not fit a record. */
int fl_record_layout(const struct fl_probe_event *e, struct fl_layout_options o,
		     struct fl_record_layout *ret);

static inline const void *fl_record_at(const struct fl_record *r, size_t off)
{
	return (const uint8_t *)r + off;
}

/* The frames of a stack that was taken. */
struct fl_stack {
	const uint8_t *frames; /* u64 each, not aligned */
	size_t n;
	bool is_full; /* there were perhaps more */
};

/*
 * 0 (and no frames where the task has none); -ENOENT: not wanted; -ENODATA: the kernel gave none of its own, as
 * 6.1 does at system calls; else the kernel's -errno.
 */
int fl_record_stack(const struct fl_record_layout *l, const struct fl_record *r, size_t size,
		    enum fl_stack_kind kind, struct fl_stack *ret);
uint64_t fl_stack_frame(const struct fl_stack *s, size_t i);

/* The frames of an FL_SLOT_STACK. */
struct fl_stack fl_record_frames(const struct fl_record_slot *s, const struct fl_record *r);

bool fl_record_fault(const struct fl_record_layout *l, const struct fl_record *r, size_t arg);

enum fl_extra_state {
	FL_EXTRA_READ,
	FL_EXTRA_FAULT,
	FL_EXTRA_NOWHERE, /* the value is no kernel pointer: null, an error, the user's */
};

/* What became of the argument's extra, where it has one. */
enum fl_extra_state fl_record_extra(const struct fl_record_layout *l, const struct fl_record *r, size_t arg);

/* One element as a 64-bit number: sign-extended where @is_signed. */
uint64_t fl_record_value(const struct fl_record_slot *s, const struct fl_record *r, size_t element,
			 bool is_signed);

/*
 * One string, without its NUL. False where the read faulted (or the record contradicts itself,
 * @size being what the ring says of its length).
 */
bool fl_record_string(const struct fl_record_slot *s, const struct fl_record *r, size_t size,
		      size_t element, struct fl_str *ret);

#endif
