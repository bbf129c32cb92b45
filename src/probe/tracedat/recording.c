/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each CPU of each buffer of each file is a cursor, which holds its next record. The cursors with a
 * record are a heap by time, so that the next record of all is on top; behind it the cursor moves on
 * and sinks to its place. Records with the same time come in the order of the files, buffers, CPUs.
 */
#include "probe/tracedat/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/util.h"
#include "btf/ksyms.h"
#include "probe/tracedat/comms.h"
#include "probe/tracedat/datfile.h"
#include "probe/tracedat/pages.h"
#include "probe/tracedat/ringpage.h"
#include "probe/tracedat/timeline.h"
#include "probe/tracedat/userframes.h"

struct event {
	struct fl_format format;
	struct fl_event_printer printer;
	struct fl_printfmt *text; /* NULL: it is shown by its fields */
	struct fl_recorded_quick quick;
	bool is_missing; /* its number has no format, which has been said */
};

struct source {
	struct fl_datfile file;
	struct fl_datfile part; /* what was added last, where it is followed; no path: nothing was */
	struct fl_buf symbols;	/* lines of @ksyms, where they have become more */
	struct event *events;
	size_t nr_events;
	struct event **by_id; /* 65536 of them */
	struct fl_ksyms *ksyms;
	struct fl_printk printk;
	struct fl_comms comms;
	struct fl_timeline timeline;
	struct fl_user_frames users;
	size_t findings_told;
};

struct cursor {
	struct source *source;
	const struct fl_dat_buffer *buffer;
	struct fl_recorded shown; /* what the caller has of it, once it had one */
	bool was_shown;
	struct fl_dat_pages pages;
	struct fl_ring_page page; /* the current one */
	struct fl_str record;	  /* p NULL: none is left */
	uint64_t time;		  /* of the record */
	uint64_t missed;	  /* before it */
};

struct fl_recording {
	struct source **sources;
	size_t nr_sources;
	struct cursor *cursors;
	size_t nr_cursors;
	struct cursor **heap;
	size_t nr_heap;
	bool is_started, is_handed_out; /* the top's record is what the caller has */
	struct fl_arena arena;
	struct fl_buf summary;
	size_t source_width;
};

/* ---- what a file says ---- */

static int add_event(struct source *s, const struct fl_dat_format *f)
{
	struct event *e = &s->events[s->nr_events];
	struct fl_str name = f->text;

	/* An event that we cannot read is an event that is shown as bytes; the rest is not lost. */
	if (fl_format_parse(f->system, f->text, &s->file.arena, NULL, &e->format) < 0) {
		fl_str_line(&name, &name);
		fl_findings_add(&s->file.findings, FL_DAT_BAD_EVENT, s->file.path, "%.*s: %.*s",
				FL_STR_ARG(f->system), (int)FL_MIN(name.n, (size_t)80), name.p);
		return 0;
	}
	if (fl_event_printer_make(&e->format, &s->file.arena, &e->printer) < 0)
		return -ENOMEM;
	s->nr_events++;
	/* Those of probes are printed as the kernel does, which their print fmt does not say. */
	if (!fl_event_is_probe(&e->format) &&
	    fl_printfmt_parse(&e->format, s->file.abi, &s->file.arena, &e->text) == -ENOMEM)
		return -ENOMEM;
	e->quick = fl_recorded_quick(&e->format, &e->printer, e->text);
	return 0;
}

static int read_events(struct source *s)
{
	int err = 0;

	s->events = calloc(s->file.nr_formats + 1, sizeof(*s->events));
	s->by_id = calloc(65536, sizeof(*s->by_id));
	if (!s->events || !s->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < s->file.nr_formats && err == 0; i++)
		err = add_event(s, &s->file.formats[i]);
	for (size_t i = 0; i < s->nr_events; i++)
		if (s->events[i].format.id < 65536)
			s->by_id[s->events[i].format.id] = &s->events[i];
	return err;
}

static void read_symbols(struct source *s, struct fl_str text)
{
	/* trace-cmd counts the NUL in. */
	text = fl_str_sub(text, 0, fl_str_find(text, '\0', 0));
	if (!text.n || fl_ksyms_from_text(text, s->file.path, NULL, &s->ksyms) == 0)
		return;
	s->ksyms = NULL;
	fl_findings_add(&s->file.findings, FL_DAT_BAD_SYMBOLS, s->file.path, "%s", "");
}

static void check_options(struct source *s, const struct fl_datfile *f)
{
	for (size_t i = 0; i < f->nr_options; i++)
		if (f->options[i].id >= _FL_DAT_OPTION_MAX)
			fl_findings_add(&s->file.findings, FL_DAT_UNKNOWN_OPTION, s->file.path,
					"number %u, %zu bytes", f->options[i].id, f->options[i].data.n);
}

/* Of all that trace-cmd says of the run, what was counted; it has one such text a CPU. */
static void add_summary(struct fl_recording *r, const struct fl_datfile *f)
{
	const struct fl_dat_option *o = NULL;

	while ((o = fl_datfile_option(f, FL_DAT_CPUSTAT, o))) {
		struct fl_str text = fl_dat_option_text(o);

		if (text.n)
			fl_buf_addf(&r->summary, "%.*s\n", FL_STR_ARG(text));
	}
}

static void free_source(struct source *s)
{
	fl_ksyms_close(s->ksyms);
	fl_comms_fini(&s->comms);
	fl_timeline_fini(&s->timeline);
	fl_user_frames_fini(&s->users);
	fl_datfile_close(&s->part);
	fl_datfile_close(&s->file);
	fl_buf_fini(&s->symbols);
	free(s->events);
	free(s->by_id);
	free(s);
}

static int read_source(struct fl_recording *r, struct source *s)
{
	int err = read_events(s);

	if (err == 0)
		err = fl_printk_read(s->file.printk, &s->file.arena, &s->printk);
	if (err == 0)
		err = fl_comms_read(&s->comms, s->file.comms);
	if (err == 0)
		err = fl_timeline_read(&s->timeline, &s->file);
	if (err == 0)
		err = fl_user_frames_read(&s->users, &s->file, &s->timeline);
	if (err < 0)
		return err;
	read_symbols(s, s->file.kallsyms);
	check_options(s, &s->file);
	add_summary(r, &s->file);
	return 0;
}

int fl_recording_add(struct fl_recording *r, const char *path)
{
	struct source **more = reallocarray(r->sources, r->nr_sources + 1, sizeof(*more));
	struct source *s = more ? calloc(1, sizeof(*s)) : NULL;
	int err;

	if (more)
		r->sources = more;
	if (!s)
		return -ENOMEM;
	r->sources[r->nr_sources++] = s; /* for its findings also where it cannot be read */
	err = fl_datfile_open(path, &s->file);
	if (err == 0)
		err = read_source(r, s);
	if (err < 0)
		s->file.nr_buffers = 0;
	return err;
}

/* ---- cursors ---- */

static void bad_page(struct cursor *c)
{
	fl_findings_add(&c->source->file.findings, FL_DAT_BAD_PAGE, c->source->file.path,
			"CPU %u%s%.*s: the rest of its records is left out", c->shown.cpu,
			c->buffer->name.n ? " of " : "", FL_STR_ARG(c->buffer->name));
}

/* Moves to the next record; without one @c->record.p is NULL. 0 or -ENOMEM. */
static int advance(struct cursor *c)
{
	struct fl_str page;
	int r;

	c->missed = 0;
	for (;;) {
		r = fl_ring_page_next(&c->page, &c->record);
		if (r > 0) {
			c->time = fl_timeline_at(&c->source->timeline, c->shown.cpu, c->page.time);
			return 0;
		}
		if (r == 0)
			r = fl_dat_pages_next(&c->pages, &page);
		c->record = (struct fl_str){};
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			bad_page(c);
		if (r <= 0)
			return 0;
		fl_ring_page_open(&c->page, page, c->source->file.data_offset, c->source->file.abi);
		if (c->page.missed)
			c->missed = c->missed == UINT64_MAX || c->page.missed == UINT64_MAX ?
					    UINT64_MAX :
					    c->missed + c->page.missed;
	}
}

static bool is_before(const struct cursor *a, const struct cursor *b)
{
	return a->time != b->time ? a->time < b->time : a < b;
}

static void sink(struct fl_recording *r, size_t at)
{
	struct cursor *c = r->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < r->nr_heap && is_before(r->heap[child + 1], r->heap[child]))
			child++;
		if (child >= r->nr_heap || !is_before(r->heap[child], c))
			break;
		r->heap[at] = r->heap[child];
		at = child;
	}
	r->heap[at] = c;
}

/* "", "foo", "guest.dat", "guest.dat:foo": what tells one source from the others. */
static struct fl_str name_of(struct fl_recording *r, const struct source *s, const struct fl_dat_buffer *b)
{
	const char *slash = strrchr(s->file.path, '/');
	_cleanup_buf_ struct fl_buf name = {};
	char *copy;

	if (r->nr_sources == 1)
		return b->name;
	fl_buf_addz(&name, slash ? slash + 1 : s->file.path);
	if (b->name.n)
		fl_buf_addf(&name, ":%.*s", FL_STR_ARG(b->name));
	copy = fl_arena_dup(&r->arena, fl_buf_str(&name));
	return copy ? fl_str_n(copy, name.len) : b->name;
}

static int open_cursor(struct fl_recording *r, struct source *s, const struct fl_datfile *f,
		       const struct fl_dat_buffer *b, struct fl_str name, uint32_t i)
{
	struct cursor *c = &r->cursors[r->nr_cursors];

	*c = (struct cursor){
		.source = s,
		.buffer = b,
		.shown = {
			.abi = s->file.abi, .cpu = b->streams[i].cpu, .ksyms = s->ksyms, .printk = &s->printk,
			.users = &s->users, .source = name, .buffer = b->name,
			.raw_time = fl_timeline_is_raw(&s->timeline, b->clock),
		},
	};
	if (fl_dat_pages_open(f, b, &b->streams[i], &c->pages) < 0) {
		bad_page(c);
		return 0;
	}
	r->nr_cursors++;
	return advance(c);
}

static int open_cursors(struct fl_recording *r, struct source *s, const struct fl_datfile *f)
{
	int err = 0;

	for (size_t i = 0; i < f->nr_buffers; i++) {
		const struct fl_dat_buffer *b = &f->buffers[i];
		struct fl_str name = name_of(r, s, b);

		r->source_width = FL_MAX(r->source_width, name.n);
		for (uint32_t k = 0; k < b->nr_streams && err == 0; k++)
			err = open_cursor(r, s, f, b, name, k);
	}
	return err;
}

static size_t count_streams(const struct fl_datfile *f)
{
	size_t n = 0;

	for (size_t k = 0; k < f->nr_buffers; k++)
		n += f->buffers[k].nr_streams;
	return n;
}

static void close_cursors(struct fl_recording *r)
{
	for (size_t i = 0; i < r->nr_cursors; i++)
		fl_dat_pages_close(&r->cursors[i].pages);
	free(r->cursors);
	free(r->heap);
	r->cursors = NULL;
	r->heap = NULL;
	r->nr_cursors = r->nr_heap = 0;
}

/* For @n cursors, which are to be opened. */
static int make_room(struct fl_recording *r, size_t n)
{
	close_cursors(r);
	r->cursors = calloc(n + 1, sizeof(*r->cursors));
	r->heap = calloc(n + 1, sizeof(*r->heap));
	return r->cursors && r->heap ? 0 : -ENOMEM;
}

static void fill_heap(struct fl_recording *r)
{
	for (size_t i = 0; i < r->nr_cursors; i++)
		if (r->cursors[i].record.p)
			r->heap[r->nr_heap++] = &r->cursors[i];
	for (size_t i = r->nr_heap / 2; i-- > 0;)
		sink(r, i);
}

static struct fl_str clock_of(const struct source *s)
{
	return s->file.nr_buffers ? s->file.buffers[0].clock : FL_STR("");
}

static void compare_clocks(struct fl_recording *r)
{
	for (size_t i = 1; i < r->nr_sources; i++) {
		struct source *s = r->sources[i];
		struct fl_str clock = clock_of(s), first = clock_of(r->sources[0]);

		if (!fl_str_eq(clock, first) && s->file.nr_buffers)
			fl_findings_add(&s->file.findings, FL_DAT_OTHER_CLOCK, s->file.path, "%.*s and %.*s",
					FL_STR_ARG(clock), FL_STR_ARG(first));
	}
}

int fl_recording_start(struct fl_recording *r)
{
	size_t n = 0;
	int err;

	for (size_t i = 0; i < r->nr_sources; i++)
		n += count_streams(&r->sources[i]->file);
	r->is_started = true;
	err = make_room(r, n);
	if (err < 0)
		return err;
	compare_clocks(r);
	for (size_t i = 0; i < r->nr_sources && err == 0; i++)
		err = open_cursors(r, r->sources[i], &r->sources[i]->file);
	fill_heap(r);
	return err;
}

/* The cursor whose record the caller had moves on. */
static int leave_top(struct fl_recording *r)
{
	int err = advance(r->heap[0]);

	if (!r->heap[0]->record.p)
		r->heap[0] = r->heap[--r->nr_heap];
	if (r->nr_heap)
		sink(r, 0);
	return err;
}

/* A number that no format has: said once, shown as bytes each time. */
static struct event *missing_event(struct source *s, uint16_t type)
{
	struct event *e = FL_ARENA_NEW(&s->file.arena, struct event);

	fl_findings_add(&s->file.findings, FL_DAT_UNKNOWN_EVENT, s->file.path, "number %u", type);
	if (e) {
		e->is_missing = true;
		s->by_id[type] = e;
	}
	return e;
}

/* What its type says of a record. */
static void describe(struct source *s, struct fl_recorded *rec)
{
	static const struct event unknown;
	const struct event *e = s->by_id[rec->type];

	if (!e)
		e = missing_event(s, rec->type);
	e = e && !e->is_missing ? e : &unknown;
	rec->format = e == &unknown ? NULL : &e->format;
	rec->printer = e == &unknown ? NULL : &e->printer;
	rec->text = e->text;
	rec->quick = e->quick;
}

/* Records of one CPU are often of the thread and of the type of the one before. */
static void show(struct cursor *c)
{
	struct fl_recorded *rec = &c->shown;
	uint32_t pid = rec->pid;
	uint16_t type = rec->type;

	fl_recorded_move(rec, c->time, c->record);
	rec->missed = c->missed;
	if (!c->was_shown || rec->pid != pid)
		rec->comm = fl_comms_find(&c->source->comms, rec->pid);
	if (!c->was_shown || rec->type != type)
		describe(c->source, rec);
	c->was_shown = true;
}

int fl_recording_next(struct fl_recording *r, const struct fl_recorded **ret)
{
	int err = 0;

	if (!r->is_started)
		err = fl_recording_start(r);
	else if (r->is_handed_out)
		err = leave_top(r);
	r->is_handed_out = false;
	if (err < 0 || !r->nr_heap)
		return err;
	r->is_handed_out = true;
	show(r->heap[0]);
	*ret = &r->heap[0]->shown;
	return 1;
}

/* ---- following ---- */

/* Its lines come a few at a time, and seldom once it runs. */
static int add_symbols(struct source *s)
{
	if (!s->part.kallsyms.n)
		return 0;
	if (!s->symbols.data)
		fl_buf_add_str(&s->symbols, s->file.kallsyms);
	fl_buf_add_str(&s->symbols, s->part.kallsyms);
	if (s->symbols.error)
		return s->symbols.error;
	fl_ksyms_close(s->ksyms);
	read_symbols(s, fl_buf_str(&s->symbols));
	return 0;
}

static int take_part(struct fl_recording *r, struct source *s)
{
	int err = s->part.comms.n ? fl_comms_add(&s->comms, s->part.comms) : 0;

	if (err == 0)
		err = add_symbols(s);
	if (err == 0)
		err = fl_user_frames_read(&s->users, &s->part, &s->timeline);
	if (err == 0)
		err = make_room(r, count_streams(&s->part));
	if (err < 0)
		return err;
	check_options(s, &s->part);
	add_summary(r, &s->part);
	err = open_cursors(r, s, &s->part);
	fill_heap(r);
	r->is_handed_out = false;
	return err < 0 ? err : 1;
}

/* Its name is another file's, or nobody's. */
static bool is_gone(const struct fl_datfile *f, int fd)
{
	struct stat named, opened;

	return stat(f->path, &named) < 0 || fstat(fd, &opened) < 0 || named.st_dev != opened.st_dev ||
	       named.st_ino != opened.st_ino;
}

int fl_recording_follow(struct fl_recording *r)
{
	struct source *s = r->sources[0];
	struct fl_datfile *last = s->part.path ? &s->part : &s->file, next;
	bool gone = is_gone(&s->file, last->fd); /* before the last look at it */
	int err = fl_datfile_follow(last, &s->file.findings, &next);

	if (err <= 0)
		return err < 0 ? err : gone ? -ENODATA : 0;
	fl_datfile_close(&s->part);
	s->part = next;
	return take_part(r, s);
}

/* ---- the whole ---- */

struct fl_recording *fl_recording_new(void)
{
	return calloc(1, sizeof(struct fl_recording));
}

void fl_recording_free(struct fl_recording *r)
{
	if (!r)
		return;
	close_cursors(r);
	for (size_t i = 0; i < r->nr_sources; i++)
		free_source(r->sources[i]);
	fl_buf_fini(&r->summary);
	fl_arena_fini(&r->arena);
	free(r->sources);
	free(r);
}

const struct fl_diag *fl_recording_finding(struct fl_recording *r)
{
	for (size_t i = 0; i < r->nr_sources; i++) {
		struct source *s = r->sources[i];

		if (s->findings_told < s->file.findings.n)
			return &s->file.findings.list[s->findings_told++];
	}
	return NULL;
}

size_t fl_recording_source_width(const struct fl_recording *r)
{
	return r->source_width;
}

struct fl_str fl_recording_summary(const struct fl_recording *r)
{
	return fl_buf_str(&r->summary);
}

bool fl_recording_text(const struct fl_recording *r, size_t *at, struct fl_str *ret_source, struct fl_str *ret)
{
	size_t i = 0;

	for (size_t k = 0; k < r->nr_sources; k++) {
		const struct fl_datfile *f = &r->sources[k]->file;

		for (size_t b = 0; b < f->nr_buffers; b++, i++) {
			if (i < *at || !f->buffers[b].text.p)
				continue;
			*at = i + 1;
			*ret_source = f->buffers[b].name;
			*ret = f->buffers[b].text;
			return true;
		}
	}
	return false;
}

static void add_option(const struct source *s, uint16_t id, const char *name, struct fl_buf *out)
{
	const struct fl_dat_option *o = fl_datfile_option(&s->file, id, NULL);

	if (o)
		fl_buf_addf(out, ", %s %.*s", name, FL_STR_ARG(fl_dat_option_text(o)));
}

/* The files of which processes' frames are. */
static void add_files(const struct source *s, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf files = {};
	struct fl_str rest, line;

	fl_user_frames_files(&s->users, &files);
	for (rest = fl_buf_str(&files); fl_str_line(&rest, &line);)
		fl_buf_addf(out, "build-id: %.*s\n", FL_STR_ARG(line));
}

void fl_recording_facts(const struct fl_recording *r, struct fl_buf *out)
{
	for (size_t i = 0; i < r->nr_sources; i++) {
		const struct source *s = r->sources[i];
		const struct fl_datfile *f = &s->file;

		fl_buf_addf(out, "%s: version %u, compression %s, %s endian, %u bits", f->path, f->version,
			    fl_packing_names[f->packing], f->abi.big_endian ? "big" : "little", f->abi.long_size * 8);
		for (size_t b = 0; b < f->nr_buffers; b++) {
			const struct fl_dat_buffer *buffer = &f->buffers[b];
			struct fl_str name = buffer->name.n ? buffer->name : FL_STR("main");

			fl_buf_addf(out, ", buffer %.*s (%u CPUs, pages of %u bytes", FL_STR_ARG(name),
				    buffer->nr_streams, buffer->page_size);
			if (buffer->clock.n)
				fl_buf_addf(out, ", clock %.*s", FL_STR_ARG(buffer->clock));
			fl_buf_addc(out, ')');
		}
		add_option(s, FL_DAT_UNAME, "uname", out);
		add_option(s, FL_DAT_VERSION, "trace-cmd", out);
		fl_buf_addc(out, '\n');
		add_files(s, out);
	}
}
