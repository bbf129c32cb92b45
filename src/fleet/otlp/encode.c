/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/otlp/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nsec.h"
#include "base/protobuf.h"
#include "base/utf8.h"

/* Field numbers of opentelemetry/proto, by message. */
enum { REQUEST_RESOURCE = 1 };
enum { RESOURCE = 1, RESOURCE_SCOPE = 2 };
enum { RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE = 1, SCOPE_ITEMS = 2 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2 };
enum { ANY_STRING = 1, ANY_INT = 3, ANY_ARRAY = 5, ANY_BYTES = 7 };
enum { ARRAY_VALUES = 1 };
enum { METRIC_NAME = 1, METRIC_DESCRIPTION = 2, METRIC_UNIT = 3, METRIC_GAUGE = 5, METRIC_SUM = 7,
       METRIC_HISTOGRAM = 9 };
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };
enum { TEMPORALITY_CUMULATIVE = 2 };
enum { POINT_START = 2, POINT_TIME = 3, POINT_DOUBLE = 4, POINT_EXEMPLARS = 5, POINT_INT = 6, POINT_ATTRIBUTES = 7 };
enum { HISTOGRAM_COUNT = 4, HISTOGRAM_SUM = 5, HISTOGRAM_BUCKETS = 6, HISTOGRAM_BOUNDS = 7,
       HISTOGRAM_ATTRIBUTES = 9 };
enum { EXEMPLAR_TIME = 2, EXEMPLAR_INT = 6, EXEMPLAR_ATTRIBUTES = 7 };
enum { LOG_TIME = 1, LOG_SEVERITY = 2, LOG_BODY = 5, LOG_ATTRIBUTES = 6, LOG_OBSERVED = 11, LOG_EVENT_NAME = 12 };
enum { SEVERITY_INFO = 9 };
enum { RESPONSE_PARTIAL = 1, PARTIAL_REJECTED = 1, PARTIAL_MESSAGE = 2 };

/* ---- attributes ---- */

/* A string is UTF-8; other bytes are bytes. */
static bool is_utf8(struct fl_str s)
{
	for (size_t i = 0, n; i < s.n; i += n) {
		n = fl_utf8_len(fl_str_from(s, i));
		if (!n)
			return false;
	}
	return true;
}

static void put_text(struct fl_buf *b, unsigned int field, struct fl_str s)
{
	size_t any = fl_pb_open(b, field);

	fl_pb_str(b, is_utf8(s) ? ANY_STRING : ANY_BYTES, s);
	fl_pb_close(b, any);
}

static void put_int(struct fl_buf *b, unsigned int field, uint64_t v)
{
	size_t any = fl_pb_open(b, field);

	fl_pb_u64(b, ANY_INT, v);
	fl_pb_close(b, any);
}

static size_t open_attribute(struct fl_buf *b, unsigned int field, struct fl_str key)
{
	size_t kv = fl_pb_open(b, field);

	fl_pb_str(b, KEY_VALUE_KEY, key);
	return kv;
}

static void attribute(struct fl_buf *b, unsigned int field, struct fl_str key, struct fl_str v)
{
	size_t kv = open_attribute(b, field, key);

	put_text(b, KEY_VALUE_VALUE, v);
	fl_pb_close(b, kv);
}

static void attribute_int(struct fl_buf *b, unsigned int field, struct fl_str key, uint64_t v)
{
	size_t kv = open_attribute(b, field, key);

	put_int(b, KEY_VALUE_VALUE, v);
	fl_pb_close(b, kv);
}

/* ---- the machine ---- */

static void read_line(const char *path, char *to, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	to[n > 0 ? n : 0] = '\0';
	to[strcspn(to, "\n")] = '\0';
}

int fl_otlp_resource(struct fl_otlp_resource *ret)
{
	struct fl_otlp_resource r = {};
	struct utsname u;
	uint64_t id[2];

	if (uname(&u) < 0 || getrandom(id, sizeof(id), 0) != sizeof(id))
		return -errno;
	snprintf(r.host, sizeof(r.host), "%s", u.nodename);
	snprintf(r.release, sizeof(r.release), "%s", u.release);
	read_line("/proc/sys/kernel/random/boot_id", r.boot_id, sizeof(r.boot_id));
	snprintf(r.run, sizeof(r.run), "%016lx%016lx", id[0], id[1]);
	r.start_ns = fl_time_ns(CLOCK_REALTIME);
	*ret = r;
	return 0;
}

static void put_resource(struct fl_buf *b, const struct fl_otlp_resource *r)
{
	const struct {
		struct fl_str key;
		const char *v;
	} rows[] = {
		{ FL_STR("service.name"), "foreland" },	   { FL_STR("service.version"), FORELAND_VERSION },
		{ FL_STR("service.instance.id"), r->host }, { FL_STR("host.name"), r->host },
		{ FL_STR("os.type"), "linux" },		   { FL_STR("os.version"), r->release },
		{ FL_STR("linux.boot_id"), r->boot_id },
	};
	size_t resource = fl_pb_open(b, RESOURCE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		attribute(b, RESOURCE_ATTRIBUTES, rows[i].key, fl_str(rows[i].v));
	fl_pb_close(b, resource);
}

static void put_scope(struct fl_buf *b)
{
	size_t scope = fl_pb_open(b, SCOPE);

	fl_pb_str(b, SCOPE_NAME, FL_STR("foreland"));
	fl_pb_str(b, SCOPE_VERSION, FL_STR(FORELAND_VERSION));
	fl_pb_close(b, scope);
}

/* ---- metrics ---- */

struct at {
	uint64_t start, now;
};

static void put_labels(struct fl_buf *b, unsigned int field, const struct fl_series *s)
{
	for (size_t i = 0; i < s->nr_labels; i++)
		attribute(b, field, s->labels[i].name, s->labels[i].value);
}

static void put_times(struct fl_buf *b, enum fl_metric_kind kind, struct at at)
{
	if (kind != FL_METRIC_GAUGE)
		fl_pb_fixed64(b, POINT_START, at.start);
	fl_pb_fixed64(b, POINT_TIME, at.now);
}

static void put_exemplar(struct fl_buf *b, const struct fl_exemplar *e)
{
	size_t exemplar;

	if (!e->is_set)
		return;
	exemplar = fl_pb_open(b, POINT_EXEMPLARS);
	fl_pb_fixed64(b, EXEMPLAR_TIME, e->time_ns);
	fl_pb_fixed64(b, EXEMPLAR_INT, 1);
	attribute_int(b, EXEMPLAR_ATTRIBUTES, FL_STR("pid"), e->pid);
	attribute(b, EXEMPLAR_ATTRIBUTES, FL_STR("comm"), fl_str_n(e->comm, strnlen(e->comm, sizeof(e->comm))));
	fl_pb_close(b, exemplar);
}

/* There is no unsigned number: what has no room in a signed one is a floating-point one. */
static void put_number(struct fl_buf *b, struct fl_number v)
{
	if (v.type == FL_NUMBER_F64)
		fl_pb_double(b, POINT_DOUBLE, v.f);
	else if (v.type == FL_NUMBER_U64 && v.u > INT64_MAX)
		fl_pb_double(b, POINT_DOUBLE, (double)v.u);
	else
		fl_pb_fixed64(b, POINT_INT, v.u);
}

static void put_point(struct fl_buf *b, enum fl_metric_kind kind, const struct fl_series *s, struct at at)
{
	size_t point = fl_pb_open(b, DATA_POINTS);

	put_labels(b, POINT_ATTRIBUTES, s);
	put_times(b, kind, at);
	put_number(b, s->value);
	put_exemplar(b, &s->exemplar);
	fl_pb_close(b, point);
}

/* Counts are of each bucket alone, and there is one more of them than there are bounds. */
static void put_distribution(struct fl_buf *b, const struct fl_series *s, struct at at)
{
	const struct fl_distribution *d = &s->distribution;
	size_t point = fl_pb_open(b, DATA_POINTS), list;

	put_labels(b, HISTOGRAM_ATTRIBUTES, s);
	put_times(b, FL_METRIC_HISTOGRAM, at);
	fl_pb_fixed64(b, HISTOGRAM_COUNT, fl_distribution_count(d));
	if (d->has_sum)
		fl_pb_double(b, HISTOGRAM_SUM, (double)d->sum);
	list = fl_pb_open(b, HISTOGRAM_BUCKETS);
	for (size_t i = 0; i < d->n; i++)
		fl_pb_raw64(b, d->buckets[i].count);
	fl_pb_raw64(b, d->above);
	fl_pb_close(b, list);
	list = fl_pb_open(b, HISTOGRAM_BOUNDS);
	for (size_t i = 0; i < d->n; i++)
		fl_pb_raw_double(b, (double)d->buckets[i].bound);
	fl_pb_close(b, list);
	fl_pb_close(b, point);
}

static size_t put_metric(struct fl_buf *b, const struct fl_metric_family *f, const struct fl_series *s, struct at at)
{
	static const unsigned int fields[] = {
		[FL_METRIC_COUNTER] = METRIC_SUM, [FL_METRIC_GAUGE] = METRIC_GAUGE,
		[FL_METRIC_HISTOGRAM] = METRIC_HISTOGRAM,
	};
	size_t metric = fl_pb_open(b, SCOPE_ITEMS), data, n = 0;

	fl_pb_str(b, METRIC_NAME, fl_str(f->name));
	fl_pb_str(b, METRIC_DESCRIPTION, fl_str(f->help));
	if (f->unit[0])
		fl_pb_str(b, METRIC_UNIT, f->unit[0] == 's' ? FL_STR("s") : FL_STR("By"));
	data = fl_pb_open(b, fields[f->kind]);
	for (; s; s = s->next, n++) {
		if (f->kind == FL_METRIC_HISTOGRAM)
			put_distribution(b, s, at);
		else
			put_point(b, f->kind, s, at);
	}
	if (f->kind != FL_METRIC_GAUGE)
		fl_pb_u64(b, DATA_TEMPORALITY, TEMPORALITY_CUMULATIVE);
	if (f->kind == FL_METRIC_COUNTER)
		fl_pb_u64(b, DATA_MONOTONIC, 1);
	fl_pb_close(b, data);
	fl_pb_close(b, metric);
	return n;
}

size_t fl_otlp_metrics(const struct fl_otlp_resource *r, const struct fl_metrics *m, uint64_t now_ns,
		       struct fl_buf *out)
{
	struct at at = { r->start_ns, now_ns };
	size_t request = fl_pb_open(out, REQUEST_RESOURCE), scope, n = 0;

	put_resource(out, r);
	scope = fl_pb_open(out, RESOURCE_SCOPE);
	put_scope(out);
	for (size_t i = 0; i < _FL_METRIC_MAX; i++) {
		const struct fl_series *s = fl_metrics_series(m, (enum fl_metric)i);

		if (s)
			n += put_metric(out, &fl_metric_families[i], s, at);
	}
	fl_pb_close(out, scope);
	fl_pb_close(out, request);
	return n;
}

/* ---- log records ---- */

void fl_otlp_logs_fini(struct fl_otlp_logs *l)
{
	fl_buf_fini(&l->request);
	*l = (struct fl_otlp_logs){};
}

struct source {
	const struct fl_probe_arg *arg;
	const struct fl_record_slot *slot;
	const struct fl_record *rec;
	size_t size;
	struct fl_symbols *symbols;
};

/* A read that failed is a value that is none: AnyValue without one. */
static void put_element(struct fl_buf *b, unsigned int field, const struct source *s, size_t element)
{
	uint64_t v = fl_record_value(s->slot, s->rec, element, s->arg->type->is_signed);
	struct fl_str text;

	if (s->slot->kind == FL_SLOT_STRING) {
		if (fl_record_string(s->slot, s->rec, s->size, element, &text))
			put_text(b, field, text);
		else
			fl_pb_close(b, fl_pb_open(b, field));
	} else if (s->slot->kind == FL_SLOT_SYMBOL || s->arg->type->print == FL_PRINT_SYMBOL) {
		put_text(b, field, fl_symbols_shown(s->symbols, s->arg->type, v));
	} else {
		put_int(b, field, v);
	}
}

/* Of a stack, behind which there are zeros. */
static bool is_end(const struct source *s, size_t element)
{
	return s->slot->kind == FL_SLOT_STACK && !fl_record_value(s->slot, s->rec, element, false);
}

static void put_arg(struct fl_buf *b, const struct fl_record_schema *p, size_t i, const struct source *s)
{
	size_t kv = open_attribute(b, LOG_ATTRIBUTES, s->arg->name), any, array;

	if (fl_record_fault(&p->layout, s->rec, i)) {
		fl_pb_close(b, fl_pb_open(b, KEY_VALUE_VALUE));
	} else if (s->slot->kind != FL_SLOT_STACK && !s->arg->count) {
		put_element(b, KEY_VALUE_VALUE, s, 0);
	} else {
		any = fl_pb_open(b, KEY_VALUE_VALUE);
		array = fl_pb_open(b, ANY_ARRAY);
		for (size_t k = 0; k < s->slot->count && !is_end(s, k); k++)
			put_element(b, ARRAY_VALUES, s, k);
		fl_pb_close(b, array);
		fl_pb_close(b, any);
	}
	fl_pb_close(b, kv);
}

static void put_who(struct fl_buf *b, const struct fl_otlp_resource *r, struct fl_str question,
		    const struct fl_record *rec, uint64_t uid)
{
	_cleanup_buf_ struct fl_buf id = {};

	fl_buf_addz(&id, r->run);
	fl_buf_addc(&id, '-');
	fl_buf_add_u64(&id, uid);
	attribute(b, LOG_ATTRIBUTES, FL_STR("log.record.uid"), fl_buf_str(&id));
	if (question.n)
		attribute(b, LOG_ATTRIBUTES, FL_STR("foreland.question"), question);
	attribute_int(b, LOG_ATTRIBUTES, FL_STR("thread.id"), rec->pid);
	attribute(b, LOG_ATTRIBUTES, FL_STR("thread.name"), fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm))));
	attribute_int(b, LOG_ATTRIBUTES, FL_STR("cpu.logical_number"), rec->cpu);
}

static void begin(struct fl_otlp_logs *l, const struct fl_otlp_resource *r)
{
	l->resource_logs = fl_pb_open(&l->request, REQUEST_RESOURCE);
	put_resource(&l->request, r);
	l->scope_logs = fl_pb_open(&l->request, RESOURCE_SCOPE);
	put_scope(&l->request);
}

static void put_name(struct fl_buf *b, const struct fl_record_schema *p)
{
	_cleanup_buf_ struct fl_buf name = {};

	fl_buf_add_str(&name, p->event->group);
	fl_buf_addc(&name, '/');
	fl_buf_add_str(&name, p->event->event);
	put_text(b, LOG_BODY, fl_buf_str(&name));
	fl_pb_str(b, LOG_EVENT_NAME, fl_buf_str(&name));
}

void fl_otlp_logs_add(struct fl_otlp_logs *l, const struct fl_otlp_resource *r, struct fl_str question,
		      const struct fl_record_schema *p, const struct fl_record *rec, size_t size, uint64_t uid,
		      uint64_t time_ns, struct fl_symbols *symbols)
{
	struct fl_buf *b = &l->request;
	size_t log;

	if (!l->n++)
		begin(l, r);
	log = fl_pb_open(b, SCOPE_ITEMS);
	fl_pb_fixed64(b, LOG_TIME, time_ns);
	fl_pb_fixed64(b, LOG_OBSERVED, time_ns);
	fl_pb_u64(b, LOG_SEVERITY, SEVERITY_INFO);
	put_name(b, p);
	put_who(b, r, question, rec, uid);
	for (size_t i = 0; i < p->event->nr_args; i++)
		put_arg(b, p, i, &(struct source){ &p->event->args[i], &p->layout.slots[i], rec, size, symbols });
	fl_pb_close(b, log);
}

void fl_otlp_logs_end(struct fl_otlp_logs *l)
{
	if (!l->n)
		return;
	fl_pb_close(&l->request, l->scope_logs);
	fl_pb_close(&l->request, l->resource_logs);
}

/* ---- bytes ---- */

static bool get_varint(struct fl_str *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < 10 && i < s->n; i++) {
		uint8_t byte = (uint8_t)s->p[i];

		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		*s = fl_str_from(*s, i + 1);
		*ret = v;
		return true;
	}
	return false;
}

/* Takes one field off the front: a number, or bytes; what is of neither kind is an end. */
static bool get_field(struct fl_str *s, uint64_t *field, uint64_t *number, struct fl_str *bytes)
{
	uint64_t tag, n;

	*bytes = (struct fl_str){};
	*number = 0;
	if (!get_varint(s, &tag) || !get_varint(s, &n))
		return false;
	*field = tag >> 3;
	if ((tag & 7) == 0) {
		*number = n;
		return true;
	}
	if ((tag & 7) != 2 || n > s->n)
		return false;
	*bytes = fl_str_sub(*s, 0, n);
	*s = fl_str_from(*s, n);
	return true;
}

uint64_t fl_otlp_refused(struct fl_str reply, struct fl_str *ret_why)
{
	struct fl_str partial, why;
	uint64_t field, n, refused = 0;

	*ret_why = FL_STR("");
	if (!get_field(&reply, &field, &n, &partial) || field != RESPONSE_PARTIAL)
		return 0;
	while (get_field(&partial, &field, &n, &why)) {
		if (field == PARTIAL_REJECTED)
			refused = n;
		else if (field == PARTIAL_MESSAGE)
			*ret_why = why;
	}
	return refused;
}
