/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header is read once, front to back. Then each CPU is a cursor into its pages that holds its
 * next record, and the one with the lowest time is handed out: with a few CPUs a look at each is
 * cheaper than a heap.
 */
#include "probe/output/recording.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/num.h"
#include "probe/output/printfmt.h"
#include "probe/output/text.h"
#include "probe/target/ksyms.h"

#define MAX_FILE (64ull << 30)
#define MAX_CPUS 65536
#define MAX_EVENTS 65536

enum recording_error {
#define D(code, level, err, message) RECORDING_##code,
#include "probe/output/errors.def"
#undef D
	_RECORDING_ERROR_MAX,
};

static const struct fl_diag_kind errors[_RECORDING_ERROR_MAX] = {
#define D(code_, level_, err_, message_)                                                           \
	{ .code = #code_, .level = FL_##level_, .err = err_, .message = message_ },
#include "probe/output/errors.def"
#undef D
};

struct event {
	struct fl_format format;
	struct fl_event_printer printer;
};

struct cursor {
	const uint8_t *pages;
	uint64_t size, page;  /* bytes of all pages; where the current one starts */
	uint64_t at, end;     /* within the page's data */
	uint64_t time;
	struct fl_str record; /* p NULL: none is left */
};

struct fl_recording {
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

/* Where a page's data begins: the "data" field of header_page. */
static int take_ring_formats(struct fl_recording *r, struct fl_reader *f, struct fl_diag *diag)
{
	struct fl_str name = take_z(f), page = take(f, fl_reader_le64(f)), line;
	uint64_t offset = 0;

	while (fl_str_line(&page, &line)) {
		const char *at = memmem(line.p, line.n, " data;\toffset:", 14);

		if (!at)
			continue;
		line = fl_str_from(line, at + 14 - line.p);
		fl_parse_u64(fl_str_sub(line, 0, fl_str_find(line, ';', 0)), 10, &offset);
	}
	if (f->overrun)
		return 0;
	if (!fl_str_is(name, "header_page") || offset < 16 || offset >= r->page_size)
		return fail(r, RECORDING_BAD_PART, "header_page", diag);
	r->data_offset = offset;
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

static void skip_options(struct fl_reader *f)
{
	while (!f->overrun && fl_reader_le16(f))
		take(f, fl_reader_le32(f));
}

static int take_streams(struct fl_recording *r, struct fl_reader *f, struct fl_diag *diag)
{
	struct fl_str kind = take(f, 10);

	if (!f->overrun && fl_str_eq(kind, fl_str_n("options  ", 10))) {
		skip_options(f);
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

enum {
	TYPE_PADDING = 29,
	TYPE_EXTEND = 30,
	TYPE_STAMP = 31,
};

#define COMMIT_MASK ((1u << 27) - 1) /* above it the kernel keeps flags of its own */

static bool open_page(const struct fl_recording *r, struct cursor *c)
{
	const uint8_t *page = c->pages + c->page;
	uint64_t used;

	if (!fl_range_ok(c->page, r->page_size, c->size))
		return false;
	c->time = fl_get_le64(page);
	used = fl_get_le64(page + 8) & COMMIT_MASK;
	c->at = 0;
	c->end = FL_MIN(used, (uint64_t)r->page_size - r->data_offset);
	return true;
}

/* The entry at the cursor; false where it runs past the page. @ret is empty for time and padding. */
static bool next_entry(const struct fl_recording *r, struct cursor *c, struct fl_str *ret)
{
	const uint8_t *data = c->pages + c->page + r->data_offset;
	uint32_t word = fl_get_le32(data + c->at), type = word & 31, length;
	bool has_word = fl_range_ok(c->at, 8, c->end);
	uint32_t second = has_word ? fl_get_le32(data + c->at + 4) : 0;
	size_t head = 4;

	*ret = (struct fl_str){};
	if (type == TYPE_PADDING && !(word >> 5)) {
		c->at = c->end; /* the rest of the page is not used */
		return true;
	}
	if ((type == 0 || type >= TYPE_PADDING) && !has_word)
		return false;
	if (type != TYPE_STAMP)
		c->time += word >> 5;
	if (type == TYPE_EXTEND)
		c->time += (uint64_t)second << 27;
	if (type == TYPE_STAMP)
		c->time = (c->time & ~((1ull << 59) - 1)) | (uint64_t)second << 27 | word >> 5;
	length = type == 0 ? second - 4 : type * 4;
	if (type == 0)
		head = 8;
	if (type == TYPE_EXTEND || type == TYPE_STAMP)
		length = 4;
	if (type == TYPE_PADDING)
		length = second;
	if (!fl_range_ok(c->at + head, length, c->end))
		return false;
	if (type < TYPE_PADDING)
		*ret = fl_str_n((const char *)data + c->at + head, length);
	c->at += head + (length + 3u) / 4 * 4;
	return true;
}

/* Moves to the next record; its time is @c->time. 0, or -EINVAL where the page is damaged. */
static int advance(const struct fl_recording *r, struct cursor *c)
{
	c->record = (struct fl_str){};
	while (!c->record.p) {
		if (c->at >= c->end) {
			if (c->end || c->at)
				c->page += r->page_size;
			if (!open_page(r, c))
				return 0;
			if (!c->end) { /* an empty page */
				c->page += r->page_size;
				continue;
			}
		}
		if (c->end - c->at < 4 || !next_entry(r, c, &c->record) ||
		    (c->record.p && c->record.n < 8)) {
			c->record = (struct fl_str){};
			c->page = c->size; /* nothing behind this can be trusted */
			c->at = c->end = 0;
			return -EINVAL;
		}
	}
	return 0;
}

static struct fl_str comm_of(const struct fl_recording *r, uint32_t pid)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;

	if (!pid)
		return FL_STR("<idle>");
	fl_buf_add_u64(&key, pid);
	e = fl_map_get(&r->comms, fl_buf_str(&key));
	return e ? r->comm_texts[e->num] : FL_STR("<...>");
}

int fl_recording_next(struct fl_recording *r, struct fl_recorded *ret, struct fl_diag *diag)
{
	struct cursor *first = NULL;
	const struct event *e;

	for (uint32_t i = 0; i < r->nr_cpus; i++) {
		struct cursor *c = &r->cursors[i];

		if (c->record.p && (!first || c->time < first->time))
			first = c;
	}
	if (!first)
		return 0;
	*ret = (struct fl_recorded){
		.time = first->time,
		.cpu = first - r->cursors,
		.type = fl_get_le16(first->record.p),
		.flags = first->record.p[2],
		.preempt_count = first->record.p[3],
		.pid = fl_get_le32(first->record.p + 4),
		.data = (const uint8_t *)first->record.p,
		.size = first->record.n,
	};
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
	fl_arena_fini(&r->arena);
	fl_ksyms_close(r->ksyms);
	fl_map_fini(&r->comms);
	free(r->comm_texts);
	free(r->events);
	free(r->by_id);
	free(r->cursors);
	free(r);
}

/* ---- lines ---- */

static bool load(const struct fl_recorded *rec, uint64_t offset, uint32_t size, bool is_signed, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned int shift;

	if (!size || size > 8 || !fl_range_ok(offset, size, rec->size))
		return false;
	memcpy(&v, rec->data + offset, size);
	v = le64toh(v);
	shift = 64 - size * 8;
	*ret = is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
	return true;
}

static bool load_string(const struct fl_recorded *rec, const struct fl_field *f, uint32_t element,
			struct fl_str *ret)
{
	uint64_t loc, at, n;

	if (f->loc == FL_FIELD_INLINE) {
		if (!fl_range_ok(f->offset, f->size, rec->size))
			return false;
		*ret = fl_str_n((const char *)rec->data + f->offset, f->size);
	} else {
		if (!load(rec, (uint64_t)f->offset + 4 * (uint64_t)element, 4, false, &loc))
			return false;
		at = (loc & 0xffff) + (f->loc == FL_FIELD_REL_LOC ? f->offset + 4 : 0);
		n = loc >> 16;
		if (!n || !fl_range_ok(at, n, rec->size))
			return false;
		*ret = fl_str_n((const char *)rec->data + at, n);
	}
	*ret = fl_str_sub(*ret, 0, fl_str_find(*ret, '\0', 0));
	return true;
}

static void add_symbol(const struct fl_recording *r, uint64_t addr, bool name_only, struct fl_buf *out)
{
	struct fl_ksym sym;

	if (!r->ksyms || fl_ksyms_at(r->ksyms, addr, &sym) < 0) {
		fl_buf_add_hex(out, addr);
		return;
	}
	fl_buf_add_str(out, sym.name);
	if (!name_only && sym.size)
		fl_buf_addf(out, "+0x%llx/0x%llx", (unsigned long long)(addr - sym.addr),
			    (unsigned long long)sym.size);
	else if (!name_only)
		fl_buf_addf(out, "+0x%llx", (unsigned long long)(addr - sym.addr));
	if (sym.module.n)
		fl_buf_addf(out, " [%.*s]", FL_STR_ARG(sym.module));
}

static void add_place(const struct fl_recording *r, const struct fl_recorded *rec, struct fl_buf *out)
{
	const struct fl_event_printer *p = rec->printer;
	uint64_t ip = 0, ret_ip = 0;

	if (p->ret_ip && load(rec, p->ret_ip->offset, p->ret_ip->size, false, &ret_ip)) {
		add_symbol(r, ret_ip, false, out);
		fl_buf_addz(out, " <- ");
	}
	if (p->ip && load(rec, p->ip->offset, p->ip->size, false, &ip))
		add_symbol(r, ip, p->ret_ip, out);
}

/* An element's number, where it is one. */
static bool number_of(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t element,
		      uint64_t *ret)
{
	uint32_t size = v->count ? v->field->size / v->count : v->field->size;

	return load(rec, v->field->offset + (uint64_t)element * size, size, v->field->is_signed, ret);
}

static void text_element(const struct fl_recording *r, const struct fl_recorded *rec,
			 const struct fl_printed *v, uint32_t element, struct fl_buf *out)
{
	struct fl_str s;
	uint64_t number;

	if (v->print == FL_PRINT_STRING) {
		if (!load_string(rec, v->field, element, &s)) {
			fl_buf_addz(out, "(fault)");
			return;
		}
		fl_buf_addf(out, "\"%.*s\"", FL_STR_ARG(s));
		return;
	}
	if (!number_of(rec, v, element, &number)) {
		fl_buf_addz(out, "?");
		return;
	}
	switch (v->print) {
	case FL_PRINT_HEX:
		fl_buf_add_hex(out, number);
		break;
	case FL_PRINT_SIGNED:
		fl_buf_add_s64(out, number);
		break;
	case FL_PRINT_CHAR:
		fl_buf_addc(out, '\'');
		fl_buf_addc(out, number);
		fl_buf_addc(out, '\'');
		break;
	case FL_PRINT_SYMBOL:
		add_symbol(r, number, false, out);
		break;
	case FL_PRINT_UNSIGNED:
	case FL_PRINT_STRING:
		fl_buf_add_u64(out, number);
	}
}

/* The head of the line is made by the code that makes it for live records. */
static struct fl_record live_head(const struct fl_recorded *rec)
{
	struct fl_record head = { .time = rec->time, .pid = rec->pid, .flags = FL_RECORD_PREEMPT_KNOWN };

	head.preempt = rec->preempt_count & 15;
	head.preempt |= (rec->flags & 0x08 ? 1u << 16 : 0) | (rec->flags & 0x10 ? 1u << 8 : 0);
	if (rec->flags & 0x01)
		head.flags |= FL_RECORD_IRQS_OFF;
	memcpy(head.comm, rec->comm.p, FL_MIN(rec->comm.n, sizeof(head.comm)));
	return head;
}

void fl_recorded_text(struct fl_recording *r, const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_record head = live_head(rec);
	char *p = fl_buf_reserve(out, FL_TEXT_HEAD_ROOM);

	if (!p)
		return;
	out->len += fl_text_put_head(p, rec->cpu, &head) - p;
	if (!rec->format) {
		fl_buf_addf(out, "event %u: %zu bytes\n", rec->type, rec->size);
		return;
	}
	fl_buf_addf(out, "%.*s:", FL_STR_ARG(rec->format->name));
	if (rec->printer->ip) {
		fl_buf_addz(out, " (");
		add_place(r, rec, out);
		fl_buf_addc(out, ')');
	}
	for (size_t i = 0; i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];

		fl_buf_addf(out, " %.*s=%s", FL_STR_ARG(v->name), v->count ? "{" : "");
		for (uint32_t k = 0; k < FL_MAX(v->count, 1u); k++) {
			if (k)
				fl_buf_addc(out, ',');
			text_element(r, rec, v, k, out);
		}
		if (v->count)
			fl_buf_addc(out, '}');
	}
	fl_buf_addc(out, '\n');
}

static void json_element(const struct fl_recording *r, const struct fl_recorded *rec,
			 const struct fl_printed *v, uint32_t element, const char *key, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf symbol = {};
	struct fl_str s;
	uint64_t number;

	if (v->print == FL_PRINT_STRING && load_string(rec, v->field, element, &s)) {
		fl_json_str(out, key, s);
	} else if (v->print == FL_PRINT_STRING || !number_of(rec, v, element, &number)) {
		fl_json_null(out, key);
	} else if (v->print == FL_PRINT_SYMBOL) {
		add_symbol(r, number, false, &symbol);
		fl_json_str(out, key, fl_buf_str(&symbol));
	} else if (v->field->is_signed) {
		fl_json_s64(out, key, number);
	} else {
		fl_json_u64(out, key, number);
	}
}

static void json_values(const struct fl_recording *r, const struct fl_recorded *rec, struct fl_buf *out)
{
	for (size_t i = 0; i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];
		_cleanup_free_ char *key = fl_str_dup(v->name);

		if (!key)
			continue;
		if (!v->count) {
			json_element(r, rec, v, 0, key, out);
			continue;
		}
		fl_json_open(out, key, '[');
		for (uint32_t k = 0; k < v->count; k++)
			json_element(r, rec, v, k, NULL, out);
		fl_json_close(out, ']');
	}
}

void fl_recorded_json(struct fl_recording *r, const struct fl_recorded *rec, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf place = {};

	fl_json_open(out, NULL, '{');
	fl_json_u64(out, "time_ns", rec->time);
	fl_json_u64(out, "cpu", rec->cpu);
	fl_json_u64(out, "pid", rec->pid);
	fl_json_str(out, "comm", rec->comm);
	if (rec->format) {
		fl_json_str(out, "group", rec->format->system);
		fl_json_str(out, "event", rec->format->name);
		add_place(r, rec, &place);
		fl_json_str(out, "place", fl_buf_str(&place));
		fl_json_open(out, "args", '{');
		json_values(r, rec, out);
		fl_json_close(out, '}');
	}
	fl_json_close(out, '}');
	fl_json_end_line(out);
}
