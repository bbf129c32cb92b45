/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel-doc comments that pages include, read as part of them. */
#ifndef DOCS_READ_COMMENTS_H
#define DOCS_READ_COMMENTS_H

#include "docs/fact/fact.h"

/* @v: @n facts of kind DOCS_FACT_KDOC (at least one), all of one source file. */
void docs_read_comments(struct docs_worker *w, const struct docs_fact *const *v, size_t n);

#endif
