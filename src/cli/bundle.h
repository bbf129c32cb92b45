/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --bundle BUNDLE: the types of kernels that have none of their own, of trace and agent. */
#ifndef CLI_BUNDLE_H
#define CLI_BUNDLE_H

#include "base/file.h"
#include "probe/bundle/bundle.h"

#define CLI_BUNDLE_HELP "what 'probe bundle' made: its types, where this kernel has none"

struct cli_bundle {
	const char *path;
	struct fl_file file;
	struct fl_bundle *b; /* NULL: none was asked for */
};

/* 0 or -errno, when it has been said. */
int fl_cli_bundle_open(const char *path, struct cli_bundle *ret);
void fl_cli_bundle_close(struct cli_bundle *c);

/* The running kernel gets the types that it lacks. -ENOENT where it is not covered: which kernels are is said. */
int fl_cli_bundle_lend(const struct cli_bundle *c, struct fl_target *t);

#endif
