/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The readers: each goes over the worker's file at hand, reports what is wrong in it, and keeps facts. */
#ifndef DOCS_READ_READ_H
#define DOCS_READ_READ_H

#include "docs/fact/fact.h"

void docs_read_bytes(struct docs_worker *w);	   /* any text: names of documents, sysfs paths, encoding */
void docs_read_page(struct docs_worker *w);	   /* reStructuredText */
void docs_read_mentions(struct docs_worker *w);	   /* source files and CONFIG names in a page's text */
void docs_read_maintainers(struct docs_worker *w); /* MAINTAINERS */

/* Keeps a target of the text at hand as a label. */
struct docs_fact *docs_label(struct docs_worker *w, struct fl_str name, const struct rst_fact *f);

/* Keeps a term or citation, or a reference to one, of the text at hand; NULL: @f is none. */
struct docs_fact *docs_page_name(struct docs_worker *w, const struct rst_fact *f);

/* The build makes a file of that name, which is not there before it. */
bool docs_generated(struct docs_worker *w, struct fl_str name);

#endif
