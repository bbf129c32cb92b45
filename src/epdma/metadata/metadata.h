/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a metadata block as a table, for code that lists or writes single ones. */
#ifndef EPDMA_METADATA_METADATA_H
#define EPDMA_METADATA_METADATA_H

#include <foreland/epdma.h>

enum fl_epmd_field {
#define F(where, id, off, hi, lo, name, doc) FL_MD_##id,
#define R(where, id, off, hi, lo)	     FL_MD_##id,
#include "epdma/metadata/metadata.def"
#undef F
#undef R
	_FL_MD_FIELD_MAX,
};

/* Where a field occurs. */
enum fl_epmd_where {
	FL_MD_IN_A = 1 << 0,
	FL_MD_IN_B = 1 << 1,
	FL_MD_IN_HDR = FL_MD_IN_A | FL_MD_IN_B,
	FL_MD_IN_CH = 1 << 2,
};

struct fl_epmd_field_info {
	enum fl_epmd_where where;
	const char *name; /* NULL: reserved */
	const char *doc;
	uint16_t offset;
	uint8_t hi, lo;
};

extern const struct fl_epmd_field_info fl_epmd_fields[_FL_MD_FIELD_MAX];

/* @base: 0 for the header's fields, else the channel entry's offset. The bytes must be there. */
uint64_t fl_epmd_get(const void *blob, size_t base, enum fl_epmd_field f);
void fl_epmd_put(void *blob, size_t base, enum fl_epmd_field f, uint64_t v);
bool fl_epmd_fits(enum fl_epmd_field f, uint64_t v);

size_t fl_epmd_hdr_len(enum fl_epmd_layout layout);

#endif
