/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version 6 is one header: what the kernel's header_page, header_event and format files said, its
 * symbols, formats of trace_printk(), names of processes, options; then a table of where each CPU's
 * pages are. Other buffers than the main one are options that lead to a table of their own.
 */
#include "probe/tracedat/datfile-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "probe/tracedat/ringpage.h"
#include "probe/tracedat/strange.h"

#define MAX_FILE   (1ull << 42)
#define MAX_EVENTS 65536

/* ---- parts ---- */

struct fl_dat_reader fl_dat_reader(const struct fl_datfile *d, struct fl_str part)
{
	return (struct fl_dat_reader){{.p = (const uint8_t *)part.p, .size = part.n}, d->abi};
}

uint64_t fl_dat_number(struct fl_dat_reader *r, unsigned int size)
{
	const uint8_t *p = fl_reader_take(&r->r, size);

	return p ? fl_abi_number(r->abi, p, size) : 0;
}

struct fl_str fl_dat_take(struct fl_dat_reader *r, uint64_t n)
{
	const uint8_t *p = n <= SIZE_MAX ? fl_reader_take(&r->r, n) : NULL;

	if (!p)
		r->r.overrun = true;
	return p ? fl_str_n((const char *)p, n) : (struct fl_str){};
}

struct fl_str fl_dat_take_z(struct fl_dat_reader *r)
{
	struct fl_str rest = fl_str_n((const char *)r->r.p + r->r.pos, r->r.size - r->r.pos);
	size_t n = fl_str_find(rest, '\0', 0);

	return fl_str_sub(fl_dat_take(r, (uint64_t)n + 1), 0, n);
}

/* Room for one more element of a growing array; NULL without memory. */
static void *grow(void **list, size_t n, size_t *cap, size_t size)
{
	if (n == *cap) {
		size_t more = *cap ? *cap * 2 : 64;
		void *p = reallocarray(*list, more, size);

		if (!p)
			return NULL;
		*list = p;
		*cap = more;
	}
	return (char *)*list + n * size;
}

int fl_dat_add_option(struct fl_datfile *d, uint16_t id, struct fl_str data)
{
	struct fl_dat_option *o =
		grow((void **)&d->options, d->nr_options, &d->cap_options, sizeof(*o));

	if (!o)
		return -ENOMEM;
	*o = (struct fl_dat_option){id, data};
	d->nr_options++;
	return 0;
}

struct fl_dat_buffer *fl_dat_add_buffer(struct fl_datfile *d)
{
	struct fl_dat_buffer *b =
		grow((void **)&d->buffers, d->nr_buffers, &d->cap_buffers, sizeof(*b));

	if (b) {
		*b = (struct fl_dat_buffer){};
		d->nr_buffers++;
	}
	return b;
}

static int add_formats(struct fl_datfile *d, struct fl_dat_reader *r, struct fl_str system)
{
	uint32_t n = fl_dat_number(r, 4);

	if (n > MAX_EVENTS)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "number of events");
	for (uint32_t i = 0; i < n && !r->r.overrun; i++) {
		struct fl_str text = fl_dat_take(r, fl_dat_number(r, 8));
		struct fl_dat_format *f =
			grow((void **)&d->formats, d->nr_formats, &d->cap_formats, sizeof(*f));

		if (!f)
			return -ENOMEM;
		*f = (struct fl_dat_format){system, text};
		d->nr_formats += !r->r.overrun;
	}
	return 0;
}

int fl_dat_ftrace_formats(struct fl_datfile *d, struct fl_dat_reader *r)
{
	return add_formats(d, r, FL_STR("ftrace"));
}

int fl_dat_event_formats(struct fl_datfile *d, struct fl_dat_reader *r)
{
	uint32_t systems = fl_dat_number(r, 4);
	int err = 0;

	for (uint32_t i = 0; i < systems && !r->r.overrun && err == 0; i++) {
		struct fl_str system = fl_dat_take_z(r);

		err = add_formats(d, r, system);
	}
	return err;
}

/* The header's long is that of trace-cmd; the kernel's is the size of header_page's "commit". */
int fl_dat_ring_formats(struct fl_datfile *d, struct fl_dat_reader *r)
{
	struct fl_str name = fl_dat_take_z(r), page = fl_dat_take(r, fl_dat_number(r, 8));
	struct fl_ring_format format;

	if (r->r.overrun)
		return 0;
	if (!fl_str_is(name, "header_page") || fl_ring_format_parse(page, &format) < 0)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "header_page");
	d->abi.long_size = format.long_size;
	d->data_offset = format.data_offset;
	d->page_size = FL_MAX(d->page_size, format.page_size);
	name = fl_dat_take_z(r);
	fl_dat_take(r, fl_dat_number(r, 8));
	if (!r->r.overrun && !fl_str_is(name, "header_event"))
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "header_event");
	return 0;
}

void fl_dat_check_stream(struct fl_datfile *d, const struct fl_dat_buffer *b,
			 struct fl_dat_stream *s)
{
	if (fl_range_ok(s->offset, s->size, d->file.size))
		return;
	fl_findings_add(
		&d->findings, FL_DAT_CUT_SHORT, d->path,
		"CPU %u%s%.*s: %llu bytes of records from byte %llu on, and the file has %llu",
		s->cpu, b->name.n ? " of " : "", FL_STR_ARG(b->name), (unsigned long long)s->size,
		(unsigned long long)(s->offset + d->from), (unsigned long long)(d->file.size + d->from));
	s->offset = FL_MIN(s->offset, (uint64_t)d->file.size);
	s->size = FL_MIN(s->size, d->file.size - s->offset);
}

/* ---- version 6 ---- */

static int read_options(struct fl_datfile *d, struct fl_dat_reader *r)
{
	uint16_t id;
	int err = 0;

	while (err == 0 && !r->r.overrun && (id = fl_dat_number(r, 2))) {
		struct fl_str data = fl_dat_take(r, fl_dat_number(r, 4));

		if (!r->r.overrun)
			err = fl_dat_add_option(d, id, data);
	}
	return err;
}

static int read_streams(struct fl_datfile *d, struct fl_dat_reader *r, struct fl_dat_buffer *b,
			uint32_t cpus)
{
	/* Each takes 16 bytes of the file, so that a wrong number ends here. */
	if (cpus > (r->r.size - r->r.pos) / 16)
		return fl_findings_add(&d->findings, FL_DAT_CUT_SHORT, d->path, "table of %u CPUs",
				       cpus);
	b->streams = fl_arena_array(&d->arena, cpus + 1, sizeof(*b->streams));
	if (!b->streams)
		return -ENOMEM;
	for (b->nr_streams = 0; b->nr_streams < cpus; b->nr_streams++) {
		struct fl_dat_stream *s = &b->streams[b->nr_streams];

		s->cpu = b->nr_streams;
		s->offset = fl_dat_number(r, 8);
		s->size = fl_dat_number(r, 8);
		fl_dat_check_stream(d, b, s);
	}
	return 0;
}

/* "[local] global counter": the clock in brackets is the one that was used. */
static struct fl_str chosen_clock(struct fl_str text)
{
	size_t open = fl_str_find(text, '[', 0);

	text = fl_str_from(text, open + 1);
	return fl_str_sub(text, 0, fl_str_find(text, ']', 0));
}

/* A later number of CPUs is the one of the tables: the header's is that of the machine. */
static void correct_cpus(const struct fl_datfile *d, uint32_t *cpus)
{
	const struct fl_dat_option *o = NULL;

	while ((o = fl_datfile_option(d, FL_DAT_CPUCOUNT, o)))
		if (o->data.n >= 4)
			*cpus = fl_abi_u32(d->abi, o->data.p);
}

/* At the cursor: options perhaps, and then what the buffer's data is. */
static int read_buffer(struct fl_datfile *d, struct fl_dat_reader *r, struct fl_str name,
		       uint32_t *cpus)
{
	struct fl_str kind = fl_dat_take(r, 10);
	struct fl_dat_buffer *b;
	int err = 0;

	if (!r->r.overrun && fl_str_eq(kind, fl_str_n("options  ", 10))) {
		err = read_options(d, r);
		kind = fl_dat_take(r, 10);
		correct_cpus(d, cpus);
	}
	if (err < 0 || r->r.overrun)
		return err;
	b = fl_dat_add_buffer(d);
	if (!b)
		return -ENOMEM;
	b->name = name;
	b->page_size = d->page_size;
	if (fl_str_eq(kind, fl_str_n("latency  ", 10))) {
		b->text = fl_dat_take(r, r->r.size - r->r.pos);
		return 0;
	}
	if (!fl_str_eq(kind, fl_str_n("flyrecord", 10)))
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path,
				       "neither records nor a latency trace");
	return read_streams(d, r, b, *cpus);
}

static void read_clock(struct fl_datfile *d, struct fl_dat_reader *r)
{
	/* Its option only says that the file's text follows the table of CPUs. */
	if (fl_datfile_option(d, FL_DAT_TRACECLOCK, NULL))
		d->buffers[0].clock = chosen_clock(fl_dat_take(r, fl_dat_number(r, 8)));
	r->r.overrun = false;
}

/* Another buffer: an option with its place, which counts from the file's start, and its name. */
static int read_instance(struct fl_datfile *d, struct fl_str option, uint32_t cpus)
{
	struct fl_dat_reader o = fl_dat_reader(d, option);
	uint64_t offset = fl_dat_number(&o, 8);
	struct fl_str name = fl_dat_take_z(&o);
	struct fl_dat_reader r = fl_dat_reader(
		d, fl_str_from(fl_file_str(&d->file), FL_MIN(offset, (uint64_t)d->file.size)));
	int err = read_buffer(d, &r, name, &cpus);

	if (err == 0 && (r.r.overrun || o.r.overrun))
		err = fl_findings_add(&d->findings, FL_DAT_CUT_SHORT, d->path, "buffer '%.*s'",
				      FL_STR_ARG(name));
	if (err == 0)
		d->buffers[d->nr_buffers - 1].clock = d->buffers[0].clock;
	return err;
}

/* What one of them cannot show does not keep the others from being shown. */
static int read_instances(struct fl_datfile *d, uint32_t cpus)
{
	size_t n = d->nr_options; /* those that a buffer brings along name no buffers */

	for (size_t i = 0; i < n; i++)
		if (d->options[i].id == FL_DAT_BUFFER &&
		    read_instance(d, d->options[i].data, cpus) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

static int read_version_6(struct fl_datfile *d, struct fl_dat_reader *r)
{
	uint32_t cpus;
	int err;

	err = fl_dat_ring_formats(d, r);
	if (err == 0)
		err = fl_dat_ftrace_formats(d, r);
	if (err == 0)
		err = fl_dat_event_formats(d, r);
	if (err < 0)
		return err;
	d->kallsyms = fl_dat_take(r, fl_dat_number(r, 4));
	d->printk = fl_dat_take(r, fl_dat_number(r, 4));
	d->comms = fl_dat_take(r, fl_dat_number(r, 8));
	cpus = fl_dat_number(r, 4);
	if (!r->r.overrun && cpus > FL_DAT_MAX_CPUS)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "number of CPUs");
	err = read_buffer(d, r, FL_STR(""), &cpus);
	if (err == 0 && r->r.overrun)
		return fl_findings_add(&d->findings, FL_DAT_CUT_SHORT, d->path, "header");
	if (err < 0)
		return err;
	read_clock(d, r);
	return read_instances(d, cpus);
}

/* ---- both ---- */

static int strange(struct fl_datfile *d)
{
	const char *what = fl_strange_file(fl_file_str(&d->file));
	int err = fl_findings_add(&d->findings, FL_DAT_NOT_A_RECORDING, d->path, "%s", "");

	if (what && d->findings.n)
		fl_diag_help(&d->findings.list[d->findings.n - 1], "%s", what);
	return err;
}

static int read_start(struct fl_datfile *d, struct fl_dat_reader *r)
{
	struct fl_str magic = fl_dat_take(r, 10), version;
	uint8_t order, word;

	if (r->r.overrun || !fl_str_eq(magic, FL_STR("\x17\x08\x44tracing")))
		return strange(d);
	version = fl_dat_take_z(r);
	d->version = fl_str_is(version, "6") ? 6 : fl_str_is(version, "7") ? 7 : 0;
	order = fl_dat_number(r, 1);
	word = fl_dat_number(r, 1);
	if (r->r.overrun)
		return fl_findings_add(&d->findings, FL_DAT_CUT_SHORT, d->path, "header");
	if (!d->version)
		return fl_findings_add(&d->findings, FL_DAT_OTHER_VERSION, d->path, "%.*s",
				       FL_STR_ARG(version));
	if (order > 1 || (word != 4 && word != 8))
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path,
				       "byte order and size of a long");
	d->abi = (struct fl_abi){order, word};
	r->abi = d->abi;
	d->page_size = fl_dat_number(r, 4);
	if (!r->r.overrun && (d->page_size < 64 || d->page_size > 1u << 24))
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "page size");
	return 0;
}

int fl_datfile_open(const char *path, struct fl_datfile *ret)
{
	struct fl_dat_reader r;
	int err;

	*ret = (struct fl_datfile){.path = path};
	ret->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	ret->unpacker = FL_ARENA_NEW(&ret->arena, struct fl_unpacker);
	if (!ret->unpacker)
		return -ENOMEM;
	err = fl_file_open_fd(ret->fd, MAX_FILE, &ret->file);
	if (err < 0)
		return err;
	r = fl_dat_reader(ret, fl_file_str(&ret->file));
	err = read_start(ret, &r);
	if (err < 0)
		return err;
	return ret->version == 6 ? read_version_6(ret, &r) : fl_dat_read_sections(ret, &r);
}

/* Of the part that is still mapped nothing is needed: what follows it lies behind it in the file. */
int fl_datfile_follow(struct fl_datfile *d, struct fl_findings *findings, struct fl_datfile *ret)
{
	struct fl_datfile next = {
		.path = d->path, .version = 7, .abi = d->abi, .page_size = d->page_size,
		.data_offset = d->data_offset, .packing = d->packing, .from = d->link_at + 8,
	};
	uint8_t link[8];
	uint64_t offset;
	int err;

	if (!d->link_at || pread(d->fd, link, sizeof(link), (off_t)d->link_at) != sizeof(link))
		return 0;
	offset = fl_abi_u64(d->abi, link);
	if (!offset)
		return 0;
	err = fl_file_open_rest(d->fd, &next.from, MAX_FILE, &next.file);
	if (err < 0)
		return err;
	next.unpacker = FL_ARENA_NEW(&next.arena, struct fl_unpacker);
	if (!next.unpacker) {
		fl_file_close(&next.file);
		return -ENOMEM;
	}
	next.fd = d->fd;
	next.findings = *findings; /* lent */
	err = fl_dat_read_more(&next, offset);
	*findings = next.findings;
	next.findings = (struct fl_findings){};
	d->fd = -1;
	*ret = next;
	if (err < 0)
		fl_datfile_close(ret);
	return err < 0 ? err : 1;
}

void fl_datfile_close(struct fl_datfile *d)
{
	for (size_t i = 0; i < d->nr_unpacked; i++)
		free(d->unpacked[i]);
	free(d->unpacked);
	free(d->formats);
	free(d->options);
	free(d->buffers);
	fl_findings_fini(&d->findings);
	if (d->unpacker)
		fl_unpacker_fini(d->unpacker);
	fl_arena_fini(&d->arena);
	fl_file_close(&d->file);
	if (d->path && d->fd >= 0)
		close(d->fd);
	*d = (struct fl_datfile){};
}

const struct fl_dat_option *fl_datfile_option(const struct fl_datfile *d, uint16_t id,
					      const struct fl_dat_option *after)
{
	for (size_t i = after ? (size_t)(after - d->options) + 1 : 0; i < d->nr_options; i++)
		if (d->options[i].id == id)
			return &d->options[i];
	return NULL;
}

struct fl_str fl_dat_option_text(const struct fl_dat_option *o)
{
	return fl_str_trim(fl_str_sub(o->data, 0, fl_str_find(o->data, '\0', 0)));
}
