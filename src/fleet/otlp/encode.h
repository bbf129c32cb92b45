/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of OTLP (opentelemetry-proto 1.x: collector/metrics/v1, collector/logs/v1), in protobuf: metrics as they
 * stand, and records as log records with typed attributes. Each request says of which machine it is.
 */
#ifndef FLEET_OTLP_ENCODE_H
#define FLEET_OTLP_ENCODE_H

#include "base/buf.h"
#include "fleet/otlp/resource.h"
#include "metrics/metrics.h"
#include "probe/output/symbols.h"
#include "probe/record/schema.h"

/*
 * Appends ExportMetricsServiceRequest. @exponential: distributions of .log2 keys as exponential histograms, which
 * become native ones where the receiver has such; all others have bounds. Return: how many points it has.
 */
size_t fl_otlp_metrics(const struct fl_otlp_resource *r, const struct fl_metrics *m, bool exponential,
		       uint64_t now_ns, struct fl_buf *out);

/* ExportLogsServiceRequest: begun, a record at a time, ended. Zero-initialise. */
struct fl_otlp_logs {
	struct fl_buf request;
	size_t resource_logs, scope_logs;
	size_t n;
};

void fl_otlp_logs_fini(struct fl_otlp_logs *l);

/**
 * fl_otlp_logs_add() - one record
 * @uid: a number that no other record of this run has
 * @time_ns: since 1970
 */
void fl_otlp_logs_add(struct fl_otlp_logs *l, const struct fl_otlp_resource *r, struct fl_str question,
		      const struct fl_record_schema *p, const struct fl_record *rec, size_t size, uint64_t uid,
		      uint64_t time_ns, struct fl_symbols *symbols);
/* The request is whole then. */
void fl_otlp_logs_end(struct fl_otlp_logs *l);

/*
 * An answer's partial_success: how many items were refused, and why (a place in @reply; empty: it does not say).
 * Hostile bytes are no refusal.
 */
uint64_t fl_otlp_refused(struct fl_str reply, struct fl_str *ret_why);

#endif
