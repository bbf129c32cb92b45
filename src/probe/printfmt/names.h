/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What events themselves call the values of their fields: the parts of a "print fmt" that name one field's
 * value and look at no other field, as __print_symbolic(REC->type, ...) and __print_flags() do.
 */
#ifndef PROBE_PRINTFMT_NAMES_H
#define PROBE_PRINTFMT_NAMES_H

#include "probe/printfmt/printfmt.h"
#include "probe/record/schema.h"

struct fl_field_names;

/* Formats that it is asked about must outlive it. */
int fl_field_names_new(struct fl_field_names **ret);
void fl_field_names_free(struct fl_field_names *names);
struct fl_field_namer *fl_field_names_namer(struct fl_field_names *names);

#endif
