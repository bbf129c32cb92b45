/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace, bounded: records with their lines, which "trace" shows, "trace_pipe" takes out, and per_cpu's files
 * show and take of one CPU. The oldest go first. How many were written, with those that are gone, is in the head, as
 * the kernel's ring buffer has it.
 */
#ifndef PROBE_TRACEFS_BUFFER_H
#define PROBE_TRACEFS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct trace_line {
	uint64_t time;
	char *text; /* with its newline, and the lines of stacks behind it; NULL: it was taken out */
	size_t n;
	const char *raw; /* in the memory of @text: the record */
	size_t nr_raw;
	uint32_t cpu;
};

#define TRACE_ALL_CPUS	  UINT32_MAX
#define TRACE_BUFFER_CPUS 1024

static inline bool trace_line_is(const struct trace_line *l, uint32_t cpu)
{
	return l->text && (cpu == TRACE_ALL_CPUS || l->cpu == cpu);
}

struct trace_buffer {
	struct trace_line *lines; /* by time */
	size_t start, end, cap;	  /* [start, end) of @lines */
	size_t count; /* of those that were not taken out */
	size_t bytes, limit;
	uint64_t written; /* with those that are gone since, and those that never came this far */
	/* of those that are gone: had no room; were taken out. By the CPU, modulo. */
	uint64_t overrun[TRACE_BUFFER_CPUS], taken_out[TRACE_BUFFER_CPUS];
	bool off; /* tracing_on is 0 */
	char *taken; /* what trace_buffer_take_record() has handed out */
	struct trace_line last;
};

/* A line among those that are there already, at its time, with its record. Copied. 0 or -ENOMEM. */
int trace_buffer_add(struct trace_buffer *b, uint64_t time, uint32_t cpu, struct fl_str text, struct fl_str raw);
/* @n records were written, and no line of theirs can be shown. Whose CPU's is not known: the first one tells. */
static inline void trace_buffer_lose(struct trace_buffer *b, uint64_t n)
{
	b->written += n;
	b->overrun[0] += n;
}
void trace_buffer_clear(struct trace_buffer *b);
/* Takes out whole lines, at least one if there is any, and as many as fit into @size. 0 or -errno. */
int trace_buffer_take(struct trace_buffer *b, uint32_t cpu, size_t size, struct fl_buf *out);
/*
 * Takes the oldest record out; it is valid until the next call. NULL: there is none. *@at is where the search begins:
 * 0, and as it was left for the next one, if nothing was added meanwhile.
 */
const struct trace_line *trace_buffer_take_record(struct trace_buffer *b, uint32_t cpu, size_t *at);
size_t trace_buffer_count(const struct trace_buffer *b, uint32_t cpu);
void trace_buffer_limit(struct trace_buffer *b, size_t bytes);
/* The file "trace": the head with the counts, then all lines. */
void trace_buffer_show(const struct trace_buffer *b, uint32_t cpu, unsigned int cpus, struct fl_buf *out);
void trace_buffer_fini(struct trace_buffer *b);

#endif
