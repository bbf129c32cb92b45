/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/otlp/encode.h"

#include <string.h>

#include "base/protobuf.h"
#include "fleet/otlp/attribute.h"

/* Field numbers of opentelemetry/proto, by message. */
enum { REQUEST_RESOURCE = 1 };
enum { RESOURCE = 1, RESOURCE_SCOPE = 2 };
enum { SCOPE = 1, SCOPE_ITEMS = 2 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { ANY_ARRAY = 5 };
enum { ARRAY_VALUES = 1 };
enum { METRIC_NAME = 1, METRIC_DESCRIPTION = 2, METRIC_UNIT = 3, METRIC_GAUGE = 5, METRIC_SUM = 7,
       METRIC_HISTOGRAM = 9, METRIC_EXPONENTIAL = 10 };
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };
enum { TEMPORALITY_CUMULATIVE = 2 };
enum { POINT_START = 2, POINT_TIME = 3, POINT_DOUBLE = 4, POINT_EXEMPLARS = 5, POINT_INT = 6, POINT_ATTRIBUTES = 7 };
enum { HISTOGRAM_COUNT = 4, HISTOGRAM_SUM = 5, HISTOGRAM_BUCKETS = 6, HISTOGRAM_BOUNDS = 7,
       HISTOGRAM_ATTRIBUTES = 9 };
enum { EXPONENTIAL_ATTRIBUTES = 1, EXPONENTIAL_ZEROS = 7, EXPONENTIAL_POSITIVE = 8, EXPONENTIAL_ZERO_THRESHOLD = 14 };
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };
enum { EXEMPLAR_TIME = 2, EXEMPLAR_INT = 6, EXEMPLAR_ATTRIBUTES = 7 };
enum { LOG_TIME = 1, LOG_SEVERITY = 2, LOG_BODY = 5, LOG_ATTRIBUTES = 6, LOG_OBSERVED = 11, LOG_EVENT_NAME = 12 };
enum { SEVERITY_INFO = 9 };
enum { RESPONSE_PARTIAL = 1, PARTIAL_REJECTED = 1, PARTIAL_MESSAGE = 2 };

static void put_resource(struct fl_buf *b, const struct fl_otlp_resource *r)
{
	size_t resource = fl_pb_open(b, RESOURCE);

	fl_buf_add_buf(b, &r->attributes);
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
		fl_otlp_attribute(b, field, s->labels[i].name, s->labels[i].value);
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
	fl_otlp_attribute_int(b, EXEMPLAR_ATTRIBUTES, FL_STR("pid"), e->pid);
	fl_otlp_attribute(b, EXEMPLAR_ATTRIBUTES, FL_STR("comm"), fl_str_n(e->comm, strnlen(e->comm, sizeof(e->comm))));
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

/*
 * A .log2 key has the bounds 1, 2, 4, 8 ..., each its own bucket's last value: those of an exponential histogram of
 * scale 0, whose bucket i is (2^i, 2^(i+1)]. What is at most 1, zero and one, is in its zero bucket.
 */
static unsigned int exponent(uint64_t bound)
{
	return 63 - (unsigned int)__builtin_clzll(bound);
}

/* Every bucket from the first to the last, empty ones too. */
static void put_positive(struct fl_buf *b, const struct fl_distribution *d)
{
	size_t first = d->n && d->buckets[0].bound == 1, positive, list;
	unsigned int next;

	if (first == d->n && !d->above)
		return;
	next = first < d->n ? exponent(d->buckets[first].bound) : 64;
	positive = fl_pb_open(b, EXPONENTIAL_POSITIVE);
	fl_pb_u64(b, BUCKETS_OFFSET, (uint64_t)(next - 1) * 2); /* sint32: what is not negative is doubled */
	list = fl_pb_open(b, BUCKETS_COUNTS);
	for (size_t i = first; i < d->n; i++, next++) {
		for (; next < exponent(d->buckets[i].bound); next++)
			fl_pb_raw(b, 0);
		fl_pb_raw(b, d->buckets[i].count);
	}
	for (; d->above && next < 64; next++)
		fl_pb_raw(b, 0);
	if (d->above)
		fl_pb_raw(b, d->above);
	fl_pb_close(b, list);
	fl_pb_close(b, positive);
}

static void put_exponential(struct fl_buf *b, const struct fl_series *s, struct at at)
{
	const struct fl_distribution *d = &s->distribution;
	size_t point = fl_pb_open(b, DATA_POINTS);

	put_labels(b, EXPONENTIAL_ATTRIBUTES, s);
	put_times(b, FL_METRIC_HISTOGRAM, at);
	fl_pb_fixed64(b, HISTOGRAM_COUNT, fl_distribution_count(d));
	if (d->has_sum)
		fl_pb_double(b, HISTOGRAM_SUM, (double)d->sum);
	if (d->n && d->buckets[0].bound == 1)
		fl_pb_fixed64(b, EXPONENTIAL_ZEROS, d->buckets[0].count);
	put_positive(b, d);
	fl_pb_double(b, EXPONENTIAL_ZERO_THRESHOLD, 1);
	fl_pb_close(b, point);
}

/* What a family's series are sent as; of one that has distributions there are two kinds. */
enum shape { SHAPE_SUM, SHAPE_GAUGE, SHAPE_HISTOGRAM, SHAPE_EXPONENTIAL };

static enum shape shape_of(const struct fl_metric_family *f, const struct fl_series *s, bool exponential)
{
	if (f->kind == FL_METRIC_HISTOGRAM)
		return exponential && s->distribution.is_log2 ? SHAPE_EXPONENTIAL : SHAPE_HISTOGRAM;
	return f->kind == FL_METRIC_GAUGE ? SHAPE_GAUGE : SHAPE_SUM;
}

/* Those of @s that have the shape, as one metric. */
static size_t put_metric(struct fl_buf *b, const struct fl_metric_family *f, const struct fl_series *s,
			 enum shape shape, bool exponential, struct at at)
{
	static const unsigned int fields[] = {
		[SHAPE_SUM] = METRIC_SUM, [SHAPE_GAUGE] = METRIC_GAUGE,
		[SHAPE_HISTOGRAM] = METRIC_HISTOGRAM, [SHAPE_EXPONENTIAL] = METRIC_EXPONENTIAL,
	};
	size_t metric, data, n = 0;

	while (s && shape_of(f, s, exponential) != shape)
		s = s->next;
	if (!s)
		return 0;
	metric = fl_pb_open(b, SCOPE_ITEMS);

	fl_pb_str(b, METRIC_NAME, fl_str(f->name));
	fl_pb_str(b, METRIC_DESCRIPTION, fl_str(f->help));
	if (f->unit[0])
		fl_pb_str(b, METRIC_UNIT, f->unit[0] == 's' ? FL_STR("s") : FL_STR("By"));
	data = fl_pb_open(b, fields[shape]);
	for (; s; s = s->next) {
		if (shape_of(f, s, exponential) != shape)
			continue;
		n++;
		if (shape == SHAPE_EXPONENTIAL)
			put_exponential(b, s, at);
		else if (shape == SHAPE_HISTOGRAM)
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

size_t fl_otlp_metrics(const struct fl_otlp_resource *r, const struct fl_metrics *m, bool exponential,
		       uint64_t now_ns, struct fl_buf *out)
{
	struct at at = { r->start_ns, now_ns };
	size_t request = fl_pb_open(out, REQUEST_RESOURCE), scope, n = 0;

	put_resource(out, r);
	scope = fl_pb_open(out, RESOURCE_SCOPE);
	put_scope(out);
	for (size_t i = 0; i < _FL_METRIC_MAX; i++) {
		const struct fl_series *s = fl_metrics_series(m, (enum fl_metric)i);

		for (enum shape shape = SHAPE_SUM; s && shape <= SHAPE_EXPONENTIAL; shape++)
			n += put_metric(out, &fl_metric_families[i], s, shape, exponential, at);
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
			fl_otlp_text(b, field, text);
		else
			fl_pb_close(b, fl_pb_open(b, field));
	} else if (s->slot->kind == FL_SLOT_SYMBOL || s->arg->type->print == FL_PRINT_SYMBOL) {
		fl_otlp_text(b, field, fl_symbols_shown(s->symbols, s->arg->type, v));
	} else {
		fl_otlp_int(b, field, v);
	}
}

/* Of a stack, behind which there are zeros. */
static bool is_end(const struct source *s, size_t element)
{
	return s->slot->kind == FL_SLOT_STACK && !fl_record_value(s->slot, s->rec, element, false);
}

static void put_arg(struct fl_buf *b, const struct fl_record_schema *p, size_t i, const struct source *s)
{
	size_t kv = fl_otlp_attribute_open(b, LOG_ATTRIBUTES, s->arg->name), any, array;

	if (fl_record_fault(&p->layout, s->rec, i)) {
		fl_pb_close(b, fl_pb_open(b, FL_OTLP_VALUE));
	} else if (s->slot->kind != FL_SLOT_STACK && !s->arg->count) {
		put_element(b, FL_OTLP_VALUE, s, 0);
	} else {
		any = fl_pb_open(b, FL_OTLP_VALUE);
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
	fl_otlp_attribute(b, LOG_ATTRIBUTES, FL_STR("log.record.uid"), fl_buf_str(&id));
	if (question.n)
		fl_otlp_attribute(b, LOG_ATTRIBUTES, FL_STR("foreland.question"), question);
	fl_otlp_attribute_int(b, LOG_ATTRIBUTES, FL_STR("thread.id"), rec->pid);
	fl_otlp_attribute(b, LOG_ATTRIBUTES, FL_STR("thread.name"),
			  fl_str_n(rec->comm, strnlen(rec->comm, sizeof(rec->comm))));
	fl_otlp_attribute_int(b, LOG_ATTRIBUTES, FL_STR("cpu.logical_number"), rec->cpu);
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
	fl_otlp_text(b, LOG_BODY, fl_buf_str(&name));
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
