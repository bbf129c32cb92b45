/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile for pprof: profile.proto, gzipped. A sample is a stack with how often it came; a
 * location is a frame's name, since that is what a recording says of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/protobuf.h"
#include "base/utf8.h"
#include "gzip/gzip.h"
#include "probe/export/private.h"
#include "probe/export/stacks.h"

enum { /* fields of a Profile, and of what it holds */
       SAMPLE_TYPE = 1,
       SAMPLE = 2,
       LOCATION = 4,
       FUNCTION = 5,
       STRING_TABLE = 6,

       VALUE_TYPE_TYPE = 1,
       VALUE_TYPE_UNIT = 2,
       SAMPLE_LOCATION_ID = 1,
       SAMPLE_VALUE = 2,
       LOCATION_ID = 1,
       LOCATION_LINE = 4,
       LINE_FUNCTION_ID = 1,
       FUNCTION_ID = 1,
       FUNCTION_NAME = 2,
};

struct profile {
	struct fl_map frames; /* name -> number of its location, function and text, from 1 on */
	struct fl_buf out;
};

/* Texts 1 and 2 are "samples" and "count"; those of frames follow. */
#define FIRST_TEXT 2

static int number_of(struct profile *p, struct fl_str name, uint64_t *ret)
{
	bool is_new;
	struct fl_map_entry *e = fl_map_put(&p->frames, name, &is_new);

	if (!e)
		return -ENOMEM;
	if (is_new)
		e->num = p->frames.count;
	*ret = e->num;
	return 0;
}

/* The innermost frame comes first. */
static int add_sample(struct profile *p, const struct fl_map_entry *stack)
{
	size_t sample = fl_pb_open(&p->out, SAMPLE), end = stack->key.n;
	uint64_t location = 0;
	int r = 0;

	while (end && r == 0) {
		size_t start = end;

		while (start && stack->key.p[start - 1] != ';')
			start--;
		r = number_of(p, fl_str_sub(stack->key, start, end - start), &location);
		fl_pb_u64(&p->out, SAMPLE_LOCATION_ID, location);
		end = start ? start - 1 : 0;
	}
	fl_pb_u64(&p->out, SAMPLE_VALUE, stack->num);
	fl_pb_close(&p->out, sample);
	return r;
}

static void add_frames(struct profile *p)
{
	fl_map_for_each (e, &p->frames) {
		size_t location = fl_pb_open(&p->out, LOCATION), function, line;

		fl_pb_u64(&p->out, LOCATION_ID, e->num);
		line = fl_pb_open(&p->out, LOCATION_LINE);
		fl_pb_u64(&p->out, LINE_FUNCTION_ID, e->num);
		fl_pb_close(&p->out, line);
		fl_pb_close(&p->out, location);
		function = fl_pb_open(&p->out, FUNCTION);
		fl_pb_u64(&p->out, FUNCTION_ID, e->num);
		fl_pb_u64(&p->out, FUNCTION_NAME, FIRST_TEXT + e->num);
		fl_pb_close(&p->out, function);
	}
}

static void add_texts(struct profile *p)
{
	fl_pb_str(&p->out, STRING_TABLE, FL_STR(""));
	fl_pb_str(&p->out, STRING_TABLE, FL_STR("samples"));
	fl_pb_str(&p->out, STRING_TABLE, FL_STR("count"));
	fl_map_for_each (e, &p->frames)
		fl_pb_str(&p->out, STRING_TABLE, fl_utf8_valid(e->key) ? e->key : FL_STR("?"));
}

static int finish(void *form, struct fl_buf *out)
{
	struct fl_stacks *s = form;
	struct profile p = {};
	size_t type = fl_pb_open(&p.out, SAMPLE_TYPE);
	int r = fl_stacks_end(s);

	fl_pb_u64(&p.out, VALUE_TYPE_TYPE, 1);
	fl_pb_u64(&p.out, VALUE_TYPE_UNIT, 2);
	fl_pb_close(&p.out, type);
	fl_map_for_each (e, &s->counts)
		r = r == 0 ? add_sample(&p, e) : r;
	add_frames(&p);
	add_texts(&p);
	r = r == 0 ? p.out.error : r;
	if (r == 0)
		r = fl_gzip(fl_buf_str(&p.out), FL_GZIP_SMALL, out);
	fl_map_fini(&p.frames);
	fl_buf_fini(&p.out);
	return r;
}

static uint64_t left_out(const void *form)
{
	const struct fl_stacks *s = form;

	return s->counts.count || s->waits ? 0 : s->others;
}

const struct fl_form fl_form_pprof = {
	.name = "pprof",
	.create = fl_stacks_create,
	.destroy = fl_stacks_destroy,
	.record = fl_stacks_record,
	.finish = finish,
	.left_out = left_out,
};
