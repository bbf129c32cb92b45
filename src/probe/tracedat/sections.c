/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version 7: behind the page size stand the name of the compression and the place of the first
 * section of options, whose last option leads to the next one. Options say where the other sections
 * are, in any order, so all options are read before the first section is.
 *
 *	id:2 flags:2 description:4 size:8	what every section begins with
 *	packed:4 unpacked:4 DATA		a section that is compressed (flag 1)
 */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "probe/tracedat/datfile-private.h"
#include "probe/tracedat/pages.h"

#define FLAG_PACKED  1
#define MAX_SECTIONS 4096
#define MAX_OPTIONS  (1u << 20)
#define MAX_UNPACKED (512u << 20) /* of one section; a kernel's symbols are 16 MiB */

struct section {
	struct fl_str content; /* unpacked; of buffers nothing */
	uint64_t offset;       /* of what follows its head, in @d->file */
	uint64_t size;	       /* in the file */
	bool is_packed;
};

static int bad_section(struct fl_datfile *d, enum fl_dat_error code, uint16_t id, uint64_t offset)
{
	return fl_findings_add(&d->findings, code, d->path, "section %u at byte %llu", id,
			       (unsigned long long)offset);
}

/* Memory that stays until the file is closed. */
static int keep_unpacked(struct fl_datfile *d, void *p)
{
	if (d->nr_unpacked == d->cap_unpacked) {
		size_t cap = d->cap_unpacked ? d->cap_unpacked * 2 : 16;
		void **more = reallocarray(d->unpacked, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		d->unpacked = more;
		d->cap_unpacked = cap;
	}
	d->unpacked[d->nr_unpacked++] = p;
	return 0;
}

static int unpack_section(struct fl_datfile *d, struct fl_dat_reader *r, struct fl_str *ret)
{
	uint32_t packed = fl_dat_number(r, 4), size = fl_dat_number(r, 4);
	struct fl_str block = fl_dat_take(r, packed);
	_cleanup_free_ void *out = NULL;
	size_t made;
	int err;

	if (r->r.overrun || size > MAX_UNPACKED)
		return -EINVAL;
	out = malloc(size + 1);
	if (!out)
		return -ENOMEM;
	err = fl_unpack(d->unpacker, d->packing, block, out, size, &made);
	if (err == 0)
		err = keep_unpacked(d, out);
	if (err < 0)
		return err;
	*ret = fl_str_n(TAKE_PTR(out), made);
	return 0;
}

/* The section at @offset, which is to be one of @id. */
static int open_section(struct fl_datfile *d, uint16_t id, uint64_t offset, bool with_content,
			struct section *ret)
{
	struct fl_str file = fl_file_str(&d->file);
	uint64_t at = offset - d->from; /* what lies before it is beyond every end */
	struct fl_dat_reader r = fl_dat_reader(d, fl_str_from(file, FL_MIN(at, (uint64_t)file.n)));
	uint16_t is = fl_dat_number(&r, 2), flags = fl_dat_number(&r, 2);
	int err = 0;

	fl_dat_number(&r, 4); /* a description */
	*ret = (struct section){.size = fl_dat_number(&r, 8), .is_packed = flags & FLAG_PACKED};
	ret->offset = at + r.r.pos;
	if (r.r.overrun)
		return bad_section(d, FL_DAT_CUT_SHORT, id, offset);
	if (is != id)
		return bad_section(d, FL_DAT_BAD_PART, id, offset);
	if (!with_content)
		return 0;
	if (!ret->is_packed)
		ret->content = fl_dat_take(&r, FL_MIN(ret->size, (uint64_t)(r.r.size - r.r.pos)));
	else
		err = unpack_section(d, &r, &ret->content);
	return err == -EINVAL ? bad_section(d, FL_DAT_BAD_PART, id, offset) : err;
}

/* One section of options; @next is where the one behind it is, 0 where there is none. */
static int read_options(struct fl_datfile *d, uint64_t offset, uint64_t *next)
{
	struct fl_dat_reader r;
	struct section s;
	int err = open_section(d, FL_DAT_DONE, offset, true, &s);

	*next = 0;
	r = fl_dat_reader(d, s.content);
	while (err == 0 && r.r.pos < r.r.size) {
		uint16_t id = fl_dat_number(&r, 2);
		struct fl_str data = fl_dat_take(&r, fl_dat_number(&r, 4));

		if (r.r.overrun || d->nr_options > MAX_OPTIONS)
			return bad_section(d, FL_DAT_CUT_SHORT, FL_DAT_DONE, offset);
		if (id == FL_DAT_DONE) {
			*next = data.n >= 8 ? fl_abi_u64(d->abi, data.p) : 0;
			if (data.n >= 8 && !s.is_packed)
				d->link_at = d->from + (uint64_t)((const uint8_t *)data.p - d->file.data);
			return 0;
		}
		err = fl_dat_add_option(d, id, data);
	}
	return err;
}

static int read_all_options(struct fl_datfile *d, uint64_t offset)
{
	int err = 0;

	for (unsigned int i = 0; err == 0 && offset; i++) {
		if (i == MAX_SECTIONS)
			return bad_section(d, FL_DAT_BAD_PART, FL_DAT_DONE, offset);
		err = read_options(d, offset, &offset);
		/* What a later one would have said is missing, and said to be so. */
		if (err == -EINVAL && d->nr_options)
			return 0;
	}
	return err;
}

static struct fl_str sized(struct fl_dat_reader *r, unsigned int bytes_of_size)
{
	uint64_t n = fl_dat_number(r, bytes_of_size);

	return fl_dat_take(r, n);
}

static int read_section(struct fl_datfile *d, uint16_t id, struct fl_str content)
{
	struct fl_dat_reader r = fl_dat_reader(d, content);
	int err = 0;

	switch (id) {
	case FL_DAT_HEADER_INFO:
		err = fl_dat_ring_formats(d, &r);
		break;
	case FL_DAT_FTRACE_EVENTS:
		err = fl_dat_ftrace_formats(d, &r);
		break;
	case FL_DAT_EVENT_FORMATS:
		err = fl_dat_event_formats(d, &r);
		break;
	case FL_DAT_PRINTK:
		d->printk = sized(&r, 4);
		break;
	}
	return err == 0 && r.r.overrun ? -EINVAL : err;
}

int fl_datfile_section(struct fl_datfile *d, const struct fl_dat_option *o, struct fl_str *ret)
{
	struct section s;
	int err;

	if (o->data.n < 8)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "an option that leads to no section");
	err = open_section(d, o->id, fl_abi_u64(d->abi, o->data.p), true, &s);
	if (err == 0)
		*ret = s.content;
	return err;
}

/* Lines of each such section, in the order of the file: a journal has many. */
static int read_lines(struct fl_datfile *d, uint16_t id, unsigned int bytes_of_size, struct fl_str *ret)
{
	const struct fl_dat_option *o = NULL;
	struct fl_buf all = {};
	struct section s;
	int err = 0;

	while (err != -ENOMEM && (o = fl_datfile_option(d, id, o))) {
		struct fl_dat_reader r;
		struct fl_str lines;

		err = o->data.n >= 8 ? open_section(d, id, fl_abi_u64(d->abi, o->data.p), true, &s) : 0;
		if (err < 0 || o->data.n < 8)
			continue;
		r = fl_dat_reader(d, s.content);
		lines = sized(&r, bytes_of_size);
		if (r.r.overrun)
			bad_section(d, FL_DAT_CUT_SHORT, id, s.offset);
		fl_buf_add_str(&all, fl_str_sub(lines, 0, fl_str_find(lines, '\0', 0)));
	}
	if (err != -ENOMEM && all.data)
		err = all.error ? all.error : keep_unpacked(d, all.data);
	if (err == -ENOMEM) {
		fl_buf_fini(&all);
		return err;
	}
	*ret = fl_buf_str(&all);
	return 0;
}

/* The last of several options with one number counts. */
static int read_part(struct fl_datfile *d, uint16_t id)
{
	const struct fl_dat_option *o = NULL, *last = NULL;
	struct section s;
	uint64_t offset;
	int err;

	while ((o = fl_datfile_option(d, id, o)))
		last = o;
	if (!last || last->data.n < 8)
		return 0;
	offset = fl_abi_u64(d->abi, last->data.p);
	err = open_section(d, id, offset, true, &s);
	if (err < 0)
		return err;
	err = read_section(d, id, s.content);
	return err == -EINVAL ? bad_section(d, FL_DAT_CUT_SHORT, id, offset) : err;
}

static int read_streams(struct fl_datfile *d, struct fl_dat_reader *r, struct fl_dat_buffer *b)
{
	uint32_t cpus;

	b->page_size = fl_dat_number(r, 4);
	cpus = fl_dat_number(r, 4);
	if (r->r.overrun || cpus > (r->r.size - r->r.pos) / 20)
		return fl_findings_add(&d->findings, FL_DAT_CUT_SHORT, d->path, "table of %u CPUs",
				       cpus);
	if (b->page_size < 64 || b->page_size > 1u << 24)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path, "page size");
	b->streams = fl_arena_array(&d->arena, cpus + 1, sizeof(*b->streams));
	if (!b->streams)
		return -ENOMEM;
	for (b->nr_streams = 0; b->nr_streams < cpus; b->nr_streams++) {
		struct fl_dat_stream *s = &b->streams[b->nr_streams];

		s->cpu = fl_dat_number(r, 4);
		s->offset = fl_dat_number(r, 8) - d->from;
		s->size = fl_dat_number(r, 8);
		fl_dat_check_stream(d, b, s);
	}
	return 0;
}

/* The text of a latency tracer, whole. */
static int read_text(struct fl_datfile *d, const struct section *s, struct fl_dat_buffer *b)
{
	struct fl_dat_stream all = {.offset = s->offset, .size = s->size};
	struct fl_buf text = {};
	int err;

	fl_dat_check_stream(d, b, &all);
	err = fl_dat_whole(d, &all, s->is_packed, MAX_UNPACKED, &text);
	if (err == 0)
		err = keep_unpacked(d, text.data);
	if (err < 0) {
		fl_buf_fini(&text);
		return err;
	}
	b->text = fl_buf_str(&text);
	return 0;
}

static int read_buffer(struct fl_datfile *d, const struct fl_dat_option *o)
{
	struct fl_dat_reader r = fl_dat_reader(d, o->data);
	uint64_t offset = fl_dat_number(&r, 8);
	struct fl_dat_buffer *b = fl_dat_add_buffer(d);
	struct section s;
	int err;

	if (!b)
		return -ENOMEM;
	b->name = fl_dat_take_z(&r);
	b->clock = fl_dat_take_z(&r);
	if (r.r.overrun)
		return bad_section(d, FL_DAT_CUT_SHORT, o->id, offset);
	err = open_section(d, o->id, offset, false, &s);
	if (err < 0)
		return err;
	b->is_packed = s.is_packed;
	if (o->id == FL_DAT_BUFFER)
		return read_streams(d, &r, b);
	err = read_text(d, &s, b);
	return err == -EINVAL ? bad_section(d, FL_DAT_BAD_PART, o->id, offset) : err;
}

/* A buffer that cannot be read is a finding; the others are shown. */
static int read_buffers(struct fl_datfile *d)
{
	for (size_t i = 0; i < d->nr_options; i++) {
		bool is_buffer =
			d->options[i].id == FL_DAT_BUFFER || d->options[i].id == FL_DAT_BUFFER_TEXT;

		if (is_buffer && read_buffer(d, &d->options[i]) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

/* What comes again and again while a journal grows. */
static int read_growing(struct fl_datfile *d)
{
	if (read_lines(d, FL_DAT_KALLSYMS, 4, &d->kallsyms) < 0 || read_lines(d, FL_DAT_CMDLINES, 8, &d->comms) < 0)
		return -ENOMEM;
	return read_buffers(d);
}

int fl_dat_read_sections(struct fl_datfile *d, struct fl_dat_reader *r)
{
	struct fl_str packing = fl_dat_take_z(r);
	uint64_t offset;
	int err;

	fl_dat_take_z(r); /* the version of its library */
	offset = fl_dat_number(r, 8);
	if (r->r.overrun)
		return fl_findings_add(&d->findings, FL_DAT_CUT_SHORT, d->path, "header");
	if (fl_packing_find(packing, &d->packing) < 0)
		return fl_findings_add(&d->findings, FL_DAT_OTHER_PACKING, d->path, "%.*s",
				       FL_STR_ARG(packing));
	err = read_all_options(d, offset);
	if (err == 0)
		err = read_part(d, FL_DAT_HEADER_INFO);
	if (err < 0)
		return err;
	if (!d->data_offset)
		return fl_findings_add(&d->findings, FL_DAT_BAD_PART, d->path,
				       "no header_page in it");
	for (uint16_t id = FL_DAT_FTRACE_EVENTS; id <= FL_DAT_PRINTK; id++)
		if (id != FL_DAT_KALLSYMS && read_part(d, id) == -ENOMEM)
			return -ENOMEM;
	return read_growing(d);
}

int fl_dat_read_more(struct fl_datfile *d, uint64_t offset)
{
	int err = read_all_options(d, offset);

	return err == -ENOMEM ? err : read_growing(d);
}
