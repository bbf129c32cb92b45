/* SPDX-License-Identifier: GPL-2.0-or-later */
/* printf's conversions, with the kernel's own that begin with "%p". */
#ifndef PROBE_PRINTFMT_CONVERT_H
#define PROBE_PRINTFMT_CONVERT_H

#include "probe/printfmt/private.h"

struct fl_conversion {
	bool left, zero, plus, space, alternate;
	bool star_width, star_precision; /* those come as arguments, in front of the value */
	bool has_precision;
	int width, precision;
	uint8_t size; /* of a number: 1, 2, 4, 8; 0: of a long */
	char type;    /* d u x X o c s p; '%' stands for itself */
	struct fl_str pointer; /* what follows a p: "S", "I6c" */
};

/*
 * The conversion behind a '%', cut off @rest. False where it is none that we know.
 * Of "%pX" all letters and digits that belong to X are taken.
 */
bool fl_conversion_take(struct fl_str *rest, struct fl_conversion *ret);

/* @v as the conversion says. */
void fl_convert_number(const struct fl_conversion *c, uint64_t v, const struct fl_print_record *rec,
		       struct fl_buf *out);
void fl_convert_text(const struct fl_conversion *c, struct fl_str text, struct fl_buf *out);
void fl_convert_pointer(const struct fl_conversion *c, const struct fl_value *v, const struct fl_print_record *rec,
			struct fl_buf *out);

#endif
