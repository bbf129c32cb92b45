/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header is read once, front to back. Then each CPU is a cursor into its pages that holds its
 * next record, and the one with the lowest time is handed out: with a few CPUs a look at each is
 * cheaper than a heap.
 */
#include "probe/tracedat/recording.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/map.h"
#include "base/num.h"
#include "base/util.h"
#include "probe/tracedat/ringpage.h"
#include "btf/ksyms.h"

#define MAX_FILE (64ull << 30)
#define MAX_CPUS 65536
#define MAX_EVENTS 65536

enum recording_error {
#define D(code, level, err, message) RECORDING_##code,
#include "probe/tracedat/errors.def"
#undef D
	_RECORDING_ERROR_MAX,
};

static const struct fl_diag_kind errors[_RECORDING_ERROR_MAX] = {
#define D(code_, level_, err_, message_)                                                           \
	{ .code = #code_, .level = FL_##level_, .err = err_, .message = message_ },
#include "probe/tracedat/errors.def"
#undef D
};

struct event {
	struct fl_format format;
	struct fl_event_printer printer;
};

struct cursor {
	const uint8_t *pages;
	uint64_t size, next;	  /* bytes of all pages; where the one behind the current starts */
	struct fl_ring_page page; /* the current one; its time is the record's */
	struct fl_str record;	  /* p NULL: none is left */
};

struct known_comm {
	uint32_t pid;
	struct fl_str comm;
};

struct fl_recording {
	struct known_comm known_comms[64];
	struct fl_file file;
	const char *path;
	struct fl_arena arena;
	struct event *events;
	size_t nr_events, cap_events;
	struct event **by_id; /* 65536 of them */
	struct fl_ksyms *ksyms;
	struct fl_map comms; /* pid as text -> entry of comm_texts */
	struct fl_str *comm_texts;
	uint32_t page_size;
	uint32_t data_offset; /* of a page's data, from header_page */
	struct cursor *cursors;
	uint32_t nr_cpus;
	struct fl_buf summary;
};

static int fail(struct fl_recording *r, enum recording_error code, const char *what, struct fl_diag *diag)
{
	int err = fl_diag_set(diag, &errors[code], (struct fl_span){});

	if (diag)
		diag->place = r->path;
	if (what)
		fl_diag_message(diag, "%s: %s", errors[code].message, what);
	return err;
}

/* ---- the header ---- */

static struct fl_str take(struct fl_reader *r, uint64_t n)
{
	const uint8_t *p = n <= SIZE_MAX ? fl_reader_take(r, n) : NULL;

	if (!p)
		r->overrun = true;
	return p ? fl_str_n((const char *)p, n) : (struct fl_str){};
}

/* A text that ends in NUL. */
static struct fl_str take_z(struct fl_reader *r)
{
	struct fl_str rest = fl_str_n((const char *)r->p + r->pos, r->size - r->pos);
	size_t n = fl_str_find(rest, '\0', 0);

	return fl_str_sub(take(r, n + 1), 0, n);
}

static int take_start(struct fl_recording *r, struct fl_reader *f, struct fl_diag *diag)
{
	struct fl_str magic = take(f, 10), version;
	uint8_t order, word;

	if (f->overrun || !fl_str_eq(magic, FL_STR("\x17\x08\x44tracing")))
		return fail(r, RECORDING_NOT_A_RECORDING, NULL, diag);
	version = take_z(f);
	if (!fl_str_is(version, "6")) {
		int err = fail(r, RECORDING_OTHER_VERSION, NULL, diag);

		fl_diag_help(diag, "'trace-cmd convert --file-version 6' makes one");
		return err;
	}
	order = fl_reader_u8(f);
	word = fl_reader_u8(f);
	if (!f->overrun && (order != 0 || word != 8))
		return fail(r, RECORDING_OTHER_MACHINE, NULL, diag);
	r->page_size = fl_reader_le32(f);
	if (!f->overrun && (r->page_size < 64 || r->page_size > 1u << 24))
		return fail(r, RECORDING_BAD_PART, "page size", diag);
	return 0;
}

static int take_ring_formats(struct fl_recording *r, struct fl_reader *f, struct fl_diag *diag)
{
	struct fl_str name = take_z(f), page = take(f, fl_reader_le64(f));
	uint32_t size;

	if (f->overrun)
		return 0;
	if (!fl_str_is(name, "header_page") || fl_ring_header(page, &r->data_offset, &size) < 0 ||
	    size > r->page_size)
		return fail(r, RECORDING_BAD_PART, "header_page", diag);
	name = take_z(f);
	take(f, fl_reader_le64(f));
	if (!f->overrun && !fl_str_is(name, "header_event"))
		return fail(r, RECORDING_BAD_PART, "header_event", diag);
	return 0;
}

static int add_event(struct fl_recording *r, struct fl_str system, struct fl_str text, struct fl_diag *diag)
{
	struct event *e;

	if (r->nr_events == r->cap_events) {
		size_t cap = r->cap_events ? r->cap_events * 2 : 64;
		struct event *more = realloc(r->events, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->events = more;
		r->cap_events = cap;
	}
	e = &r->events[r->nr_events];
	/* An event that we cannot read is an event that is shown as bytes; the rest is not lost. */
	if (fl_format_parse(system, text, &r->arena, NULL, &e->format) < 0)
		return 0;
	if (fl_event_printer_make(&e->format, &r->arena, &e->printer) < 0)
		return -ENOMEM;
	r->nr_events++;
	return 0;
}

static int take_events(struct fl_recording *r, struct fl_reader *f, struct fl_str system, uint32_t n,
		       struct fl_diag *diag)
{
	int err = 0;

	if (n > MAX_EVENTS)
		return fail(r, RECORDING_BAD_PART, "number of events", diag);
	for (uint32_t i = 0; i < n && !f->overrun && err == 0; i++)
		err = add_event(r, system, take(f, fl_reader_le64(f)), diag);
	return err;
}

static int take_formats(struct fl_recording *r, struct fl_reader *f, struct fl_diag *diag)
{
	int err = take_events(r, f, FL_STR("ftrace"), fl_reader_le32(f), diag);
	uint32_t systems = err ? 0 : fl_reader_le32(f);

	for (uint32_t i = 0; i < systems && !f->overrun && err == 0; i++) {
		struct fl_str system = take_z(f);

		err = take_events(r, f, system, fl_reader_le32(f), diag);
	}
	if (err < 0)
		return err;
	r->by_id = calloc(65536, sizeof(*r->by_id));
	if (!r->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_events; i++)
		if (r->events[i].format.id < 65536)
			r->by_id[r->events[i].format.id] = &r->events[i];
	return 0;
}

static int take_symbols(struct fl_recording *r, struct fl_reader *f)
{
	struct fl_str text = take(f, fl_reader_le32(f));

	/* A recording without symbols, or with odd ones, is shown with addresses. */
	if (text.n && fl_ksyms_from_text(text, r->path, NULL, &r->ksyms) < 0)
		r->ksyms = NULL;
	return 0;
}

static int take_comms(struct fl_recording *r, struct fl_reader *f)
{
	struct fl_str text = take(f, fl_reader_le64(f)), line, pid;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	r->comm_texts = calloc(n + 1, sizeof(*r->comm_texts));
	if (!r->comm_texts)
		return -ENOMEM;
	for (n = 0; fl_str_line(&text, &line);) {
		struct fl_map_entry *e;

		if (!fl_str_word(&line, &pid))
			continue;
		e = fl_map_put(&r->comms, pid, NULL);
		if (!e)
			return -ENOMEM;
		r->comm_texts[n] = fl_str_from(line, 1);
		e->num = n++;
	}
	return 0;
}

#define OPTION_STATISTICS 2

/* Of all that trace-cmd says of the run, what was counted; it has one such text a CPU. */
static void take_options(struct fl_recording *r, struct fl_reader *f)
{
	uint16_t id;

	while (!f->overrun && (id = fl_reader_le16(f))) {
		struct fl_str text = take(f, fl_reader_le32(f));

		if (f->overrun || id != OPTION_STATISTICS)
			continue;
		text = fl_str_trim(fl_str_sub(text, 0, fl_str_find(text, '\0', 0)));
		if (text.n)
			fl_buf_addf(&r->summary, "%.*s\n", FL_STR_ARG(text));
	}
}

static int take_streams(struct fl_recording *r, struct fl_reader *f, struct fl_diag *diag)
{
	struct fl_str kind = take(f, 10);

	if (!f->overrun && fl_str_eq(kind, fl_str_n("options  ", 10))) {
		take_options(r, f);
		kind = take(f, 10);
	}
	if (!f->overrun && !fl_str_eq(kind, fl_str_n("flyrecord", 10)))
		return fail(r, RECORDING_BAD_PART, "no records of the ring buffer in it", diag);
	r->cursors = calloc(r->nr_cpus + 1, sizeof(*r->cursors));
	if (!r->cursors)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->nr_cpus && !f->overrun; i++) {
		uint64_t offset = fl_reader_le64(f), size = fl_reader_le64(f);

		if (!f->overrun && !fl_range_ok(offset, size, r->file.size))
			return fail(r, RECORDING_CUT_SHORT, "records", diag);
		r->cursors[i] = (struct cursor){ .pages = r->file.data + offset, .size = size };
	}
	return 0;
}

static int take_header(struct fl_recording *r, struct fl_diag *diag)
{
	struct fl_reader f = { .p = r->file.data, .size = r->file.size };
	int err;

	err = take_start(r, &f, diag);
	if (err == 0)
		err = take_ring_formats(r, &f, diag);
	if (err == 0)
		err = take_formats(r, &f, diag);
	if (err == 0)
		err = take_symbols(r, &f);
	if (err < 0)
		return err;
	take(&f, fl_reader_le32(&f)); /* trace_printk() formats */
	err = take_comms(r, &f);
	r->nr_cpus = fl_reader_le32(&f);
	if (err == 0 && !f.overrun && r->nr_cpus > MAX_CPUS)
		return fail(r, RECORDING_BAD_PART, "number of CPUs", diag);
	if (err == 0)
		err = take_streams(r, &f, diag);
	return err == 0 && f.overrun ? fail(r, RECORDING_CUT_SHORT, "header", diag) : err;
}

/* ---- records ---- */

/* Moves to the next record. 0, or -EINVAL where the page is damaged. */
static int advance(const struct fl_recording *r, struct cursor *c)
{
	for (;;) {
		int err = fl_ring_page_next(&c->page, &c->record);

		if (err > 0)
			return 0;
		if (err < 0) /* nothing behind this can be trusted */
			c->next = c->size;
		c->record = (struct fl_str){};
		if (err < 0 || !fl_range_ok(c->next, r->page_size, c->size))
			return err;
		fl_ring_page_open(&c->page, c->pages + c->next, r->page_size, r->data_offset);
		c->next += r->page_size;
	}
}

static struct fl_str find_comm(const struct fl_recording *r, uint32_t pid)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;

	if (!pid)
		return FL_STR("<idle>");
	fl_buf_add_u64(&key, pid);
	e = fl_map_get(&r->comms, fl_buf_str(&key));
	return e ? r->comm_texts[e->num] : FL_STR("<...>");
}

/* One thread's records come in rows. */
static struct fl_str comm_of(struct fl_recording *r, uint32_t pid)
{
	struct known_comm *c = &r->known_comms[pid % FL_ARRAY_SIZE(r->known_comms)];

	if (!c->comm.p || c->pid != pid)
		*c = (struct known_comm){ pid, find_comm(r, pid) };
	return c->comm;
}

int fl_recording_next(struct fl_recording *r, struct fl_recorded *ret, struct fl_diag *diag)
{
	struct cursor *first = NULL;
	const struct event *e;

	for (uint32_t i = 0; i < r->nr_cpus; i++) {
		struct cursor *c = &r->cursors[i];

		if (c->record.p && (!first || c->page.time < first->page.time))
			first = c;
	}
	if (!first)
		return 0;
	fl_recorded_start(ret, first->page.time, first - r->cursors, first->record);
	ret->comm = comm_of(r, ret->pid);
	e = r->by_id[ret->type];
	if (e) {
		ret->format = &e->format;
		ret->printer = &e->printer;
	}
	/* The record stays where it is; only a complaint about what follows has to wait its turn. */
	if (advance(r, first) < 0) {
		char cpu[32];

		snprintf(cpu, sizeof(cpu), "CPU %u", ret->cpu);
		fail(r, RECORDING_BAD_PAGE, cpu, diag);
	}
	return 1;
}

int fl_recording_open(const char *path, struct fl_recording **ret, struct fl_diag *diag)
{
	_cleanup_recording_ struct fl_recording *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->path = path;
	err = fl_file_open(path, MAX_FILE, &r->file);
	if (err == 0)
		err = take_header(r, diag);
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < r->nr_cpus; i++)
		if (advance(r, &r->cursors[i]) < 0)
			fail(r, RECORDING_BAD_PAGE, "the first one", diag);
	*ret = TAKE_PTR(r);
	return 0;
}

void fl_recording_close(struct fl_recording *r)
{
	if (!r)
		return;
	fl_file_close(&r->file);
	fl_buf_fini(&r->summary);
	fl_arena_fini(&r->arena);
	fl_ksyms_close(r->ksyms);
	fl_map_fini(&r->comms);
	free(r->comm_texts);
	free(r->events);
	free(r->by_id);
	free(r->cursors);
	free(r);
}

struct fl_str fl_recording_summary(const struct fl_recording *r)
{
	return fl_buf_str(&r->summary);
}

const struct fl_ksyms *fl_recording_ksyms(const struct fl_recording *r)
{
	return r->ksyms;
}
