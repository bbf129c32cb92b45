/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as patches and mails, on a tree of one file. What applies gives a text; applied or not,
 * paths stay within the tree.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "docs/patch/patch.h"
#include "fuzz.h"

static const char file[] = "one\ntwo\nthree\nfour\nfive\n";

static void check_paths(const struct docs_tree *t)
{
	fl_map_for_each(e, &t->overlay) {
		assert(e->key.n && e->key.p[0] != '/');
		assert(!memmem(e->key.p, e->key.n, "/../", 4) && !fl_str_starts(e->key, "../"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct docs_tree tree = { .fd = -1 };
	struct docs_set want;
	struct docs_sink sink = { .want = &want, .level = FL_STYLE };
	struct fl_arena arena = {};
	struct docs_mail *mails = NULL;
	char *text = malloc(size + 1);
	struct fl_str s;

	assert(text);
	if (size)
		memcpy(text, data, size);
	memset(&want, 0xff, sizeof(want));
	assert(docs_tree_put(&tree, FL_STR("f"), fl_str(file)) == 0);
	s = docs_mail_decode(&arena, fl_str_n(text, size));
	docs_sink_file(&sink, "patch", s);
	if (docs_patch_read(&arena, s, &mails) == 0 && docs_patch_apply(mails, &tree, &sink) == 0) {
		check_paths(&tree);
		for (const struct docs_mail *m = mails; m; m = m->next)
			docs_mail_check(m, &tree, &sink, true);
	}
	docs_sink_fini(&sink);
	docs_tree_close(&tree);
	fl_arena_fini(&arena);
	free(text);
	return 0;
}
