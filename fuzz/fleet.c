/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent reads of others, by the first byte: a file of a question, a place to listen, an answer of a
 * receiver, a bundle. A finding must lie in the text, and a place that was read is printed as one that can be
 * read again.
 */
#include <assert.h>

#include "fleet/config/config.h"
#include "fleet/listen/place.h"
#include "fleet/otlp/encode.h"
#include "fuzz.h"
#include "probe/bundle/bundle.h"

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

/* What is found lies within the archive; its types are as hostile as any. */
static void bundle(struct fl_str text)
{
	struct fl_bundle *b;

	if (fl_bundle_read(text, &b) < 0)
		return;
	for (size_t i = 0; i < fl_bundle_nr_kernels(b); i++) {
		const struct fl_bundle_kernel *k = fl_bundle_kernel(b, i);
		struct fl_btf *btf;
		struct fl_diag d = {};

		assert(k->btf.p >= text.p && k->btf.p + k->btf.n <= text.p + text.n);
		assert(fl_bundle_find(b, &k->id));
		if (fl_btf_from_bytes(k->btf.p, k->btf.n, NULL, "vmlinux", &d, &btf) == 0)
			fl_btf_close(btf);
		fl_diag_fini(&d);
	}
	fl_bundle_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_str text, why;

	if (!size)
		return 0;
	text = fl_str_n((const char *)data + 1, size - 1);
	if (data[0] == 'p') {
		place(text);
	} else if (data[0] == 'b') {
		bundle(text);
	} else if (data[0] == 'r') {
		fl_otlp_refused(text, &why);
		assert(why.n <= text.n);
	} else {
		question(text);
	}
	return 0;
}
