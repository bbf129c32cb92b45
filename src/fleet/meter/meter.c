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
	struct fl_totals before; /* of sessions that are gone */
	char *group, *name;	 /* while there is none */
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

static void free_names(struct event *e)
{
	free(e->group);
	free(e->name);
	e->group = e->name = NULL;
}

void fl_meter_free(struct fl_meter *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->events && i < m->n; i++)
		free_names(&m->events[i]);
	free(m->question);
	free(m->events);
	free(m);
}

static void add_totals(struct fl_totals *to, const struct fl_totals *n)
{
	to->hits += n->hits;
	to->filtered += n->filtered;
	to->lost += n->lost;
	to->unpaired += n->unpaired;
	to->over_budget += n->over_budget;
	to->records += n->records;
	to->missed += n->missed;
	to->missed_together += n->missed_together;
	to->faults += n->faults;
	to->overwritten += n->overwritten;
	to->no_stack += n->no_stack;
}

int fl_meter_keep(struct fl_meter *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct fl_probe_event *e = fl_session_probe(m->session, i)->schema.event;
		struct fl_totals now;

		fl_session_totals(m->session, i, &now);
		add_totals(&m->events[i].before, &now);
		free_names(&m->events[i]);
		m->events[i].group = fl_str_dup(e->group);
		m->events[i].name = fl_str_dup(e->event);
		if (!m->events[i].group || !m->events[i].name)
			return -ENOMEM;
	}
	m->session = NULL;
	return 0;
}

void fl_meter_again(struct fl_meter *m, struct fl_session *session, struct fl_symbols *symbols)
{
	m->session = session;
	m->symbols = symbols;
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

static struct fl_metrics_of series_of(const struct fl_meter *m, size_t hist)
{
	return (struct fl_metrics_of){ fl_str(m->question), hist };
}

static int add_hist(struct fl_meter *m, size_t i, size_t k, struct fl_metrics *to)
{
	const struct fl_record_schema *schema = &fl_session_probe(m->session, i)->schema;
	struct fl_hist_table table = {};
	int r = fl_session_hist_read(m->session, i, k, &table);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	fl_hist_trim(&table, m->symbols);
	r = fl_hist_metrics(schema, &table, series_of(m, k), m->symbols, to);
	fl_hist_table_fini(&table);
	return r;
}

/* Nothing runs: what was counted is all that there is. */
static int add_kept(struct fl_meter *m, struct fl_metrics *to)
{
	for (size_t i = 0; i < m->n; i++) {
		struct event *e = &m->events[i];
		struct fl_probe_event named = { .group = fl_str(e->group), .event = fl_str(e->name) };
		struct fl_record_schema schema = { .event = &named };

		if (e->name)
			fl_totals_metrics(&schema, &e->before, series_of(m, 0), e->bytes, NULL, to);
	}
	return 0;
}

int fl_meter_add(struct fl_meter *m, struct fl_metrics *to)
{
	int64_t since_1970;
	int r = 0;

	if (!m->session)
		return add_kept(m, to);
	since_1970 = (int64_t)(fl_time_ns(CLOCK_REALTIME) - fl_session_now(m->session));

	for (size_t i = 0; i < m->n && r == 0; i++) {
		const struct fl_session_probe *p = fl_session_probe(m->session, i);
		struct fl_exemplar last = m->events[i].last;
		struct fl_totals totals;

		last.time_ns += (uint64_t)since_1970;
		fl_session_totals(m->session, i, &totals);
		add_totals(&totals, &m->events[i].before);
		fl_totals_metrics(&p->schema, &totals, series_of(m, 0), m->events[i].bytes, &last, to);
		for (size_t k = 0; k < p->nr_hists && r == 0; k++)
			r = add_hist(m, i, k, to);
	}
	return r;
}
