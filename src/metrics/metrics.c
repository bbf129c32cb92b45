/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/map.h"
#include "base/utf8.h"
#include "base/util.h"

const struct fl_metric_family fl_metric_families[_FL_METRIC_MAX] = {
#define F(id, name, kind, unit, limited, help)                                                                        \
	[FL_METRIC_##id] = { name, FL_METRIC_##kind, unit, limited, help },
#include "metrics/families.def"
#undef F
};

struct fl_metrics {
	struct fl_arena arena;
	struct fl_map seen; /* series of limited families, by family and labels */
	size_t budget, used;
	uint64_t cut[_FL_METRIC_MAX];
	struct {
		struct fl_series *first, *last;
	} family[_FL_METRIC_MAX];
	int error;
};

/* ---- labels ---- */

void fl_labels_fini(struct fl_labels *l)
{
	fl_arena_fini(&l->arena);
	*l = (struct fl_labels){};
}

static bool is_name_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool is_taken(const struct fl_labels *l, struct fl_str name)
{
	if (fl_str_is(name, "le") || fl_str_is(name, "quantile") || fl_str_starts(name, "__"))
		return true;
	for (size_t i = 0; i < l->n; i++)
		if (fl_str_eq(l->v[i].name, name))
			return true;
	return false;
}

/* Room for as many "_" as there are labels, and the one that names of others begin with. */
static struct fl_str label_name(struct fl_labels *l, struct fl_str name)
{
	char *z = fl_arena_alloc(&l->arena, name.n + FL_LABELS_MAX + 4);
	struct fl_str made = { z, name.n };

	if (!z)
		return (struct fl_str){};
	for (size_t i = 0; i < name.n; i++)
		z[i] = is_name_byte(name.p[i], i == 0) ? name.p[i] : '_';
	if (fl_str_starts(made, "__")) {
		memmove(z + 3, z, made.n);
		memcpy(z, "key", 3);
		made.n += 3;
	}
	while (!made.n || is_taken(l, made))
		z[made.n++] = '_';
	return made;
}

static struct fl_str copy(struct fl_arena *arena, struct fl_str s)
{
	char *z = fl_arena_alloc(arena, s.n ? s.n : 1);

	if (!z)
		return (struct fl_str){};
	if (s.n)
		memcpy(z, s.p, s.n);
	return (struct fl_str){ z, s.n };
}

void fl_labels_text(struct fl_buf *b, struct fl_str s)
{
	for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
		n = fl_utf8_len(fl_str_from(s, i));
		if (n)
			fl_buf_add(b, s.p + i, n);
		else
			fl_buf_addz(b, "\xef\xbf\xbd");
	}
}

void fl_labels_add(struct fl_labels *l, struct fl_str name, struct fl_str value)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_label label;

	if (l->n == FL_LABELS_MAX)
		return;
	label.name = label_name(l, name);
	fl_labels_text(&text, value);
	label.value = copy(&l->arena, fl_buf_str(&text));
	l->v[l->n] = label;
	l->n += label.name.p && label.value.p && !text.error;
}

/* ---- the set ---- */

int fl_metrics_new(size_t budget, struct fl_metrics **ret)
{
	struct fl_metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->budget = budget;
	*ret = m;
	return 0;
}

void fl_metrics_free(struct fl_metrics *m)
{
	if (!m)
		return;
	fl_map_fini(&m->seen);
	fl_arena_fini(&m->arena);
	free(m);
}

static bool has_room(struct fl_metrics *m, enum fl_metric family)
{
	if (!fl_metric_families[family].limited || !m->budget)
		return true;
	if (m->used < m->budget) {
		m->used++;
		return true;
	}
	m->cut[family]++;
	return false;
}

static bool copy_labels(struct fl_metrics *m, struct fl_series *s, const struct fl_labels *labels)
{
	s->labels = fl_arena_alloc(&m->arena, (labels->n + 1) * sizeof(*s->labels));
	if (!s->labels)
		return false;
	for (size_t i = 0; i < labels->n; i++) {
		s->labels[i].name = copy(&m->arena, labels->v[i].name);
		s->labels[i].value = copy(&m->arena, labels->v[i].value);
		if (!s->labels[i].name.p || !s->labels[i].value.p)
			return false;
	}
	s->nr_labels = labels->n;
	return true;
}

/* Labels as one key; what others wrote may hold any byte but has its length in front. */
static struct fl_str key_of(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels)
{
	_cleanup_buf_ struct fl_buf b = {};

	fl_buf_addf(&b, "%d", (int)family);
	for (size_t i = 0; i < labels->n; i++) {
		fl_buf_addf(&b, " %zu %zu ", labels->v[i].name.n, labels->v[i].value.n);
		fl_buf_add_str(&b, labels->v[i].name);
		fl_buf_add_str(&b, labels->v[i].value);
	}
	return b.error ? (struct fl_str){} : copy(&m->arena, fl_buf_str(&b));
}

static struct fl_series *find(struct fl_metrics *m, struct fl_str key)
{
	const struct fl_map_entry *e = fl_map_get(&m->seen, key);

	return e ? e->ptr : NULL;
}

static struct fl_series *new_series(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels,
				    struct fl_str key)
{
	struct fl_series *s = FL_ARENA_NEW(&m->arena, struct fl_series);
	struct fl_map_entry *e = fl_metric_families[family].limited ? fl_map_put(&m->seen, key, NULL) : NULL;

	if (!s || !copy_labels(m, s, labels) || (fl_metric_families[family].limited && !e)) {
		m->error = -ENOMEM;
		return NULL;
	}
	if (e)
		e->ptr = s;
	return s;
}

static struct fl_series *add(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels,
			     struct fl_series **ret_same)
{
	static const struct fl_labels none;
	struct fl_str key = {};
	struct fl_series *s;

	*ret_same = NULL;
	if (!labels)
		labels = &none;
	if (fl_metric_families[family].limited) {
		key = key_of(m, family, labels);
		if (!key.p)
			m->error = -ENOMEM;
		*ret_same = key.p ? find(m, key) : NULL;
	}
	if (m->error || *ret_same || !has_room(m, family))
		return NULL;
	s = new_series(m, family, labels, key);
	if (!s)
		return NULL;
	if (m->family[family].last)
		m->family[family].last->next = s;
	else
		m->family[family].first = s;
	m->family[family].last = s;
	return s;
}

struct fl_series *fl_metrics_add(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels,
				 struct fl_number v)
{
	struct fl_series *same, *s = add(m, family, labels, &same);

	if (s)
		s->value = v;
	else if (same && v.type == FL_NUMBER_F64)
		same->value.f += v.f;
	else if (same)
		same->value.u += v.u; /* of either sign */
	return s ? s : same;
}

/* Two by rising bounds become one. */
static size_t merge(const struct fl_distribution *a, const struct fl_distribution *b, struct fl_metric_bucket *to)
{
	size_t n = 0;

	for (size_t i = 0, k = 0; i < a->n || k < b->n;) {
		bool is_a = k == b->n || (i < a->n && a->buckets[i].bound <= b->buckets[k].bound);
		const struct fl_metric_bucket *next = is_a ? &a->buckets[i++] : &b->buckets[k++];

		if (n && to[n - 1].bound == next->bound)
			to[n - 1].count += next->count;
		else
			to[n++] = *next;
	}
	return n;
}

void fl_metrics_distribution(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels,
			     const struct fl_distribution *d)
{
	struct fl_series *same, *s = add(m, family, labels, &same);
	struct fl_distribution *to, sum;

	if (!s && !same)
		return;
	to = s ? &s->distribution : &same->distribution;
	sum = (struct fl_distribution){ .above = to->above + d->above, .has_sum = d->has_sum && (s || to->has_sum),
					.is_log2 = d->is_log2 && (s || to->is_log2),
					.sum = to->sum + d->sum };
	sum.buckets = fl_arena_alloc(&m->arena, (to->n + d->n + 1) * sizeof(*d->buckets));
	if (!sum.buckets) {
		m->error = -ENOMEM;
		return;
	}
	sum.n = merge(to, d, sum.buckets);
	*to = sum;
}

uint64_t fl_distribution_count(const struct fl_distribution *d)
{
	uint64_t n = d->above;

	for (size_t i = 0; i < d->n; i++)
		n += d->buckets[i].count;
	return n;
}

/* The second number of statm: pages that are there. */
static uint64_t resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void fl_metrics_process(struct fl_metrics *m)
{
	struct rusage u = {};
	double cpu;

	getrusage(RUSAGE_SELF, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	fl_metrics_add(m, FL_METRIC_CPU, NULL, FL_F64(cpu));
	fl_metrics_add(m, FL_METRIC_RESIDENT, NULL, FL_U64(resident()));
}

void fl_metrics_finish(struct fl_metrics *m)
{
	for (size_t i = 0; i < _FL_METRIC_MAX; i++) {
		_cleanup_labels_ struct fl_labels labels = {};

		if (!fl_metric_families[i].limited || !m->budget || (!m->family[i].first && !m->cut[i]))
			continue; /* of a family that nobody adds to there is nothing to say */
		fl_labels_add(&labels, FL_STR("metric"), fl_str(fl_metric_families[i].name));
		fl_metrics_add(m, FL_METRIC_SERIES_CUT, &labels, FL_U64(m->cut[i]));
	}
}

const struct fl_series *fl_metrics_series(const struct fl_metrics *m, enum fl_metric family)
{
	return m->family[family].first;
}

int fl_metrics_error(const struct fl_metrics *m)
{
	return m->error;
}
