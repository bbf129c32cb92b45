/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C names that a page declares by "c:function::" and its like, each within what it stands in. */
#ifndef DOCS_READ_CNAMES_H
#define DOCS_READ_CNAMES_H

#include "docs/fact/fact.h"

#define DOCS_C_SCOPES 16

/* Where in a page we are. */
struct docs_c_scope {
	struct fl_str path; /* of the namespace; n 0: none */
	struct fl_str outer[DOCS_C_SCOPES]; /* those that were pushed */
	unsigned int depth;
	const char *domain; /* whose names need no prefix */
};

/* True where @f is a directive of the C domain, whose names are now facts. */
bool docs_c_directive(struct docs_worker *w, struct rst_fact *f, struct docs_c_scope *s);

/* A role of the C domain whose text is @target. */
void docs_c_role(struct docs_worker *w, const struct rst_fact *f, struct fl_str target);

#endif
