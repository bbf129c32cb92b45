/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers with labels, as engines that people already run take them: one moment's values, in no form yet. What
 * is counted adds its series (the most important first); a writer makes the form that somebody asks for out of
 * them (text.h is one). Families are a table, families.def, and nothing else can be added.
 *
 * Everything is copied. An allocation that failed is remembered, and fl_metrics_error() tells.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum fl_metric_kind {
	FL_METRIC_COUNTER,
	FL_METRIC_GAUGE,
	FL_METRIC_HISTOGRAM,
};

enum fl_metric {
#define F(id, ...) FL_METRIC_##id,
#include "metrics/families.def"
#undef F
	_FL_METRIC_MAX,
};

struct fl_metric_family {
	const char *name;
	enum fl_metric_kind kind;
	const char *unit; /* "": none */
	bool limited;
	const char *help;
};

extern const struct fl_metric_family fl_metric_families[_FL_METRIC_MAX];

struct fl_label {
	struct fl_str name, value;
};

/* Labels of one series in the making: names come out as every engine takes them, and each once. */
#define FL_LABELS_MAX 16
struct fl_labels {
	struct fl_label v[FL_LABELS_MAX];
	size_t n;
	struct fl_arena arena;
};

void fl_labels_fini(struct fl_labels *l);
#define _cleanup_labels_ __attribute__((cleanup(fl_labels_fini)))

/*
 * A character that no name may have becomes "_", and so is added to a name that is there already or means
 * something to those who read ("le"). The value is copied, as UTF-8: other bytes become U+FFFD. What finds no
 * room any more is left out.
 */
void fl_labels_add(struct fl_labels *l, struct fl_str name, struct fl_str value);

/* Text as it stands in a label. */
void fl_labels_text(struct fl_buf *b, struct fl_str s);

enum fl_number_type { FL_NUMBER_U64, FL_NUMBER_S64, FL_NUMBER_F64 };
struct fl_number {
	enum fl_number_type type;
	union {
		uint64_t u;
		int64_t s;
		double f;
	};
};

#define FL_U64(v) ((struct fl_number){ .type = FL_NUMBER_U64, .u = (v) })
#define FL_S64(v) ((struct fl_number){ .type = FL_NUMBER_S64, .s = (v) })
#define FL_F64(v) ((struct fl_number){ .type = FL_NUMBER_F64, .f = (v) })

/* One bucket: how many were at most @bound, and more than the bucket before. */
struct fl_metric_bucket {
	uint64_t bound, count;
};

/* Buckets by rising bounds; @above: more than the last bound. */
struct fl_distribution {
	struct fl_metric_bucket *buckets;
	size_t n;
	uint64_t above;
	bool is_log2; /* bounds are powers of two, whichever of them there are */
	bool has_sum;
	uint64_t sum;
};

/* One event of those that a counter counted: who made the last one. */
struct fl_exemplar {
	bool is_set;
	uint32_t pid;
	char comm[16];
	uint64_t time_ns; /* since 1970 */
};

struct fl_series {
	struct fl_series *next;
	struct fl_label *labels;
	size_t nr_labels;
	struct fl_number value;
	struct fl_distribution distribution; /* of histograms */
	struct fl_exemplar exemplar;
};

struct fl_metrics;

/* @budget: series of limited families in all; 0: any number. */
int fl_metrics_new(size_t budget, struct fl_metrics **ret);
void fl_metrics_free(struct fl_metrics *m);
static inline void fl_metrics_freep(struct fl_metrics **m)
{
	fl_metrics_free(*m);
}
#define _cleanup_metrics_ __attribute__((cleanup(fl_metrics_freep)))

/*
 * The budget has no room for it: it is counted, and NULL. Otherwise the series, to which more may be said. What has the
 * labels of another one (functions of one name, what was no UTF-8) is added to that: labels may stand once.
 */
struct fl_series *fl_metrics_add(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels,
				 struct fl_number v);
/* @d is copied. */
void fl_metrics_distribution(struct fl_metrics *m, enum fl_metric family, const struct fl_labels *labels,
			     const struct fl_distribution *d);

/* What this process costs. */
void fl_metrics_process(struct fl_metrics *m);

/* Adds what the budget has cut; before that, nothing tells of it. */
void fl_metrics_finish(struct fl_metrics *m);

/* Series of @family, in the order of adding; NULL: none. */
const struct fl_series *fl_metrics_series(const struct fl_metrics *m, enum fl_metric family);

/* 0 or -ENOMEM: then some are missing. */
int fl_metrics_error(const struct fl_metrics *m);

uint64_t fl_distribution_count(const struct fl_distribution *d);

#endif
