/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files beside the events: switches, the trace itself, and what tells of the tracer. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "probe/tracefs/private.h"

/* ---- one word ---- */

static int tracers_show(struct fl_node *attr, struct fl_buf *out)
{
	fl_buf_addz(out, "nop\n");
	return 0;
}

/* Events need no tracer. */
static int tracer_store(struct fl_node *attr, struct fl_str text)
{
	return fl_str_is(fl_str_trim(text), "nop") ? 0 : -EINVAL;
}

static int on_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct tracefs *fs = attr->data;

	fl_buf_addz(out, fs->buffer.off ? "0\n" : "1\n");
	return 0;
}

/* What came before a change is judged by what stood before it. */
static int on_store(struct fl_node *attr, struct fl_str text)
{
	struct tracefs *fs = attr->data;
	uint64_t v;

	if (fl_parse_u64(fl_str_trim(text), 0, &v) < 0)
		return -EINVAL;
	tracefs_drain(fs, true);
	fs->buffer.off = v == 0;
	return 0;
}

static int size_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct tracefs *fs = attr->data;

	fl_buf_addf(out, "%zu\n", fs->buffer.limit >> 10);
	return 0;
}

static int size_store(struct fl_node *attr, struct fl_str text)
{
	struct tracefs *fs = attr->data;
	uint64_t v;

	if (fl_parse_u64(fl_str_trim(text), 10, &v) < 0 || v == 0 || v > 1u << 20)
		return -EINVAL;
	trace_buffer_limit(&fs->buffer, v << 10);
	return 0;
}

/* ---- trace, trace_pipe ---- */

static int trace_show(struct fl_node *attr, struct fl_buf *out)
{
	struct tracefs *fs = attr->data;

	tracefs_drain(fs, true);
	trace_buffer_show(&fs->buffer, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), out);
	return 0;
}

static int trace_store(struct fl_node *attr, struct fl_str text)
{
	return 0;
}

static int trace_clear(struct fl_node *attr)
{
	struct tracefs *fs = attr->data;

	tracefs_drain(fs, true);
	trace_buffer_clear(&fs->buffer);
	return 0;
}

/* The end of the pipe comes only where tracing is off and something has been read. */
static ssize_t pipe_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	struct tracefs *fs = o->node->data;

	tracefs_drain(fs, false);
	if (!trace_buffer_count(&fs->buffer))
		return fs->buffer.off && o->state ? 0 : -EAGAIN;
	o->state = o->node;
	return (ssize_t)trace_buffer_take(&fs->buffer, buf, n);
}

static int pipe_poll(struct fl_open *o, short events)
{
	struct tracefs *fs = o->node->data;

	tracefs_drain(fs, false);
	return trace_buffer_count(&fs->buffer) ? events & (POLLIN | POLLRDNORM) : 0;
}

static void plain_free(struct fl_node *n)
{
	free(n);
}

static const struct fl_node_ops pipe_ops = { .read = pipe_read, .poll = pipe_poll, .free = plain_free };

static struct fl_node *pipe_new(struct tracefs *fs)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct fl_node){ .ops = &pipe_ops, .type = FL_NODE_FILE, .mode = 0440, .refs = 1,
				       .data = fs };
	return n;
}

/* ---- trace_marker ---- */

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
	struct tracefs *fs = o->node->data;
	struct fl_str text = fl_str_n(buf, n);
	uint64_t now = now_ns(), usec = (now + 500) / 1000;
	unsigned int cpu;
	char comm[16];

	if (fs->buffer.off)
		return -EBADF;
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	writer_of(o->caller, comm, &cpu);
	fl_buf_addf(&line, "%16s-%-7d [%03u] ..... %5" PRIu64 ".%06" PRIu64 ": tracing_mark_write: %.*s\n", comm,
		    (int)o->caller, cpu, usec / 1000000, usec % 1000000, FL_STR_ARG(text));
	if (line.error || trace_buffer_add(&fs->buffer, now, fl_buf_str(&line)) < 0)
		return -ENOMEM;
	return (ssize_t)n;
}

static const struct fl_node_ops marker_ops = { .write = marker_write, .free = plain_free };

static struct fl_node *marker_new(struct tracefs *fs)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct fl_node){ .ops = &marker_ops, .type = FL_NODE_FILE, .mode = 0220, .refs = 1,
				       .data = fs };
	return n;
}

/* ---- events in one file ---- */

static int set_event_show(struct fl_node *attr, struct fl_buf *out)
{
	tracefs_show_enabled(attr->data, out);
	return 0;
}

static int set_event_store(struct fl_node *attr, struct fl_str text)
{
	struct fl_str word;
	int r = 0;

	while (r == 0 && fl_str_word(&text, &word))
		r = tracefs_set_event(attr->data, word);
	return r;
}

static int set_event_clear(struct fl_node *attr)
{
	tracefs_set_event(attr->data, FL_STR("!*:*"));
	return 0;
}

static int functions_show(struct fl_node *attr, struct fl_buf *out)
{
	tracefs_enabled_functions(attr->data, out);
	return 0;
}

static int profile(struct tracefs *fs, enum fl_probe_kind kind, struct fl_buf *out)
{
	for (size_t i = 0; i < fs->events.n; i++) {
		const struct fl_probe_event *e = fs->events.events[i];
		uint64_t hits, missed;

		if (e->kind != kind)
			continue;
		tracefs_profile(fs, e, &hits, &missed);
		if (kind == FL_PROBE_UPROBE)
			fl_buf_addf(out, "  %.*s %-44.*s %15" PRIu64 "\n", FL_STR_ARG(e->place.path),
				    FL_STR_ARG(e->event), hits);
		else
			fl_buf_addf(out, "  %-44.*s %15" PRIu64 " %15" PRIu64 "\n", FL_STR_ARG(e->event), hits,
				    missed);
	}
	return out->error;
}

static int kprobe_profile_show(struct fl_node *attr, struct fl_buf *out)
{
	return profile(attr->data, FL_PROBE_KPROBE, out);
}

static int uprobe_profile_show(struct fl_node *attr, struct fl_buf *out)
{
	return profile(attr->data, FL_PROBE_UPROBE, out);
}

static const struct {
	const char *name;
	mode_t mode;
	struct fl_attr_ops ops;
} attrs[] = {
	{ "available_tracers", 0444, { tracers_show } },
	{ "current_tracer", 0644, { tracers_show, tracer_store } },
	{ "tracing_on", 0644, { on_show, on_store } },
	{ "buffer_size_kb", 0644, { size_show, size_store } },
	{ "trace", 0644, { trace_show, trace_store, trace_clear } },
	{ "set_event", 0644, { set_event_show, set_event_store, set_event_clear } },
	{ "enabled_functions", 0444, { functions_show } },
	{ "kprobe_profile", 0444, { kprobe_profile_show } },
	{ "uprobe_profile", 0444, { uprobe_profile_show } },
};

int tracefs_add_controls(struct fl_node *root, struct tracefs *fs)
{
	int r = 0;

	for (size_t i = 0; i < FL_ARRAY_SIZE(attrs) && r == 0; i++)
		r = fl_dir_add(root, fl_str(attrs[i].name), fl_attr_new(&attrs[i].ops, attrs[i].mode, fs));
	if (r == 0)
		r = fl_dir_add(root, FL_STR("trace_pipe"), pipe_new(fs));
	return r < 0 ? r : fl_dir_add(root, FL_STR("trace_marker"), marker_new(fs));
}
