/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent reads of others, by the first byte: a file of a question, a place to listen, an answer of a
 * receiver. A finding must lie in the text, and a place that was read is printed as one that can be read again.
 */
#include <assert.h>

#include "fleet/config/config.h"
#include "fleet/listen/place.h"
#include "fleet/otlp/encode.h"
#include "fuzz.h"

static void question(struct fl_str text)
{
	_cleanup_arena_ struct fl_arena place = {};
	struct fl_question *q = NULL;
	struct fl_diag d = {};

	if (fl_question_parse("q.conf", text, &q, &d, &place) == 0) {
		assert(q->n || q->sample);
	} else if (d.kind) {
		_cleanup_buf_ struct fl_buf shown = {};

		assert(d.span.start <= d.span.end && d.span.end <= text.n);
		fl_diag_render(&d, &shown);
	}
	fl_question_free(q);
	fl_diag_fini(&d);
}

static void place(struct fl_str text)
{
	_cleanup_buf_ struct fl_buf first = {}, second = {};
	struct sockaddr_storage a;
	socklen_t n;

	if (fl_place_parse(text, &a, &n) < 0)
		return;
	fl_place_print(&a, &first);
	assert(fl_place_parse(fl_buf_str(&first), &a, &n) == 0);
	fl_place_print(&a, &second);
	assert(fl_str_eq(fl_buf_str(&first), fl_buf_str(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_str text, why;

	if (!size)
		return 0;
	text = fl_str_n((const char *)data + 1, size - 1);
	if (data[0] == 'p') {
		place(text);
	} else if (data[0] == 'r') {
		fl_otlp_refused(text, &why);
		assert(why.n <= text.n);
	} else {
		question(text);
	}
	return 0;
}
