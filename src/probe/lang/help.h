/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one right next step, where there is one. */
#ifndef PROBE_LANG_HELP_H
#define PROBE_LANG_HELP_H

struct fl_diag;
struct fl_parse;

/* Adds help to @diag, the last fault of @p, where there is any. */
void fl_probe_help(const struct fl_parse *p, struct fl_diag *diag);

#endif
