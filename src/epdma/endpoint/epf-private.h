/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoint function's inside, shared by epf*.c. */
#ifndef EPDMA_ENDPOINT_EPF_PRIVATE_H
#define EPDMA_ENDPOINT_EPF_PRIVATE_H

#include "epdma/endpoint/epf.h"
#include "epdma/metadata/reason.h"

#define FL_EPF_MAX_MSI	32
#define FL_EPF_MAX_MSIX 2048

/* One channel that the host gets: its resources, and where its descriptors are seen. */
struct fl_epf_chan {
	const struct fl_epc_aux *chan, *desc;
	bool delegated;
	unsigned int handle;
	int bar;
	uint64_t offset;
};

struct fl_epf {
	struct fl_epf_config config;
	/* attributes */
	struct fl_epc_header own_header, *header;
	uint16_t vectors[2]; /* MSI, MSI-X */
	int bars[2];	     /* metadata, window; FL_NO_BAR */
	uint16_t chans[_FL_EPDMA_DIR_MAX];

	/* while bound */
	struct fl_epc *epc;
	unsigned int func;
	struct fl_timer request_timer;
	struct fl_epc_aux *aux;
	size_t nr_aux;
	const struct fl_epc_aux *ctrl;
	struct fl_epf_chan chan[_FL_EPDMA_DIR_MAX][FL_EPDMA_MAX_CHANS];
	int md_bar, win_bar;
	int ctrl_bar;
	uint64_t ctrl_offset;
	uint64_t md_len, md_end;
	uint64_t msix_table, msix_pba, msix_end;
	struct fl_epc_bar md, win;
	uint32_t block[(FL_EPMD_HDR_LEN_B + 2 * FL_EPDMA_MAX_CHANS * FL_EPMD_ENTRY_LEN) / 4];
	struct fl_submaps submaps;

	bool submaps_programmed;
	bool exposed;
	bool refused; /* this request could not be served; wait for the next */
	uint64_t backoff;
	struct fl_epf_error last;
};


/* epf-resources.c: f->aux, ctrl and chan[], all channels handed over. */
int fl_epf_collect(struct fl_epf *f, struct fl_epf_error *e);
void fl_epf_release(struct fl_epf *f);

/* epf-layout.c: BARs chosen, memory allocated, submaps planned, metadata written. */
int fl_epf_lay_out(struct fl_epf *f, struct fl_epf_error *e);
void fl_epf_free_layout(struct fl_epf *f);

static inline enum fl_epmd_layout fl_epf_layout(const struct fl_epf *f)
{
	return f->config.layout == FL_EPMD_B ? FL_EPMD_B : FL_EPMD_A;
}

#endif
