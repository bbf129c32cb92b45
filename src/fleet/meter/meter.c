/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/meter/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nsec.h"
#include "base/util.h"
#include "probe/output/hist.h"
#include "probe/output/metrics.h"

struct event {
	uint64_t bytes;
	struct fl_exemplar last; /* its time is the session's clock's */
};

struct fl_meter {
	struct fl_session *session;
	struct fl_symbols *symbols;
	char *question;
	struct event *events;
	size_t n;
};

int fl_meter_new(struct fl_session *session, struct fl_symbols *symbols, struct fl_str question,
		 struct fl_meter **ret)
{
	struct fl_meter *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->session = session;
	m->symbols = symbols;
	m->n = fl_session_nr_probes(session);
	m->events = calloc(m->n + 1, sizeof(*m->events));
	m->question = fl_str_dup(question);
	if (!m->events || !m->question) {
		fl_meter_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

void fl_meter_free(struct fl_meter *m)
{
	if (!m)
		return;
	free(m->question);
	free(m->events);
	free(m);
}

void fl_meter_record(struct fl_meter *m, const struct fl_record *rec, size_t size)
{
	struct event *e = rec->event < m->n ? &m->events[rec->event] : NULL;

	if (!e)
		return;
	e->bytes += size;
	e->last.is_set = true;
	e->last.pid = rec->pid;
	memcpy(e->last.comm, rec->comm, sizeof(e->last.comm));
	e->last.time_ns = rec->time;
}

static int add_hist(struct fl_meter *m, size_t i, size_t k, struct fl_metrics *to)
{
	const struct fl_record_schema *schema = &fl_session_probe(m->session, i)->schema;
	struct fl_hist_table table = {};
	int r = fl_session_hist_read(m->session, i, k, &table);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	fl_hist_trim(schema, &table, m->symbols);
	r = fl_hist_metrics(schema, &table, fl_str(m->question), m->symbols, to);
	fl_hist_table_fini(&table);
	return r;
}

int fl_meter_add(struct fl_meter *m, struct fl_metrics *to)
{
	int64_t since_1970 = (int64_t)(fl_time_ns(CLOCK_REALTIME) - fl_session_now(m->session));
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++) {
		const struct fl_session_probe *p = fl_session_probe(m->session, i);
		struct fl_exemplar last = m->events[i].last;
		struct fl_totals totals;

		last.time_ns += (uint64_t)since_1970;
		fl_session_totals(m->session, i, &totals);
		fl_totals_metrics(&p->schema, &totals, fl_str(m->question), m->events[i].bytes, &last, to);
		for (size_t k = 0; k < p->nr_hists && r == 0; k++)
			r = add_hist(m, i, k, to);
	}
	return r;
}
