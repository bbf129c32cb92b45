/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synthetic events: what their fields' types mean, and how they are listed. Their place in the kernel's
 * record is the argument's offset: a word each, and 256 bytes for a string of a fixed size.
 */
#ifndef PROBE_EVENT_SYNTH_H
#define PROBE_EVENT_SYNTH_H

#include "probe/event/event.h"

#define FL_SYNTH_SYSTEM	    "synthetic"
#define FL_SYNTH_FIELDS_MAX 64
#define FL_SYNTH_STRING	    256 /* bytes of a string of a fixed size, in the record */

/*
 * What the kernel makes of a field's type, brackets included; @size is its declared size, 8 where it has
 * none. -EINVAL: it is none; -ENOENT: nobody knows such a type; -ERANGE or -EINVAL: brackets that are wrong.
 */
int fl_synth_type(struct fl_str text, const struct fl_fetch_type **ret, uint32_t *size);

/* Bytes of a field in the kernel's record. */
uint32_t fl_synth_room(const struct fl_probe_arg *field);

/* "%llu" and so on: how the kernel prints a field of that type. */
const char *fl_synth_conversion(const struct fl_fetch_type *t);

/* "NAME\tTYPE FIELD; ...", as synthetic_events shows it. */
void fl_synth_list(const struct fl_probe_event *e, struct fl_buf *out);

#endif
