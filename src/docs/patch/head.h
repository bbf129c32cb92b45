/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a change that begins with "diff --git", read as git apply reads it. */
#ifndef DOCS_PATCH_HEAD_H
#define DOCS_PATCH_HEAD_H

#include "docs/patch/change.h"

struct docs_git_head {
	struct fl_arena *arena;
	struct docs_change *change;
	struct fl_str name;	 /* that both sides of the first line have; p NULL: they differ */
	struct fl_str old, new;	 /* that the lines below it tell; p NULL: none yet */
	bool is_new, is_delete, is_ended;
	unsigned int nr_lines;	 /* below the first */
	unsigned int nr_kinds;	 /* of new, deleted, renamed and copied */
	uint32_t new_mode;
};

/* A name as a diff has it, out of its quotes where it has any. */
struct fl_str docs_diff_unquote(struct fl_arena *a, struct fl_str s);
/* A name as "--- a/name<TAB>date" has it, without its first folder; p NULL for /dev/null. */
struct fl_str docs_diff_path(struct fl_arena *a, struct fl_str s);

/* @line may stand below "diff --git". */
bool docs_git_head_takes(struct fl_str line);

/* @sides: what follows "diff --git ". */
void docs_git_head_start(struct docs_git_head *h, struct fl_arena *a, struct docs_change *c, struct fl_str sides);

/* A line below it. False where git's head ends before it. */
bool docs_git_head_line(struct docs_git_head *h, struct fl_str line);

/* Gives the change its names; docs_change.bad tells what is wrong with them. */
void docs_git_head_end(struct docs_git_head *h);

#endif
