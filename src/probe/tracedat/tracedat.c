/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of our own programs become what the kernel would have filed: common fields, a place, values as
 * the event's format file says. They go to pages, one at work for each CPU, and pages to the journal.
 *
 * What records name is told with them: threads when they come under a new name, and of symbols those that
 * hold an address of a record, with the next one, where they end. Frames of processes: userframes.h.
 *
 * Times are nanoseconds of one clock.
 */
#include "probe/tracedat/tracedat.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/map.h"
#include "probe/tracedat/comms.h"
#include "probe/tracedat/journal.h"
#include "probe/tracedat/pagewriter.h"
#include "probe/tracedat/userframes.h"
#include "probe/event/format.h"
#include "probe/output/flat.h"
#include "probe/output/stack.h"
#include "probe/target/target.h"

#define COMMIT_NS      1000000000 /* between two commits of the journal */
#define EVENT_ID_FIRST 5000 /* above the kernel's static ones */
#define KERNEL_STACK_ID 4   /* the kernel's own number of each */
#define USER_STACK_ID  12

/* One CPU's page. */
struct stream {
	struct fl_page_writer pages;
	struct fl_tracedat *t;
	uint32_t cpu;
};

/* An event of the file. */
struct described {
	struct fl_str group;
	struct fl_buf format; /* the text of its format file */
};

struct fl_tracedat {
	int fd;
	struct fl_journal journal;
	bool is_open; /* the journal has begun */
	struct fl_record_schemas schemas; /* n 0: records come as the kernel made them */
	struct fl_target *target;
	struct fl_symbols *symbols;
	struct described *events;
	size_t nr_events;
	struct fl_dat_clock clock;
	struct stream *streams; /* by CPU number */
	uint32_t nr_streams;
	struct fl_arena arena;	/* keys of the maps */
	struct fl_map comms;	/* thread -> its name */
	struct fl_map addresses; /* of symbols that records name */
	size_t addresses_told;
	struct fl_user_writer users; /* frames of processes */
	struct fl_buf new_comms; /* lines that are not in the journal yet */
	uint64_t committed; /* time of the record at which that was last done */
	struct fl_buf record;	/* that is being made */
	uint64_t *ips;		/* address of each event's place, 0: not known */
};

/* ---- the journal ---- */

static int on_page(void *ctx, struct fl_str page)
{
	struct stream *s = ctx;

	return fl_journal_page(&s->t->journal, s->cpu, page);
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
static void put_new_symbols(struct fl_tracedat *t, struct fl_buf *text)
{
	struct fl_ksyms *ksyms = NULL;

	if (t->addresses_told == t->addresses.count)
		return;
	if (fl_target_ksyms(t->target, &ksyms) < 0)
		ksyms = NULL;
	for (; t->addresses_told < t->addresses.count; t->addresses_told++) {
		const struct fl_map_entry *e = &t->addresses.entries[t->addresses_told];
		struct fl_ksym sym, next;

		if (!ksyms || fl_ksyms_at(ksyms, fl_get_le64(e->key.p), &sym) < 0)
			continue;
		put_symbol(&sym, text);
		if (sym.size && fl_ksyms_at(ksyms, sym.addr + sym.size, &next) == 0)
			put_symbol(&next, text);
	}
}

static int open_journal(struct fl_tracedat *t);

static int commit(struct fl_tracedat *t, const struct fl_dat_option *options, size_t nr_options)
{
	_cleanup_buf_ struct fl_buf symbols = {}, users = {};
	int r = open_journal(t);

	for (uint32_t i = 0; i < t->nr_streams && r == 0; i++)
		r = fl_page_writer_flush(&t->streams[i].pages);
	put_new_symbols(t, &symbols);
	if (r == 0)
		r = symbols.error ? symbols.error : t->new_comms.error;
	if (r == 0)
		r = fl_user_writer_take(&t->users, &users);
	if (r == 0)
		r = fl_journal_commit(&t->journal, fl_buf_str(&t->new_comms), fl_buf_str(&symbols),
				      fl_buf_str(&users), options, nr_options);
	fl_buf_reset(&t->new_comms);
	return r;
}

uint64_t fl_tracedat_size(const struct fl_tracedat *t)
{
	return t->journal.size;
}

int fl_tracedat_flush(struct fl_tracedat *t)
{
	return commit(t, NULL, 0);
}

static int add_record(struct fl_tracedat *t, struct stream *s, uint64_t time, const void *data, size_t n)
{
	int r = open_journal(t);

	if (r == 0)
		r = fl_page_writer_add(&s->pages, time, fl_str_n(data, n));
	if (!t->committed)
		t->committed = time;
	if (r < 0 || time < t->committed || time - t->committed < COMMIT_NS)
		return r;
	t->committed = time;
	return commit(t, NULL, 0);
}

static int stream_at(struct fl_tracedat *t, uint32_t cpu, struct stream **ret)
{
	if (cpu >= t->nr_streams)
		return -EINVAL;
	*ret = &t->streams[cpu];
	return 0;
}

/* ---- records ---- */

/* The entry of a number; @ret_new: it was not there. */
static struct fl_map_entry *entry_of(struct fl_tracedat *t, struct fl_map *map, uint64_t number)
{
	struct fl_str key = { (const char *)&number, sizeof(number) };
	struct fl_map_entry *e = fl_map_get(map, key);

	if (e)
		return e;
	key.p = fl_arena_dup(&t->arena, key);
	return key.p ? fl_map_put(map, key, NULL) : NULL;
}

static int remember_address(void *ctx, uint64_t address)
{
	struct fl_tracedat *t = ctx;

	return entry_of(t, &t->addresses, address) ? 0 : -ENOMEM;
}

/* A thread goes by its last name. */
static int remember_comm(struct fl_tracedat *t, uint32_t pid, struct fl_str comm)
{
	struct fl_map_entry *e = entry_of(t, &t->comms, pid);

	if (!e)
		return -ENOMEM;
	if (e->ptr && fl_str_eq(fl_str(e->ptr), comm))
		return 0;
	e->ptr = fl_arena_dup(&t->arena, comm);
	if (!e->ptr)
		return -ENOMEM;
	fl_buf_addf(&t->new_comms, "%u ", pid);
	fl_comm_write(comm, &t->new_comms);
	fl_buf_addc(&t->new_comms, '\n');
	return t->new_comms.error;
}

static void put_number(struct fl_buf *b, uint64_t v, size_t size)
{
	uint64_t le = htole64(v);

	fl_buf_add(b, &le, size);
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
	fl_flat_common(kernel ? KERNEL_STACK_ID : USER_STACK_ID, rec, &t->record);
	put_number(&t->record, kernel ? stack.n : rec->pid, 4);
	put_number(&t->record, 0, 4);
	for (size_t i = 0; i < stack.n && r == 0; i++) {
		uint64_t frame = fl_stack_frame(&stack, i);

		put_number(&t->record, frame, 8);
		r = kernel ? remember_address(t, frame) :
			     fl_user_writer_frame(&t->users, t->symbols, rec, frame, i > 0);
	}
	if (r == 0)
		r = t->record.error;
	return r < 0 ? r : add_record(t, s, rec->time, t->record.data, t->record.len);
}

int fl_tracedat_record(struct fl_tracedat *t, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	const struct fl_record_schema *p = t->schemas.v[rec->event];
	struct stream *s = NULL;
	struct fl_flat flat;
	int r;

	r = stream_at(t, cpu, &s);
	if (r == 0 && rec->pid)
		r = remember_comm(t, rec->pid, fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm))));
	if (r < 0)
		return r;
	flat = (struct fl_flat){ .schema = p, .id = (uint16_t)(EVENT_ID_FIRST + rec->event), .ip = t->ips[rec->event],
				 .symbols = t->symbols, .address = remember_address, .ctx = t };
	r = fl_flat_record(&flat, rec, size, &t->record);
	if (r == 0)
		r = add_record(t, s, rec->time, t->record.data, t->record.len);
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
		r = remember_address(t, v);
	if (r == 0 && p->ret_ip && fl_recorded_number(rec, p->ret_ip, 0, 1, &v))
		r = remember_address(t, v);
	for (size_t i = 0; i < p->n && r == 0; i++) {
		uint32_t n = FL_MAX(p->values[i].count, 1u);

		for (uint32_t k = 0; p->values[i].print == FL_PRINT_SYMBOL && k < n && r == 0; k++)
			if (fl_recorded_number(rec, p->values[i].field, k, n, &v))
				r = remember_address(t, v);
	}
	return r;
}

int fl_tracedat_recorded(struct fl_tracedat *t, const struct fl_recorded *rec)
{
	struct stream *s = NULL;
	int r = stream_at(t, rec->cpu, &s);

	if (r == 0 && rec->pid)
		r = remember_comm(t, rec->pid, rec->comm);
	if (r == 0 && rec->printer)
		r = remember_symbols(t, rec);
	return r < 0 ? r : add_record(t, s, rec->time, rec->data, rec->size);
}

int fl_tracedat_comms(struct fl_tracedat *t, struct fl_str lines)
{
	struct fl_comms comms = {};
	int r = fl_comms_read(&comms, lines);

	for (size_t i = 0; i < comms.n && r == 0; i++) {
		uint64_t pid = comms.list[i].pid;

		if (fl_map_get(&t->comms, (struct fl_str){ (const char *)&pid, sizeof(pid) }))
			r = remember_comm(t, (uint32_t)pid, comms.list[i].name);
	}
	fl_comms_fini(&comms);
	return r;
}

/* ---- what the file says of events and of the run ---- */

/* What the two say of themselves, of events of ftrace itself. */
static void put_stack_format(const char *name, unsigned int id, const char *first, struct fl_buf *format)
{
	fl_buf_addf(format, "name: %s\nID: %u\nformat:\n", name, id);
	fl_format_print_common(format);
	fl_buf_addf(format, "\tfield:%s;\toffset:8;\tsize:4;\tsigned:%d;\n", first, id == KERNEL_STACK_ID);
	fl_buf_addz(format, "\tfield:unsigned long caller[];\toffset:16;\tsize:0;\tsigned:0;\n\n"
			    "print fmt: \"\\t=> %ps\\n\", (void *)REC->caller[0]\n");
}

static bool has_stacks(const struct fl_tracedat *t)
{
	for (size_t i = 0; i < t->schemas.n; i++)
		if (t->schemas.v[i]->layout.stacks)
			return true;
	return false;
}

/* The first of them are the two stacks, where there are any. */
static int list_formats(struct fl_tracedat *t, struct fl_buf stacks[2], struct fl_dat_format **ret,
			size_t *ret_n)
{
	struct fl_dat_format *f = calloc(t->nr_events + 2, sizeof(*f));
	size_t n = 0;

	if (!f)
		return -ENOMEM;
	if (has_stacks(t)) {
		put_stack_format("kernel_stack", KERNEL_STACK_ID, "int size", &stacks[0]);
		put_stack_format("user_stack", USER_STACK_ID, "unsigned int tgid", &stacks[1]);
		f[n++] = (struct fl_dat_format){ FL_STR("ftrace"), fl_buf_str(&stacks[0]) };
		f[n++] = (struct fl_dat_format){ FL_STR("ftrace"), fl_buf_str(&stacks[1]) };
	}
	for (size_t i = 0; i < t->nr_events; i++)
		f[n++] = (struct fl_dat_format){ t->events[i].group, fl_buf_str(&t->events[i].format) };
	*ret = f;
	*ret_n = n;
	return 0;
}

/* What the file says of the system, and of its times: DATE counts microseconds, OFFSET the rest. */
static int start_options(const struct fl_tracedat *t, struct fl_buf *texts, struct fl_dat_option *ret)
{
	struct utsname u;
	size_t n = 0, ends[3];

	if (uname(&u) == 0) {
		fl_buf_addf(texts, "%s %s %s %s%c", u.sysname, u.nodename, u.release, u.machine, 0);
		ret[n].id = FL_DAT_UNAME;
		ends[n++] = texts->len;
	}
	if (t->clock.date) {
		fl_buf_addf(texts, "0x%llx%c", (unsigned long long)(t->clock.date / 1000), 0);
		ret[n].id = FL_DAT_DATE;
		ends[n++] = texts->len;
		fl_buf_addf(texts, "%lld%c", (long long)(t->clock.date % 1000), 0);
		ret[n].id = FL_DAT_OFFSET;
		ends[n++] = texts->len;
	}
	for (size_t i = 0, at = 0; i < n; at = ends[i++])
		ret[i].data = fl_str_sub(fl_buf_str(texts), at, ends[i] - at);
	return (int)n;
}

/* With the first record, or the first commit: by then all events are described. */
static int open_journal(struct fl_tracedat *t)
{
	_cleanup_buf_ struct fl_buf system = {}, kernel_stack = {}, user_stack = {};
	struct fl_buf stacks[2] = {};
	_cleanup_free_ struct fl_dat_format *formats = NULL;
	struct fl_journal_start start = { .clock = t->clock.name };
	struct fl_dat_option options[3] = {};
	int r;

	if (t->is_open)
		return 0;
	r = list_formats(t, stacks, &formats, &start.nr_formats);
	kernel_stack = stacks[0];
	user_stack = stacks[1];
	if (r < 0)
		return r;
	start.formats = formats;
	start.options = options;
	start.nr_options = start_options(t, &system, options);
	if (system.error)
		return system.error;
	r = fl_journal_open(t->fd, &start, &t->journal);
	t->is_open = r == 0;
	return r;
}

int fl_tracedat_finish(struct fl_tracedat *t, struct fl_str summary)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_dat_option option = { .id = FL_DAT_CPUSTAT };

	fl_buf_add_str(&text, summary);
	fl_buf_addc(&text, '\0');
	option.data = fl_buf_str(&text);
	return text.error ? text.error : commit(t, &option, 1);
}

/* ---- life ---- */

/* The address of a place that its records do not carry. */
int fl_tracedat_open(int fd, struct fl_target *target, struct fl_dat_clock clock, struct fl_tracedat **ret)
{
	_cleanup_tracedat_ struct fl_tracedat *t = calloc(1, sizeof(*t));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (!t)
		return -ENOMEM;
	t->fd = fd;
	t->target = target;
	t->clock = clock;
	t->nr_streams = cpus > 0 ? cpus : 1;
	t->streams = calloc(t->nr_streams, sizeof(*t->streams));
	if (!t->streams)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->nr_streams; i++)
		t->streams[i] = (struct stream){ { .full = on_page, .ctx = &t->streams[i] }, t, i };
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

int fl_tracedat_new(int fd, struct fl_record_schemas schemas, struct fl_target *target,
		    struct fl_dat_clock clock, struct fl_symbols *symbols, struct fl_tracedat **ret)
{
	_cleanup_tracedat_ struct fl_tracedat *t = NULL;
	size_t n = schemas.n;
	int r = fl_tracedat_open(fd, target, clock, &t);

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
		t->ips[i] = fl_flat_place(target, e);
	}
	*ret = TAKE_PTR(t);
	return 0;
}

void fl_tracedat_free(struct fl_tracedat *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; t->streams && i < t->nr_streams; i++)
		fl_page_writer_fini(&t->streams[i].pages);
	fl_journal_fini(&t->journal);
	fl_buf_fini(&t->new_comms);
	fl_user_writer_fini(&t->users);
	for (size_t i = 0; i < t->nr_events; i++)
		fl_buf_fini(&t->events[i].format);
	fl_map_fini(&t->comms);
	fl_map_fini(&t->addresses);
	fl_arena_fini(&t->arena);
	fl_buf_fini(&t->record);
	free(t->events);
	free(t->streams);
	free(t->ips);
	free(t);
}
