/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The "print fmt" of an event's format file, which is C: a format string, and expressions over the
 * record. It is parsed once and says the text of each record, as the kernel's tracer would.
 *
 *	"comm=%s state=%s", REC->comm, __print_flags(REC->state, "|", { 1, "S" }, { 2, "D" })
 *
 * What a parser of that one line cannot know - functions of the kernel, names of its types' members -
 * makes it unsayable, and the caller shows the fields instead.
 */
#ifndef PROBE_PRINTFMT_PRINTFMT_H
#define PROBE_PRINTFMT_PRINTFMT_H

#include "base/arena.h"
#include "base/buf.h"
#include "btf/ksyms.h"
#include "probe/printfmt/printk.h"
#include "probe/record/abi.h"
#include "probe/target/formats.h"

struct fl_printfmt;

/* -EINVAL: it cannot be said; -ENOMEM. Everything lives in @arena, and @format too must. */
int fl_printfmt_parse(const struct fl_format *format, struct fl_abi abi, struct fl_arena *arena,
		      struct fl_printfmt **ret);

/* A record, and what its numbers may stand for. */
struct fl_print_record {
	struct fl_abi abi;
	const uint8_t *data; /* common fields included */
	size_t size;
	const struct fl_ksyms *ksyms;	/* NULL: addresses stay numbers */
	const struct fl_printk *printk; /* NULL: so do those of texts */
};

/* Appends the text. What lies outside of the record is shown as "(fault)" or 0, never read. */
void fl_printfmt_text(const struct fl_printfmt *p, const struct fl_print_record *rec, struct fl_buf *out);

/*
 * Most formats are numbers and texts of fields between words, and have a short way: fl_printfmt_put() writes
 * into room for fl_printfmt_room() bytes (0: there is no short way) and returns the place behind; NULL where
 * this record takes the long one, fl_printfmt_text(). @plain becomes false where other things are written than
 * printable ASCII.
 */
size_t fl_printfmt_room(const struct fl_printfmt *p);
char *fl_printfmt_put(const struct fl_printfmt *p, const struct fl_print_record *rec, char *at, bool *plain);

/*
 * Appends what the format calls the value of @field, where it has names for it that depend on no other field;
 * @rec needs to hold that field alone. False: it has none.
 */
bool fl_printfmt_field(const struct fl_printfmt *p, const struct fl_field *field, const struct fl_print_record *rec,
		       struct fl_buf *out);

#endif
