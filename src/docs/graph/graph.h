/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of all workers, judged against each other. */
#ifndef DOCS_GRAPH_GRAPH_H
#define DOCS_GRAPH_GRAPH_H

#include "docs/fact/fact.h"

struct docs_graph {
	struct docs_worker *workers; /* whose facts these are */
	unsigned int nr_workers;
	struct docs_tree *tree;
	struct docs_sink *sink;	 /* that takes the findings */
	struct fl_map labels, toc;
	struct fl_map terms, lower_terms, citations, cited;
	struct fl_map sources; /* C files that the session was asked for */
};

void docs_graph_init(struct docs_graph *g, struct docs_worker *workers, unsigned int nr_workers);
void docs_graph_fini(struct docs_graph *g);

/* Some check that needs labels, toctrees or C names is asked for. */
bool docs_graph_wanted(const struct docs_graph *g);

/* Makes the maps from the facts that there are; again after more was read. */
void docs_graph_collect(struct docs_graph *g);

/* Something hangs in the air that pages not read yet could hold. */
bool docs_graph_unresolved(const struct docs_graph *g);

/* The same of comments that pages outside of the session's operands include. */
bool docs_graph_incomplete(const struct docs_graph *g);

/* Facts of pages that were read a second time, quietly, must not count twice. */
void docs_graph_drop_old(struct docs_graph *g);

/* All facts of one kind by file and line; to be freed. NULL when memory is short. */
const struct docs_fact **docs_graph_sorted(const struct docs_graph *g, enum docs_fact_kind kind, size_t *ret_n);

/* Reports. @symbols: the names that Kconfig defines. */
void docs_graph_judge(struct docs_graph *g, const struct fl_map *symbols);

#endif
