/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a patch does to one file. */
#ifndef DOCS_PATCH_CHANGE_H
#define DOCS_PATCH_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct docs_hunk {
	uint32_t line;		 /* in the patch */
	uint32_t old_start, old_count, new_start, new_count;
	struct fl_str text;	 /* its lines, marks included */
	bool corrupt;		 /* they are not those that its head counts */
	struct docs_hunk *next;
};

struct docs_change {
	struct fl_str old_path, new_path; /* p NULL: made, deleted */
	uint32_t line;
	struct docs_hunk *hunks;
	bool renames, copies, binary;
	bool named; /* its lines "---" and "+++" were there */
	uint32_t old_mode; /* that its head tells, as in st_mode; 0: none */
	const char *bad; /* what is wrong with its head, or NULL */
	bool git; /* a "diff --git" head names it */
	struct docs_change *next;
};

#endif
