/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/help.h"

#include "probe/lang/parse.h"

void fl_probe_help(const struct fl_parse *p, struct fl_diag *diag)
{
	(void)p;
	(void)diag;
}
