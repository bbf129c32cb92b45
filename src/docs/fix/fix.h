/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixes: what has one right answer, as a diff or written. Each is applied to a copy in memory and
 * the file is checked again: a fix whose finding does not go away, or that brings new ones, is not
 * offered.
 */
#ifndef DOCS_FIX_H
#define DOCS_FIX_H

#include "docs/run/session.h"

struct docs_fixed {
	size_t fixes, files;
	size_t refused; /* those that made something worse */
	const char *failed; /* the file that could not be written */
};

/* Appends a unified diff of all fixes of @run's findings to @diff; @write puts them into the tree. */
int docs_fix(struct docs_session *run, bool write, struct fl_buf *diff, struct docs_fixed *ret);

#endif
