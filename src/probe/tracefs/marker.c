/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace_marker and trace_marker_raw: what somebody writes is a line among the events, at this moment. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/num.h"
#include "probe/tracefs/private.h"

/*
 * What one entry of the kernel's ring holds: the data of a sub-buffer of a page, less the heads of event and
 * entry. A longer text is several entries.
 */
#define ENTRY_MAX (4096 - 16 - 8 - 16 - 2)
#define RAW_MAX	  (4096 - 16 - 8 - 8)
#define PRINT_HEAD 16 /* of the event "print", in front of its text */

uint64_t tracefs_now(const struct instance *in)
{
	struct timespec ts;

	clock_gettime(in->boot_clock ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &ts);
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

/* What is said, and in which moment. */
struct mark {
	struct fl_str said;
	char comm[16];
};

static void say(const struct moment *m, struct fl_buf *out)
{
	const struct mark *mark = m->ctx;
	uint64_t usec = (m->rec->time + 500) / 1000;

	fl_buf_addf(out, "%16s-%-7d [%03u] ..... %5" PRIu64 ".%06" PRIu64 ": %.*s\n", mark->comm, (int)m->rec->pid,
		    m->rec->cpu, usec / 1000000, usec % 1000000, FL_STR_ARG(mark->said));
}

/* As the event "print" has it: who wrote it is an address there, which nobody knows here; behind it the text. */
static int make_record(const struct place *p, uint32_t pid, struct fl_str text, struct fl_buf *out)
{
	const struct fl_format *format;
	struct fl_target *target = p->in->fs->target;

	fl_buf_fill(out, '\0', PRINT_HEAD);
	fl_buf_add_str(out, text);
	if (!fl_str_ends(text, "\n"))
		fl_buf_addc(out, '\n');
	fl_buf_addc(out, '\0');
	if (out->error)
		return out->error;
	if (fl_target_format(target, FL_STR("ftrace"), FL_STR("print"), &format) == 0)
		fl_put_le16(out->data, (uint16_t)format->id);
	fl_put_le32(out->data + 4, pid);
	return 0;
}

/*
 * The line that @said stands in, by who writes to @o now. @text: what the event "print" has in its record, behind
 * the address of who writes; NULL: it is another event.
 */
static int add_line(struct fl_open *o, struct fl_str said, const struct fl_str *text)
{
	struct instance *in = o->node->data;
	struct fl_count_record rec = { .time = tracefs_now(in), .pid = (uint32_t)o->caller };
	struct mark mark = { .said = said };
	struct moment m = { .p = place_named(in, FL_STR("ftrace"), FL_STR("print")), .rec = &rec, .passes = true,
			    .always = true, .line = say, .ctx = &mark };
	_cleanup_buf_ struct fl_buf record = {};
	unsigned int cpu;
	int r;

	if (!m.p)
		return -ENOMEM;
	writer_of(o->caller, mark.comm, &cpu);
	rec.cpu = cpu;
	rec.comm = fl_str(mark.comm);
	if (text) {
		r = make_record(m.p, rec.pid, *text, &record);
		if (r < 0)
			return r;
		rec.data = (const uint8_t *)record.data;
		rec.size = PRINT_HEAD + text->n; /* triggers see what was written */
		m.raw = fl_buf_str(&record);
	}
	m.p->passes_pids = text;
	if (place_has_triggers(m.p))
		tracefs_drain(in, true); /* what came before it */
	return moment_pass(&m);
}

/* -EBADF: tracing is off, or the instance is gone. */
static bool is_writable(const struct fl_open *o)
{
	const struct instance *in = o->node->data;

	return in->root && !in->buffer.off;
}

static ssize_t marker_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos)
{
	struct fl_str text = fl_str_n(buf, n);
	int r = 0;

	if (!is_writable(o))
		return -EBADF;
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	do {
		struct fl_str part = fl_str_sub(text, 0, ENTRY_MAX), written = part;
		_cleanup_buf_ struct fl_buf said = {};

		fl_buf_addz(&said, "tracing_mark_write: ");
		fl_buf_add_str(&said, part);
		text = fl_str_from(text, ENTRY_MAX);
		if (!text.n) /* the end of the line, too */
			written.n = (size_t)((const char *)buf + n - part.p);
		r = said.error ? said.error : add_line(o, fl_buf_str(&said), &written);
	} while (r == 0 && text.n);
	return r < 0 ? r : (ssize_t)n;
}

/* A number of four bytes, and data, which the ring keeps in words. */
static ssize_t raw_write(struct fl_open *o, const void *buf, size_t n, uint64_t pos)
{
	_cleanup_buf_ struct fl_buf said = {};
	const uint8_t *data = buf;
	uint32_t id;
	int r;

	if (!is_writable(o))
		return -EBADF;
	if (n < sizeof(id) || n > RAW_MAX)
		return -EINVAL;
	memcpy(&id, data, sizeof(id));
	fl_buf_addf(&said, "# %x buf:", id);
	for (size_t i = sizeof(id); i < (n + 3) / 4 * 4; i++)
		fl_buf_addf(&said, " %02x", i < n ? data[i] : 0);
	r = said.error ? said.error : add_line(o, fl_buf_str(&said), NULL);
	return r < 0 ? r : (ssize_t)n;
}

static void marker_free(struct fl_node *n)
{
	free(n);
}

static const struct fl_node_ops marker_ops = { .write = marker_write, .free = marker_free };
static const struct fl_node_ops raw_ops = { .write = raw_write, .free = marker_free };

static struct fl_node *node_new(struct instance *in, const struct fl_node_ops *ops)
{
	struct fl_node *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct fl_node){ .ops = ops, .type = FL_NODE_FILE, .mode = 0220, .refs = 1, .data = in };
	return instance_owns(in, n);
}

int tracefs_add_markers(struct instance *in)
{
	int r = fl_dir_add(in->root, FL_STR("trace_marker"), node_new(in, &marker_ops));

	return r < 0 ? r : fl_dir_add(in->root, FL_STR("trace_marker_raw"), node_new(in, &raw_ops));
}
