/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-epf-dma: the endpoint function that hands a controller's DMA engine to the host. It is
 * configured by attributes, bound to a controller, and from then on driven by the controller's
 * events and by what the host writes into the metadata.
 *
 * The behaviour is the posted driver's (see doc/guide), with its weaknesses mended unless
 * @seed_compat is asked for; doc/spec/epdma-deviations.rst lists each. One thread at a time.
 */
#ifndef EPDMA_ENDPOINT_EPF_H
#define EPDMA_ENDPOINT_EPF_H

#include "base/util.h"
#include "epdma/endpoint/epc.h"
#include "epdma/endpoint/epf-error.h"
#include "epdma/endpoint/submap.h"

struct fl_epf;

struct fl_epf_config {
	bool seed_compat;
	enum fl_epmd_layout layout; /* of the metadata that it writes; AUTO stands for A */
	struct fl_epc_header *shared_header; /* instead of one of its own; NULL with !seed_compat */
};

/* Ids 0xffff, class 0x0801, INTA: what a function starts with. */
extern const struct fl_epc_header fl_epf_default_header;

enum fl_epf_attr {
#define H(name, bits, doc) FL_EPF_##name,
#define V(name, bits, doc) FL_EPF_##name,
#define S(name, doc)	   FL_EPF_##name,
#include "epdma/endpoint/epf-attrs.def"
#undef H
#undef V
#undef S
	_FL_EPF_ATTR_MAX,
};

struct fl_epf_attr_info {
	const char *name;
	const char *doc;
	bool specific; /* in the function's own sub-directory */
};

extern const struct fl_epf_attr_info fl_epf_attrs[_FL_EPF_ATTR_MAX];

int fl_epf_new(const struct fl_epf_config *config, struct fl_epf **ret);
void fl_epf_free(struct fl_epf *f); /* unbinds first; NULL is allowed */

/* One attribute's text as configfs takes it (a final newline is allowed). @reterr may be NULL. */
int fl_epf_store(struct fl_epf *f, enum fl_epf_attr attr, struct fl_str text,
		 struct fl_epf_error *reterr);
void fl_epf_show(const struct fl_epf *f, enum fl_epf_attr attr, struct fl_buf *out);
int fl_epf_set(struct fl_epf *f, enum fl_epf_attr attr, int64_t v, struct fl_epf_error *reterr);
int64_t fl_epf_get(const struct fl_epf *f, enum fl_epf_attr attr);

/* Takes a function number of @epc, lays everything out, and catches up with epc_init. */
int fl_epf_bind(struct fl_epf *f, struct fl_epc *epc, struct fl_epf_error *reterr);
void fl_epf_unbind(struct fl_epf *f);
struct fl_epc *fl_epf_epc(const struct fl_epf *f); /* NULL: not bound */
unsigned int fl_epf_func(const struct fl_epf *f);

/* The layout of a bound function, for faces that show it. Pointers are good until it is unbound. */
struct fl_epf_view {
	int metadata_bar;
	const struct fl_epc_bar *metadata;
	uint64_t metadata_len;
	uint64_t msix_table, msix_pba, msix_end; /* offsets in the metadata BAR; 0: none */
	int window_bar;				 /* FL_NO_BAR: not needed */
	const struct fl_epc_bar *window;	 /* size 0: not needed */
	const struct fl_submaps *submaps;
	struct fl_epmd md; /* what the metadata says now */
	bool exposed;	   /* READY was set since it was bound */
	struct fl_epf_error last; /* of the deferred work; kind NULL: none */
};

int fl_epf_view(const struct fl_epf *f, struct fl_epf_view *ret); /* -ENODEV: not bound */

#endif
