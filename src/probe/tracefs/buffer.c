/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracefs/buffer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* Where lines of one CPU are taken out, holes stay until they come to be the first. */
static void drop(struct trace_buffer *b, size_t i)
{
	struct trace_line *l = &b->lines[i];

	if (l->text) {
		b->bytes -= l->n + l->nr_raw;
		b->count--;
	}
	free(l->text);
	l->text = NULL;
	while (b->start < b->end && !b->lines[b->start].text)
		b->start++;
}

void trace_buffer_clear(struct trace_buffer *b)
{
	while (b->start < b->end)
		drop(b, b->start);
	b->start = b->end = 0;
	b->written = 0;
	memset(b->overrun, 0, sizeof(b->overrun));
	memset(b->taken_out, 0, sizeof(b->taken_out));
}

static int make_room(struct trace_buffer *b)
{
	if (b->end < b->cap)
		return 0;
	if (b->start > b->cap / 2) {
		memmove(b->lines, b->lines + b->start, (b->end - b->start) * sizeof(*b->lines));
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
	while (b->start < b->end && b->bytes > b->limit) {
		b->overrun[b->lines[b->start].cpu % TRACE_BUFFER_CPUS]++;
		drop(b, b->start);
	}
}

int trace_buffer_add(struct trace_buffer *b, uint64_t time, uint32_t cpu, struct fl_str text, struct fl_str raw)
{
	char *copy = malloc(text.n + raw.n + 1);
	size_t at;

	if (!copy || make_room(b) < 0) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, text.p, text.n);
	if (raw.n)
		memcpy(copy + text.n, raw.p, raw.n);
	for (at = b->end; at > b->start && b->lines[at - 1].time > time;)
		at--;
	memmove(b->lines + at + 1, b->lines + at, (b->end - at) * sizeof(*b->lines));
	b->lines[at] = (struct trace_line){ time, copy, text.n, copy + text.n, raw.n, cpu };
	b->end++;
	b->count++;
	b->bytes += text.n + raw.n;
	b->written++;
	trace_buffer_limit(b, b->limit);
	return 0;
}

size_t trace_buffer_count(const struct trace_buffer *b, uint32_t cpu)
{
	size_t n = 0;

	if (cpu == TRACE_ALL_CPUS)
		return b->count;
	for (size_t i = b->start; i < b->end; i++)
		n += trace_line_is(&b->lines[i], cpu);
	return n;
}

int trace_buffer_take(struct trace_buffer *b, uint32_t cpu, size_t size, struct fl_buf *out)
{
	for (size_t i = b->start; i < b->end; i++) {
		const struct trace_line *l = &b->lines[i];

		if (!trace_line_is(l, cpu))
			continue;
		if (out->len && (out->len >= size || l->n > size - out->len))
			break;
		fl_buf_add(out, l->text, l->n);
		if (out->error)
			return out->error;
		b->taken_out[l->cpu % TRACE_BUFFER_CPUS]++;
		drop(b, i);
	}
	return 0;
}

const struct trace_line *trace_buffer_take_record(struct trace_buffer *b, uint32_t cpu, size_t *at)
{
	size_t i = FL_MAX(*at, b->start);

	while (i < b->end && !trace_line_is(&b->lines[i], cpu))
		i++;
	*at = i;
	if (i >= b->end)
		return NULL;
	free(b->taken);
	b->last = b->lines[i];
	b->taken_out[b->last.cpu % TRACE_BUFFER_CPUS]++;
	b->taken = b->lines[i].text;
	b->bytes -= b->last.n + b->last.nr_raw;
	b->count--;
	b->lines[i].text = NULL;
	drop(b, i);
	return &b->last;
}

void trace_buffer_show(const struct trace_buffer *b, uint32_t cpu, unsigned int cpus, struct fl_buf *out)
{
	fl_buf_addf(out, "# tracer: nop\n#\n# entries-in-buffer/entries-written: %zu/%" PRIu64 "   #P:%u\n#\n",
		    trace_buffer_count(b, cpu), b->written, cpus);
	fl_buf_addz(out, "#                                _-----=> irqs-off/BH-disabled\n"
			 "#                               / _----=> need-resched\n"
			 "#                              | / _---=> hardirq/softirq\n"
			 "#                              || / _--=> preempt-depth\n"
			 "#                              ||| / _-=> migrate-disable\n"
			 "#                              |||| /     delay\n"
			 "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
			 "#              | |         |   |||||     |         |\n");
	for (size_t i = b->start; i < b->end; i++)
		if (trace_line_is(&b->lines[i], cpu))
			fl_buf_add(out, b->lines[i].text, b->lines[i].n);
}

void trace_buffer_fini(struct trace_buffer *b)
{
	trace_buffer_clear(b);
	free(b->lines);
	free(b->taken);
	*b = (struct trace_buffer){};
}
