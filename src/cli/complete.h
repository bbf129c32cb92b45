/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What shells may complete. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "base/opt.h"

/* What a metavar stands for, where the program knows all values: one a line. */
struct fl_word_list {
	const char *metavar;
	void (*list)(struct fl_buf *out);
};

/*
 * What may stand for the last of @words (which may be empty, or the start of something), behind the
 * others: a line each, with a tab and a few words about it where there are some. ":files", ":dirs" and
 * ":commands" ask the shell for its own. @lists ends with a NULL metavar.
 */
void fl_cmd_complete(const struct fl_cmd *root, const struct fl_word_list *lists, char *const *words,
		     size_t n, struct fl_buf *out);
/* A shell's script that asks the program so; @shell is bash, zsh or fish. */
void fl_cmd_completion(const struct fl_cmd *root, const char *shell, struct fl_buf *out);

#endif
