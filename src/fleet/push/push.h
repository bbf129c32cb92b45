/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records and metrics on their way out: records become log records, in requests of half a mebibyte or a second;
 * metrics are a request each interval; both go into a spool, and out of it to a receiver.
 */
#ifndef FLEET_PUSH_PUSH_H
#define FLEET_PUSH_PUSH_H

#include "fleet/otlp/send.h"
#include "fleet/spool/spool.h"
#include "foreland/diag.h"
#include "metrics/metrics.h"
#include "probe/output/symbols.h"
#include "probe/record/schema.h"

/**
 * struct fl_push_opts - all borrowed
 * @interval_ns: of metrics
 * @values: the metrics now
 * @said: what happens, in words
 * @attributes, @service: of the resource, see fl_otlp_resource()
 * @exponential: see fl_otlp_metrics()
 */
struct fl_push_opts {
	struct fl_sender *sender;
	struct fl_spool *spool;
	uint64_t interval_ns;
	const char *attributes, *service;
	bool exponential;
	int (*values)(void *ctx, struct fl_metrics **ret);
	void (*said)(void *ctx, enum fl_level level, const char *text);
	void *ctx;
};

struct fl_push;

int fl_push_new(const struct fl_push_opts *o, struct fl_push **ret);
void fl_push_free(struct fl_push *p); /* NULL is allowed */

/* @question: whose it is; empty: of nobody. @time_ns: since 1970. 0 or -ENOMEM. */
int fl_push_record(struct fl_push *p, struct fl_str question, const struct fl_record_schema *schema,
		   const struct fl_record *rec, size_t size, uint64_t time_ns, struct fl_symbols *symbols);

/* What became of what was sent. */
void fl_push_metrics(struct fl_push *p, struct fl_metrics *m);

/* To be called now and then, @now by CLOCK_MONOTONIC: waits for nobody. 0 or -errno. */
int fl_push_run(struct fl_push *p, uint64_t now);
/* A request is under way: it is to be called soon. */
bool fl_push_is_busy(const struct fl_push *p);

/* All that is left goes into the spool, metrics last, and for five seconds out of it. */
int fl_push_finish(struct fl_push *p);

#endif
