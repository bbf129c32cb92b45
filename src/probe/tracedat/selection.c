/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filter is parsed for each event that its name matches when the first such record comes, since
 * the fields are the event's. Records of another byte order are turned into this machine's for it.
 */
#include "probe/tracedat/selection.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/num.h"
#include "base/util.h"
#include "probe/event/scope.h"

struct range {
	uint64_t first, last;
};

struct ranges {
	struct range *list;
	size_t n;
};

/* A time as it was given. */
struct moment {
	bool is_given, is_relative;
	bool in_us; /* no more than a line shows: compared as lines are */
	uint64_t ns;
	uint64_t count; /* what was given as a whole number, of clocks that count something else */
};

struct event_filter {
	struct fl_str system, event; /* globs; system empty: any */
	struct fl_str filter;	     /* empty: all of the event's records */
	const char *text;
	bool has_matched;
};

/* A filter parsed for one event. */
struct parsed {
	const struct fl_format *format;
	size_t filter; /* index */
	struct fl_filter f;
};

struct wanted_buffer {
	const char *name; /* the caller's */
	bool has_records;
};

struct fl_selection {
	struct ranges cpus, pids;
	struct wanted_buffer *buffers;
	size_t nr_buffers;
	struct event_filter *filters;
	size_t nr_filters;
	struct parsed **parsed;
	size_t nr_parsed;
	struct moment since, until;
	bool is_limited; /* something is asked for */
	bool has_first;
	uint64_t first; /* time of the first record */
	struct fl_buf copy;
};

struct fl_selection *fl_selection_new(void)
{
	return calloc(1, sizeof(struct fl_selection));
}

void fl_selection_free(struct fl_selection *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_parsed; i++) {
		fl_filter_fini(&s->parsed[i]->f);
		free(s->parsed[i]);
	}
	fl_buf_fini(&s->copy);
	free(s->parsed);
	free(s->filters);
	free(s->buffers);
	free(s->cpus.list);
	free(s->pids.list);
	free(s);
}

/* ---- what is wanted ---- */

static int add_range(struct ranges *r, struct range one)
{
	struct range *more = reallocarray(r->list, r->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->list = more;
	r->list[r->n++] = one;
	return 0;
}

/* "0,2-3" */
static int add_ranges(struct ranges *r, const char *text)
{
	struct fl_str rest = fl_str(text);
	int err = 0;

	do {
		size_t n = fl_str_find(rest, ',', 0);
		struct fl_str one = fl_str_trim(fl_str_sub(rest, 0, n));
		size_t dash = fl_str_find(one, '-', 0);
		struct range range;

		rest = fl_str_from(rest, n + 1);
		err = fl_parse_u64(fl_str_sub(one, 0, dash), 10, &range.first);
		range.last = range.first;
		if (err == 0 && dash < one.n)
			err = fl_parse_u64(fl_str_from(one, dash + 1), 10, &range.last);
		if (err == 0 && range.last < range.first)
			err = -EINVAL;
		if (err == 0)
			err = add_range(r, range);
	} while (err == 0 && rest.n);
	return err == -ENOMEM ? err : err ? -EINVAL : 0;
}

static bool is_in(const struct ranges *r, uint64_t v)
{
	for (size_t i = 0; i < r->n; i++)
		if (v >= r->list[i].first && v <= r->list[i].last)
			return true;
	return !r->n;
}

int fl_selection_add_cpus(struct fl_selection *s, const char *text)
{
	s->is_limited = true;
	return add_ranges(&s->cpus, text);
}

int fl_selection_add_pid(struct fl_selection *s, const char *text)
{
	s->is_limited = true;
	return add_ranges(&s->pids, text);
}

int fl_selection_add_buffer(struct fl_selection *s, const char *text)
{
	struct wanted_buffer *more = reallocarray(s->buffers, s->nr_buffers + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->is_limited = true;
	s->buffers = more;
	s->buffers[s->nr_buffers++] = (struct wanted_buffer){ text, false };
	return 0;
}

/* "sched/sched_switch: prev_pid == 1": what is in front of the first ": " or ":" and a blank is the
 * name. */
int fl_selection_add_events(struct fl_selection *s, const char *text)
{
	struct event_filter *more = reallocarray(s->filters, s->nr_filters + 1, sizeof(*more));
	struct event_filter f = {.text = text};
	struct fl_str all = fl_str(text), name;
	size_t n, slash;

	if (!more)
		return -ENOMEM;
	s->is_limited = true;
	s->filters = more;
	for (n = fl_str_find(all, ':', 0); n + 1 < all.n && all.p[n + 1] != ' ';
	     n = fl_str_find(all, ':', n + 1))
		;
	name = fl_str_trim(fl_str_sub(all, 0, n));
	f.filter = fl_str_trim(fl_str_from(all, n + 1));
	slash = FL_MIN(fl_str_find(name, '/', 0), fl_str_find(name, ':', 0));
	if (slash < name.n) {
		f.system = fl_str_sub(name, 0, slash);
		name = fl_str_from(name, slash + 1);
	}
	f.event = name;
	if (!name.n)
		return -EINVAL;
	s->filters[s->nr_filters++] = f;
	return 0;
}

static int parse_moment(struct moment *m, const char *text)
{
	struct fl_str t = fl_str(text), whole, part;
	uint64_t seconds, fraction = 0;
	size_t dot;

	*m = (struct moment){.is_given = true, .is_relative = fl_str_starts(t, "+")};
	t = fl_str_from(t, m->is_relative);
	dot = fl_str_find(t, '.', 0);
	whole = fl_str_sub(t, 0, dot);
	part = fl_str_from(t, dot + 1);
	if (fl_parse_u64(whole, 10, &seconds) < 0 || part.n > 9 ||
	    (dot < t.n && fl_parse_u64(part, 10, &fraction) < 0))
		return -EINVAL;
	for (size_t i = part.n; i < 9; i++)
		fraction *= 10;
	m->in_us = part.n <= 6 && !m->is_relative;
	m->count = seconds;
	if (__builtin_mul_overflow(seconds, UINT64_C(1000000000), &m->ns) ||
	    __builtin_add_overflow(m->ns, fraction, &m->ns))
		m->ns = UINT64_MAX; /* a count, and no time */
	return 0;
}

int fl_selection_since(struct fl_selection *s, const char *text)
{
	s->is_limited = true;
	return parse_moment(&s->since, text);
}

int fl_selection_until(struct fl_selection *s, const char *text)
{
	s->is_limited = true;
	return parse_moment(&s->until, text);
}

/* ---- whether a record is ---- */

/* Below 0, 0 or above it: the record is before, at or behind the moment, as a line shows its time.
 */
static int compare_time(const struct fl_selection *s, const struct moment *m,
			const struct fl_recorded *rec)
{
	uint64_t time = rec->time, at = m->ns;

	if (m->is_relative)
		time -= s->first;
	if (rec->raw_time) {
		at = m->count;
	} else if (m->in_us) {
		time = (time + 500) / 1000;
		at /= 1000;
	}
	return time < at ? -1 : time > at;
}

bool fl_selection_is_over(const struct fl_selection *s, const struct fl_recorded *rec)
{
	return s->until.is_given && compare_time(s, &s->until, rec) > 0;
}

static bool is_buffer(struct fl_selection *s, struct fl_str name)
{
	for (size_t i = 0; i < s->nr_buffers; i++) {
		struct wanted_buffer *b = &s->buffers[i];

		if (!fl_str_is(name, b->name) && (name.n || strcmp(b->name, "main") != 0))
			continue;
		b->has_records = true;
		return true;
	}
	return !s->nr_buffers;
}

struct scope {
	struct fl_event_scope event; /* first: the fields' own look-up takes it from here */
	const struct fl_ksyms *ksyms;
};

/* FIELD.function by the symbols of the file. */
static bool find_function(void *ctx, struct fl_str name, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct scope *s = ctx;
	struct fl_ksym sym;
	uint64_t address;

	if (!s->ksyms)
		return false;
	if (fl_parse_u64(name, 0, &address) == 0 ? fl_ksyms_at(s->ksyms, address, &sym) < 0
						 : !fl_ksyms_find(s->ksyms, name, &sym, 1))
		return false;
	if (!sym.size && fl_ksyms_at(s->ksyms, sym.addr, &sym) < 0)
		return false;
	*ret_start = sym.addr;
	*ret_end = sym.addr + sym.size;
	return true;
}

/* The filter for this event, parsed when it is first needed. */
static int parsed_for(struct fl_selection *s, size_t filter, const struct fl_recorded *rec,
		      const struct fl_filter **ret, struct fl_diag *diag)
{
	struct scope scope = {{.format = rec->format}, rec->ksyms};
	struct fl_filter_scope names = fl_event_filter_scope(&scope.event);
	struct parsed **more, *p;
	int err;

	for (size_t i = 0; i < s->nr_parsed; i++) {
		if (s->parsed[i]->format == rec->format && s->parsed[i]->filter == filter) {
			*ret = &s->parsed[i]->f;
			return 0;
		}
	}
	more = reallocarray(s->parsed, s->nr_parsed + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->parsed = more;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	names.function = find_function;
	names.ctx = &scope;
	err = fl_filter_parse(s->filters[filter].filter, &names, &p->f, diag);
	if (err < 0) {
		free(p);
		return err;
	}
	p->format = rec->format;
	p->filter = filter;
	s->parsed[s->nr_parsed++] = p;
	*ret = &p->f;
	return 0;
}

static void swap_bytes(char *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		char c = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = c;
	}
}

/* The record as this machine would have it. */
static struct fl_str own_order(struct fl_selection *s, const struct fl_recorded *rec)
{
	fl_buf_reset(&s->copy);
	fl_buf_add(&s->copy, rec->data, rec->size);
	for (size_t i = 0; i < rec->format->nr_fields && !s->copy.error; i++) {
		const struct fl_field *f = &rec->format->fields[i];
		bool scalar = f->loc != FL_FIELD_INLINE || (!f->is_array && f->size <= 8);

		if (scalar && fl_range_ok(f->offset, f->size, rec->size))
			swap_bytes(s->copy.data + f->offset, f->size);
	}
	return fl_buf_str(&s->copy);
}

static int match_filter(struct fl_selection *s, size_t i, const struct fl_recorded *rec,
			struct fl_diag *diag)
{
	struct fl_filter_env env = {.comm = rec->comm, .cpu = rec->cpu};
	struct fl_str record = fl_str_n((const char *)rec->data, rec->size);
	const struct fl_filter *f = NULL;
	int err = parsed_for(s, i, rec, &f, diag);

	if (err < 0)
		return err;
	if (rec->abi.big_endian != FL_ABI_OWN.big_endian)
		record = own_order(s, rec);
	return fl_filter_match(f, record.p, record.n, &env);
}

/* A name without a system may be a system's, too: "sched" is all of its events. */
static bool is_named(const struct event_filter *f, const struct fl_format *format)
{
	if (f->system.n)
		return fl_str_glob(f->system, format->system) &&
		       fl_str_glob(f->event, format->name);
	return fl_str_glob(f->event, format->name) || fl_str_eq(f->event, format->system);
}

static int match_events(struct fl_selection *s, const struct fl_recorded *rec, struct fl_diag *diag)
{
	int r = !s->nr_filters;

	for (size_t i = 0; i < s->nr_filters && r == 0 && rec->format; i++) {
		struct event_filter *f = &s->filters[i];

		if (!is_named(f, rec->format))
			continue;
		f->has_matched = true;
		r = f->filter.n ? match_filter(s, i, rec, diag) : 1;
	}
	return r;
}

int fl_selection_match(struct fl_selection *s, const struct fl_recorded *rec, struct fl_diag *diag)
{
	if (!s->is_limited)
		return 1;
	if (!s->has_first) {
		s->has_first = true;
		s->first = rec->time;
	}
	if (!is_in(&s->cpus, rec->cpu) || !is_in(&s->pids, rec->pid) || !is_buffer(s, rec->buffer))
		return 0;
	if (s->since.is_given && compare_time(s, &s->since, rec) < 0)
		return 0;
	if (fl_selection_is_over(s, rec))
		return 0;
	return match_events(s, rec, diag);
}

const char *fl_selection_empty_buffer(const struct fl_selection *s)
{
	for (size_t i = 0; i < s->nr_buffers; i++)
		if (!s->buffers[i].has_records)
			return s->buffers[i].name;
	return NULL;
}

const char *fl_selection_unmatched(const struct fl_selection *s)
{
	for (size_t i = 0; i < s->nr_filters; i++)
		if (!s->filters[i].has_matched)
			return s->filters[i].text;
	return NULL;
}
