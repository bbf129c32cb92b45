/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A definition's filter against the record that its event makes. */
#ifndef PROBE_RECORD_FILTER_H
#define PROBE_RECORD_FILTER_H

#include "probe/record/layout.h"
#include "probe/filter/filter.h"
#include "probe/target/target.h"

/*
 * Parses @text. Names are the event's arguments, common_pid, comm and cpu; of an event probe, the
 * fields of the event that it hangs on (@format).
 * -EINVAL with @diag, whose column counts in @text.
 */
int fl_record_filter(struct fl_target *t, const struct fl_probe_event *e,
		    const struct fl_record_layout *l, const struct fl_format *format,
		    struct fl_str text, struct fl_filter *ret, struct fl_diag *diag);

#endif
