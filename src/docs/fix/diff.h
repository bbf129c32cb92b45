/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unified diffs, as git writes them and git apply and patch(1) read them. */
#ifndef DOCS_FIX_DIFF_H
#define DOCS_FIX_DIFF_H

#include "base/buf.h"

/* Appends the diff that makes @new of @old, the text of the file @path; nothing where they are equal. */
int docs_diff(struct fl_buf *out, const char *path, struct fl_str old, struct fl_str new);

#endif
