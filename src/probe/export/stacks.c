/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/export/stacks.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_FRAMES 1024

void *fl_stacks_create(const struct fl_export_opts *opts)
{
	return calloc(1, sizeof(struct fl_stacks));
}

void fl_stacks_destroy(void *stacks)
{
	struct fl_stacks *s = stacks;

	fl_map_fini(&s->counts);
	fl_arena_fini(&s->arena);
	fl_buf_fini(&s->kernel);
	fl_buf_fini(&s->comm);
	free(s);
}

/* ";outermost;...;innermost". Semicolons separate frames, so that a name has none. */
static void add_frames(const struct fl_recorded *rec, enum fl_stack_kind kind, uint64_t at,
		       struct fl_buf *out)
{
	uint64_t frames[MAX_FRAMES];
	size_t n = 0;

	while (n < MAX_FRAMES && fl_recorded_frame(rec, &at, &frames[n]))
		n++;
	while (n-- > 0) {
		size_t start;

		fl_buf_addc(out, ';');
		start = out->len;
		if (kind == FL_STACK_KERNEL)
			fl_recorded_symbol(rec, frames[n], true, out);
		else
			fl_recorded_user_name(rec, frames[n], n > 0, out);
		for (size_t i = start; i < out->len; i++)
			if (out->data[i] == ';')
				out->data[i] = ':';
	}
}

static int count(struct fl_stacks *s, struct fl_str comm, struct fl_str user, struct fl_str kernel)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;
	struct fl_str copy;

	fl_buf_add_str(&key, comm);
	for (size_t i = 0; i < key.len; i++)
		if (key.data[i] == ';')
			key.data[i] = ':';
	fl_buf_add_str(&key, user);
	fl_buf_add_str(&key, kernel);
	if (key.error)
		return key.error;
	e = fl_map_get(&s->counts, fl_buf_str(&key));
	if (!e) {
		copy = fl_str_n(fl_arena_dup(&s->arena, fl_buf_str(&key)), key.len);
		e = copy.p ? fl_map_put(&s->counts, copy, NULL) : NULL;
	}
	if (!e)
		return -ENOMEM;
	e->num++;
	return 0;
}

int fl_stacks_end(struct fl_stacks *s)
{
	if (!s->waits)
		return 0;
	s->waits = false;
	return count(s, fl_buf_str(&s->comm), FL_STR(""), fl_buf_str(&s->kernel));
}

int fl_stacks_record(void *stacks, const struct fl_recorded *rec, struct fl_buf *out)
{
	struct fl_stacks *s = stacks;
	_cleanup_buf_ struct fl_buf user = {};
	bool other_half = s->waits && s->pid == rec->pid && s->cpu == rec->cpu;
	enum fl_stack_kind kind;
	uint64_t at;
	int r;

	if (!fl_recorded_stack(rec, &kind, &at)) {
		s->others++;
		return 0;
	}
	if (kind == FL_STACK_KERNEL) {
		r = fl_stacks_end(s);
		fl_buf_reset(&s->kernel);
		fl_buf_reset(&s->comm);
		fl_buf_add_str(&s->comm, rec->comm);
		add_frames(rec, kind, at, &s->kernel);
		s->pid = rec->pid;
		s->cpu = rec->cpu;
		s->waits = true;
		return r;
	}
	add_frames(rec, kind, at, &user);
	if (!other_half)
		return count(s, rec->comm, fl_buf_str(&user), FL_STR(""));
	s->waits = false;
	return count(s, rec->comm, fl_buf_str(&user), fl_buf_str(&s->kernel));
}
