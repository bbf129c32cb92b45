/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms of "foreland trace" as they are printed: at the end, or of each interval. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/nsec.h"
#include "base/json.h"
#include "cli/trace/private.h"
#include "probe/live/interval.h"
#include "probe/output/hist.h"

/* Of the terminal; 0 where there is none. */
static unsigned int columns(int fd)
{
	struct winsize size;

	if (!isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* What --top left out is said: a line below the table, or a row. */
static void say_more(struct trace_job *s, const struct fl_probe_event *e, size_t more)
{
	if (!more)
		return;
	if (!s->o->json) {
		fl_buf_addf(&s->out, "    Not shown: %zu entries\n", more);
		return;
	}
	fl_json_open(&s->out, NULL, '{');
	fl_json_strz(&s->out, "type", "more");
	fl_json_str(&s->out, "group", e->group);
	fl_json_str(&s->out, "event", e->event);
	fl_json_u64(&s->out, "entries", more);
	fl_json_close(&s->out, '}');
	fl_json_end_line(&s->out);
}

/* Sorted by hits the most stand last, as the kernel prints them; they are the top all the same. */
static size_t keep_top(struct fl_hist_table *table, size_t top)
{
	const struct fl_hist_sort *sort = table->hist->sort;
	size_t more = table->n - top;

	if (sort[0].field < 0 && !sort[0].descending)
		memmove(table->entries, table->entries + more, top * sizeof(*table->entries));
	table->n = top;
	return more;
}

static void print_table(struct trace_job *s, size_t i, struct fl_hist_table *table)
{
	const struct fl_record_schema *schema = &fl_session_probe(s->session, i)->schema;
	size_t more = 0;

	fl_hist_trim(table, s->symbols);
	if (s->o->top && table->n > s->o->top)
		more = keep_top(table, s->o->top);
	if (s->o->json)
		fl_hist_json(schema, table, s->symbols, &s->out);
	else
		fl_hist_text(schema, table, columns(s->fd), s->symbols, s->o->bytes, &s->out);
	say_more(s, schema->event, more);
}

/* @nth: of all that the session has. */
static int print_hist(struct trace_job *s, size_t i, size_t k, size_t nth)
{
	struct fl_hist_table table = {};
	int r = fl_session_hist_read(s->session, i, k, &table);

	if (r == -ENOENT)
		return 0;
	if (r == 0 && s->o->interval)
		r = fl_hist_since(&table, &s->before[nth]);
	if (r == 0)
		print_table(s, i, &table);
	fl_hist_table_fini(&table);
	return r;
}

/* Between which times, of the records' clock, the tables that follow were counted. */
static void print_interval(struct trace_job *s, uint64_t from, uint64_t to)
{
	if (!s->o->json) {
		fl_buf_addf(&s->out, "# interval: %lu.%06lu to %lu.%06lu\n", from / 1000000000,
			    from / 1000 % 1000000, to / 1000000000, to / 1000 % 1000000);
		return;
	}
	fl_json_open(&s->out, NULL, '{');
	fl_json_strz(&s->out, "type", "interval");
	fl_json_u64(&s->out, "begin_ns", from);
	fl_json_u64(&s->out, "end_ns", to);
	fl_json_close(&s->out, '}');
	fl_json_end_line(&s->out);
}

static size_t count_hists(const struct trace_job *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->events.n; i++)
		n += fl_session_probe(s->session, i)->nr_hists;
	return n;
}

int trace_print_hists(struct trace_job *s)
{
	uint64_t now = fl_session_now(s->session);
	size_t nth = 0;
	int r = 0;

	if (!s->has_hists)
		return 0;
	if (s->o->interval && !s->before)
		s->before = calloc(count_hists(s), sizeof(*s->before));
	if (s->o->interval && !s->before)
		return -ENOMEM;
	if (s->o->interval)
		print_interval(s, s->looked, now);
	s->looked = now;
	for (size_t i = 0; i < s->events.n; i++)
		for (size_t k = 0; k < fl_session_probe(s->session, i)->nr_hists && r == 0; k++)
			r = print_hist(s, i, k, nth++);
	return r < 0 || !s->out.len ? r : trace_flush(s);
}

int trace_at_interval(struct trace_job *s)
{
	if (!s->o->interval || fl_session_now(s->session) - s->looked < s->o->interval)
		return 0;
	return trace_print_hists(s);
}

void trace_end_hists(struct trace_job *s)
{
	for (size_t i = 0; s->before && i < count_hists(s); i++)
		fl_hist_table_fini(&s->before[i]);
	free(s->before);
}
