/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "alloc/records/record.h"

void fl_alloc_set_fini(struct fl_alloc_set *set)
{
	free(set->v);
	fl_arena_fini(&set->strings);
	fl_file_close(&set->text);
	*set = (struct fl_alloc_set){};
}

int fl_alloc_set_add(struct fl_alloc_set *set, const struct fl_alloc_record *r)
{
	if (set->n == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 256;
		struct fl_alloc_record *v = reallocarray(set->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		set->v = v;
		set->cap = cap;
	}
	set->v[set->n++] = *r;
	return 0;
}

static bool copy(struct fl_arena *a, struct fl_str *s)
{
	if (!s->p)
		return true;
	s->p = fl_arena_dup(a, *s);
	return s->p != NULL;
}

int fl_alloc_set_add_copy(struct fl_alloc_set *set, const struct fl_alloc_record *r)
{
	struct fl_alloc_record own = *r;

	if (!copy(&set->strings, &own.file) || !copy(&set->strings, &own.module) ||
	    !copy(&set->strings, &own.function) || !copy(&set->strings, &own.extra))
		return -ENOMEM;
	return fl_alloc_set_add(set, &own);
}

void fl_alloc_add_place(struct fl_buf *b, const struct fl_alloc_record *r)
{
	fl_buf_add_str(b, r->module);
	fl_buf_addc(b, '\0');
	fl_buf_add_str(b, r->file);
	fl_buf_addc(b, '\0');
	fl_buf_add_u64(b, r->line);
	fl_buf_addc(b, '\0');
	fl_buf_add_str(b, r->function);
}

int64_t fl_alloc_average(int64_t bytes, uint64_t calls)
{
	return calls == 0 || calls > INT64_MAX ? 0 : bytes / (int64_t)calls;
}
