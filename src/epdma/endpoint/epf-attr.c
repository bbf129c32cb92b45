// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes. The header's fields and the vector counts answer every text that is no number of their
 * width with -EINVAL, as Linux's common attributes do; the function's own ones tell -ERANGE apart.
 */
#include "epdma/endpoint/epf-private.h"

#include <errno.h>

#include "base/num.h"

const struct fl_epf_attr_info fl_epf_attrs[_FL_EPF_ATTR_MAX] = {
#define H(nm, bits, text) [FL_EPF_##nm] = { .name = #nm, .doc = text },
#define V(nm, bits, text) [FL_EPF_##nm] = { .name = #nm, .doc = text },
#define S(nm, text)	  [FL_EPF_##nm] = { .name = #nm, .doc = text, .specific = true },
#include "epdma/endpoint/epf-attrs.def"
#undef H
#undef V
#undef S
};

/* A C number with an optional sign and one newline behind it: what Linux's kstrto*() take. */
static int parse_number(struct fl_str text, int64_t *ret)
{
	if (fl_str_ends(text, "\n"))
		text.n--;
	return fl_parse_s64(text, 0, ret);
}

static int set_bar(struct fl_epf *f, unsigned int which, int64_t v, struct fl_epf_error *e)
{
	if (v != FL_NO_BAR && (v < 0 || v >= FL_EPDMA_NR_BARS || v == f->bars[!which]))
		return fl_epf_refuse(e, FL_EPDMA_ATTR_VALUE, 0, "BAR %lld", (long long)v);
	f->bars[which] = (int)v;
	return 0;
}

static int set_chans(struct fl_epf *f, unsigned int dir, int64_t v, struct fl_epf_error *e)
{
	if (v > FL_EPDMA_MAX_CHANS)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_CHANS, 0, "%lld of at most %d", (long long)v,
				     FL_EPDMA_MAX_CHANS);
	f->chans[dir] = (uint16_t)v;
	return 0;
}

/* Bits that the attribute's value has; the two BARs are signed ints. */
static int check_width(enum fl_epf_attr attr, int64_t v, struct fl_epf_error *e)
{
	int64_t max = INT32_MAX, min = INT32_MIN;
	int err = 0;

	switch (attr) {
#define H(name, bits, doc)                                                                         \
	case FL_EPF_##name:                                                                        \
		max = (1 << (bits)) - 1;                                                           \
		min = 0;                                                                           \
		err = -EINVAL;                                                                     \
		break;
#define V H
#define S(name, doc)
#include "epdma/endpoint/epf-attrs.def"
#undef H
#undef V
#undef S
	case FL_EPF_wr_chans:
	case FL_EPF_rd_chans:
		max = UINT16_MAX;
		min = 0;
		break;
	default:
		break;
	}
	if (v < 0 && min == 0)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_NUMBER, 0, "%lld is negative", (long long)v);
	if (v > max || v < min)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_RANGE, err, "%lld is not in %lld to %lld",
				     (long long)v, (long long)min, (long long)max);
	return 0;
}

int fl_epf_set(struct fl_epf *f, enum fl_epf_attr attr, int64_t v, struct fl_epf_error *e)
{
	int r;

	if (fl_epf_attrs[attr].specific && f->epc)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_BOUND, 0, "%s", fl_epf_attrs[attr].name);
	r = check_width(attr, v, e);
	if (r)
		return r;
	switch (attr) {
#define H(name, bits, doc)                                                                         \
	case FL_EPF_##name:                                                                        \
		f->header->name = (uint##bits##_t)v;                                               \
		return 0;
#define V(name, bits, doc)
#define S(name, doc)
#include "epdma/endpoint/epf-attrs.def"
#undef H
#undef V
#undef S
	case FL_EPF_msi_interrupts:
	case FL_EPF_msix_interrupts:
		f->vectors[attr == FL_EPF_msix_interrupts] = (uint16_t)v;
		return 0;
	case FL_EPF_metadata_bar:
	case FL_EPF_dma_window_bar:
		return set_bar(f, attr == FL_EPF_dma_window_bar, v, e);
	case FL_EPF_wr_chans:
	case FL_EPF_rd_chans:
		return set_chans(f, attr == FL_EPF_rd_chans ? FL_EPDMA_READ : FL_EPDMA_WRITE, v, e);
	default:
		return -EINVAL;
	}
}

int fl_epf_store(struct fl_epf *f, enum fl_epf_attr attr, struct fl_str text,
		 struct fl_epf_error *e)
{
	int64_t v;
	int r;

	if (fl_epf_attrs[attr].specific && f->epc)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_BOUND, 0, "%s", fl_epf_attrs[attr].name);
	r = parse_number(text, &v);
	if (r == -ERANGE && fl_epf_attrs[attr].specific)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_RANGE, 0, "%.*s", FL_STR_ARG(fl_str_trim(text)));
	if (r)
		return fl_epf_refuse(e, FL_EPDMA_ATTR_NUMBER, 0, "\"%.*s\"",
				     FL_STR_ARG(fl_str_trim(text)));
	return fl_epf_set(f, attr, v, e);
}

int64_t fl_epf_get(const struct fl_epf *f, enum fl_epf_attr attr)
{
	switch (attr) {
#define H(name, bits, doc)                                                                         \
	case FL_EPF_##name:                                                                        \
		return f->header->name;
#define V(name, bits, doc)
#define S(name, doc)
#include "epdma/endpoint/epf-attrs.def"
#undef H
#undef V
#undef S
	case FL_EPF_msi_interrupts:
	case FL_EPF_msix_interrupts:
		return f->vectors[attr == FL_EPF_msix_interrupts];
	case FL_EPF_metadata_bar:
	case FL_EPF_dma_window_bar:
		return f->bars[attr == FL_EPF_dma_window_bar];
	case FL_EPF_wr_chans:
		return f->chans[FL_EPDMA_WRITE];
	case FL_EPF_rd_chans:
		return f->chans[FL_EPDMA_READ];
	default:
		return 0;
	}
}

void fl_epf_show(const struct fl_epf *f, enum fl_epf_attr attr, struct fl_buf *out)
{
	bool hex = attr < FL_EPF_msi_interrupts;

	fl_buf_addf(out, hex ? "0x%04llx\n" : "%lld\n", (long long)fl_epf_get(f, attr));
}
