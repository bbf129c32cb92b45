/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracefs/buffer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

static void drop_first(struct trace_buffer *b)
{
	struct trace_line *l = &b->lines[b->start++];

	b->bytes -= l->n;
	free(l->text);
}

void trace_buffer_clear(struct trace_buffer *b)
{
	while (b->start < b->end)
		drop_first(b);
	b->start = b->end = 0;
	b->written = 0;
}

static int make_room(struct trace_buffer *b)
{
	if (b->end < b->cap)
		return 0;
	if (b->start > b->cap / 2) {
		memmove(b->lines, b->lines + b->start, trace_buffer_count(b) * sizeof(*b->lines));
		b->end -= b->start;
		b->start = 0;
	} else {
		size_t cap = b->cap ? b->cap * 2 : 256;
		void *more = reallocarray(b->lines, cap, sizeof(*b->lines));

		if (!more)
			return -ENOMEM;
		b->lines = more;
		b->cap = cap;
	}
	return 0;
}

void trace_buffer_limit(struct trace_buffer *b, size_t bytes)
{
	b->limit = bytes;
	while (b->start < b->end && b->bytes > b->limit)
		drop_first(b);
}

int trace_buffer_add(struct trace_buffer *b, uint64_t time, struct fl_str text)
{
	char *copy = fl_str_dup(text);
	size_t at;

	if (!copy || make_room(b) < 0) {
		free(copy);
		return -ENOMEM;
	}
	for (at = b->end; at > b->start && b->lines[at - 1].time > time;)
		at--;
	memmove(b->lines + at + 1, b->lines + at, (b->end - at) * sizeof(*b->lines));
	b->lines[at] = (struct trace_line){ time, copy, text.n };
	b->end++;
	b->bytes += text.n;
	b->written++;
	trace_buffer_limit(b, b->limit);
	return 0;
}

size_t trace_buffer_take(struct trace_buffer *b, char *to, size_t size)
{
	size_t used = 0;

	while (b->start < b->end) {
		const struct trace_line *l = &b->lines[b->start];

		if (used && l->n > size - used)
			break;
		memcpy(to + used, l->text, FL_MIN(l->n, size - used));
		used += FL_MIN(l->n, size - used);
		drop_first(b);
	}
	return used;
}

void trace_buffer_show(const struct trace_buffer *b, unsigned int cpus, struct fl_buf *out)
{
	fl_buf_addf(out, "# tracer: nop\n#\n# entries-in-buffer/entries-written: %zu/%" PRIu64 "   #P:%u\n#\n",
		    trace_buffer_count(b), b->written, cpus);
	fl_buf_addz(out, "#                                _-----=> irqs-off/BH-disabled\n"
			 "#                               / _----=> need-resched\n"
			 "#                              | / _---=> hardirq/softirq\n"
			 "#                              || / _--=> preempt-depth\n"
			 "#                              ||| / _-=> migrate-disable\n"
			 "#                              |||| /     delay\n"
			 "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
			 "#              | |         |   |||||     |         |\n");
	for (size_t i = b->start; i < b->end; i++)
		fl_buf_add(out, b->lines[i].text, b->lines[i].n);
}

void trace_buffer_fini(struct trace_buffer *b)
{
	trace_buffer_clear(b);
	free(b->lines);
	*b = (struct trace_buffer){};
}
