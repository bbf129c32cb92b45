/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump of any bytes is read; what was read, printed and read again, is the same. */
#include <assert.h>
#include <stdlib.h>

#include "alloc/views/render.h"
#include "alloc/sources/text.h"
#include "fuzz.h"

static int take(void *ctx, const struct fl_alloc_record *r)
{
	return fl_alloc_set_add(ctx, r);
}

static void read_all(struct fl_str text, struct fl_alloc_set *set)
{
	struct fl_alloc_reader reader = { .record = take, .ctx = set };

	assert(fl_alloc_text_read(text, "fuzz", &reader, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_alloc_set first = {}, second = {};
	struct fl_buf one = {}, two = {};

	read_all(fl_str_n((const char *)data, size), &first);
	fl_alloc_render_dump(&first, &one);
	read_all(fl_buf_str(&one), &second);
	fl_alloc_render_dump(&second, &two);
	assert(first.n == second.n);
	assert(fl_str_eq(fl_buf_str(&one), fl_buf_str(&two)));
	fl_buf_fini(&one);
	fl_buf_fini(&two);
	fl_alloc_set_fini(&first);
	fl_alloc_set_fini(&second);
	return 0;
}
