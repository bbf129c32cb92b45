/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "foreland docs": the group. */
#include "cli/cmds.h"

extern const struct fl_cmd fl_cmd_docs_check;

static const struct fl_cmd *const subs[] = {
	&fl_cmd_docs_check,
	NULL,
};

const struct fl_cmd fl_cmd_docs = {
	.name = "docs",
	.summary = "Check kernel documentation",
	.subs = subs,
};
