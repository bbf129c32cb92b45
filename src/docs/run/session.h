/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session over a tree: every file is read once, by a pool of threads, each with a worker that
 * collects findings and facts of its own; what several files say of each other is judged when all
 * were read.
 */
#ifndef DOCS_RUN_SESSION_H
#define DOCS_RUN_SESSION_H

#include "docs/fact/fact.h"
#include "docs/read/kconfig.h"
#include "docs/run/jobs.h"

struct docs_comments;

struct docs_session {
	struct docs_tree *tree;
	const struct docs_opts *opts;
	struct docs_conf conf; /* what the tree says of its pages */
	struct docs_worker *workers; /* one a thread */
	unsigned int nr_workers;
	struct docs_jobs jobs;
	struct docs_comments *comments; /* that wait */
	bool whole; /* all of Documentation is read */
	bool quiet; /* the jobs are read for their facts alone */
	/* called for each file in place of reading it; NULL: files are read */
	void (*each)(void *ctx, struct docs_worker *w);
	void *each_ctx;
	struct docs_symbols symbols;
	struct docs_finding *v; /* all findings, sorted */
	size_t n;
};

int docs_session_init(struct docs_session *s, struct docs_tree *tree, const struct docs_opts *opts);
void docs_session_fini(struct docs_session *s);

/* Reads everything beneath @paths (relative to the tree; "" is all of it). */
int docs_session_paths(struct docs_session *s, const char *const *paths, size_t n);

/*
 * Calls @each for each file beneath @paths, in several threads, with the worker that has it: its path, and
 * its text in the sink. Nothing else is done with the file.
 */
int docs_session_each(struct docs_session *s, const char *const *paths, size_t n,
		      void (*each)(void *ctx, struct docs_worker *w), void *ctx);

/* Reads one text that is no file, as if it were @path. */
int docs_session_text(struct docs_session *s, const char *path, struct fl_str text);

/* Judges the files against each other, and sorts all findings into @v. */
int docs_session_finish(struct docs_session *s);

/* Sorts once more, when findings were added since. */
int docs_session_sort(struct docs_session *s);

#endif
