/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace-event format of Chrome's about:tracing: {"traceEvents":[...]}. Pairs are "B" and "E",
 * everything else is an instant; times are microseconds.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "probe/export/private.h"
#include "probe/export/pairs.h"

struct chrome {
	struct fl_pairs pairs;
	struct fl_map named; /* threads whose name has been told */
	struct fl_arena arena;
	bool has_head;
};

static void *create(const struct fl_export_opts *opts)
{
	return calloc(1, sizeof(struct chrome));
}

static void destroy(void *form)
{
	struct chrome *c = form;

	fl_pairs_fini(&c->pairs);
	fl_map_fini(&c->named);
	fl_arena_fini(&c->arena);
	free(c);
}

static void next_object(struct chrome *c, struct fl_buf *out)
{
	fl_buf_addz(out, c->has_head ? ",\n" : "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
	c->has_head = true;
}

/* "ph" and where it happened. */
static void add_head(const char *phase, uint64_t pid, uint64_t tid, struct fl_buf *out)
{
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "ph", phase);
	fl_json_u64(out, "pid", pid);
	fl_json_u64(out, "tid", tid);
}

static int tell_name(struct chrome *c, const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_str key = {(const char *)&rec->pid, sizeof(rec->pid)};
	const char *copy;

	if (fl_map_get(&c->named, key))
		return 0;
	copy = fl_arena_dup(&c->arena, key);
	if (!copy || !fl_map_put(&c->named, fl_str_n(copy, key.n), NULL))
		return -ENOMEM;
	next_object(c, out);
	add_head("M", rec->pid, rec->pid, out);
	fl_json_strz(out, "name", "thread_name");
	fl_json_open(out, "args", '{');
	fl_json_str(out, "name", rec->comm);
	fl_json_close(out, '}');
	fl_json_close(out, '}');
	return 0;
}

static void add_value(const struct fl_recorded *rec, const struct fl_printed *v, uint32_t i,
		      const char *key, struct fl_buf *out)
{
	struct fl_recorded_value value;

	if (!fl_recorded_value(rec, v, i, &value))
		fl_json_null(out, key);
	else if (value.is_text)
		fl_json_str(out, key, value.text);
	else if (value.is_signed)
		fl_json_s64(out, key, (int64_t)value.number);
	else
		fl_json_u64(out, key, value.number);
}

static int add_args(const struct fl_recorded *rec, struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf said = {};

	fl_json_open(out, "args", '{');
	for (size_t i = 0; rec->printer && i < rec->printer->n; i++) {
		const struct fl_printed *v = &rec->printer->values[i];
		_cleanup_free_ char *key = fl_str_dup(v->name);

		if (!key)
			return -ENOMEM;
		if (!fl_recorded_is_list(v)) {
			add_value(rec, v, 0, key, out);
			continue;
		}
		fl_json_open(out, key, '[');
		for (uint32_t k = 0; k < fl_recorded_count(rec, v); k++)
			add_value(rec, v, k, NULL, out);
		fl_json_close(out, ']');
	}
	if (fl_recorded_said(rec, &said))
		fl_json_str(out, "text", fl_buf_str(&said));
	fl_json_u64(out, "cpu", rec->cpu);
	fl_json_close(out, '}');
	return said.error;
}

static int add_record(void *form, const struct fl_recorded *rec, struct fl_buf *out)
{
	static const char *const phases[] = {
		[FL_PAIR_NONE] = "i", [FL_PAIR_BEGIN] = "B", [FL_PAIR_END] = "E"};
	const struct fl_pair_event *pair = NULL;
	struct chrome *c = form;
	int r = tell_name(c, rec, out);

	if (r == 0)
		r = fl_pairs_find(&c->pairs, rec, &pair);
	if (r < 0)
		return r;
	next_object(c, out);
	/* What belongs to a CPU has rows of their own, below the process 0. */
	add_head(phases[pair->side], pair->on_cpu ? 0 : rec->pid,
		 pair->on_cpu ? rec->cpu : rec->pid, out);
	fl_json_f64(out, "ts", (double)rec->time / 1000);
	fl_json_str(out, "cat", rec->format ? rec->format->system : FL_STR("unknown"));
	fl_json_str(out, "name",
		    pair->side != FL_PAIR_NONE ? pair->name
		    : rec->format	       ? rec->format->name
					       : FL_STR("unknown"));
	if (pair->side == FL_PAIR_NONE)
		fl_json_strz(out, "s", "t");
	r = add_args(rec, out);
	fl_json_close(out, '}');
	return r;
}

static int finish(void *form, struct fl_buf *out)
{
	struct chrome *c = form;

	fl_buf_addz(out, c->has_head ? "\n]}\n" : "{\"traceEvents\":[]}\n");
	return 0;
}

const struct fl_form fl_form_chrome = {
	.name = "chrome",
	.create = create,
	.destroy = destroy,
	.record = add_record,
	.finish = finish,
};
