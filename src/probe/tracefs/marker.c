/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace_marker: what somebody writes is a line among the events, at this moment. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/tracefs/private.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/*
 * Who writes waits in write(2), so that its name and its CPU stand still in /proc/PID/stat: "PID (NAME) S ...",
 * the CPU in the 37th field behind the name.
 */
static void writer_of(pid_t pid, char comm[static 16], unsigned int *cpu)
{
	_cleanup_buf_ struct fl_buf path = {};
	_cleanup_file_ struct fl_file f = {};
	struct fl_str name = FL_STR("<...>"), rest = {}, word;
	uint64_t v = 0;

	fl_buf_addf(&path, "/proc/%d/stat", (int)pid);
	if (!path.error && fl_file_open(fl_buf_z(&path), 4096, &f) == 0) {
		struct fl_str text = fl_file_str(&f);
		size_t open = fl_str_find(text, '(', 0), close = text.n;

		while (close > open && text.p[close - 1] != ')')
			close--;
		if (close > open + 1) {
			name = fl_str_sub(text, open + 1, close - 1 - (open + 1));
			rest = fl_str_from(text, close);
		}
	}
	for (int i = 0; i < 37 && fl_str_word(&rest, &word); i++)
		if (i == 36)
			fl_parse_u64(word, 10, &v);
	*cpu = (unsigned int)v;
	name.n = FL_MIN(name.n, (size_t)15);
	memcpy(comm, name.p, name.n);
	comm[name.n] = '\0';
}

static ssize_t marker_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos)
{
	_cleanup_buf_ struct fl_buf line = {};
	struct instance *in = o->node->data;
	struct fl_str text = fl_str_n(buf, n);
	uint64_t now = now_ns(), usec = (now + 500) / 1000;
	unsigned int cpu;
	char comm[16];

	if (in->buffer.off)
		return -EBADF;
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	writer_of(o->caller, comm, &cpu);
	fl_buf_addf(&line, "%16s-%-7d [%03u] ..... %5" PRIu64 ".%06" PRIu64 ": tracing_mark_write: %.*s\n", comm,
		    (int)o->caller, cpu, usec / 1000000, usec % 1000000, FL_STR_ARG(text));
	if (line.error || trace_buffer_add(&in->buffer, now, fl_buf_str(&line)) < 0)
		return -ENOMEM;
	return (ssize_t)n;
}

static void marker_free(struct fl_node *n)
{
	free(n);
}

static const struct fl_node_ops marker_ops = { .write = marker_write, .free = marker_free };

struct fl_node *marker_new(struct instance *in)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct fl_node){ .ops = &marker_ops, .type = FL_NODE_FILE, .mode = 0220, .refs = 1,
				       .data = in };
	return instance_owns(in, n);
}
