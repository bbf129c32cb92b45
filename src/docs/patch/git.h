/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of git, where the tree is a checkout: files as they were, and which have changed. */
#ifndef DOCS_GIT_H
#define DOCS_GIT_H

#include "base/buf.h"
#include "docs/tree/tree.h"

/* Is @rev a revision of the tree's repository? -ENOENT: no; -ENOEXEC: there is no git. */
int docs_git_verify(const struct docs_tree *t, const char *rev, struct fl_buf *hash);

/* @path as it is in @rev. -ENOENT where it is not there. */
int docs_git_show(const struct docs_tree *t, const char *rev, struct fl_str path, struct fl_buf *out);

/* Paths that differ between @rev and the files, each ended by NUL; new files too. */
int docs_git_changed(const struct docs_tree *t, const char *rev, struct fl_buf *out);

#endif
