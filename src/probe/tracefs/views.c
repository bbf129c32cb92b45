/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was traced, of all CPUs and of each: trace, trace_pipe and buffer_size_kb, and below per_cpu/cpuN the same with
 * trace_pipe_raw (pages as the kernel's ring has them, which header_page describes) and stats.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "bpf/sys.h"
#include "probe/tracedat/pagewriter.h"
#include "probe/tracefs/private.h"

#define PAGE   4096u
#define MAX_KB (1u << 20)

struct view {
	struct instance *in;
	uint32_t cpu; /* or TRACE_ALL_CPUS */
};

/* ---- the text ---- */

static int trace_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct view *v = attr->data;

	tracefs_drain(v->in, true);
	trace_buffer_show(&v->in->buffer, v->cpu, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), out);
	return 0;
}

static int trace_store(struct fl_node *attr, struct fl_str text)
{
	return 0;
}

static int trace_clear(struct fl_node *attr)
{
	const struct view *v = attr->data;
	size_t at = 0;

	tracefs_drain(v->in, true);
	if (v->cpu == TRACE_ALL_CPUS)
		trace_buffer_clear(&v->in->buffer);
	while (trace_buffer_take_record(&v->in->buffer, v->cpu, &at))
		;
	return 0;
}

static int size_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct view *v = attr->data;

	fl_buf_addf(out, "%zu\n", v->in->buffer.limit >> 10);
	return 0;
}

/* There is one for all, in the order of time: of a CPU's size the largest that anybody asks for is all that is kept. */
static int size_store(struct fl_node *attr, struct fl_str text)
{
	const struct view *v = attr->data;
	uint64_t kb;
	int r = tracefs_number(text, 10, &kb);

	if (r < 0 || kb == 0)
		return r < 0 ? r : -EINVAL;
	if (kb > MAX_KB)
		return -ENOMEM;
	trace_buffer_limit(&v->in->buffer, kb << 10);
	return 0;
}

/*
 * What one reader has taken out of the pipe and not read yet: a shell's read asks for one byte at a time, and the
 * rest of the line is nobody else's.
 */
struct pipe {
	struct fl_buf lines;
	size_t done;
	bool has_read;
};

static int pipe_open(struct fl_open *o)
{
	o->state = calloc(1, sizeof(struct pipe));
	return o->state ? 0 : -ENOMEM;
}

static void pipe_release(struct fl_open *o)
{
	struct pipe *p = o->state;

	fl_buf_fini(&p->lines);
	free(p);
}

static bool has_lines(const struct view *v)
{
	tracefs_drain(v->in, false);
	return trace_buffer_count(&v->in->buffer, v->cpu);
}

/* The end of the pipe comes only where tracing is off and something has been read. */
static ssize_t pipe_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	const struct view *v = o->node->data;
	struct pipe *p = o->state;
	struct fl_str part;
	int r = 0;

	if (p->done == p->lines.len) {
		fl_buf_reset(&p->lines);
		p->done = 0;
		if (!has_lines(v))
			return v->in->buffer.off && p->has_read ? 0 : -EAGAIN;
		r = trace_buffer_take(&v->in->buffer, v->cpu, n, &p->lines);
	}
	if (r < 0)
		return r;
	part = fl_str_sub(fl_buf_str(&p->lines), p->done, n);
	memcpy(buf, part.p, part.n);
	p->done += part.n;
	p->has_read = true;
	return (ssize_t)part.n;
}

static int pipe_poll(struct fl_open *o, short events)
{
	const struct pipe *p = o->state;

	return p->done < p->lines.len || has_lines(o->node->data) ? events & (POLLIN | POLLRDNORM) : 0;
}

/* ---- pages ---- */

/* What one reader has taken out and not read yet. */
struct pages {
	struct fl_page_writer writer;
	struct fl_buf ready; /* whole pages */
	size_t done;
};

static int on_page(void *ctx, struct fl_str page)
{
	struct pages *p = ctx;

	fl_buf_add_str(&p->ready, page);
	fl_buf_fill(&p->ready, '\0', PAGE - page.n);
	return p->ready.error;
}

static int raw_open(struct fl_open *o)
{
	struct pages *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->writer = (struct fl_page_writer){ .size = PAGE, .full = on_page, .ctx = p };
	o->state = p;
	return 0;
}

static void raw_release(struct fl_open *o)
{
	struct pages *p = o->state;

	if (!p)
		return;
	fl_page_writer_fini(&p->writer);
	fl_buf_fini(&p->ready);
	free(p);
}

/* A record that no page holds is told as lost. */
static int put(struct pages *p, const struct trace_line *l)
{
	int r = fl_page_writer_add(&p->writer, l->time, fl_str_n(l->raw, l->nr_raw));

	return r == -E2BIG ? fl_page_writer_lost(&p->writer, 1) : r;
}

/* At least one page, if there is anything. */
static int fill(const struct view *v, struct pages *p)
{
	const struct trace_line *l;
	size_t at = 0;
	int r = 0;

	fl_buf_reset(&p->ready);
	p->done = 0;
	while (r == 0 && !p->ready.len && (l = trace_buffer_take_record(&v->in->buffer, v->cpu, &at)))
		r = put(p, l);
	return r < 0 ? r : fl_page_writer_flush(&p->writer);
}

static ssize_t raw_read(struct fl_open *o, void *buf, size_t n, uint64_t pos)
{
	const struct view *v = o->node->data;
	struct pages *p = o->state;
	struct fl_str part;
	int r = 0;

	if (p->done == p->ready.len) {
		tracefs_drain(v->in, v->in->buffer.off);
		r = fill(v, p);
	}
	if (r < 0 || !p->ready.len)
		return r < 0 ? r : -EAGAIN;
	part = fl_str_sub(fl_buf_str(&p->ready), p->done, n);
	memcpy(buf, part.p, part.n);
	p->done += part.n;
	return (ssize_t)part.n;
}

static int raw_poll(struct fl_open *o, short events)
{
	const struct pages *p = o->state;

	return p->done < p->ready.len || has_lines(o->node->data) ? events & (POLLIN | POLLRDNORM) : 0;
}

/* ---- of one CPU ---- */

static int stats_show(struct fl_node *attr, struct fl_buf *out)
{
	const struct view *v = attr->data;
	uint64_t usec = 0, bytes = 0;

	tracefs_drain(v->in, true);
	for (size_t i = v->in->buffer.end; i-- > v->in->buffer.start;) {
		const struct trace_line *l = &v->in->buffer.lines[i];

		if (!trace_line_is(l, v->cpu))
			continue;
		bytes += l->nr_raw;
		usec = l->time / 1000;
	}
	fl_buf_addf(out, "entries: %zu\noverrun: %" PRIu64 "\ncommit overrun: 0\nbytes: %" PRIu64 "\n",
		    trace_buffer_count(&v->in->buffer, v->cpu), v->in->buffer.overrun[v->cpu % TRACE_BUFFER_CPUS],
		    bytes);
	fl_buf_addf(out, "oldest event ts: %5" PRIu64 ".%06" PRIu64 "\n", usec / 1000000, usec % 1000000);
	usec = tracefs_now(v->in) / 1000;
	fl_buf_addf(out, "now ts: %5" PRIu64 ".%06" PRIu64 "\ndropped events: 0\nread events: %" PRIu64 "\n",
		    usec / 1000000, usec % 1000000, v->in->buffer.taken_out[v->cpu % TRACE_BUFFER_CPUS]);
	return 0;
}

static void plain_free(struct fl_node *n)
{
	free(n);
}

static const struct fl_node_ops pipe_ops = { .open = pipe_open, .release = pipe_release, .read = pipe_read,
					     .poll = pipe_poll, .free = plain_free };
static const struct fl_node_ops raw_ops = { .open = raw_open, .release = raw_release, .read = raw_read,
					    .poll = raw_poll, .free = plain_free };

static int add_pipe(struct view *v, struct fl_node *dir, const char *name, const struct fl_node_ops *ops)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct fl_node){ .ops = ops, .type = FL_NODE_FILE, .mode = 0440, .refs = 1, .data = v };
	return fl_dir_add(dir, fl_str(name), instance_owns(v->in, n));
}

static int add_files(struct view *v, struct fl_node *dir)
{
	static const struct attr_row attrs[] = {
		{ "trace", 0644, { trace_show, trace_store, trace_clear } },
		{ "buffer_size_kb", 0644, { size_show, size_store } },
	};
	static const struct attr_row stats = { "stats", 0444, { stats_show } };
	int r = tracefs_add_attrs(v->in, dir, attrs, FL_ARRAY_SIZE(attrs), v);

	if (r == 0)
		r = add_pipe(v, dir, "trace_pipe", &pipe_ops);
	if (r < 0 || v->cpu == TRACE_ALL_CPUS)
		return r;
	r = add_pipe(v, dir, "trace_pipe_raw", &raw_ops);
	return r < 0 ? r : tracefs_add_attrs(v->in, dir, &stats, 1, v);
}

static struct view *view_new(struct instance *in, uint32_t cpu)
{
	struct view *v = FL_ARENA_NEW(&in->names, struct view);

	if (v)
		*v = (struct view){ in, cpu };
	return v;
}

static int add_cpu(struct instance *in, struct fl_node *per_cpu, uint32_t cpu)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_node *dir = instance_owns(in, fl_dir_new(NULL, in));
	struct view *v = view_new(in, cpu);
	int r;

	fl_buf_addf(&name, "cpu%u", cpu);
	r = fl_dir_add(per_cpu, fl_buf_str(&name), dir);
	if (r < 0)
		return r;
	dir->lasting = per_cpu->lasting;
	return v ? add_files(v, dir) : -ENOMEM;
}

int tracefs_add_views(struct instance *in)
{
	struct fl_node *per_cpu = instance_owns(in, fl_dir_new(NULL, in));
	struct view *all = view_new(in, TRACE_ALL_CPUS);
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int r = fl_dir_add(in->root, FL_STR("per_cpu"), per_cpu);

	if (r < 0)
		return r;
	per_cpu->lasting = in->root->lasting;
	r = all ? add_files(all, in->root) : -ENOMEM;
	for (uint32_t i = 0; i < cpus && i < TRACEFS_MAX_CPUS && r == 0; i++)
		r = add_cpu(in, per_cpu, i);
	return r;
}
