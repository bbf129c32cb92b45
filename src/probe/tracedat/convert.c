/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records are put onto pages anew, CPU by CPU: a journal has a short page for each time that it was
 * committed. How many pages there will be has to be known before the first is written, so the first
 * of two rounds only counts them.
 */
#include "probe/tracedat/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "probe/tracedat/comms.h"
#include "probe/tracedat/pages.h"
#include "probe/tracedat/pagewriter.h"
#include "probe/tracedat/ringpage.h"
#include "probe/tracedat/section-writer.h"

#define PAGES_IN_CHUNK 10 /* as trace-cmd has it */

struct stream {
	uint64_t pages;	       /* of FL_PAGE_SIZE */
	uint64_t offset, size; /* in the new file */
};

/* Buffers of one name are one: a journal has one for each time that it was committed. */
struct buffer {
	struct fl_str name, clock;
	struct stream *streams; /* by CPU */
	uint64_t table_at;	/* version 6: where its table is */
};

struct convert {
	struct fl_datfile *d;
	struct fl_dat_convert how;
	int fd;
	uint64_t at; /* bytes written */
	struct buffer *buffers;
	size_t nr_buffers;
	uint32_t nr_cpus;
	struct fl_buf comms; /* one name a process */
	struct fl_buf chunk; /* pages that are to be packed */
	struct stream *current;
};

static int put(struct convert *c, struct fl_str bytes)
{
	struct fl_buf view = {.data = (char *)bytes.p, .len = bytes.n};
	int r = fl_buf_write_fd(&view, c->fd);

	if (r == 0)
		c->at += bytes.n;
	return r;
}

static int put_buf(struct convert *c, const struct fl_buf *b)
{
	return b->error ? b->error : put(c, fl_buf_str(b));
}

static int align(struct convert *c)
{
	_cleanup_buf_ struct fl_buf zeros = {};

	fl_buf_fill(&zeros, 0, (FL_PAGE_SIZE - c->at % FL_PAGE_SIZE) % FL_PAGE_SIZE);
	return put_buf(c, &zeros);
}

/* ---- records, page by page ---- */

static int repack_page(struct fl_page_writer *w, struct fl_ring_page *page, bool *damaged)
{
	struct fl_str record;
	int r = page->missed ? fl_page_writer_lost(w, page->missed) : 0, next = 0;

	while (r == 0 && (next = fl_ring_page_next(page, &record)) > 0)
		r = fl_page_writer_add(w, page->time, record);
	*damaged = next < 0;
	return r;
}

static int repack_stream(struct convert *c, const struct fl_dat_buffer *b,
			 const struct fl_dat_stream *s, struct fl_page_writer *w)
{
	struct fl_dat_pages pages;
	struct fl_ring_page page;
	bool damaged = false;
	struct fl_str bytes;
	int r = fl_dat_pages_open(c->d, b, s, &pages), next = 0;

	while (r == 0 && !damaged && (next = fl_dat_pages_next(&pages, &bytes)) > 0) {
		fl_ring_page_open(&page, bytes, c->d->data_offset, c->d->abi);
		r = repack_page(w, &page, &damaged);
	}
	if (r == -EINVAL || damaged || next == -EINVAL) {
		fl_findings_add(&c->d->findings, FL_DAT_BAD_PAGE, c->d->path,
				"CPU %u: the rest of its records is left out", s->cpu);
		r = 0;
	}
	fl_dat_pages_close(&pages);
	return next == -ENOMEM ? next : r;
}

/* All of one CPU's records in one buffer, through @full. */
static int repack(struct convert *c, const struct buffer *b, uint32_t cpu,
		  int (*full)(void *, struct fl_str))
{
	struct fl_page_writer w = {.full = full, .ctx = c};
	int r = 0;

	for (size_t i = 0; i < c->d->nr_buffers && r == 0; i++) {
		const struct fl_dat_buffer *from = &c->d->buffers[i];

		for (uint32_t k = 0; k < from->nr_streams && r == 0; k++)
			if (fl_str_eq(from->name, b->name) && from->streams[k].cpu == cpu)
				r = repack_stream(c, from, &from->streams[k], &w);
	}
	if (r == 0)
		r = fl_page_writer_flush(&w);
	fl_page_writer_fini(&w);
	return r;
}

static int count_page(void *ctx, struct fl_str page)
{
	struct convert *c = ctx;

	c->current->pages++;
	return 0;
}

static int put_page(void *ctx, struct fl_str page)
{
	_cleanup_buf_ struct fl_buf whole = {};
	struct convert *c = ctx;

	fl_buf_add_str(&whole, page);
	fl_buf_fill(&whole, 0, FL_PAGE_SIZE - page.n);
	return put_buf(c, &whole);
}

static int put_chunk(struct convert *c)
{
	_cleanup_buf_ struct fl_buf block = {}, out = {};
	int r;

	if (!c->chunk.len)
		return 0;
	r = c->chunk.error ? c->chunk.error
			   : fl_pack(c->how.packing, fl_buf_str(&c->chunk), &block);
	fl_dat_put_number(&out, block.len, 4);
	fl_dat_put_number(&out, c->chunk.len, 4);
	fl_buf_add_str(&out, fl_buf_str(&block));
	fl_buf_reset(&c->chunk);
	return r < 0 ? r : put_buf(c, &out);
}

static int pack_page(void *ctx, struct fl_str page)
{
	struct convert *c = ctx;

	fl_buf_add_str(&c->chunk, page);
	fl_buf_fill(&c->chunk, 0, FL_PAGE_SIZE - page.n);
	return c->chunk.len >= PAGES_IN_CHUNK * FL_PAGE_SIZE ? put_chunk(c) : c->chunk.error;
}

/* ---- what there is ---- */

static struct buffer *buffer_named(struct convert *c, struct fl_str name)
{
	for (size_t i = 0; i < c->nr_buffers; i++)
		if (fl_str_eq(c->buffers[i].name, name))
			return &c->buffers[i];
	return NULL;
}

static int add_buffer(struct convert *c, const struct fl_dat_buffer *from)
{
	struct buffer *b = &c->buffers[c->nr_buffers];

	*b = (struct buffer){.name = from->name, .clock = from->clock};
	b->streams = calloc(c->nr_cpus + 1, sizeof(*b->streams));
	if (!b->streams)
		return -ENOMEM;
	c->nr_buffers++;
	return 0;
}

/* The main buffer comes first, and is there also where it is empty. */
static int find_buffers(struct convert *c)
{
	const struct fl_dat_buffer main_buffer = {.name = FL_STR(""),
						  .clock = c->d->nr_buffers ? c->d->buffers[0].clock
									    : FL_STR("")};
	int r;

	for (size_t i = 0; i < c->d->nr_buffers; i++)
		for (uint32_t k = 0; k < c->d->buffers[i].nr_streams; k++)
			c->nr_cpus = FL_MAX(c->nr_cpus, c->d->buffers[i].streams[k].cpu + 1);
	if (c->nr_cpus > 65536)
		return -EINVAL;
	c->buffers = calloc(c->d->nr_buffers + 1, sizeof(*c->buffers));
	if (!c->buffers)
		return -ENOMEM;
	r = add_buffer(c, &main_buffer);
	for (size_t i = 0; i < c->d->nr_buffers && r == 0; i++)
		if (!c->d->buffers[i].text.p && !buffer_named(c, c->d->buffers[i].name))
			r = add_buffer(c, &c->d->buffers[i]);
	return r;
}

static int count_pages(struct convert *c)
{
	int r = 0;

	for (size_t i = 0; i < c->nr_buffers; i++) {
		for (uint32_t cpu = 0; cpu < c->nr_cpus && r == 0; cpu++) {
			c->current = &c->buffers[i].streams[cpu];
			r = repack(c, &c->buffers[i], cpu, count_page);
		}
	}
	/* What is wrong with the pages is told by the round that writes them. */
	return r;
}

/* A journal has a line for each name that a process went by. */
static int list_comms(struct convert *c)
{
	struct fl_comms comms = {};
	int r = fl_comms_read(&comms, c->d->comms);

	if (r == 0)
		fl_comms_write(&comms, &c->comms);
	fl_comms_fini(&comms);
	return r < 0 ? r : c->comms.error;
}

static bool is_kept(const struct fl_dat_option *o)
{
	return o->id != FL_DAT_BUFFER && o->id != FL_DAT_BUFFER_TEXT && o->id != FL_DAT_CPUCOUNT &&
	       o->id != FL_DAT_STRINGS && o->id != FL_DAT_TRACECLOCK &&
	       !(o->id >= FL_DAT_HEADER_INFO && o->id <= FL_DAT_CMDLINES) &&
	       o->id != FL_DAT_BTF_FILE && o->id != FL_DAT_MODULES;
}

static void put_kept_options(const struct convert *c, struct fl_buf *out)
{
	for (size_t i = 0; i < c->d->nr_options; i++)
		if (is_kept(&c->d->options[i]))
			fl_dat_put_option(out, c->d->options[i].id, c->d->options[i].data);
}

static void put_clock(const struct convert *c, struct fl_buf *out)
{
	fl_buf_addf(out, "[%.*s]", FL_STR_ARG(c->buffers[0].clock));
	fl_buf_addc(out, '\0');
}

/* ---- version 6 ---- */

/* The header up to the first table, whose places it needs and which need its length. */
static void put_header(struct convert *c, struct fl_buf *out)
{
	struct fl_datfile *d = c->d;
	_cleanup_buf_ struct fl_buf clock = {};

	fl_dat_put_start(out, 6);
	fl_dat_put_ring_formats(out);
	fl_dat_put_ftrace_formats(out, d->formats, d->nr_formats);
	fl_dat_put_event_formats(out, d->formats, d->nr_formats);
	fl_dat_put_sized(out, d->kallsyms, 4);
	fl_dat_put_sized(out, d->printk, 4);
	fl_dat_put_sized(out, fl_buf_str(&c->comms), 8);
	fl_dat_put_number(out, c->nr_cpus, 4);
	fl_buf_add(out, "options  ", 10);
	put_kept_options(c, out);
	if (c->buffers[0].clock.n) {
		put_clock(c, &clock);
		fl_dat_put_option(out, FL_DAT_TRACECLOCK, fl_buf_str(&clock));
	}
	for (size_t i = 1; i < c->nr_buffers; i++) {
		_cleanup_buf_ struct fl_buf option = {};

		fl_dat_put_number(&option, c->buffers[i].table_at, 8);
		fl_buf_add_str(&option, c->buffers[i].name);
		fl_buf_addc(&option, '\0');
		fl_dat_put_option(out, FL_DAT_BUFFER, fl_buf_str(&option));
	}
	fl_dat_put_number(out, 0, 2);
	for (size_t i = 0; i < c->nr_buffers; i++) {
		c->buffers[i].table_at = out->len;
		fl_buf_add(out, "flyrecord", 10);
		for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
			fl_dat_put_number(out, c->buffers[i].streams[cpu].offset, 8);
			fl_dat_put_number(out, c->buffers[i].streams[cpu].size, 8);
		}
		if (i == 0 && clock.len)
			fl_dat_put_sized(out, fl_buf_str(&clock), 8);
	}
}

static void place_streams(struct convert *c, uint64_t header)
{
	uint64_t at = (header + FL_PAGE_SIZE - 1) / FL_PAGE_SIZE * FL_PAGE_SIZE;

	for (size_t i = 0; i < c->nr_buffers; i++) {
		for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
			struct stream *s = &c->buffers[i].streams[cpu];

			s->offset = at;
			s->size = s->pages * FL_PAGE_SIZE;
			at += s->size;
		}
	}
}

static int write_version_6(struct convert *c)
{
	_cleanup_buf_ struct fl_buf header = {};
	int r;

	put_header(c, &header); /* for its length, and where the tables are */
	place_streams(c, header.len);
	fl_buf_reset(&header);
	put_header(c, &header);
	r = put_buf(c, &header);
	if (r == 0)
		r = align(c);
	for (size_t i = 0; i < c->nr_buffers; i++)
		for (uint32_t cpu = 0; cpu < c->nr_cpus && r == 0; cpu++)
			r = repack(c, &c->buffers[i], cpu, put_page);
	return r;
}

/* ---- version 7 ---- */

static int write_section(struct convert *c, uint16_t id, const struct fl_buf *content,
			 struct fl_buf *options)
{
	_cleanup_buf_ struct fl_buf out = {}, place = {};
	int r = content->error;

	fl_dat_put_number(&place, c->at, 8);
	fl_dat_put_option(options, id, fl_buf_str(&place));
	if (r == 0)
		r = fl_dat_put_section(&out, id, fl_buf_str(content), c->how.packing);
	return r < 0 ? r : put_buf(c, &out);
}

static int write_parts(struct convert *c, struct fl_buf *options)
{
	struct fl_datfile *d = c->d;
	int r = 0;

	for (uint16_t id = FL_DAT_HEADER_INFO; id <= FL_DAT_CMDLINES && r == 0; id++) {
		_cleanup_buf_ struct fl_buf part = {};

		if (id == FL_DAT_HEADER_INFO)
			fl_dat_put_ring_formats(&part);
		else if (id == FL_DAT_FTRACE_EVENTS)
			fl_dat_put_ftrace_formats(&part, d->formats, d->nr_formats);
		else if (id == FL_DAT_EVENT_FORMATS)
			fl_dat_put_event_formats(&part, d->formats, d->nr_formats);
		else if (id == FL_DAT_CMDLINES)
			fl_dat_put_sized(&part, fl_buf_str(&c->comms), 8);
		else
			fl_dat_put_sized(&part, id == FL_DAT_KALLSYMS ? d->kallsyms : d->printk, 4);
		r = write_section(c, id, &part, options);
	}
	return r;
}

/* Sections that are handed on as they are: types, and where modules lie. */
static bool is_section(const struct fl_dat_option *o)
{
	return o->id == FL_DAT_BTF_FILE || o->id == FL_DAT_MODULES;
}

static int write_sections(struct convert *c, struct fl_buf *options)
{
	int r = 0;

	for (size_t i = 0; i < c->d->nr_options && r == 0; i++) {
		_cleanup_buf_ struct fl_buf part = {};
		struct fl_str content;

		if (!is_section(&c->d->options[i]))
			continue;
		r = fl_datfile_section(c->d, &c->d->options[i], &content);
		if (r == -EINVAL) { /* said, and the others are written */
			r = 0;
			continue;
		}
		if (r == 0)
			fl_buf_add_str(&part, content);
		if (r == 0)
			r = write_section(c, c->d->options[i].id, &part, options);
	}
	return r;
}

/* What a latency tracer left has no records: a text, whole. */
static int write_text(struct convert *c, const struct fl_dat_buffer *b, struct fl_buf *options)
{
	_cleanup_buf_ struct fl_buf out = {}, option = {};

	fl_dat_put_number(&option, c->at, 8);
	fl_buf_add_str(&option, b->name);
	fl_buf_addc(&option, '\0');
	fl_buf_add_str(&option, b->clock);
	fl_buf_addc(&option, '\0');
	fl_dat_put_option(options, FL_DAT_BUFFER_TEXT, fl_buf_str(&option));
	fl_dat_put_section(&out, FL_DAT_BUFFER_TEXT, b->text, FL_PACKING_NONE);
	return option.error ? option.error : put_buf(c, &out);
}

static int write_texts(struct convert *c, struct fl_buf *options)
{
	int r = 0;

	for (size_t i = 0; i < c->d->nr_buffers && r == 0; i++)
		if (c->d->buffers[i].text.p)
			r = write_text(c, &c->d->buffers[i], options);
	return r;
}

/* Version 6 has no place for these. */
static bool needs_version_7(const struct fl_datfile *d)
{
	bool needs = false;

	for (size_t i = 0; i < d->nr_options; i++)
		needs |= is_section(&d->options[i]);
	for (size_t i = 0; i < d->nr_buffers; i++)
		needs |= d->buffers[i].text.p != NULL;
	return needs;
}

static int write_stream(struct convert *c, const struct buffer *b, uint32_t cpu)
{
	struct stream *s = &b->streams[cpu];
	bool packed = c->how.packing != FL_PACKING_NONE;
	_cleanup_buf_ struct fl_buf chunks = {};
	int r = packed ? 0 : align(c);

	s->offset = c->at;
	fl_dat_put_number(&chunks, (s->pages + PAGES_IN_CHUNK - 1) / PAGES_IN_CHUNK, 4);
	if (r == 0 && packed)
		r = put_buf(c, &chunks);
	if (r == 0)
		r = repack(c, b, cpu, packed ? pack_page : put_page);
	if (r == 0 && packed)
		r = put_chunk(c);
	s->size = c->at - s->offset;
	return r;
}

static int write_buffer(struct convert *c, struct buffer *b, struct fl_buf *options)
{
	_cleanup_buf_ struct fl_buf head = {}, option = {}, table = {};
	uint64_t start = c->at, size;
	uint32_t cpus = 0;
	int r;

	fl_dat_put_section(&head, FL_DAT_BUFFER, FL_STR(""), FL_PACKING_NONE);
	if (!head.error && c->how.packing != FL_PACKING_NONE)
		head.data[2] = 1; /* it is compressed, by chunks */
	r = put_buf(c, &head);
	for (uint32_t cpu = 0; cpu < c->nr_cpus && r == 0; cpu++) {
		if (!b->streams[cpu].pages)
			continue;
		r = write_stream(c, b, cpu);
		fl_dat_put_number(&table, cpu, 4);
		fl_dat_put_number(&table, b->streams[cpu].offset, 8);
		fl_dat_put_number(&table, b->streams[cpu].size, 8);
		cpus++;
	}
	size = htole64(c->at - start - head.len);
	if (r == 0 && pwrite(c->fd, &size, sizeof(size), start + 8) != sizeof(size))
		r = -EIO;
	fl_dat_put_number(&option, start, 8);
	fl_buf_add_str(&option, b->name);
	fl_buf_addc(&option, '\0');
	fl_buf_add_str(&option, b->clock);
	fl_buf_addc(&option, '\0');
	fl_dat_put_number(&option, FL_PAGE_SIZE, 4);
	fl_dat_put_number(&option, cpus, 4);
	fl_buf_add_str(&option, fl_buf_str(&table));
	fl_dat_put_option(options, FL_DAT_BUFFER, fl_buf_str(&option));
	return r == 0 ? option.error : r;
}

static void put_cpus_and_clock(const struct convert *c, struct fl_buf *options)
{
	_cleanup_buf_ struct fl_buf cpus = {}, clock = {};

	fl_dat_put_number(&cpus, c->nr_cpus, 4);
	fl_dat_put_option(options, FL_DAT_CPUCOUNT, fl_buf_str(&cpus));
	put_clock(c, &clock);
	if (c->buffers[0].clock.n)
		fl_dat_put_option(options, FL_DAT_TRACECLOCK, fl_buf_str(&clock));
}

static int write_version_7(struct convert *c)
{
	_cleanup_buf_ struct fl_buf out = {}, options = {};
	uint64_t link, first;
	int r;

	fl_dat_put_start(&out, 7);
	fl_buf_addz(&out, fl_packing_names[c->how.packing]);
	fl_buf_add(&out, c->how.packing == FL_PACKING_NONE ? "\0\0" : "\0001.0\0",
		   c->how.packing == FL_PACKING_NONE ? 2 : 5);
	link = out.len;
	fl_dat_put_number(&out, 0, 8);
	r = put_buf(c, &out);
	if (r == 0)
		r = write_parts(c, &options);
	if (r == 0)
		r = write_sections(c, &options);
	put_kept_options(c, &options);
	put_cpus_and_clock(c, &options);
	for (size_t i = 0; i < c->nr_buffers && r == 0; i++)
		r = write_buffer(c, &c->buffers[i], &options);
	if (r == 0)
		r = write_texts(c, &options);
	first = htole64(c->at);
	fl_dat_put_option(&options, FL_DAT_DONE, FL_STR("\0\0\0\0\0\0\0\0"));
	fl_buf_reset(&out);
	fl_dat_put_section(&out, FL_DAT_DONE, fl_buf_str(&options), FL_PACKING_NONE);
	if (r == 0)
		r = options.error ? options.error : put_buf(c, &out);
	if (r == 0 && pwrite(c->fd, &first, sizeof(first), link) != sizeof(first))
		r = -EIO;
	return r;
}

int fl_dat_convert(struct fl_datfile *d, struct fl_dat_convert how, int fd)
{
	struct convert c = {.d = d, .how = how, .fd = fd};
	size_t findings;
	int r;

	if (d->abi.big_endian || d->abi.long_size != 8)
		return fl_findings_add(&d->findings, FL_DAT_NOT_WRITTEN, d->path, "%s", "");
	if (needs_version_7(d))
		c.how.version = 7;
	r = find_buffers(&c);
	if (r == 0)
		r = list_comms(&c);
	findings = d->findings.n;
	if (r == 0)
		r = count_pages(&c);
	fl_findings_cut(&d->findings, findings); /* the next round finds them again */
	if (r == 0)
		r = c.how.version == 7 ? write_version_7(&c) : write_version_6(&c);
	for (size_t i = 0; i < c.nr_buffers; i++)
		free(c.buffers[i].streams);
	free(c.buffers);
	fl_buf_fini(&c.chunk);
	fl_buf_fini(&c.comms);
	return r;
}
