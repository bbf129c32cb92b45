/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace as lines, bounded: what "trace" shows and "trace_pipe" takes out. The oldest go first. How
 * many were written, with those that are gone, is in the head, as the kernel's ring buffer has it.
 */
#ifndef PROBE_TRACEFS_BUFFER_H
#define PROBE_TRACEFS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct trace_line {
	uint64_t time;
	char *text; /* with its newline, and the lines of stacks behind it */
	size_t n;
};

struct trace_buffer {
	struct trace_line *lines; /* by time */
	size_t start, end, cap;	  /* [start, end) of @lines */
	size_t bytes, limit;
	uint64_t written; /* with those that are gone since, and those that never came this far */
	bool off; /* tracing_on is 0 */
};

/* A line among those that are there already, at its time. Copied. 0 or -ENOMEM. */
int trace_buffer_add(struct trace_buffer *b, uint64_t time, struct fl_str text);
/* @n records were written, and no line of theirs can be shown. */
static inline void trace_buffer_lose(struct trace_buffer *b, uint64_t n)
{
	b->written += n;
}
void trace_buffer_clear(struct trace_buffer *b);
/* Takes whole lines out, as many as @size bytes hold; at least one, which may be cut. */
size_t trace_buffer_take(struct trace_buffer *b, char *to, size_t size);
static inline size_t trace_buffer_count(const struct trace_buffer *b)
{
	return b->end - b->start;
}
void trace_buffer_limit(struct trace_buffer *b, size_t bytes);
/* The file "trace": the head with the counts, then all lines. */
void trace_buffer_show(const struct trace_buffer *b, unsigned int cpus, struct fl_buf *out);
void trace_buffer_fini(struct trace_buffer *b);

#endif
