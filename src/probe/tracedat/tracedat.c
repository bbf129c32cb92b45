/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file is a header (what the kernel's own header_page, header_event and format files would say,
 * symbols, process names) and behind it the pages of each CPU in one piece. How many pages a CPU
 * fills is known at the end only, so pages go to an unnamed file a CPU first, and finishing writes
 * the header and appends them.
 *
 * A page is the ring buffer's: the time of its first record, the bytes used, then records. Each has
 * one word in front: 5 bits of type or length, 27 bits of time since the record before. A gap that 27
 * bits cannot say gets a time-extend word pair of its own. Pages are 64 KiB instead of 4, so that a
 * record with the longest strings fits; the header says so, and readers take it from there.
 *
 * Times are CLOCK_MONOTONIC (or BOOTTIME) nanoseconds, symbols only those that the records name.
 */
#include "probe/tracedat/tracedat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/map.h"
#include "probe/tracedat/comms.h"
#include "probe/event/format.h"
#include "probe/output/stack.h"
#include "probe/target/target.h"

#define PAGE_SIZE      65536u
#define PAGE_HEAD      16u /* time, commit */
#define DELTA_MAX      ((1u << 27) - 1)
#define TYPE_EXTEND    30
#define SMALL_MAX      112 /* longest record whose length is in the 5 bits, in words */
#define EVENT_ID_FIRST 5000 /* above the kernel's static ones */
#define KERNEL_STACK_ID 4   /* the kernel's own number of each */
#define USER_STACK_ID  12

/* What is open for one CPU. */
struct stream {
	int fd;
	uint64_t size;	/* bytes in the file */
	uint64_t last;	/* time of the record before */
	uint32_t used;	/* bytes of @page behind its head */
	uint8_t *page;
};

/* What the header says of an event. */
struct described {
	struct fl_str group;
	struct fl_buf format; /* the text of its format file */
};

struct fl_tracedat {
	int fd;
	char *dir; /* where the unnamed files go */
	struct fl_record_schemas schemas; /* n 0: records come as the kernel made them */
	struct fl_target *target;
	struct fl_symbols *symbols;
	struct described *events;
	size_t nr_events;
	bool boot_clock;
	struct stream *streams; /* by CPU number */
	uint32_t nr_streams;
	struct fl_arena arena;	/* keys of the maps */
	struct fl_map comms;	/* "pid" -> comm */
	struct fl_map addresses; /* of symbols that records name */
	struct fl_buf record;	/* the one that is being made */
	uint64_t *ips;		/* address of each event's place, 0: not known */
};

/* ---- pages ---- */

static int write_all(int fd, const void *data, size_t n)
{
	struct fl_buf view = { .data = (char *)data, .len = n };

	return fl_buf_write_fd(&view, fd);
}

static int flush_page(struct stream *s)
{
	int r;

	if (!s->used)
		return 0;
	fl_put_le64(s->page + 8, s->used);
	memset(s->page + PAGE_HEAD + s->used, 0, PAGE_SIZE - PAGE_HEAD - s->used);
	r = write_all(s->fd, s->page, PAGE_SIZE);
	s->used = 0;
	s->size += PAGE_SIZE;
	return r;
}

static void put_word(struct stream *s, uint32_t v)
{
	fl_put_le32(s->page + PAGE_HEAD + s->used, v);
	s->used += 4;
}

static int add_record(struct stream *s, uint64_t time, const void *data, size_t n)
{
	size_t room = (n + 3) / 4 * 4;
	uint64_t delta = s->used ? time - s->last : 0;
	int r;

	if (s->used + room + 16 > PAGE_SIZE - PAGE_HEAD) {
		r = flush_page(s);
		if (r < 0)
			return r;
		delta = 0;
	}
	if (!s->used)
		fl_put_le64(s->page, time);
	if (delta > DELTA_MAX) {
		put_word(s, TYPE_EXTEND | (uint32_t)(delta & DELTA_MAX) << 5);
		put_word(s, delta >> 27);
		delta = 0;
	}
	if (room <= SMALL_MAX) {
		put_word(s, room / 4 | delta << 5);
	} else {
		put_word(s, delta << 5);
		put_word(s, room + 4);
	}
	memcpy(s->page + PAGE_HEAD + s->used, data, n);
	memset(s->page + PAGE_HEAD + s->used + n, 0, room - n);
	s->used += room;
	s->last = time;
	return 0;
}

static int stream_at(struct fl_tracedat *t, uint32_t cpu, struct stream **ret)
{
	struct stream *s;

	if (cpu >= t->nr_streams)
		return -EINVAL;
	s = &t->streams[cpu];
	if (!s->page) {
		s->page = malloc(PAGE_SIZE);
		if (!s->page)
			return -ENOMEM;
		s->fd = open(t->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (s->fd < 0)
			return -errno;
	}
	*ret = s;
	return 0;
}

/* ---- records ---- */

/* The last text for a number is what stays, as a process goes by its last name. */
static int remember(struct fl_tracedat *t, struct fl_map *map, uint64_t number, const char *text,
		    size_t n)
{
	struct fl_str key = { (const char *)&number, sizeof(number) };
	struct fl_map_entry *e = fl_map_get(map, key);

	if (!e) {
		key.p = fl_arena_dup(&t->arena, key);
		e = key.p ? fl_map_put(map, key, NULL) : NULL;
		if (!e)
			return -ENOMEM;
	}
	if (text && (!e->ptr || !fl_str_eq(fl_str(e->ptr), fl_str_n(text, n))))
		e->ptr = fl_arena_dup(&t->arena, fl_str_n(text, n));
	return text && !e->ptr ? -ENOMEM : 0;
}

static void put_number(struct fl_buf *b, uint64_t v, size_t size)
{
	uint64_t le = htole64(v);

	fl_buf_add(b, &le, size);
}

static uint64_t word_at(const struct fl_record *rec, uint16_t offset)
{
	uint64_t v;

	memcpy(&v, fl_record_at(rec, offset), sizeof(v));
	return v;
}

/* What stands between the common fields and the arguments: see lang/format.c. */
static int put_places(struct fl_tracedat *t, const struct fl_record_schema *p, const struct fl_record *rec)
{
	uint64_t ip = p->layout.ip_offset ? word_at(rec, p->layout.ip_offset) : t->ips[rec->event];
	bool kernel = p->event->kind != FL_PROBE_UPROBE;
	uint64_t caller;
	int r = 0;

	if (p->event->kind == FL_PROBE_EPROBE)
		return 0;
	put_number(&t->record, ip, 8);
	if (kernel && ip)
		r = remember(t, &t->addresses, ip, NULL, 0);
	if (r < 0 || !p->event->is_return)
		return r;
	caller = p->layout.caller_offset ? word_at(rec, p->layout.caller_offset) : 0;
	put_number(&t->record, caller, 8);
	return kernel && caller ? remember(t, &t->addresses, caller, NULL, 0) : 0;
}

/* One string of the record: its data location is filled in at @slot, its bytes go to the end. */
static void put_string(struct fl_tracedat *t, size_t slot, struct fl_str text)
{
	uint32_t loc = t->record.len | (uint32_t)(text.n + 1) << 16;

	fl_buf_add_str(&t->record, text);
	fl_buf_addc(&t->record, '\0');
	if (!t->record.error)
		fl_put_le32(t->record.data + slot, loc);
}

struct value {
	const struct fl_record_schema *probe;
	const struct fl_record *rec;
	size_t size; /* of @rec */
	size_t arg;
};

static int put_value(struct fl_tracedat *t, const struct value *v, size_t element, size_t at)
{
	const struct fl_probe_arg *a = &v->probe->event->args[v->arg];
	const struct fl_record_slot *s = &v->probe->layout.slots[v->arg];
	uint64_t number;
	struct fl_str text;

	if (s->kind == FL_SLOT_STRING) {
		if (fl_record_string(s, v->rec, v->size, element, &text))
			put_string(t, at, text);
		return 0;
	}
	number = fl_record_value(s, v->rec, element, a->type->is_signed);
	if (s->kind == FL_SLOT_SYMBOL) {
		put_string(t, at, fl_symbols_at(t->symbols, number));
		return 0;
	}
	number = htole64(number);
	if (!t->record.error)
		memcpy(t->record.data + at, &number, a->type->size);
	return a->type->print == FL_PRINT_SYMBOL ? remember(t, &t->addresses, le64toh(number), NULL, 0) : 0;
}

static int put_values(struct fl_tracedat *t, const struct fl_record_schema *p, const struct fl_record *rec,
		      size_t size)
{
	const struct fl_probe_event *e = p->event;
	size_t base = fl_format_args_offset(e);
	int r = 0;

	fl_buf_fill(&t->record, 0, e->record_size);
	for (size_t i = 0; i < e->nr_args && r == 0; i++) {
		struct value v = { p, rec, size, i };
		size_t at = base + e->args[i].offset;

		for (size_t k = 0; k < FL_MAX(e->args[i].count, 1u) && r == 0; k++)
			r = put_value(t, &v, k, at + k * e->args[i].type->size);
	}
	return r;
}

static void put_common(struct fl_tracedat *t, uint16_t id, const struct fl_record *rec)
{
	struct fl_context context = fl_record_context(rec);

	fl_buf_reset(&t->record);
	put_number(&t->record, id, 2);
	put_number(&t->record, context.flags, 1);
	put_number(&t->record, context.depth, 1);
	put_number(&t->record, rec->pid, 4);
}

/*
 * A stack is an event of its own behind the one that it belongs to, as the kernel makes it. A number
 * stands in front of the frames: how many (kernel's), or the process (user's, which it knows less of
 * than we say: the thread).
 */
static int add_stack(struct fl_tracedat *t, struct stream *s, const struct fl_record_schema *p,
		     const struct fl_record *rec, size_t size, enum fl_stack_kind kind)
{
	bool kernel = kind == FL_STACK_KERNEL;
	struct fl_stack stack = {};
	int r = fl_record_stack(&p->layout, rec, size, kind, &stack);

	if (r < 0 || !stack.n)
		return 0; /* counted by the trace */
	fl_stack_trim(kind, p->own_frames, t->symbols, &stack);
	put_common(t, kernel ? KERNEL_STACK_ID : USER_STACK_ID, rec);
	put_number(&t->record, kernel ? stack.n : rec->pid, 4);
	put_number(&t->record, 0, 4);
	for (size_t i = 0; i < stack.n && r == 0; i++) {
		uint64_t frame = fl_stack_frame(&stack, i);

		put_number(&t->record, frame, 8);
		r = kernel ? remember(t, &t->addresses, frame, NULL, 0) : 0;
	}
	if (r == 0)
		r = t->record.error;
	return r < 0 ? r : add_record(s, rec->time, t->record.data, t->record.len);
}

int fl_tracedat_record(struct fl_tracedat *t, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	const struct fl_record_schema *p = t->schemas.v[rec->event];
	struct stream *s = NULL;
	int r;

	r = stream_at(t, cpu, &s);
	if (r == 0 && rec->pid)
		r = remember(t, &t->comms, rec->pid, rec->comm, strnlen(rec->comm, sizeof(rec->comm)));
	if (r < 0)
		return r;
	put_common(t, EVENT_ID_FIRST + rec->event, rec);
	r = put_places(t, p, rec);
	if (r == 0)
		r = put_values(t, p, rec, size);
	if (r == 0)
		r = t->record.error;
	if (r == 0)
		r = add_record(s, rec->time, t->record.data, t->record.len);
	for (unsigned int kind = 0; p->layout.stacks && kind < _FL_STACK_MAX && r == 0; kind++)
		r = add_stack(t, s, p, rec, size, (enum fl_stack_kind)kind);
	return r;
}

/* Of the places and values that the kernel would print by name. */
static int remember_symbols(struct fl_tracedat *t, const struct fl_recorded *rec)
{
	const struct fl_event_printer *p = rec->printer;
	uint64_t v;
	int r = 0;

	if (p->ip && fl_recorded_number(rec, p->ip, 0, 1, &v))
		r = remember(t, &t->addresses, v, NULL, 0);
	if (r == 0 && p->ret_ip && fl_recorded_number(rec, p->ret_ip, 0, 1, &v))
		r = remember(t, &t->addresses, v, NULL, 0);
	for (size_t i = 0; i < p->n && r == 0; i++) {
		uint32_t n = FL_MAX(p->values[i].count, 1u);

		for (uint32_t k = 0; p->values[i].print == FL_PRINT_SYMBOL && k < n && r == 0; k++)
			if (fl_recorded_number(rec, p->values[i].field, k, n, &v))
				r = remember(t, &t->addresses, v, NULL, 0);
	}
	return r;
}

int fl_tracedat_recorded(struct fl_tracedat *t, const struct fl_recorded *rec)
{
	struct stream *s = NULL;
	int r = stream_at(t, rec->cpu, &s);

	if (r == 0 && rec->pid)
		r = remember(t, &t->comms, rec->pid, rec->comm.p, rec->comm.n);
	if (r == 0 && rec->printer)
		r = remember_symbols(t, rec);
	return r < 0 ? r : add_record(s, rec->time, rec->data, rec->size);
}

/* ---- the header ---- */

/* A part that has its size in front. */
static void put_sized(struct fl_buf *out, const struct fl_buf *part, size_t bytes_of_size)
{
	put_number(out, part->len, bytes_of_size);
	fl_buf_add_buf(out, part);
}

static void put_ring_formats(struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf page = {}, event = {};

	fl_buf_addz(&page, "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
			   "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
			   "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n");
	fl_buf_addf(&page, "\tfield: char data;\toffset:%u;\tsize:%u;\tsigned:1;\n", PAGE_HEAD,
		    PAGE_SIZE - PAGE_HEAD);
	fl_buf_addz(&event, "# compressed entry header\n"
			    "\ttype_len    :    5 bits\n"
			    "\ttime_delta  :   27 bits\n"
			    "\tarray       :   32 bits\n\n"
			    "\tpadding     : type == 29\n"
			    "\ttime_extend : type == 30\n"
			    "\ttime_stamp : type == 31\n"
			    "\tdata max type_len  == 28\n");
	fl_buf_add(out, "header_page", 12);
	put_sized(out, &page, 8);
	fl_buf_add(out, "header_event", 13);
	put_sized(out, &event, 8);
}

static bool same_group(const struct fl_tracedat *t, size_t a, size_t b)
{
	return fl_str_eq(t->events[a].group, t->events[b].group);
}

/* The first event of its group speaks for all of them. */
static bool first_of_group(const struct fl_tracedat *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_group(t, k, i))
			return false;
	return true;
}

static void put_group(const struct fl_tracedat *t, size_t first, struct fl_buf *out)
{
	size_t members = 0;

	for (size_t i = first; i < t->nr_events; i++)
		members += same_group(t, first, i);
	fl_buf_add_str(out, t->events[first].group);
	fl_buf_addc(out, '\0');
	put_number(out, members, 4);
	for (size_t i = first; i < t->nr_events; i++)
		if (same_group(t, first, i))
			put_sized(out, &t->events[i].format, 8);
}

/* What the two say of themselves, of events of ftrace itself. */
static void put_stack_format(const char *name, unsigned int id, const char *first, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf format = {};

	fl_buf_addf(&format, "name: %s\nID: %u\nformat:\n", name, id);
	fl_format_print_common(&format);
	fl_buf_addf(&format, "\tfield:%s;\toffset:8;\tsize:4;\tsigned:%d;\n", first, id == KERNEL_STACK_ID);
	fl_buf_addz(&format, "\tfield:unsigned long caller[];\toffset:16;\tsize:0;\tsigned:0;\n\n"
			     "print fmt: \"\\t=> %ps\\n\", (void *)REC->caller[0]\n");
	put_sized(out, &format, 8);
}

static void put_stack_formats(const struct fl_tracedat *t, struct fl_buf *out)
{
	bool any = false;

	for (size_t i = 0; t->schemas.n && i < t->nr_events; i++)
		any |= t->schemas.v[i]->layout.stacks != 0;
	put_number(out, any ? 2 : 0, 4);
	if (!any)
		return;
	put_stack_format("kernel_stack", KERNEL_STACK_ID, "int size", out);
	put_stack_format("user_stack", USER_STACK_ID, "unsigned int tgid", out);
}

static void put_formats(const struct fl_tracedat *t, struct fl_buf *out)
{
	size_t groups = 0;

	put_stack_formats(t, out);
	for (size_t i = 0; i < t->nr_events; i++)
		groups += first_of_group(t, i);
	put_number(out, groups, 4);
	for (size_t i = 0; i < t->nr_events; i++)
		if (first_of_group(t, i))
			put_group(t, i, out);
}

static void put_symbol(const struct fl_ksym *sym, struct fl_buf *text)
{
	fl_buf_addf(text, "%016llx %c %.*s", (unsigned long long)sym->addr, sym->type,
		    FL_STR_ARG(sym->name));
	if (sym->module.n)
		fl_buf_addf(text, "\t[%.*s]", FL_STR_ARG(sym->module));
	fl_buf_addc(text, '\n');
}

/*
 * Each function that a record names, as /proc/kallsyms has it, and the symbol behind it: where one
 * begins the other ends, and readers have no other way to know.
 */
static void put_symbols(struct fl_tracedat *t, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_ksyms *ksyms = NULL;

	if (fl_target_ksyms(t->target, &ksyms) < 0)
		ksyms = NULL;
	fl_map_for_each(e, &t->addresses) {
		struct fl_ksym sym, next;

		if (!ksyms || fl_ksyms_at(ksyms, fl_get_le64(e->key.p), &sym) < 0)
			continue;
		put_symbol(&sym, &text);
		if (sym.size && fl_ksyms_at(ksyms, sym.addr + sym.size, &next) == 0)
			put_symbol(&next, &text);
	}
	put_sized(out, &text, 4);
}

static void put_comms(const struct fl_tracedat *t, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf text = {};

	fl_map_for_each(e, &t->comms) {
		fl_buf_addf(&text, "%llu ", (unsigned long long)fl_get_le64(e->key.p));
		fl_comm_write(fl_str(e->ptr), &text);
		fl_buf_addc(&text, '\n');
	}
	put_sized(out, &text, 8);
}

static void put_option(uint16_t id, struct fl_str text, struct fl_buf *out)
{
	put_number(out, id, 2);
	put_number(out, text.n + 1, 4);
	fl_buf_add_str(out, text);
	fl_buf_addc(out, '\0');
}

enum {
	OPTION_STATISTICS = 2,
	OPTION_CLOCK = 4,
	OPTION_UNAME = 5,
};

static void put_options(const struct fl_tracedat *t, struct fl_str summary, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf system = {};
	struct utsname u;

	fl_buf_add(out, "options  ", 10);
	put_option(OPTION_STATISTICS, summary, out);
	put_option(OPTION_CLOCK, t->boot_clock ? FL_STR("[boot]") : FL_STR("[mono]"), out);
	if (uname(&u) == 0) {
		fl_buf_addf(&system, "%s %s %s %s", u.sysname, u.nodename, u.release, u.machine);
		put_option(OPTION_UNAME, fl_buf_str(&system), out);
	}
	put_number(out, 0, 2);
}

static int put_header(struct fl_tracedat *t, struct fl_str summary, struct fl_buf *out)
{
	uint64_t offset;

	fl_buf_add(out, "\x17\x08\x44tracing6", 12); /* the version's NUL included */
	put_number(out, 0, 1);			     /* little endian */
	put_number(out, sizeof(uint64_t), 1);
	put_number(out, PAGE_SIZE, 4);
	put_ring_formats(out);
	put_formats(t, out);
	put_symbols(t, out);
	put_number(out, 0, 4); /* no trace_printk formats */
	put_comms(t, out);
	put_number(out, t->nr_streams, 4);
	put_options(t, summary, out);
	fl_buf_add(out, "flyrecord", 10);
	offset = out->len + 16 * (uint64_t)t->nr_streams;
	offset = (offset + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	for (uint32_t i = 0; i < t->nr_streams; i++) {
		put_number(out, offset, 8);
		put_number(out, t->streams[i].size, 8);
		offset += t->streams[i].size;
	}
	fl_buf_fill(out, 0, (PAGE_SIZE - out->len % PAGE_SIZE) % PAGE_SIZE);
	return out->error;
}

static int append_stream(struct fl_tracedat *t, struct stream *s)
{
	_cleanup_free_ uint8_t *page = malloc(PAGE_SIZE);
	int r = page ? 0 : -ENOMEM;

	for (uint64_t at = 0; at < s->size && r == 0; at += PAGE_SIZE) {
		if (pread(s->fd, page, PAGE_SIZE, at) != PAGE_SIZE)
			return -EIO;
		r = write_all(t->fd, page, PAGE_SIZE);
	}
	return r;
}

int fl_tracedat_finish(struct fl_tracedat *t, struct fl_str summary)
{
	_cleanup_buf_ struct fl_buf header = {};
	int r = 0;

	for (uint32_t i = 0; i < t->nr_streams && r == 0; i++)
		r = flush_page(&t->streams[i]);
	if (r == 0)
		r = put_header(t, summary, &header);
	if (r == 0)
		r = fl_buf_write_fd(&header, t->fd);
	for (uint32_t i = 0; i < t->nr_streams && r == 0; i++)
		r = append_stream(t, &t->streams[i]);
	return r;
}

/* ---- life ---- */

/* The address of a place that its records do not carry. */
static uint64_t place_address(struct fl_target *target, const struct fl_probe_event *e)
{
	_cleanup_buf_ struct fl_buf name = {};
	struct fl_ksyms *ksyms;
	struct fl_ksym sym;

	if (e->place.has_address)
		return e->place.address;
	if (e->kind == FL_PROBE_TPROBE)
		fl_buf_addz(&name, "__probestub_");
	else if (e->place.module.n)
		fl_buf_addf(&name, "%.*s:", FL_STR_ARG(e->place.module));
	fl_buf_add_str(&name, e->place.symbol);
	if (fl_target_ksyms(target, &ksyms) < 0 || !fl_ksyms_find_func(ksyms, fl_buf_str(&name), &sym, 1))
		return 0;
	return sym.addr + e->place.offset;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? fl_str_dup(fl_str_n(path, slash == path ? 1 : slash - path)) : fl_str_dup(FL_STR("."));
}

int fl_tracedat_open(const char *path, int fd, struct fl_target *target, bool boot_clock,
		     struct fl_tracedat **ret)
{
	_cleanup_tracedat_ struct fl_tracedat *t = calloc(1, sizeof(*t));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (!t)
		return -ENOMEM;
	t->fd = fd;
	t->target = target;
	t->boot_clock = boot_clock;
	t->dir = folder_of(path);
	t->nr_streams = cpus > 0 ? cpus : 1;
	t->streams = calloc(t->nr_streams, sizeof(*t->streams));
	if (!t->dir || !t->streams)
		return -ENOMEM;
	*ret = TAKE_PTR(t);
	return 0;
}

/* Hands out where the text of its format goes; NULL without memory. */
static struct fl_buf *describe(struct fl_tracedat *t, struct fl_str group)
{
	struct described *more = reallocarray(t->events, t->nr_events + 1, sizeof(*more));

	if (!more)
		return NULL;
	t->events = more;
	more[t->nr_events] = (struct described){ .group = group };
	return &more[t->nr_events++].format;
}

int fl_tracedat_describe(struct fl_tracedat *t, struct fl_str group, struct fl_str text)
{
	struct fl_buf *format = describe(t, group);

	if (!format)
		return -ENOMEM;
	fl_buf_add_str(format, text);
	return format->error;
}

int fl_tracedat_new(const char *path, int fd, struct fl_record_schemas schemas, struct fl_target *target,
		    bool boot_clock, struct fl_symbols *symbols, struct fl_tracedat **ret)
{
	_cleanup_tracedat_ struct fl_tracedat *t = NULL;
	size_t n = schemas.n;
	int r = fl_tracedat_open(path, fd, target, boot_clock, &t);

	if (r < 0)
		return r;
	t->schemas = schemas;
	t->symbols = symbols;
	t->ips = calloc(n + 1, sizeof(*t->ips));
	if (!t->ips)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct fl_probe_event *e = schemas.v[i]->event;
		struct fl_buf *format = describe(t, e->group);

		if (!format)
			return -ENOMEM;
		fl_format_print(e, EVENT_ID_FIRST + i, format);
		t->ips[i] = place_address(target, e);
	}
	*ret = TAKE_PTR(t);
	return 0;
}

void fl_tracedat_free(struct fl_tracedat *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; t->streams && i < t->nr_streams; i++) {
		if (t->streams[i].page && t->streams[i].fd >= 0)
			close(t->streams[i].fd);
		free(t->streams[i].page);
	}
	for (size_t i = 0; i < t->nr_events; i++)
		fl_buf_fini(&t->events[i].format);
	fl_map_fini(&t->comms);
	fl_map_fini(&t->addresses);
	fl_arena_fini(&t->arena);
	fl_buf_fini(&t->record);
	free(t->events);
	free(t->streams);
	free(t->ips);
	free(t->dir);
	free(t);
}
