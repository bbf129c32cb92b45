/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a file that is named and is not there has gone. */
#ifndef DOCS_FIX_MOVED_H
#define DOCS_FIX_MOVED_H

#include "docs/tree/tree.h"

/*
 * The one file of @t that @name (a document or a source file, from the tree's top) can have become, or
 * NULL. The evidence is in the paths; where there is none, nothing is proposed.
 */
const char *docs_moved_to(struct docs_tree *t, struct fl_str name);

#endif
