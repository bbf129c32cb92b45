/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a page shows or offers: pictures, listings, downloads. */
#ifndef DOCS_READ_ASSETS_H
#define DOCS_READ_ASSETS_H

#include "docs/fact/fact.h"

/*
 * A page's name as Sphinx writes it: from the pages' folder where it begins with "/", else from here. @end is put
 * behind it; with one it is a page, and does not lead out of the pages' folder.
 */
bool docs_page_path(const struct docs_worker *w, const char *page, struct fl_str name, const char *end, char *out,
		    size_t size);

/* Tells where the file is not there, in Sphinx's words around its name. Patterns and addresses are no files. */
void docs_asset_named(struct docs_worker *w, const struct rst_fact *f, struct fl_str name, const char *before,
		      const char *after);

/* A directive whose argument is such a file, and what it wants of it. */
void docs_asset_directive(struct docs_worker *w, const struct rst_fact *f);

/* The text behind ":start-after:" and before ":end-before:" of an include is in the file at @path. */
void docs_included_part(struct docs_worker *w, const struct rst_fact *f, const char *path);

#endif
