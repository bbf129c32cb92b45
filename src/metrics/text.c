/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two forms differ in little: a counter is declared by its family's name in the one and by its sample's
 * ("_total") in the other; only OpenMetrics has units, exemplars and an end that tells a whole answer from a
 * cut one.
 */
#include "metrics/text.h"

#include <inttypes.h>


const char *const fl_metrics_content_types[2] = {
	[FL_METRICS_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
	[FL_METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

static const char *const kind_names[] = {
	[FL_METRIC_COUNTER] = "counter", [FL_METRIC_GAUGE] = "gauge", [FL_METRIC_HISTOGRAM] = "histogram",
};

struct writer {
	struct fl_buf *out;
	bool open; /* OpenMetrics */
};

static void add_value(struct fl_buf *out, struct fl_str v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\n')
			fl_buf_addz(out, "\\n");
		else if (v.p[i] == '\\' || v.p[i] == '"')
			fl_buf_addf(out, "\\%c", v.p[i]);
		else
			fl_buf_addc(out, v.p[i]);
	}
}

static void add_label(struct fl_buf *out, struct fl_str name, struct fl_str value)
{
	fl_buf_add_str(out, name);
	fl_buf_addz(out, "=\"");
	add_value(out, value);
	fl_buf_addc(out, '"');
}

/* @le: the bound of a bucket; empty: it is none. */
static void add_labels(struct fl_buf *out, const struct fl_series *s, struct fl_str le)
{
	if (!s->nr_labels && !le.n)
		return;
	fl_buf_addc(out, '{');
	for (size_t i = 0; i < s->nr_labels; i++) {
		if (i)
			fl_buf_addc(out, ',');
		add_label(out, s->labels[i].name, s->labels[i].value);
	}
	if (le.n && s->nr_labels)
		fl_buf_addc(out, ',');
	if (le.n)
		add_label(out, FL_STR("le"), le);
	fl_buf_addc(out, '}');
}

static void add_number(struct fl_buf *out, struct fl_number v)
{
	if (v.type == FL_NUMBER_U64)
		fl_buf_add_u64(out, v.u);
	else if (v.type == FL_NUMBER_S64)
		fl_buf_add_s64(out, v.s);
	else
		fl_buf_addf(out, "%.9g", v.f);
}

static void add_sample(const struct writer *w, const char *name, const char *suffix, const struct fl_series *s,
		       struct fl_str le, struct fl_number v)
{
	fl_buf_addz(w->out, name);
	fl_buf_addz(w->out, suffix);
	add_labels(w->out, s, le);
	fl_buf_addc(w->out, ' ');
	add_number(w->out, v);
}

static void add_exemplar(const struct writer *w, const struct fl_exemplar *e)
{
	_cleanup_buf_ struct fl_buf comm = {};

	if (!w->open || !e->is_set)
		return;
	fl_labels_text(&comm, fl_str_n(e->comm, strnlen(e->comm, sizeof(e->comm))));
	fl_buf_addf(w->out, " # {pid=\"%u\",", e->pid);
	add_label(w->out, FL_STR("comm"), fl_buf_str(&comm));
	fl_buf_addf(w->out, "} 1 %" PRIu64 ".%09u", e->time_ns / 1000000000, (unsigned int)(e->time_ns % 1000000000));
}

static void add_distribution(const struct writer *w, const char *name, const struct fl_series *s)
{
	const struct fl_distribution *d = &s->distribution;
	uint64_t sum = 0;

	for (size_t i = 0; i < d->n; i++) {
		_cleanup_buf_ struct fl_buf le = {};

		/* A bound is a floating-point number, and OpenMetrics wants that to be seen. */
		fl_buf_addf(&le, "%" PRIu64 ".0", d->buckets[i].bound);
		sum += d->buckets[i].count;
		add_sample(w, name, "_bucket", s, fl_buf_str(&le), FL_U64(sum));
		fl_buf_addc(w->out, '\n');
	}
	add_sample(w, name, "_bucket", s, FL_STR("+Inf"), FL_U64(sum + d->above));
	fl_buf_addc(w->out, '\n');
	if (!d->has_sum) /* OpenMetrics: no count without a sum */
		return;
	add_sample(w, name, "_count", s, FL_STR(""), FL_U64(sum + d->above));
	fl_buf_addc(w->out, '\n');
	add_sample(w, name, "_sum", s, FL_STR(""), FL_U64(d->sum));
	fl_buf_addc(w->out, '\n');
}

static void add_head(const struct writer *w, const struct fl_metric_family *f)
{
	const char *suffix = f->kind == FL_METRIC_COUNTER && !w->open ? "_total" : "";

	fl_buf_addf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", f->name, suffix, f->help, f->name, suffix,
		    kind_names[f->kind]);
	if (w->open && f->unit[0])
		fl_buf_addf(w->out, "# UNIT %s %s\n", f->name, f->unit);
}

static void add_family(const struct writer *w, const struct fl_metric_family *f, const struct fl_series *s)
{
	add_head(w, f);
	for (; s; s = s->next) {
		if (f->kind == FL_METRIC_HISTOGRAM) {
			add_distribution(w, f->name, s);
			continue;
		}
		add_sample(w, f->name, f->kind == FL_METRIC_COUNTER ? "_total" : "", s, FL_STR(""), s->value);
		add_exemplar(w, &s->exemplar);
		fl_buf_addc(w->out, '\n');
	}
}

void fl_metrics_text(const struct fl_metrics *m, enum fl_metrics_form form, struct fl_buf *out)
{
	struct writer w = { out, form == FL_METRICS_OPENMETRICS };

	for (size_t i = 0; i < _FL_METRIC_MAX; i++) {
		const struct fl_series *s = fl_metrics_series(m, (enum fl_metric)i);

		if (s)
			add_family(&w, &fl_metric_families[i], s);
	}
	if (w.open)
		fl_buf_addz(out, "# EOF\n");
	if (fl_metrics_error(m))
		out->error = fl_metrics_error(m);
}
