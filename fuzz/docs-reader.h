/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a file of one kind: all checks run, and each finding lies within the text. */
#ifndef FUZZ_DOCS_READER_H
#define FUZZ_DOCS_READER_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "docs/report/report.h"
#include "docs/run/session.h"

static inline void fuzz_read(const char *path, const uint8_t *data, size_t size)
{
	struct docs_opts opts = { .level = FL_STYLE, .family = size % 2 ? DOCUTILS_21 : DOCUTILS_22, .threads = 1 };
	struct docs_tree tree = { .fd = -1, .doc = FL_STR("Documentation/") };
	char *text = malloc(size + 1);
	struct fl_buf out = {};
	struct docs_session run;
	size_t lines = 1;

	assert(text);
	if (size)
		memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	memset(&opts.want, 0xff, sizeof(opts.want));
	assert(docs_session_init(&run, &tree, &opts) == 0);
	docs_session_text(&run, path, fl_str_n(text, size));
	docs_session_finish(&run);
	for (size_t i = 0; i < run.n; i++) {
		assert(run.v[i].line <= lines + 1);
		assert(run.v[i].col <= size);
		docs_render(&run.v[i], false, &out);
		docs_render_json(&run.v[i], &out);
		docs_render_robot(&run.v[i], &out);
		for (const struct docs_edit *e = run.v[i].fix; e; e = e->next)
			assert(e->line && e->line <= lines + 1 && e->count <= lines);
	}
	fl_buf_fini(&out);
	docs_session_fini(&run);
	docs_tree_close(&tree);
	free(text);
}

#endif
