/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "foreland docs": the group. */
#include "cli/cmds.h"

extern const struct fl_cmd fl_cmd_docs_check, fl_cmd_docs_lsp;

static const struct fl_cmd *const subs[] = {
	&fl_cmd_docs_check,
	&fl_cmd_docs_lsp,
	NULL,
};

const struct fl_cmd fl_cmd_docs = {
	.name = "docs",
	.summary = "Check kernel documentation",
	.subs = subs,
};
