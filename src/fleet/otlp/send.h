/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a spool holds, to a receiver of OTLP by HTTP: the oldest first, one request at a time, until it has arrived.
 * Nothing in here waits: its owner calls fl_sender_run() now and then.
 *
 * A receiver is anybody. Of its answer LIMIT bytes are taken, it has half a minute, and where it says when to come
 * again it is believed up to five minutes. 429, 502, 503, 504 and a network that fails are tried again, later and
 * later; any other refusal is the end of that request, and is counted.
 */
#ifndef FLEET_OTLP_SEND_H
#define FLEET_OTLP_SEND_H

#include "base/buf.h"
#include "fleet/spool/spool.h"

struct fl_sender;

struct fl_sender_stats {
	uint64_t sent[_FL_SPOOL_KIND_MAX];    /* items that arrived */
	uint64_t refused[_FL_SPOOL_KIND_MAX]; /* items that will not be taken */
	uint64_t requests, retries;
	const char *error; /* what the last request failed with; empty: it did not. The sender's. */
};

/**
 * fl_sender_new() - nothing is sent yet
 * @url: without /v1/metrics and /v1/logs, as OTEL_EXPORTER_OTLP_ENDPOINT has it
 * @headers: "NAME=VALUE,...", as OTEL_EXPORTER_OTLP_HEADERS has them; NULL: none
 * @why: what is wrong, in words
 *
 * Return: 0; -EINVAL: it is no such address; -EOPNOTSUPP, -ENOENT: libcurl was not there when this was built, or
 * is not now; -ENOMEM.
 */
int fl_sender_new(const char *url, const char *headers, struct fl_spool *spool, struct fl_sender **ret,
		  struct fl_buf *why);
void fl_sender_free(struct fl_sender *s); /* NULL is allowed */

/* @now: CLOCK_MONOTONIC in nanoseconds. */
void fl_sender_run(struct fl_sender *s, uint64_t now);
/* A request is under way. */
bool fl_sender_is_busy(const struct fl_sender *s);
/* What could not be sent is tried again at once: for the end. */
void fl_sender_hurry(struct fl_sender *s);

void fl_sender_stats(const struct fl_sender *s, struct fl_sender_stats *ret);

#endif
